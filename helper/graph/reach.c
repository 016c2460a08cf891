// SPDX-License-Identifier: MIT
#include "graph/known_holders.h"
#include "graph/pass.h"

#include <assert.h>

struct walk {
	const struct rs_graph *graph;
	const struct rs_progress *progress;
	uint64_t *seen; // set of objects: small enough for the caches
	struct rs_vec *list; // of uint32_t: the result, and the queue
	struct rs_vec *level; // of uint32_t, or NULL
	struct rs_known_holders holders;
};

static struct rs_error *
visit(struct walk *walk, uint32_t object, uint32_t level)
{
	struct rs_error *err =
		rs_vec_append(walk->list, &object, sizeof(object));

	rs_bit_set(walk->seen, object);
	if (!err && walk->level)
		err = rs_vec_append(walk->level, &level, sizeof(level));
	return err;
}

// Visit the objects that object @p i refers to, at distance @p level.
static struct rs_error *
visit_targets(struct walk *walk, uint32_t i, uint32_t level)
{
	const struct rs_graph *graph = walk->graph;

	for (uint32_t e = graph->out_start[i]; e < graph->out_start[i + 1];
	     e++) {
		const uint32_t edge = graph->out[e];
		const uint32_t target = rs_edge_target(edge);
		struct rs_error *err = NULL;

		if (rs_bit(walk->seen, target))
			continue;
		if (rs_edge_kind(edge) == RS_GUESS)
			err = rs_known_holders_count(&walk->holders);
		if (!err && rs_known_holders_has(&walk->holders, edge))
			err = visit(walk, target, level);
		if (err)
			return err;
	}
	return NULL;
}

static struct rs_error *search(struct walk *walk, uint32_t from, uint32_t depth)
{
	const struct rs_graph *graph = walk->graph;
	const size_t begin = rs_vec_count(walk->list, uint32_t);
	size_t at = begin;
	struct rs_error *err = visit(walk, from, 0);

	for (uint32_t level = 0; !err && level < depth; level++) {
		const size_t end = rs_vec_count(walk->list, uint32_t);

		if (at == end)
			break;
		for (; !err && at < end; at++) {
			const uint32_t *item =
				rs_vec_items(walk->list, uint32_t) + at;

			if ((at - begin) % RS_TICK == 0)
				err = rs_progress_tick(
					walk->progress, "following references",
					at - begin, graph->objects);
			rs_rows_prefetch(item, end - at, graph->out_start,
					 graph->out);
			if (!err)
				err = visit_targets(walk, *item, level + 1);
		}
	}
	return err;
}

struct rs_error *rs_graph_reachable(const struct rs_graph *graph, uint32_t from,
				    uint32_t depth,
				    const struct rs_progress *progress,
				    struct rs_vec *list, struct rs_vec *level)
{
	const size_t words = rs_bit_words(graph->objects);
	const size_t list_used = list->used;
	const size_t level_used = level ? level->used : 0;
	struct walk walk = {graph, progress, NULL, list, level, {graph, NULL}};

	assert(from < graph->objects);
	struct rs_error *err =
		rs_block_new(words, sizeof(*walk.seen), &walk.seen);
	if (err)
		return err;
	err = search(&walk, from, depth);
	rs_block_free(walk.seen, words, sizeof(*walk.seen));
	rs_known_holders_fini(&walk.holders);
	if (err) {
		list->used = list_used;
		if (level)
			level->used = level_used;
	}
	return err;
}
