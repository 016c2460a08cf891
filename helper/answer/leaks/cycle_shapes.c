// SPDX-License-Identifier: MIT
#include "answer/leaks/cycle_shapes.h"

#include "answer/describe/type_filter.h"
#include "answer/leaks/findings.h"

#include <stdlib.h>

// Of larger cycles the references are only counted.
enum { RS_LABELLED = 64 };

struct shapes {
	const struct rs_rings *rings;
	uint64_t *type; // [types] hash of the full name; 0: not made yet
};

static uint64_t mixed(uint64_t hash)
{
	hash = (hash ^ hash >> 31) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 29;
}

static uint64_t of_type(struct shapes *s, uint32_t type)
{
	char name[RS_KEY_SIZE];

	if (!s->type[type]) {
		rs_type_full_name(s->rings->report, type, name, sizeof(name));
		s->type[type] = rs_finding_hash(name) | 1;
	}
	return s->type[type];
}

static bool
is_inner(const struct rs_rings *rings, uint32_t member, uint32_t edge)
{
	const struct rs_graph *g = rings->report->graph;
	const uint32_t *of = rings->components.of;

	return rs_edge_counted(g->out[edge]) &&
	       of[rs_edge_target(g->out[edge])] == of[member];
}

// How many references to other members it has.
static uint64_t inner(const struct rs_rings *rings, uint32_t member)
{
	const struct rs_graph *g = rings->report->graph;
	uint64_t n = 0;

	for (uint32_t e = g->out_start[member]; e < g->out_start[member + 1];
	     e++)
		n += is_inner(rings, member, e);
	return n;
}

// Which of the members are the attributes of one of them: their keys are names
// in the code.
static uint64_t find_attributes(const struct rs_rings *rings,
				const uint32_t *member, uint32_t n)
{
	const struct rs_graph *g = rings->report->graph;
	char label[RS_LABEL_SIZE];
	uint64_t found = 0;

	for (uint32_t i = 0; i < n; i++)
		for (uint32_t e = g->out_start[member[i]];
		     e < g->out_start[member[i] + 1]; e++) {
			if (!is_inner(rings, member[i], e))
				continue;
			rs_report_label_text(rings->report, member[i], e, label,
					     sizeof(label));
			if (strcmp(label, ".__dict__") != 0)
				continue;
			for (uint32_t k = 0; k < n; k++)
				if (member[k] == rs_edge_target(g->out[e]))
					found |= UINT64_C(1) << k;
		}
	return found;
}

// By which labels it refers to other members.
static uint64_t
of_labels(const struct rs_rings *rings, uint32_t member, bool attributes)
{
	const struct rs_graph *g = rings->report->graph;
	char label[RS_LABEL_SIZE];
	uint64_t sum = 0;

	for (uint32_t e = g->out_start[member]; e < g->out_start[member + 1];
	     e++) {
		if (!is_inner(rings, member, e))
			continue;
		rs_report_label_text(rings->report, member, e, label,
				     sizeof(label));
		if (!attributes)
			rs_label_omit_keys(label);
		sum += mixed(rs_finding_hash(label));
	}
	return sum;
}

static uint64_t
of_member(struct shapes *s, uint32_t member, uint64_t references)
{
	const struct rs_rings *rings = s->rings;
	const struct rs_graph *g = rings->report->graph;
	struct rs_runtime *rt =
		rs_session_runtime(rings->report->session, g, member);
	char name[RS_KEY_SIZE] = "";
	uint64_t hash = of_type(s, g->type[member]);

	if (rt->ops->own_name &&
	    rt->ops->own_name(rt, g->address[member], name, sizeof(name)))
		hash = mixed(hash) + rs_finding_hash(name);
	hash = mixed(hash) + references;
	return mixed(hash * 8 + rings->result->fate[member]) +
	       rings->listed[member];
}

// The same in whatever order the members are.
static uint64_t of_cycle(struct shapes *s, uint32_t component)
{
	const struct rs_rings *rings = s->rings;
	const uint32_t *member = rs_ring_members(rings, component);
	const uint32_t n = rs_ring_size(rings, component);
	const bool labelled = n <= RS_LABELLED;
	const uint64_t attributes =
		labelled ? find_attributes(rings, member, n) : 0;
	uint64_t sum = n;

	for (uint32_t i = 0; i < n; i++)
		sum += mixed(of_member(s, member[i],
				       labelled ? of_labels(rings, member[i],
							    attributes >> i & 1)
						: inner(rings, member[i])));
	return sum;
}

static int by_key(const void *left, const void *right)
{
	const struct rs_cycle_shape *a = left, *b = right;

	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return a->first < b->first ? -1 : a->first > b->first;
}

static int by_first(const void *left, const void *right)
{
	const struct rs_cycle_shape *a = left, *b = right;

	return a->first < b->first ? -1 : a->first > b->first;
}

// One shape for each cycle.
static struct rs_error *
add_all(struct shapes *s, const struct rs_vec *place, struct rs_vec *ret)
{
	const uint32_t *ring = rs_vec_items(place, uint32_t);
	const uint32_t n = (uint32_t)rs_vec_count(place, uint32_t);
	struct rs_error *err = NULL;

	for (uint32_t i = 0; i < n && !err; i++) {
		const struct rs_ring *one = &s->rings->ring[ring[i]];
		const struct rs_cycle_shape shape = {
			.key = of_cycle(s, one->component),
			.first = i,
			.cycles = 1,
			.objects = rs_ring_size(s->rings, one->component),
			.bytes = one->bytes,
		};

		err = rs_progress_tick(&s->rings->report->session->progress,
				       "comparing cycles", i, n);
		if (!err)
			err = rs_vec_append(ret, &shape, sizeof(shape));
	}
	return err;
}

static void unite(struct rs_vec *shapes)
{
	struct rs_cycle_shape *shape =
		rs_vec_items(shapes, struct rs_cycle_shape);
	const size_t n = rs_vec_count(shapes, struct rs_cycle_shape);
	size_t kept = 0;

	if (!n)
		return;
	qsort(shape, n, sizeof(*shape), by_key);
	for (size_t i = 1; i < n; i++) {
		if (shape[i].key != shape[kept].key) {
			shape[++kept] = shape[i];
			continue;
		}
		shape[kept].cycles += shape[i].cycles;
		shape[kept].objects += shape[i].objects;
		shape[kept].bytes += shape[i].bytes;
	}
	shapes->used = (kept + 1) * sizeof(*shape);
	qsort(shape, kept + 1, sizeof(*shape), by_first);
}

struct rs_error *rs_cycle_shapes(const struct rs_rings *rings,
				 const struct rs_vec *place, struct rs_vec *ret)
{
	const uint32_t types = rings->report->graph->types;
	struct shapes s = {.rings = rings};
	struct rs_error *err = rs_block_new(types, sizeof(*s.type), &s.type);

	if (!err)
		err = add_all(&s, place, ret);
	if (!err)
		unite(ret);
	rs_block_free(s.type, types, sizeof(*s.type));
	return err;
}
