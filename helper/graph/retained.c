// SPDX-License-Identifier: MIT
#include "graph/pass.h"

#include <assert.h>

// One word an object, 0 for what is not in the set: so the array need not be
// filled, and only the pages of the set are ever touched. Else 1 + the number
// of references not yet found inside, up to RS_LEFT_MANY.
enum {
	RS_LEFT_NONE = 1, // dies, as far as is known
	RS_LEFT_MANY = 0x7fffffff,
};
static const uint32_t SHARED = 0x80000000;
static const uint32_t ROOT = 0x80000001; // the object whose death is asked

struct estate {
	const struct rs_graph *graph;
	const struct rs_progress *progress;
	const uint32_t *set;
	size_t objects;
	uint32_t *left; // [graph->objects]
	struct rs_queue queue; // shared, row not yet followed
};

static struct rs_error *tick(const struct estate *estate, size_t i)
{
	if (i % RS_TICK)
		return NULL;
	return rs_progress_tick(estate->progress, "finding what is retained", i,
				estate->objects);
}

static void copy_counts(struct estate *estate, uint32_t from)
{
	const struct rs_graph *graph = estate->graph;

	for (size_t k = 0; k < estate->objects; k++) {
		const uint32_t i = estate->set[k];
		const uint32_t count = graph->count[i];

		estate->left[i] = count < RS_LEFT_MANY - RS_LEFT_NONE
					  ? count + RS_LEFT_NONE
					  : RS_LEFT_MANY;
		if (graph->flags[i] & (RS_OBJ_IMMORTAL | RS_OBJ_STATIC))
			estate->left[i] = RS_LEFT_MANY;
	}
	estate->left[from] = ROOT;
}

static bool is_large(const struct estate *estate)
{
	return estate->objects > estate->graph->objects / 4;
}

static void subtract_row(const struct estate *estate, uint32_t i)
{
	const struct rs_graph *graph = estate->graph;

	for (uint32_t e = graph->out_start[i]; e < graph->out_start[i + 1];
	     e++) {
		uint32_t *left = &estate->left[rs_edge_target(graph->out[e])];

		if ((uint64_t)e + RS_EDGES_AHEAD < graph->references) {
			const uint32_t ahead = graph->out[e + RS_EDGES_AHEAD];
			__builtin_prefetch(&estate->left[rs_edge_target(ahead)],
					   1);
		}
		if (!rs_edge_counted(graph->out[e]) || *left == 0)
			continue;
		// More references than the count tells: not to be trusted, so
		// nothing to call retained.
		if (*left == RS_LEFT_NONE)
			*left = RS_LEFT_MANY;
		else if (*left < RS_LEFT_MANY)
			--*left;
	}
}

// After: left of an object that only the set refers to is RS_LEFT_NONE.
static struct rs_error *subtract(const struct estate *estate)
{
	const struct rs_graph *graph = estate->graph;

	const uint32_t n = graph->objects;

	// A large set is met in the order of memory, which reads the rows in
	// theirs: no access but those to left[] is random then.
	for (uint32_t i = 0; is_large(estate) && i < n; i++) {
		struct rs_error *err = tick(estate, i);
		if (err)
			return err;
		if (estate->left[i])
			subtract_row(estate, i);
	}
	for (size_t k = 0; !is_large(estate) && k < estate->objects; k++) {
		struct rs_error *err = tick(estate, k);
		if (err)
			return err;
		rs_targets_prefetch(estate->set + k, estate->objects - k,
				    graph->out_start, graph->out, estate->left,
				    sizeof(*estate->left));
		subtract_row(estate, estate->set[k]);
	}
	return NULL;
}

static void share(struct estate *estate, uint32_t i)
{
	estate->left[i] = SHARED;
	estate->queue.item[estate->queue.tail++] = i;
}

// After: left is RS_LEFT_NONE for what dies, else SHARED (or ROOT).
static struct rs_error *follow_shared(struct estate *estate)
{
	const struct rs_graph *graph = estate->graph;
	struct rs_queue *queue = &estate->queue;

	for (size_t k = 0; k < estate->objects; k++) {
		const uint32_t left = estate->left[estate->set[k]];

		if (left > RS_LEFT_NONE && left <= RS_LEFT_MANY)
			share(estate, estate->set[k]);
	}
	while (queue->head < queue->tail) {
		struct rs_error *err = tick(estate, queue->head);
		if (err)
			return err;
		rs_targets_prefetch(queue->item + queue->head,
				    queue->tail - queue->head, graph->out_start,
				    graph->out, estate->left,
				    sizeof(*estate->left));
		const uint32_t i = queue->item[queue->head++];
		for (uint32_t e = graph->out_start[i];
		     e < graph->out_start[i + 1]; e++) {
			const uint32_t edge = graph->out[e];
			const uint32_t target = rs_edge_target(edge);

			if (rs_edge_counted(edge) &&
			    estate->left[target] == RS_LEFT_NONE)
				share(estate, target);
		}
	}
	return NULL;
}

static struct rs_error *
list_dead(const struct estate *estate, struct rs_vec *list)
{
	struct rs_error *err =
		rs_vec_reserve(list, estate->objects * sizeof(uint32_t));
	if (err)
		return err;
	for (size_t k = 0; k < estate->objects; k++) {
		const uint32_t i = estate->set[k];

		if (estate->left[i] == RS_LEFT_NONE || estate->left[i] == ROOT)
			*(uint32_t *)rs_vec_push(list, sizeof(i)) = i;
	}
	return NULL;
}

struct rs_error *rs_graph_retained(const struct rs_graph *graph, uint32_t from,
				   const uint32_t *set, size_t objects,
				   const struct rs_progress *progress,
				   struct rs_vec *list)
{
	const size_t n = graph->objects;
	struct estate estate = {
		.graph = graph,
		.progress = progress,
		.set = set,
		.objects = objects,
	};

	assert(from < graph->objects && objects <= n);
	struct rs_error *err = rs_block_new(n, sizeof(uint32_t), &estate.left);
	if (!err)
		err = rs_block_new(objects, sizeof(uint32_t),
				   &estate.queue.item);
	if (!err && is_large(&estate))
		rs_block_dense(estate.left, n, sizeof(uint32_t));
	if (!err) {
		copy_counts(&estate, from);
		err = subtract(&estate);
	}
	if (!err)
		err = follow_shared(&estate);
	if (!err)
		err = list_dead(&estate, list);
	rs_block_free(estate.left, n, sizeof(uint32_t));
	rs_block_free(estate.queue.item, objects, sizeof(uint32_t));
	return err;
}
