// SPDX-License-Identifier: MIT
#include "graph/release.h"

#include <string.h>

enum { RS_DROPPED = 1, RS_FREED = 2 };

#define RS_SATURATED UINT32_C(0x7fffffff)

struct rs_error *
rs_release_init(struct rs_release *release, const struct rs_graph *graph)
{
	const size_t n = graph->objects;
	struct rs_error *err;

	*release = (struct rs_release){.graph = graph};
	if ((err = rs_block_new_dense(n, sizeof(uint32_t), &release->left)) ||
	    (err = rs_block_new(n, 1, &release->state)))
		return err;
	if (n)
		memcpy(release->left, graph->count, n * sizeof(uint32_t));
	return NULL;
}

void rs_release_fini(struct rs_release *release)
{
	if (!release->graph)
		return;
	rs_block_free(release->left, release->graph->objects, sizeof(uint32_t));
	rs_block_free(release->state, release->graph->objects, 1);
	rs_vec_fini(&release->queue);
}

static struct rs_error *drop_one(struct rs_release *r, uint32_t i)
{
	const struct rs_graph *g = r->graph;

	if (r->state[i] & RS_DROPPED)
		return NULL;
	r->state[i] |= RS_DROPPED;
	for (uint32_t e = g->out_start[i]; e < g->out_start[i + 1]; e++) {
		const uint32_t t = rs_edge_target(g->out[e]);
		struct rs_error *err;

		if (!rs_edge_counted(g->out[e]) || !r->left[t] ||
		    r->left[t] >= RS_SATURATED ||
		    (g->flags[t] & RS_OBJ_IMMORTAL) || --r->left[t])
			continue;
		r->state[t] |= RS_FREED;
		if ((err = rs_vec_append(&r->queue, &t, sizeof(t))))
			return err;
	}
	return NULL;
}

struct rs_error *rs_release_drop(struct rs_release *release, uint32_t i)
{
	struct rs_error *err = drop_one(release, i);

	while (!err && release->queue.used) {
		release->queue.used -= sizeof(uint32_t);
		const char *end =
			(const char *)release->queue.data + release->queue.used;
		uint32_t next;

		memcpy(&next, end, sizeof(next));
		err = drop_one(release, next);
	}
	return err;
}

bool rs_release_freed(const struct rs_release *release, uint32_t i)
{
	return release->state[i] & RS_FREED;
}
