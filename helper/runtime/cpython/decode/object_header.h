// SPDX-License-Identifier: MIT
/**
 * @file
 * What every object begins with: its count and its type. Internal to
 * runtime/cpython.
 */
#ifndef RS_CPYTHON_OBJECT_HEADER_H
#define RS_CPYTHON_OBJECT_HEADER_H

#include "runtime/cpython/decode/types.h"

enum { RS_PY_FROZEN_COUNT = 900000000 };

/** tp_flags of the type of @p object, read without learning the type. */
uint64_t rs_py_flags_of(struct rs_cpython *py, uint64_t object);

/** Whether type flags @p bits (RS_TPF_..) are set in the type of @p object. */
bool rs_py_is(struct rs_cpython *py, uint64_t object, uint64_t bits);

/** ob_size of @p object, 0 when unreadable. */
int64_t rs_py_length(struct rs_cpython *py, uint64_t object);

/**
 * Whether a count that a live object can have and a known type stand at
 * @p address, whatever stands before it: for members of the collector's lists,
 * whose heads have been looked at already.
 */
bool rs_py_has_header(struct rs_cpython *py, uint64_t address);

/**
 * Whether the collector's head before @p header, that of an object, is one of
 * an object that it does not track.
 */
bool rs_py_is_untracked(const struct rs_cpython *py, const uint8_t *header);

/** Whether the object at @p object, with @p header, is on some list. */
bool rs_py_is_linked(struct rs_cpython *py, uint64_t object,
		     const uint8_t *header);

/** Whether @p header, that of an object, has the count of a live one. */
bool rs_py_is_counted(struct rs_cpython *py, const uint8_t *header);

/**
 * The count of the free-threaded @p object, whose header is @p header.
 * @param[out] immortal Then it is UINT32_MAX.
 */
uint32_t rs_py_threaded_count(const struct rs_cpython *py, uint64_t object,
			      const uint8_t *header, bool *immortal);

/**
 * What 3.11 has in its executable (code of its own modules with all that it
 * holds, small ints, single characters) starts with a count of 999999999 and
 * is never freed, whatever is counted from there: what 3.12 calls immortal.
 */
static inline bool
rs_py_is_frozen(struct rs_cpython *py, uint64_t object, int64_t count)
{
	return __builtin_expect(count >= RS_PY_FROZEN_COUNT, 0) &&
	       py->version >> 16 == 0x030b &&
	       rs_memory_module(py->base.memory, object);
}

/** As rs_row.wide_count. Before 3.12 counts are signed and of 64 bits. */
int64_t
rs_py_wide_count(struct rs_cpython *py, uint64_t object, const uint8_t *header);

/**
 * The count of @p object, whose header is @p header.
 * @param[out] immortal Then it is UINT32_MAX.
 */
static inline uint32_t rs_py_count(struct rs_cpython *py, uint64_t object,
				   const uint8_t *header, bool *immortal)
{
	const int32_t at = py->known->ob_refcnt;

	*immortal = false;
	if (py->known->threaded_bits)
		return rs_py_threaded_count(py, object, header, immortal);
	if (py->refcount32) {
		uint32_t count;
		memcpy(&count, header + at, sizeof(count));
		*immortal = count >> 31;
		return *immortal ? UINT32_MAX : count;
	}
	const int64_t count = (int64_t)rs_py_word(header + at);
	if (count < 0)
		return 0;
	*immortal = rs_py_is_frozen(py, object, count);
	if (*immortal)
		return UINT32_MAX;
	return count < UINT32_MAX ? (uint32_t)count : UINT32_MAX - 1;
}

#endif /* RS_CPYTHON_OBJECT_HEADER_H */
