// SPDX-License-Identifier: MIT
#include "roots/glibc.h"

#include <sys/mman.h>

enum {
	RS_PAIRS = 127, // bins of an arena
	RS_SURE = RS_PAIRS - 4, // the stop may be amidst a change of some
	RS_PAGE = 4096,
	RS_BACK_MAX = 1 << 16, // pages searched for the head of a block
};

// Whether the pair of words at @p at can be a bin: empty, or pointers to
// chunks.
static bool is_bin(struct rs_memory *memory, uint64_t at)
{
	uint64_t fd = 0, bk = 0;

	if (!rs_memory_u64(memory, at, &fd) ||
	    !rs_memory_u64(memory, at + 8, &bk))
		return false;
	if (fd == at - 16 && bk == fd)
		return true;
	return fd && bk && !(fd & 15) && !(bk & 15) && !(fd >> 47) &&
	       !(bk >> 47) && rs_memory_at(memory, fd, 32) &&
	       rs_memory_at(memory, bk, 32);
}

// Whether the first and the last chunk of the list in bin @p at lead back to
// it; empty, it is both by itself.
static bool is_sure(struct rs_memory *memory, uint64_t at)
{
	uint64_t fd = 0, bk = 0, back = 0, forth = 0;

	return rs_memory_u64(memory, at, &fd) &&
	       rs_memory_u64(memory, at + 8, &bk) &&
	       rs_memory_u64(memory, fd + 24, &back) &&
	       rs_memory_u64(memory, bk + 16, &forth) && back == at - 16 &&
	       forth == at - 16;
}

// The bins of an arena between @p start and @p end, or 0.
static uint64_t
find_bins(struct rs_memory *memory, uint64_t start, uint64_t end)
{
	for (uint64_t at = (start + 15) & ~UINT64_C(15);
	     at + UINT64_C(16) * RS_PAIRS <= end; at += 8) {
		unsigned n = 0, sure = 0;

		for (; n < RS_PAIRS && is_bin(memory, at + UINT64_C(16) * n);
		     n++)
			sure += is_sure(memory, at + UINT64_C(16) * n);
		// `top` and `last_remainder` before it may look like a bin.
		if (n == RS_PAIRS && sure >= RS_SURE &&
		    !is_bin(memory, at + UINT64_C(16) * RS_PAIRS))
			return at;
	}
	return 0;
}

static uint64_t
bins_of(struct rs_memory *memory, const struct rs_module *module)
{
	struct rs_extent data;

	for (unsigned k = 0; rs_memory_data(memory, module, k, &data, NULL);
	     k++) {
		const uint64_t bins = find_bins(memory, data.start, data.end);

		if (bins)
			return bins;
	}
	return 0;
}

static bool is_libc(const struct rs_module *module)
{
	const char *name = rs_base_name(module->path);

	return strncmp(name, "libc.so", 7) == 0 ||
	       strncmp(name, "libc-2", 6) == 0;
}

struct rs_error *rs_glibc_find(struct rs_memory *memory, struct rs_glibc *ret)
{
	struct rs_error *err;
	bool shared = false;

	*ret = (struct rs_glibc){.memory = memory};
	if ((err = rs_addrmap_init(&ret->free)))
		return err;
	for (size_t i = 0; i < memory->modules; i++)
		shared |= is_libc(&memory->module[i]);
	for (size_t i = 0; i < memory->modules && !ret->found; i++) {
		const uint64_t bins =
			!shared || is_libc(&memory->module[i])
				? bins_of(memory, &memory->module[i])
				: 0;

		if (bins && (err = rs_glibc_heaps(ret, bins)))
			return err;
	}
	return ret->found ? rs_glibc_caches(ret) : NULL;
}

void rs_glibc_fini(struct rs_glibc *glibc)
{
	rs_vec_fini(&glibc->heap);
	rs_addrmap_fini(&glibc->free);
}

enum rs_glibc_kind rs_glibc_block(const struct rs_glibc *glibc,
				  struct rs_glibc_cursor *cursor,
				  uint64_t address, struct rs_extent *block)
{
	const struct rs_glibc_heap *heap =
		rs_vec_items(&glibc->heap, struct rs_glibc_heap);
	const size_t heaps = rs_vec_count(&glibc->heap, struct rs_glibc_heap);

	if (cursor->chunk > address) // not ascending: begin again
		*cursor = (struct rs_glibc_cursor){0};
	while (cursor->heap < heaps && heap[cursor->heap].end <= address) {
		cursor->heap++;
		cursor->chunk = 0;
	}
	if (cursor->heap == heaps || address < heap[cursor->heap].start)
		return RS_GLIBC_NONE;
	heap += cursor->heap;
	if (cursor->chunk < heap->start)
		cursor->chunk = heap->start;
	for (uint64_t size; cursor->chunk < heap->top; cursor->chunk += size) {
		const uint64_t chunk = cursor->chunk;

		size = rs_glibc_size(glibc, heap, chunk);
		if (!size)
			return RS_GLIBC_DAMAGED;
		// The last word is the first of the next chunk.
		*block = (struct rs_extent){chunk + 16, chunk + size + 8};
		if (address < block->end)
			return address >= block->start &&
					       rs_glibc_is_used(glibc, chunk,
								size)
				       ? RS_GLIBC_USED
				       : RS_GLIBC_FREE;
	}
	return RS_GLIBC_FREE;
}

enum rs_glibc_kind rs_glibc_mapped(struct rs_memory *memory, uint64_t low,
				   uint64_t address, struct rs_extent *block)
{
	uint64_t page = address & ~(uint64_t)(RS_PAGE - 1);

	for (unsigned i = 0; i < RS_BACK_MAX && page >= low; i++) {
		uint64_t before = 0, size = 0;

		if (!rs_memory_u64(memory, page, &before) ||
		    !rs_memory_u64(memory, page + 8, &size))
			return RS_GLIBC_NONE;
		uint64_t bytes = size & ~UINT64_C(7);

		if ((bytes + before + 16) % RS_PAGE == 0)
			bytes += 16; // from 2.42 on it is without its head
		if ((size & 7) == 2 && before < RS_PAGE && !(before & 15) &&
		    !((bytes + before) & (RS_PAGE - 1)) && bytes >= RS_PAGE &&
		    bytes > address - page) {
			*block = (struct rs_extent){page + 16, page + bytes};
			return address >= block->start ? RS_GLIBC_USED
						       : RS_GLIBC_FREE;
		}
		page -= RS_PAGE;
	}
	return RS_GLIBC_NONE;
}
