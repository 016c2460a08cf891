// SPDX-License-Identifier: MIT
/**
 * @file
 * pymalloc, the allocator of small blocks: arenas of pools of blocks of one
 * size; and what its blocks, or those of mimalloc, hold. Internal to
 * runtime/cpython.
 *
 * Nothing here trusts the target: a pool is taken for one when its header
 * agrees with itself and with its arena, chains are held against what is there
 * to be chained.
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
	RS_PY_GUARDS = 16, // PYTHONMALLOC=debug: before what was asked for
	RS_PY_GUARDED_MIN = RS_PY_GUARDS + 8, // before and after it, at least
};

struct rs_py_arena {
	uint64_t start; // of the mapping
	uint64_t pool; // address of the first pool
	uint64_t end; // where the pools that were ever used end
	uint64_t free; // a bit for each pool that is empty
	uint32_t index; // in the target's table
	bool damaged; // its chain of empty pools makes no sense
};

/** All arenas of a target. */
struct rs_py_arenas {
	struct rs_vec arena; // struct rs_py_arena, by address
	uint64_t table; // of the first interpreter; 0: none found
	uint64_t pool_size, arena_size; // bytes
	uint64_t large; // blocks too large for pools; see large_known
	bool large_known;
	bool large_is_all; // `large` counts those in pools too (3.6 to 3.8)
	uint64_t damaged; // entries of a table that are no arenas
};

/**
 * Find them: in the interpreter's state (3.12+), by symbol, or by what only
 * the table of arenas looks like. None is no error: with PYTHONMALLOC=malloc
 * there are none. rs_py_arenas_fini() ends it, also on error.
 * Errors: RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *
rs_py_arenas_find(struct rs_cpython *py, struct rs_py_arenas *ret);
void rs_py_arenas_fini(struct rs_py_arenas *arenas);

/** @return The address of pool @p n of @p arena, or 0: no more, or empty. */
uint64_t rs_py_arena_pool(const struct rs_py_arenas *arenas,
			  const struct rs_py_arena *arena, unsigned n);

/** A pool and which of its blocks are handed out. */
struct rs_py_pool {
	uint64_t address; // of the pool
	const uint8_t *data; // its bytes, borrowed from the memory
	uint32_t block; // bytes of a block
	uint32_t blocks; // ever handed out; those behind were never touched
	uint32_t used; // of them, handed out now
	uint32_t told; // the same, as the pool's header has it
	bool damaged; // the chain of free blocks makes no sense
	uint64_t free[(RS_PY_POOL_BLOCKS + 63) / 64]; // a bit for each block
};

/**
 * Look at the pool at @p address in the arena with number @p index.
 * @return false when it is unreadable or no pool.
 */
bool rs_py_pool_open(struct rs_cpython *py, const struct rs_py_arenas *arenas,
		     uint32_t index, uint64_t address, struct rs_py_pool *ret);

/** What a block that was handed out holds. */
enum rs_py_block_kind {
	RS_PY_BLOCK_OTHER, // a table, a buffer
	RS_PY_BLOCK_OBJECT,
	RS_PY_BLOCK_DEAD, // an object on a free list, or about to be on one
};

struct rs_py_block {
	uint64_t address; // of what was asked for: behind guards, if any
	const uint8_t *data;
	uint64_t size; // bytes that were asked for, or more
	uint64_t room; // bytes of the block
	uint64_t object; // address of the object, dead or alive, or 0
};

/**
 * Look at every block that was handed out, by address, and count them in
 * py->heap. Of free-threaded builds these are mimalloc's.
 *
 * @param tracked Objects that are known as such already.
 * @param visit Told of each block; an error ends the sweep with it. May be
 *        NULL.
 * Errors: RS_ENOMEM; RS_EINTERRUPTED.
 */
RS_MUST_CHECK struct rs_error *
rs_py_blocks_each(struct rs_cpython *py, const struct rs_addrmap *tracked,
		  struct rs_error *(*visit)(void *context,
					    enum rs_py_block_kind kind,
					    const struct rs_py_block *block),
		  void *context, const struct rs_progress *progress);

/** The same of mimalloc (sweep_threaded.c), for rs_py_blocks_each(). */
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
