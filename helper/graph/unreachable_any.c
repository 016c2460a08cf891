// SPDX-License-Identifier: MIT
#include "graph/unreachable_any.h"

#include <string.h>

static struct rs_error *push(struct rs_vec *queue, uint32_t number)
{
	return rs_vec_append(queue, &number, sizeof(number));
}

// Afterwards left[i] is the part of the count that no reference between objects
// explains.
static void subtract(const struct rs_graph *g, uint32_t *left)
{
	memcpy(left, g->count, g->objects * sizeof(*left));
	for (uint64_t e = 0; e < g->references; e++) {
		const uint32_t t = rs_edge_target(g->out[e]);
		if (rs_edge_counted(g->out[e]) && left[t])
			left[t]--;
	}
}

// Subtract references from garbage lists, which do not keep objects in use. All
// other roots do, even if the reference count does not include them.
static void mark_roots(const struct rs_graph *g, uint32_t *left)
{
	const struct rs_root *root = rs_vec_items(&g->root, struct rs_root);
	const size_t roots = rs_vec_count(&g->root, struct rs_root);

	for (size_t i = 0; i < roots; i++) {
		if (root[i].kind == RS_ROOT_GARBAGE && left[root[i].target])
			left[root[i].target]--;
	}
	for (size_t i = 0; i < roots; i++) {
		if (root[i].kind != RS_ROOT_GARBAGE)
			left[root[i].target] |= 1;
	}
}

static struct rs_error *seed(const struct rs_graph *g, const uint32_t *left,
			     uint8_t *mark, struct rs_vec *queue)
{
	for (uint32_t i = 0; i < g->objects; i++) {
		struct rs_error *err;

		mark[i] = !left[i] &&
			  !(g->flags[i] & (RS_OBJ_IMMORTAL | RS_OBJ_STATIC)) &&
			  !rs_object_is_in_transit(g->count[i], g->flags[i]);
		if (!mark[i] && (err = push(queue, i)))
			return err;
	}
	return NULL;
}

// Everything that an object in use refers to is in use, even by a guess.
static struct rs_error *
spread(const struct rs_graph *g, const struct rs_progress *progress,
       const uint8_t *is_list, uint8_t *mark, struct rs_vec *queue)
{
	uint64_t done = 0;

	while (queue->used) {
		queue->used -= sizeof(uint32_t);
		const uint32_t n =
			*(uint32_t *)((char *)queue->data + queue->used);
		struct rs_error *err;

		if (++done % RS_TICK == 0 &&
		    (err = rs_progress_tick(progress, "looking for cycles",
					    done, g->objects)))
			return err;
		for (uint32_t e = g->out_start[n];
		     !is_list[n] && e < g->out_start[n + 1]; e++) {
			const uint32_t t = rs_edge_target(g->out[e]);
			if (rs_edge_kind(g->out[e]) == RS_WEAK || !mark[t])
				continue;
			mark[t] = 0;
			if ((err = push(queue, t)))
				return err;
		}
	}
	return NULL;
}

struct rs_error *
rs_graph_unreachable_any(const struct rs_graph *graph, const uint8_t *is_list,
			 const struct rs_progress *progress, uint8_t **ret)
{
	struct rs_vec queue = {0};
	uint32_t *left = NULL;
	uint8_t *mark = NULL;
	struct rs_error *err =
		rs_block_new(graph->objects, sizeof(*left), &left);

	if (!err)
		err = rs_block_new(graph->objects, 1, &mark);
	if (!err) {
		subtract(graph, left);
		mark_roots(graph, left);
		err = seed(graph, left, mark, &queue);
	}
	if (!err)
		err = spread(graph, progress, is_list, mark, &queue);
	rs_block_free(left, graph->objects, sizeof(*left));
	rs_vec_fini(&queue);
	if (err)
		rs_block_free(mark, graph->objects, 1);
	else
		*ret = mark;
	return err;
}

// One more reference to @p t would be released; left[] counts these.
static struct rs_error *release(const struct rs_graph *g, uint32_t t,
				uint32_t *left, struct rs_vec *touched,
				struct rs_vec *queue)
{
	struct rs_error *err;

	if (left[t] == UINT32_MAX)
		return NULL; // already among the objects to be freed
	if (!left[t] && (err = push(touched, t)))
		return err;
	if (++left[t] < g->count[t] ||
	    (g->flags[t] & (RS_OBJ_IMMORTAL | RS_OBJ_STATIC)))
		return NULL;
	left[t] = UINT32_MAX;
	return push(queue, t);
}

static struct rs_error *release_all(const struct rs_graph *g, uint32_t *left,
				    struct rs_vec *touched,
				    struct rs_vec *queue, uint64_t *bytes)
{
	for (size_t i = 0; i < rs_vec_count(queue, uint32_t); i++) {
		const uint32_t n = rs_vec_items(queue, uint32_t)[i];

		*bytes += rs_graph_size(g, n);
		for (uint32_t e = g->out_start[n]; e < g->out_start[n + 1];
		     e++) {
			if (!rs_edge_counted(g->out[e]))
				continue;
			struct rs_error *err =
				release(g, rs_edge_target(g->out[e]), left,
					touched, queue);
			if (err)
				return err;
		}
	}
	return NULL;
}

struct rs_error *rs_graph_bytes_with(const struct rs_graph *graph,
				     const uint32_t *object, uint32_t n,
				     uint32_t *left, struct rs_vec *queue,
				     uint64_t *ret)
{
	struct rs_vec touched = {0};
	uint64_t bytes = 0;
	struct rs_error *err = NULL;

	queue->used = 0;
	for (uint32_t i = 0; i < n && !err; i++) {
		left[object[i]] = UINT32_MAX;
		err = push(queue, object[i]);
	}
	if (!err)
		err = release_all(graph, left, &touched, queue, &bytes);

	for (size_t i = 0; i < rs_vec_count(queue, uint32_t); i++)
		left[rs_vec_items(queue, uint32_t)[i]] = 0;
	for (size_t i = 0; i < rs_vec_count(&touched, uint32_t); i++)
		left[rs_vec_items(&touched, uint32_t)[i]] = 0;
	rs_vec_fini(&touched);
	if (!err)
		*ret = bytes;
	return err;
}
