// SPDX-License-Identifier: MIT
/**
 * @file pymalloc, the allocator of small blocks: arenas contain pools, and
 * pools blocks of one size. And what is in its blocks, or in those of mimalloc.
 * Internal to runtime/cpython.
 *
 * The target is not trusted: a pool is accepted if its header is consistent and
 * matches its arena, and lists are checked against the blocks that can be in
 * them.
 *
 * Source: CPython Objects/obmalloc.c of 2.7 to 3.14,
 * Include/internal/pycore_obmalloc.h of 3.12 and later.
 */
#ifndef RS_CPYTHON_ARENAS_H
#define RS_CPYTHON_ARENAS_H

#include "runtime/cpython/cpython.h"

enum {
	RS_PY_POOL_HEADER = 48, // bytes before the first block
	RS_PY_BLOCK_MAX = 512, // bytes of the largest block
	RS_PY_BLOCK_MIN = 8, // bytes of the smallest, before 2.7.17 and 3.7.4
	RS_PY_POOL_MAX = 16 << 10, // bytes of a pool
	RS_PY_POOL_BLOCKS = (RS_PY_POOL_MAX - RS_PY_POOL_HEADER) / 8,
	RS_PY_ARENA_POOLS = 64, // pools in an arena that is aligned to them
	RS_PY_GUARDS =
		16, // PYTHONMALLOC=debug: bytes before what was requested
	RS_PY_GUARDED_MIN =
		RS_PY_GUARDS + 8, // before and after it together, at least
};

struct rs_py_arena {
	uint64_t start; // of the mapping
	uint64_t pool; // address of the first pool
	uint64_t end; // end of the pools that have been used
	uint64_t free; // a bit for each empty pool
	uint32_t index; // in the target's table
	bool damaged; // its list of empty pools is inconsistent
};

/** All arenas of a target. */
struct rs_py_arenas {
	struct rs_vec arena; // struct rs_py_arena, by address
	uint64_t table; // of the first interpreter; 0: none found
	uint64_t pool_size, arena_size; // bytes
	uint64_t large; // blocks too large for pools; see large_known
	bool large_known;
	bool large_is_all; // `large` includes those in pools (3.6 to 3.8)
	uint64_t damaged; // entries of the table that cannot be arenas
};

/**
 * Find the arenas: in the state of the interpreters (3.12 and later), by
 * symbol, or by searching for the table. That there are none is not an error:
 * with PYTHONMALLOC=malloc there are none.
 * @param[out] ret To be released by rs_py_arenas_fini(), on error too.
 * Errors: RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *
rs_py_arenas_find(struct rs_cpython *py, struct rs_py_arenas *ret);
void rs_py_arenas_fini(struct rs_py_arenas *arenas);

/**
 * @return The address of pool @p n of @p arena; 0 if it is empty, or there are
 * no more.
 */
uint64_t rs_py_arena_pool(const struct rs_py_arenas *arenas,
			  const struct rs_py_arena *arena, unsigned n);

/** A pool, and which of its blocks are allocated. */
struct rs_py_pool {
	uint64_t address; // of the pool
	const uint8_t *data; // its bytes, borrowed from the memory
	uint32_t block; // bytes of a block
	uint32_t blocks; // that have ever been allocated; the others were never
			 // touched
	uint32_t used; // of these, allocated now
	uint32_t stated; // the same according to the header of the pool
	bool damaged; // the list of free blocks is inconsistent
	uint64_t free[(RS_PY_POOL_BLOCKS + 63) / 64]; // a bit for each block
};

/**
 * Read the pool at @p address in the arena with number @p index.
 * @return false when it is unreadable or not a pool.
 */
bool rs_py_pool_open(struct rs_cpython *py, const struct rs_py_arenas *arenas,
		     uint32_t index, uint64_t address, struct rs_py_pool *ret);

/** What is in an allocated block. */
enum rs_py_block_kind {
	RS_PY_BLOCK_OTHER, // a table, a buffer
	RS_PY_BLOCK_OBJECT,
	RS_PY_BLOCK_DEAD, // an object on a free list, or being put on one
};

struct rs_py_block {
	uint64_t address; // of what was requested: after the guards, if any
	const uint8_t *data;
	uint64_t size; // bytes that were requested, or more
	uint64_t room; // bytes of the block
	uint64_t object; // address of the object, dead or alive, or 0
};

/**
 * Visit every allocated block, in the order of addresses, and count them in
 * py->heap; in free-threaded builds, those of mimalloc.
 *
 * @param tracked Objects that are already known.
 * @param visit Called for each block; an error ends the sweep. May be NULL.
 * Errors: RS_ENOMEM; RS_EINTERRUPTED; those of @p visit.
 */
RS_MUST_CHECK struct rs_error *
rs_py_blocks_each(struct rs_cpython *py, const struct rs_addrmap *tracked,
		  struct rs_error *(*visit)(void *context,
					    enum rs_py_block_kind kind,
					    const struct rs_py_block *block),
		  void *context, const struct rs_progress *progress);

/**
 * What block @p i of @p pool contains, which is allocated.
 * @param objects Objects that are already known.
 * @param[out] ret The block.
 */
enum rs_py_block_kind
rs_py_block_at(struct rs_cpython *py, const struct rs_addrmap *objects,
	       const struct rs_py_arenas *arenas, const struct rs_py_pool *pool,
	       uint32_t i, struct rs_py_block *ret);

/** rs_py_blocks_each() for mimalloc, which calls this (sweep_threaded.c).
 * Errors: as there. */
RS_MUST_CHECK struct rs_error *
rs_py_mi_blocks_each(struct rs_cpython *py, const struct rs_addrmap *tracked,
		     struct rs_error *(*visit)(void *context,
					       enum rs_py_block_kind kind,
					       const struct rs_py_block *block),
		     void *context, const struct rs_progress *progress);

static inline bool rs_py_pool_is_free(const struct rs_py_pool *pool, uint32_t i)
{
	return pool->free[i / 64] >> i % 64 & 1;
}

#endif /* RS_CPYTHON_ARENAS_H */
