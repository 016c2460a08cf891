// SPDX-License-Identifier: MIT
/** @file The objects that a collection finds, in the order of the collector. */
#ifndef RS_ANSWER_LISTING_H
#define RS_ANSWER_LISTING_H

#include "answer/describe/report.h"

/** What to list. All borrowed. */
struct rs_listing {
	const struct rs_session *session;
	const struct rs_graph *graph;
	const struct rs_collect_result *result;
};

/**
 * Write the objects as a JSON array: first the uncollectable ones, in the order
 * in which the interpreter prints them (those with a finalizer, then what they
 * refer to, breadth first), then those that would be freed.
 *
 * @param limit The most objects to write; 0: all.
 * @param[out] shown How many were written.
 * Errors: RS_ENOMEM; RS_EINTERRUPTED. The array is well-formed then, but not
 * complete.
 */
RS_MUST_CHECK struct rs_error *
rs_listing_write(const struct rs_listing *list, struct rs_json *json,
		 uint64_t limit, uint64_t *shown);

#endif /* RS_ANSWER_LISTING_H */
