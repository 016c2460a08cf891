// SPDX-License-Identifier: MIT
#include "answer/describe/report.h"

void rs_holders_init(struct rs_holders *holders, const struct rs_graph *graph,
		     uint32_t target)
{
	*holders = (struct rs_holders){
		.graph = graph,
		.target = target,
		.next = graph->in_start[target],
		.end = graph->in_start[target + 1],
		.source = RS_NONE,
	};
}

// in[] has a source as often as it refers to the target, in a row; so its n-th
// entry is the source's n-th reference to the target.
bool rs_holders_next(struct rs_holders *holders)
{
	const struct rs_graph *g = holders->graph;

	if (holders->next == holders->end)
		return false;

	const uint32_t source = rs_edge_target(g->in[holders->next++]);
	uint32_t e = source == holders->source ? holders->edge + 1
					       : g->out_start[source];
	const uint32_t end = g->out_start[source + 1];
	while (e < end && rs_edge_target(g->out[e]) != holders->target)
		e++;
	if (e == end)
		return false; // in[] does not match out[]: a bug
	holders->source = source;
	holders->edge = e;
	return true;
}

void rs_report_holder_sums(const struct rs_report *report, uint32_t number,
			   struct rs_holder_sums *ret)
{
	const struct rs_graph *graph = report->graph;
	const struct rs_rooted *rooted = &report->rooted[number];
	uint64_t by_kind[4] = {0};

	*ret = (struct rs_holder_sums){0};
	for (uint32_t i = graph->in_start[number];
	     i < graph->in_start[number + 1]; i++)
		by_kind[rs_edge_kind(graph->in[i])]++;
	ret->named = by_kind[RS_STRONG] + by_kind[RS_OWNED] + rooted->counted;
	ret->weak = by_kind[RS_WEAK];
	ret->guesses = by_kind[RS_GUESS] + rooted->words;
	ret->holders = ret->named + ret->guesses;
	if (!(graph->flags[number] & RS_OBJ_IMMORTAL) &&
	    !(graph->guessed && graph->guessed[number]))
		ret->unexplained =
			rs_graph_count(graph, number) - (int64_t)ret->named;
}
