// SPDX-License-Identifier: MIT
#include "answer/describe/report.h"

// @param own A flag that all objects of a runtime have, or NULL.
static void write_flags(struct rs_json *j, unsigned flags, const char *own)
{
	static const struct {
		unsigned bit;
		const char *name;
	} known[] = {
		{RS_OBJ_GC, "gc"},
		{RS_OBJ_TRACKED, "tracked"},
		{RS_OBJ_FINALIZER, "finalizer"},
		{RS_OBJ_LEGACY, "legacy"},
		{RS_OBJ_FINALIZED, "finalized"},
		{RS_OBJ_IMMORTAL, "immortal"},
		{RS_OBJ_STATIC, "static"},
		{RS_OBJ_TYPE, "type"},
		{RS_OBJ_INSTANCE, "instance"},
		{RS_OBJ_DEFERRED, "deferred count"},
		{RS_OBJ_UNTRACKS, "untracked by a collection"},
	};

	rs_json_begin_array(j);
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (flags & known[i].bit)
			rs_json_string(j, known[i].name);
	}
	if (own)
		rs_json_string(j, own);
	if (flags & RS_OBJ_INEXACT)
		rs_json_string(j, "inexact");
	rs_json_end_array(j);
}

static uint64_t
write_references(struct rs_report *report, uint32_t number, uint64_t limit)
{
	const struct rs_graph *g = report->graph;
	struct rs_json *j = &report->json;
	uint64_t shown = 0;

	rs_json_begin_array(j);
	for (uint32_t e = g->out_start[number];
	     e < g->out_start[number + 1] && !rs_report_full(shown, limit);
	     e++, shown++) {
		rs_json_begin_object(j);
		rs_json_key_string(j, "kind",
				   rs_report_kind(rs_edge_kind(g->out[e])));
		rs_report_key_label(report, number, e);
		rs_report_key_object(report, "object",
				     rs_edge_target(g->out[e]));
		rs_json_end_object(j);
	}
	rs_json_end_array(j);
	return shown;
}

// What the object shows without owning it: that is no part of its size.
static void write_view(struct rs_report *report, uint32_t number)
{
	const struct rs_graph *g = report->graph;
	struct rs_runtime *rt = rs_session_runtime(report->session, g, number);
	struct rs_json *j = &report->json;
	struct rs_viewed view;

	if (!rt->ops->viewed || !rt->ops->viewed(rt, g->address[number], &view))
		return;
	rs_json_key(j, view.mapped ? "maps" : "views");
	rs_json_begin_object(j);
	rs_json_key_uint(j, "bytes", view.bytes);
	if (!view.mapped) {
		const uint32_t of = rs_graph_find(g, view.of);

		if (of == RS_NONE) {
			rs_json_key(j, "object");
			rs_json_null(j);
		} else {
			rs_report_key_object(report, "object", of);
		}
	}
	rs_json_end_object(j);
}

struct rs_error *rs_answer_show(struct rs_session *session, uint64_t object,
				uint64_t limit, char **ret)
{
	RS_NEED_SESSION(session);
	RS_AUTO_REPORT struct rs_report report = {0};
	struct rs_json *j = &report.json;
	const struct rs_collect_result *result = NULL;
	struct rs_error *err;
	uint32_t n;

	if ((err = rs_report_open_at(&report, session, object, &n)) ||
	    (err = rs_report_reverse(&report)) ||
	    (err = rs_report_full_collection(&report, &result)))
		return err;

	const struct rs_graph *g = report.graph;
	const unsigned flags = g->flags[n];
	const uint64_t total = g->out_start[n + 1] - g->out_start[n];

	rs_json_begin_object(j);
	rs_report_key_object(&report, "object", n);
	rs_json_key(j, "flags");
	write_flags(j, flags, rs_session_runtime(session, g, n)->ops->flag);
	rs_json_key(j, "generation");
	if (flags & RS_OBJ_TRACKED)
		rs_json_uint(j, flags & RS_OBJ_GENERATION);
	else
		rs_json_null(j);
	rs_json_key_bool(j, "unreachable",
			 rs_report_unreachable(result->fate[n]));
	write_view(&report, n);
	rs_json_key(j, "references");
	const uint64_t shown = write_references(&report, n, limit);
	rs_json_key_uint(j, "total", total);
	rs_json_key_bool(j, "limited", shown < total);
	return rs_report_take(&report, ret);
}
