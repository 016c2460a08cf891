// SPDX-License-Identifier: MIT
#include "answer/describe/garbage_marks.h"
#include "answer/describe/tally.h"

// What both kinds of entries end with.
static void
write_tally(struct rs_report *report, const struct rs_tally_row *row)
{
	const struct rs_type_row *type = &report->graph->type_row[row->type];
	struct rs_json *j = &report->json;

	rs_json_key_uint(j, "objects", row->tally.objects);
	rs_json_key_uint(j, "bytes", row->tally.bytes);
	rs_json_key_uint(j, "unreachable", row->tally.unreachable);
	rs_json_key_string(j, "runtime",
			   report->session->runtime[type->runtime]->ops->name);
}

static void write_row(struct rs_report *report, const struct rs_tally_row *row)
{
	const struct rs_type_row *type = &report->graph->type_row[row->type];
	struct rs_json *j = &report->json;

	rs_json_begin_object(j);
	rs_json_key_string(j, "type", type->name);
	rs_json_key_address(j, "id", type->address);
	write_tally(report, row);
	rs_json_end_object(j);
}

static void write_name(struct rs_report *report, const struct rs_tally_row *row)
{
	struct rs_json *j = &report->json;

	rs_json_begin_object(j);
	rs_json_key_string(j, "name", row->name);
	rs_json_key_uint(j, "types", row->types);
	rs_json_key_address(j, "id", row->address);
	write_tally(report, row);
	rs_json_end_object(j);
}

// Write "names": one entry for all types that are called the same.
static void write_names(struct rs_report *report,
			const struct rs_tally_rows *rows, uint64_t limit)
{
	struct rs_json *j = &report->json;

	rs_json_key(j, "names");
	rs_json_begin_array(j);
	for (uint32_t i = 0; i < rows->n && !rs_report_full(i, limit); i++)
		write_name(report, &rows->row[i]);
	rs_json_end_array(j);
	rs_json_key_uint(j, "names_total", rows->n);
}

static void write_rows(struct rs_report *report,
		       const struct rs_tally_rows *rows, uint64_t unseen,
		       uint64_t limit)
{
	struct rs_json *j = &report->json;
	uint64_t objects = 0, bytes = 0;
	uint32_t shown = 0;

	for (uint32_t i = 0; i < rows->n; i++) {
		objects += rows->row[i].tally.objects;
		bytes += rows->row[i].tally.bytes;
	}
	rs_json_begin_object(j);
	rs_json_key_uint(j, "objects", objects);
	rs_json_key_uint(j, "bytes", bytes);
	rs_json_key(j, "types");
	rs_json_begin_array(j);
	for (; shown < rows->n && !rs_report_full(shown, limit); shown++)
		write_row(report, &rows->row[shown]);
	rs_json_end_array(j);
	rs_json_key_uint(j, "total", rows->n);
	if (unseen)
		rs_json_key_uint(j, "unseen", unseen);
	rs_report_key_unreferenced(j, report->graph);
	rs_json_key_bool(j, "limited", shown < rows->n);
}

static struct rs_error *
answer(struct rs_report *report, enum rs_sort sort, uint64_t limit, char **ret)
{
	const struct rs_collect_result *result = NULL;
	struct rs_tally *tally = NULL;
	struct rs_tally_rows rows = {0};
	const uint32_t types = report->graph->types;
	uint64_t unseen = 0;
	struct rs_error *err = rs_report_full_collection(report, &result);

	if (err || (err = rs_report_unseen(report, &unseen)) ||
	    (err = rs_block_new(types, sizeof(*tally), &tally)))
		return err;
	rs_graph_types(report->graph, result, tally);
	err = rs_tally_sort(report->graph, tally, sort, &rows);
	rs_block_free(tally, types, sizeof(*tally));
	if (err)
		return err;
	write_rows(report, &rows, unseen, limit);
	if (!(err = rs_tally_merge(report, sort, &rows)))
		write_names(report, &rows, limit);
	rs_tally_rows_fini(&rows);
	return err ? err : rs_report_take(report, ret);
}

struct rs_error *rs_answer_types(struct rs_session *session, const char *sort,
				 uint64_t limit, char **ret)
{
	RS_NEED_SESSION(session);
	RS_AUTO_REPORT struct rs_report report = {0};
	enum rs_sort by;
	struct rs_error *err;

	if (!sort || strcmp(sort, "count") == 0)
		by = RS_SORT_COUNT;
	else if (strcmp(sort, "bytes") == 0)
		by = RS_SORT_BYTES;
	else if (strcmp(sort, "name") == 0)
		by = RS_SORT_NAME;
	else
		return rs_error_new(RS_EARGUMENT,
				    "cannot sort types by \"%s\": "
				    "use count, bytes or name",
				    sort);
	err = rs_report_open(&report, session, -1);
	return err ? err : answer(&report, by, limit, ret);
}
