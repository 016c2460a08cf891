// SPDX-License-Identifier: MIT
/**
 * @file
 * Growable arrays, and blocks of fixed size, in their own anonymous mappings.
 *
 * They grow with mremap(): no copy, no fragmentation, no malloc(). A growing
 * array may move, so a pointer into it is valid only until the next call that
 * may grow it. Neither kind remembers the type of its elements.
 */
#ifndef RS_BASE_VEC_H
#define RS_BASE_VEC_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** A zeroed struct is an empty array. */
struct rs_vec {
	void *data; // owned mapping, or NULL
	size_t used; // bytes in use
	size_t cap; // bytes mapped
};

/** Unmap. The struct is an empty array afterwards and may be reused. */
void rs_vec_fini(struct rs_vec *vec);

/** Unmap the unused part at the end, in whole huge pages. */
void rs_vec_trim(struct rs_vec *vec);

/** Make room for @p more bytes after the used ones. Errors: RS_ENOMEM. */
RS_MUST_CHECK struct rs_error *rs_vec_reserve(struct rs_vec *vec, size_t more);

/**
 * Reserve address space for @p most bytes in an empty array, so that it does
 * not move until it exceeds them. Untouched pages use no memory.
 *
 * Errors: RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *
rs_vec_make_room(struct rs_vec *vec, size_t most);

/** Slow path of rs_vec_push(): map at least @p more bytes after the used ones,
 * and something even if @p more is 0. @return false when out of memory. */
bool rs_vec_grow(struct rs_vec *vec, size_t more);

/**
 * Append @p size bytes, uninitialised.
 * @return Where they are, or NULL when out of memory: never for @p size 0
 *         otherwise, so that a caller need not test for it.
 */
static inline void *rs_vec_push(struct rs_vec *vec, size_t size)
{
	const bool grow = vec->cap - vec->used < size || (!size && !vec->data);

	if (__builtin_expect(grow, 0) && !rs_vec_grow(vec, size))
		return NULL;
	void *slot = (char *)vec->data + vec->used;
	vec->used += size;
	return slot;
}

/** Append a copy of the @p size bytes at @p item. Errors: RS_ENOMEM. */
RS_MUST_CHECK static inline struct rs_error *
rs_vec_append(struct rs_vec *vec, const void *item, size_t size)
{
	void *slot = rs_vec_push(vec, size);

	if (!slot)
		return &rs_enomem;
	if (size)
		memcpy(slot, item, size);
	return NULL;
}

/** The number of elements of type @p type. */
#define rs_vec_count(vec, type) ((vec)->used / sizeof(type))

/** The elements as a pointer to @p type. */
#define rs_vec_items(vec, type) ((type *)(vec)->data)

/**
 * Map a zeroed block of @p count elements of @p size bytes. Untouched pages use
 * no memory. To be released by rs_block_free() with the same numbers.
 *
 * @param[out] ret_pointer Address of a pointer of any object type.
 * Errors: RS_ENOMEM (also when the product overflows).
 */
RS_MUST_CHECK struct rs_error *
rs_block_new(size_t count, size_t size, void *ret_pointer);
/** NULL is allowed. */
void rs_block_free(void *block, size_t count, size_t size);

/**
 * Announce that most of @p block will be used, in random order. If it is large
 * the kernel is asked for huge pages, which save a page fault for every 4 KiB
 * and a TLB miss for nearly every access.
 */
void rs_block_dense(void *block, size_t count, size_t size);

/** rs_block_new(), then rs_block_dense(). Errors: as rs_block_new(). */
RS_MUST_CHECK struct rs_error *
rs_block_new_dense(size_t count, size_t size, void *ret_pointer);

/**
 * Turn the array into a block of the bytes in use, without a copy. The caller
 * releases it with rs_block_free(block, bytes in use, 1); the array is empty
 * afterwards. Errors: RS_ENOMEM (the array is unchanged).
 */
RS_MUST_CHECK struct rs_error *
rs_vec_to_block(struct rs_vec *vec, void *ret_pointer);

#endif /* RS_BASE_VEC_H */
