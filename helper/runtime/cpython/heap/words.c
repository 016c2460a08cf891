// SPDX-License-Identifier: MIT
//
// Words of arenas and of the stacks on which frames stand.
#include "runtime/cpython/heap/words.h"

#include "base/cleanup.h"
#include "base/search.h"
#include "runtime/cpython/decode/chain.h"
#include "runtime/cpython/decode/decode.h"
#include "runtime/cpython/heap/mimalloc.h"
#include "runtime/cpython/state/discover.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	RS_CHUNK_SIZE_AT = 8, // _PyStackChunk: previous, size, top, data
	RS_CHUNK_MAX = 1 << 30, // bytes; a larger one is damage
	RS_STACK_MAX = 1 << 20, // entries of a value stack
	RS_TEXT = 512,
};

void rs_py_words_free(struct rs_py_words *words)
{
	if (!words)
		return;
	rs_py_arenas_fini(&words->arenas);
	rs_vec_fini(&words->stack);
	rs_vec_fini(&words->chunk);
	free(words);
}

static int by_start(const void *a, const void *b)
{
	const struct rs_py_stack *x = a;
	const struct rs_py_stack *y = b;

	return (x->extent.start > y->extent.start) -
	       (x->extent.start < y->extent.start);
}

static void tell_damaged(struct rs_cpython *py, const char *what)
{
	rs_memory_gap(py->base.memory,
		      "CPython %s: %s is damaged; what it holds is "
		      "unexplained",
		      py->version_text, what);
}

// The value stack of an executing frame: what of it is in use is not known.
static bool value_stack(struct rs_cpython *py, const struct rs_py_frame *frame,
			struct rs_extent *ret)
{
	const int32_t size_at = rs_py_off(py, RS_F_PyCodeObject__co_stacksize);
	const int32_t locals_at =
		rs_py_off(py, RS_F__PyInterpreterFrame__localsplus);
	struct rs_py_names names;
	uint32_t size = 0;

	if (!rs_py_names_open(py, frame->code, &names) || size_at < 0 ||
	    !rs_memory_u32(py->base.memory, frame->code + (uint64_t)size_at,
			   &size))
		return false;
	if (size > RS_STACK_MAX) {
		tell_damaged(py, "the value stack of a frame");
		return false;
	}
	if (rs_py_minor(py) >= 11)
		ret->start =
			frame->address + (uint64_t)locals_at + names.slots * 8;
	else
		ret->start = rs_py_get(py, frame->address,
				       RS_F_PyFrameObject__f_valuestack);
	ret->end = ret->start + (uint64_t)size * 8;
	return true;
}

static struct rs_error *find_stacks(struct rs_cpython *py)
{
	RS_CLEANUP(rs_vec_fini) struct rs_vec frames = {0};
	struct rs_vec *stacks = &py->words->stack;
	struct rs_error *err = rs_py_frames(py, &frames);
	const struct rs_py_frame *frame =
		rs_vec_items(&frames, struct rs_py_frame);

	for (size_t i = 0;
	     !err && i < rs_vec_count(&frames, struct rs_py_frame); i++) {
		struct rs_py_stack stack = {.frame = frame[i]};

		if (frame[i].executing &&
		    value_stack(py, &frame[i], &stack.extent))
			err = rs_vec_append(stacks, &stack, sizeof(stack));
	}
	const size_t n = rs_vec_count(stacks, struct rs_py_stack);
	if (n > 1)
		qsort(stacks->data, n, sizeof(struct rs_py_stack), by_start);
	return err;
}

static struct rs_error *find_chunks(struct rs_cpython *py)
{
	struct rs_vec threads = {0};
	struct rs_error *err = rs_py_threads(py, &threads);
	const struct rs_py_thread *thread =
		rs_vec_items(&threads, struct rs_py_thread);
	const size_t n = rs_vec_count(&threads, struct rs_py_thread);

	for (size_t i = 0; i < n && !err; i++) {
		uint64_t chunk = rs_py_get(py, thread[i].address,
					   RS_F__ts__datastack_chunk);
		struct rs_py_chain chain = {0};

		while (chunk && !err && rs_py_chain_step(&chain, chunk)) {
			const uint64_t size =
				rs_py_word_at(py, chunk + RS_CHUNK_SIZE_AT);
			const struct rs_extent extent = {chunk, chunk + size};

			if (size > RS_CHUNK_MAX)
				break;
			err = rs_vec_append(&py->words->chunk, &extent,
					    sizeof(extent));
			chunk = rs_py_word_at(py, chunk);
		}
		if (chunk && !err)
			tell_damaged(py, "the stack of a thread's frames");
	}
	rs_vec_fini(&threads);
	return err;
}

// The segments of mimalloc: all of one area each.
static struct rs_error *add_segments(struct rs_cpython *py, struct rs_vec *ret)
{
	struct rs_vec segments = {0};
	struct rs_error *err = rs_py_mi_segments(py, &segments);

	for (size_t i = 0; i < rs_vec_count(&segments, uint64_t) && !err; i++) {
		const uint64_t start = rs_vec_items(&segments, uint64_t)[i];
		const struct rs_extent extent = {start,
						 start + RS_PY_MI_SEGMENT};

		err = rs_vec_append(ret, &extent, sizeof(extent));
	}
	rs_vec_fini(&segments);
	return err;
}

static struct rs_error *add_areas(struct rs_cpython *py, struct rs_vec *ret)
{
	const struct rs_py_arenas *arenas = &py->words->arenas;
	const struct rs_py_arena *arena =
		rs_vec_items(&arenas->arena, struct rs_py_arena);
	const size_t n = rs_vec_count(&arenas->arena, struct rs_py_arena);
	struct rs_error *err = NULL;

	for (size_t i = 0; i < n && !err; i++) {
		const struct rs_extent extent = {
			arena[i].start, arena[i].start + arenas->arena_size};

		err = rs_vec_append(ret, &extent, sizeof(extent));
	}
	if (!err)
		err = rs_vec_append(ret, py->words->chunk.data,
				    py->words->chunk.used);
	return err;
}

struct rs_error *rs_py_areas(struct rs_runtime *rt,
			     const struct rs_addrmap *objects,
			     struct rs_vec *area, struct rs_vec *frame)
{
	struct rs_cpython *py = rs_cpython(rt);
	struct rs_error *err = NULL;

	if (!py->words) {
		py->words = calloc(1, sizeof(*py->words));
		if (!py->words)
			return &rs_enomem;
		py->words->objects = objects;
		if ((err = find_stacks(py)) || (err = find_chunks(py)) ||
		    (!py->threaded &&
		     (err = rs_py_arenas_find(py, &py->words->arenas)))) {
			rs_py_words_free(py->words);
			py->words = NULL;
			return err;
		}
	}
	const struct rs_py_stack *stack =
		rs_vec_items(&py->words->stack, struct rs_py_stack);
	const size_t n = rs_vec_count(&py->words->stack, struct rs_py_stack);

	for (size_t i = 0; i < n && !err; i++)
		err = rs_vec_append(frame, &stack[i].extent,
				    sizeof(stack[i].extent));
	if (!err && py->threaded)
		err = add_segments(py, area);
	return err ? err : add_areas(py, area);
}

// The frame whose value stack has the word at @p slot, or NULL.
static const struct rs_py_frame *
frame_at(const struct rs_cpython *py, uint64_t slot)
{
	const struct rs_vec *stacks = &py->words->stack;
	const struct rs_py_stack *stack =
		rs_vec_items(stacks, struct rs_py_stack);
	const size_t after =
		RS_FIRST_INDEX(i, rs_vec_count(stacks, struct rs_py_stack),
			       stack[i].extent.start > slot);

	return after && slot < stack[after - 1].extent.end
		       ? &stack[after - 1].frame
		       : NULL;
}

static const struct rs_py_arena *
arena_at(const struct rs_py_arenas *arenas, uint64_t address)
{
	const struct rs_py_arena *arena =
		rs_vec_items(&arenas->arena, struct rs_py_arena);
	const size_t after = RS_FIRST_INDEX(
		i, rs_vec_count(&arenas->arena, struct rs_py_arena),
		arena[i].start > address);

	return after && address < arena[after - 1].end ? &arena[after - 1]
						       : NULL;
}

static bool open_pool(struct rs_cpython *py, uint64_t address)
{
	struct rs_py_words *w = py->words;
	const struct rs_py_arena *arena = arena_at(&w->arenas, address);

	if (!arena || address < arena->pool)
		return false;
	const uint64_t size = w->arenas.pool_size;
	const uint64_t n = (address - arena->pool) / size;
	const uint64_t pool =
		n < RS_PY_ARENA_POOLS
			? rs_py_arena_pool(&w->arenas, arena, (unsigned)n)
			: 0;

	if (!w->pool_open || w->pool.address != pool)
		w->pool_open =
			pool && rs_py_pool_open(py, &w->arenas, arena->index,
						pool, &w->pool);
	return w->pool_open && w->pool.address == pool;
}

enum rs_word_kind rs_py_words_block(struct rs_cpython *py, uint64_t address,
				    struct rs_extent *ret)
{
	const struct rs_py_pool *pool = &py->words->pool;
	struct rs_py_block block;

	if (!open_pool(py, address) ||
	    address - pool->address < RS_PY_POOL_HEADER)
		return RS_WORD_DEAD;
	const uint32_t i =
		(uint32_t)((address - pool->address - RS_PY_POOL_HEADER) /
			   pool->block);
	if (i >= pool->blocks || rs_py_pool_is_free(pool, i))
		return RS_WORD_DEAD;
	const enum rs_py_block_kind kind = rs_py_block_at(
		py, py->words->objects, &py->words->arenas, pool, i, &block);
	*ret = (struct rs_extent){block.address, block.address + block.size};
	return kind == RS_PY_BLOCK_OBJECT ? RS_WORD_OBJECT
	       : kind == RS_PY_BLOCK_DEAD ? RS_WORD_DEAD
					  : RS_WORD_BLOCK;
}

static bool is_on_stack(const struct rs_cpython *py, uint64_t slot)
{
	const struct rs_extent *chunk =
		rs_vec_items(&py->words->chunk, struct rs_extent);

	for (size_t i = 0;
	     i < rs_vec_count(&py->words->chunk, struct rs_extent); i++)
		if (slot >= chunk[i].start && slot < chunk[i].end)
			return true;
	return false;
}

enum rs_word_kind
rs_py_word_kind(struct rs_runtime *rt, uint64_t slot, struct rs_extent *block)
{
	struct rs_cpython *py = rs_cpython(rt);

	// The slots of other frames are roots.
	if (is_on_stack(py, slot))
		return RS_WORD_DEAD;
	return py->threaded ? RS_WORD_DEAD : rs_py_words_block(py, slot, block);
}

void rs_py_frame_word_text(struct rs_runtime *rt, uint64_t slot, char *buf,
			   size_t size)
{
	struct rs_cpython *py = rs_cpython(rt);
	const struct rs_py_frame *frame = frame_at(py, slot);
	char text[RS_TEXT];

	buf[0] = '\0';
	if (!frame)
		return;
	rs_py_frame_text(py, frame, text, sizeof(text));
	(void)snprintf(buf, size, "value stack of %s", text);
}

uint64_t rs_py_extent(struct rs_runtime *rt, uint64_t object)
{
	struct rs_cpython *py = rs_cpython(rt);
	const struct rs_py_type *t = rs_py_known_of(py, object);

	if (!t)
		return 0;
	if (t->how != RS_PY_TYPE)
		return rs_py_own_size(py, t, object);
	return rs_py_get(py, object, RS_F__typeobject__tp_flags) & RS_TPF_HEAP
		       ? t->basicsize
		       : (uint64_t)py->known->type_size;
}

bool rs_py_is_table(struct rs_runtime *rt, uint64_t object, uint64_t slot)
{
	struct rs_cpython *py = rs_cpython(rt);
	const struct rs_py_type *t = rs_py_known_of(py, object);

	if (!t)
		return false;
	if (slot < object) // the values of its attributes
		return true;
	switch (t->how) {
	case RS_PY_LIST:
	case RS_PY_DICT:
	case RS_PY_SET:
	case RS_PY_ODICT:
	case RS_PY_DEQUE:
	case RS_PY_LRU_CACHE:
	case RS_PY_TYPE:
	case RS_PY_CODE:
	case RS_PY_TEE_DATA:
	case RS_PY_ELEMENT:
	case RS_PY_RING:
		return true;
	default: // bytes that may be anything
		return strcmp(t->name, "bytearray") == 0 ||
		       strcmp(t->name, "array.array") == 0;
	}
}
