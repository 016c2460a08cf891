// SPDX-License-Identifier: MIT
#include "roots/evidence.h"

enum { RS_BEFORE = 48 }; // bytes before an object that may belong to it

static uint64_t
extent_of(const struct rs_evidence *e, uint32_t number, uint64_t address)
{
	const struct rs_graph *g = e->source->graph;
	struct rs_runtime *rt = e->source->runtime[rs_graph_runtime(g, number)];

	return rt->ops->extent ? rt->ops->extent(rt, address)
			       : rs_graph_size(g, number);
}

// The object that certainly includes the word, or RS_NONE.
static uint32_t object_at(const struct rs_evidence *e, uint64_t slot)
{
	const struct rs_graph *g = e->source->graph;
	const uint64_t start = rs_addrmap_floor(&g->map, slot);
	const uint32_t n = start ? rs_graph_find(g, start) : RS_NONE;

	return n != RS_NONE && slot - start < extent_of(e, n, start) ? n
								     : RS_NONE;
}

// The object in the block with the word: around it, or right after it.
static uint32_t
object_in(const struct rs_evidence *e, uint64_t slot, uint64_t start)
{
	const struct rs_graph *g = e->source->graph;
	const uint64_t below = rs_addrmap_floor(&g->map, slot);

	if (below && below >= start)
		return rs_graph_find(g, below);
	for (uint64_t at = slot + 8; at <= slot + RS_BEFORE; at += 8)
		if (rs_addrmap_has(&g->map, at))
			return rs_graph_find(g, at);
	return RS_NONE;
}

static void set_object(struct rs_word *ret, uint32_t object)
{
	ret->kind = object == RS_NONE ? RS_PLACES : RS_PLACE_OBJECT;
	ret->object = object;
}

static void in_area(const struct rs_evidence *e, const struct rs_area *area,
		    uint64_t slot, struct rs_word *ret)
{
	struct rs_runtime *rt = area->runtime;

	switch (rt->ops->word_at(rt, slot, &ret->block)) {
	case RS_WORD_OBJECT:
		set_object(ret, object_in(e, slot, ret->block.start));
		return;
	case RS_WORD_BLOCK:
		ret->kind = RS_PLACE_RUNTIME;
		return;
	default:
		return;
	}
}

static void on_stack(const struct rs_stack *stack, uint64_t slot,
		     enum rs_place_kind kind, struct rs_word *ret)
{
	ret->thread = stack->thread;
	if (kind == RS_PLACE_TLS || slot >= stack->sp)
		ret->kind = kind;
}

static uint64_t segment_start(const struct rs_memory *memory, uint64_t address)
{
	const size_t found = rs_segments_index(memory, address);

	return found < memory->segments ? memory->segment[found].start
					: address;
}

static void in_heap(struct rs_evidence *e, uint64_t slot, struct rs_word *ret)
{
	struct rs_memory *memory = e->source->memory;
	enum rs_glibc_kind kind =
		rs_glibc_block(&e->glibc, &e->cursor, slot, &ret->block);

	if (kind == RS_GLIBC_NONE && e->glibc.found)
		kind = rs_glibc_mapped(memory, segment_start(memory, slot),
				       slot, &ret->block);
	if (kind == RS_GLIBC_FREE)
		return;
	ret->kind = RS_PLACE_ANONYMOUS;
	if (kind != RS_GLIBC_USED)
		return;
	ret->kind = RS_PLACE_MALLOC;
	const uint32_t object = object_in(e, slot, ret->block.start);
	if (object != RS_NONE &&
	    e->source->graph->address[object] < ret->block.end)
		set_object(ret, object);
}

void rs_word_find(struct rs_evidence *e, uint64_t slot, struct rs_word *ret)
{
	const struct rs_area *area;
	const struct rs_stack *stack;

	*ret = (struct rs_word){.kind = RS_PLACES};
	if (rs_area_at(&e->regions.frame, slot)) {
		ret->kind = RS_PLACE_FRAME;
		return;
	}
	const uint32_t object = object_at(e, slot);
	if (object != RS_NONE)
		set_object(ret, object);
	else if ((area = rs_area_at(&e->regions.area, slot)))
		in_area(e, area, slot, ret);
	else if (rs_area_at(&e->regions.data, slot))
		ret->kind = RS_PLACE_STATIC;
	else if ((stack = rs_stack_at(&e->regions.tls, slot)))
		on_stack(stack, slot, RS_PLACE_TLS, ret);
	else if ((stack = rs_stack_at(&e->regions.stack, slot)))
		on_stack(stack, slot, RS_PLACE_STACK, ret);
	else if (!rs_memory_module(e->source->memory, slot))
		in_heap(e, slot, ret);
}
