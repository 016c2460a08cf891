// SPDX-License-Identifier: MIT
/**
 * @file
 * A large core's objects read on two processors, each taking runs of them.
 *
 * A twin has a view of the session of its own, so the two threads share only
 * what is left to be taken, whether to stop, and the graph's arrays, of which
 * each writes other parts.
 */
#ifndef RS_SESSION_READ_PARALLEL_H
#define RS_SESSION_READ_PARALLEL_H

#include "session/read_batch.h"

struct rs_twin;

/**
 * @return The twin, or NULL where one thread does: little memory, one
 *         processor, not a core, objects of two runtimes, or no twin to be had.
 */
struct rs_twin *rs_twin_new(struct rs_session *session);

/** Tell its thread to give up, wait, and free it. NULL is allowed. */
void rs_twin_free(struct rs_twin *twin);

/** @return Its view of the runtime, for who finds the objects. */
struct rs_runtime *rs_twin_runtime(struct rs_twin *twin);

/**
 * Start reading @p graph's objects, from the last on.
 * @return false when it does not: too few objects, or they are asked; no thread
 *         to be had.
 */
bool rs_twin_start(struct rs_twin *twin, struct rs_graph *graph);

/** Read what the twin has not taken into @p b, from the first object on. */
RS_MUST_CHECK struct rs_error *
rs_twin_read_beside(struct rs_twin *twin, struct rs_batch *b);

/** Wait, append its edges to @p out, and adapt its rows. */
RS_MUST_CHECK struct rs_error *
rs_twin_join(struct rs_twin *twin, struct rs_vec *out);

/** Errors: RS_ENOMEM when that spoiled what it read. NULL is allowed. */
RS_MUST_CHECK struct rs_error *rs_twin_check(const struct rs_twin *twin);

#endif /* RS_SESSION_READ_PARALLEL_H */
