// SPDX-License-Identifier: MIT
//
// The caches of free chunks that each thread has (tcache, from 2.26 on). A
// cache is a block of the heap: a count for each of 64 sizes, then the first
// block of each list. It is recognised by its size, and by every list having a
// first block of the right size exactly when its count is not 0.
#include "roots/glibc.h"

enum {
	RS_LISTS = 64,
	RS_COUNT_MAX = 127, // of a list: 7, unless tuned
	RS_WIDE = 0x290, // size of the chunk with 16-bit counts: 2.30 to 2.41
	RS_NARROW = 0x250, // with 8-bit counts: 2.26 to 2.29
	RS_FIRST_CHUNKS = 1 << 22, // a thread's cache is allocated early
};

static uint64_t word(const struct rs_glibc *glibc, uint64_t at)
{
	uint64_t value = 0;

	(void)rs_memory_u64(glibc->memory, at, &value);
	return value;
}

static bool
is_entry(const struct rs_glibc *glibc, unsigned i, unsigned count, uint64_t at)
{
	if (!at)
		return count == 0;
	return !(at & 15) && count && count <= RS_COUNT_MAX &&
	       (word(glibc, at - 8) & ~UINT64_C(7)) == 32 + UINT64_C(16) * i;
}

// Where the first blocks are in the block at @p block; 0: it is no cache.
static uint64_t
entries_of(const struct rs_glibc *glibc, uint64_t block, uint64_t size)
{
	const unsigned width = size == RS_WIDE ? 2 : 1;
	const uint8_t *p = rs_memory_at(glibc->memory, block, size - 16);
	unsigned used = 0;

	if (!p)
		return 0;
	for (unsigned i = 0; i < RS_LISTS; i++) {
		uint16_t count = p[i];
		uint64_t first;

		if (width == 2)
			memcpy(&count, p + 2U * i, sizeof(count));
		memcpy(&first, p + RS_LISTS * width + 8U * i, sizeof(first));
		if (!is_entry(glibc, i, count, first))
			return 0;
		used += count != 0;
	}
	return used ? block + RS_LISTS * width : 0;
}

static struct rs_error *add_cache(struct rs_glibc *glibc, uint64_t entries)
{
	struct rs_error *err = NULL;

	for (unsigned i = 0; i < RS_LISTS && !err; i++) {
		const uint64_t first = word(glibc, entries + UINT64_C(8) * i);

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

	for (unsigned i = 0; i < RS_FIRST_CHUNKS && chunk < heap->top && !err;
	     i++) {
		const uint64_t size = word(glibc, chunk + 8) & ~UINT64_C(7);
		const uint64_t entries =
			size == RS_WIDE || size == RS_NARROW
				? entries_of(glibc, chunk + 16, size)
				: 0;

		if (size < 32 || (size & 15))
			return NULL;
		if (entries)
			err = add_cache(glibc, entries);
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
