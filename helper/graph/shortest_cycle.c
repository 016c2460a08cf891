// SPDX-License-Identifier: MIT
#include "graph/shortest_cycle.h"

#include <assert.h>
#include <string.h>

enum {
	// A table of the whole graph is worth its pages for a component of at
	// least this fraction; below it a search among the members is.
	RS_TABLE_FRACTION = 16,
	// Links looked at to find a shorter ring: a number for each of the
	// component's, and enough for an exact answer on small ones.
	RS_RING_EFFORT = 16,
	RS_RING_LEAST = 1 << 20,
};

struct lookup {
	const struct rs_graph *graph;
	const struct rs_components *components;
	uint32_t c;
	const uint32_t *object;
	uint32_t nodes;
	uint32_t *table; // [objects] node, or NULL: search
};

// Node of @p object, a member.
static uint32_t node_of(const struct lookup *lookup, uint32_t object)
{
	uint32_t low = 0;
	uint32_t high = lookup->nodes - 1;

	if (lookup->table)
		return lookup->table[object];
	while (low < high) {
		const uint32_t mid = low + (high - low) / 2;

		if (lookup->object[mid] < object)
			low = mid + 1;
		else
			high = mid;
	}
	assert(lookup->object[low] == object);
	return low;
}

static bool is_link(const struct lookup *lookup, uint32_t edge)
{
	return rs_edge_counted(edge) &&
	       lookup->components->of[rs_edge_target(edge)] == lookup->c;
}

static uint64_t count_links(const struct lookup *lookup)
{
	const struct rs_graph *graph = lookup->graph;
	uint64_t links = 0;

	for (uint32_t k = 0; k < lookup->nodes; k++) {
		const uint32_t i = lookup->object[k];

		for (uint32_t e = graph->out_start[i];
		     e < graph->out_start[i + 1]; e++)
			links += is_link(lookup, graph->out[e]);
	}
	return links;
}

static void copy_links(const struct lookup *lookup, struct rs_part *part)
{
	const struct rs_graph *graph = lookup->graph;
	uint32_t link = 0;

	for (uint32_t k = 0; k < part->nodes; k++) {
		const uint32_t i = part->object[k];

		part->start[k] = link;
		for (uint32_t e = graph->out_start[i];
		     e < graph->out_start[i + 1]; e++) {
			if (!is_link(lookup, graph->out[e]))
				continue;
			part->to[link] =
				node_of(lookup, rs_edge_target(graph->out[e]));
			part->edge[link++] = e;
		}
	}
	part->start[part->nodes] = link;
	assert(link == part->links);
}

// Cut the arrays from one block.
static struct rs_error *allocate(struct rs_part *part)
{
	const size_t nodes = part->nodes;
	uint32_t *at;

	part->block_words = (RS_PART_MARKS + 1) * (nodes + 1) + 3 * nodes +
			    2 * (size_t)part->links;
	struct rs_error *err =
		rs_block_new(part->block_words, sizeof(*at), &at);
	if (err)
		return err;
	part->block = at;
	part->start = at;
	at += nodes + 1;
	for (int m = 0; m < RS_PART_MARKS; m++, at += nodes + 1)
		part->mark[m] = at;
	part->queue = at;
	part->node = at + nodes;
	part->link = at + 2 * nodes;
	part->to = at + 3 * nodes;
	part->edge = part->to + part->links;
	return NULL;
}

struct rs_error *rs_part_init(const struct rs_graph *graph,
			      const struct rs_components *components,
			      uint32_t c, struct rs_part *ret)
{
	const uint32_t first = components->start[c];
	struct lookup lookup = {
		.graph = graph,
		.components = components,
		.c = c,
		.object = components->object + first,
		.nodes = components->start[c + 1] - first,
	};
	struct rs_part part = {
		.object = lookup.object,
		.nodes = lookup.nodes,
		.links = (uint32_t)count_links(&lookup),
	};

	struct rs_error *err = allocate(&part);
	if (err)
		return err;
	if (part.nodes >= graph->objects / RS_TABLE_FRACTION) {
		err = rs_block_new(graph->objects, sizeof(*lookup.table),
				   &lookup.table);
		if (err) {
			rs_part_fini(&part);
			return err;
		}
		for (uint32_t k = 0; k < part.nodes; k++)
			lookup.table[part.object[k]] = k;
	}
	copy_links(&lookup, &part);
	rs_block_free(lookup.table, graph->objects, sizeof(*lookup.table));
	*ret = part;
	return NULL;
}

void rs_part_fini(struct rs_part *part)
{
	rs_block_free(part->block, part->block_words, sizeof(uint32_t));
	*part = (struct rs_part){0};
}

// What a breadth-first search from one node knows. Marks are numbers of
// searches, so that they need not be cleared in between.
struct ring_search {
	struct rs_part *part;
	uint32_t *seen; // [nodes] 1 + start of the search that saw it
	uint32_t *by; // [nodes] link that led to it
	uint32_t *parent; // [nodes] its source
	uint64_t effort; // links that may still be looked at
	uint32_t head, tail; // of part->queue
};

// The search met its start again over @p link from @p node, @p length
// links in all.
static void keep_ring(struct ring_search *search, uint32_t node, uint32_t link,
		      uint32_t length)
{
	struct rs_part *part = search->part;

	part->length = length;
	while (length--) {
		part->node[length] = node;
		part->link[length] = link;
		link = search->by[node];
		node = search->parent[node];
	}
}

// Look at the links of @p node. @return whether one leads back to @p start.
static bool open_node(struct ring_search *search, uint32_t start, uint32_t node,
		      uint32_t length)
{
	struct rs_part *part = search->part;

	for (uint32_t l = part->start[node]; l < part->start[node + 1]; l++) {
		const uint32_t to = part->to[l];

		if (to == start) {
			keep_ring(search, node, l, length);
			return true;
		}
		if (search->seen[to] == start + 1)
			continue;
		search->seen[to] = start + 1;
		search->by[to] = l;
		search->parent[to] = node;
		part->queue[search->tail++] = to;
	}
	return false;
}

// Find a ring through @p start shorter than the one known, if any.
static void search_from(struct ring_search *search, uint32_t start)
{
	struct rs_part *part = search->part;
	const uint32_t known = part->length;

	search->head = 0;
	search->tail = 0;
	part->queue[search->tail++] = start;
	search->seen[start] = start + 1;
	for (uint32_t length = 1; !known || length < known; length++) {
		const uint32_t end = search->tail;

		if (search->head == end)
			return;
		while (search->head < end) {
			const uint32_t node = part->queue[search->head++];
			const uint32_t links =
				part->start[node + 1] - part->start[node];

			// The first search always ends: a ring is certain.
			if (known && search->effort < links)
				return;
			if (known)
				search->effort -= links;
			if (open_node(search, start, node, length))
				return;
		}
	}
}

void rs_part_find_ring(struct rs_part *part)
{
	struct ring_search search = {
		.part = part,
		.seen = part->mark[0],
		.by = part->mark[1],
		.parent = part->mark[2],
		.effort =
			RS_RING_EFFORT * (uint64_t)part->links + RS_RING_LEAST,
	};

	part->length = 0;
	for (uint32_t start = 0; start < part->nodes; start++) {
		search_from(&search, start);
		if (part->length == 1)
			break;
	}
	assert(part->length);
	for (int m = 0; m < 3; m++)
		memset(part->mark[m], 0, part->nodes * sizeof(uint32_t));
}
