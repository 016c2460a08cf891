// SPDX-License-Identifier: MIT
/**
 * @file
 * Which references hold their objects: those that are counted, and each guess
 * that, with all else that is known to hold an object, is exactly its count.
 */
#ifndef RS_GRAPH_KNOWN_HOLDERS_H
#define RS_GRAPH_KNOWN_HOLDERS_H

#include "graph/graph.h"

/** With a graph and else zeroed, it is ready for use. */
struct rs_known_holders {
	const struct rs_graph *graph; // borrowed
	// [graph->objects] References, roots and guesses; NULL: not yet
	// counted.
	uint32_t *known;
};

void rs_known_holders_fini(struct rs_known_holders *holders);

/** Count the known holders of each object. Errors: RS_ENOMEM. */
RS_MUST_CHECK struct rs_error *
rs_known_holders_count(struct rs_known_holders *holders);

/** @return Whether @p edge holds its target. Before rs_known_holders_count() no
 * guess does. */
static inline bool
rs_known_holders_has(const struct rs_known_holders *holders, uint32_t edge)
{
	const uint32_t target = rs_edge_target(edge);

	return rs_edge_counted(edge) ||
	       (holders->known && rs_edge_kind(edge) == RS_GUESS &&
		holders->known[target] == holders->graph->count[target]);
}

#endif /* RS_GRAPH_KNOWN_HOLDERS_H */
