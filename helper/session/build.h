// SPDX-License-Identifier: MIT
/** @file Runtimes' objects and references become a graph. */
#ifndef RS_SESSION_BUILD_H
#define RS_SESSION_BUILD_H

#include "session/session.h"

struct rs_twin; // session/read_parallel.h

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

/**
 * Have all runtimes list their tracked objects and number them into @p map.
 * @param twin Takes part in it; may be NULL.
 * @param[out] from With more than one runtime size_t, one for each: the index
 *        in @p found of its first object. With one it stays empty.
 */
RS_MUST_CHECK struct rs_error *
rs_build_find(struct rs_session *session, struct rs_twin *twin,
	      struct rs_found *found, struct rs_vec *from,
	      struct rs_addrmap *map);

/** @return Whose the @p i-th of the found is; for i = 0, 1, 2 and so on. */
static inline uint8_t
rs_build_found_by(const struct rs_vec *from, size_t i, uint8_t before)
{
	const size_t *first = rs_vec_items(from, size_t);
	const size_t n = rs_vec_count(from, size_t);

	while (before + 1U < n && i >= first[before + 1])
		before++;
	return before;
}

/** What find() marks nearly all with. */
#define RS_USUAL_MARK (RS_OBJ_TRACKED | RS_OBJ_GC | 2)

/**
 * The mark of a member that was told with @p one (0: not yet) and with
 * @p other. Damaged lists, or such as are being joined, have members in common;
 * which mark those get is not to depend on what was walked first.
 */
static inline uint16_t rs_build_mark(uint16_t one, uint16_t other)
{
	if (!one || one == RS_USUAL_MARK)
		return other;
	return other == RS_USUAL_MARK || other < one ? one : other;
}

/** Allocate the per-object arrays of @p graph for graph->objects. */
RS_MUST_CHECK struct rs_error *rs_build_arrays(struct rs_graph *graph);

/**
 * Put what types told in the place of what was read of the same objects.
 * @param out Edges of graph->out_start; both are made anew.
 */
RS_MUST_CHECK struct rs_error *rs_build_asked(struct rs_session *session,
					      struct rs_graph *graph,
					      struct rs_vec *out);

enum {
	RS_BUILD_NEAR = 12, // objects between fetching tables and reading
	RS_BUILD_FAR = 32, // objects between fetching their lines and reading
	RS_BUILD_TICK = 1 << 16, // objects between two progress calls
};

#endif /* RS_SESSION_BUILD_H */
