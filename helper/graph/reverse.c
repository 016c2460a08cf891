// SPDX-License-Identifier: MIT
#include "graph/pass.h"

static struct rs_error *
tick(const struct rs_progress *progress, uint64_t done, uint64_t total)
{
	return rs_progress_tick(progress, "indexing referrers", done, total);
}

// Count the references to each object i in @p count[i].
static struct rs_error *count_targets(const struct rs_graph *graph,
				      const struct rs_progress *progress,
				      uint32_t *count)
{
	const uint64_t n = graph->references;

	for (uint64_t e = 0; e < n; e++) {
		if (e % RS_TICK == 0) {
			struct rs_error *err = tick(progress, e, 2 * n);
			if (err)
				return err;
		}
		if (e + RS_EDGES_AHEAD < n) {
			const uint32_t ahead = graph->out[e + RS_EDGES_AHEAD];
			__builtin_prefetch(&count[rs_edge_target(ahead)], 1);
		}
		count[rs_edge_target(graph->out[e])]++;
	}
	return NULL;
}

// Enter the references of object @p i. cursor[t] is where the next reference to
// object t goes; in the end it is where those to t + 1 begin.
static void fill_row(const struct rs_graph *graph, uint32_t i, uint32_t *cursor,
		     uint32_t *in)
{
	const uint64_t n = graph->references;

	for (uint64_t e = graph->out_start[i]; e < graph->out_start[i + 1];
	     e++) {
		if (e + RS_EDGES_FAR < n) {
			const uint32_t far =
				rs_edge_target(graph->out[e + RS_EDGES_FAR]);
			const uint32_t near =
				rs_edge_target(graph->out[e + RS_EDGES_AHEAD]);

			__builtin_prefetch(&cursor[far], 1);
			__builtin_prefetch(&in[cursor[near]], 1);
		}
		const uint32_t edge = graph->out[e];
		in[cursor[rs_edge_target(edge)]++] =
			rs_edge(i, rs_edge_kind(edge));
	}
}

static struct rs_error *fill(const struct rs_graph *graph,
			     const struct rs_progress *progress,
			     uint32_t *in_start, uint32_t *in)
{
	// in_start[i + 1] first counts the references to i, then is the cursor
	// of i, and ends as the start of i + 1.
	struct rs_error *err = count_targets(graph, progress, in_start + 1);
	if (err)
		return err;

	uint32_t before = 0;
	for (uint32_t i = 0; i < graph->objects; i++) {
		const uint32_t count = in_start[i + 1];

		in_start[i + 1] = before;
		before += count;
	}
	for (uint32_t i = 0; i < graph->objects; i++) {
		if (i % RS_TICK == 0) {
			err = tick(progress,
				   graph->references + graph->out_start[i],
				   2 * graph->references);
			if (err)
				return err;
		}
		fill_row(graph, i, in_start + 1, in);
	}
	return NULL;
}

struct rs_error *
rs_graph_reverse(struct rs_graph *graph, const struct rs_progress *progress)
{
	const size_t n = (size_t)graph->objects + 1;
	const size_t refs = graph->references;
	uint32_t *in_start;
	uint32_t *in;

	if (graph->in)
		return NULL;
	struct rs_error *err = rs_block_new(n, sizeof(*in_start), &in_start);
	if (err)
		return err;
	err = rs_block_new(refs, sizeof(*in), &in);
	if (err) {
		rs_block_free(in_start, n, sizeof(*in_start));
		return err;
	}
	rs_block_dense(in_start, n, sizeof(*in_start));
	rs_block_dense(in, refs, sizeof(*in));
	err = fill(graph, progress, in_start, in);
	if (err) {
		rs_block_free(in_start, n, sizeof(*in_start));
		rs_block_free(in, refs, sizeof(*in));
		return err;
	}
	graph->in_start = in_start;
	graph->in = in;
	return NULL;
}
