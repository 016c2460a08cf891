// SPDX-License-Identifier: MIT
/** @file Which objects are garbage, whether a collector can find them or not.
 */
#ifndef RS_ANSWER_GARBAGE_MARKS_H
#define RS_ANSWER_GARBAGE_MARKS_H

#include "answer/describe/report.h"
#include "graph/unreachable_any.h"

/**
 * rs_graph_unreachable_any() with the garbage lists of the runtimes.
 * Errors: as rs_report_full_collection().
 */
RS_MUST_CHECK struct rs_error *
rs_report_unreachable_any(struct rs_report *report, uint8_t **ret);

enum rs_garbage {
	RS_GARBAGE_NO,
	// A collection would find it; or only garbage refers to it, and it is
	// tracked or in a cycle.
	RS_GARBAGE_YES,
	// Only garbage refers to it, and it is neither, such as a str.
	RS_GARBAGE_LEAF,
};

/**
 * Mark all objects that are garbage.
 *
 * @param[out] ret [graph->objects] enum rs_garbage; a block for the caller to
 *             free.
 * Errors: as rs_report_full_collection().
 */
RS_MUST_CHECK struct rs_error *
rs_report_garbage_marks(struct rs_report *report, uint8_t **ret);

/**
 * Count the unreachable objects that no collector would find, such as those of
 * a cycle that leads through the objects of two. Objects with a count of 0,
 * which are being freed or created, are none.
 *
 * Errors: as rs_report_full_collection().
 */
RS_MUST_CHECK struct rs_error *
rs_report_unseen(struct rs_report *report, uint64_t *ret);

#endif /* RS_ANSWER_GARBAGE_MARKS_H */
