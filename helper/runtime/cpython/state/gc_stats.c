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

enum { RS_RING_MAX = 64, RS_GENERATIONS = 3 };

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

static int64_t
counter(struct rs_cpython *py, uint64_t item, enum rs_field field)
{
	return (int64_t)rs_py_get(py, item, field);
}

// What the collection that filled @p item found: the counters go on from those
// of @p before. @return false when it is none that has ended.
static bool read_collection(struct rs_cpython *py, uint64_t before,
			    uint64_t item, struct rs_gc_collection *ret)
{
	static const enum rs_field fields[] = {
		RS_F_gc_generation_stats__collected,
		RS_F_gc_generation_stats__uncollectable,
		RS_F_gc_generation_stats__candidates,
	};
	int64_t *const found[] = {&ret->collected, &ret->uncollectable,
				  &ret->candidates};
	const int64_t start =
		counter(py, item, RS_F_gc_generation_stats__ts_start);
	const int64_t number =
		counter(py, item, RS_F_gc_generation_stats__collections);

	ret->stop = counter(py, item, RS_F_gc_generation_stats__ts_stop);
	ret->duration = ret->stop - start;
	ret->heap_size = counter(py, item, RS_F_gc_generation_stats__heap_size);
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		*found[i] = counter(py, item, fields[i]) -
			    counter(py, before, fields[i]);
		if (*found[i] < 0)
			return false;
	}
	return start > 0 && ret->duration >= 0 &&
	       number == counter(py, before,
				 RS_F_gc_generation_stats__collections) +
				 1;
}

static void
add_newest_first(struct rs_gc_info *info, const struct rs_gc_collection *one)
{
	unsigned i = info->collections;

	if (i == RS_GC_COLLECTIONS_MAX)
		return;
	for (; i && info->collection[i - 1].stop < one->stop; i--)
		info->collection[i] = info->collection[i - 1];
	info->collection[i] = *one;
	info->collections++;
}

void rs_py_last_collections(struct rs_cpython *py, unsigned interpreter,
			    struct rs_gc_info *ret)
{
	const uint64_t gc = py->interpreter[interpreter].gc;

	ret->keeps_collections =
		has_rings(py) &&
		rs_py_off(py, RS_F_gc_stats__young__items__count) > 1;
	for (unsigned g = 0; ret->keeps_collections && g < RS_GENERATIONS;
	     g++) {
		struct ring ring;

		if (!open_ring(py, gc, g, &ring))
			continue;
		// One item of the ring serves as what another goes on from.
		for (int32_t i = 0; i < ring.n - 1; i++) {
			const int32_t at = (ring.last - i + ring.n) % ring.n;
			const int32_t before = (at - 1 + ring.n) % ring.n;
			struct rs_gc_collection one = {.generation = g};

			if (!read_collection(py, item_of(py, &ring, before),
					     item_of(py, &ring, at), &one))
				break;
			add_newest_first(ret, &one);
		}
	}
}
