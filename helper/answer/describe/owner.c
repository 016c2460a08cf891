// SPDX-License-Identifier: MIT
//
// Finding the owner of a namespace, which is a dict in CPython. The graph does
// not have this, so holders are read again, until the label of a reference says
// that it leads to the holder's own namespace.
#include "answer/describe/report.h"

#include <inttypes.h>
#include <stdio.h>

enum {
	RS_HOLDERS = 1 << 16, // most holders to examine
	RS_KINDS = 16, // most types of holders to distinguish
	RS_TRIES = 8, // most holders to read of each type
	// An object with more references is a container. Reading it again for
	// each dict in it would take too long.
	RS_REFERENCES = 4096,
};

// The functions of a module refer to its dict too: there are thousands of them,
// and many come before the module. So a few holders of each type are read.
struct tries {
	uint32_t type[RS_KINDS];
	uint8_t n[RS_KINDS];
	unsigned kinds;
};

static bool may_try(struct tries *tries, uint32_t type)
{
	unsigned i = 0;

	while (i < tries->kinds && tries->type[i] != type)
		i++;
	if (i == RS_KINDS)
		return false;
	if (i == tries->kinds)
		tries->type[tries->kinds++] = type;
	return tries->n[i]++ < RS_TRIES;
}

// Whether @p dict is the own dict of @p source.
static bool owns(struct rs_report *report, uint32_t source, uint32_t dict)
{
	const struct rs_graph *g = report->graph;
	struct rs_runtime *rt = rs_session_runtime(report->session, g, source);

	for (uint32_t e = g->out_start[source]; e < g->out_start[source + 1];
	     e++) {
		if (rs_edge_target(g->out[e]) != dict)
			continue;
		const struct rs_label label =
			rs_reading_label(&report->owner, report, source, e);
		if (rt->ops->is_own_namespace &&
		    rt->ops->is_own_namespace(rt, &label))
			return true;
	}
	return false;
}

static uint32_t find_owner(struct rs_report *report, uint32_t dict)
{
	const struct rs_graph *g = report->graph;
	const uint32_t begin = g->in_start[dict];
	uint32_t end = g->in_start[dict + 1];
	struct tries tries = {.kinds = 0};

	if (end - begin > RS_HOLDERS)
		end = begin + RS_HOLDERS;
	for (uint32_t i = begin; i < end; i++) {
		const uint32_t source = rs_edge_target(g->in[i]);

		if (g->out_start[source + 1] - g->out_start[source] <=
			    RS_REFERENCES &&
		    may_try(&tries, g->type[source]) &&
		    owns(report, source, dict))
			return source;
	}
	return RS_NONE;
}

// An object without a name is called by its type and address.
static void
write_owner(struct rs_report *report, uint32_t owner, char *buf, size_t size)
{
	const struct rs_graph *g = report->graph;
	struct rs_runtime *rt = rs_session_runtime(report->session, g, owner);

	if (rt->ops->owner_name &&
	    rt->ops->owner_name(rt, g->address[owner], buf, size))
		return;
	(void)snprintf(buf, size, "%.200s 0x%" PRIx64, rs_report_type(g, owner),
		       g->address[owner]);
}

static bool is_namespace(const struct rs_report *report, uint32_t number)
{
	const struct rs_graph *g = report->graph;
	struct rs_runtime *rt = rs_session_runtime(report->session, g, number);

	return rt->ops->is_namespace &&
	       rt->ops->is_namespace(rt, g->type[number]);
}

// A field of an interpreter or a thread, whose name tells what the dict is.
static const struct rs_root *
find_root(const struct rs_report *report, uint32_t number)
{
	const struct rs_graph *g = report->graph;
	const struct rs_root *root = rs_vec_items(&g->root, struct rs_root);
	const size_t roots = rs_vec_count(&g->root, struct rs_root);

	for (size_t i = 0; report->rooted[number].counted && i < roots; i++) {
		if (root[i].target == number && rs_report_root_names(&root[i]))
			return &root[i];
	}
	return NULL;
}

bool rs_report_owner(struct rs_report *report, uint32_t number, char *buf,
		     size_t size)
{
	const struct rs_root *root;
	uint32_t owner;

	if (!report->rooted || !is_namespace(report, number))
		return false;
	owner = find_owner(report, number);
	if (owner != RS_NONE) {
		write_owner(report, owner, buf, size);
		return true;
	}
	if (!(root = find_root(report, number)))
		return false;
	(void)snprintf(buf, size, "%s",
		       rs_report_root_text(report->graph, root));
	return true;
}
