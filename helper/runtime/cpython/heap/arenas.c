// SPDX-License-Identifier: MIT
//
// Finding the arenas. From 3.12 on the state of the allocator is part of that
// of the interpreter, or a pointer there leads to it. Before, it consists of a
// few static variables, whose symbols stripped files lack. Then static data is
// searched for a word that points to the table of arenas, which is recognised
// by its entries: the first pool of each arena contains the index of its entry.
#include "runtime/cpython/heap/arenas.h"

#include "runtime/cpython/state/discover.h"

#include <stdlib.h>

enum {
	RS_SLOTS_MAX = 1 << 20, // entries of a table
	RS_SLOTS_TRIED = 64, // of these, while searching for a table
	RS_PAGE = 4096,
	RS_CODE = 48, // bytes of a function to examine
};

struct search {
	struct rs_cpython *py;
	const struct rs_py_arenas *arenas;
	uint64_t best;
	unsigned live;
};

static uint32_t
half(const struct rs_cpython *py, uint64_t base, enum rs_field field)
{
	uint32_t value = 0;

	return rs_memory_u32(py->base.memory,
			     base + (uint64_t)rs_py_off(py, field), &value)
		       ? value
		       : 0;
}

static uint64_t round_up(uint64_t value, uint64_t to)
{
	return (value + to - 1) & ~(to - 1);
}

// Mark the pools that have been used and are empty: they are on a list.
static void find_empty(struct rs_cpython *py, const struct rs_py_arenas *arenas,
		       uint64_t entry, struct rs_py_arena *arena)
{
	uint64_t pool = rs_py_get(py, entry, RS_F_arena_object__freepools);

	while (pool) {
		const uint64_t n = (pool - arena->pool) / arenas->pool_size;

		if (pool < arena->pool || pool >= arena->end ||
		    (pool - arena->pool) % arenas->pool_size ||
		    arena->free >> n & 1) {
			arena->damaged = true;
			return;
		}
		arena->free |= UINT64_C(1) << n;
		pool = rs_py_get(py, pool, RS_F_pool_header__nextpool);
	}
}

/*
 * Read entry @p index of the table at @p table; one that is not in use has
 * start 0. @return false when it cannot be an entry.
 */
static bool read_entry(struct rs_cpython *py, const struct rs_py_arenas *arenas,
		       uint64_t table, uint32_t index, struct rs_py_arena *ret)
{
	const uint64_t entry =
		table + (uint64_t)index * (uint64_t)rs_py_off(
						  py, RS_F_arena_object___size);
	const uint32_t all = (uint32_t)(arenas->arena_size / arenas->pool_size);

	*ret = (struct rs_py_arena){.index = index};
	if (!rs_memory_at(py->base.memory, entry,
			  (uint64_t)rs_py_off(py, RS_F_arena_object___size)))
		return false;
	ret->start = rs_py_get(py, entry, RS_F_arena_object__address);
	if (!ret->start)
		return true;
	const uint32_t total = half(py, entry, RS_F_arena_object__ntotalpools);
	ret->end = rs_py_get(py, entry, RS_F_arena_object__pool_address);
	ret->pool = round_up(ret->start, arenas->pool_size);
	if (ret->start % RS_PAGE || ret->start >> 47 ||
	    total != all - (ret->pool != ret->start) ||
	    half(py, entry, RS_F_arena_object__nfreepools) > total ||
	    ret->end < ret->pool ||
	    ret->end > ret->pool + total * arenas->pool_size ||
	    (ret->end - ret->pool) % arenas->pool_size)
		return false;
	return ret->end == ret->pool ||
	       half(py, ret->pool, RS_F_pool_header__arenaindex) == index;
}

// The number of arenas at the beginning of the table at @p table, if it is one.
static unsigned count_live(struct rs_cpython *py,
			   const struct rs_py_arenas *arenas, uint64_t table)
{
	unsigned live = 0;

	if (!table || (table & 7) || table >> 47)
		return 0;
	for (uint32_t i = 0; i < RS_SLOTS_TRIED; i++) {
		struct rs_py_arena arena;

		if (!read_entry(py, arenas, table, i, &arena))
			break;
		live += arena.start && arena.end > arena.pool;
	}
	return live;
}

static bool visit_span(void *context, const struct rs_py_span *span)
{
	struct search *search = context;

	for (uint64_t i = -span->address & 7; i + 8 <= span->size; i += 8) {
		uint64_t value;

		memcpy(&value, span->data + i, sizeof(value));
		const unsigned live =
			count_live(search->py, search->arenas, value);
		if (live > search->live) {
			search->live = live;
			search->best = value;
		}
	}
	return true;
}

static uint64_t
find_table(struct rs_cpython *py, const struct rs_py_arenas *arenas)
{
	struct search search = {.py = py, .arenas = arenas};
	const uint64_t table = rs_py_word_at(py, rs_py_symbol(py, "arenas"));

	if (count_live(py, arenas, table))
		return table;
	rs_py_static_data(py, false, visit_span, &search);
	return search.best;
}

static void too_many(struct rs_cpython *py, uint32_t slots)
{
	rs_memory_gap(
		py->base.memory,
		"CPython %s has a table of %u arenas, of which %d are "
		"looked at; untracked objects in the others may be missing",
		py->version_text, slots, RS_SLOTS_MAX);
}

// Read @p slots entries or, if that is not known, up to the first that cannot
// be an entry.
static struct rs_error *add_table(struct rs_cpython *py,
				  struct rs_py_arenas *arenas, uint64_t table,
				  uint32_t slots)
{
	const uint64_t entry_size =
		(uint64_t)rs_py_off(py, RS_F_arena_object___size);

	for (uint32_t i = 0; i < slots; i++) {
		struct rs_py_arena arena;

		if (!read_entry(py, arenas, table, i, &arena)) {
			if (slots == RS_SLOTS_MAX)
				return NULL;
			arenas->damaged++;
			if (!rs_memory_at(py->base.memory,
					  table + i * entry_size, entry_size))
				return NULL; // what follows cannot be read
					     // either
			continue;
		}
		if (!arena.start)
			continue;
		find_empty(py, arenas, table + i * entry_size, &arena);
		struct rs_py_arena *slot =
			rs_vec_push(&arenas->arena, sizeof(*slot));
		if (!slot)
			return &rs_enomem;
		*slot = arena;
	}
	if (slots == RS_SLOTS_MAX)
		too_many(py, slots);
	return NULL;
}

// 3.12 and later: the state of each interpreter that has its own.
static struct rs_error *
add_states(struct rs_cpython *py, struct rs_py_arenas *arenas)
{
	uint64_t seen[RS_PY_INTERPRETERS];
	unsigned n = 0;

	arenas->large_known = true;
	for (unsigned i = 0; i < py->interpreters; i++) {
		uint64_t state = py->interpreter[i].address +
				 (uint64_t)rs_py_off(py, RS_F__is__obmalloc);
		unsigned k = 0;

		if (rs_py_off(py, RS_F__is__obmalloc__pointer) == 1)
			state = rs_py_word_at(py, state);
		while (k < n && seen[k] != state)
			k++;
		const uint64_t table = rs_py_get(
			py, state, RS_F__obmalloc_state__mgmt__arenas);
		if (k < n || !table)
			continue;
		seen[n++] = state;
		uint32_t slots =
			half(py, state, RS_F__obmalloc_state__mgmt__maxarenas);
		if (slots >= RS_SLOTS_MAX) {
			too_many(py, slots);
			slots = RS_SLOTS_MAX - 1;
		}
		struct rs_error *err = add_table(py, arenas, table, slots);
		if (err)
			return err;
		if (!arenas->table)
			arenas->table = table;
		arenas->large += rs_py_get(
			py, state,
			RS_F__obmalloc_state__mgmt__raw_allocated_blocks);
	}
	return NULL;
}

// The variable with which _Py_GetAllocatedBlocks() starts its sum: of the
// 64-bit variables that its code loads, the one that is not the table. x86-64
// only.
static uint64_t large_by_code(struct rs_cpython *py, uint64_t table)
{
	const uint64_t at = rs_py_symbol(py, "_Py_GetAllocatedBlocks");
	const uint8_t *code =
		at ? rs_memory_at(py->base.memory, at, RS_CODE) : NULL;
	uint64_t variable;

	for (unsigned i = 1; code && i + 8 <= RS_CODE; i++)
		if ((code[i - 1] & 0xf8) == 0x48 &&
		    rs_py_loads_from(code, at, i, &variable) &&
		    rs_py_word_at(py, variable) != table)
			return variable;
	return 0;
}

// For sys.getallocatedblocks(), 3.4 to 3.11 count the blocks that are too large
// for pools, or (up to 3.8) all blocks.
static void find_large(struct rs_cpython *py, struct rs_py_arenas *arenas)
{
	uint64_t at = rs_py_symbol(py, "raw_allocated_blocks");

	if (!at)
		at = rs_py_symbol(py, "_Py_AllocatedBlocks");
	if (!at)
		at = large_by_code(py, arenas->table);
	arenas->large_is_all = py->version < RS_PY(3, 9);
	arenas->large_known =
		at && rs_memory_u64(py->base.memory, at, &arenas->large);
}

static int by_address(const void *a, const void *b)
{
	const struct rs_py_arena *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

struct rs_error *
rs_py_arenas_find(struct rs_cpython *py, struct rs_py_arenas *ret)
{
	const bool big = py->version >= RS_PY(3, 10);
	struct rs_error *err = NULL;

	*ret = (struct rs_py_arenas){
		.pool_size = big ? RS_PY_POOL_MAX : 4096,
		.arena_size = (big ? RS_PY_POOL_MAX : 4096) * RS_PY_ARENA_POOLS,
	};
	if (rs_py_off(py, RS_F_arena_object___size) <= 0 ||
	    rs_py_off(py, RS_F_pool_header___size) <= 0 || py->threaded)
		return NULL;
	if (rs_py_off(py, RS_F__is__obmalloc) >= 0)
		err = add_states(py, ret);
	if (!err && !rs_vec_count(&ret->arena, struct rs_py_arena) &&
	    rs_py_off(py, RS_F__is__obmalloc) < 0) {
		ret->table = find_table(py, ret);
		if (ret->table)
			err = add_table(py, ret, ret->table, RS_SLOTS_MAX);
		if (py->version >= RS_PY(3, 4))
			find_large(py, ret);
	}
	if (ret->arena.used)
		qsort(ret->arena.data,
		      rs_vec_count(&ret->arena, struct rs_py_arena),
		      sizeof(struct rs_py_arena), by_address);
	return err;
}

void rs_py_arenas_fini(struct rs_py_arenas *arenas)
{
	rs_vec_fini(&arenas->arena);
}
