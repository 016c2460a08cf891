// SPDX-License-Identifier: MIT
#include "tracker/snapshot.h"
#include "refscope/registry.h"
#include "tracker/slots.h"
#include "tracker/visit.h"

int rs_target_code(struct rs_error *err)
{
	const int code = err ? (int)rs_error_code(err) : 0;

	rs_error_free(err);
	return code;
}

static int enter(uint64_t address, uint32_t entry, void *context)
{
	(void)entry;
	return rs_target_code(rs_addrmap_add(context, address, NULL));
}

static uint16_t flags_of(const struct rs_type *type, uint32_t entry)
{
	unsigned flags = RS_OBJ_TRACKED | RS_OBJ_GC;

	if (type->finalize)
		flags |= RS_OBJ_FINALIZER;
	if ((type->flags & RS_TYPE_LEGACY && type->finalize) || !type->release)
		flags |= RS_OBJ_FINALIZER | RS_OBJ_LEGACY;
	if (entry & RS_ENTRY_FINALIZED)
		flags |= RS_OBJ_FINALIZED;
	return (uint16_t)flags;
}

static int describe(uint64_t address, uint32_t entry, void *context)
{
	struct rs_graph *graph = context;
	const uint32_t i = rs_graph_find(graph, address);
	const uint32_t id = rs_entry_type(entry);

	if (i == RS_NONE) // tracked since: by another thread
		return 0;
	const struct rs_type *type = rs_registry.type[id];
	const int64_t count = rs_count_read(type, (void *)(uintptr_t)address);
	graph->type[i] = id;
	graph->flags[i] = flags_of(type, entry);
	graph->count[i] = count < 0		   ? 0
			  : count > UINT32_MAX - 1 ? UINT32_MAX - 1
						   : (uint32_t)count;
	return 0;
}

static int add_edge(void *referent, unsigned hold, void *context)
{
	struct rs_snapshot *s = context;
	const uint32_t target =
		rs_graph_find(&s->graph, (uint64_t)(uintptr_t)referent);

	if (target == RS_NONE)
		return 0;
	uint32_t *edge = rs_vec_push(&s->out, sizeof(*edge));
	if (!edge)
		return RS_ENOMEM;
	*edge = rs_edge(target, hold == RS_HOLD_STRONG	? RS_STRONG
				: hold == RS_HOLD_OWNED ? RS_OWNED
							: RS_WEAK);
	return 0;
}

static int add_edges(struct rs_snapshot *s)
{
	struct rs_graph *graph = &s->graph;

	for (uint32_t i = 0; i < graph->objects; i++) {
		// Gone since it was entered: another thread's doing.
		if (graph->type[i]) {
			const int rc = rs_visit_references(
				rs_snapshot_type(s, i),
				rs_snapshot_object(s, i), add_edge, s);
			if (rc)
				return rc;
		}
		if (rs_vec_count(&s->out, uint32_t) > UINT32_MAX)
			return RS_ENOMEM;
		graph->out_start[i + 1] =
			(uint32_t)rs_vec_count(&s->out, uint32_t);
	}
	graph->out = rs_vec_items(&s->out, uint32_t);
	graph->references = rs_vec_count(&s->out, uint32_t);
	return 0;
}

static int make_arrays(struct rs_snapshot *s)
{
	struct rs_graph *graph = &s->graph;
	const size_t n = graph->map.count;
	struct rs_error *err;

	if ((err = rs_block_new(n, sizeof(uint64_t), &graph->address)) ||
	    (err = rs_block_new(n, sizeof(uint32_t), &graph->count)) ||
	    (err = rs_block_new(n, sizeof(uint32_t), &graph->type)) ||
	    (err = rs_block_new(n, sizeof(uint16_t), &graph->flags)) ||
	    (err = rs_block_new(n + 1, sizeof(uint32_t), &graph->out_start)))
		return rs_target_code(err);
	graph->objects = (uint32_t)n;
	rs_addrmap_list(&graph->map, graph->address);
	return 0;
}

static void uncount(const struct rs_vec *held, struct rs_graph *graph)
{
	void *const *object = rs_vec_items(held, void *const);
	const size_t n = rs_vec_count(held, void *);

	for (size_t k = 0; k < n; k++) {
		const uint32_t i =
			rs_graph_find(graph, (uint64_t)(uintptr_t)object[k]);
		if (i != RS_NONE && graph->count[i])
			graph->count[i]--;
	}
}

static int fill(const struct rs_vec *held, struct rs_snapshot *s)
{
	struct rs_graph *graph = &s->graph;
	int rc = rs_target_code(rs_addrmap_init(&graph->map));

	if (!rc)
		rc = rs_slots_each(enter, &graph->map);
	if (!rc)
		rc = rs_target_code(rs_addrmap_seal(&graph->map));
	if (!rc)
		s->room = graph->map.count;
	if (!rc)
		rc = make_arrays(s);
	if (!rc)
		rc = rs_slots_each(describe, graph);
	if (!rc && held)
		uncount(held, graph);
	return rc ? rc : add_edges(s);
}

int rs_snapshot_take(const struct rs_vec *held, struct rs_snapshot *ret)
{
	struct rs_snapshot s = {.graph = {.tracked_only = true}};
	const int rc = fill(held, &s);

	if (rc)
		rs_snapshot_fini(&s);
	else
		*ret = s;
	return rc;
}

void rs_snapshot_fini(struct rs_snapshot *s)
{
	struct rs_graph *graph = &s->graph;
	const size_t n = s->room;

	rs_block_free(graph->address, n, sizeof(uint64_t));
	rs_block_free(graph->count, n, sizeof(uint32_t));
	rs_block_free(graph->type, n, sizeof(uint32_t));
	rs_block_free(graph->flags, n, sizeof(uint16_t));
	rs_block_free(graph->out_start, n + 1, sizeof(uint32_t));
	rs_addrmap_fini(&graph->map);
	rs_vec_fini(&s->out);
	*s = (struct rs_snapshot){0};
}

const struct rs_type *
rs_snapshot_type(const struct rs_snapshot *snapshot, uint32_t i)
{
	return rs_registry.type[snapshot->graph.type[i]];
}
