// SPDX-License-Identifier: MIT
/**
 * @file
 * Appending references to a struct rs_refs. Internal to runtime/cpython.
 */
#ifndef RS_CPYTHON_REFS_H
#define RS_CPYTHON_REFS_H

#include "runtime/cpython/decode/types.h"

enum {
	RS_PY_DRAIN_STEP = 4096, // elements between two drains (struct rs_refs)
};

/**
 * Elements of one object at most: as many words as an address space has. A
 * greater length is damage. What lengths below it lead to must be readable.
 */
#define RS_PY_ITEMS_MAX (INT64_C(1) << 44)

/**
 * Append @p count pointers from @p address on, without NULLs, with index labels
 * from @p first on. Sets refs->incomplete when some are unreadable.
 */
void rs_py_array_refs(struct rs_cpython *py, uint64_t address, uint64_t count,
		      uint64_t first, enum rs_kind kind, uint32_t label,
		      struct rs_refs *refs);

/** Slow path of rs_py_reserve(). */
bool rs_py_refs_grow(struct rs_refs *refs, uint64_t more);

/**
 * Make room for @p more references.
 * @return false when out of memory; sets refs->incomplete.
 */
static inline bool rs_py_reserve(struct rs_refs *refs, uint64_t more)
{
	return refs->cap - refs->n >= more || rs_py_refs_grow(refs, more);
}

#endif /* RS_CPYTHON_REFS_H */
