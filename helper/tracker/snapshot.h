// SPDX-License-Identifier: MIT
/**
 * @file
 * The tracked objects of this process as a graph.
 *
 * The same arrays and the same trial deletion that a debugger uses, so that
 * what it foretells is what happens. Nothing of it comes from malloc.
 */
#ifndef RS_TRACKER_SNAPSHOT_H
#define RS_TRACKER_SNAPSHOT_H

#include "graph/graph.h"
#include "refscope/refscope.h"

struct rs_snapshot {
	struct rs_graph graph; // arrays are ours: not for rs_graph_fini()
	struct rs_vec out;
	uint32_t room; // objects that the arrays are for
};

/**
 * @param held Objects of which we hold a reference ourselves, not to be
 *        counted; NULL: none. void *, in @p ret's own graph or not.
 * @return 0 or RS_ENOMEM, RS_EBUSY.
 */
int rs_snapshot_take(const struct rs_vec *held, struct rs_snapshot *ret);
void rs_snapshot_fini(struct rs_snapshot *snapshot);

/** @return The type of object @p i. */
const struct rs_type *
rs_snapshot_type(const struct rs_snapshot *snapshot, uint32_t i);

/** @return The object at number @p i. */
static inline void *
rs_snapshot_object(const struct rs_snapshot *snapshot, uint32_t i)
{
	return (void *)(uintptr_t)snapshot->graph.address[i];
}

/** Free @p err and say it as a number. */
int rs_target_code(struct rs_error *err);

#endif /* RS_TRACKER_SNAPSHOT_H */
