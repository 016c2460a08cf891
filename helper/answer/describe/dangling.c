// SPDX-License-Identifier: MIT
#include "answer/describe/dangling.h"

#include <stdio.h>

enum { RS_SHOWN = 20 }; // entries of each list

void rs_dangling_label(struct rs_report *report, uint32_t source,
		       uint64_t target, char *buf, size_t size)
{
	const struct rs_graph *g = report->graph;
	struct rs_runtime *rt = rs_session_runtime(report->session, g, source);
	struct rs_refs *refs = &report->reading.refs;

	buf[0] = '\0';
	report->reading.source = RS_NONE; // what it held is gone
	rs_session_read_refs(report->session, g, source, refs);
	for (uint32_t i = 0; i < refs->n; i++)
		if (refs->target[i] == target && refs->label) {
			rt->ops->label(rt, &refs->label[i], buf, size);
			return;
		}
}

static void write_dangling(struct rs_report *report,
			   const struct rs_dangling *d, uint64_t references)
{
	struct rs_json *j = &report->json;
	struct rs_runtime *rt =
		rs_session_runtime(report->session, report->graph, d->source);
	char text[RS_TEXT_SIZE] = "memory that holds no object";
	char label[RS_LABEL_SIZE];

	rs_dangling_label(report, d->source, d->target, label, sizeof(label));
	if (rt->ops->freed_text)
		rt->ops->freed_text(rt, d->target, text, sizeof(text));
	rs_json_begin_object(j);
	rs_report_key_object(report, "object", d->source);
	rs_json_key_uint(j, "references", references);
	rs_json_key_string(j, "label", label);
	rs_json_key_address(j, "target", d->target);
	rs_json_key_string(j, "there", text);
	rs_json_end_object(j);
}

// Those of one holder stand side by side.
static void write_danglings(struct rs_report *report)
{
	const struct rs_graph *g = report->graph;
	struct rs_json *j = &report->json;
	const struct rs_dangling *d =
		rs_vec_items(&g->dangling, struct rs_dangling);
	const size_t n = rs_vec_count(&g->dangling, struct rs_dangling);
	unsigned shown = 0;
	size_t i = 0;

	rs_json_key(j, "dangling");
	rs_json_begin_object(j);
	rs_json_key_uint(j, "references", g->danglings);
	rs_json_key(j, "holders");
	rs_json_begin_array(j);
	while (i < n && shown < RS_SHOWN) {
		size_t end = i + 1;

		while (end < n && d[end].source == d[i].source)
			end++;
		write_dangling(report, &d[i], end - i);
		shown++;
		i = end;
	}
	rs_json_end_array(j);
	rs_json_key_bool(j, "limited", i < n || n < g->danglings);
	rs_json_end_object(j);
}

static bool is_zero(const struct rs_graph *g, uint32_t i)
{
	return g->count[i] == 0 &&
	       !(g->flags[i] &
		 (RS_OBJ_IMMORTAL | RS_OBJ_DEFERRED | RS_OBJ_TRACKED));
}

// Objects that a program's mistake has brought to 0 and that cannot be freed.
static struct rs_error *write_zeros(struct rs_report *report)
{
	const struct rs_graph *g = report->graph;
	struct rs_json *j = &report->json;
	uint32_t *holders = NULL;
	unsigned shown = 0;
	bool any = false;

	for (uint32_t i = 0; i < g->objects && !any; i++)
		any = is_zero(g, i);
	if (!any)
		return NULL;
	struct rs_error *err =
		rs_block_new(g->objects, sizeof(*holders), &holders);
	if (err)
		return err;
	for (uint64_t e = 0; e < g->references; e++)
		holders[rs_edge_target(g->out[e])]++; // counted or not
	rs_json_key(j, "count_zero");
	rs_json_begin_array(j);
	for (uint32_t i = 0; i < g->objects && shown < RS_SHOWN; i++) {
		if (!is_zero(g, i) || !holders[i])
			continue;
		rs_json_begin_object(j);
		rs_report_key_object(report, "object", i);
		rs_json_key_int(j, "count", rs_graph_count(g, i));
		rs_json_key_uint(j, "references", holders[i]);
		rs_json_end_object(j);
		shown++;
	}
	rs_json_end_array(j);
	rs_block_free(holders, g->objects, sizeof(*holders));
	return NULL;
}

struct rs_error *rs_report_dangling(struct rs_report *report)
{
	if (report->graph->danglings)
		write_danglings(report);
	return write_zeros(report);
}
