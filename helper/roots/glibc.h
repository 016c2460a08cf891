// SPDX-License-Identifier: MIT
/**
 * @file
 * The blocks of glibc's malloc(), found without symbols (private).
 *
 * In the writable data of libc the 127 bins of an arena (struct malloc_state)
 * are pairs of words which, while a bin is empty, both hold the address of the
 * pair less 16: the longest run of such pairs, or of pairs of pointers to free
 * chunks, is `bins` of the main arena. The other fields are at fixed distances,
 * and the other arenas are on its list `next`. A heap is a run of chunks, each
 * of which has its size in its head. A chunk is free when the next one says so,
 * or when it is on a list of free chunks that look used: the fast bins of an
 * arena, and the cache of a thread (tcache).
 *
 * Source: glibc malloc/malloc.c and malloc/arena.c of 2.17 to 2.43.
 */
#ifndef RS_ROOTS_GLIBC_H
#define RS_ROOTS_GLIBC_H

#include "memory/places.h"
#include "roots/ledger.h"

/** A run of chunks. */
struct rs_glibc_heap {
	uint64_t start, end; // the first chunk; end of the memory
	uint64_t top; // the chunk at the end that is not allocated yet, or end
};

/** The heaps of malloc(); arrays are owned. */
struct rs_glibc {
	struct rs_memory *memory; // borrowed
	struct rs_vec heap; // struct rs_glibc_heap, by address
	struct rs_addrmap free; // chunks on fast bins and in caches
	bool found; // an arena was found
};

/** @return The word at @p at; 0 when unreadable. */
static inline uint64_t rs_glibc_word(const struct rs_glibc *glibc, uint64_t at)
{
	uint64_t value = 0;

	(void)rs_memory_u64(glibc->memory, at, &value);
	return value;
}

/** @return The bytes of the chunk at @p chunk, below heap->top: no more than
 * the heap has from there on. 0: the heap is damaged from there on. */
static inline uint64_t rs_glibc_size(const struct rs_glibc *glibc,
				     const struct rs_glibc_heap *heap,
				     uint64_t chunk)
{
	const uint64_t size = rs_glibc_word(glibc, chunk + 8) & ~UINT64_C(7);

	return size < 32 || (size & 15) || size > heap->end - chunk ? 0 : size;
}

/** Whether malloc() has given out the chunk at @p chunk, of @p size bytes. */
static inline bool
rs_glibc_is_used(const struct rs_glibc *glibc, uint64_t chunk, uint64_t size)
{
	return (rs_glibc_word(glibc, chunk + size + 8) & 1) &&
	       !rs_addrmap_has(&glibc->free, chunk);
}

/** What malloc() made of some memory. */
enum rs_glibc_kind {
	RS_GLIBC_NONE, // not its memory
	RS_GLIBC_FREE, // a free chunk, or a part of the heap's own
	RS_GLIBC_USED,
	RS_GLIBC_DAMAGED, // in a heap whose chunks cannot be followed so far
};

/**
 * Find the arenas and their heaps. That there are none is no error.
 * @param[out] ret To be released by rs_glibc_fini(), on error too.
 * Errors: RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *
rs_glibc_find(struct rs_memory *memory, struct rs_glibc *ret);
/** A zeroed struct is allowed. */
void rs_glibc_fini(struct rs_glibc *glibc);

/** A position in a heap, for look-ups in ascending order. Zeroed: the start. */
struct rs_glibc_cursor {
	size_t heap;
	uint64_t chunk;
};

/**
 * The block that contains @p address. Fast when called with ascending
 * addresses.
 * @param[out] block Of RS_GLIBC_USED: what malloc() returned, and its end.
 */
enum rs_glibc_kind rs_glibc_block(const struct rs_glibc *glibc,
				  struct rs_glibc_cursor *cursor,
				  uint64_t address, struct rs_extent *block);

/**
 * The same for a block that has a mapping of its own, in which @p address is.
 * @param low The start of that memory.
 */
enum rs_glibc_kind rs_glibc_mapped(struct rs_memory *memory, uint64_t low,
				   uint64_t address, struct rs_extent *block);

/** Called with a block that malloc() has given out: from what it returned to
 * the end. Errors: any; the first ends the visit. */
typedef struct rs_error *(*rs_glibc_visit_fn)(void *context,
					      const struct rs_extent *block);

/**
 * Visit all blocks in use: glibc_blocks.c.
 * @param progress May be NULL.
 * Errors: RS_EINTERRUPTED; those of @p visit.
 */
RS_MUST_CHECK struct rs_error *
rs_glibc_each(const struct rs_glibc *glibc, const struct rs_progress *progress,
	      rs_glibc_visit_fn visit, void *context);
/**
 * Find the free chunks, and what of the heaps is not allocated yet.
 * @param[out] ret struct rs_extent, appended.
 * Errors: RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *
rs_glibc_idle(const struct rs_glibc *glibc, struct rs_vec *ret);

/** Find the heaps of the arena: glibc_heaps.c. Errors: RS_ENOMEM. */
RS_MUST_CHECK struct rs_error *
rs_glibc_heaps(struct rs_glibc *glibc, uint64_t bins);

/** Add the chunks in the caches of threads to glibc->free: glibc_cache.c.
 * Errors: RS_ENOMEM. */
RS_MUST_CHECK struct rs_error *rs_glibc_caches(struct rs_glibc *glibc);

/**
 * Add the chunks of a list of free ones to glibc->free: glibc_lists.c.
 * @param first The first block of the list, as malloc() returned it.
 * @param chunks The links lead to chunks, as in fast bins, not to blocks.
 * Errors: RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *
rs_glibc_add_list(struct rs_glibc *glibc, uint64_t first, bool chunks);

#endif /* RS_ROOTS_GLIBC_H */
