// SPDX-License-Identifier: MIT
//
// The caches of free chunks that each thread has (tcache, from 2.26 on). A
// cache is a block of the heap: a count for each of 64 sizes, then the first
// block of each list. It is recognised by its size, and by every list having a
// first block of the right size exactly when its count is not 0.
#include "roots/glibc.h"

enum {
	RS_LISTS = 64, // of one size each
};

/** A cache as a release has it. */
struct form {
	uint64_t chunk; // bytes of its chunk
	unsigned lists, width; // of a count
	bool room; // counts say how many more blocks a list takes
};

static const struct form forms[] = {
	{0x290, 64, 2, false}, // 2.30 to 2.41
	{0x250, 64, 1, false}, // 2.26 to 2.29
	{0x300, 76, 2, true}, // 2.42 and later; the last lists are of ranges
};

static bool is_entry(const struct rs_glibc *glibc, const struct form *form,
		     unsigned i, unsigned count, uint64_t at)
{
	if (!at)
		return count == 0 || form->room;
	return !(at & 15) && (count || form->room) &&
	       (i >= RS_LISTS || (rs_glibc_word(glibc, at - 8) &
				  ~UINT64_C(7)) == 32 + UINT64_C(16) * i);
}

// Whether the block at @p block is a cache.
static bool
is_cache(const struct rs_glibc *glibc, const struct form *form, uint64_t block)
{
	const uint8_t *p = rs_memory_at(glibc->memory, block, form->chunk - 16);
	const size_t entries = (size_t)form->lists * form->width;
	unsigned used = 0;

	for (unsigned i = 0; p && i < form->lists; i++) {
		uint16_t count = p[i];
		uint64_t first;

		if (form->width == 2)
			memcpy(&count, p + (size_t)2 * i, sizeof(count));
		memcpy(&first, p + entries + (size_t)8 * i, sizeof(first));
		if (!is_entry(glibc, form, i, count, first))
			return false;
		used += first != 0;
	}
	return used != 0;
}

static struct rs_error *
add_cache(struct rs_glibc *glibc, const struct form *form, uint64_t block)
{
	const uint64_t entries = block + (uint64_t)form->lists * form->width;
	struct rs_error *err = NULL;

	for (unsigned i = 0; i < form->lists && !err; i++) {
		const uint64_t first =
			rs_glibc_word(glibc, entries + UINT64_C(8) * i);

		if (first)
			err = rs_glibc_add_list(glibc, first, false);
	}
	return err;
}

static struct rs_error *
search_heap(struct rs_glibc *glibc, const struct rs_glibc_heap *heap)
{
	uint64_t chunk = heap->start;
	struct rs_error *err = NULL;

	while (chunk < heap->top && !err) {
		const uint64_t size = rs_glibc_size(glibc, heap, chunk);

		if (!size)
			return NULL;
		for (size_t k = 0; k < sizeof(forms) / sizeof(*forms) && !err;
		     k++)
			if (size == forms[k].chunk &&
			    is_cache(glibc, &forms[k], chunk + 16))
				err = add_cache(glibc, &forms[k], chunk + 16);
		chunk += size;
	}
	return err;
}

struct rs_error *rs_glibc_caches(struct rs_glibc *glibc)
{
	const struct rs_glibc_heap *heap =
		rs_vec_items(&glibc->heap, struct rs_glibc_heap);
	const size_t n = rs_vec_count(&glibc->heap, struct rs_glibc_heap);
	struct rs_error *err = NULL;

	for (size_t i = 0; i < n && !err; i++)
		err = search_heap(glibc, &heap[i]);
	return err;
}
