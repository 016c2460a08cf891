// SPDX-License-Identifier: MIT
#include "session/build.h"
#include "session/exact_query.h"
#include "session/number_prefetch.h"

struct rs_merge {
	struct rs_session *session;
	struct rs_graph *graph;
	const uint32_t *read; // edges as read
	struct rs_vec out; // uint32_t: edges as they will be
	struct rs_ahead ahead; // over all references that were told
	struct rs_refs refs; // for objects that nobody has read yet
};

// The @p k-th to @p end-th of all references told; leaves are left out.
static bool add_told(struct rs_merge *m, uint64_t k, uint64_t end)
{
	uint32_t *edge = rs_vec_push(&m->out, (end - k) * sizeof(*edge));
	uint64_t left_out = 0;

	if (!edge)
		return false;
	for (; k < end; k++) {
		const uint32_t t = rs_ahead_number(&m->ahead, k);

		// Branch-free: a leaf's number is overwritten.
		*edge = rs_edge(t, RS_STRONG);
		edge += t != RS_NONE;
		left_out += t == RS_NONE;
	}
	m->out.used -= left_out * sizeof(*edge);
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

// The type of object @p i was to tell and could not.
static bool add_reading(struct rs_merge *m, uint32_t i)
{
	struct rs_graph *g = m->graph;
	struct rs_refs *refs = &m->refs;

	rs_session_read_refs(m->session, g, i, refs);
	if (refs->no_memory)
		return false;
	if (refs->incomplete)
		g->flags[i] |= RS_OBJ_INEXACT;
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

static struct rs_error *merge(struct rs_merge *m)
{
	struct rs_graph *g = m->graph;
	const struct rs_asked *asked = &m->session->asked;
	const uint64_t *first = asked->answer.first;
	uint64_t row = 0;
	uint32_t from = 0;

	for (uint32_t i = 0; i < g->objects; i++) {
		const uint32_t to = g->out_start[i + 1];
		bool done;

		if (rs_asked_next(asked, g->address[i], &row)) {
			g->flags[i] &= (uint16_t)~RS_OBJ_INEXACT;
			done = add_told(m, first[row], first[row + 1]);
		} else if (rs_asks_all(m->session) &&
			   rs_asks(m->session, g->flags[i])) {
			done = add_reading(m, i);
		} else {
			done = add_read(m, from, to);
		}
		if (!done)
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

struct rs_error *rs_build_asked(struct rs_session *session,
				struct rs_graph *graph, struct rs_vec *out)
{
	const struct rs_image_answer *answer = &session->asked.answer;
	struct rs_merge m = {
		.session = session,
		.graph = graph,
		.read = rs_vec_items(out, uint32_t),
	};
	struct rs_error *err;

	if (!session->asked.objects && !rs_asks_all(session))
		return NULL;
	rs_ahead_init(&m.ahead, &graph->map, answer->edge, answer->edges);
	if (!(err = rs_vec_reserve(&m.out,
				   out->used + 4096 +
					   answer->edges * sizeof(uint32_t))) &&
	    !(err = rs_refs_init(&m.refs, false)))
		err = merge(&m);
	rs_refs_fini(&m.refs);
	if (err) {
		rs_vec_fini(&m.out);
		return err;
	}
	rs_vec_fini(out);
	*out = m.out;
	return NULL;
}
