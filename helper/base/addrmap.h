// SPDX-License-Identifier: MIT
/**
 * @file
 * A set of addresses that numbers its members in ascending order.
 *
 * Each table (a chunk) covers 1 MiB of address space with one bit for every 8
 * bytes, and is found through a two-level directory on address bits 20 to 47.
 * A cell of a table holds 32 such bits and, once rs_addrmap_seal() has run, the
 * number of members before them. So the number of an address is computed from
 * one word: no hash, no comparison, one cache line, which
 * rs_addrmap_prefetch() can fetch early. A heap of 1 GiB needs 32 MiB of
 * tables.
 *
 * Life: rs_addrmap_init(), rs_addrmap_add() for every member,
 * rs_addrmap_seal(), then look-ups of numbers; membership (rs_addrmap_has())
 * can be asked at any time.
 */
#ifndef RS_BASE_ADDRMAP_H
#define RS_BASE_ADDRMAP_H

#include "base/vec.h"

/** "No number": also used for object numbers in general. */
#define RS_NONE UINT32_MAX

enum {
	RS_CHUNK_SHIFT = 20, // a chunk covers 1 MiB
	RS_CHUNK_CELLS = 1 << (RS_CHUNK_SHIFT - 3 - 5), // 4096
	RS_DIR_SHIFT = 14, // 28 bits of chunk number in two levels
	RS_PAGE_SHIFT = 14, // 64 pages in a chunk
};

struct rs_chunk {
	// Low half: a bit for each 8 bytes. High half, once sealed: how many
	// members of the whole map have lower addresses than this cell.
	uint64_t cell[RS_CHUNK_CELLS];
	uint64_t base; // first address covered
	uint64_t pages; // a bit for each 16 KiB in which a member was added
};

struct rs_addrmap {
	struct rs_chunk ***dir; // [1 << 14] of [1 << 14]; owned blocks
	struct rs_vec chunk; // of struct rs_chunk *, by address once sealed
	struct rs_vec slab; // of struct rs_chunk *: owned arrays of chunks
	uint32_t count; // members
	bool sealed; // the high halves of the cells are valid
};

/** A cell without members. */
extern const uint64_t rs_addrmap_no_cell;

/** Errors: RS_ENOMEM; rs_addrmap_fini() is allowed then, but not needed. */
RS_MUST_CHECK struct rs_error *rs_addrmap_init(struct rs_addrmap *map);
/** A zeroed map is allowed. */
void rs_addrmap_fini(struct rs_addrmap *map);

/**
 * @return The number of bits set. Inline because the baseline x86-64 has no
 * instruction for it, and gcc would call a table-driven function.
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

/** @return The chunk that covers @p address, or NULL when there is none. */
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

/** Whether @p address is a member; false for any that is not a multiple of 8.
 */
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
 * Errors: RS_ENOMEM; RS_EBAD for any other address.
 */
RS_MUST_CHECK struct rs_error *
rs_addrmap_add(struct rs_addrmap *map, uint64_t address, bool *added);

/** Remove @p address, if it is a member. Only before sealing. */
void rs_addrmap_remove(struct rs_addrmap *map, uint64_t address);

/**
 * Number the members. Adding another one afterwards undoes this.
 * Errors: RS_EBAD when there are more than 2^30 members.
 */
RS_MUST_CHECK struct rs_error *rs_addrmap_seal(struct rs_addrmap *map);

/** @return How many members are below @p address, or RS_NONE when it is not a
 * member. Only once sealed. */
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
 * Where the cell of @p address is, without reading it: for loops that look up
 * many addresses. Prefetch the cell, go on with some other addresses, then pass
 * its value to rs_addrmap_number_in().
 *
 * @return Borrowed. For an address that cannot be a member this is
 *         rs_addrmap_no_cell, which is always in the cache.
 */
static inline const uint64_t *
rs_addrmap_slot(const struct rs_addrmap *map, uint64_t address)
{
	const struct rs_chunk *c = rs_addrmap_chunk(map, address);

	// Allocators put objects of different sizes in different pages, and
	// thus objects that the collector tracks apart from those that it does
	// not: for most of the latter the bit of the page is the answer.
	if (!c || (address & 7) ||
	    !(c->pages >> (address >> RS_PAGE_SHIFT & 63) & 1))
		return &rs_addrmap_no_cell;
	return &c->cell[rs_addrmap_cell(address)];
}

/** @return The same as rs_addrmap_number(), from the value of the cell. */
static inline uint32_t rs_addrmap_number_in(uint64_t cell, uint64_t address)
{
	const uint32_t bit = rs_addrmap_bit(address);
	const uint32_t number = (uint32_t)(cell >> 32) +
				rs_popcount((uint32_t)cell & (bit - 1));

	return cell & bit ? number : RS_NONE;
}

/** Prefetch what rs_addrmap_number() of @p address will read. */
static inline void
rs_addrmap_prefetch(const struct rs_addrmap *map, uint64_t address)
{
	__builtin_prefetch(rs_addrmap_slot(map, address));
}

/** Write the members in ascending order to @p ret, an array of map->count.
 * Only once sealed. */
void rs_addrmap_list(const struct rs_addrmap *map, uint64_t *ret);

/**
 * Only once sealed.
 *
 * @return The greatest member not above @p address, or 0 when there is none
 *         (or when that member is address 0).
 */
uint64_t rs_addrmap_floor(const struct rs_addrmap *map, uint64_t address);

#endif /* RS_BASE_ADDRMAP_H */
