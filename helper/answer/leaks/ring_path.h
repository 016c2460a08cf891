// SPDX-License-Identifier: MIT
/** @file A cycle of a finding, in words. */
#ifndef RS_ANSWER_RING_PATH_H
#define RS_ANSWER_RING_PATH_H

#include "answer/leaks/findings.h"

/**
 * Find a cycle of component @p c, shortest first, and write it with the names
 * of types in place of objects: `<Node>._b -> <Node>._a`.
 *
 * @param through An object that has to be on it; RS_NONE: any cycle.
 * @param[out] path [0] the cycle; [1] the same without keys and positions,
 * which may differ from run to run: `[]` for `['x']`.
 * @param[out] cut The label of a reference whose removal frees all, "" if none.
 * Errors: RS_ENOMEM; RS_EINTERRUPTED.
 */
RS_MUST_CHECK struct rs_error *
rs_ring_path(struct rs_finder *finder, uint32_t c, uint32_t through,
	     char path[2][RS_KEY_SIZE], char cut[RS_KEY_SIZE]);

#endif /* RS_ANSWER_RING_PATH_H */
