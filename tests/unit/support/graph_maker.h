// SPDX-License-Identifier: MIT
/**
 * @file
 * Graphs made by hand, for tests.
 *
 * Say how many objects, add references in any order, then finish: counts come
 * out as a runtime would tell them, the counted references to an object plus
 * those that rs_maker_hold() says come from outside.
 */
#ifndef RS_GRAPH_MAKER_H
#define RS_GRAPH_MAKER_H

#include "graph/graph.h"

#include "rs_check.h"

enum {
	RS_MAKER_OBJECTS = 64,
	RS_MAKER_EDGES = 512,
	RS_MAKER_TYPES = 3,
};

struct rs_maker {
	uint32_t objects, edges;
	uint32_t source[RS_MAKER_EDGES];
	uint32_t edge[RS_MAKER_EDGES];
	uint32_t held[RS_MAKER_OBJECTS]; // by references from outside
	uint16_t flags[RS_MAKER_OBJECTS];
	uint8_t runtime[RS_MAKER_OBJECTS];
	struct rs_vec root, root_text;
	struct rs_graph graph; // after rs_maker_finish()
};

/** rs_ck_ok() for loops: Check's own macros cost microseconds each. */
static inline void rs_maker_ok(struct rs_error *err)
{
	if (err)
		ck_abort_msg("%s", rs_error_message(err));
}

/** All objects are tracked, in the oldest generation. */
static inline void rs_maker_init(struct rs_maker *maker, uint32_t objects)
{
	memset(maker, 0, sizeof(*maker));
	maker->objects = objects;
	for (uint32_t i = 0; i < objects; i++)
		maker->flags[i] = RS_OBJ_GC | RS_OBJ_TRACKED | 2;
}

static inline void rs_maker_edge(struct rs_maker *maker, uint32_t source,
				 uint32_t target, enum rs_kind kind)
{
	maker->source[maker->edges] = source;
	maker->edge[maker->edges++] = rs_edge(target, kind);
}

static inline void
rs_maker_hold(struct rs_maker *maker, uint32_t object, uint32_t references)
{
	maker->held[object] += references;
}

/** A root, without a reference counted for it. @return its index. */
static inline uint32_t
rs_maker_root(struct rs_maker *maker, uint32_t object, enum rs_root_kind kind)
{
	struct rs_root *root = rs_vec_push(&maker->root, sizeof(*root));

	*root = (struct rs_root){
		.target = object,
		.kind = (uint16_t)kind,
		.frame = RS_NONE,
	};
	*(char *)rs_vec_push(&maker->root_text, 1) = '\0';
	return (uint32_t)rs_vec_count(&maker->root, *root) - 1;
}

static inline void rs_maker_arrays(struct rs_graph *graph)
{
	static struct rs_type_row type_row[RS_MAKER_TYPES];
	const size_t n = graph->objects;

	rs_maker_ok(rs_block_new(n, sizeof(uint64_t), &graph->address));
	rs_maker_ok(rs_block_new(n, sizeof(uint32_t), &graph->count));
	rs_maker_ok(rs_block_new(n, sizeof(uint32_t), &graph->type));
	rs_maker_ok(rs_block_new(n, sizeof(uint32_t), &graph->size32));
	rs_maker_ok(rs_block_new(n, sizeof(uint16_t), &graph->flags));
	rs_maker_ok(rs_block_new(n, 1, &graph->runtime));
	rs_maker_ok(rs_block_new(n + 1, sizeof(uint32_t), &graph->out_start));
	rs_maker_ok(
		rs_block_new(graph->references, sizeof(uint32_t), &graph->out));
	rs_maker_ok(rs_addrmap_init(&graph->map));
	graph->type_row = type_row;
	graph->types = RS_MAKER_TYPES;
}

/** @return the graph, which rs_maker_fini() ends. */
static inline struct rs_graph *rs_maker_finish(struct rs_maker *maker)
{
	struct rs_graph *graph = &maker->graph;
	uint32_t edges = 0;

	graph->objects = maker->objects;
	graph->references = maker->edges;
	rs_maker_arrays(graph);
	for (uint32_t i = 0; i < maker->objects; i++) {
		graph->address[i] = 0x7f0000001000 + 48 * (uint64_t)i;
		rs_maker_ok(
			rs_addrmap_add(&graph->map, graph->address[i], NULL));
		graph->count[i] += maker->held[i];
		graph->type[i] = i % RS_MAKER_TYPES;
		graph->size32[i] = 16 + i;
		graph->flags[i] = maker->flags[i];
		graph->runtime[i] = maker->runtime[i];
		for (uint32_t e = 0; e < maker->edges; e++) {
			if (maker->source[e] != i)
				continue;
			graph->out[edges++] = maker->edge[e];
			graph->count[rs_edge_target(maker->edge[e])] +=
				rs_edge_counted(maker->edge[e]);
		}
		graph->out_start[i + 1] = edges;
	}
	rs_maker_ok(rs_addrmap_seal(&graph->map));
	graph->root = maker->root;
	graph->root_text = maker->root_text;
	if (!rs_graph_is_sound(graph))
		ck_abort_msg("the test's graph is not sound");
	return graph;
}

static inline void rs_maker_fini(struct rs_maker *maker)
{
	rs_graph_fini(&maker->graph);
}

/** @return A number below @p most, by a generator that is the same anywhere. */
static inline uint32_t rs_maker_random(uint64_t *state, uint32_t most)
{
	*state = *state * 6364136223846793005 + 1442695040888963407;
	return (uint32_t)((*state >> 33) % most);
}

/** A small graph of every kind of thing, the same for the same @p seed. */
static inline struct rs_graph *
rs_maker_chance(struct rs_maker *maker, uint64_t seed)
{
	uint64_t state = seed * 2 + 1;
	const uint32_t n = rs_maker_random(&state, 12) + 1;
	const uint32_t edges = rs_maker_random(&state, 3 * n);
	const uint32_t strangeness = rs_maker_random(&state, 4);

	rs_maker_init(maker, n);
	for (uint32_t k = 0; k < edges; k++) {
		const uint32_t kind = rs_maker_random(&state, 12);

		rs_maker_edge(maker, rs_maker_random(&state, n),
			      rs_maker_random(&state, n),
			      kind < 4 && strangeness ? (enum rs_kind)kind
						      : RS_STRONG);
	}
	for (uint32_t i = 0; i < n; i++) {
		if (rs_maker_random(&state, 8) == 0)
			rs_maker_hold(maker, i, 1);
		if (rs_maker_random(&state, 6) == 0)
			maker->flags[i] |= RS_OBJ_FINALIZER;
		if (rs_maker_random(&state, 8) == 0)
			maker->flags[i] |= RS_OBJ_LEGACY;
		if (strangeness < 2)
			continue;
		if (rs_maker_random(&state, 8) == 0) {
			if (rs_maker_random(&state, 2))
				maker->flags[i] ^= RS_OBJ_TRACKED;
			else
				maker->runtime[i] ^= 1;
		}
		if (rs_maker_random(&state, 20) == 0)
			maker->flags[i] |= rs_maker_random(&state, 2)
						   ? RS_OBJ_IMMORTAL
						   : RS_OBJ_STATIC;
		if (rs_maker_random(&state, 4) == 0)
			maker->flags[i] ^= (uint16_t)rs_maker_random(&state, 4);
		if (rs_maker_random(&state, 6) == 0)
			rs_maker_root(maker, i,
				      (enum rs_root_kind)rs_maker_random(
					      &state, RS_ROOT_WORD + 1));
	}
	rs_maker_finish(maker);
	// Now and then a count that does not fit: too small, or saturated.
	if (strangeness == 3) {
		uint32_t *count =
			&maker->graph.count[rs_maker_random(&state, n)];
		*count = rs_maker_random(&state, 2) ? *count / 2 : UINT32_MAX;
	}
	return &maker->graph;
}

/** Progress that stops the work at once. */
static inline bool
rs_maker_stop(void *context, const char *phase, uint64_t done, uint64_t total)
{
	(void)context;
	(void)phase;
	(void)done;
	(void)total;
	return false;
}

#define RS_MAKER_STOP (&(const struct rs_progress){.fn = rs_maker_stop})

#endif /* RS_GRAPH_MAKER_H */
