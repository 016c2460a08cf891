// SPDX-License-Identifier: MIT
/** @file The objects that a collection finds, in the collector's own order. */
#ifndef RS_ANSWER_LISTING_H
#define RS_ANSWER_LISTING_H

#include "answer/describe/report.h"

/** What is listed; all borrowed. */
struct rs_listing {
	const struct rs_session *session;
	const struct rs_graph *graph;
	const struct rs_verdict *verdict;
};

/**
 * Write an array: the uncollectable, as the interpreter prints them (those with
 * a finalizer, then what they hold, breadth first), and then the freed.
 *
 * @param[out] shown Objects written.
 * Errors: RS_ENOMEM; the array is complete in form.
 */
RS_MUST_CHECK struct rs_error *
rs_listing_write(const struct rs_listing *list, struct rs_json *json,
		 uint64_t limit, uint64_t *shown);

#endif /* RS_ANSWER_LISTING_H */
