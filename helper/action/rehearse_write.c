// SPDX-License-Identifier: MIT
#include "action/rehearsal.h"
#include "base/search.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum { RS_DIFFERS_SIZE = 256 };

static struct rs_error *
found_sorted(const struct rs_acting *a, struct rs_vec *ret)
{
	const struct rs_rehearsed_object *o =
		rs_vec_items(&a->came.object, struct rs_rehearsed_object);
	const size_t n =
		rs_vec_count(&a->came.object, struct rs_rehearsed_object);
	struct rs_error *err = NULL;

	for (size_t i = 0; i < n && !err; i++)
		err = rs_vec_append(ret, &o[i].address, sizeof(o[i].address));
	rs_vec_sort_u64(ret);
	return err;
}

/** How many objects only one of both found. */
struct difference {
	uint64_t predicted, found;
};

static struct rs_error *compare(const struct rs_acting *a, struct difference *d)
{
	const struct rs_graph *g = a->prediction.graph;
	const uint8_t *fate = a->prediction.result.fate;
	struct rs_vec came = {0};
	struct rs_error *err = found_sorted(a, &came);
	const uint64_t *address = rs_vec_items(&came, uint64_t);
	const size_t n = rs_vec_count(&came, uint64_t);
	size_t k = 0;

	*d = (struct difference){0};
	for (uint32_t i = 0; i < g->objects && !err; i++) {
		if (!rs_report_unreachable(fate[i]))
			continue;
		for (; k < n && address[k] < g->address[i]; k++)
			d->found++;
		if (k < n && address[k] == g->address[i])
			k++;
		else
			d->predicted++;
	}
	d->found += n - k;
	rs_vec_fini(&came);
	return err;
}

RS_PRINTF(2, 3)
static void say(struct rs_json *j, const char *format, ...)
{
	char text[RS_DIFFERS_SIZE];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	rs_json_string(j, text);
}

static const struct rs_collector_result *
interpreter_of(const struct rs_acting *a)
{
	const struct rs_vec *each = &a->prediction.each;
	const int64_t id = a->what.interpreter < 0 ? 0 : a->what.interpreter;

	for (size_t i = 0; i < rs_vec_count(each, struct rs_collector_result);
	     i++) {
		const struct rs_collector_result *one =
			&rs_vec_items(each, struct rs_collector_result)[i];

		if (!one->name && one->id == id)
			return one;
	}
	return NULL;
}

static void
write_counts(struct rs_acting *a, const struct rs_collector_result *one)
{
	const uint64_t foretold =
		one ? one->unreachable : a->prediction.result.unreachable;
	const struct rs_returns *r = &a->prediction.returns;
	const struct rs_rehearsed *came = &a->came;
	const uint64_t found =
		rs_vec_count(&came->object, struct rs_rehearsed_object);
	struct rs_json *j = a->json;

	if (!a->limited && found != foretold)
		say(j,
		    "the collector found %" PRIu64 " objects, reading %" PRIu64,
		    found, foretold);
	if (came->alive)
		say(j,
		    "%" PRIu64 " of the objects found live on: code that ran "
		    "first (finalizers, callbacks) holds them again",
		    came->alive);
	if (!a->limited && came->returned < found && !came->alive)
		say(j,
		    "%" PRIu64 " of the objects found were not counted: code "
		    "that ran first (%s) freed them",
		    found - came->returned,
		    r->decides ? r->decides : "finalizers");
	if (!a->limited && came->returned > found)
		say(j,
		    "%" PRIu64 " more were counted than found: weak "
		    "references with callbacks",
		    came->returned - found);
	if (a->prediction.has_returns && !one &&
	    (came->returned < r->low || came->returned > r->high))
		say(j,
		    "gc.collect() returned %" PRIu64 ", predicted: %" PRIu64
		    " to %" PRIu64,
		    came->returned, r->low, r->high);
	if (!one && came->garbage != a->prediction.garbage)
		say(j,
		    "gc.garbage then had %" PRIu64 " objects, predicted: "
		    "%" PRIu64,
		    came->garbage, a->prediction.garbage);
}

static struct rs_error *write_differs(struct rs_acting *a)
{
	const struct rs_collector_result *one = interpreter_of(a);
	struct rs_json *j = a->json;
	struct difference d = {0};
	struct rs_error *err = NULL;

	rs_json_key(j, "differs");
	rs_json_begin_array(j);
	if (a->has_prediction && !one && !a->limited &&
	    !(err = compare(a, &d))) {
		if (d.predicted)
			say(j,
			    "%" PRIu64 " objects that reading calls "
			    "unreachable were not found",
			    d.predicted);
		if (d.found)
			say(j,
			    "%" PRIu64 " objects were found that reading does "
			    "not call unreachable",
			    d.found);
	}
	if (a->has_prediction && !err)
		write_counts(a, one);
	rs_json_end_array(j);
	return err;
}

static void write_prediction(struct rs_acting *a)
{
	const struct rs_prediction *p = &a->prediction;
	const struct rs_collector_result *one = interpreter_of(a);
	struct rs_json *j = a->json;

	rs_json_key(j, "predicted");
	if (!a->has_prediction) {
		rs_json_null(j);
		return;
	}
	rs_json_begin_object(j);
	rs_json_key_uint(j, "unreachable",
			 one ? one->unreachable : p->result.unreachable);
	rs_json_key_uint(j, "uncollectable",
			 one ? one->uncollectable : p->result.uncollectable);
	if (!one)
		rs_json_key_uint(j, "garbage", p->garbage);
	if (p->has_returns && !one) {
		rs_json_key(j, "returns");
		rs_json_begin_array(j);
		rs_json_uint(j, p->returns.low);
		rs_json_uint(j, p->returns.high);
		rs_json_end_array(j);
	}
	rs_json_end_object(j);
}

static void write_objects(struct rs_acting *a)
{
	const struct rs_rehearsed_object *o =
		rs_vec_items(&a->came.object, struct rs_rehearsed_object);
	const size_t n =
		rs_vec_count(&a->came.object, struct rs_rehearsed_object);
	struct rs_json *j = a->json;
	size_t i = 0;

	rs_json_key(j, "objects");
	rs_json_begin_array(j);
	for (; i < n && !rs_report_full(i, a->limit); i++) {
		rs_json_begin_object(j);
		rs_json_key_address(j, "id", o[i].address);
		rs_json_key(j, "type");
		rs_json_stringn(j, o[i].type, o[i].type_size);
		rs_json_key_string(j, "fate",
				   o[i].uncollectable ? "uncollectable"
				   : o[i].alive	      ? "alive"
						      : "freed");
		rs_json_end_object(j);
	}
	rs_json_end_array(j);
	a->limited |= i < n;
}

static void write_left(struct rs_acting *a)
{
	const uint32_t *number = rs_vec_items(&a->watch, uint32_t);
	const size_t n = rs_vec_count(&a->watch, uint32_t);
	struct rs_json *j = a->json;
	uint64_t left = 0;

	rs_json_key(j, "left");
	rs_json_begin_array(j);
	for (size_t i = 0; i < n; i++) {
		if (rs_vec_has_u64(&a->came.freed,
				   a->report.graph->address[number[i]]))
			continue;
		if (!rs_report_full(left, a->limit))
			rs_report_object(&a->report, number[i]);
		left++;
	}
	rs_json_end_array(j);
	rs_json_key_uint(j, "left_total", left);
	a->limited |= a->limit && left > a->limit;
}

static void write_dropped(struct rs_acting *a)
{
	struct rs_json *j = a->json;

	rs_json_key(j, "dropped");
	rs_json_begin_object(j);
	rs_report_key_object(&a->report, "object", a->holder);
	rs_json_key_string(j, "label", a->label);
	rs_json_key_address(j, "to", a->what.target);
	rs_json_end_object(j);
	rs_vec_sort_u64(&a->came.freed);
	rs_json_key_uint(j, "watched", rs_vec_count(&a->watch, uint32_t));
	rs_json_key_uint(j, "freed_at_once",
			 rs_vec_count(&a->came.dropped, uint64_t));
	rs_json_key_uint(j, "freed", rs_vec_count(&a->came.freed, uint64_t));
	rs_json_key_uint(j, "cleared", a->came.cleared);
	write_left(a);
}

static void write_printed(struct rs_acting *a)
{
	const struct rs_image_called *c = &a->called;
	const char *text = c->text[RS_RUN_PRINTED];
	const uint64_t size = text ? c->size[RS_RUN_PRINTED] : 0;

	rs_json_key(a->json, "printed");
	rs_json_stringn(a->json, text ? text : "", size);
	a->limited |= size < c->whole[RS_RUN_PRINTED];
}

static void write_memory(struct rs_acting *a)
{
	rs_json_key(a->json, "memory");
	rs_json_begin_object(a->json);
	rs_json_key_uint(a->json, "needed", a->needed);
	rs_json_key_uint(a->json, "allowed", a->allowed);
	rs_json_end_object(a->json);
}

static struct rs_error *write_all(struct rs_acting *a)
{
	const struct rs_rehearsed *came = &a->came;
	struct rs_json *j = a->json;
	struct rs_error *err = NULL;

	rs_json_begin_object(j);
	rs_json_key_int(j, "generation", a->what.generation);
	rs_json_key(j, "interpreter");
	if (a->what.interpreter < 0)
		rs_json_null(j);
	else
		rs_json_int(j, a->what.interpreter);
	write_memory(a);
	if (a->what.holder)
		write_dropped(a);
	rs_json_key_uint(
		j, "unreachable",
		rs_vec_count(&came->object, struct rs_rehearsed_object));
	rs_json_key_uint(j, "uncollectable", came->uncollectable);
	rs_json_key_uint(j, "returned", came->returned);
	rs_json_key_uint(j, "garbage_before", came->garbage_before);
	rs_json_key_uint(j, "garbage", came->garbage);
	if (!a->what.holder) {
		write_prediction(a);
		err = write_differs(a);
	}
	write_objects(a);
	write_printed(a);
	rs_json_key_bool(j, "limited", a->limited);
	rs_json_key_uint(j, "ready_us", a->called.ready_ns / 1000);
	rs_json_key_uint(j, "run_us", a->called.run_ns / 1000);
	return err;
}

struct rs_error *rs_acting_write(struct rs_acting *a, char **ret)
{
	struct rs_error *err;
	struct rs_json own;

	if (a->what.holder) { // objects are written by way of the report
		a->json = &a->report.json;
		err = write_all(a);
		return err ? rs_report_checked(a->session, err)
			   : rs_report_take(&a->report, ret);
	}
	rs_json_init(&own, -1);
	a->json = &own;
	err = write_all(a);
	rs_report_problems(&own, a->session, false);
	rs_report_completeness(&own, a->session);
	rs_json_end_object(&own);
	return rs_report_end(a->session, &own, err, ret);
}
