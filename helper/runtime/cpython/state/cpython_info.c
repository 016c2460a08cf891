// SPDX-License-Identifier: MIT
#include "base/json.h"
#include "runtime/cpython/state/discover.h"

#include <errno.h>

enum {
	RS_TEXT = 1024,
	RS_FRAMES_TOLD = 200, // of one thread
	RS_COLLECTED = 3, // generations with a threshold
};

// Source: CPython Modules/gcmodule.c, the DEBUG_ bits of 2.7 and 3.x.
static const struct {
	int bit;
	const char *name;
} debug_names[] = {
	{1, "stats"},	  {2, "collectable"}, {4, "uncollectable"},
	{8, "instances"}, {16, "objects"},    {32, "saveall"},
};

static void code_text(struct rs_cpython *py, struct rs_json *json,
		      const char *key, uint64_t code, enum rs_field field)
{
	char text[RS_TEXT];

	rs_json_key(json, key);
	if (rs_py_string(py, rs_py_get(py, code, field), text, sizeof(text)))
		rs_json_string(json, text);
	else
		rs_json_null(json);
}

// @param[in,out] at A frame before which none is of this thread; they come in
// the order of their threads.
static void tell_frames(struct rs_cpython *py, struct rs_json *json,
			const struct rs_vec *frames, uint32_t thread,
			size_t *at)
{
	const struct rs_py_frame *frame =
		rs_vec_items(frames, struct rs_py_frame);
	const size_t n = rs_vec_count(frames, struct rs_py_frame);
	unsigned told = 0;

	while (*at < n && frame[*at].thread < thread)
		++*at;
	rs_json_key(json, "frames");
	rs_json_begin_array(json);
	for (size_t i = *at; i < n && frame[i].thread == thread; i++) {
		if (told++ == RS_FRAMES_TOLD)
			break;
		rs_json_begin_object(json);
		code_text(py, json, "function", frame[i].code,
			  RS_F_PyCodeObject__co_name);
		code_text(py, json, "file", frame[i].code,
			  RS_F_PyCodeObject__co_filename);
		rs_json_key_uint(json, "line", rs_py_frame_line(py, &frame[i]));
		rs_json_end_object(json);
	}
	rs_json_end_array(json);
}

static void tell_thread(struct rs_cpython *py, struct rs_json *json,
			const struct rs_py_thread *thread,
			const struct rs_vec *frames, uint32_t index, size_t *at)
{
	rs_json_begin_object(json);
	rs_json_key(json, "tid");
	if (thread->tid)
		rs_json_int(json, thread->tid);
	else
		rs_json_null(json);
	rs_json_key_address(json, "ident", thread->ident);
	rs_json_key_int(json, "interpreter",
			py->interpreter[thread->interpreter].id);
	rs_json_key_bool(json, "holds_gil", thread->holds_gil);
	tell_frames(py, json, frames, index, at);
	rs_json_end_object(json);
}

static void tell_threads(struct rs_cpython *py, struct rs_json *json)
{
	struct rs_vec threads = {0}, frames = {0};
	struct rs_error *err = rs_py_threads(py, &threads);
	size_t at = 0;
	const struct rs_py_thread *thread =
		rs_vec_items(&threads, struct rs_py_thread);
	const size_t n = rs_vec_count(&threads, struct rs_py_thread);

	if (!err)
		err = rs_py_frames(py, &frames);
	rs_json_key(json, "threads");
	rs_json_begin_array(json);
	for (size_t i = 0; i < n && !err; i++)
		tell_thread(py, json, &thread[i], &frames, (uint32_t)i, &at);
	rs_json_end_array(json);
	if (err)
		json->failed = ENOMEM;
	rs_error_free(err);
	rs_vec_fini(&threads);
	rs_vec_fini(&frames);
}

static void tell_allocator(const struct rs_cpython *py, struct rs_json *json)
{
	const struct rs_py_heap *heap = &py->heap;

	rs_json_key(json, "allocator");
	if (!heap->swept) {
		rs_json_null(json);
		return;
	}
	rs_json_begin_object(json);
	const char *debug =
		heap->mimalloc ? "mimalloc_debug" : "pymalloc_debug";
	const char *usual = heap->mimalloc ? "mimalloc" : "pymalloc";

	rs_json_key_string(json, "name",
			   !heap->arenas ? "malloc"
			   : heap->debug ? debug
					 : usual);
	rs_json_key_uint(json, "arenas", heap->arenas);
	rs_json_key_uint(json, "pools", heap->pools);
	rs_json_key_uint(json, "blocks", heap->blocks);
	rs_json_key_uint(json, "objects", heap->objects);
	rs_json_key_uint(json, "free_list", heap->dead);
	rs_json_key_uint(json, "other", heap->other);
	rs_json_key(json, "large");
	if (heap->large < 0)
		rs_json_null(json);
	else
		rs_json_int(json, heap->large);
	rs_json_end_object(json);
}

void rs_py_info(struct rs_runtime *rt, struct rs_json *json)
{
	struct rs_cpython *py = rs_cpython(rt);

	rs_json_key_string(json, "version", py->version_text);
	rs_json_key_string(json, "layout", py->layout_text);
	rs_json_key_string(json, "module", py->module->path);
	rs_json_key_uint(json, "interpreters", py->interpreters);
	tell_allocator(py, json);
	tell_threads(py, json);
}

static void tell_flag(struct rs_json *json, const char *key, int value)
{
	rs_json_key(json, key);
	if (value < 0)
		rs_json_null(json);
	else
		rs_json_bool(json, value != 0);
}

static void tell_debug(struct rs_json *json, int64_t debug)
{
	rs_json_key(json, "debug");
	if (debug < 0) {
		rs_json_null(json);
		return;
	}
	rs_json_begin_array(json);
	for (size_t i = 0; i < sizeof(debug_names) / sizeof(*debug_names); i++)
		if (debug & debug_names[i].bit)
			rs_json_string(json, debug_names[i].name);
	rs_json_end_array(json);
}

static void tell_int(struct rs_cpython *py, struct rs_json *json,
		     const char *key, uint64_t head, enum rs_field field)
{
	uint32_t value = 0;

	if (rs_memory_u32(py->base.memory,
			  head + (uint64_t)rs_py_off(py, field), &value))
		rs_json_key_int(json, key, (int32_t)value);
}

// 3.4 and later count what each generation's collections did.
static void tell_stats(struct rs_cpython *py, struct rs_json *json, uint64_t gc,
		       unsigned generation)
{
	static const struct {
		const char *key;
		enum rs_field field;
	} part[] = {
		{"collections", RS_F_gc_generation_stats__collections},
		{"collected", RS_F_gc_generation_stats__collected},
		{"uncollectable", RS_F_gc_generation_stats__uncollectable},
	};
	const int32_t at =
		rs_py_off(py, RS_F__gc_runtime_state__generation_stats);
	const int32_t size = rs_py_off(py, RS_F_gc_generation_stats___size);
	const uint64_t stats = gc + (uint64_t)at + generation * (uint64_t)size;

	for (size_t i = 0; i < sizeof(part) / sizeof(*part); i++) {
		rs_json_key(json, part[i].key);
		if (!gc || at < 0 || size <= 0)
			rs_json_null(json);
		else
			rs_json_uint(json, rs_py_get(py, stats, part[i].field));
	}
}

static void tell_generations(struct rs_cpython *py, struct rs_json *json,
			     const struct rs_py_interpreter *of,
			     const uint64_t count[RS_PY_GENERATIONS])
{
	// Free-threaded builds have the counters without the lists.
	const uint64_t counters =
		of->gc +
		(uint64_t)rs_py_off(py, RS_F__gc_runtime_state__generations);

	rs_json_key(json, "generations");
	rs_json_begin_array(json);
	for (unsigned g = 0; g < RS_COLLECTED; g++) {
		const uint64_t at =
			py->threaded ? counters + g * py->generation_stride
				     : of->head[g];

		rs_json_begin_object(json);
		tell_int(py, json, "threshold", at,
			 RS_F_gc_generation__threshold);
		tell_int(py, json, "count", at, RS_F_gc_generation__count);
		rs_json_key_uint(json, "objects", count[g]);
		tell_stats(py, json, of->gc, g);
		rs_json_end_object(json);
	}
	rs_json_end_array(json);
	rs_json_key(json, "frozen");
	if (of->head[RS_COLLECTED] || py->threaded)
		rs_json_uint(json, count[RS_COLLECTED]);
	else
		rs_json_null(json);
}

// The collector of one interpreter, which may be that of all.
static struct rs_error *
tell_collector(struct rs_cpython *py, struct rs_json *json, unsigned number)
{
	struct rs_runtime *rt = &py->base;
	const bool alone = rt->collectors <= 1;
	struct rs_found found = {0};
	struct rs_vec garbage = {0};
	uint64_t count[RS_PY_GENERATIONS] = {0};
	struct rs_py_gcstate state;
	struct rs_error *err = alone ? rs_py_find(rt, NULL, &found, NULL)
				     : rs_py_members(rt, number, &found, NULL);

	if (!err)
		err = alone ? rs_py_garbage(rt, &garbage)
			    : rs_py_garbage_of(py, number, &garbage);
	const uint16_t *mark = rs_vec_items(&found.mark, uint16_t);
	for (size_t i = 0; i < rs_vec_count(&found.mark, uint16_t); i++)
		count[mark[i] & RS_OBJ_GENERATION]++;

	rs_py_gcstate(py, number, &state);
	tell_flag(json, "enabled", state.enabled);
	if (alone)
		state.collecting = rt->gc_collecting	  ? 1
				   : py->collecting_known ? 0
							  : -1;
	tell_flag(json, "collecting", state.collecting);
	tell_debug(json, state.debug);
	tell_generations(py, json, &py->interpreter[number], count);
	rs_json_key_uint(json, "garbage", rs_vec_count(&garbage, uint64_t));
	rs_vec_fini(&garbage);
	rs_vec_fini(&found.address);
	rs_vec_fini(&found.mark);
	return err;
}

void rs_py_gc(struct rs_runtime *rt, struct rs_json *json)
{
	struct rs_cpython *py = rs_cpython(rt);
	struct rs_error *err = tell_collector(py, json, 0);

	if (rt->collectors > 1) {
		rs_json_key(json, "interpreters");
		rs_json_begin_array(json);
		for (unsigned i = 0; i < rt->collectors && !err; i++) {
			rs_json_begin_object(json);
			rs_json_key_int(json, "id", py->interpreter[i].id);
			err = tell_collector(py, json, i);
			rs_json_end_object(json);
		}
		rs_json_end_array(json);
	}
	if (err)
		json->failed = ENOMEM;
	rs_error_free(err);
}
