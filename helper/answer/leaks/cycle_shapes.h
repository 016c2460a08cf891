// SPDX-License-Identifier: MIT
/** @file Cycles that are alike: what made one, in a loop, has made them all. */
#ifndef RS_ANSWER_CYCLE_SHAPES_H
#define RS_ANSWER_CYCLE_SHAPES_H

#include "answer/describe/rings.h"

/** Cycles that are alike. */
struct rs_cycle_shape {
	uint64_t key;
	uint32_t first; // the place of the first one in the list
	uint32_t cycles;
	uint64_t objects, bytes; // of all of them
};

/**
 * Group cycles whose objects are of the same types, have the same names
 * (functions, frames with their places, classes), the same fate, and references
 * to each other with the same labels, but for keys and positions. Of cycles of
 * more than 64 objects the references are only counted.
 *
 * @param place uint32_t, indices in rings->ring: the cycles that are listed.
 * @param[out] ret struct rs_cycle_shape, appended in the order of the list.
 * Errors: RS_ENOMEM; RS_EINTERRUPTED.
 */
RS_MUST_CHECK struct rs_error *rs_cycle_shapes(const struct rs_rings *rings,
					       const struct rs_vec *place,
					       struct rs_vec *ret);

#endif /* RS_ANSWER_CYCLE_SHAPES_H */
