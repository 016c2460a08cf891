// SPDX-License-Identifier: MIT
#include "graph/doubts.h"

#include "base/cleanup.h"

struct doubts {
	const struct rs_graph *graph;
	struct rs_collect_result *result;
	const struct rs_progress *progress;
	struct rs_vec queue; // uint32_t
};

static bool is_unreachable(const struct rs_collect_result *result, uint32_t i)
{
	return result->fate[i] >= RS_FATE_FREED;
}

// What object @p i tells of is held, and what that leads to.
static struct rs_error *hold_targets(struct doubts *d, uint32_t i)
{
	const struct rs_graph *g = d->graph;

	for (uint32_t e = g->out_start[i]; e < g->out_start[i + 1]; e++) {
		const uint32_t t = rs_edge_target(g->out[e]);
		struct rs_error *err;

		if (rs_edge_kind(g->out[e]) != RS_STRONG ||
		    d->result->held[t] || !is_unreachable(d->result, t))
			continue;
		d->result->held[t] = 1;
		if ((err = rs_vec_append(&d->queue, &t, sizeof(t))))
			return err;
	}
	return NULL;
}

static struct rs_error *count_held(struct doubts *d, uint64_t *ret)
{
	const struct rs_graph *g = d->graph;
	struct rs_error *err = NULL;
	uint64_t done = 0;

	for (uint32_t i = 0; i < g->objects && !err; i++)
		if ((g->flags[i] & RS_OBJ_ASSUMED) &&
		    is_unreachable(d->result, i))
			err = hold_targets(d, i);
	for (; !err && done < rs_vec_count(&d->queue, uint32_t); done++) {
		err = hold_targets(d, rs_vec_items(&d->queue, uint32_t)[done]);
		if (!err && done % RS_TICK == 0)
			err = rs_progress_tick(d->progress, "collecting", done,
					       g->objects);
	}
	*ret = done;
	return err;
}

// Count, by type, the inexact objects that are garbage in @p result, but for
// those that @p without has too.
static void count_types(const struct doubts *d,
			const struct rs_collect_result *result,
			const struct rs_collect_result *without)
{
	const struct rs_graph *g = d->graph;
	const uint16_t wanted = without ? RS_OBJ_INEXACT : RS_OBJ_ASSUMED;

	for (uint32_t i = 0; i < g->objects; i++)
		if ((g->flags[i] & wanted) && is_unreachable(result, i) &&
		    !(without && is_unreachable(without, i)))
			d->result->doubtful[g->type[i]]++;
}

static struct rs_error *at_least(struct doubts *d)
{
	struct rs_error *err =
		rs_block_new(d->result->objects, 1, &d->result->held);
	uint64_t held = 0;

	if (!err)
		err = count_held(d, &held);
	d->result->least = d->result->unreachable - held;
	if (!err && held)
		count_types(d, d->result, NULL);
	rs_vec_fini(&d->queue);
	return err;
}

static struct rs_error *
at_most(struct doubts *d, const struct rs_collect_options *options)
{
	struct rs_collect_options how = *options;
	struct rs_collect_result more = {0};
	struct rs_error *err;

	how.guesses = true;
	err = rs_graph_collect(d->graph, &how, d->progress, &more);
	if (!err && more.unreachable > d->result->unreachable) {
		d->result->most = more.unreachable;
		count_types(d, &more, d->result);
	}
	rs_collect_result_fini(&more);
	return err;
}

struct rs_error *rs_graph_doubts(const struct rs_graph *graph,
				 const struct rs_collect_options *options,
				 bool guesses,
				 const struct rs_progress *progress,
				 struct rs_collect_result *result)
{
	struct doubts d = {
		.graph = graph,
		.result = result,
		.progress = progress,
	};
	bool assumed = false;
	struct rs_error *err;

	for (uint32_t i = 0; i < graph->objects && !assumed; i++)
		assumed = (graph->flags[i] & RS_OBJ_ASSUMED) &&
			  is_unreachable(result, i);
	if (!assumed && !guesses)
		return NULL;
	result->types = graph->types;
	err = rs_block_new(result->types, sizeof(*result->doubtful),
			   &result->doubtful);
	if (!err && assumed)
		err = at_least(&d);
	if (!err && guesses)
		err = at_most(&d, options);
	return err;
}
