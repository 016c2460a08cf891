// SPDX-License-Identifier: MIT
/** @file A component as a small graph of its own, and a short cycle in it. */
#ifndef RS_GRAPH_SHORTEST_CYCLE_H
#define RS_GRAPH_SHORTEST_CYCLE_H

#include "graph/graph.h"

enum { RS_SUBGRAPH_MARKS = 5 };

/**
 * A component. Its objects, ascending, are nodes 0 to nodes - 1; the strong and
 * owned references between them are links, ordered by source. All arrays are
 * parts of one block, whose size depends on the component, not on the graph.
 */
struct rs_subgraph {
	const uint32_t *object; // [nodes] borrowed from the components
	uint32_t nodes, links;
	uint32_t *start; // [nodes + 1] index in to[] and edge[]
	uint32_t *to; // [links] target node
	uint32_t *edge; // [links] index in rs_graph.out
	// The cycle: link[k] goes from node[k] to node[k + 1], the last one to
	// node[0].
	uint32_t *node; // [length], room for nodes
	uint32_t *link; // [length], room for nodes
	uint32_t length; // 0 until rs_subgraph_find_cycle()
	// Working space of the passes over the nodes. All zero at the start,
	// and again after rs_subgraph_find_cycle().
	uint32_t *mark[RS_SUBGRAPH_MARKS]; // [nodes + 1]
	uint32_t *queue; // [nodes]
	void *block;
	size_t block_words;
};

/** Errors: RS_ENOMEM. */
RS_MUST_CHECK struct rs_error *
rs_subgraph_init(const struct rs_graph *graph,
		 const struct rs_components *components, uint32_t c,
		 struct rs_subgraph *ret);
void rs_subgraph_fini(struct rs_subgraph *sub);

/** Find a cycle: a shortest one, but for huge components; see rs_graph_cuts().
 */
void rs_subgraph_find_cycle(struct rs_subgraph *sub);

#endif /* RS_GRAPH_SHORTEST_CYCLE_H */
