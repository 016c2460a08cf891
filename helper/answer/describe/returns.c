// SPDX-License-Identifier: MIT
#include "answer/describe/returns.h"

static bool is_unreachable(const struct rs_collect_result *result, uint32_t i)
{
	return result->fate[i] >= RS_FATE_FREED;
}

// Whether the object is a weak reference to garbage that is not garbage itself
// and has something to call. An own attribute looks the same.
static bool may_call_back(const struct rs_graph *graph,
			  const struct rs_collect_result *result, uint32_t i)
{
	bool dies = false;
	bool strong = false;

	for (uint32_t e = graph->out_start[i]; e < graph->out_start[i + 1];
	     e++) {
		const uint32_t edge = graph->out[e];
		const uint32_t t = rs_edge_target(edge);

		if (rs_edge_kind(edge) == RS_WEAK)
			dies |= is_unreachable(result, t);
		else
			strong |= !(graph->flags[t] & RS_OBJ_TYPE);
	}
	return dies && strong;
}

static uint64_t count_callbacks(const struct rs_graph *graph,
				const struct rs_collect_result *result)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < graph->objects; i++)
		if (!is_unreachable(result, i))
			sum += may_call_back(graph, result, i);
	return sum;
}

// What runs before the collector counts, in the order of importance, or NULL.
static const char *find_code(const struct rs_session *session,
			     const struct rs_graph *graph,
			     const struct rs_collect_result *result)
{
	const char *found = NULL;

	for (uint32_t i = 0; i < graph->objects; i++) {
		if (!is_unreachable(result, i))
			continue;
		if ((graph->flags[i] & (RS_OBJ_FINALIZER | RS_OBJ_FINALIZED)) ==
		    RS_OBJ_FINALIZER)
			return "finalizers";
		struct rs_runtime *rt = rs_session_runtime(session, graph, i);
		if (!found && rt->ops->closed_first)
			found = rt->ops->closed_first(rt, graph->type[i]);
	}
	return found;
}

void rs_returns_find(const struct rs_session *session,
		     const struct rs_graph *graph,
		     const struct rs_collect_result *result,
		     enum rs_rules rules, struct rs_returns *ret)
{
	*ret = (struct rs_returns){result->unreachable, result->unreachable,
				   NULL};
	if (result->least < result->most) {
		*ret = (struct rs_returns){result->least, result->most,
					   "what C types tell the collector"};
	}
	if (!result->most)
		return;
	const uint64_t callbacks = count_callbacks(graph, result);
	// 2.7 counts those that it keeps when the others are cleared, and
	// calls no finalizer and closes no generator before.
	const char *decides = NULL;

	if (rules != RS_RULES_27)
		decides = find_code(session, graph, result);
	else if (result->uncollectable &&
		 result->uncollectable < result->unreachable)
		decides = "objects that a finalizer keeps";
	if (callbacks && !decides)
		decides = "callbacks of weak references";
	if (!decides)
		return;
	ret->decides = decides;
	ret->low = 0;
	ret->high += callbacks;
}
