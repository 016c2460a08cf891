// SPDX-License-Identifier: MIT
#include "session/build.h"
#include "session/exact_query.h"
#include "session/number_prefetch.h"

#include <stdlib.h>

// How far the answer of one runtime has been merged.
struct position {
	struct rs_number_prefetch edges; // over all references in the answer
	uint64_t row;
};

struct rs_merge {
	struct rs_session *session;
	struct rs_graph *graph;
	const uint32_t *read; // edges as read
	struct rs_vec out; // uint32_t: edges as they will be
	struct position *position; // [runtimes]
	struct rs_refs refs; // of an object that has to be read now
};

// Those of @p n edges that lead to objects of another runtime than @p of are
// owned.
static void
own_others(const struct rs_graph *graph, uint32_t *edge, uint64_t n, uint8_t of)
{
	for (uint64_t i = 0; i < n; i++)
		if (rs_graph_runtime(graph, rs_edge_target(edge[i])) != of)
			edge[i] = rs_edge(rs_edge_target(edge[i]), RS_OWNED);
}

// Add the references @p k to @p end - 1 of the answer, which runtime @p of
// gave, but for those to objects that are not in the graph.
static bool add_traversed(struct rs_merge *m, struct position *position,
			  uint64_t k, uint64_t end, uint8_t of)
{
	uint32_t *edge = rs_vec_push(&m->out, (end - k) * sizeof(*edge));
	uint64_t kept = 0;
	const uint64_t n = end - k;

	if (!edge)
		return false;
	for (; k < end; k++) {
		const uint32_t t = rs_number_prefetch_get(&position->edges, k);

		// Branch-free: an edge to no object is overwritten.
		edge[kept] = rs_edge(t, RS_STRONG);
		kept += t != RS_NONE;
	}
	m->out.used -= (n - kept) * sizeof(*edge);
	if (m->session->exact[of].adds_to)
		own_others(m->graph, edge, kept, of);
	return true;
}

static bool add_read(struct rs_merge *m, uint32_t from, uint32_t to)
{
	const size_t size = (to - from) * sizeof(uint32_t);
	void *edge = rs_vec_push(&m->out, size);

	if (edge && size)
		memcpy(edge, m->read + from, size);
	return edge != NULL;
}

// Add the references that were read and that no traverse function reports:
// where the object's own ones replace those (@p instead), the weak ones, else
// all but guesses.
static bool
add_unreported(struct rs_merge *m, uint32_t from, uint32_t to, bool instead)
{
	for (; from < to; from++) {
		const enum rs_kind kind = rs_edge_kind(m->read[from]);
		uint32_t *edge;

		if (instead ? kind != RS_WEAK : kind == RS_GUESS)
			continue;
		edge = rs_vec_push(&m->out, sizeof(*edge));
		if (!edge)
			return false;
		*edge = m->read[from];
	}
	return true;
}

// Object @p i should have been traversed, but could not be: read it.
static bool add_reading(struct rs_merge *m, uint32_t i)
{
	struct rs_graph *g = m->graph;
	struct rs_refs *refs = &m->refs;

	rs_session_read_refs(m->session, g, i, refs);
	if (refs->no_memory)
		return false;
	if (refs->incomplete) {
		g->flags[i] |= RS_OBJ_INEXACT;
		rs_graph_add_partial(g, 1, g->address[i]);
	}
	for (uint32_t k = 0; k < refs->n; k++) {
		const uint32_t t = rs_graph_find(g, refs->target[k]);
		uint32_t *edge;

		if (t == RS_NONE)
			continue;
		edge = rs_vec_push(&m->out, sizeof(*edge));
		if (!edge)
			return false;
		*edge = rs_edge(t, (enum rs_kind)refs->kind[k]);
	}
	return true;
}

static bool merge_object(struct rs_merge *m, uint32_t i, uint32_t from)
{
	struct rs_graph *g = m->graph;
	const uint8_t by = rs_graph_runtime(g, i);
	const struct rs_exact_answer *exact = &m->session->exact[by];
	const uint64_t *first = exact->answer.first;
	struct position *position = &m->position[by];

	if (rs_exact_answer_next(exact, g->address[i], &position->row)) {
		g->flags[i] = rs_exact_answer_flags(exact, position->row,
						    g->flags[i]);
		return add_unreported(m, from, g->out_start[i + 1],
				      !exact->adds_to) &&
		       add_traversed(m, position, first[position->row],
				     first[position->row + 1], by);
	}
	if (rs_exact_wanted_instead(m->session, by, g->flags[i]))
		return add_reading(m, i);
	return add_read(m, from, g->out_start[i + 1]);
}

static struct rs_error *merge(struct rs_merge *m)
{
	struct rs_graph *g = m->graph;
	uint32_t from = 0;

	for (uint32_t i = 0; i < g->objects; i++) {
		const uint32_t to = g->out_start[i + 1];

		if (!merge_object(m, i, from))
			return &rs_enomem;
		from = to;
		const size_t total = rs_vec_count(&m->out, uint32_t);
		if (total > UINT32_MAX)
			return rs_error_new(RS_EBAD, "more than 4 Gi "
						     "references");
		g->out_start[i + 1] = (uint32_t)total;
	}
	return NULL;
}

static struct rs_error *start(struct rs_merge *m, size_t read_bytes)
{
	struct rs_session *session = m->session;
	uint64_t edges = 0;
	struct rs_error *err;

	m->position = calloc(session->runtimes + 1, sizeof(*m->position));
	if (!m->position)
		return &rs_enomem;
	for (size_t i = 0; i < session->runtimes; i++) {
		const struct rs_image_answer *a = &session->exact[i].answer;

		rs_number_prefetch_init(&m->position[i].edges, &m->graph->map,
					a->edge, a->edges);
		edges += a->edges;
	}
	err = rs_vec_reserve(&m->out,
			     read_bytes + 4096 + edges * sizeof(uint32_t));
	return err ? err : rs_refs_init(&m->refs, false);
}

struct rs_error *rs_build_merge_exact(struct rs_session *session,
				      struct rs_graph *graph,
				      struct rs_vec *out)
{
	struct rs_merge m = {
		.session = session,
		.graph = graph,
		.read = rs_vec_items(out, uint32_t),
	};
	struct rs_error *err;

	if (!rs_session_traversed(session) && !rs_exact_wanted_all(session))
		return NULL;
	if (!(err = start(&m, out->used)))
		err = merge(&m);
	rs_refs_fini(&m.refs);
	free(m.position);
	if (err) {
		rs_vec_fini(&m.out);
		return err;
	}
	rs_vec_fini(out);
	*out = m.out;
	return NULL;
}
