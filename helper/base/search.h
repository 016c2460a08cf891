// SPDX-License-Identifier: MIT
/** @file Binary search. */
#ifndef RS_BASE_SEARCH_H
#define RS_BASE_SEARCH_H

#include <stddef.h>

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
