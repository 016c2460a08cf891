// SPDX-License-Identifier: MIT
/**
 * @file
 * A large core's objects read on two processors, each taking runs of them.
 *
 * A twin is a session of its own on the same core, so the two threads share
 * nothing that either writes but different parts of the graph's arrays. Its
 * thread runs with all signals blocked: they are for GDB's own.
 */
#ifndef RS_RUNTIME_BUILD_TWIN_H
#define RS_RUNTIME_BUILD_TWIN_H

#include "runtime/batch.h"

struct rs_twin;

/**
 * Start reading @p graph's objects, from the last on.
 *
 * @return The twin, or NULL where one thread does: too few objects, one
 *         processor, not a core, objects of two runtimes, or no twin to be had.
 */
struct rs_twin *
rs_twin_start(struct rs_session *session, struct rs_graph *graph);

/** Read what the twin has not taken into @p b, from the first object on. */
RS_MUST_CHECK struct rs_error *
rs_twin_beside(struct rs_twin *twin, struct rs_batch *b);

/** Wait, append its edges to @p out, adapt its rows, and free @p twin. */
RS_MUST_CHECK struct rs_error *
rs_twin_join(struct rs_twin *twin, struct rs_vec *out);

/** Tell @p twin to give up, wait, and free it. NULL is allowed. */
void rs_twin_stop(struct rs_twin *twin);

#endif /* RS_RUNTIME_BUILD_TWIN_H */
