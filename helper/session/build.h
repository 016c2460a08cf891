// SPDX-License-Identifier: MIT
/** @file Building graphs from the objects and references of the runtimes. */
#ifndef RS_SESSION_BUILD_H
#define RS_SESSION_BUILD_H

#include "session/session.h"

struct rs_parallel; // session/read_parallel.h

/**
 * Build the graph of the objects that collectors track and the references
 * between these: all that a collection needs. It has no roots and no sizes, and
 * of traversed objects only strong references.
 *
 * @param[out] ret To be released by rs_graph_fini(). Zeroed on error.
 * Errors: RS_ENOMEM; RS_EINTERRUPTED; RS_EBAD (too many objects).
 */
RS_MUST_CHECK struct rs_error *
rs_build_tracked(struct rs_session *session, struct rs_graph *ret);

/**
 * Build the graph of all objects: those that a collector tracks, that are in a
 * runtime's own allocator, or to which a root or another object refers; with
 * all references and roots.
 * @param[out] ret As above.
 * Errors: as above; with RS_EXACT_ON those of enum rs_exact.
 */
RS_MUST_CHECK struct rs_error *
rs_build_all(struct rs_session *session, struct rs_graph *ret);

/**
 * Add a root for each mortal object in the variables of a module, for the
 * reference that it starts with (rs_runtime_ops.static_object).
 * Errors: RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *
rs_build_static_objects(struct rs_session *session, struct rs_graph *graph);

/**
 * List the objects that are not in @p map and that only the block of malloc()
 * in which they are tells: unreferenced.c.
 * @param[out] ret Appended: struct rs_unreferenced, ascending in each heap.
 * Errors: RS_ENOMEM; RS_EINTERRUPTED.
 */
RS_MUST_CHECK struct rs_error *
rs_build_unreferenced(struct rs_session *session, const struct rs_addrmap *map,
		      struct rs_vec *ret);

/** An object that only its block of malloc() tells. */
struct rs_unreferenced {
	uint64_t address;
	uint8_t runtime; // index in the session
};

/**
 * A view of a session numbers types by itself. Compute the number of each of
 * its @p types in @p session, which may have to decode types that it has not
 * met yet.
 * @param[out] ret A block, to be freed by the caller, on error too.
 * Errors: RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *rs_build_map_types(struct rs_session *session,
						  const struct rs_types *types,
						  uint32_t **ret);

/**
 * List the tracked objects of all runtimes, and number them in @p map.
 * @param reader Helps with it; may be NULL.
 * @param[out] found The objects, runtime by runtime.
 * @param[out] from With several runtimes: for each a size_t, the index in
 *        @p found of its first object. With one runtime it stays empty.
 * @param[out] map Sealed.
 * Errors: RS_ENOMEM; RS_EINTERRUPTED; RS_EBAD.
 */
RS_MUST_CHECK struct rs_error *
rs_build_find(struct rs_session *session, struct rs_parallel *reader,
	      struct rs_found *found, struct rs_vec *from,
	      struct rs_addrmap *map);

/**
 * @param before The result for @p i - 1; 0 for 0.
 * @return The index of the runtime that found object @p i.
 */
static inline uint8_t
rs_build_found_by(const struct rs_vec *from, size_t i, uint8_t before)
{
	const size_t *first = rs_vec_items(from, size_t);
	const size_t n = rs_vec_count(from, size_t);

	while (before + 1U < n && i >= first[before + 1])
		before++;
	return before;
}

/** The mark of most objects: tracked, in the oldest generation. */
#define RS_USUAL_MARK (RS_OBJ_TRACKED | RS_OBJ_GC | 2)

/**
 * The mark of an object that is in two lists of the collector, with marks
 * @p one (0: none) and @p other. Damaged lists, and lists that were being
 * joined at the stop, have objects in common; the result does not depend on the
 * order in which they are walked.
 */
static inline uint16_t rs_build_mark(uint16_t one, uint16_t other)
{
	if (!one || one == RS_USUAL_MARK)
		return other;
	return other == RS_USUAL_MARK || other < one ? one : other;
}

/** @return The bytes of writable memory that are not from a file: objects are
 * only there. */
uint64_t rs_build_written_bytes(const struct rs_memory *memory);

/** @return The index of the runtime that has an object at @p address, or
 * RS_RUNTIMES_MAX. */
uint8_t rs_build_runtime_at(struct rs_session *session, uint64_t address);

/** Fill in graph->released. Errors: RS_ENOMEM. */
RS_MUST_CHECK struct rs_error *
rs_build_released(struct rs_session *session, struct rs_graph *graph);

/** Fill in graph->wide. Errors: RS_ENOMEM. */
RS_MUST_CHECK struct rs_error *
rs_build_wide_counts(struct rs_session *session, struct rs_graph *graph);

/** Allocate the arrays of @p graph that have an entry for each object, and fill
 * in address. Errors: RS_ENOMEM. */
RS_MUST_CHECK struct rs_error *rs_build_arrays(struct rs_graph *graph);

/**
 * Replace the edges of traversed objects by those that their types' traverse
 * functions found.
 * @param[in,out] out The edges; these and graph->out_start are rewritten.
 * Errors: RS_ENOMEM; RS_EBAD (too many references).
 */
RS_MUST_CHECK struct rs_error *rs_build_merge_exact(struct rs_session *session,
						    struct rs_graph *graph,
						    struct rs_vec *out);

enum {
	RS_BUILD_NEAR = 12, // objects between prefetching tables and reading
	RS_BUILD_FAR = 32, // objects between prefetching headers and reading
};

#endif /* RS_SESSION_BUILD_H */
