// SPDX-License-Identifier: MIT
#include "base/cleanup.h"
#include "roots/glibc.h"

enum {
	RS_TOP = -16, // bytes from `bins` to `top`
	RS_FAST_BINS = 10,
	RS_BINS = 254, // words
	RS_NEXT = RS_BINS * 8 + 16, // bytes from `bins` to `next`
	RS_SYSTEM_MEM = RS_NEXT + 24,
	RS_STATE_END = RS_SYSTEM_MEM + 16,
	RS_ARENAS_MAX = 1 << 16, // eight for each processor, unless tuned
	RS_HEAPS_MAX = 1 << 16, // of all arenas: 4 TiB
	RS_HEAP_SIZE = 64 << 20, // bytes, and alignment, of further heaps
};

/*
 * The bytes from the start of an arena to its bins: mutex and flags (and, from
 * 2.27 to 2.42, have_fastchunks, padded to 8), the fast bins (gone in 2.43),
 * top and last_remainder. The list of arenas leads back to its start.
 * @return 0 when it does not.
 */
static unsigned bytes_before(struct rs_glibc *glibc, uint64_t bins)
{
	static const unsigned sizes[] = {16 + 80 + 16, 8 + 80 + 16, 8 + 16,
					 16 + 16};
	bool endless = false;

	for (size_t k = 0; k < sizeof(sizes) / sizeof(*sizes); k++) {
		const uint64_t main = bins - sizes[k];
		const uint64_t to_next = (uint64_t)sizes[k] + RS_NEXT;
		uint64_t at = rs_glibc_word(glibc, bins + RS_NEXT);
		unsigned i = 0;

		for (; i < RS_ARENAS_MAX && at && at != main; i++)
			at = rs_glibc_word(glibc, at + to_next);
		if (at == main)
			return sizes[k];
		endless |= i == RS_ARENAS_MAX;
	}
	if (endless)
		rs_memory_gap(glibc->memory,
			      "malloc() has more than %d arenas, or their list "
			      "is damaged; its blocks are not known",
			      RS_ARENAS_MAX);
	return 0;
}

// Lists that lead back into themselves never end.
static bool is_over(struct rs_glibc *glibc, unsigned heaps)
{
	if (heaps < RS_HEAPS_MAX)
		return false;
	rs_memory_gap(glibc->memory,
		      "malloc() has more than %d heaps; blocks of the others "
		      "are not known",
		      RS_HEAPS_MAX);
	return true;
}

static struct rs_error *
add_heap(struct rs_glibc *glibc, uint64_t start, uint64_t end, uint64_t top)
{
	const struct rs_glibc_heap heap = {start, end, top};

	if (start >= end || (start & 15) || top < start || top > end)
		return NULL;
	return rs_vec_append(&glibc->heap, &heap, sizeof(heap));
}

// The first arena has one run of memory, that ends with `top`.
static struct rs_error *add_main(struct rs_glibc *glibc, uint64_t bins)
{
	const uint64_t top = rs_glibc_word(glibc, bins + (uint64_t)RS_TOP);
	const uint64_t size = rs_glibc_word(glibc, top + 8) & ~UINT64_C(7);
	const uint64_t system = rs_glibc_word(glibc, bins + RS_SYSTEM_MEM);

	if (system > top + size)
		return NULL;
	return add_heap(glibc, (top + size - system + 15) & ~UINT64_C(15),
			top + size, top);
}

/*
 * Another arena has heaps: {arena, previous heap, size, ..}. The arena itself
 * stands in the first of them, behind that head.
 */
static struct rs_error *add_other(struct rs_glibc *glibc, uint64_t state,
				  uint64_t bins, unsigned *heaps)
{
	const uint64_t mask = ~(uint64_t)(RS_HEAP_SIZE - 1);
	const uint64_t head = state & ~mask;
	const uint64_t end_of_state = bins + RS_STATE_END;
	uint64_t top = rs_glibc_word(glibc, bins + (uint64_t)RS_TOP);
	uint64_t heap = top & mask;
	struct rs_error *err = NULL;

	for (; heap && !err && !is_over(glibc, *heaps); ++*heaps) {
		const uint64_t previous = rs_glibc_word(glibc, heap + 8);
		const uint64_t size = rs_glibc_word(glibc, heap + 16);
		const uint64_t start =
			heap == (state & mask) ? end_of_state : heap + head;

		if (rs_glibc_word(glibc, heap) != state || size > RS_HEAP_SIZE)
			return NULL;
		// Older heaps end with two small chunks that hold nothing.
		if ((top & mask) != heap)
			top = heap + size;
		err = add_heap(glibc, (start + 15) & ~UINT64_C(15), heap + size,
			       top);
		heap = previous;
	}
	return err;
}

static struct rs_error *
add_fast_bins(struct rs_glibc *glibc, uint64_t bins, unsigned before)
{
	const uint64_t fast = bins - 16 - UINT64_C(8) * RS_FAST_BINS;
	struct rs_error *err = NULL;

	for (unsigned i = 0; before > 100 && i < RS_FAST_BINS && !err; i++) {
		const uint64_t chunk =
			rs_glibc_word(glibc, fast + UINT64_C(8) * i);

		if (chunk)
			err = rs_glibc_add_list(glibc, chunk + 16, true);
	}
	return err;
}

static int by_start(const void *a, const void *b)
{
	const struct rs_glibc_heap *x = a;
	const struct rs_glibc_heap *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

struct rs_error *rs_glibc_heaps(struct rs_glibc *glibc, uint64_t bins)
{
	const unsigned before = bytes_before(glibc, bins);
	const uint64_t main = bins - before;
	uint64_t state = main;
	unsigned heaps = 0;
	struct rs_error *err;

	if (!before)
		return NULL;
	glibc->found = true;
	if ((err = add_main(glibc, bins)) ||
	    (err = add_fast_bins(glibc, bins, before)))
		return err;
	for (unsigned i = 0;; i++) {
		state = rs_glibc_word(glibc, state + (bins + RS_NEXT - main));
		if (!state || state == main || is_over(glibc, heaps))
			break;
		if (i == RS_ARENAS_MAX) {
			rs_memory_gap(glibc->memory,
				      "malloc() has more than %d arenas; "
				      "blocks of the others are not known",
				      RS_ARENAS_MAX);
			break;
		}
		const uint64_t its = state + (bins - main);
		if ((err = add_other(glibc, state, its, &heaps)) ||
		    (err = add_fast_bins(glibc, its, before)))
			return err;
	}
	const size_t n = rs_vec_count(&glibc->heap, struct rs_glibc_heap);
	if (n > 1)
		qsort(glibc->heap.data, n, sizeof(struct rs_glibc_heap),
		      by_start);
	return NULL;
}
