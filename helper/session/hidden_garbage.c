// SPDX-License-Identifier: MIT
//
// A type of C can keep references in memory of its own and tell its collector
// of them. By reading, what these lead to looks held by nobody known, so that
// trial deletion takes it, and all that it leads to, for held from outside. A
// ring through such memory is garbage all the same, if of such objects alone.
// What roots lead to is not; nor, most likely, what a variable of C has the
// address of when nothing else explains its count, nor what that leads to.
#include "session/hidden_garbage.h"

#include "session/held_by_variables.h"

struct search {
	const struct rs_graph *graph, *full;
	const struct rs_runtime *rt;
	struct rs_collect_result *result;
	uint8_t *reached; // [full->objects]
	const uint32_t *named; // [full->objects] counted references to each
};

static struct rs_error *
reach(struct rs_session *session, const struct rs_graph *full, uint8_t *mark)
{
	const struct rs_root *root = rs_vec_items(&full->root, struct rs_root);
	const size_t n = rs_vec_count(&full->root, struct rs_root);

	for (size_t i = 0; i < n; i++)
		mark[root[i].target] = 1;
	return rs_graph_mark_reachable(full, &session->progress, mark);
}

static void count_named(const struct rs_graph *full, uint32_t *named)
{
	for (uint64_t e = 0; e < full->references; e++)
		if (rs_edge_counted(full->out[e]))
			named[rs_edge_target(full->out[e])]++;
}

static bool takes_part(const struct search *s, uint32_t i)
{
	return (s->result->fate[i] != RS_FATE_OUTSIDE ||
		(s->graph->flags[i] & RS_OBJ_UNTRACKS)) &&
	       rs_graph_runtime(s->graph, i) == s->rt->index;
}

// Whether object @p i takes part, and its type may tell of more.
static bool may_tell(const struct search *s, uint32_t i)
{
	return (s->graph->flags[i] & RS_OBJ_INEXACT) && s->graph->count[i] &&
	       takes_part(s, i);
}

// Mostly there is none: then the graph of all objects is not needed.
static bool any_may_tell(const struct search *s)
{
	for (uint32_t i = 0; i < s->graph->objects; i++)
		if (may_tell(s, i))
			return true;
	return false;
}

// The number in the full graph of object @p i, or RS_NONE: it takes no part in
// the collection, or a root leads to it.
static uint32_t loose(const struct search *s, uint32_t i)
{
	if (!takes_part(s, i))
		return RS_NONE;
	const uint32_t number =
		s->graph == s->full
			? i
			: rs_graph_find(s->full, s->graph->address[i]);

	return number == RS_NONE || s->reached[number] ? RS_NONE : number;
}

// Whether no root leads to some object that may tell of more.
static bool may_close_ring(const struct search *s)
{
	for (uint32_t i = 0; i < s->graph->objects; i++)
		if (may_tell(s, i) && loose(s, i) != RS_NONE)
			return true;
	return false;
}

// Mark what variables of C hold, of what known objects do not explain, and all
// that this leads to.
static struct rs_error *
reach_by_variables(const struct search *s, struct rs_session *session)
{
	uint8_t *wanted = NULL;
	struct rs_error *err = rs_block_new(s->full->objects, 1, &wanted);

	if (err)
		return err;
	for (uint32_t i = 0; i < s->graph->objects; i++) {
		const uint32_t number = loose(s, i);

		if (number != RS_NONE && s->named[number] < s->graph->count[i])
			wanted[number] = 1;
	}
	err = rs_held_by_variables(session, s->full, wanted, s->reached);
	rs_block_free(wanted, s->full->objects, 1);
	return err ? err
		   : rs_graph_mark_reachable(s->full, &session->progress,
					     s->reached);
}

// Each type that is not certain, with all of its objects that may be garbage.
static struct rs_error *name_types(const struct search *s)
{
	struct rs_collect_result *result = s->result;
	uint32_t *n = NULL;
	struct rs_error *err = rs_block_new(result->types, sizeof(*n), &n);

	if (err)
		return err;
	for (uint32_t i = 0; i < s->graph->objects; i++)
		if ((s->graph->flags[i] & (RS_OBJ_INEXACT | RS_OBJ_ASSUMED)) &&
		    s->graph->type[i] < result->types && loose(s, i) != RS_NONE)
			n[s->graph->type[i]]++;
	for (uint32_t t = 0; t < result->types; t++)
		if (n[t] > result->doubtful[t])
			result->doubtful[t] = n[t];
	rs_block_free(n, result->types, sizeof(*n));
	return NULL;
}

static struct rs_error *raise_most(const struct search *s)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < s->graph->objects; i++)
		n += loose(s, i) != RS_NONE;
	if (n > s->result->most)
		s->result->most = n;
	return name_types(s);
}

struct rs_error *
rs_hidden_garbage(struct rs_session *session, const struct rs_graph *graph,
		  const struct rs_runtime *rt, struct rs_collect_result *result)
{
	struct search s = {
		.graph = graph,
		.rt = rt,
		.result = result,
	};
	struct rs_graph *full = NULL;
	uint8_t *mark = NULL;
	uint32_t *named = NULL;
	struct rs_error *err;

	if (!any_may_tell(&s))
		return NULL;
	err = rs_session_graph(session, &full);
	if (!err)
		err = rs_block_new(full->objects, sizeof(*mark), &mark);
	if (!err)
		err = rs_block_new(full->objects, sizeof(*named), &named);
	if (!err)
		err = reach(session, full, mark);
	if (!err) {
		count_named(full, named);
		s.full = full;
		s.reached = mark;
		s.named = named;
		if (may_close_ring(&s) &&
		    !(err = reach_by_variables(&s, session)) &&
		    may_close_ring(&s))
			err = raise_most(&s);
	}
	if (full) {
		rs_block_free(mark, full->objects, sizeof(*mark));
		rs_block_free(named, full->objects, sizeof(*named));
	}
	return err;
}
