// SPDX-License-Identifier: MIT
#include "runtime/cpython/heap/block.h"

#include "runtime/cpython/decode/decode.h"

bool rs_py_fits(struct rs_cpython *py, const struct rs_py_type *t,
		uint64_t object, uint64_t room, uint64_t spare)
{
	// An object with items may be larger than needed, or have shrunk. A
	// short str is smaller than its type says, and one with inline values
	// larger.
	if (t->itemsize || (t->flags & (RS_TPF_UNICODE | RS_TPF_INLINE_VALUES)))
		return rs_py_own_size(py, t, object) <= room;
	// A time or datetime without a time zone is shorter.
	const uint64_t least =
		t->basicsize -
		(t->how == RS_PY_DATETIME ? sizeof(uint64_t) : 0);
	return least <= room && room - least < spare;
}

/*
 * The type at @p type, if there is one. Most words in tables point to objects,
 * not to types; for these it is enough to check the type of their type, and
 * they must not evict types from the cache. If the word in place of the count
 * is a pointer, the block is nearly always a table, and not worth reading
 * memory that has not been read before.
 */
const struct rs_py_type *
rs_py_type_at(struct rs_cpython *py, uint64_t type, bool counted)
{
	if (!rs_py_is_address(type))
		return NULL;
	if (!counted)
		return rs_py_learned(py, type);

	const struct rs_py_type *meta = rs_py_known_of(py, type);
	return meta && (meta->flags & RS_TPF_TYPE) ? rs_py_known(py, type)
						   : NULL;
}

// PYTHONMALLOC=debug: 8 bytes with the requested size (big-endian), one with
// the letter of the allocator, and 7 constant ones.
bool rs_py_block_is_guarded(const struct rs_py_block *b)
{
	if (b->size < RS_PY_GUARDED_MIN)
		return false;
	const uint64_t guard = rs_py_word(b->data + 8) >> 8;
	return guard == UINT64_C(0xfdfdfdfdfdfdfd) ||
	       guard == UINT64_C(0xfbfbfbfbfbfbfb);
}

bool rs_py_block_unguard(struct rs_py_block *b)
{
	if (!rs_py_block_is_guarded(b))
		return false;
	const uint64_t asked = __builtin_bswap64(rs_py_word(b->data));
	const bool for_object = b->data[8] == 'o';

	if (asked > b->size - RS_PY_GUARDED_MIN)
		return false;
	b->address += RS_PY_GUARDS;
	b->data += RS_PY_GUARDS;
	b->size = asked;
	return for_object;
}
