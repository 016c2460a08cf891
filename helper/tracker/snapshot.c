// SPDX-License-Identifier: MIT
#include "tracker/snapshot.h"
#include "refscope/registry.h"
#include "tracker/slots.h"
#include "tracker/type_numbers.h"

int rs_tracker_code(struct rs_error *err)
{
	const int code = err ? (int)rs_error_code(err) : 0;

	rs_error_free(err);
	return code;
}

const struct rs_type *
rs_entry_type_known(struct rs_visitor *visitor, uint32_t entry)
{
	const uint32_t id = rs_entry_type(entry);

	if (visitor->known.id == id)
		return visitor->known.type;
	const struct rs_type *type =
		__atomic_load_n(&rs_type_by_id[id], __ATOMIC_ACQUIRE);

	// Of a plugin that was unloaded without rs_undescribe() the memory is
	// gone, or has something else in it.
	if (!type ||
	    !rs_is_readable(&visitor->readable, (uint64_t)(uintptr_t)type,
			    sizeof(*type)) ||
	    !rs_type_is_there(type) || type->flags & RS_TYPE_STAND_IN)
		return NULL;
	visitor->known.id = id;
	visitor->known.type = type;
	return type;
}

const char *rs_type_unfreeable(const struct rs_type *type)
{
	if (!type->release)
		return "no release";
	return type->traverse && !type->clear ? "no clear" : NULL;
}

const struct rs_type *
rs_snapshot_type(const struct rs_snapshot *snapshot, uint32_t i)
{
	return rs_type_by_id[snapshot->graph.type[i]];
}

static int enter(uint64_t address, uint32_t entry, void *context)
{
	(void)entry;
	return rs_tracker_code(rs_addrmap_add(context, address, NULL));
}

static uint16_t
flags_of(const struct rs_type *type, const void *object, uint32_t entry)
{
	unsigned flags = 0;

	if (type->finalize)
		flags |= RS_OBJ_FINALIZER;
	if (type->flags & RS_TYPE_LEGACY && type->finalize)
		flags |= RS_OBJ_LEGACY;
	if (rs_type_unfreeable(type) || !rs_count_can_hold(type, object))
		flags |= RS_OBJ_UNFREEABLE;
	if (entry & RS_ENTRY_FINALIZED)
		flags |= RS_OBJ_FINALIZED;
	return (uint16_t)flags;
}

struct taking {
	struct rs_snapshot *s;
	const struct rs_snapshot_options *options;
};

// Its type, count and flags; unless they can be known the flags alone.
static int describe(uint64_t address, uint32_t entry, void *context)
{
	const struct taking *taking = context;
	struct rs_graph *graph = &taking->s->graph;
	struct rs_readable *readable = &taking->s->visitor.readable;
	const void *object = (const void *)(uintptr_t)address;
	const uint32_t i = rs_graph_find(graph, address);

	if (i == RS_NONE) // tracked since: by another thread
		return 0;
	const struct rs_type *type =
		rs_entry_type_known(&taking->s->visitor, entry);
	graph->flags[i] = RS_OBJ_TRACKED | RS_OBJ_GC;
	if (!type || !rs_is_readable(readable, address, type->size) ||
	    (type->traverse && taking->options->no_callbacks)) {
		graph->flags[i] |= RS_OBJ_IMMORTAL;
		return 0;
	}
	const int64_t count = rs_count_read(type, object);
	graph->type[i] = rs_entry_type(entry);
	graph->flags[i] |= flags_of(type, object, entry);
	graph->count[i] = count < 0		   ? 0
			  : count > UINT32_MAX - 1 ? UINT32_MAX - 1
						   : (uint32_t)count;
	// A count that is 0 without the collection's own reference is not one
	// of an object that is being torn down.
	if (entry & RS_ENTRY_HELD && graph->count[i]) {
		graph->count[i]--;
		graph->flags[i] |= RS_OBJ_DEFERRED;
	}
	return 0;
}

static int add_edge(void *referent, unsigned hold, void *context)
{
	struct rs_snapshot *s = context;
	const uint64_t address = (uint64_t)(uintptr_t)referent;
	const uint32_t target = rs_slots_can_hold(address)
					? rs_graph_find(&s->graph, address)
					: RS_NONE;

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

// Of an object that leads to what cannot be read nothing is believed: what it
// holds then has a reference that nobody explains, and is in use.
static int add_references(struct rs_snapshot *s, uint32_t i)
{
	const size_t before = s->out.used;
	int rc;

	// Unknown, or gone since it was entered: another thread's doing.
	if (!s->graph.type[i])
		return 0;
	rc = rs_visit_references(&s->visitor, rs_snapshot_type(s, i),
				 rs_snapshot_object(s, i), true, add_edge, s);
	if (rc != RS_EBAD)
		return rc;
	s->out.used = before;
	s->graph.flags[i] |= RS_OBJ_IMMORTAL;
	return 0;
}

static int add_edges(struct rs_snapshot *s)
{
	struct rs_graph *graph = &s->graph;

	for (uint32_t i = 0; i < graph->objects; i++) {
		const int rc = add_references(s, i);

		if (rc)
			return rc;
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

	s->room = graph->map.count;
	if ((err = rs_block_new(n, sizeof(uint64_t), &graph->address)) ||
	    (err = rs_block_new(n, sizeof(uint32_t), &graph->count)) ||
	    (err = rs_block_new(n, sizeof(uint32_t), &graph->type)) ||
	    (err = rs_block_new(n, sizeof(uint16_t), &graph->flags)) ||
	    (err = rs_block_new(n + 1, sizeof(uint32_t), &graph->out_start)))
		return rs_tracker_code(err);
	graph->objects = (uint32_t)n;
	rs_addrmap_list(&graph->map, graph->address);
	return 0;
}

static int fill(const struct rs_snapshot_options *options,
		struct rs_patience *patience, struct rs_snapshot *s)
{
	struct taking taking = {s, options};
	struct rs_graph *graph = &s->graph;
	int rc = rs_tracker_code(rs_addrmap_init(&graph->map));

	if (!rc)
		rc = rs_slots_each(patience, enter, &graph->map);
	if (!rc)
		rc = rs_tracker_code(rs_addrmap_seal(&graph->map));
	if (!rc)
		rc = make_arrays(s);
	if (!rc)
		rc = rs_slots_each(patience, describe, &taking);
	return rc ? rc : add_edges(s);
}

int rs_snapshot_take(const struct rs_snapshot_options *options,
		     struct rs_patience *patience, struct rs_snapshot *ret)
{
	struct rs_snapshot s = {.graph = {.tracked_only = true}};
	const int rc = fill(options, patience, &s);

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
	rs_visitor_fini(&s->visitor);
	*s = (struct rs_snapshot){0};
}

int rs_snapshot_judge(const struct rs_snapshot_options *options,
		      struct rs_patience *patience, struct rs_snapshot *s,
		      struct rs_collect_result *v)
{
	const struct rs_collect_options collect = {
		.generation = 2,
		.rules = rs_registry.gc.policy == RS_GC_FINALIZE ? RS_RULES_34
								 : RS_RULES_27,
	};
	int rc = rs_snapshot_take(options, patience, s);

	if (rc)
		return rc;
	rc = rs_tracker_code(rs_graph_collect(&s->graph, &collect, NULL, v));
	if (rc)
		rs_snapshot_fini(s);
	return rc;
}
