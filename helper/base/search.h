// SPDX-License-Identifier: MIT
/** @file Order and binary search. */
#ifndef RS_BASE_SEARCH_H
#define RS_BASE_SEARCH_H

#include "base/vec.h"

#include <stdlib.h>

/** Ascending uint64_t, such as addresses: for qsort() and bsearch(). */
static inline int rs_by_u64(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/** Sort a vector of uint64_t. */
static inline void rs_vec_sort_u64(struct rs_vec *vec)
{
	const size_t n = rs_vec_count(vec, uint64_t);

	if (n > 1)
		qsort(vec->data, n, sizeof(uint64_t), rs_by_u64);
}

/** Whether a sorted vector of uint64_t has @p value. */
static inline bool rs_vec_has_u64(const struct rs_vec *sorted, uint64_t value)
{
	const size_t n = rs_vec_count(sorted, uint64_t);

	return n && bsearch(&value, sorted->data, n, sizeof(value), rs_by_u64);
}

/**
 * The least index below @p count for which @p condition holds, or @p count when
 * it holds for none. The condition is an expression in @p i, the index; once it
 * holds for one index it must hold for all greater ones.
 *
 * Example: the first segment that ends after an address, in an array of
 * segments sorted by address:
 *
 *     RS_FIRST_INDEX(i, segments, segment[i].end > address)
 */
#define RS_FIRST_INDEX(i, count, condition)                                    \
	__extension__({                                                        \
		size_t rs_low = 0;                                             \
		size_t rs_high = (count);                                      \
                                                                               \
		while (rs_low < rs_high) {                                     \
			const size_t i = rs_low + (rs_high - rs_low) / 2;      \
                                                                               \
			if (condition)                                         \
				rs_high = (i);                                 \
			else                                                   \
				rs_low = (i) + 1;                              \
		}                                                              \
		rs_low;                                                        \
	})

#endif /* RS_BASE_SEARCH_H */
