// SPDX-License-Identifier: MIT
#include "runtime/cpython/heap/arenas.h"

static uint32_t
header(const struct rs_cpython *py, const uint8_t *data, enum rs_field field)
{
	uint32_t value;

	memcpy(&value, data + rs_py_off(py, field), sizeof(value));
	return value;
}

uint64_t rs_py_arena_pool(const struct rs_py_arenas *arenas,
			  const struct rs_py_arena *arena, unsigned n)
{
	const uint64_t pool = arena->pool + n * arenas->pool_size;

	if (n >= RS_PY_ARENA_POOLS || pool >= arena->end ||
	    arena->free >> n & 1)
		return 0;
	return pool;
}

// Mark the freed blocks, which are linked by their first words.
static void
follow_free(struct rs_py_pool *pool, uint64_t block, uint64_t pool_size)
{
	while (block) {
		const uint64_t offset = block - pool->address;
		const uint64_t i = (offset - RS_PY_POOL_HEADER) / pool->block;

		if (offset < RS_PY_POOL_HEADER || offset >= pool_size ||
		    (offset - RS_PY_POOL_HEADER) % pool->block ||
		    i >= pool->blocks ||
		    rs_py_pool_is_free(pool, (uint32_t)i)) {
			pool->damaged = true;
			return;
		}
		pool->free[i / 64] |= UINT64_C(1) << i % 64;
		pool->used--;
		memcpy(&block, pool->data + offset, sizeof(block));
	}
}

bool rs_py_pool_open(struct rs_cpython *py, const struct rs_py_arenas *arenas,
		     uint32_t index, uint64_t address, struct rs_py_pool *ret)
{
	const uint8_t *p =
		rs_memory_at(py->base.memory, address, arenas->pool_size);
	const uint32_t size = (uint32_t)arenas->pool_size;
	uint64_t first;

	if (!p || header(py, p, RS_F_pool_header__arenaindex) != index)
		return false;
	const uint32_t class = header(py, p, RS_F_pool_header__szidx);
	const uint32_t next = header(py, p, RS_F_pool_header__nextoffset);
	const uint32_t last = header(py, p, RS_F_pool_header__maxnextoffset);
	// The last block begins one block size before the end, and sizes are
	// multiples of the alignment, 8 or 16.
	const uint32_t block = size - last;
	if (last > size || class >= RS_PY_BLOCK_MAX / RS_PY_BLOCK_MIN ||
	    (block != (class + 1) * 8 && block != (class + 1) * 16) ||
	    block > RS_PY_BLOCK_MAX || next < RS_PY_POOL_HEADER ||
	    next > size || (next - RS_PY_POOL_HEADER) % block)
		return false;
	*ret = (struct rs_py_pool){
		.address = address,
		.data = p,
		.block = block,
		.blocks = (next - RS_PY_POOL_HEADER) / block,
		.stated = header(py, p, RS_F_pool_header__ref),
	};
	ret->used = ret->blocks;
	memcpy(&first, p + rs_py_off(py, RS_F_pool_header__freeblock),
	       sizeof(first));
	follow_free(ret, first, size);
	return true;
}
