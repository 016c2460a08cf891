// SPDX-License-Identifier: MIT
#include "graph/shortest_cycle.h"

// Which links of a given cycle are on every cycle of its component, in linear
// time.
//
// Number the nodes of the given cycle with positions 0 to k - 1, so that link p
// goes from position p to p + 1 (modulo k), and remove its links. If the rest
// still contains a cycle, that cycle avoids all links, and there are no cuts.
// Otherwise the rest is a DAG. A path in it from position a to position b is a
// jump over the links a to b - 1 (modulo k): together with the links from b
// back to a it is a cycle that avoids them. Every cycle consists of links and
// jumps. A cycle that avoids link p, with positions renumbered to start at
// p + 1, must go from a higher position to a lower one somewhere, and only a
// jump over p does so. So the cuts are exactly the links that no jump is over.
//
// Only the union of all jumps matters, so a few of them are enough. Of the
// jumps that end at b and do not wrap around (a < b), the one from the least a
// contains all others. Those that wrap around (a > b) together are over
// everything from the least such a to k - 1, and from 0 to the greatest such b.

struct cutter {
	const struct rs_subgraph *sub;
	// Positions whose node is connected to the node by a path in the rest:
	uint32_t *least_from; // [nodes] 1 + the least that leads here, or 0
	uint32_t *most_from; // [nodes] 1 + the greatest that leads here, or 0
	uint32_t *least_to; // [nodes] 1 + the least reached from here, or 0
	uint32_t *order; // [nodes] in topological order of the rest
	uint32_t *place; // [nodes] 1 + position; 0 for nodes not on the cycle
	// [length + 1] jumps that begin less jumps that end here, modulo 2^32
	uint32_t *cover;
};

// Whether @p link of @p node is one of the cycle's.
static bool on_cycle(const struct cutter *cutter, uint32_t node, uint32_t link)
{
	const uint32_t place = cutter->place[node];

	return place && cutter->sub->link[place - 1] == link;
}

// Sort the rest topologically. @return false when it contains a cycle.
static bool sort_rest(struct cutter *cutter)
{
	const struct rs_subgraph *sub = cutter->sub;
	// Incoming links from nodes not yet sorted; all 0 again if this
	// succeeds. Borrows an array that is used only later.
	uint32_t *left = cutter->least_from;
	uint32_t head = 0;
	uint32_t tail = 0;

	for (uint32_t n = 0; n < sub->nodes; n++)
		for (uint32_t l = sub->start[n]; l < sub->start[n + 1]; l++)
			left[sub->to[l]] += !on_cycle(cutter, n, l);
	for (uint32_t n = 0; n < sub->nodes; n++)
		if (!left[n])
			cutter->order[tail++] = n;
	while (head < tail) {
		const uint32_t n = cutter->order[head++];

		for (uint32_t l = sub->start[n]; l < sub->start[n + 1]; l++) {
			if (on_cycle(cutter, n, l))
				continue;
			if (!--left[sub->to[l]])
				cutter->order[tail++] = sub->to[l];
		}
	}
	return tail == sub->nodes;
}

static void take_least(uint32_t *least, uint32_t value)
{
	if (value && (!*least || value < *least))
		*least = value;
}

static void take_most(uint32_t *most, uint32_t value)
{
	if (value > *most)
		*most = value;
}

// In topological order: compute least_from and most_from.
static void find_sources(struct cutter *cutter)
{
	const struct rs_subgraph *sub = cutter->sub;

	for (uint32_t k = 0; k < sub->nodes; k++) {
		const uint32_t n = cutter->order[k];
		uint32_t least = cutter->least_from[n];
		uint32_t most = cutter->most_from[n];

		take_least(&least, cutter->place[n]);
		take_most(&most, cutter->place[n]);
		for (uint32_t l = sub->start[n]; l < sub->start[n + 1]; l++) {
			if (on_cycle(cutter, n, l))
				continue;
			take_least(&cutter->least_from[sub->to[l]], least);
			take_most(&cutter->most_from[sub->to[l]], most);
		}
	}
}

// Against topological order: compute least_to.
static void find_targets(struct cutter *cutter)
{
	const struct rs_subgraph *sub = cutter->sub;

	for (uint32_t k = sub->nodes; k--;) {
		const uint32_t n = cutter->order[k];

		for (uint32_t l = sub->start[n]; l < sub->start[n + 1]; l++) {
			if (on_cycle(cutter, n, l))
				continue;
			const uint32_t to = sub->to[l];
			take_least(&cutter->least_to[n], cutter->place[to]);
			take_least(&cutter->least_to[n], cutter->least_to[to]);
		}
	}
}

// Add a jump over the links @p from to @p to - 1.
static void cover(struct cutter *cutter, uint32_t from, uint32_t to)
{
	cutter->cover[from]++;
	cutter->cover[to]--;
}

static void cover_all_jumps(struct cutter *cutter)
{
	const struct rs_subgraph *sub = cutter->sub;
	// Of the jumps that wrap around: the least start and greatest end.
	uint32_t wrap_from = sub->length;
	uint32_t wrap_to = 0;

	for (uint32_t p = 0; p < sub->length; p++) {
		const uint32_t n = sub->node[p];

		if (cutter->least_from[n] && cutter->least_from[n] - 1 < p)
			cover(cutter, cutter->least_from[n] - 1, p);
		if (cutter->most_from[n] && cutter->most_from[n] - 1 > p)
			wrap_to = p;
		if (cutter->least_to[n] && cutter->least_to[n] - 1 < p &&
		    wrap_from == sub->length)
			wrap_from = p;
	}
	cover(cutter, 0, wrap_to);
	cover(cutter, wrap_from, sub->length);
}

static struct rs_error *
append(const struct rs_subgraph *sub, uint32_t p, struct rs_vec *vec)
{
	const struct rs_cut cut = {
		.source = sub->object[sub->node[p]],
		.edge = sub->edge[sub->link[p]],
	};

	return rs_vec_append(vec, &cut, sizeof(cut));
}

static struct rs_error *
append_cycle(const struct rs_subgraph *sub, struct rs_vec *cycle)
{
	for (uint32_t p = 0; p < sub->length; p++) {
		struct rs_error *err = append(sub, p, cycle);
		if (err)
			return err;
	}
	return NULL;
}

static struct rs_error *
append_cuts(const struct rs_subgraph *sub, struct rs_vec *cut)
{
	struct cutter cutter = {
		.sub = sub,
		.least_from = sub->mark[0],
		.most_from = sub->mark[1],
		.least_to = sub->mark[2],
		.place = sub->mark[3],
		.cover = sub->mark[4],
		.order = sub->queue,
	};
	uint32_t over = 0; // jumps over the link

	for (uint32_t p = 0; p < sub->length; p++)
		cutter.place[sub->node[p]] = p + 1;
	if (!sort_rest(&cutter))
		return NULL;

	find_sources(&cutter);
	find_targets(&cutter);
	cover_all_jumps(&cutter);
	for (uint32_t p = 0; p < sub->length; p++) {
		over += cutter.cover[p];
		struct rs_error *err = over ? NULL : append(sub, p, cut);
		if (err)
			return err;
	}
	return NULL;
}

struct rs_error *rs_graph_cuts(const struct rs_graph *graph,
			       const struct rs_components *components,
			       uint32_t c, const struct rs_progress *progress,
			       struct rs_vec *cycle, struct rs_vec *cut)
{
	static const char phase[] = "looking for cuts";
	const size_t cycle_used = cycle->used;
	const size_t cut_used = cut->used;
	struct rs_subgraph sub;

	// Each step passes over the component a few times.
	struct rs_error *err = rs_progress_tick(progress, phase, 0, 3);
	if (!err)
		err = rs_subgraph_init(graph, components, c, &sub);
	if (err)
		return err;
	if (!(err = rs_progress_tick(progress, phase, 1, 3))) {
		rs_subgraph_find_cycle(&sub);
		err = append_cycle(&sub, cycle);
	}
	if (!err && !(err = rs_progress_tick(progress, phase, 2, 3)))
		err = append_cuts(&sub, cut);
	rs_subgraph_fini(&sub);
	if (err) {
		cycle->used = cycle_used;
		cut->used = cut_used;
	}
	return err;
}
