// SPDX-License-Identifier: MIT
/**
 * @file
 * The other half of a large core's objects, read on another processor.
 *
 * A twin is a session of its own on the same core, so the two threads share
 * nothing that either writes but different parts of the graph's arrays. Its
 * thread runs with all signals blocked: they are for GDB's own.
 */
#ifndef RS_RUNTIME_BUILD_TWIN_H
#define RS_RUNTIME_BUILD_TWIN_H

#include "runtime/session.h"

struct rs_twin;

/**
 * Start reading the upper half of @p graph's objects.
 *
 * @return The twin, or NULL where one thread does: too few objects, one
 *         processor, not a core, objects of two runtimes, or no twin to be had.
 */
struct rs_twin *
rs_twin_start(struct rs_session *session, struct rs_graph *graph);

/** @return The number of the first object that @p twin reads. */
uint32_t rs_twin_first(const struct rs_twin *twin);

/** Wait, append its edges to @p out, adapt its rows, and free @p twin. */
RS_MUST_CHECK struct rs_error *
rs_twin_join(struct rs_twin *twin, struct rs_vec *out);

/** Tell @p twin to give up, wait, and free it. NULL is allowed. */
void rs_twin_stop(struct rs_twin *twin);

#endif /* RS_RUNTIME_BUILD_TWIN_H */
