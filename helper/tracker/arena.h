// SPDX-License-Identifier: MIT
/**
 * @file
 * Blocks of powers of two, from mappings of our own.
 *
 * Nothing goes back to the system before the library is unloaded: a block that
 * is given back serves the next of its size. The memory of a block stays
 * readable for ever, so a stale pointer to one leads to other data but never to
 * a fault.
 */
#ifndef RS_TRACKER_ARENA_H
#define RS_TRACKER_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RS_ARENA_MIN = 5, RS_ARENA_MAX = 17 }; // 32 bytes to 128 KiB

/** @return 2^@p log2 zeroed bytes, a multiple of 32, or NULL. */
void *rs_arena_get(unsigned log2);

/** NULL is allowed. */
void rs_arena_put(void *block, unsigned log2);

/** @return @p size zeroed bytes in a mapping of their own, or NULL. */
void *rs_arena_map(size_t size);

/**
 * Unmap all blocks: nobody may use any of them, or be in here, from now on.
 * Blocks may be had again afterwards.
 */
void rs_arena_give_back(void);

/** After fork(), in the child: no thread holds the arena. */
void rs_arena_reset(void);

#endif /* RS_TRACKER_ARENA_H */
