// SPDX-License-Identifier: MIT
#include "graph/shortest_cycle.h"

// Which links of a ring are on all rings of its component, in linear time.
//
// Let the ring be positions 0 to k - 1, link p going from p to p + 1 (mod k).
// Take its links away. If what is left (the rest) has a ring, no link is on
// all. Otherwise the rest is a DAG, and a path in it from position a to b is a
// jump: with the ring's way from b on to a it makes a ring that avoids links
// a to b - 1. Every ring is made of links and jumps. One that avoids link p,
// read from p + 1 on, must go back somewhere, and a jump that goes back in
// that order is one over p. So the cuts are the links that no jump is over.
//
// Only the union of what jumps are over is asked for, so that not every jump
// is needed: forward ones (a < b) ending in b are all within the longest, from
// the least a that leads to b; and those around the end (a > b) are over all
// from the least such a to the end, and from 0 to the greatest such b.

struct cutter {
	const struct rs_part *part;
	uint32_t *least_from; // [nodes] 1 + least position leading there, or 0
	uint32_t *most_from; // [nodes] 1 + greatest, or 0
	uint32_t *least_to; // [nodes] 1 + least position led to, or 0
	uint32_t *order; // [nodes] the rest, sorted topologically
	uint32_t *place; // [nodes] 1 + position, 0 for nodes not on the ring
	// [length + 1] jumps beginning less jumps ending here, modulo 2^32
	uint32_t *cover;
};

static bool in_ring(const struct cutter *cutter, uint32_t node, uint32_t link)
{
	const uint32_t place = cutter->place[node];

	return place && cutter->part->link[place - 1] == link;
}

// Sort the rest. @return false when it has a ring.
static bool sort_rest(struct cutter *cutter)
{
	const struct rs_part *part = cutter->part;
	uint32_t *left = cutter->least_from; // links from nodes not yet sorted
	uint32_t head = 0;
	uint32_t tail = 0;

	for (uint32_t n = 0; n < part->nodes; n++)
		for (uint32_t l = part->start[n]; l < part->start[n + 1]; l++)
			left[part->to[l]] += !in_ring(cutter, n, l);
	for (uint32_t n = 0; n < part->nodes; n++)
		if (!left[n])
			cutter->order[tail++] = n;
	while (head < tail) {
		const uint32_t n = cutter->order[head++];

		for (uint32_t l = part->start[n]; l < part->start[n + 1]; l++) {
			if (in_ring(cutter, n, l))
				continue;
			if (!--left[part->to[l]])
				cutter->order[tail++] = part->to[l];
		}
	}
	return tail == part->nodes;
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

// From each node to those it refers to: who on the ring leads here?
static void look_back(struct cutter *cutter)
{
	const struct rs_part *part = cutter->part;

	for (uint32_t k = 0; k < part->nodes; k++) {
		const uint32_t n = cutter->order[k];
		uint32_t least = cutter->least_from[n];
		uint32_t most = cutter->most_from[n];

		take_least(&least, cutter->place[n]);
		take_most(&most, cutter->place[n]);
		for (uint32_t l = part->start[n]; l < part->start[n + 1]; l++) {
			if (in_ring(cutter, n, l))
				continue;
			take_least(&cutter->least_from[part->to[l]], least);
			take_most(&cutter->most_from[part->to[l]], most);
		}
	}
}

// And against the order: to whom on the ring does this lead?
static void look_ahead(struct cutter *cutter)
{
	const struct rs_part *part = cutter->part;

	for (uint32_t k = part->nodes; k--;) {
		const uint32_t n = cutter->order[k];

		for (uint32_t l = part->start[n]; l < part->start[n + 1]; l++) {
			if (in_ring(cutter, n, l))
				continue;
			const uint32_t to = part->to[l];
			take_least(&cutter->least_to[n], cutter->place[to]);
			take_least(&cutter->least_to[n], cutter->least_to[to]);
		}
	}
}

static void cover(struct cutter *cutter, uint32_t from, uint32_t to)
{
	cutter->cover[from]++;
	cutter->cover[to]--;
}

static void cover_jumps(struct cutter *cutter)
{
	const struct rs_part *part = cutter->part;
	uint32_t wrap_from = part->length; // least start of one around the end
	uint32_t wrap_to = 0; // greatest end of one

	for (uint32_t p = 0; p < part->length; p++) {
		const uint32_t n = part->node[p];

		if (cutter->least_from[n] && cutter->least_from[n] - 1 < p)
			cover(cutter, cutter->least_from[n] - 1, p);
		if (cutter->most_from[n] && cutter->most_from[n] - 1 > p)
			wrap_to = p;
		if (cutter->least_to[n] && cutter->least_to[n] - 1 < p &&
		    wrap_from == part->length)
			wrap_from = p;
	}
	cover(cutter, 0, wrap_to);
	cover(cutter, wrap_from, part->length);
}

static struct rs_error *
append(const struct rs_part *part, uint32_t p, struct rs_vec *vec)
{
	struct rs_cut *cut = rs_vec_push(vec, sizeof(*cut));

	if (!cut)
		return &rs_enomem;
	cut->source = part->object[part->node[p]];
	cut->edge = part->edge[part->link[p]];
	return NULL;
}

static struct rs_error *
append_ring(const struct rs_part *part, struct rs_vec *ring)
{
	for (uint32_t p = 0; p < part->length; p++) {
		struct rs_error *err = append(part, p, ring);
		if (err)
			return err;
	}
	return NULL;
}

static struct rs_error *
append_cuts(const struct rs_part *part, struct rs_vec *cut)
{
	struct cutter cutter = {
		.part = part,
		.least_from = part->mark[0],
		.most_from = part->mark[1],
		.least_to = part->mark[2],
		.place = part->mark[3],
		.cover = part->mark[4],
		.order = part->queue,
	};
	uint32_t over = 0; // jumps over the link

	for (uint32_t p = 0; p < part->length; p++)
		cutter.place[part->node[p]] = p + 1;
	if (!sort_rest(&cutter))
		return NULL;
	// What sort_rest() counted down is zero again, as the rest wants it.
	look_back(&cutter);
	look_ahead(&cutter);
	cover_jumps(&cutter);
	for (uint32_t p = 0; p < part->length; p++) {
		over += cutter.cover[p];
		struct rs_error *err = over ? NULL : append(part, p, cut);
		if (err)
			return err;
	}
	return NULL;
}

struct rs_error *rs_graph_cuts(const struct rs_graph *graph,
			       const struct rs_components *components,
			       uint32_t c, struct rs_vec *ring,
			       struct rs_vec *cut)
{
	const size_t ring_used = ring->used;
	const size_t cut_used = cut->used;
	struct rs_part part;

	struct rs_error *err = rs_part_init(graph, components, c, &part);
	if (err)
		return err;
	rs_part_find_ring(&part);
	err = append_ring(&part, ring);
	if (!err)
		err = append_cuts(&part, cut);
	rs_part_fini(&part);
	if (err) {
		ring->used = ring_used;
		cut->used = cut_used;
	}
	return err;
}
