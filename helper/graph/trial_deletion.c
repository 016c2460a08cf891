// SPDX-License-Identifier: MIT
#include "base/cleanup.h"
#include "graph/pass.h"

#include <assert.h>

// One byte per object is all that the passes read of a reference's target, so
// that a reference costs one access, and the bytes of 10 million objects fit in
// a last-level cache. Values below RS_HELD are the number of references to a
// member that were not yet found among the members; a member that gets to 0 may
// be garbage. The few counts that do not fit are in rest[].
enum rs_state {
	RS_HELD = 0xf0, // survives whatever is found: immortal, in transit
	RS_LARGE, // count in rest[]
	RS_REACHED, // reachable; its references are followed or queued
	// Garbage that an object of the two below refers to.
	RS_KEPT,
	RS_FINALIZER, // garbage with a finalizer
	RS_UNFREEABLE, // garbage that its collector cannot free
	RS_OUTSIDE, // not a member
	RS_OVER = 0xff, // 0 - 1: more references found than counted
};

struct trial {
	const struct rs_graph *graph;
	const struct rs_collect_options *options;
	const struct rs_progress *progress;
	uint8_t *state; // [objects] enum rs_state, or a count
	uint32_t *rest; // [objects] counts of RS_LARGE ones; else untouched
	struct rs_queue queue; // objects whose references are to be followed
};

// Counts from here on are saturated (see rs_graph.count).
#define RS_REFS_MANY UINT32_C(0x7fffffff)

static struct rs_error *
tick(const struct trial *trial, unsigned pass, uint32_t i)
{
	const uint64_t n = trial->graph->objects;

	return rs_progress_tick(trial->progress, "collecting", pass * n + i,
				2 * n);
}

static bool is_member(const struct rs_collect_options *options, uint16_t flags)
{
	const int generation = flags & RS_OBJ_GENERATION;

	if ((flags & RS_OBJ_UNTRACKS) &&
	    !(options->guesses && (flags & RS_OBJ_INEXACT)))
		return false;
	return (flags & RS_OBJ_TRACKED) && generation <= options->generation &&
	       generation <= 2;
}

static bool is_of_collector(const struct trial *trial, uint32_t i)
{
	const struct rs_collect_options *options = trial->options;

	return rs_graph_runtime(trial->graph, i) == options->runtime &&
	       (!options->group || options->group[i] == options->which);
}

static void copy_counts(struct trial *trial)
{
	const struct rs_graph *graph = trial->graph;

	for (uint32_t i = 0; i < graph->objects; i++) {
		const uint32_t count = graph->count[i];
		const uint16_t flags = graph->flags[i];

		if (!is_member(trial->options, flags) ||
		    !is_of_collector(trial, i)) {
			trial->state[i] = RS_OUTSIDE;
		} else if (flags & RS_OBJ_IMMORTAL || count >= RS_REFS_MANY ||
			   rs_object_is_in_transit(count, flags)) {
			trial->state[i] = RS_HELD;
		} else if (count >= RS_HELD) {
			trial->state[i] = RS_LARGE;
			trial->rest[i] = count;
		} else {
			trial->state[i] = (uint8_t)count;
		}
	}
}

// The kind of reference that object @p i has beside strong ones, or none.
static unsigned also(const struct trial *trial, uint32_t i)
{
	enum { RS_NO_KIND = RS_GUESS + 1 };

	return trial->options->guesses &&
			       (trial->graph->flags[i] & RS_OBJ_INEXACT)
		       ? RS_GUESS
		       : RS_NO_KIND;
}

// Only strong references: the collector knows no others.
static inline bool is_known(uint32_t edge, unsigned also)
{
	const unsigned kind = edge >> RS_KIND_SHIFT;

	return kind == RS_STRONG || kind == also;
}

static void subtract_large(const struct trial *trial, uint32_t i)
{
	if (trial->rest[i])
		trial->rest[i]--;
	else
		trial->state[i] = RS_OVER;
}

// A count of 0 that is dropped once more is as if it had been wrong before.
static void drop_released(const struct trial *trial)
{
	const struct rs_vec *released = &trial->graph->released;
	const uint32_t *number = rs_vec_items(released, uint32_t);
	const size_t n = rs_vec_count(released, uint32_t);

	for (size_t i = 0; i < n; i++) {
		uint8_t *state = &trial->state[number[i]];

		if (*state == RS_LARGE)
			subtract_large(trial, number[i]);
		else if (*state < RS_HELD)
			--*state; // from 0: RS_OVER
	}
}

static void subtract_row(const struct trial *trial, uint32_t i)
{
	const struct rs_graph *graph = trial->graph;
	const uint64_t n = graph->references;
	const unsigned other = also(trial, i);
	uint8_t *state = trial->state;

	for (uint64_t e = graph->out_start[i]; e < graph->out_start[i + 1];
	     e++) {
		if (e + RS_EDGES_AHEAD < n) {
			const uint32_t ahead = graph->out[e + RS_EDGES_AHEAD];
			__builtin_prefetch(&state[rs_edge_target(ahead)], 1);
		}
		const uint32_t edge = graph->out[e];
		const uint32_t target = rs_edge_target(edge);
		if (!is_known(edge, other))
			continue;
		const uint8_t refs = state[target];
		if (refs == RS_LARGE)
			subtract_large(trial, target);
		else // no branch: states from RS_HELD on stay as they are
			state[target] = (uint8_t)(refs - (refs < RS_HELD));
	}
}

// Afterwards state is 0 for members to which no reference from outside is
// known; for the other members it is 1 to RS_HELD, or RS_OVER.
static struct rs_error *subtract(const struct trial *trial)
{
	for (uint32_t i = 0; i < trial->graph->objects; i++) {
		if (i % RS_TICK == 0) {
			struct rs_error *err = tick(trial, 0, i);
			if (err)
				return err;
		}
		if (trial->state[i] != RS_OUTSIDE)
			subtract_row(trial, i);
	}
	for (uint32_t i = 0; i < trial->graph->objects; i++) {
		if (trial->state[i] == RS_LARGE)
			trial->state[i] = trial->rest[i] ? RS_HELD : 0;
		// A guess more than its count, which is not wrong for that.
		if (trial->state[i] == RS_OVER && trial->options->guesses)
			trial->state[i] = 0;
	}
	return NULL;
}

// Object @p i is reachable. Its targets with higher numbers are marked for the
// sweep in reach() to find; those that the sweep has passed are queued.
static void reach_row(struct trial *trial, uint32_t i)
{
	const struct rs_graph *graph = trial->graph;
	const uint64_t n = graph->references;
	const unsigned other = also(trial, i);
	uint8_t *state = trial->state;

	state[i] = RS_REACHED;
	for (uint64_t e = graph->out_start[i]; e < graph->out_start[i + 1];
	     e++) {
		if (e + RS_EDGES_AHEAD < n) {
			const uint32_t ahead = graph->out[e + RS_EDGES_AHEAD];
			__builtin_prefetch(&state[rs_edge_target(ahead)], 1);
		}
		const uint32_t edge = graph->out[e];
		const uint32_t target = rs_edge_target(edge);
		if (!is_known(edge, other) || state[target])
			continue;
		state[target] = target > i ? 1 : RS_REACHED;
		if (target < i)
			trial->queue.item[trial->queue.tail++] = target;
	}
}

// Give state @p mark to every object of state 0 that the queue leads to.
static struct rs_error *follow(struct trial *trial, uint8_t mark)
{
	const struct rs_graph *graph = trial->graph;
	struct rs_queue *queue = &trial->queue;
	uint8_t *state = trial->state;

	while (queue->head < queue->tail) {
		if (queue->head % RS_TICK == 0) {
			struct rs_error *err =
				tick(trial, 1, (uint32_t)queue->head);
			if (err)
				return err;
		}
		rs_targets_prefetch(queue->item + queue->head,
				    queue->tail - queue->head, graph->out_start,
				    graph->out, state, sizeof(*state));
		const uint32_t i = queue->item[queue->head++];
		const unsigned other = also(trial, i);
		for (uint32_t e = graph->out_start[i];
		     e < graph->out_start[i + 1]; e++) {
			const uint32_t edge = graph->out[e];
			const uint32_t target = rs_edge_target(edge);

			if (!is_known(edge, other) || state[target])
				continue;
			state[target] = mark;
			queue->item[queue->tail++] = target;
		}
	}
	return NULL;
}

// Afterwards state is 0 for unreachable members, and for no others.
static struct rs_error *reach(struct trial *trial)
{
	for (uint32_t i = 0; i < trial->graph->objects; i++) {
		const uint8_t state = trial->state[i];

		if (i % RS_TICK == 0) {
			struct rs_error *err = tick(trial, 1, i);
			if (err)
				return err;
		}
		if (state && (state <= RS_HELD || state == RS_OVER))
			reach_row(trial, i);
	}
	return follow(trial, RS_REACHED);
}

static struct rs_error *keep_uncollectable(struct trial *trial)
{
	const struct rs_graph *graph = trial->graph;
	const uint16_t finalizer = trial->options->rules == RS_RULES_27
					   ? RS_OBJ_FINALIZER
					   : RS_OBJ_LEGACY;
	const uint16_t either = finalizer | RS_OBJ_UNFREEABLE;

	for (uint32_t i = 0; i < graph->objects; i++) {
		if (trial->state[i] || !(graph->flags[i] & either))
			continue;
		trial->state[i] = graph->flags[i] & RS_OBJ_UNFREEABLE
					  ? RS_UNFREEABLE
					  : RS_FINALIZER;
		trial->queue.item[trial->queue.tail++] = i;
	}
	return follow(trial, RS_KEPT);
}

// Turn the states into fates, in place, and count these.
static void set_fates(struct trial *trial, struct rs_collect_result *ret)
{
	static const uint8_t fate[] = {
		[0] = RS_FATE_FREED,
		[RS_REACHED] = RS_FATE_REACHABLE,
		[RS_KEPT] = RS_FATE_KEPT,
		[RS_FINALIZER] = RS_FATE_FINALIZER,
		[RS_UNFREEABLE] = RS_FATE_UNFREEABLE,
		[RS_OUTSIDE] = RS_FATE_OUTSIDE,
	};
	uint64_t number[RS_FATE_UNFREEABLE + 1] = {0};

	ret->objects = trial->graph->objects;
	for (uint32_t i = 0; i < ret->objects; i++) {
		const uint8_t state = trial->state[i];

		assert(state == 0 ||
		       (state >= RS_REACHED && state <= RS_OUTSIDE));
		trial->state[i] = fate[state];
		number[fate[state]]++;
	}
	ret->fate = rs_take(&trial->state);
	ret->garbage = number[RS_FATE_FINALIZER];
	ret->uncollectable = number[RS_FATE_KEPT] + ret->garbage +
			     number[RS_FATE_UNFREEABLE];
	ret->unreachable = number[RS_FATE_FREED] + ret->uncollectable;
	ret->least = ret->most = ret->unreachable;
}

static struct rs_error *run(struct trial *trial)
{
	const size_t n = trial->graph->objects;
	struct rs_error *err;

	if ((err = rs_block_new_dense(n, sizeof(uint8_t), &trial->state)) ||
	    (err = rs_block_new(n, sizeof(uint32_t), &trial->rest)) ||
	    (err = rs_block_new_dense(n, sizeof(uint32_t), &trial->queue.item)))
		return err;
	copy_counts(trial);
	drop_released(trial);
	if ((err = subtract(trial)) || (err = reach(trial)) ||
	    (err = keep_uncollectable(trial)))
		return err;
	return NULL;
}

struct rs_error *rs_graph_collect(const struct rs_graph *graph,
				  const struct rs_collect_options *options,
				  const struct rs_progress *progress,
				  struct rs_collect_result *ret)
{
	struct trial trial = {
		.graph = graph,
		.options = options,
		.progress = progress,
	};
	struct rs_collect_result result = {0};
	struct rs_error *err = run(&trial);

	if (!err) {
		set_fates(&trial, &result);
		*ret = result;
	}
	rs_block_free(trial.state, graph->objects, sizeof(uint8_t));
	rs_block_free(trial.rest, graph->objects, sizeof(uint32_t));
	rs_block_free(trial.queue.item, graph->objects, sizeof(uint32_t));
	return err;
}

void rs_collect_result_fini(struct rs_collect_result *result)
{
	rs_block_free(result->fate, result->objects, sizeof(uint8_t));
	rs_block_free(result->doubtful, result->types, sizeof(uint32_t));
	rs_block_free(result->held, result->objects, sizeof(uint8_t));
	*result = (struct rs_collect_result){0};
}
