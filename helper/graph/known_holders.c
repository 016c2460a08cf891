// SPDX-License-Identifier: MIT
#include "graph/known_holders.h"

void rs_known_holders_fini(struct rs_known_holders *holders)
{
	rs_block_free(holders->known, holders->graph->objects,
		      sizeof(*holders->known));
	holders->known = NULL;
}

struct rs_error *rs_known_holders_count(struct rs_known_holders *holders)
{
	const struct rs_graph *graph = holders->graph;
	const struct rs_root *root = rs_vec_items(&graph->root, struct rs_root);
	const size_t roots = rs_vec_count(&graph->root, struct rs_root);
	uint32_t *known = NULL;

	if (holders->known)
		return NULL;
	struct rs_error *err =
		rs_block_new(graph->objects, sizeof(*known), &known);
	if (err)
		return err;
	holders->known = known;
	for (size_t i = 0; i < roots; i++)
		if (root[i].target < graph->objects)
			known[root[i].target]++;
	for (uint32_t e = 0; e < graph->references; e++)
		if (rs_edge_counted(graph->out[e]) ||
		    rs_edge_kind(graph->out[e]) == RS_GUESS)
			known[rs_edge_target(graph->out[e])]++;
	return NULL;
}
