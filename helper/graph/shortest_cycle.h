// SPDX-License-Identifier: MIT
/** @file One component as a small graph of its own, and a ring in it. */
#ifndef RS_GRAPH_SHORTEST_CYCLE_H
#define RS_GRAPH_SHORTEST_CYCLE_H

#include "graph/graph.h"

enum { RS_PART_MARKS = 5 };

/**
 * A component. Its objects are nodes 0 to nodes - 1 in ascending order, its
 * counted references inside are links, by source. Every array is cut from one
 * block, whose size depends on the component alone.
 */
struct rs_part {
	const uint32_t *object; // [nodes] borrowed from the components
	uint32_t nodes, links;
	uint32_t *start; // [nodes + 1] into to[] and edge[]
	uint32_t *to; // [links] node
	uint32_t *edge; // [links] index into rs_graph.out
	// The ring: node[k] refers over link[k] to node[k + 1], the last to the
	// first.
	uint32_t *node; // [length], room for nodes
	uint32_t *link; // [length], room for nodes
	uint32_t length;
	// Words a node for whoever passes over the part; zero to begin with.
	uint32_t *mark[RS_PART_MARKS]; // [nodes + 1]
	uint32_t *queue; // [nodes]
	void *block;
	size_t block_words;
};

/** Errors: RS_ENOMEM. */
RS_MUST_CHECK struct rs_error *
rs_part_init(const struct rs_graph *graph,
	     const struct rs_components *components, uint32_t c,
	     struct rs_part *ret);
void rs_part_fini(struct rs_part *part);

/**
 * Find a shortest ring; rs_graph_cuts() tells how hard it tries. Marks are
 * zero before and after.
 */
void rs_part_find_ring(struct rs_part *part);

#endif /* RS_GRAPH_SHORTEST_CYCLE_H */
