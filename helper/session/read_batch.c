// SPDX-License-Identifier: MIT
#include "session/read_batch.h"

#include "base/cleanup.h"
#include "session/build.h"
#include "session/exact_query.h"
#include "session/number_prefetch.h"

#include <stddef.h>

enum {
	RS_USUAL = 3, // references of an object to tracked ones, on average
	RS_WAITING = 4096, // references turned into edges at once, about
};

// Turn references @p k to @p end - 1 into edges. @return How many there are.
static uint32_t number_some(struct rs_number_prefetch *ahead,
			    const struct rs_refs *refs, uint32_t k,
			    uint32_t end, uint32_t *edge)
{
	uint32_t kept = 0;

	for (; k < end; k++) {
		const uint32_t t = rs_number_prefetch_get(ahead, k);
		// Branch-free: an edge to no object is overwritten.
		edge[kept] = rs_edge(t, (enum rs_kind)refs->kind[k]);
		kept += t != RS_NONE;
	}
	return kept;
}

// Turn the waiting references of several objects into edges: most objects have
// too few for prefetching to help within one.
static struct rs_error *number_refs(struct rs_batch *b)
{
	struct rs_graph *graph = b->graph;
	const struct rs_refs *refs = &b->refs;
	struct rs_number_prefetch ahead;
	uint32_t *edge = rs_vec_push(&b->out, refs->n * sizeof(*edge));
	const size_t base = rs_vec_count(&b->out, uint32_t) - refs->n;
	uint32_t kept = 0;
	uint32_t k = 0;

	if (!edge)
		return &rs_enomem;
	if (base + refs->n > UINT32_MAX)
		return rs_error_new(
			RS_EBAD,
			"the target has more than 2^32 - 1 references, "
			"as many as can be kept");
	rs_number_prefetch_init(&ahead, &graph->map, refs->target, refs->n);
	for (uint32_t i = b->first; i < b->next; i++) {
		const uint32_t end = graph->out_start[i + 1];

		kept += number_some(&ahead, refs, k, end, edge + kept);
		k = end;
		graph->out_start[i + 1] = (uint32_t)base + kept;
	}
	// The rest belongs to the object that is being read.
	kept += number_some(&ahead, refs, k, refs->n, edge + kept);
	b->out.used -= (refs->n - kept) * sizeof(*edge);
	b->refs.n = 0;
	b->first = b->next;
	return NULL;
}

// Whether only weak references of object @p i are read, because merge_exact.c
// takes the others from what its type's traverse function found.
static inline bool is_traversed(const struct rs_batch *b, uint32_t i)
{
	return b->exact_on && rs_exact_wanted_instead(
				      b->session, rs_graph_runtime(b->graph, i),
				      b->graph->flags[i]);
}

// Prefetch for the objects that are read a little after object @p i.
static void prefetch_tracked(const struct rs_batch *b, uint32_t i)
{
	const struct rs_graph *g = b->graph;
	const uint32_t near = i + RS_BUILD_NEAR;
	const uint32_t far = i + RS_BUILD_FAR;

	if (far < b->end) {
		struct rs_runtime *rt = rs_session_runtime(b->session, g, far);
		if (rt->ops->prefetch)
			rt->ops->prefetch(rt, g->address[far]);
	}
	if (near < b->end && !is_traversed(b, near)) {
		struct rs_runtime *rt = rs_session_runtime(b->session, g, near);
		if (rt->ops->prefetch_tables)
			rt->ops->prefetch_tables(rt, g->address[near]);
	}
}

// Turn the part of an object's references that was found so far into edges.
static void drain(struct rs_refs *refs)
{
	struct rs_batch *b =
		(void *)((char *)refs - offsetof(struct rs_batch, refs));

	if (!b->err)
		b->err = number_refs(b);
	refs->n = 0;
}

static struct rs_error *read_object(struct rs_batch *b, uint32_t i)
{
	struct rs_graph *graph = b->graph;
	struct rs_runtime *rt = rs_session_runtime(b->session, graph, i);
	struct rs_row row = {0};

	b->refs.incomplete = false;
	b->refs.weak_only = is_traversed(b, i);
	rt->ops->read(rt, graph->address[i], &row, false, &b->refs);
	if (b->refs.incomplete && !b->partial++)
		b->partial_example = graph->address[i];
	graph->count[i] = row.count;
	graph->type[i] = row.type;
	graph->flags[i] |= row.flags;
	graph->out_start[i + 1] = b->refs.n;
	b->next = i + 1;
	if (b->refs.n >= RS_WAITING)
		drain(&b->refs);
	if (b->refs.no_memory && !b->err)
		return &rs_enomem;
	return rs_take(&b->err);
}

struct rs_error *rs_batch_read(struct rs_batch *b, uint32_t first, uint32_t end)
{
	struct rs_error *err = NULL;

	b->first = b->next = first;
	b->end = end;
	for (uint32_t i = first; i < end && !err; i++) {
		if (i % RS_TICK == 0)
			err = rs_progress_tick(&b->session->progress,
					       "reading objects", i, b->whole);
		prefetch_tracked(b, i);
		if (!err)
			err = read_object(b, i);
	}
	return err ? err : number_refs(b);
}

struct rs_error *rs_batch_init(struct rs_batch *b, struct rs_session *session,
			       struct rs_graph *graph, uint32_t objects)
{
	struct rs_error *err;

	*b = (struct rs_batch){
		.session = session,
		.graph = graph,
		.exact_on = rs_exact_wanted_all(session),
		.whole = graph->objects,
	};
	// At once, so that a large array is in huge pages from the start.
	err = rs_vec_reserve(&b->out, ((size_t)objects + 1) * RS_USUAL *
					      sizeof(uint32_t));
	if (!err)
		err = rs_refs_init(&b->refs, false);
	b->refs.drain = drain;
	return err;
}

void rs_batch_fini(struct rs_batch *b)
{
	rs_error_free(b->err);
	rs_refs_fini(&b->refs);
	rs_vec_fini(&b->out);
}
