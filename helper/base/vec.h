// SPDX-License-Identifier: MIT
/**
 * @file
 * Growable arrays in their own anonymous mappings.
 *
 * Growth is mremap(): no copy, no fragmentation, nothing from malloc. The
 * array moves when it grows, so pointers into it die at the next reserve.
 */
#ifndef RS_BASE_VEC_H
#define RS_BASE_VEC_H

#include "refscope/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A zeroed struct is an empty array. */
struct rs_vec {
	void *data; // owned mapping, or NULL
	size_t used; // bytes in use
	size_t cap; // bytes mapped
};

/** Unmap. The struct is empty again and may be reused. */
void rs_vec_fini(struct rs_vec *vec);

/** Give back what is not in use, in whole huge pages. */
void rs_vec_trim(struct rs_vec *vec);

/** Make room for @p more bytes after the used ones. Errors: RS_ENOMEM. */
RS_MUST_CHECK struct rs_error *rs_vec_reserve(struct rs_vec *vec, size_t more);

/**
 * Room for @p most bytes in an empty array, few of which will be used: it does
 * not move below that, and what is not touched costs nothing.
 *
 * Errors: RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *
rs_vec_make_room(struct rs_vec *vec, size_t most);

/** Slow path of rs_vec_push(). @return false when out of memory. */
bool rs_vec_grow(struct rs_vec *vec, size_t more);

/** Append @p size bytes, uninitialised. @return NULL when out of memory. */
static inline void *rs_vec_push(struct rs_vec *vec, size_t size)
{
	if (__builtin_expect(vec->cap - vec->used < size, 0) &&
	    !rs_vec_grow(vec, size))
		return NULL;
	void *slot = (char *)vec->data + vec->used;
	vec->used += size;
	return slot;
}

/** Number of elements of type @p type. */
#define rs_vec_count(vec, type) ((vec)->used / sizeof(type))

/** The elements as a pointer to @p type. */
#define rs_vec_items(vec, type) ((type *)(vec)->data)

/**
 * One zeroed block of @p count elements of @p size bytes in its own mapping.
 * Untouched pages cost nothing. Release with rs_block_free(block, same size).
 *
 * Errors: RS_ENOMEM (also when the product overflows).
 */
RS_MUST_CHECK struct rs_error *
rs_block_new(size_t count, size_t size, void *ret_pointer);
/** NULL is allowed. */
void rs_block_free(void *block, size_t count, size_t size);

/**
 * Hint that most of @p block will be used, in any order: when it is large, ask
 * for huge pages, which save a fault for every 4 KiB and a TLB miss for nearly
 * every access.
 */
void rs_block_dense(void *block, size_t count, size_t size);

/** rs_block_new() and rs_block_dense(). */
RS_MUST_CHECK struct rs_error *
rs_block_new_dense(size_t count, size_t size, void *ret_pointer);

/**
 * Hand over the bytes in use as a block: release it with
 * rs_block_free(block, bytes that were used, 1). The array is empty again.
 * No copy. Errors: RS_ENOMEM (the array is as it was).
 */
RS_MUST_CHECK struct rs_error *
rs_vec_to_block(struct rs_vec *vec, void *ret_pointer);

#endif /* RS_BASE_VEC_H */
