// SPDX-License-Identifier: MIT
//
// The names of objects, kinds of references and roots in answers.
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

void rs_report_name_in(const struct rs_graph *graph, uint32_t number, char *buf,
		       size_t size)
{
	(void)snprintf(buf, size, "<%.200s 0x%" PRIx64 ">",
		       rs_report_type(graph, number), graph->address[number]);
}

bool rs_report_own_name(const struct rs_session *session,
			const struct rs_graph *graph, uint32_t number,
			char *buf, size_t size)
{
	struct rs_runtime *rt = rs_session_runtime(session, graph, number);

	return rt->ops->own_name &&
	       rt->ops->own_name(rt, graph->address[number], buf, size);
}

void rs_report_name(const struct rs_report *report, uint32_t number, char *buf,
		    size_t size)
{
	const struct rs_graph *g = report->graph;
	char own[RS_NAME_SIZE / 2];

	if (rs_report_own_name(report->session, g, number, own, sizeof(own)))
		(void)snprintf(buf, size, "<%.80s %s 0x%" PRIx64 ">",
			       rs_report_type(g, number), own,
			       g->address[number]);
	else
		rs_report_name_in(g, number, buf, size);
}

int64_t rs_report_count(const struct rs_graph *graph, uint32_t number)
{
	if (graph->flags[number] & RS_OBJ_IMMORTAL)
		return -1;
	return rs_graph_count(graph, number);
}
