// SPDX-License-Identifier: MIT
#include "session/build.h"

#include "base/cleanup.h"
#include "session/exact_query.h"
#include "session/read_batch.h"
#include "session/read_parallel.h"

struct rs_error *rs_build_arrays(struct rs_graph *graph)
{
	const size_t n = graph->objects;
	const size_t word = sizeof(uint32_t);
	struct rs_error *err;

	// The graph of tracked objects has no sizes, but untouched pages use no
	// memory.
	if ((err = rs_block_new_dense(n, sizeof(uint64_t), &graph->address)) ||
	    (err = rs_block_new_dense(n, word, &graph->count)) ||
	    (err = rs_block_new_dense(n, word, &graph->type)) ||
	    (err = rs_block_new_dense(n, word, &graph->size32)) ||
	    (err = rs_block_new_dense(n, sizeof(uint16_t), &graph->flags)) ||
	    (err = rs_block_new_dense(n + 1, word, &graph->out_start)))
		return err;
	rs_addrmap_list(&graph->map, graph->address);
	return NULL;
}

struct rs_error *rs_build_find(struct rs_session *session,
			       struct rs_parallel *reader,
			       struct rs_found *found, struct rs_vec *from,
			       struct rs_addrmap *map)
{
	// There is a parallel reader only if there is one runtime.
	struct rs_runtime *beside = reader ? rs_parallel_runtime(reader) : NULL;

	for (size_t r = 0; r < session->runtimes; r++) {
		struct rs_runtime *rt = session->runtime[r];
		struct rs_error *err;

		if (session->runtimes > 1) {
			size_t *first = rs_vec_push(from, sizeof(*first));

			if (!first)
				return &rs_enomem;
			*first = rs_vec_count(&found->mark, uint16_t);
		}
		err = rt->ops->find(rt, beside, found, &session->progress);
		if (!err && reader)
			err = rs_parallel_share_types(reader);
		if (err)
			return err;
	}

	const uint64_t *address = rs_vec_items(&found->address, uint64_t);
	const size_t n = rs_vec_count(&found->address, uint64_t);
	for (size_t i = 0; i < n; i++) {
		struct rs_error *err;

		if (!rs_addrmap_takes(address[i]))
			continue; // a damaged list can lead anywhere
		err = rs_addrmap_add(map, address[i], NULL);
		if (err)
			return err;
	}
	return rs_addrmap_seal(map);
}

// In two threads where that is faster; see read_parallel.h.
static struct rs_error *read_all(struct rs_session *session,
				 struct rs_parallel *reader,
				 struct rs_graph *graph, struct rs_vec *out)
{
	const bool two = reader && rs_parallel_start(reader, graph);
	struct rs_batch b;
	struct rs_error *err = rs_batch_init(&b, session, graph,
					     graph->objects / (two ? 2 : 1));

	if (!err)
		err = two ? rs_parallel_read(reader, &b)
			  : rs_batch_read(&b, 0, graph->objects);
	if (!err && two)
		err = rs_parallel_join(reader, &b.out);
	*out = b.out;
	b.out = (struct rs_vec){0};
	rs_graph_add_partial(graph, b.partial, b.partial_example);
	rs_batch_fini(&b);
	return err;
}

// Drop the entries with the usual mark, which need no look-up, so that their
// pages are reused for the graph: first-touch pages are slow under
// virtualization.
static void keep_unusual(struct rs_found *found)
{
	uint64_t *address = rs_vec_items(&found->address, uint64_t);
	uint16_t *mark = rs_vec_items(&found->mark, uint16_t);
	const size_t n = rs_vec_count(&found->address, uint64_t);
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		address[kept] = address[i];
		mark[kept] = mark[i];
		kept += mark[i] != RS_USUAL_MARK;
	}
	found->address.used = kept * sizeof(*address);
	found->mark.used = kept * sizeof(*mark);
	rs_vec_trim(&found->address);
	rs_vec_trim(&found->mark);
}

// Set the runtime of each object, if there are several.
static struct rs_error *mark_runtimes(struct rs_graph *graph,
				      const struct rs_found *found,
				      const struct rs_vec *from)
{
	const uint64_t *address = rs_vec_items(&found->address, uint64_t);
	const size_t n = rs_vec_count(&found->address, uint64_t);
	struct rs_error *err;
	uint8_t by = 0;

	if (!from->used)
		return NULL;
	err = rs_block_new(graph->objects, 1, &graph->runtime);
	for (size_t i = 0; i < n && !err; i++) {
		by = rs_build_found_by(from, i, by);
		if (rs_addrmap_takes(address[i]))
			graph->runtime[rs_graph_find(graph, address[i])] = by;
	}
	return err;
}

static void mark_found(struct rs_graph *graph, const struct rs_found *found)
{
	const uint64_t *address = rs_vec_items(&found->address, uint64_t);
	const uint16_t *mark = rs_vec_items(&found->mark, uint16_t);
	const size_t n = rs_vec_count(&found->address, uint64_t);

	for (uint32_t i = 0; i < graph->objects; i++)
		graph->flags[i] = RS_USUAL_MARK;
	for (size_t i = 0; i < n; i++) {
		if (!rs_addrmap_takes(address[i]))
			continue;
		uint16_t *flags =
			&graph->flags[rs_graph_find(graph, address[i])];
		*flags = rs_build_mark(*flags, mark[i]);
	}
}

static struct rs_error *start_query(struct rs_session *session,
				    const struct rs_graph *graph,
				    struct rs_exact_query **ret)
{
	struct rs_exact_list list;
	struct rs_error *err = rs_exact_list_init(&list, session);

	for (uint32_t i = 0; i < graph->objects && !err; i++) {
		const uint8_t by = rs_graph_runtime(graph, i);

		if (rs_exact_wanted(session, by, graph->flags[i]))
			err = rs_exact_list_add(&list, by, graph->address[i]);
	}
	if (!err)
		err = rs_exact_query_start(session, &list, true, ret);
	rs_exact_list_fini(&list);
	return err;
}

// Read rows and references, while the image traverses some of the objects.
static struct rs_error *
read_and_traverse(struct rs_session *session, struct rs_parallel *reader,
		  struct rs_graph *graph, struct rs_vec *out)
{
	struct rs_exact_query *exact = NULL;
	struct rs_error *err = start_query(session, graph, &exact);

	if (!err)
		err = read_all(session, reader, graph, out);
	if (err) {
		rs_exact_query_stop(exact);
		return err;
	}
	err = rs_exact_query_join(exact);
	return err ? err : rs_build_merge_exact(session, graph, out);
}

static struct rs_error *
build_tracked(struct rs_session *session, struct rs_parallel *reader,
	      struct rs_graph *graph, struct rs_found *found,
	      struct rs_vec *out)
{
	RS_CLEANUP(rs_vec_fini) struct rs_vec from = {0};
	struct rs_error *err;

	if ((err = rs_addrmap_init(&graph->map)) ||
	    (err = rs_build_find(session, reader, found, &from, &graph->map)))
		return err;
	graph->tracked_only = true;
	graph->objects = graph->map.count;
	if ((err = mark_runtimes(graph, found, &from)))
		return err;
	keep_unusual(found);
	if ((err = rs_build_arrays(graph)))
		return err;

	mark_found(graph, found);
	rs_found_fini(found);
	if ((err = read_and_traverse(session, reader, graph, out)))
		return err;
	graph->types =
		(uint32_t)rs_vec_count(&session->types.row, struct rs_type_row);
	graph->type_row = rs_vec_items(&session->types.row, struct rs_type_row);
	graph->references = rs_vec_count(out, uint32_t);
	return rs_vec_to_block(out, &graph->out);
}

struct rs_error *
rs_build_released(struct rs_session *session, struct rs_graph *graph)
{
	struct rs_vec object = {0};
	struct rs_error *err = NULL;

	for (size_t i = 0; i < session->runtimes && !err; i++) {
		struct rs_runtime *rt = session->runtime[i];

		if (rt->ops->released)
			err = rt->ops->released(rt, &object);
	}
	const uint64_t *address = rs_vec_items(&object, uint64_t);
	for (size_t i = 0; i < rs_vec_count(&object, uint64_t) && !err; i++) {
		const uint32_t n = rs_addrmap_takes(address[i])
					   ? rs_graph_find(graph, address[i])
					   : RS_NONE;

		if (n != RS_NONE)
			err = rs_vec_append(&graph->released, &n, sizeof(n));
	}
	rs_vec_fini(&object);
	return err;
}

struct rs_error *
rs_build_tracked(struct rs_session *session, struct rs_graph *ret)
{
	struct rs_found found = {0};
	struct rs_vec out = {0};
	struct rs_parallel *reader = rs_parallel_new(session);
	struct rs_error *err;

	*ret = (struct rs_graph){0};
	err = build_tracked(session, reader, ret, &found, &out);
	if (!err)
		err = rs_build_released(session, ret);
	if (!err)
		err = rs_build_wide_counts(session, ret);
	if (!err)
		err = rs_parallel_check(reader);
	rs_parallel_free(reader);
	if (err) {
		rs_graph_fini(ret);
		*ret = (struct rs_graph){0};
	}
	rs_vec_fini(&out);
	rs_found_fini(&found);
	return err;
}
