// SPDX-License-Identifier: MIT
/** @file What nothing but itself holds, whichever collector looks or none. */
#ifndef RS_ANSWER_UNREACHABLE_ANY_H
#define RS_ANSWER_UNREACHABLE_ANY_H

#include "answer/describe/report.h"

/**
 * Mark the objects that would be freed if every ring among them were broken.
 *
 * A collector looks at what it tracks, and one runtime's at its own objects
 * only. Here all counted references between all objects are subtracted from
 * the counts; what is left over, a root or something not known, holds an object
 * up, and all that it refers to. The references of the garbage lists do not.
 *
 * @param[out] mark One byte an object, 1: unheld. A block of graph->objects.
 * Errors: RS_ENOMEM; RS_EINTERRUPTED.
 */
RS_MUST_CHECK struct rs_error *
rs_report_unheld(struct rs_report *report, uint8_t **mark);

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

/**
 * Bytes that would go with @p n objects if those went: theirs, and those of
 * what only they keep alive.
 *
 * @param left Zeroed block of graph->objects uint32_t; zeroed again at return.
 * @param queue Scratch.
 */
RS_MUST_CHECK struct rs_error *
rs_report_bytes_with(const struct rs_graph *graph, const uint32_t *object,
		     uint32_t n, uint32_t *left, struct rs_vec *queue,
		     uint64_t *ret);

#endif /* RS_ANSWER_UNREACHABLE_ANY_H */
