// SPDX-License-Identifier: MIT
/**
 * @file
 * Prefetching, queues and bit sets for the passes over a graph.
 *
 * A random access to a large array takes 300 ns when each has to wait for the
 * one before, and 11 ns when the next few dozen addresses are known to the
 * processor. So every pass prefetches: a sweep over references what the entries
 * of out[] some places ahead refer to, a search what the entries ahead in its
 * queue need.
 */
#ifndef RS_GRAPH_PASS_H
#define RS_GRAPH_PASS_H

#include "graph/graph.h"

enum {
	// Distances, in entries. In a sweep over references:
	RS_EDGES_AHEAD = 32,
	RS_EDGES_FAR = 64, // where a second prefetch needs what this one loads
			   // In a queue: the row's bounds first, then its
			   // references, then their targets.
	RS_BOUNDS_AHEAD = 24,
	RS_ROW_AHEAD = 16,
	RS_TARGETS_AHEAD = 8,
	RS_TARGETS_MOST = 8, // prefetched of one row
};

/** A queue of object numbers; item[] has room for all that will ever enter. */
struct rs_queue {
	uint32_t *item;
	size_t head, tail;
};

/**
 * Prefetch the rows of the objects further back in a queue.
 *
 * @param item The head of the queue.
 * @param left Entries in the queue.
 */
static inline void rs_rows_prefetch(const uint32_t *item, size_t left,
				    const uint32_t *start, const uint32_t *edge)
{
	if (left > RS_BOUNDS_AHEAD)
		__builtin_prefetch(&start[item[RS_BOUNDS_AHEAD]]);
	if (left > RS_ROW_AHEAD)
		__builtin_prefetch(&edge[start[item[RS_ROW_AHEAD]]]);
}

/** rs_rows_prefetch() and, for the targets of these rows, their entries in @p
 * state, an array with @p width bytes per object. */
static inline void
rs_targets_prefetch(const uint32_t *item, size_t left, const uint32_t *start,
		    const uint32_t *edge, const void *state, size_t width)
{
	rs_rows_prefetch(item, left, start, edge);
	if (left <= RS_TARGETS_AHEAD)
		return;
	const uint32_t i = item[RS_TARGETS_AHEAD];
	uint32_t end = start[i + 1];

	if (end - start[i] > RS_TARGETS_MOST)
		end = start[i] + RS_TARGETS_MOST;
	for (uint32_t e = start[i]; e < end; e++)
		__builtin_prefetch((const char *)state +
					   rs_edge_target(edge[e]) * width,
				   1);
}

/** A set of objects: one bit for each. */
static inline bool rs_bit(const uint64_t *bit, uint32_t i)
{
	return bit[i >> 6] >> (i & 63) & 1;
}
static inline void rs_bit_set(uint64_t *bit, uint32_t i)
{
	bit[i >> 6] |= UINT64_C(1) << (i & 63);
}
static inline size_t rs_bit_words(uint32_t objects)
{
	return ((size_t)objects + 63) / 64;
}

#endif /* RS_GRAPH_PASS_H */
