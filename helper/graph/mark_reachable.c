// SPDX-License-Identifier: MIT
#include "graph/graph.h"

static struct rs_error *push(struct rs_vec *queue, uint32_t number)
{
	return rs_vec_append(queue, &number, sizeof(number));
}

static struct rs_error *mark_targets(const struct rs_graph *g, uint32_t source,
				     uint8_t *mark, struct rs_vec *queue)
{
	for (uint32_t e = g->out_start[source]; e < g->out_start[source + 1];
	     e++) {
		const uint32_t t = rs_edge_target(g->out[e]);
		struct rs_error *err;

		if (mark[t] || rs_edge_kind(g->out[e]) == RS_WEAK)
			continue;
		mark[t] = 1;
		if ((err = push(queue, t)))
			return err;
	}
	return NULL;
}

struct rs_error *rs_graph_mark_reachable(const struct rs_graph *graph,
					 const struct rs_progress *progress,
					 uint8_t *mark)
{
	struct rs_vec queue = {0};
	struct rs_error *err = NULL;
	uint64_t done = 0;

	for (uint32_t i = 0; i < graph->objects && !err; i++)
		if (mark[i])
			err = push(&queue, i);
	while (queue.used && !err) {
		queue.used -= sizeof(uint32_t);
		const uint32_t n =
			*(uint32_t *)((char *)queue.data + queue.used);

		if (++done % RS_TICK == 0)
			err = rs_progress_tick(progress, "looking for holders",
					       done, graph->objects);
		if (!err)
			err = mark_targets(graph, n, mark, &queue);
	}
	rs_vec_fini(&queue);
	return err;
}
