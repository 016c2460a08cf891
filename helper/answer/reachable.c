// SPDX-License-Identifier: MIT
#include "answer/describe/tally.h"

// What an object keeps reachable, as lists of object numbers.
struct reach {
	struct rs_vec list; // uint32_t, breadth first
	struct rs_vec level; // uint32_t: distance of each
	struct rs_vec retained; // uint32_t
};

static uint64_t bytes_of(const struct rs_graph *g, const struct rs_vec *list)
{
	const uint32_t *number = rs_vec_items(list, uint32_t);
	const size_t n = rs_vec_count(list, uint32_t);
	uint64_t bytes = 0;

	for (size_t i = 0; i < n; i++)
		bytes += rs_graph_size(g, number[i]);
	return bytes;
}

static void
write_sum(struct rs_json *j, const char *key, uint64_t objects, uint64_t bytes)
{
	rs_json_key(j, key);
	rs_json_begin_object(j);
	rs_json_key_uint(j, "objects", objects);
	rs_json_key_uint(j, "bytes", bytes);
	rs_json_end_object(j);
}

// @return false when not all types were written.
static bool write_types(struct rs_report *report, const char *key,
			const struct rs_tally_rows *rows, uint64_t limit)
{
	struct rs_json *j = &report->json;
	uint32_t i = 0;

	rs_json_key(j, key);
	rs_json_begin_array(j);
	for (; i < rows->n && !rs_report_full(i, limit); i++) {
		rs_json_begin_object(j);
		rs_json_key_string(j, "type", rows->row[i].name);
		rs_json_key_uint(j, "objects", rows->row[i].tally.objects);
		rs_json_key_uint(j, "bytes", rows->row[i].tally.bytes);
		rs_json_end_object(j);
	}
	rs_json_end_array(j);
	return i == rows->n;
}

static struct rs_error *tally(const struct rs_graph *g,
			      const struct rs_vec *list,
			      struct rs_tally_rows *ret)
{
	const uint32_t *number = rs_vec_items(list, uint32_t);
	const size_t n = rs_vec_count(list, uint32_t);
	struct rs_tally *sum = NULL;
	struct rs_error *err = rs_block_new(g->types, sizeof(*sum), &sum);

	if (err)
		return err;
	for (size_t i = 0; i < n; i++) {
		struct rs_tally *t = &sum[g->type[number[i]]];
		t->objects++;
		t->bytes += rs_graph_size(g, number[i]);
	}
	err = rs_tally_sort(g, sum, RS_SORT_BYTES, ret);
	rs_block_free(sum, g->types, sizeof(*sum));
	return err;
}

// @return false when not all objects were written.
static bool
write_list(struct rs_report *report, const struct reach *r, uint64_t limit)
{
	struct rs_json *j = &report->json;
	const uint32_t *number = rs_vec_items(&r->list, uint32_t);
	const uint32_t *level = rs_vec_items(&r->level, uint32_t);
	const size_t n = rs_vec_count(&r->list, uint32_t);
	size_t i = 0;

	for (; i < n && !rs_report_full(i, limit); i++) {
		rs_json_begin_object(j);
		rs_json_key_uint(j, "depth", level[i]);
		rs_report_key_object(report, "object", number[i]);
		rs_json_end_object(j);
	}
	return i == n;
}

static struct rs_error *
find(struct rs_report *report, uint32_t object, uint32_t depth, struct reach *r)
{
	const struct rs_progress *progress = &report->session->progress;
	struct rs_error *err = rs_graph_reachable(
		report->graph, object, depth ? depth : UINT32_MAX, progress,
		&r->list, &r->level);

	if (err)
		return err;
	return rs_graph_retained(
		report->graph, object, rs_vec_items(&r->list, uint32_t),
		rs_vec_count(&r->list, uint32_t), progress, &r->retained);
}

static struct rs_error *answer(struct rs_report *report, uint32_t object,
			       uint32_t depth, struct reach *r, bool list,
			       uint64_t limit, char **ret)
{
	const struct rs_graph *g = report->graph;
	struct rs_json *j = &report->json;
	struct rs_tally_rows rows = {0};
	struct rs_error *err = find(report, object, depth, r);

	if (err || (err = tally(g, &r->list, &rows)))
		return err;
	const uint64_t objects = rs_vec_count(&r->list, uint32_t);
	const uint64_t bytes = bytes_of(g, &r->list);
	const uint64_t kept = rs_vec_count(&r->retained, uint32_t);
	const uint64_t kept_bytes = bytes_of(g, &r->retained);

	rs_json_begin_object(j);
	rs_report_key_object(report, "object", object);
	rs_json_key_uint(j, "objects", objects);
	rs_json_key_uint(j, "bytes", bytes);
	rs_json_key(j, "depth");
	if (depth)
		rs_json_uint(j, depth);
	else
		rs_json_null(j);
	write_sum(j, "retained", kept, kept_bytes);
	write_sum(j, "shared", objects - kept, bytes - kept_bytes);
	bool all = write_types(report, "types", &rows, limit);
	rs_tally_rows_fini(&rows);
	if ((err = tally(g, &r->retained, &rows)))
		return err;
	all &= write_types(report, "retained_types", &rows, limit);
	rs_tally_rows_fini(&rows);
	rs_json_key(j, "list");
	rs_json_begin_array(j);
	if (list)
		all &= write_list(report, r, limit);
	rs_json_end_array(j);
	rs_json_key_bool(j, "limited", !all);
	return rs_report_take(report, ret);
}

struct rs_error *rs_answer_reachable(struct rs_session *session,
				     uint64_t object, uint32_t depth, bool list,
				     uint64_t limit, char **ret)
{
	RS_NEED_SESSION(session);
	RS_AUTO_REPORT struct rs_report report = {0};
	struct reach r = {0};
	struct rs_error *err;
	uint32_t n;

	err = rs_report_open_at(&report, session, object, &n);
	if (!err)
		err = answer(&report, n, depth, &r, list, limit, ret);
	rs_vec_fini(&r.list);
	rs_vec_fini(&r.level);
	rs_vec_fini(&r.retained);
	return err;
}
