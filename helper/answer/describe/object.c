// SPDX-License-Identifier: MIT
#include "answer/describe/report.h"

#include <inttypes.h>
#include <stdio.h>

const char *rs_report_type(const struct rs_graph *graph, uint32_t number)
{
	const uint32_t type = graph->type[number];

	return type < graph->types ? graph->type_row[type].name : "?";
}

const char *rs_report_gc(const struct rs_graph *graph, uint32_t number)
{
	const unsigned flags = graph->flags[number];

	if (flags & RS_OBJ_TRACKED)
		return "tracked";
	return flags & RS_OBJ_GC ? "untracked" : "none";
}

const char *rs_report_kind(enum rs_kind kind)
{
	static const char *const name[] = {
		[RS_STRONG] = "strong",
		[RS_OWNED] = "owned",
		[RS_WEAK] = "weak",
		[RS_GUESS] = "guess",
	};

	return name[kind];
}

const char *rs_report_root_kind(unsigned kind)
{
	static const char *const name[] = {
		[RS_ROOT_LOCAL] = "local",
		[RS_ROOT_FRAME] = "frame",
		[RS_ROOT_THREAD] = "thread",
		[RS_ROOT_INTERPRETER] = "interpreter",
		[RS_ROOT_MODULES] = "modules",
		[RS_ROOT_NATIVE] = "native",
		[RS_ROOT_WORD] = "word",
		[RS_ROOT_GARBAGE] = "garbage",
	};

	return kind < sizeof(name) / sizeof(*name) ? name[kind] : "?";
}

const char *
rs_report_root_text(const struct rs_graph *graph, const struct rs_root *root)
{
	return (const char *)graph->root_text.data + root->label;
}

void rs_report_name(const struct rs_report *report, uint32_t number, char *buf,
		    size_t size)
{
	(void)snprintf(buf, size, "<%.200s 0x%" PRIx64 ">",
		       rs_report_type(report->graph, number),
		       report->graph->address[number]);
}

int64_t rs_report_count(const struct rs_graph *graph, uint32_t number)
{
	if (graph->flags[number] & RS_OBJ_IMMORTAL)
		return -1;
	return graph->count[number];
}

void rs_report_key_count(struct rs_json *json, const struct rs_graph *graph,
			 uint32_t number)
{
	rs_json_key(json, "count");
	if (graph->flags[number] & RS_OBJ_IMMORTAL)
		rs_json_null(json);
	else
		rs_json_uint(json, graph->count[number]);
}

void rs_report_facts(struct rs_json *json, const struct rs_graph *graph,
		     uint32_t number)
{
	rs_json_key_address(json, "id", graph->address[number]);
	rs_json_key_string(json, "type", rs_report_type(graph, number));
	rs_report_key_count(json, graph, number);
	rs_json_key_uint(json, "size", graph->size[number]);
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
	rs_report_facts(j, g, number);
	rt->ops->text(rt, g->address[number], text, sizeof(text));
	rs_json_key_string(j, "text", text);
	rs_json_key_string(j, "runtime", rt->ops->name);
	if (rs_report_owner(report, number, owner, sizeof(owner)))
		rs_json_key_string(j, "of", owner);
	rs_json_end_object(j);
}

void rs_report_key_object(struct rs_report *report, const char *key,
			  uint32_t number)
{
	rs_json_key(&report->json, key);
	rs_report_object(report, number);
}
