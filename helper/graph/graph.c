// SPDX-License-Identifier: MIT
#include "graph/graph.h"

#include "base/search.h"

void rs_graph_fini(struct rs_graph *graph)
{
	const size_t n = graph->objects;
	const size_t refs = graph->references;

	rs_block_free(graph->address, n, sizeof(*graph->address));
	rs_block_free(graph->count, n, sizeof(*graph->count));
	rs_block_free(graph->type, n, sizeof(*graph->type));
	rs_block_free(graph->size32, n, sizeof(*graph->size32));
	rs_block_free(graph->flags, n, sizeof(*graph->flags));
	rs_block_free(graph->runtime, n, sizeof(*graph->runtime));
	rs_block_free(graph->out_start, n + 1, sizeof(*graph->out_start));
	rs_block_free(graph->out, refs, sizeof(*graph->out));
	rs_block_free(graph->in_start, n + 1, sizeof(*graph->in_start));
	rs_block_free(graph->in, refs, sizeof(*graph->in));
	rs_vec_fini(&graph->root);
	rs_vec_fini(&graph->root_text);
	rs_vec_fini(&graph->dangling);
	rs_vec_fini(&graph->large);
	rs_vec_fini(&graph->wide);
	rs_vec_fini(&graph->released);
	rs_vec_fini(&graph->unreferenced);
	if (graph->guessed)
		rs_block_free(graph->guessed, n, 1);
	rs_addrmap_fini(&graph->map);
	*graph = (struct rs_graph){0};
}

int64_t rs_graph_count(const struct rs_graph *graph, uint32_t number)
{
	const struct rs_wide_count *wide =
		rs_vec_items(&graph->wide, struct rs_wide_count);
	const size_t n = rs_vec_count(&graph->wide, struct rs_wide_count);
	const uint64_t address = graph->address[number];
	const size_t at = RS_FIRST_INDEX(i, n, wide[i].address >= address);

	return at < n && wide[at].address == address ? wide[at].count
						     : graph->count[number];
}

uint64_t rs_graph_large_size(const struct rs_graph *graph, uint32_t number)
{
	const struct rs_large_size *large =
		rs_vec_items(&graph->large, struct rs_large_size);
	const size_t n = rs_vec_count(&graph->large, struct rs_large_size);
	const uint64_t address = graph->address[number];
	const size_t at = RS_FIRST_INDEX(i, n, large[i].address >= address);

	return at < n && large[at].address == address ? large[at].bytes
						      : RS_SIZE_LARGE;
}

bool rs_graph_is_unreferenced(const struct rs_graph *graph, uint32_t number)
{
	const uint32_t *one = rs_vec_items(&graph->unreferenced, uint32_t);
	const size_t n = rs_vec_count(&graph->unreferenced, uint32_t);
	const size_t at = RS_FIRST_INDEX(i, n, one[i] >= number);

	return at < n && one[at] == number;
}

static bool rows_are_sound(const struct rs_graph *graph, const uint32_t *start,
			   const uint32_t *edge)
{
	if (start[0] || start[graph->objects] != graph->references)
		return false;
	for (uint32_t i = 0; i < graph->objects; i++)
		if (start[i] > start[i + 1])
			return false;
	for (uint64_t e = 0; e < graph->references; e++)
		if (rs_edge_target(edge[e]) >= graph->objects)
			return false;
	return true;
}

bool rs_graph_is_sound(const struct rs_graph *graph)
{
	const struct rs_root *root = rs_vec_items(&graph->root, struct rs_root);
	const size_t roots = rs_vec_count(&graph->root, *root);

	if (graph->objects == 0)
		return graph->references == 0 && roots == 0;
	if (!rows_are_sound(graph, graph->out_start, graph->out))
		return false;
	if (graph->in && !rows_are_sound(graph, graph->in_start, graph->in))
		return false;
	for (uint32_t i = 0; i < graph->objects; i++) {
		if (i && graph->address[i - 1] >= graph->address[i])
			return false;
		if (graph->type[i] >= graph->types)
			return false;
	}
	for (size_t r = 0; r < roots; r++)
		if (root[r].target >= graph->objects ||
		    root[r].label >= graph->root_text.used)
			return false;
	return true;
}
