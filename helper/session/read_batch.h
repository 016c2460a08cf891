// SPDX-License-Identifier: MIT
/** @file Reading runs of objects into a graph's rows and edges. */
#ifndef RS_SESSION_READ_BATCH_H
#define RS_SESSION_READ_BATCH_H

#include "session/session.h"

/** What one thread reads: some runs of objects, one after another. */
struct rs_batch {
	struct rs_session *session;
	struct rs_graph *graph;
	// Not yet numbered: of objects first to next and, when it is drained,
	// a part of the next.
	struct rs_refs refs;
	struct rs_vec out; // uint32_t: edges numbered so far
	uint32_t first, next, end;
	uint32_t whole; // objects that all threads read, for progress
	struct rs_error *err; // owned: why a part of a row was not numbered
	uint64_t partial, partial_example; // as in struct rs_graph
};

/**
 * @param objects About as many will be read.
 * Errors: RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *
rs_batch_init(struct rs_batch *b, struct rs_session *session,
	      struct rs_graph *graph, uint32_t objects);
void rs_batch_fini(struct rs_batch *b);

/**
 * Read objects @p first to @p end into the graph's rows and append their edges
 * to b->out; out_start counts from the batch's own first edge.
 *
 * Errors: RS_ENOMEM; RS_EINTERRUPTED; RS_EBAD (too many references).
 */
RS_MUST_CHECK struct rs_error *
rs_batch_read(struct rs_batch *b, uint32_t first, uint32_t end);

#endif /* RS_SESSION_READ_BATCH_H */
