// SPDX-License-Identifier: MIT
//
// Objects in blocks of malloc(): those of more than 512 bytes, and with
// PYTHONMALLOC=malloc all. They are recognised by a count, a type that is no
// subject of the collector (the others are on its lists), and a block that is
// as large as such an object needs. A block that was freed does not look like
// one: its count is 0, and malloc() writes links over its first two words.
#include "runtime/cpython/decode/decode.h"
#include "runtime/cpython/heap/block.h"
#include "runtime/cpython/state/discover.h"

enum {
	RS_SPARE = 32, // bytes that malloc() may add, and leave in one piece
	RS_MAPPED = 128 << 10, // larger blocks may end with their page
	RS_PAGE = 4096,
};

// Bytes of the object at @p object, with its items.
static uint64_t
needed(struct rs_cpython *py, const struct rs_py_type *t, uint64_t object)
{
	return rs_py_size_in_place(&py->base, object,
				   rs_py_size(py, t, object));
}

// An int is allocated before it is known how many digits it has.
static bool
is_as_large(const struct rs_py_type *t, uint64_t least, uint64_t size)
{
	const uint64_t spare = t->flags & RS_TPF_LONG ? least
			       : size > RS_MAPPED     ? RS_PAGE + RS_SPARE
						      : RS_SPARE;

	return least <= size && size - least < spare;
}

// bytes and str end with a NUL that no length includes.
static bool ends_well(struct rs_cpython *py, const struct rs_py_type *t,
		      uint64_t object, uint64_t size)
{
	const uint8_t *last =
		rs_memory_at(py->base.memory, object + size - 1, 1);

	return last &&
	       (!(t->flags & (RS_TPF_BYTES | RS_TPF_UNICODE)) || !*last);
}

static bool is_one(struct rs_cpython *py, const struct rs_py_block *b)
{
	const uint8_t *p = b->data;
	const uint64_t count = rs_py_word(p + py->known->ob_refcnt);
	bool immortal = true;

	if (!rs_py_is_counted(py, p))
		return false;
	(void)rs_py_count(py, b->address, p, &immortal);
	if (immortal ||
	    rs_py_is_address(py->refcount32 ? (uint32_t)count : count))
		return false;
	const struct rs_py_type *t =
		rs_py_type_at(py, rs_py_word(p + py->known->ob_type), true);
	if (!t || t->gc || (t->flags & RS_TPF_TYPE) ||
	    t->basicsize <= py->header_size)
		return false;
	const uint64_t least = needed(py, t, b->address);
	return is_as_large(t, least, b->size) &&
	       ends_well(py, t, b->address, least);
}

uint64_t rs_py_object_in(struct rs_runtime *rt, const struct rs_extent *block)
{
	struct rs_cpython *py = rs_cpython(rt);
	const uint64_t size = block->end - block->start;
	struct rs_py_block b = {
		.address = block->start,
		.data = rs_memory_at(rt->memory, block->start,
				     RS_PY_GUARDS + py->header_size),
		.size = size,
		.room = size,
	};

	if (py->threaded || !b.data || size < RS_PY_GUARDS + py->header_size ||
	    (py->heap.arenas && size <= RS_PY_BLOCK_MAX))
		return 0;
	if (rs_py_block_is_guarded(&b) && !rs_py_block_unguard(&b))
		return 0;
	return is_one(py, &b) ? b.address : 0;
}
