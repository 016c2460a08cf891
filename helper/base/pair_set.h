// SPDX-License-Identifier: MIT
/**
 * @file
 * A set of pairs of words, for a walk that must not go around for ever: cheap
 * while there are few of them. Nothing of it comes from malloc.
 */
#ifndef RS_BASE_PAIR_SET_H
#define RS_BASE_PAIR_SET_H

#include "base/vec.h"

/** A zeroed struct is an empty set. */
struct rs_pair_set {
	struct rs_vec pair; // struct of two words, in the order of adding
	struct rs_vec slot; // uint32_t: open addressing, index in pair plus 1
	uint32_t slots; // in use of slot; 0: searched one by one
};

void rs_pair_set_fini(struct rs_pair_set *set);

/** Empty it, and keep its memory. */
static inline void rs_pair_set_clear(struct rs_pair_set *set)
{
	set->pair.used = 0;
	set->slots = 0;
}

/**
 * Add the pair @p a, @p b.
 * @param[out] added Whether it was new.
 * @return false when out of memory.
 */
bool rs_pair_set_add(struct rs_pair_set *set, uint64_t a, uint64_t b,
		     bool *added);

#endif /* RS_BASE_PAIR_SET_H */
