// SPDX-License-Identifier: MIT
/** @file One of the references that rs_answer_cycles() proposes to drop. */
#ifndef RS_ANSWER_CYCLES_H
#define RS_ANSWER_CYCLES_H

#include "answer/describe/cycle_path.h"

/** A reference to drop, and the cycle that it is in. */
struct rs_cycle_cut {
	struct rs_step step; // the reference
	struct rs_vec member; // uint32_t: objects of the component; owned
};

/**
 * @param report Opened, and rs_report_reverse() done.
 * @param number Of the cycle in the garbage, as they are written, from 1 on.
 * @param edge Of its cuts, likewise.
 * @param ret Zeroed.
 * Errors: RS_ENOTFOUND (no such cycle or cut); as rs_rings_find().
 */
RS_MUST_CHECK struct rs_error *rs_cycles_cut(struct rs_report *report,
					     uint32_t number, uint32_t edge,
					     struct rs_cycle_cut *ret);

#endif /* RS_ANSWER_CYCLES_H */
