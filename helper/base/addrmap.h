// SPDX-License-Identifier: MIT
/**
 * @file
 * A set of addresses that numbers its members in ascending order.
 *
 * One bit for 8 bytes of address space, in tables that cover 1 MiB each, found
 * through a two-level directory on address bits 20..47: no hash and no
 * comparison. A cell of a table is 32 such bits and, after rs_addrmap_seal(),
 * the number of members before them, so an address turns into its number by
 * arithmetic on one word: one cache line, which rs_addrmap_prefetch() fetches
 * ahead. For a heap of 1 GiB the tables are 32 MiB.
 */
#ifndef RS_BASE_ADDRMAP_H
#define RS_BASE_ADDRMAP_H

#include "base/vec.h"

#define RS_NONE UINT32_MAX

enum {
	RS_CHUNK_SHIFT = 20, // a chunk covers 1 MiB
	RS_CHUNK_CELLS = 1 << (RS_CHUNK_SHIFT - 3 - 5), // 4096
	RS_DIR_SHIFT = 14, // 28 bits of chunk number in two levels
	RS_PAGE_SHIFT = 14, // 64 pages in a chunk
};

struct rs_chunk {
	// Low half: a bit for each 8 bytes. High half: members before, in the
	// whole map.
	uint64_t cell[RS_CHUNK_CELLS];
	uint64_t base; // first address covered
	uint64_t pages; // a bit for each 16 KiB that a member was added in
};

struct rs_addrmap {
	struct rs_chunk ***dir; // [1 << 14] of [1 << 14], blocks
	struct rs_vec chunk; // of struct rs_chunk *, by address once sealed
	struct rs_vec slab; // of struct rs_chunk *: what chunks are cut from
	uint32_t count; // members
	bool sealed;
};

/** A cell without members. */
extern const uint64_t rs_addrmap_no_cell;

RS_MUST_CHECK struct rs_error *rs_addrmap_init(struct rs_addrmap *map);
void rs_addrmap_fini(struct rs_addrmap *map);

/**
 * @return The number of bits set. Inline: the baseline x86-64 has no
 * instruction for it and gcc would call a table-driven function.
 */
static inline uint32_t rs_popcount(uint32_t x)
{
#ifdef __POPCNT__
	return (uint32_t)__builtin_popcount(x);
#else
	x -= x >> 1 & 0x55555555;
	x = (x & 0x33333333) + (x >> 2 & 0x33333333);
	x = (x + (x >> 4)) & 0x0f0f0f0f;
	return x * 0x01010101 >> 24;
#endif
}

/** @return The index of the cell of @p address in its chunk. */
static inline uint64_t rs_addrmap_cell(uint64_t address)
{
	return (address >> 8) & (RS_CHUNK_CELLS - 1);
}

/** @return The bit of @p address in its cell. */
static inline uint32_t rs_addrmap_bit(uint64_t address)
{
	return UINT32_C(1) << (address >> 3 & 31);
}

/** @return The chunk of @p address, or NULL. */
static inline struct rs_chunk *
rs_addrmap_chunk(const struct rs_addrmap *map, uint64_t address)
{
	const uint64_t n = address >> RS_CHUNK_SHIFT;
	if (__builtin_expect(n >> (2 * RS_DIR_SHIFT) != 0, 0))
		return NULL;
	struct rs_chunk **leaf = map->dir[n >> RS_DIR_SHIFT];
	return leaf ? leaf[n & ((1U << RS_DIR_SHIFT) - 1)] : NULL;
}

/** Whether @p address can be a member: a multiple of 8 below 2^48. */
static inline bool rs_addrmap_takes(uint64_t address)
{
	return !(address & 7) && !(address >> 48);
}

/** Whether @p address is a member. Addresses that are no multiple of 8 never
 * are. */
static inline bool
rs_addrmap_has(const struct rs_addrmap *map, uint64_t address)
{
	const struct rs_chunk *c = rs_addrmap_chunk(map, address);
	return c && !(address & 7) &&
	       (c->cell[rs_addrmap_cell(address)] & rs_addrmap_bit(address));
}

/**
 * Add @p address, a multiple of 8 below 2^48.
 *
 * @param[out] added Whether it was new. May be NULL.
 * Errors: RS_ENOMEM; RS_EBAD when it is no such address.
 */
RS_MUST_CHECK struct rs_error *
rs_addrmap_add(struct rs_addrmap *map, uint64_t address, bool *added);

/** Take @p address out again. Before sealing only. */
void rs_addrmap_remove(struct rs_addrmap *map, uint64_t address);

/** Compute the ranks; adding again unseals. Errors: RS_EBAD above 2^30 members.
 */
RS_MUST_CHECK struct rs_error *rs_addrmap_seal(struct rs_addrmap *map);

/** @return The number of @p address in ascending order, or RS_NONE. Sealed
 * only. */
static inline uint32_t
rs_addrmap_number(const struct rs_addrmap *map, uint64_t address)
{
	const struct rs_chunk *c = rs_addrmap_chunk(map, address);
	if (__builtin_expect(!c || (address & 7), 0))
		return RS_NONE;
	const uint64_t cell = c->cell[rs_addrmap_cell(address)];
	const uint32_t bit = rs_addrmap_bit(address);
	if (!(cell & bit))
		return RS_NONE;
	return (uint32_t)(cell >> 32) + rs_popcount((uint32_t)cell & (bit - 1));
}

/**
 * The cell that says whether @p address is a member, without looking into it:
 * for loops that ask for many. Start fetching it, come back some addresses
 * later, and give its value to rs_addrmap_number_in().
 *
 * @return Borrowed; a cell without members where there can be none, which the
 *         cache holds.
 */
static inline const uint64_t *
rs_addrmap_slot(const struct rs_addrmap *map, uint64_t address)
{
	const struct rs_chunk *c = rs_addrmap_chunk(map, address);

	// Memory allocators keep sizes apart, thus leaves from containers, so
	// this alone answers for most leaves.
	if (!c || (address & 7) ||
	    !(c->pages >> (address >> RS_PAGE_SHIFT & 63) & 1))
		return &rs_addrmap_no_cell;
	return &c->cell[rs_addrmap_cell(address)];
}

/** @return As rs_addrmap_number(), out of the cell's value. */
static inline uint32_t rs_addrmap_number_in(uint64_t cell, uint64_t address)
{
	const uint32_t bit = rs_addrmap_bit(address);
	const uint32_t number = (uint32_t)(cell >> 32) +
				rs_popcount((uint32_t)cell & (bit - 1));

	return cell & bit ? number : RS_NONE;
}

/** Start fetching what rs_addrmap_number() of @p address will touch. */
static inline void
rs_addrmap_prefetch(const struct rs_addrmap *map, uint64_t address)
{
	__builtin_prefetch(rs_addrmap_slot(map, address));
}

/** Write the members in ascending order to @p ret, an array of map->count.
 * Sealed only. */
void rs_addrmap_list(const struct rs_addrmap *map, uint64_t *ret);

/**
 * Address 0 may be a member, but is then not told from "none".
 *
 * @return The greatest member not above @p address, or 0 when there is none.
 *         Sealed only.
 */
uint64_t rs_addrmap_floor(const struct rs_addrmap *map, uint64_t address);

#endif /* RS_BASE_ADDRMAP_H */
