// SPDX-License-Identifier: MIT
/**
 * @file
 * The tracked objects of this process as a graph.
 *
 * The same arrays and the same trial deletion that a debugger uses, so that
 * what it predicts is what happens. Nothing of it comes from malloc.
 */
#ifndef RS_TRACKER_SNAPSHOT_H
#define RS_TRACKER_SNAPSHOT_H

#include "graph/graph.h"
#include "refscope/refscope.h"
#include "tracker/lock.h"
#include "tracker/visit.h"

/** The graph of what is tracked. All is owned. */
struct rs_snapshot {
	struct rs_graph graph; // arrays are ours: not for rs_graph_fini()
	struct rs_vec out;
	struct rs_visitor visitor;
	uint32_t room; // objects that the arrays are for
};

/** What is taken into it. */
struct rs_snapshot_options {
	bool no_callbacks; // treat objects with one as unknown
};

/**
 * Read all tracked objects. One that cannot be read, or whose type is gone,
 * is unknown: RS_OBJ_IMMORTAL, so that it and what it holds is in use. The
 * references that a collection holds (held.h) are not counted.
 *
 * @param patience For locks that other threads have.
 * Errors: RS_ENOMEM, RS_EBUSY.
 */
int rs_snapshot_take(const struct rs_snapshot_options *options,
		     struct rs_patience *patience, struct rs_snapshot *ret);
void rs_snapshot_fini(struct rs_snapshot *snapshot);

/**
 * Take a snapshot and find what is unreachable in it, by the rules of the
 * registry's policy. On error neither is there.
 */
int rs_snapshot_judge(const struct rs_snapshot_options *options,
		      struct rs_patience *patience, struct rs_snapshot *s,
		      struct rs_collect_result *v);

/** @return The type of object @p i; NULL when that is unknown. */
const struct rs_type *
rs_snapshot_type(const struct rs_snapshot *snapshot, uint32_t i);

/** @return The object at number @p i. Not owned. */
static inline void *
rs_snapshot_object(const struct rs_snapshot *snapshot, uint32_t i)
{
	return (void *)(uintptr_t)snapshot->graph.address[i];
}

/**
 * The type that @p entry of a tracked object names, if it can be relied on:
 * NULL when its memory is gone, was used for something else, or when the type
 * was undescribed.
 */
const struct rs_type *
rs_entry_type_known(struct rs_visitor *visitor, uint32_t entry);

/** Why the collector can never free an object of @p type: "no clear", "no
 * release"; NULL when it can, unless the object's count is a constant. */
const char *rs_type_unfreeable(const struct rs_type *type);

/** Free @p err and return its code; 0 for NULL. */
int rs_tracker_code(struct rs_error *err);

#endif /* RS_TRACKER_SNAPSHOT_H */
