// SPDX-License-Identifier: MIT
/**
 * @file
 * Whether memory of this process can be read: what is tracked may have been
 * unmapped without a word to the registry, and a collector or a walk must not
 * crash the program that it looks at.
 */
#ifndef RS_TRACKER_READABLE_H
#define RS_TRACKER_READABLE_H

#include "base/vec.h"

enum {
	RS_READABLE_PAGE = 12, // log2; larger pages only make it finer
	RS_READABLE_BLOCK = 18, // log2: what one question to the kernel covers
	RS_READABLE_NEAR = 16,
};

/** 64 pages. */
struct rs_known_block {
	uint64_t block; // its number plus 1; 0: free
	uint64_t pages; // a bit for each that can be read
};

/**
 * What was found out, kept for as long as nobody unmaps anything: one pass
 * over the objects. A zeroed struct knows nothing. End with
 * rs_readable_fini().
 */
struct rs_readable {
	uint64_t block; // number of the block asked for last
	uint64_t pages; // a bit for each of its pages that can be read
	// The first blocks lie in here; then a table is mapped.
	struct rs_known_block near[RS_READABLE_NEAR];
	struct rs_vec table; // struct rs_known_block: open addressing by block
	uint32_t used, slots;
	bool no_memory; // the table could not grow: it asks again and again
};

void rs_readable_fini(struct rs_readable *readable);

/** Slow path of rs_is_readable(). */
bool rs_readable_ask(struct rs_readable *readable, uint64_t address,
		     uint64_t size);

/**
 * @return Whether all @p size bytes at @p address can be read. Where the
 *         kernel lets nobody ask, true.
 */
static inline bool
rs_is_readable(struct rs_readable *readable, uint64_t address, uint64_t size)
{
	const uint64_t last = address + size - 1;
	const uint64_t mask = 63;

	if (address >> RS_READABLE_PAGE == last >> RS_READABLE_PAGE &&
	    address >> RS_READABLE_BLOCK == readable->block &&
	    readable->pages >> (address >> RS_READABLE_PAGE & mask) & 1)
		return true;
	return rs_readable_ask(readable, address, size);
}

/** Copy @p size bytes at @p from. @return Whether they could be read. */
bool rs_copy_readable(void *to, const void *from, size_t size);

#endif /* RS_TRACKER_READABLE_H */
