// SPDX-License-Identifier: MIT
/**
 * @file
 * Numbers many addresses in order, having fetched their cells of the address
 * map some addresses ahead.
 */
#ifndef RS_SESSION_NUMBER_PREFETCH_H
#define RS_SESSION_NUMBER_PREFETCH_H

#include "base/addrmap.h"

enum { RS_LOOKAHEAD = 64 }; // references between prefetch and look-up

struct rs_ahead {
	const struct rs_addrmap *map;
	const uint64_t *target;
	uint64_t n;
	const uint64_t *cell[RS_LOOKAHEAD]; // a ring
};

static inline void rs_ahead_look(struct rs_ahead *a, uint64_t k)
{
	const uint64_t *cell;

	if (k >= a->n)
		return;
	cell = rs_addrmap_slot(a->map, a->target[k]);
	__builtin_prefetch(cell);
	a->cell[k % RS_LOOKAHEAD] = cell;
}

static inline void rs_ahead_init(struct rs_ahead *a,
				 const struct rs_addrmap *map,
				 const uint64_t *target, uint64_t n)
{
	a->map = map;
	a->target = target;
	a->n = n;
	for (uint64_t k = 0; k < RS_LOOKAHEAD; k++)
		rs_ahead_look(a, k);
}

/** The number of target @p k, or RS_NONE: for 0, 1, 2 and so on, each once. */
static inline uint32_t rs_ahead_number(struct rs_ahead *a, uint64_t k)
{
	const uint64_t cell = *a->cell[k % RS_LOOKAHEAD];

	rs_ahead_look(a, k + RS_LOOKAHEAD);
	return rs_addrmap_number_in(cell, a->target[k]);
}

#endif /* RS_SESSION_NUMBER_PREFETCH_H */
