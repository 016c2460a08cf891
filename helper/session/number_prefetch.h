// SPDX-License-Identifier: MIT
/**
 * @file
 * Looking up the numbers of many addresses, in order, with the cells of the
 * address map prefetched some addresses ahead.
 */
#ifndef RS_SESSION_NUMBER_PREFETCH_H
#define RS_SESSION_NUMBER_PREFETCH_H

#include "base/addrmap.h"

enum { RS_LOOKAHEAD = 64 }; // references between prefetch and look-up

/** The look-ups that are under way. */
struct rs_number_prefetch {
	const struct rs_addrmap *map;
	const uint64_t *target; // [n] borrowed
	uint64_t n;
	const uint64_t *cell[RS_LOOKAHEAD]; // circular, by index of target
};

/** Begin to fetch what tells the number of target @p k, if there is one. */
static inline void
rs_number_prefetch_start(struct rs_number_prefetch *a, uint64_t k)
{
	const uint64_t *cell;

	if (k >= a->n)
		return;
	cell = rs_addrmap_slot(a->map, a->target[k]);
	__builtin_prefetch(cell);
	a->cell[k % RS_LOOKAHEAD] = cell;
}

/** Begin with the first of @p n addresses at @p target, which are borrowed, as
 * @p map is. */
static inline void rs_number_prefetch_init(struct rs_number_prefetch *a,
					   const struct rs_addrmap *map,
					   const uint64_t *target, uint64_t n)
{
	a->map = map;
	a->target = target;
	a->n = n;
	for (uint64_t k = 0; k < RS_LOOKAHEAD; k++)
		rs_number_prefetch_start(a, k);
}

/** @return The number of target @p k, or RS_NONE. To be called for 0, 1, 2 and
 * so on, once each. */
static inline uint32_t
rs_number_prefetch_get(struct rs_number_prefetch *a, uint64_t k)
{
	const uint64_t cell = *a->cell[k % RS_LOOKAHEAD];

	rs_number_prefetch_start(a, k + RS_LOOKAHEAD);
	return rs_addrmap_number_in(cell, a->target[k]);
}

#endif /* RS_SESSION_NUMBER_PREFETCH_H */
