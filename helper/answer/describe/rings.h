// SPDX-License-Identifier: MIT
/** @file The cycles of a heap, each with what it keeps alive. */
#ifndef RS_ANSWER_RINGS_H
#define RS_ANSWER_RINGS_H

#include "answer/describe/report.h"

/** A strongly connected component. */
struct rs_ring {
	uint64_t bytes; // of it, and of what only it keeps alive
	uint32_t component;
};

struct rs_rings {
	struct rs_report *report; // borrowed
	const struct rs_collect_result *result; // borrowed
	// Owned: uint32_t: objects in the garbage lists.
	struct rs_vec garbage;
	uint8_t *listed; // owned: [objects] 1: in the garbage lists
	uint8_t *member; // owned: [objects] 1: looked at
	struct rs_components components; // owned
	// Owned: [components.components], most bytes first.
	struct rs_ring *ring;
	bool alive; // those among reachable objects
};

/**
 * Find the cycles in the garbage, or with @p alive those among reachable
 * objects. Garbage is also what no collector can find.
 *
 * @param[out] ret To be released by rs_rings_fini(), on error too.
 * Errors: as rs_report_full_collection().
 */
RS_MUST_CHECK struct rs_error *
rs_rings_find(struct rs_report *report, bool alive, struct rs_rings *ret);
void rs_rings_fini(struct rs_rings *rings);

/** Whether @p object is no class, and its type one that was made at run time.
 */
bool rs_ring_is_instance(const struct rs_rings *rings, uint32_t object);

/**
 * Every class is in cycles of its own: with its __mro__, and what its dict
 * holds. If component @p i has a class: the object through which a cycle says
 * more, one that no collector sees, or an instance. RS_NONE: any cycle will do.
 */
uint32_t rs_ring_through(const struct rs_rings *rings, uint32_t i);

/** The number of objects of component @p i, and their numbers, ascending:
 * [rs_ring_size()], borrowed. */
static inline uint32_t rs_ring_size(const struct rs_rings *rings, uint32_t i)
{
	const uint32_t *start = rings->components.start;

	return start[i + 1] - start[i];
}
static inline const uint32_t *
rs_ring_members(const struct rs_rings *rings, uint32_t i)
{
	return rings->components.object + rings->components.start[i];
}

#endif /* RS_ANSWER_RINGS_H */
