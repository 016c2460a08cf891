// SPDX-License-Identifier: MIT
#include "answer/describe/returns.h"

#include "base/cleanup.h"
#include "base/search.h"
#include "graph/release.h"

// A weak reference to garbage, of an object that is none.
struct weak {
	uint32_t source, target;
};

struct returns {
	const struct rs_session *session;
	const struct rs_graph *graph;
	const struct rs_collect_result *result;
	struct rs_release release; // what is freed before the count
	uint8_t *touched; // [objects] 1: code of the program can reach it
	struct rs_vec queue; // uint32_t: touched, their references not yet seen
	struct rs_vec weak; // struct weak, by ascending source
	const char *decides;
	uint64_t callbacks;
};

static bool is_unreachable(const struct rs_collect_result *result, uint32_t i)
{
	return result->fate[i] >= RS_FATE_FREED;
}

// Weak references are few among millions: the others are passed over in the
// order of memory.
static struct rs_error *find_weak(struct returns *r)
{
	const struct rs_graph *g = r->graph;

	for (uint64_t e = 0; e < g->references; e++) {
		if (rs_edge_kind(g->out[e]) != RS_WEAK)
			continue;
		const struct weak weak = {
			.source = (uint32_t)RS_FIRST_INDEX(
				i, g->objects, g->out_start[i + 1] > e),
			.target = rs_edge_target(g->out[e]),
		};
		struct rs_error *err;

		if (!is_unreachable(r->result, weak.source) &&
		    is_unreachable(r->result, weak.target) &&
		    (err = rs_vec_append(&r->weak, &weak, sizeof(weak))))
			return err;
	}
	return NULL;
}

// Whether a weak reference has something to call. An own attribute looks the
// same.
static bool has_callback(const struct rs_graph *graph, uint32_t i)
{
	for (uint32_t e = graph->out_start[i]; e < graph->out_start[i + 1]; e++)
		if (rs_edge_kind(graph->out[e]) != RS_WEAK &&
		    !(graph->flags[rs_edge_target(graph->out[e])] &
		      RS_OBJ_TYPE))
			return true;
	return false;
}

// Whether the collector of object @p i returns a number, and may count it.
static inline bool is_counted(const struct returns *r, uint32_t i)
{
	return is_unreachable(r->result, i) &&
	       rs_session_runtime(r->session, r->graph, i)->ops->gc_returns;
}

static void count_callbacks(struct returns *r)
{
	const struct weak *weak = rs_vec_items(&r->weak, struct weak);
	const size_t n = rs_vec_count(&r->weak, struct weak);

	for (size_t k = 0; k < n; k++)
		if (!k || weak[k].source != weak[k - 1].source)
			r->callbacks += has_callback(r->graph, weak[k].source);
}

static struct rs_error *touch(struct returns *r, uint32_t i)
{
	if (r->touched[i] || !is_unreachable(r->result, i))
		return NULL;
	r->touched[i] = 1;
	return rs_vec_append(&r->queue, &i, sizeof(i));
}

// Weak references to garbage that are not garbage may still work.
static struct rs_error *touch_weakly(struct returns *r)
{
	const struct weak *weak = rs_vec_items(&r->weak, struct weak);
	const size_t n = rs_vec_count(&r->weak, struct weak);
	struct rs_error *err = NULL;

	for (size_t k = 0; k < n && !err; k++)
		err = touch(r, weak[k].target);
	return err;
}

// All that the touched objects lead to. No other garbage is held by them, nor
// holds them, without being garbage itself.
static struct rs_error *spread(struct returns *r)
{
	const struct rs_graph *g = r->graph;
	struct rs_error *err = NULL;

	if (!err && r->queue.used)
		err = touch_weakly(r);
	while (r->queue.used && !err) {
		r->queue.used -= sizeof(uint32_t);
		const uint32_t i =
			*(const uint32_t *)((const char *)r->queue.data +
					    r->queue.used);

		for (uint32_t e = g->out_start[i];
		     e < g->out_start[i + 1] && !err; e++)
			err = touch(r, rs_edge_target(g->out[e]));
	}
	return err;
}

// What happens to object @p i before the count, from 3.4 on.
static enum rs_ending
ending(const struct returns *r, uint32_t i, const char **what)
{
	const uint16_t flags = r->graph->flags[i];
	struct rs_runtime *rt = rs_session_runtime(r->session, r->graph, i);

	*what = "finalizers";
	if ((flags & RS_OBJ_FINALIZED) || rt->gc_returns_found)
		return RS_ENDING_NONE;
	if (flags & RS_OBJ_FINALIZER)
		return RS_ENDING_CODE;
	return rt->ops->ending ? rt->ops->ending(rt, r->graph->address[i], what)
			       : RS_ENDING_NONE;
}

static struct rs_error *end_all(struct returns *r)
{
	struct rs_error *err = NULL;

	for (uint32_t i = 0; i < r->graph->objects && !err; i++) {
		const char *what = NULL;

		if (r->result->fate[i] != RS_FATE_FREED)
			continue;
		switch (ending(r, i, &what)) {
		case RS_ENDING_LETS_GO:
			err = rs_release_drop(&r->release, i);
			break;
		case RS_ENDING_CODE:
			if (!r->decides ||
			    r->graph->flags[i] & RS_OBJ_FINALIZER)
				r->decides = what;
			err = touch(r, i);
			break;
		default:
			break;
		}
	}
	return err ? err : spread(r);
}

// Whether object @p i may be kept because code of the program has kept another.
static bool is_kept_with_others(const struct returns *r, uint32_t i)
{
	return r->decides &&
	       rs_session_runtime(r->session, r->graph, i)->gc_all_or_none;
}

static struct rs_error *count_34(struct returns *r, struct rs_returns *ret)
{
	struct rs_error *err = end_all(r);

	for (uint32_t i = 0; i < r->graph->objects && !err; i++) {
		if (!is_counted(r, i))
			continue;
		ret->found++;
		const bool freed = rs_release_freed(&r->release, i);

		ret->low +=
			!freed && !r->touched[i] && !is_kept_with_others(r, i);
		ret->high += !freed || r->touched[i];
	}
	ret->garbage = r->result->garbage;
	return err;
}

// Whether @p i of 2.7 has a finalizer that runs: the rest let go of it.
static bool dies(const struct returns *r, uint32_t i)
{
	return r->result->fate[i] == RS_FATE_FINALIZER &&
	       rs_release_freed(&r->release, i);
}

static struct rs_error *clear_all(struct returns *r)
{
	struct rs_error *err = NULL;

	for (uint32_t i = 0; i < r->graph->objects && !err; i++)
		if (r->result->fate[i] == RS_FATE_FREED &&
		    !rs_session_runtime(r->session, r->graph, i)->gc_saveall)
			err = rs_release_drop(&r->release, i);
	for (uint32_t i = 0; i < r->graph->objects && !err; i++)
		if (dies(r, i)) {
			r->decides = "finalizers";
			err = touch(r, i);
		}
	return err ? err : spread(r);
}

static struct rs_error *count_27(struct returns *r, struct rs_returns *ret)
{
	// What is cleared matters only to what has finalizers.
	struct rs_error *err = r->result->uncollectable ? clear_all(r) : NULL;

	for (uint32_t i = 0; i < r->graph->objects && !err; i++) {
		const uint8_t fate = r->result->fate[i];
		const bool freed = rs_release_freed(&r->release, i);

		ret->garbage += fate == RS_FATE_FINALIZER && !freed;
		if (!is_counted(r, i))
			continue;
		ret->found++;
		if (fate == RS_FATE_FREED) {
			ret->low++;
			ret->high++;
			continue;
		}
		ret->low += !freed && !r->touched[i];
		ret->high += !freed || (r->touched[i] && !dies(r, i));
	}
	return err;
}

// What is not known of types widens the range on both sides.
static void
add_doubts(const struct rs_collect_result *result, struct rs_returns *ret)
{
	const uint64_t fewer = result->unreachable - result->least;

	ret->low -= fewer < ret->low ? fewer : ret->low;
	ret->high += result->most - result->unreachable;
	if (!ret->decides && result->least < result->most)
		ret->decides = "what C types tell the collector";
}

static void returns_fini(struct returns *r)
{
	rs_release_fini(&r->release);
	rs_block_free(r->touched, r->graph->objects, 1);
	rs_vec_fini(&r->queue);
	rs_vec_fini(&r->weak);
}

struct rs_error *rs_returns_find(const struct rs_session *session,
				 const struct rs_graph *graph,
				 const struct rs_collect_result *result,
				 enum rs_rules rules, struct rs_returns *ret)
{
	RS_CLEANUP(returns_fini)
	struct returns r = {
		.session = session,
		.graph = graph,
		.result = result,
	};
	struct rs_error *err;

	*ret = (struct rs_returns){0};
	if (!result->unreachable) {
		add_doubts(result, ret);
		return NULL;
	}
	if ((err = rs_block_new(graph->objects, 1, &r.touched)) ||
	    (err = rs_release_init(&r.release, graph)) ||
	    (err = find_weak(&r)) ||
	    (err = rules == RS_RULES_27 ? count_27(&r, ret)
					: count_34(&r, ret)))
		return err;
	count_callbacks(&r);
	ret->high += r.callbacks;
	ret->decides = ret->low < ret->high ? r.decides : NULL;
	if (!ret->decides && r.callbacks)
		ret->decides = "callbacks of weak references";
	add_doubts(result, ret);
	return NULL;
}
