// SPDX-License-Identifier: MIT
/** @file Reading runs of consecutive objects into the arrays of a graph. */
#ifndef RS_SESSION_READ_BATCH_H
#define RS_SESSION_READ_BATCH_H

#include "session/session.h"

/** The state of one thread that reads runs of objects. */
struct rs_batch {
	struct rs_session *session; // borrowed
	struct rs_graph *graph; // borrowed
	// References whose targets are not yet turned into numbers: those of
	// objects first to next - 1 and, inside drain(), a part of next's.
	struct rs_refs refs;
	struct rs_vec out; // uint32_t: the edges made so far
	uint32_t first, next, end; // object numbers
	bool exact_on; // options.exact of the session
	uint32_t whole; // objects that all threads read, for progress
	struct rs_error *err; // owned: why drain() failed
	uint64_t partial, partial_example; // as in struct rs_graph
};

/**
 * @param objects About how many will be read.
 * Errors: RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *
rs_batch_init(struct rs_batch *b, struct rs_session *session,
	      struct rs_graph *graph, uint32_t objects);
void rs_batch_fini(struct rs_batch *b);

/**
 * Read objects @p first to @p end - 1. Sets count, type, flags and out_start in
 * the graph and appends the edges to b->out; out_start holds indexes in b->out.
 *
 * Errors: RS_ENOMEM; RS_EINTERRUPTED; RS_EBAD (too many references).
 */
RS_MUST_CHECK struct rs_error *
rs_batch_read(struct rs_batch *b, uint32_t first, uint32_t end);

#endif /* RS_SESSION_READ_BATCH_H */
