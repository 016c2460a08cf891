// SPDX-License-Identifier: MIT
/**
 * @file What an allocated block can contain: for the sweeps of pymalloc and of
 * mimalloc. Internal to runtime/cpython.
 */
#ifndef RS_CPYTHON_BLOCK_H
#define RS_CPYTHON_BLOCK_H

#include "runtime/cpython/decode/types.h"
#include "runtime/cpython/heap/arenas.h"

/**
 * Whether the size of the object at @p object, of type @p t, matches the @p
 * room bytes from there to the end of its block, which may have less than @p
 * spare bytes more.
 */
bool rs_py_fits(struct rs_cpython *py, const struct rs_py_type *t,
		uint64_t object, uint64_t room, uint64_t spare);

/**
 * @param counted Whether the would-be object of this type has a plausible
 * count; if not, only types that are already known are found.
 * @return The type at @p type, or NULL when there is none.
 */
const struct rs_py_type *
rs_py_type_at(struct rs_cpython *py, uint64_t type, bool counted);

/** PYTHONMALLOC=debug: whether @p block begins with a guard. */
bool rs_py_block_is_guarded(const struct rs_py_block *block);

/**
 * PYTHONMALLOC=debug: remove the guards from @p block.
 * @return false when it has none, or was not requested for an object.
 */
bool rs_py_block_unguard(struct rs_py_block *block);

/** @return Whether @p value can be the address of an object. */
static inline bool rs_py_is_address(uint64_t value)
{
	return value >= 4096 && !(value >> 47) && !(value & 7);
}

#endif /* RS_CPYTHON_BLOCK_H */
