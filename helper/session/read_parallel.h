// SPDX-License-Identifier: MIT
/**
 * @file
 * Reading the objects of a large core in two threads.
 *
 * Each thread takes runs of consecutive objects: the main thread from the
 * front, the parallel reader's thread from the back, until they meet. The
 * parallel reader has its own view of the session; the threads share only the
 * range that is left, the request to stop, and the arrays of the graph, of
 * which they write different elements.
 */
#ifndef RS_SESSION_READ_PARALLEL_H
#define RS_SESSION_READ_PARALLEL_H

#include "session/read_batch.h"

struct rs_parallel;

/**
 * @return The parallel reader, or NULL where a single thread should read: with
 *         little memory, one processor, a target that is not a core, several
 *         runtimes, or when it cannot be created.
 */
struct rs_parallel *rs_parallel_new(struct rs_session *session);

/** Stop its thread, wait for that, and free it. NULL is allowed. */
void rs_parallel_free(struct rs_parallel *reader);

/** @return Its view of the runtime, for finding objects in two threads.
 * Borrowed.
 */
struct rs_runtime *rs_parallel_runtime(struct rs_parallel *reader);

/** Make the types that its view has met known to the main session. Errors:
 * RS_ENOMEM. */
RS_MUST_CHECK struct rs_error *
rs_parallel_share_types(struct rs_parallel *reader);

/**
 * Start its thread, which reads @p graph's objects from the last one down.
 * @return false when it was not started: there are too few objects, or an image
 *         traverses them at the same time, or no thread could be created.
 */
bool rs_parallel_start(struct rs_parallel *reader, struct rs_graph *graph);

/** The main thread's part: read objects into @p b, from the first one on, until
 * none is left. Errors: as rs_batch_read(). */
RS_MUST_CHECK struct rs_error *
rs_parallel_read(struct rs_parallel *reader, struct rs_batch *b);

/**
 * Wait for its thread, append its edges (uint32_t) to @p out, and change its
 * rows to the main session's numbers of types and positions of edges.
 * Errors: RS_ENOMEM; RS_EINTERRUPTED; RS_EBAD (too many references).
 */
RS_MUST_CHECK struct rs_error *
rs_parallel_join(struct rs_parallel *reader, struct rs_vec *out);

/** Errors: RS_ENOMEM when what it read is wrong because memory ran out. NULL is
 * allowed. */
RS_MUST_CHECK struct rs_error *
rs_parallel_check(const struct rs_parallel *reader);

#endif /* RS_SESSION_READ_PARALLEL_H */
