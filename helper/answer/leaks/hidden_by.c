// SPDX-License-Identifier: MIT
#include "answer/leaks/hidden_by.h"

#include "session/collection.h"

static bool
is_member(const struct rs_rings *rings, uint32_t object, uint32_t component)
{
	return rings->components.of[object] == component;
}

// Whether the collector does not see the reference @p edge of @p member. That
// of a dict or tuple which is not tracked, because nothing in it is, does not
// matter.
static bool is_unseen(const struct rs_graph *g, uint32_t member, uint32_t edge)
{
	const uint32_t target = rs_edge_target(g->out[edge]);

	if (g->flags[member] & RS_OBJ_TRACKED)
		return rs_edge_kind(g->out[edge]) == RS_OWNED;
	return !(g->flags[member] & RS_OBJ_GC) ||
	       g->flags[target] & RS_OBJ_TRACKED;
}

// Such a reference to another member, or RS_NONE.
static uint32_t
find_unseen(const struct rs_rings *rings, uint32_t member, uint32_t component)
{
	const struct rs_graph *g = rings->report->graph;

	for (uint32_t e = g->out_start[member]; e < g->out_start[member + 1];
	     e++)
		if (rs_edge_counted(g->out[e]) &&
		    is_member(rings, rs_edge_target(g->out[e]), component) &&
		    is_unseen(g, member, e))
			return e;
	return RS_NONE;
}

static bool
find_object(const struct rs_rings *rings, uint32_t i, struct rs_hidden_by *ret)
{
	const uint32_t *member = rs_ring_members(rings, i);

	ret->object = RS_NONE;
	for (uint32_t k = 0; k < rs_ring_size(rings, i); k++) {
		const uint32_t e = find_unseen(rings, member[k], i);

		if (e == RS_NONE)
			continue;
		if (ret->object != RS_NONE)
			return false;
		ret->object = member[k];
		ret->edge = e;
	}
	return ret->object != RS_NONE;
}

static bool has_one_holder(const struct rs_graph *g, struct rs_hidden_by *ret)
{
	struct rs_holders holders;
	uint32_t n = 0;

	rs_holders_init(&holders, g, ret->object);
	while (rs_holders_next(&holders)) {
		if (!rs_edge_counted(g->out[holders.edge]))
			continue;
		ret->holder = holders.source;
		ret->holder_edge = holders.edge;
		n++;
	}
	return n == 1 && g->count[ret->object] == 1;
}

// Whether the collector keeps it, and what it leads to, if it is in a cycle.
static bool is_kept(const struct rs_rings *rings, uint32_t member)
{
	const struct rs_graph *g = rings->report->graph;
	const enum rs_rules rules =
		rs_session_settings(rings->report->session, g, member).rules;

	return g->flags[member] &
	       (rules == RS_RULES_27 ? RS_OBJ_FINALIZER : RS_OBJ_LEGACY);
}

// Whether the cycle, and garbage that the collector finds, are all that holds
// this one, and the collector looks at it.
static bool
would_be_found(const struct rs_rings *rings, uint32_t member, uint32_t i)
{
	enum { RS_FROZEN = RS_OBJ_TRACKED | RS_OBJ_GENERATION };
	const struct rs_graph *g = rings->report->graph;
	struct rs_holders holders;
	uint64_t n = 0;

	if (!(g->flags[member] & RS_OBJ_GC) || is_kept(rings, member) ||
	    (g->flags[member] & RS_FROZEN) == RS_FROZEN ||
	    rings->listed[member] ||
	    rings->result->fate[member] > RS_FATE_FREED)
		return false;
	rs_holders_init(&holders, g, member);
	while (rs_holders_next(&holders)) {
		if (!rs_edge_counted(g->out[holders.edge]))
			continue;
		if (!is_member(rings, holders.source, i) &&
		    !rs_report_unreachable(rings->result->fate[holders.source]))
			return false;
		n++;
	}
	return n == g->count[member];
}

bool rs_ring_hidden_by(const struct rs_rings *rings, uint32_t i,
		       struct rs_hidden_by *ret)
{
	const uint32_t *member = rs_ring_members(rings, i);

	if (rings->alive || !find_object(rings, i, ret) ||
	    !has_one_holder(rings->report->graph, ret) ||
	    ret->holder == ret->object)
		return false;
	for (uint32_t k = 0; k < rs_ring_size(rings, i); k++)
		if (member[k] != ret->object &&
		    !would_be_found(rings, member[k], i))
			return false;
	return true;
}
