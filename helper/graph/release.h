// SPDX-License-Identifier: MIT
/**
 * @file
 * What is freed by counting alone, once some objects let go of what they hold.
 */
#ifndef RS_GRAPH_RELEASE_H
#define RS_GRAPH_RELEASE_H

#include "graph/graph.h"

/** Counts from which references are taken, one after the other. */
struct rs_release {
	const struct rs_graph *graph; // borrowed
	uint32_t *left; // [objects] what is left of each count
	uint8_t *state; // [objects] private
	struct rs_vec queue; // private
};

/** Errors: RS_ENOMEM. End with rs_release_fini(), on error too. */
RS_MUST_CHECK struct rs_error *
rs_release_init(struct rs_release *release, const struct rs_graph *graph);
void rs_release_fini(struct rs_release *release);

/**
 * Object @p i lets go of what it holds, and what is then held by nothing is
 * freed, and so on. Does nothing the second time. Errors: RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *
rs_release_drop(struct rs_release *release, uint32_t i);

/** @return Whether object @p i was freed. */
bool rs_release_freed(const struct rs_release *release, uint32_t i);

#endif /* RS_GRAPH_RELEASE_H */
