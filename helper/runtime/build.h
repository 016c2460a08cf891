// SPDX-License-Identifier: MIT
/** @file Runtimes' objects and references become a graph. */
#ifndef RS_RUNTIME_BUILD_H
#define RS_RUNTIME_BUILD_H

#include "runtime/session.h"

/**
 * What collectors track and the references between those: all that an offline
 * collection needs. No roots, no sizes; of an object whose type told its
 * references, the strong ones alone.
 *
 * @param[out] ret Filled; rs_graph_fini() ends it. Zero on error.
 * Errors: RS_ENOMEM; RS_EINTERRUPTED; RS_EBAD (too many objects).
 */
RS_MUST_CHECK struct rs_error *
rs_build_tracked(struct rs_session *session, struct rs_graph *ret);

/**
 * Every object that a collector tracks, that lies in a runtime's own allocator,
 * that a root holds, or that any of these leads to, with all references and
 * the roots.
 */
RS_MUST_CHECK struct rs_error *
rs_build_all(struct rs_session *session, struct rs_graph *ret);

/** For both: which of the session's runtimes object flags name. */
static inline struct rs_runtime *
rs_build_runtime(const struct rs_session *session, uint16_t flags)
{
	return session->by_flag[(flags & RS_OBJ_NATIVE) != 0];
}

/** Ask all runtimes for their tracked objects; numbers them into @p map. */
RS_MUST_CHECK struct rs_error *rs_build_find(struct rs_session *session,
					     struct rs_found *found,
					     struct rs_addrmap *map);

/** Allocate the per-object arrays of @p graph for graph->objects. */
RS_MUST_CHECK struct rs_error *rs_build_arrays(struct rs_graph *graph);

/** A run of objects that are read and, some at a time, numbered. */
struct rs_batch {
	struct rs_session *session;
	struct rs_graph *graph;
	struct rs_refs refs; // of objects first to next, not yet numbered
	struct rs_vec out; // uint32_t: edges numbered so far
	uint32_t first, next, end;
};

RS_MUST_CHECK struct rs_error *
rs_batch_init(struct rs_batch *b, struct rs_session *session,
	      struct rs_graph *graph, uint32_t first, uint32_t end);
void rs_batch_fini(struct rs_batch *b);

/**
 * Read objects first to end into the graph's rows and b->out; out_start counts
 * from the batch's own first edge.
 */
RS_MUST_CHECK struct rs_error *rs_batch_read(struct rs_batch *b);

/**
 * Put what types told in the place of what was read of the same objects.
 * @param out Edges of graph->out_start; both are made anew.
 */
RS_MUST_CHECK struct rs_error *rs_build_asked(struct rs_session *session,
					      struct rs_graph *graph,
					      struct rs_vec *out);

void rs_found_fini(struct rs_found *found);

enum {
	RS_BUILD_NEAR = 12, // objects between fetching tables and reading
	RS_BUILD_FAR = 32, // objects between fetching their lines and reading
	RS_BUILD_USUAL = 3, // references of an object, to tracked ones
	RS_BUILD_BATCH = 4096, // references numbered at a time, about
	RS_BUILD_TICK = 1 << 16, // objects between two progress calls
};

#endif /* RS_RUNTIME_BUILD_H */
