// SPDX-License-Identifier: MIT
#include "graph/unreachable_any.h"

#include "graph/pass.h"

static struct rs_error *push(struct rs_vec *queue, uint32_t number)
{
	return rs_vec_append(queue, &number, sizeof(number));
}

// As in trial_deletion.c, one byte per object is all that a reference costs.
enum { RS_LEFT_LARGE = 0xff }; // the rest is in rest[]

struct search {
	const struct rs_graph *graph;
	const struct rs_progress *progress;
	const uint8_t *is_list; // [objects]
	// [objects] what of its count no reference between objects explains
	uint8_t *left;
	uint32_t *rest; // [objects] of RS_LEFT_LARGE ones; else untouched
	uint8_t *mark; // [objects] enum rs_mark
	struct rs_queue queue; // objects whose references are to be followed
};

enum rs_mark {
	RS_IN_USE = 0,
	RS_UNREACHED = 1, // unreachable, as far as is known
	RS_TO_FOLLOW = 2, // in use; its references are not followed yet
};

static void copy_counts(struct search *s)
{
	const struct rs_graph *g = s->graph;

	for (uint32_t i = 0; i < g->objects; i++) {
		const uint32_t count = g->count[i];

		s->left[i] = RS_LEFT_LARGE;
		if (count < RS_LEFT_LARGE)
			s->left[i] = (uint8_t)count;
		else
			s->rest[i] = count;
	}
}

static void subtract_one(struct search *s, uint32_t target)
{
	if (s->left[target] == RS_LEFT_LARGE)
		s->rest[target] -= s->rest[target] != 0;
	else if (s->left[target])
		s->left[target]--;
}

static struct rs_error *subtract(struct search *s)
{
	const struct rs_graph *g = s->graph;
	struct rs_error *err;

	for (uint64_t e = 0; e < g->references; e++) {
		if (e % RS_TICK == 0 &&
		    (err = rs_progress_tick(s->progress, "looking for cycles",
					    e, g->references)))
			return err;
		if (e + RS_EDGES_AHEAD < g->references)
			__builtin_prefetch(&s->left[rs_edge_target(
						   g->out[e + RS_EDGES_AHEAD])],
					   1);
		if (rs_edge_counted(g->out[e]))
			subtract_one(s, rs_edge_target(g->out[e]));
	}
	return NULL;
}

// Subtract references from garbage lists, which do not keep objects in use. All
// other roots do, even if the reference count does not include them.
static void mark_roots(struct search *s)
{
	const struct rs_graph *g = s->graph;
	const struct rs_root *root = rs_vec_items(&g->root, struct rs_root);
	const size_t roots = rs_vec_count(&g->root, struct rs_root);

	for (size_t i = 0; i < roots; i++)
		if (root[i].kind == RS_ROOT_GARBAGE)
			subtract_one(s, root[i].target);
	for (uint32_t i = 0; i < g->objects; i++)
		if (s->left[i] == RS_LEFT_LARGE)
			s->left[i] = s->rest[i] != 0;
	for (size_t i = 0; i < roots; i++)
		if (root[i].kind != RS_ROOT_GARBAGE)
			s->left[root[i].target] |= 1;
}

static void seed(struct search *s)
{
	const struct rs_graph *g = s->graph;

	for (uint32_t i = 0; i < g->objects; i++) {
		const bool unreached =
			!s->left[i] &&
			!(g->flags[i] & (RS_OBJ_IMMORTAL | RS_OBJ_STATIC)) &&
			!rs_object_is_in_transit(g->count[i], g->flags[i]);

		s->mark[i] = unreached ? RS_UNREACHED : RS_TO_FOLLOW;
	}
}

// Everything that an object in use refers to is in use, even by a guess. The
// sweep in spread() finds targets with higher numbers; others are queued.
static void follow_row(struct search *s, uint32_t i)
{
	const struct rs_graph *g = s->graph;
	uint8_t *mark = s->mark;

	mark[i] = RS_IN_USE;
	if (s->is_list[i])
		return;
	for (uint64_t e = g->out_start[i]; e < g->out_start[i + 1]; e++) {
		if (e + RS_EDGES_AHEAD < g->references)
			__builtin_prefetch(&mark[rs_edge_target(
						   g->out[e + RS_EDGES_AHEAD])],
					   1);
		const uint32_t t = rs_edge_target(g->out[e]);
		if (mark[t] != RS_UNREACHED ||
		    rs_edge_kind(g->out[e]) == RS_WEAK)
			continue;
		mark[t] = t > i ? RS_TO_FOLLOW : RS_IN_USE;
		if (t <= i)
			s->queue.item[s->queue.tail++] = t;
	}
}

static void follow_queued(struct search *s, uint32_t i)
{
	const struct rs_graph *g = s->graph;

	for (uint32_t e = g->out_start[i];
	     !s->is_list[i] && e < g->out_start[i + 1]; e++) {
		const uint32_t t = rs_edge_target(g->out[e]);

		if (s->mark[t] != RS_UNREACHED ||
		    rs_edge_kind(g->out[e]) == RS_WEAK)
			continue;
		s->mark[t] = RS_IN_USE;
		s->queue.item[s->queue.tail++] = t;
	}
}

static struct rs_error *tick(const struct search *s, uint64_t done)
{
	return done % RS_TICK
		       ? NULL
		       : rs_progress_tick(s->progress, "looking for cycles",
					  done, s->graph->objects);
}

static struct rs_error *spread(struct search *s)
{
	const struct rs_graph *g = s->graph;
	struct rs_queue *queue = &s->queue;
	struct rs_error *err = NULL;

	for (uint32_t i = 0; i < g->objects && !err; i++) {
		err = tick(s, i);
		if (s->mark[i] == RS_TO_FOLLOW)
			follow_row(s, i);
	}
	while (queue->head < queue->tail && !err) {
		err = tick(s, queue->head);
		rs_targets_prefetch(queue->item + queue->head,
				    queue->tail - queue->head, g->out_start,
				    g->out, s->mark, sizeof(*s->mark));
		follow_queued(s, queue->item[queue->head++]);
	}
	return err;
}

static struct rs_error *run(struct search *s)
{
	const size_t n = s->graph->objects;
	struct rs_error *err;

	if ((err = rs_block_new_dense(n, 1, &s->left)) ||
	    (err = rs_block_new(n, sizeof(*s->rest), &s->rest)) ||
	    (err = rs_block_new_dense(n, 1, &s->mark)) ||
	    (err = rs_block_new(n, sizeof(*s->queue.item), &s->queue.item)))
		return err;
	copy_counts(s);
	if ((err = subtract(s)))
		return err;
	mark_roots(s);
	seed(s);
	return spread(s);
}

struct rs_error *
rs_graph_unreachable_any(const struct rs_graph *graph, const uint8_t *is_list,
			 const struct rs_progress *progress, uint8_t **ret)
{
	const size_t n = graph->objects;
	struct search s = {
		.graph = graph, .progress = progress, .is_list = is_list};
	struct rs_error *err = run(&s);

	rs_block_free(s.left, n, 1);
	rs_block_free(s.rest, n, sizeof(*s.rest));
	rs_block_free(s.queue.item, n, sizeof(*s.queue.item));
	if (err)
		rs_block_free(s.mark, n, 1);
	else
		*ret = s.mark;
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
