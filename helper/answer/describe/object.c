// SPDX-License-Identifier: MIT
#include "answer/describe/report.h"

#include <inttypes.h>
#include <stdio.h>

void rs_report_key_count(struct rs_json *json, const struct rs_graph *graph,
			 uint32_t number)
{
	rs_json_key(json, "count");
	if (graph->flags[number] & RS_OBJ_IMMORTAL)
		rs_json_null(json);
	else
		rs_json_int(json, rs_graph_count(graph, number));
}

void rs_report_facts(struct rs_json *json, const struct rs_graph *graph,
		     uint32_t number)
{
	rs_json_key_address(json, "id", graph->address[number]);
	rs_json_key_string(json, "type", rs_report_type(graph, number));
	rs_report_key_count(json, graph, number);
	rs_json_key_uint(json, "size", rs_graph_size(graph, number));
	rs_json_key_string(json, "gc", rs_report_gc(graph, number));
}

void rs_report_object(struct rs_report *report, uint32_t number)
{
	char owner[RS_OWNER_SIZE];
	const struct rs_graph *g = report->graph;
	struct rs_json *j = &report->json;
	struct rs_runtime *rt = rs_session_runtime(report->session, g, number);
	char text[RS_TEXT_SIZE] = "";

	rs_json_begin_object(j);
	if (!rs_report_goes_on(report)) {
		rs_json_end_object(j); // of an answer that is given up
		return;
	}
	rs_report_facts(j, g, number);
	if (rs_report_own_name(report->session, g, number, owner,
			       sizeof(owner)))
		rs_json_key_string(j, "name", owner);
	rt->ops->text(rt, g->address[number], text, sizeof(text));
	rs_json_key_string(j, "text", text);
	rs_json_key_string(j, "runtime", rt->ops->name);
	if (rs_report_owner(report, number, owner, sizeof(owner)))
		rs_json_key_string(j, "of", owner);
	if (rs_graph_is_unreferenced(g, number))
		rs_json_key_string(j, "found", "malloc block");
	rs_json_end_object(j);
}

void rs_report_key_unreferenced(struct rs_json *json,
				const struct rs_graph *graph)
{
	const uint32_t *one = rs_vec_items(&graph->unreferenced, uint32_t);
	const size_t n = rs_vec_count(&graph->unreferenced, uint32_t);
	uint64_t bytes = 0;

	if (!n)
		return;
	for (size_t i = 0; i < n; i++)
		bytes += rs_graph_size(graph, one[i]);
	rs_json_key(json, "unreferenced");
	rs_json_begin_object(json);
	rs_json_key_uint(json, "objects", n);
	rs_json_key_uint(json, "bytes", bytes);
	rs_json_end_object(json);
}

void rs_report_key_object(struct rs_report *report, const char *key,
			  uint32_t number)
{
	rs_json_key(&report->json, key);
	rs_report_object(report, number);
}
