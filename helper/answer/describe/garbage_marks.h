// SPDX-License-Identifier: MIT
/** @file Which objects of a session are garbage, by any collector or by none.
 */
#ifndef RS_ANSWER_GARBAGE_MARKS_H
#define RS_ANSWER_GARBAGE_MARKS_H

#include "answer/describe/report.h"
#include "graph/unreachable_any.h"

/**
 * rs_graph_unreachable_any() with the garbage lists of the runtimes.
 * Errors: RS_ENOMEM; RS_EINTERRUPTED.
 */
RS_MUST_CHECK struct rs_error *
rs_report_unreachable_any(struct rs_report *report, uint8_t **ret);

enum rs_garbage {
	RS_GARBAGE_NO,
	RS_GARBAGE_YES, // a collection would find it; or nothing but itself
			// holds it, and it is tracked or in a ring
	RS_GARBAGE_LEAF, // goes with those, like a text: collectors have no
			 // part in it
};

/**
 * What each object has of garbage. Needs rs_report_reverse().
 *
 * @param[out] ret One byte an object, enum rs_garbage. A block of
 *             graph->objects.
 * Errors: RS_ENOMEM; RS_EINTERRUPTED.
 */
RS_MUST_CHECK struct rs_error *
rs_report_garbage_marks(struct rs_report *report, uint8_t **ret);

#endif /* RS_ANSWER_GARBAGE_MARKS_H */
