// SPDX-License-Identifier: MIT
#include "runtime/cpython/heap/block.h"

#include "runtime/cpython/decode/decode.h"

bool rs_py_fits(struct rs_cpython *py, const struct rs_py_type *t,
		uint64_t object, uint64_t room, uint64_t spare)
{
	// A type with items may have been given more room, or have less now; a
	// short str has less than its type says, and inline values more.
	if (t->itemsize || (t->flags & (RS_TPF_UNICODE | RS_TPF_INLINE_VALUES)))
		return rs_py_own_size(py, t, object) <= room;
	// A time or datetime without a time zone has no room for one.
	const uint64_t least =
		t->basicsize -
		(t->how == RS_PY_DATETIME ? sizeof(uint64_t) : 0);
	return least <= room && room - least < spare;
}

/*
 * The type at @p type, if it is one. Most words of tables lead to objects:
 * these need no closer look than at the type of their type, and must not push
 * types out of the cache. Where a pointer stands in the place of the count it
 * is a table nearly always, and worth no look at memory not looked at before.
 */
const struct rs_py_type *
rs_py_type_at(struct rs_cpython *py, uint64_t type, bool counted)
{
	if (!rs_py_is_address(type))
		return NULL;
	if (!counted)
		return rs_py_met(py, type);

	const struct rs_py_type *meta = rs_py_known_of(py, type);
	return meta && (meta->flags & RS_TPF_TYPE) ? rs_py_known(py, type)
						   : NULL;
}

// PYTHONMALLOC=debug: 8 bytes with the size that was requested (big-endian),
// one with the allocator's letter, and 7 that are always the same.
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
