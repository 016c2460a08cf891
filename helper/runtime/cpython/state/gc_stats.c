// SPDX-License-Identifier: MIT
//
// The collector's statistics. Up to 3.14 its state has one item for each
// generation. 3.15 has a pointer to circular buffers, one for each generation,
// with the counters after each of the last collections; the first item of a
// buffer that is not yet full is zero.
//
// Source: CPython 3.15 Include/internal/pycore_interp_structs.h (gc_stats),
// Python/gc.c.
#include "runtime/cpython/state/discover.h"

enum { RS_RING_MAX = 64 };

/** A circular buffer of 3.15. */
struct ring {
	uint64_t items; // address of the first
	int32_t n;
	int32_t last; // index of the item of the last collection
};

static bool open_ring(struct rs_cpython *py, uint64_t gc, unsigned generation,
		      struct ring *ret)
{
	const uint64_t stats =
		rs_py_get(py, gc, RS_F__gc_runtime_state__generation_stats);
	const bool young = generation == 0;
	uint64_t at = stats;
	const uint8_t *index;

	if (!young)
		at += (uint64_t)rs_py_off(py, RS_F_gc_stats__old) +
		      (generation - UINT64_C(1)) *
			      (uint64_t)rs_py_off(
				      py, RS_F_gc_old_stats_buffer___size);
	ret->items = at + (uint64_t)rs_py_off(
				  py, young ? RS_F_gc_stats__young__items
					    : RS_F_gc_old_stats_buffer__items);
	ret->n = rs_py_off(py, young ? RS_F_gc_stats__young__items__count
				     : RS_F_gc_old_stats_buffer__items__count);
	index = rs_memory_at(
		py->base.memory,
		at + (uint64_t)rs_py_off(
			     py, young ? RS_F_gc_stats__young__index
				       : RS_F_gc_old_stats_buffer__index),
		1);
	ret->last = index ? *index : -1;
	return stats && ret->n > 0 && ret->n <= RS_RING_MAX && ret->last >= 0 &&
	       ret->last < ret->n &&
	       (young || (int32_t)generation <=
				 rs_py_off(py, RS_F_gc_stats__old__count));
}

static uint64_t
item_of(struct rs_cpython *py, const struct ring *ring, int32_t number)
{
	return ring->items +
	       (uint64_t)number *
		       (uint64_t)rs_py_off(py, RS_F_gc_generation_stats___size);
}

static bool has_rings(const struct rs_cpython *py)
{
	return rs_py_off(py, RS_F_gc_stats___size) > 0 &&
	       rs_py_off(py, RS_F_gc_stats__young__index) >= 0;
}

// The address of the current counters of a generation; 0: not known.
static uint64_t
counters_of(struct rs_cpython *py, uint64_t gc, unsigned generation)
{
	const int32_t at =
		rs_py_off(py, RS_F__gc_runtime_state__generation_stats);
	const int32_t size = rs_py_off(py, RS_F_gc_generation_stats___size);
	struct ring ring;

	if (!gc || at < 0 || size <= 0)
		return 0;
	if (!has_rings(py))
		return gc + (uint64_t)at + generation * (uint64_t)size;
	return open_ring(py, gc, generation, &ring)
		       ? item_of(py, &ring, ring.last)
		       : 0;
}

void rs_py_generation_stats(struct rs_cpython *py, unsigned interpreter,
			    unsigned generation, struct rs_gc_generation *ret)
{
	const uint64_t at =
		counters_of(py, py->interpreter[interpreter].gc, generation);

	ret->collections = ret->collected = ret->uncollectable = RS_GC_UNKNOWN;
	if (!at)
		return;
	ret->collections = (int64_t)rs_py_get(
		py, at, RS_F_gc_generation_stats__collections);
	ret->collected =
		(int64_t)rs_py_get(py, at, RS_F_gc_generation_stats__collected);
	ret->uncollectable = (int64_t)rs_py_get(
		py, at, RS_F_gc_generation_stats__uncollectable);
}
