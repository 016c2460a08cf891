// SPDX-License-Identifier: MIT
#include "graph/known_holders.h"
#include "graph/pass.h"

#include <assert.h>

// One word per object. It is 0 for objects outside the set, so that the array
// needs no initialization and only the pages of the set are touched. For the
// others it is 1 + the number of references not yet found in the set, at most
// RS_LEFT_MANY; or one of the two values below it.
enum {
	RS_LEFT_NONE = 1, // retained, unless a shared object refers to it
	RS_LEFT_MANY = 0x7fffffff,
};
static const uint32_t SHARED = 0x80000000;
static const uint32_t ROOT = 0x80000001; // the object that would be freed

struct trial {
	const struct rs_graph *graph;
	const struct rs_progress *progress;
	const uint32_t *set; // [objects]
	size_t objects;
	uint32_t *left; // [graph->objects]
	struct rs_known_holders holders;
	struct rs_queue queue; // shared objects whose references are not
			       // yet followed
};

static struct rs_error *tick(const struct trial *trial, size_t i)
{
	if (i % RS_TICK)
		return NULL;
	return rs_progress_tick(trial->progress, "computing retained size", i,
				trial->objects);
}

static void copy_counts(struct trial *trial, uint32_t from)
{
	const struct rs_graph *graph = trial->graph;

	for (size_t k = 0; k < trial->objects; k++) {
		const uint32_t i = trial->set[k];
		const uint32_t count = graph->count[i];

		trial->left[i] = count < RS_LEFT_MANY - RS_LEFT_NONE
					 ? count + RS_LEFT_NONE
					 : RS_LEFT_MANY;
		if (graph->flags[i] & (RS_OBJ_IMMORTAL | RS_OBJ_STATIC))
			trial->left[i] = RS_LEFT_MANY;
	}
	trial->left[from] = ROOT;
}

static bool is_large(const struct trial *trial)
{
	return trial->objects > trial->graph->objects / 4;
}

static void subtract_row(const struct trial *trial, uint32_t i)
{
	const struct rs_graph *graph = trial->graph;

	for (uint32_t e = graph->out_start[i]; e < graph->out_start[i + 1];
	     e++) {
		uint32_t *left = &trial->left[rs_edge_target(graph->out[e])];

		if ((uint64_t)e + RS_EDGES_AHEAD < graph->references) {
			const uint32_t ahead = graph->out[e + RS_EDGES_AHEAD];
			__builtin_prefetch(&trial->left[rs_edge_target(ahead)],
					   1);
		}
		if (*left == 0 ||
		    !rs_known_holders_has(&trial->holders, graph->out[e]))
			continue;
		// More references than its count: the count cannot be
		// trusted, so the object is not called retained.
		if (*left == RS_LEFT_NONE)
			*left = RS_LEFT_MANY;
		else if (*left < RS_LEFT_MANY)
			--*left;
	}
}

static bool has_guess(const struct rs_graph *graph, uint32_t i)
{
	uint32_t e = graph->out_start[i];

	while (e < graph->out_start[i + 1] &&
	       rs_edge_kind(graph->out[e]) != RS_GUESS)
		e++;
	return e < graph->out_start[i + 1];
}

static struct rs_error *count_holders(struct trial *trial)
{
	for (size_t k = 0; k < trial->objects; k++)
		if (has_guess(trial->graph, trial->set[k]))
			return rs_known_holders_count(&trial->holders);
	return NULL;
}

// Afterwards left is RS_LEFT_NONE for objects that only the set refers to.
static struct rs_error *subtract(const struct trial *trial)
{
	const struct rs_graph *graph = trial->graph;

	const uint32_t n = graph->objects;

	// A large set is visited in address order, which reads out[] in order
	// too; then only the accesses to left[] are random.
	for (uint32_t i = 0; is_large(trial) && i < n; i++) {
		struct rs_error *err = tick(trial, i);
		if (err)
			return err;
		if (trial->left[i])
			subtract_row(trial, i);
	}
	for (size_t k = 0; !is_large(trial) && k < trial->objects; k++) {
		struct rs_error *err = tick(trial, k);
		if (err)
			return err;
		rs_targets_prefetch(trial->set + k, trial->objects - k,
				    graph->out_start, graph->out, trial->left,
				    sizeof(*trial->left));
		subtract_row(trial, trial->set[k]);
	}
	return NULL;
}

static void share(struct trial *trial, uint32_t i)
{
	trial->left[i] = SHARED;
	trial->queue.item[trial->queue.tail++] = i;
}

// Afterwards left is RS_LEFT_NONE for what is retained, else SHARED (or ROOT).
static struct rs_error *follow_shared(struct trial *trial)
{
	const struct rs_graph *graph = trial->graph;
	struct rs_queue *queue = &trial->queue;

	for (size_t k = 0; k < trial->objects; k++) {
		const uint32_t left = trial->left[trial->set[k]];

		if (left > RS_LEFT_NONE && left <= RS_LEFT_MANY)
			share(trial, trial->set[k]);
	}
	while (queue->head < queue->tail) {
		struct rs_error *err = tick(trial, queue->head);
		if (err)
			return err;
		rs_targets_prefetch(queue->item + queue->head,
				    queue->tail - queue->head, graph->out_start,
				    graph->out, trial->left,
				    sizeof(*trial->left));
		const uint32_t i = queue->item[queue->head++];
		for (uint32_t e = graph->out_start[i];
		     e < graph->out_start[i + 1]; e++) {
			const uint32_t edge = graph->out[e];
			const uint32_t target = rs_edge_target(edge);

			if (trial->left[target] == RS_LEFT_NONE &&
			    rs_known_holders_has(&trial->holders, edge))
				share(trial, target);
		}
	}
	return NULL;
}

static struct rs_error *
list_retained(const struct trial *trial, struct rs_vec *list)
{
	struct rs_error *err =
		rs_vec_reserve(list, trial->objects * sizeof(uint32_t));
	if (err)
		return err;
	for (size_t k = 0; k < trial->objects; k++) {
		const uint32_t i = trial->set[k];

		if (trial->left[i] == RS_LEFT_NONE || trial->left[i] == ROOT)
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
	struct trial trial = {
		.graph = graph,
		.progress = progress,
		.set = set,
		.objects = objects,
		.holders = {.graph = graph},
	};

	assert(from < graph->objects && objects <= n);
	struct rs_error *err = rs_block_new(n, sizeof(uint32_t), &trial.left);
	if (!err)
		err = rs_block_new(objects, sizeof(uint32_t),
				   &trial.queue.item);
	if (!err && is_large(&trial))
		rs_block_dense(trial.left, n, sizeof(uint32_t));
	if (!err)
		err = count_holders(&trial);
	if (!err) {
		copy_counts(&trial, from);
		err = subtract(&trial);
	}
	if (!err)
		err = follow_shared(&trial);
	if (!err)
		err = list_retained(&trial, list);
	rs_known_holders_fini(&trial.holders);
	rs_block_free(trial.left, n, sizeof(uint32_t));
	rs_block_free(trial.queue.item, objects, sizeof(uint32_t));
	return err;
}
