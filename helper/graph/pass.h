// SPDX-License-Identifier: MIT
/**
 * @file
 * What the passes over a graph share.
 *
 * A random access to a large array costs 300 ns when the next one waits for
 * it, and 11 when the processor knows the next dozens. So every pass tells
 * it: a sweep by the references some places ahead in out[], a search by the
 * entries ahead in its queue.
 */
#ifndef RS_GRAPH_PASS_H
#define RS_GRAPH_PASS_H

#include "graph/graph.h"

enum {
	RS_EDGES_AHEAD = 32, // in a sweep over references
	RS_EDGES_FAR = 64, // for what must be there to know what comes next
	// In a queue: first the row's bounds are fetched, then its references,
	// then what they lead to.
	RS_BOUNDS_AHEAD = 24,
	RS_ROW_AHEAD = 16,
	RS_TARGETS_AHEAD = 8,
	RS_TARGETS_MOST = 8, // of one row
};

/** Object numbers, first in first out, in an array that has room for all. */
struct rs_queue {
	uint32_t *item;
	size_t head, tail;
};

/** Fetch what the entries soon to be taken from @p item, of @p left, need. */
static inline void rs_rows_prefetch(const uint32_t *item, size_t left,
				    const uint32_t *start, const uint32_t *edge)
{
	if (left > RS_BOUNDS_AHEAD)
		__builtin_prefetch(&start[item[RS_BOUNDS_AHEAD]]);
	if (left > RS_ROW_AHEAD)
		__builtin_prefetch(&edge[start[item[RS_ROW_AHEAD]]]);
}

/** The same and, for what they refer to, @p state: @p width bytes an object. */
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

/** Bits by object number. */
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
