// SPDX-License-Identifier: MIT
#include "answer/describe/cycle_path.h"

// A search for the shortest way from an object back to itself.
struct way {
	const struct rs_graph *graph;
	const uint32_t *of; // [objects] component
	uint32_t component;
	struct rs_cut *by; // [objects] reference by which it was met, edge + 1
	struct rs_vec queue; // uint32_t
};

// @return whether a reference of @p source leads back to @p start.
static struct rs_error *step(struct way *w, uint32_t source, uint32_t start,
			     struct rs_cut *back, bool *found)
{
	const struct rs_graph *g = w->graph;
	struct rs_error *err = NULL;

	for (uint32_t e = g->out_start[source];
	     e < g->out_start[source + 1] && !err && !*found; e++) {
		const uint32_t t = rs_edge_target(g->out[e]);

		if (!rs_edge_counted(g->out[e]) || w->of[t] != w->component)
			continue;
		if (t == start) {
			*back = (struct rs_cut){source, e};
			*found = true;
		} else if (!w->by[t].edge) {
			w->by[t] = (struct rs_cut){source, e + 1};
			err = rs_vec_append(&w->queue, &t, sizeof(t));
		}
	}
	return err;
}

// Append the references from @p start to the one @p back, in order.
static struct rs_error *collect(const struct way *w, uint32_t start,
				const struct rs_cut *back, struct rs_vec *cycle)
{
	struct rs_error *err = rs_vec_append(cycle, back, sizeof(*back));

	for (uint32_t at = back->source; at != start && !err;
	     at = w->by[at].source) {
		const struct rs_cut one = {w->by[at].source,
					   w->by[at].edge - 1};

		err = rs_vec_append(cycle, &one, sizeof(one));
	}
	struct rs_cut *c = rs_vec_items(cycle, struct rs_cut);
	const size_t n = rs_vec_count(cycle, struct rs_cut);
	for (size_t i = 0; i < n / 2 && !err; i++) {
		const struct rs_cut other = c[i];

		c[i] = c[n - 1 - i];
		c[n - 1 - i] = other;
	}
	return err;
}

static struct rs_error *find_through(const struct rs_report *report,
				     const struct rs_components *components,
				     uint32_t start, struct rs_vec *cycle)
{
	const struct rs_graph *g = report->graph;
	struct way w = {
		.graph = g,
		.of = components->of,
		.component = components->of[start],
	};
	struct rs_cut back = {0, 0};
	bool found = false;
	struct rs_error *err = rs_block_new(g->objects, sizeof(*w.by), &w.by);

	if (!err)
		err = rs_vec_append(&w.queue, &start, sizeof(start));
	for (size_t i = 0;
	     !err && !found && i < rs_vec_count(&w.queue, uint32_t); i++)
		err = step(&w, rs_vec_items(&w.queue, uint32_t)[i], start,
			   &back, &found);
	if (!err && found)
		err = collect(&w, start, &back, cycle);
	rs_vec_fini(&w.queue);
	rs_block_free(w.by, g->objects, sizeof(*w.by));
	return err;
}

struct rs_error *rs_cycle_path_through(struct rs_report *report,
				       const struct rs_components *components,
				       uint32_t through, struct rs_vec *ret)
{
	struct rs_vec cycle = {0};
	struct rs_error *err =
		find_through(report, components, through, &cycle);

	if (!err && cycle.used)
		err = rs_cycle_path_fold(report, &cycle, ret);
	rs_vec_fini(&cycle);
	return err;
}
