// SPDX-License-Identifier: MIT
#include "runtime/build.h"

#include "runtime/ahead.h"
#include "runtime/asking.h"
#include "runtime/build_twin.h"

void rs_found_fini(struct rs_found *found)
{
	rs_vec_fini(&found->address);
	rs_vec_fini(&found->mark);
}

struct rs_error *rs_build_arrays(struct rs_graph *graph)
{
	const size_t n = graph->objects;
	const size_t word = sizeof(uint32_t);
	struct rs_error *err;

	// Sizes are told only in a full graph, but untouched pages cost
	// nothing.
	if ((err = rs_block_new_dense(n, sizeof(uint64_t), &graph->address)) ||
	    (err = rs_block_new_dense(n, word, &graph->count)) ||
	    (err = rs_block_new_dense(n, word, &graph->type)) ||
	    (err = rs_block_new_dense(n, word, &graph->size)) ||
	    (err = rs_block_new_dense(n, sizeof(uint16_t), &graph->flags)) ||
	    (err = rs_block_new_dense(n + 1, word, &graph->out_start)))
		return err;
	rs_addrmap_list(&graph->map, graph->address);
	return NULL;
}

struct rs_error *rs_build_find(struct rs_session *session,
			       struct rs_found *found, struct rs_addrmap *map)
{
	for (int native = 0; native < 2; native++) {
		struct rs_runtime *rt = session->by_flag[native];
		const size_t before = rs_vec_count(&found->mark, uint16_t);
		struct rs_error *err;

		if (!rt)
			continue;
		err = rt->ops->find(rt, found, &session->progress);
		if (err)
			return err;
		uint16_t *mark = rs_vec_items(&found->mark, uint16_t);
		const size_t n = rs_vec_count(&found->mark, uint16_t);
		for (size_t i = before; native && i < n; i++)
			mark[i] |= RS_OBJ_NATIVE;
	}

	const uint64_t *address = rs_vec_items(&found->address, uint64_t);
	const size_t n = rs_vec_count(&found->address, uint64_t);
	for (size_t i = 0; i < n; i++) {
		struct rs_error *err;

		if (!rs_addrmap_takes(address[i]))
			continue; // a damaged list leads anywhere
		err = rs_addrmap_add(map, address[i], NULL);
		if (err)
			return err;
	}
	return rs_addrmap_seal(map);
}

// Number what waits, across objects: most have too few references for looking
// ahead on their own.
static struct rs_error *resolve(struct rs_batch *b)
{
	struct rs_graph *graph = b->graph;
	const struct rs_refs *refs = &b->refs;
	struct rs_ahead ahead;
	uint32_t *edge = rs_vec_push(&b->out, refs->n * sizeof(*edge));
	const size_t base = rs_vec_count(&b->out, uint32_t) - refs->n;
	uint32_t kept = 0;
	uint32_t k = 0;

	if (!edge)
		return &rs_enomem;
	if (base + refs->n > UINT32_MAX)
		return rs_error_new(RS_EBAD, "more than 4 Gi references");
	rs_ahead_init(&ahead, &graph->map, refs->target, refs->n);
	for (uint32_t i = b->first; i < b->next; i++) {
		for (const uint32_t end = graph->out_start[i + 1]; k < end;
		     k++) {
			const uint32_t t = rs_ahead_number(&ahead, k);
			// Branch-free: a leaf's number is overwritten.
			edge[kept] = rs_edge(t, (enum rs_kind)refs->kind[k]);
			kept += t != RS_NONE;
		}
		graph->out_start[i + 1] = (uint32_t)base + kept;
	}
	b->out.used -= (refs->n - kept) * sizeof(*edge);
	b->refs.n = 0;
	b->first = b->next;
	return NULL;
}

// Whether the references of object @p i come from elsewhere: build_asked.c.
static bool is_told(const struct rs_batch *b, uint32_t i)
{
	return rs_asks_all(b->session) &&
	       rs_asks(b->session, b->graph->flags[i]);
}

// Hints for the objects that are read some turns after object @p i.
static void prefetch_tracked(const struct rs_batch *b, uint32_t i)
{
	const struct rs_graph *g = b->graph;
	const uint32_t near = i + RS_BUILD_NEAR;
	const uint32_t far = i + RS_BUILD_FAR;

	if (far < b->end) {
		struct rs_runtime *rt =
			rs_build_runtime(b->session, g->flags[far]);
		if (rt->ops->prefetch)
			rt->ops->prefetch(rt, g->address[far]);
	}
	if (near < b->end && !is_told(b, near)) {
		struct rs_runtime *rt =
			rs_build_runtime(b->session, g->flags[near]);
		if (rt->ops->prefetch_tables)
			rt->ops->prefetch_tables(rt, g->address[near]);
	}
}

struct rs_error *rs_batch_read(struct rs_batch *b)
{
	struct rs_graph *graph = b->graph;

	for (uint32_t i = b->first; i < b->end; i++) {
		struct rs_runtime *rt =
			rs_build_runtime(b->session, graph->flags[i]);
		struct rs_row row = {0};
		struct rs_error *err;

		if (i % RS_BUILD_TICK == 0 &&
		    (err = rs_progress_tick(&b->session->progress,
					    "reading objects", i, b->end)))
			return err;
		prefetch_tracked(b, i);
		b->refs.incomplete = false;
		rt->ops->read(rt, graph->address[i], &row, false,
			      is_told(b, i) ? NULL : &b->refs);
		graph->count[i] = row.count;
		graph->type[i] = row.type;
		graph->flags[i] |= row.flags;
		graph->out_start[i + 1] = b->refs.n;
		b->next = i + 1;
		if (b->refs.n >= RS_BUILD_BATCH && (err = resolve(b)))
			return err;
	}
	return resolve(b);
}

struct rs_error *rs_batch_init(struct rs_batch *b, struct rs_session *session,
			       struct rs_graph *graph, uint32_t first,
			       uint32_t end)
{
	struct rs_error *err;

	*b = (struct rs_batch){
		.session = session,
		.graph = graph,
		.first = first,
		.next = first,
		.end = end,
	};
	// At once, so that it lies in huge pages from its start if it is large.
	// Not nothing: a push of nothing must not look like a failure.
	err = rs_vec_reserve(&b->out, (end - first + 1) * RS_BUILD_USUAL *
					      sizeof(uint32_t));
	return err ? err : rs_refs_init(&b->refs, false);
}

void rs_batch_fini(struct rs_batch *b)
{
	rs_refs_fini(&b->refs);
	rs_vec_fini(&b->out);
}

// Both halves at once where that pays; see build_twin.h.
static struct rs_error *
read_all(struct rs_session *session, struct rs_graph *graph, struct rs_vec *out)
{
	struct rs_twin *twin = rs_twin_start(session, graph);
	struct rs_batch b;
	struct rs_error *err =
		rs_batch_init(&b, session, graph, 0,
			      twin ? rs_twin_first(twin) : graph->objects);

	if (!err)
		err = rs_batch_read(&b);
	if (err)
		rs_twin_stop(twin);
	else if (twin)
		err = rs_twin_join(twin, &b.out);
	*out = b.out;
	b.out = (struct rs_vec){0};
	rs_batch_fini(&b);
	return err;
}

// Most objects are in the oldest generation and bear the same mark, which needs
// no looking up.
static void mark_found(struct rs_graph *graph, const struct rs_found *found)
{
	const uint64_t *address = rs_vec_items(&found->address, uint64_t);
	const uint16_t *mark = rs_vec_items(&found->mark, uint16_t);
	const size_t n = rs_vec_count(&found->address, uint64_t);
	const uint16_t usual = RS_OBJ_TRACKED | 2;

	for (uint32_t i = 0; i < graph->objects; i++)
		graph->flags[i] = usual;
	for (size_t i = 0; i < n; i++)
		if (mark[i] != usual && rs_addrmap_takes(address[i]))
			graph->flags[rs_graph_find(graph, address[i])] =
				mark[i];
}

static struct rs_error *start_asking(struct rs_session *session,
				     const struct rs_graph *graph,
				     struct rs_asking **ret)
{
	struct rs_vec object = {0};
	struct rs_error *err = rs_vec_reserve(&object, 4096);

	for (uint32_t i = 0; i < graph->objects && !err; i++) {
		uint64_t *slot;

		if (!rs_asks(session, graph->flags[i]))
			continue;
		slot = rs_vec_push(&object, sizeof(*slot));
		if (slot)
			*slot = graph->address[i];
		else
			err = &rs_enomem;
	}
	if (!err)
		err = rs_asking_start(session, &object, true, ret);
	rs_vec_fini(&object);
	return err;
}

// Rows and references; some of these are asked for meanwhile.
static struct rs_error *
learn(struct rs_session *session, struct rs_graph *graph, struct rs_vec *out)
{
	struct rs_asking *asking = NULL;
	struct rs_error *err = start_asking(session, graph, &asking);

	if (!err)
		err = read_all(session, graph, out);
	if (err) {
		rs_asking_stop(asking);
		return err;
	}
	err = rs_asking_join(asking);
	return err ? err : rs_build_asked(session, graph, out);
}

static struct rs_error *
build_tracked(struct rs_session *session, struct rs_graph *graph,
	      struct rs_found *found, struct rs_vec *out)
{
	struct rs_error *err;

	if ((err = rs_addrmap_init(&graph->map)) ||
	    (err = rs_build_find(session, found, &graph->map)))
		return err;
	graph->tracked_only = true;
	graph->objects = graph->map.count;
	if ((err = rs_build_arrays(graph)))
		return err;

	mark_found(graph, found);
	rs_found_fini(found);
	if ((err = learn(session, graph, out)))
		return err;
	graph->types =
		(uint32_t)rs_vec_count(&session->types.row, struct rs_type_row);
	graph->type_row = rs_vec_items(&session->types.row, struct rs_type_row);
	graph->references = rs_vec_count(out, uint32_t);
	return rs_vec_to_block(out, &graph->out);
}

struct rs_error *
rs_build_tracked(struct rs_session *session, struct rs_graph *ret)
{
	struct rs_found found = {0};
	struct rs_vec out = {0};
	struct rs_error *err;

	*ret = (struct rs_graph){0};
	err = build_tracked(session, ret, &found, &out);
	if (err) {
		rs_graph_fini(ret);
		*ret = (struct rs_graph){0};
	}
	rs_vec_fini(&out);
	rs_found_fini(&found);
	return err;
}
