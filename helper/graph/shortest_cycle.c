// SPDX-License-Identifier: MIT
#include "graph/shortest_cycle.h"

#include "base/search.h"

#include <assert.h>
#include <string.h>

enum {
	// Objects are turned into nodes through a table with an entry for each
	// object of the graph when the component has at least this fraction of
	// them, otherwise by binary search.
	RS_TABLE_FRACTION = 16,
	// How many links to look at in search of a shorter cycle: so many for
	// each link of the component, plus enough to be exact on small ones.
	RS_CYCLE_EFFORT = 16,
	RS_CYCLE_LEAST = 1 << 20,
};

struct lookup {
	const struct rs_graph *graph;
	const struct rs_components *components;
	uint32_t c; // the component
	const uint32_t *object; // [nodes] its objects, ascending
	uint32_t nodes;
	uint32_t *table; // [graph->objects] node, or NULL: search in object[]
};

// The node of @p object, which is in the component.
static uint32_t node_of(const struct lookup *lookup, uint32_t object)
{
	if (lookup->table)
		return lookup->table[object];
	const size_t node =
		RS_FIRST_INDEX(i, lookup->nodes, lookup->object[i] >= object);
	assert(lookup->object[node] == object);
	return (uint32_t)node;
}

// Whether @p edge of an object of the component is a link: stays within it.

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

static void copy_links(const struct lookup *lookup, struct rs_subgraph *sub)
{
	const struct rs_graph *graph = lookup->graph;
	uint32_t link = 0;

	for (uint32_t k = 0; k < sub->nodes; k++) {
		const uint32_t i = sub->object[k];

		sub->start[k] = link;
		for (uint32_t e = graph->out_start[i];
		     e < graph->out_start[i + 1]; e++) {
			if (!is_link(lookup, graph->out[e]))
				continue;
			sub->to[link] =
				node_of(lookup, rs_edge_target(graph->out[e]));
			sub->edge[link++] = e;
		}
	}
	sub->start[sub->nodes] = link;
	assert(link == sub->links);
}

// Allocate all arrays as one block.
static struct rs_error *allocate(struct rs_subgraph *sub)
{
	const size_t nodes = sub->nodes;
	uint32_t *at;

	sub->block_words = (RS_SUBGRAPH_MARKS + 1) * (nodes + 1) + 3 * nodes +
			   2 * (size_t)sub->links;
	struct rs_error *err = rs_block_new(sub->block_words, sizeof(*at), &at);
	if (err)
		return err;
	sub->block = at;
	sub->start = at;
	at += nodes + 1;
	for (int m = 0; m < RS_SUBGRAPH_MARKS; m++, at += nodes + 1)
		sub->mark[m] = at;
	sub->queue = at;
	sub->node = at + nodes;
	sub->link = at + 2 * nodes;
	sub->to = at + 3 * nodes;
	sub->edge = sub->to + sub->links;
	return NULL;
}

struct rs_error *rs_subgraph_init(const struct rs_graph *graph,
				  const struct rs_components *components,
				  uint32_t c, struct rs_subgraph *ret)
{
	const uint32_t first = components->start[c];
	struct lookup lookup = {
		.graph = graph,
		.components = components,
		.c = c,
		.object = components->object + first,
		.nodes = components->start[c + 1] - first,
	};
	struct rs_subgraph sub = {
		.object = lookup.object,
		.nodes = lookup.nodes,
		.links = (uint32_t)count_links(&lookup),
	};

	struct rs_error *err = allocate(&sub);
	if (err)
		return err;
	if (sub.nodes >= graph->objects / RS_TABLE_FRACTION) {
		err = rs_block_new(graph->objects, sizeof(*lookup.table),
				   &lookup.table);
		if (err) {
			rs_subgraph_fini(&sub);
			return err;
		}
		for (uint32_t k = 0; k < sub.nodes; k++)
			lookup.table[sub.object[k]] = k;
	}
	copy_links(&lookup, &sub);
	rs_block_free(lookup.table, graph->objects, sizeof(*lookup.table));
	*ret = sub;
	return NULL;
}

void rs_subgraph_fini(struct rs_subgraph *sub)
{
	rs_block_free(sub->block, sub->block_words, sizeof(uint32_t));
	*sub = (struct rs_subgraph){0};
}

// Breadth-first searches, one from each node. seen[] holds the number of the
// search, so that it needs no clearing between them.
struct cycle_search {
	struct rs_subgraph *sub;
	uint32_t *seen; // [nodes] 1 + start of the last search that visited it
	uint32_t *by; // [nodes] link over which it was visited
	uint32_t *parent; // [nodes] source of that link
	uint64_t effort; // links that may still be looked at
	uint32_t head, tail; // of sub->queue
};

// The search came back to its start over @p link of @p node, after @p length
// links.
static void store_cycle(struct cycle_search *search, uint32_t node,
			uint32_t link, uint32_t length)
{
	struct rs_subgraph *sub = search->sub;

	sub->length = length;
	while (length--) {
		sub->node[length] = node;
		sub->link[length] = link;
		link = search->by[node];
		node = search->parent[node];
	}
}

// Follow the links of @p node. @return whether one leads back to @p start.
static bool visit_node(struct cycle_search *search, uint32_t start,
		       uint32_t node, uint32_t length)
{
	struct rs_subgraph *sub = search->sub;

	for (uint32_t l = sub->start[node]; l < sub->start[node + 1]; l++) {
		const uint32_t to = sub->to[l];

		if (to == start) {
			store_cycle(search, node, l, length);
			return true;
		}
		if (search->seen[to] == start + 1)
			continue;
		search->seen[to] = start + 1;
		search->by[to] = l;
		search->parent[to] = node;
		sub->queue[search->tail++] = to;
	}
	return false;
}

// Find a cycle through @p start that is shorter than the known one, if any.
static void search_from(struct cycle_search *search, uint32_t start)
{
	struct rs_subgraph *sub = search->sub;
	const uint32_t known = sub->length;

	search->head = 0;
	search->tail = 0;
	sub->queue[search->tail++] = start;
	search->seen[start] = start + 1;
	for (uint32_t length = 1; !known || length < known; length++) {
		const uint32_t end = search->tail;

		if (search->head == end)
			return;
		while (search->head < end) {
			const uint32_t node = sub->queue[search->head++];
			const uint32_t links =
				sub->start[node + 1] - sub->start[node];

			// The first search has no limit: every component
			// contains a cycle, which it finds.
			if (known && search->effort < links)
				return;
			if (known)
				search->effort -= links;
			if (visit_node(search, start, node, length))
				return;
		}
	}
}

void rs_subgraph_find_cycle(struct rs_subgraph *sub)
{
	struct cycle_search search = {
		.sub = sub,
		.seen = sub->mark[0],
		.by = sub->mark[1],
		.parent = sub->mark[2],
		.effort =
			RS_CYCLE_EFFORT * (uint64_t)sub->links + RS_CYCLE_LEAST,
	};

	sub->length = 0;
	for (uint32_t start = 0; start < sub->nodes; start++) {
		search_from(&search, start);
		if (sub->length == 1)
			break;
	}
	assert(sub->length);
	for (int m = 0; m < 3; m++)
		memset(sub->mark[m], 0, sub->nodes * sizeof(uint32_t));
}
