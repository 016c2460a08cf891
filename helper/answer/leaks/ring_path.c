// SPDX-License-Identifier: MIT
#include "answer/leaks/ring_path.h"

#include "answer/describe/cycle_path.h"
#include "answer/describe/type_filter.h"

#include <stdio.h>

enum { RS_STEPS_WRITTEN = 8 }; // the rest is "..."

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

static struct rs_error *find_through(const struct rs_finder *f, uint32_t c,
				     uint32_t start, struct rs_vec *cycle)
{
	const struct rs_graph *g = f->report->graph;
	struct way w = {
		.graph = g,
		.of = f->rings.components.of,
		.component = c,
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

static void append(char *buf, const char *text)
{
	const size_t used = strlen(buf);

	(void)snprintf(buf + used, RS_KEY_SIZE - used, "%s", text);
}

// `['x']` and `[3]` as `[]`.
static void without_keys(char *label)
{
	char *open = strchr(label, '[');
	const char *close = strrchr(label, ']');

	if (open && close && close > open)
		memmove(open + 1, close, strlen(close) + 1);
}

static void write_step(struct rs_finder *f, const struct rs_step *step,
		       bool keys, char *buf)
{
	char name[RS_KEY_SIZE], label[RS_LABEL_SIZE];

	rs_type_full_name(f->report, f->report->graph->type[step->object], name,
			  sizeof(name));
	rs_cycle_path_label(f->report, step, label, sizeof(label));
	if (!keys)
		without_keys(label);
	append(buf, "<");
	append(buf, name);
	append(buf, label[0] == '.' || label[0] == '[' ? ">" : "> ");
	append(buf, label);
}

static void write_path(struct rs_finder *f, const struct rs_vec *steps,
		       bool keys, char *buf)
{
	const struct rs_step *step = rs_vec_items(steps, struct rs_step);
	const size_t n = rs_vec_count(steps, struct rs_step);

	buf[0] = '\0';
	for (size_t i = 0; i < n && i < RS_STEPS_WRITTEN; i++) {
		append(buf, i ? " -> " : "");
		write_step(f, &step[i], keys, buf);
	}
	append(buf, n > RS_STEPS_WRITTEN ? " -> ..." : " ->");
}

static void
write_cut(struct rs_finder *f, const struct rs_vec *steps, char *buf)
{
	const struct rs_step *step = rs_vec_items(steps, struct rs_step);
	const size_t n = rs_vec_count(steps, struct rs_step);

	buf[0] = '\0';
	for (size_t i = 0; i < n && !buf[0]; i++)
		if (step[i].cut)
			write_step(f, &step[i], true, buf);
}

struct rs_error *rs_ring_path(struct rs_finder *finder, uint32_t c,
			      uint32_t through, char path[2][RS_KEY_SIZE],
			      char cut[RS_KEY_SIZE])
{
	struct rs_vec cycle = {0}, steps = {0};
	struct rs_error *err = NULL;

	if (through != RS_NONE)
		err = find_through(finder, c, through, &cycle);
	if (!err && cycle.used)
		err = rs_cycle_path_fold(finder->report, &cycle, &steps);
	else if (!err)
		err = rs_cycle_path_find(finder->report,
					 &finder->rings.components, c, &steps);
	if (!err) {
		write_path(finder, &steps, true, path[0]);
		write_path(finder, &steps, false, path[1]);
		write_cut(finder, &steps, cut);
	}
	rs_vec_fini(&cycle);
	rs_vec_fini(&steps);
	return err;
}
