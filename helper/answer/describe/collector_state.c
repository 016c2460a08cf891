// SPDX-License-Identifier: MIT
#include "answer/describe/collector_state.h"

static void write_tristate(struct rs_json *j, const char *key, int value)
{
	rs_json_key(j, key);
	if (value == RS_GC_UNKNOWN)
		rs_json_null(j);
	else
		rs_json_bool(j, value != 0);
}

static void write_known(struct rs_json *j, const char *key, int64_t value)
{
	rs_json_key(j, key);
	if (value == RS_GC_UNKNOWN)
		rs_json_null(j);
	else
		rs_json_int(j, value);
}

static void write_flags(struct rs_json *j, const struct rs_gc_info *gc)
{
	rs_json_key(j, "debug");
	if (gc->flags == RS_GC_UNKNOWN) {
		rs_json_null(j);
		return;
	}
	rs_json_begin_array(j);
	for (int i = 0; i < gc->flags; i++)
		rs_json_string(j, gc->flag[i]);
	rs_json_end_array(j);
}

static void write_generations(struct rs_json *j, const struct rs_gc_info *gc)
{
	rs_json_key(j, "generations");
	rs_json_begin_array(j);
	for (unsigned i = 0; i < gc->generations; i++) {
		const struct rs_gc_generation *g = &gc->generation[i];

		rs_json_begin_object(j);
		if (g->has_threshold)
			rs_json_key_int(j, "threshold", g->threshold);
		if (g->has_count)
			rs_json_key_int(j, "count", g->count);
		rs_json_key_uint(j, "objects", g->objects);
		write_known(j, "collections", g->collections);
		write_known(j, "collected", g->collected);
		write_known(j, "uncollectable", g->uncollectable);
		rs_json_end_object(j);
	}
	rs_json_end_array(j);
}

// How long ago is by the clock of this machine, which may be another's.
static void write_collections(struct rs_json *j, const struct rs_memory *memory,
			      const struct rs_gc_info *gc)
{
	static const char *const clocks[] = {NULL, "now", "core file"};
	int64_t time = 0;
	const enum rs_clock clock = rs_memory_clock(memory, &time);

	if (!gc->keeps_collections)
		return;
	rs_json_key(j, "last_collections");
	rs_json_begin_array(j);
	for (unsigned i = 0; i < gc->collections; i++) {
		const struct rs_gc_collection *one = &gc->collection[i];
		const bool known =
			clock != RS_CLOCK_UNKNOWN && time >= one->stop;

		rs_json_begin_object(j);
		rs_json_key_uint(j, "generation", one->generation);
		write_known(j, "ago_ns",
			    known ? time - one->stop : RS_GC_UNKNOWN);
		rs_json_key_int(j, "duration_ns", one->duration);
		rs_json_key_int(j, "collected", one->collected);
		rs_json_key_int(j, "uncollectable", one->uncollectable);
		rs_json_key_int(j, "candidates", one->candidates);
		rs_json_key_int(j, "heap_size", one->heap_size);
		rs_json_end_object(j);
	}
	rs_json_end_array(j);
	rs_json_key(j, "ago_by");
	if (clocks[clock])
		rs_json_string(j, clocks[clock]);
	else
		rs_json_null(j);
}

static struct rs_error *
write_one(struct rs_json *j, struct rs_runtime *rt, unsigned number)
{
	struct rs_gc_info gc;
	struct rs_error *err = rt->ops->gc(rt, number, &gc);

	if (err)
		return err;
	write_tristate(j, "enabled", gc.enabled);
	write_tristate(j, "collecting", gc.collecting);
	write_flags(j, &gc);
	if (gc.policy)
		rs_json_key_string(j, "policy", gc.policy);
	write_generations(j, &gc);
	write_known(j, "frozen", gc.frozen);
	rs_json_key_uint(j, "garbage", gc.garbage);
	write_collections(j, rt->memory, &gc);
	return NULL;
}

struct rs_error *rs_collector_write(struct rs_json *json, struct rs_runtime *rt)
{
	struct rs_error *err = write_one(json, rt, 0);

	if (err || rt->collectors <= 1)
		return err;
	rs_json_key(json,
		    rt->ops->collector_name ? "registries" : "interpreters");
	rs_json_begin_array(json);
	for (unsigned i = 0; i < rt->collectors && !err; i++) {
		rs_json_begin_object(json);
		rs_json_key_int(json, "id", rt->ops->collector_id(rt, i));
		if (rt->ops->collector_name)
			rs_json_key_string(json, "module",
					   rt->ops->collector_name(rt, i));
		err = write_one(json, rt, i);
		rs_json_end_object(json);
	}
	rs_json_end_array(json);
	return err;
}
