// SPDX-License-Identifier: MIT
//
// Free memory of pymalloc: empty pools, and free blocks of the others.
#include "runtime/cpython/heap/words.h"

// Blocks that were never touched, and the rest of the pool, are free too.
static struct rs_error *
add_pool(const struct rs_py_pool *pool, uint64_t pool_size, struct rs_vec *ret)
{
	const uint64_t first = pool->address + RS_PY_POOL_HEADER;
	struct rs_error *err = NULL;
	uint32_t i = 0;

	while (i < pool->blocks && !err) {
		const uint32_t from = i;

		while (i < pool->blocks && rs_py_pool_is_free(pool, i))
			i++;
		err = rs_extent_append(ret,
				       first + (uint64_t)from * pool->block,
				       first + (uint64_t)i * pool->block);
		while (i < pool->blocks && !rs_py_pool_is_free(pool, i))
			i++;
	}
	return err ? err
		   : rs_extent_append(
			     ret, first + (uint64_t)pool->blocks * pool->block,
			     pool->address + pool_size);
}

static struct rs_error *
add_arena(struct rs_cpython *py, const struct rs_py_arenas *arenas,
	  const struct rs_py_arena *arena, struct rs_vec *ret)
{
	const uint64_t size = arenas->pool_size;
	uint64_t at = arena->pool;
	struct rs_error *err = NULL;

	for (unsigned n = 0; at + size <= arena->end && !err; n++, at += size) {
		struct rs_py_pool pool;

		if (!rs_py_arena_pool(arenas, arena, n))
			err = rs_extent_append(ret, at, at + size);
		else if (rs_py_pool_open(py, arenas, arena->index, at, &pool))
			err = add_pool(&pool, size, ret);
	}
	return err ? err
		   : rs_extent_append(ret, arena->end,
				      arena->start + arenas->arena_size);
}

struct rs_error *rs_py_idle(struct rs_runtime *rt, struct rs_vec *ret)
{
	struct rs_cpython *py = rs_cpython(rt);
	const struct rs_py_arenas *arenas =
		py->words ? &py->words->arenas : NULL;
	struct rs_error *err = NULL;

	for (size_t i = 0; arenas && !err &&
			   i < rs_vec_count(&arenas->arena, struct rs_py_arena);
	     i++)
		err = add_arena(
			py, arenas,
			&rs_vec_items(&arenas->arena, struct rs_py_arena)[i],
			ret);
	return err;
}
