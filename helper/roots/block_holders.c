// SPDX-License-Identifier: MIT
//
// What leads to the blocks that have places in them: another search, for
// pointers to the blocks. Where that is a word of another block, once more.
//
// Places in tables of objects, such as the items of a list, are dropped: these
// objects report the references in there. So are those in a block of an object
// that has a reference to the same target.
#include "base/search.h"
#include "roots/evidence.h"

#include <stdlib.h>

enum {
	RS_ROUNDS = 3,
	// A pointer leads to a block if it is to its start, or a little behind:
	// some allocators and languages put a head before what they return.
	RS_NEAR = 64,
	RS_GRANULE = 16,
};

struct ordered {
	uint64_t start;
	uint32_t size; // bytes; at most RS_NEAR
	uint32_t block; // index in ledger->block
};

struct holders {
	struct rs_evidence *e;
	struct rs_vec order; // struct ordered, blocks of this round by address
	size_t first; // in ledger->block: of this round
};

static struct rs_block *block_of(const struct holders *h, uint32_t i)
{
	return &rs_vec_items(&h->e->ledger->block, struct rs_block)[i];
}

// The block of this round to which @p value is a pointer, or RS_NONE.
static uint32_t block_to(const struct holders *h, uint64_t value)
{
	const struct ordered *order = rs_vec_items(&h->order, struct ordered);

	value &= ~UINT64_C(7); // tags
	const size_t after =
		RS_FIRST_INDEX(i, rs_vec_count(&h->order, struct ordered),
			       order[i].start > value);

	return after && value - order[after - 1].start < order[after - 1].size
		       ? order[after - 1].block
		       : RS_NONE;
}

// Whether the block belongs to the object that has the word at @p slot.
static bool
is_table(const struct rs_evidence *e, uint32_t object, uint64_t slot)
{
	const struct rs_graph *g = e->source->graph;
	struct rs_runtime *rt = e->source->runtime[rs_graph_runtime(g, object)];

	return rt->ops->is_table &&
	       rt->ops->is_table(rt, g->address[object], slot);
}

// Lower is better.
static unsigned rank_of(uint8_t kind)
{
	static const uint8_t order[RS_PLACES + 1] = {
		[RS_PLACE_STATIC] = 0,	  [RS_PLACE_OBJECT] = 1,
		[RS_PLACE_TLS] = 2,	  [RS_PLACE_MALLOC] = 3,
		[RS_PLACE_RUNTIME] = 4,	  [RS_PLACE_FRAME] = 5,
		[RS_PLACE_STACK] = 6,	  [RS_PLACE_REGISTER] = 7,
		[RS_PLACE_ANONYMOUS] = 8, [RS_PLACES] = 9,
	};

	return order[kind];
}

// The number of the block that contains the word, added if it is new.
static struct rs_error *
parent_of(struct holders *h, const struct rs_word *word, uint32_t *ret)
{
	struct rs_vec *blocks = &h->e->ledger->block;
	const size_t n = rs_vec_count(blocks, struct rs_block);
	const struct rs_block block = rs_word_block(word);

	for (size_t i = n; i-- > 0 && n - i < 64;) // often one of the last
		if (block_of(h, (uint32_t)i)->start == block.start) {
			*ret = (uint32_t)i;
			return NULL;
		}
	const uint32_t known = block_to(h, block.start);
	*ret = known != RS_NONE && block_of(h, known)->start == block.start
		       ? known
		       : (uint32_t)n;
	return *ret == n ? rs_vec_append(blocks, &block, sizeof(block)) : NULL;
}

static struct rs_error *found(void *context, uint64_t slot, uint64_t value)
{
	struct holders *h = context;
	const uint32_t n = block_to(h, value);
	struct rs_word word;

	if (n == RS_NONE)
		return NULL;
	const struct rs_block b = *block_of(h, n);
	if (b.is_table || slot - b.start < b.size)
		return NULL;
	rs_word_find(h->e, slot, &word);
	const bool table = word.kind == RS_PLACE_OBJECT &&
			   is_table(h->e, word.object, slot);
	if (word.kind == RS_PLACES ||
	    (!table && rank_of((uint8_t)word.kind) >= rank_of(b.kind)))
		return NULL;
	uint32_t in = word.kind == RS_PLACE_OBJECT ? word.object : RS_NONE;
	if (word.kind == RS_PLACE_MALLOC || word.kind == RS_PLACE_RUNTIME) {
		struct rs_error *err = parent_of(h, &word, &in);
		if (err)
			return err;
	}
	struct rs_block *to = block_of(h, n);
	to->holder = slot;
	to->kind = (uint8_t)word.kind;
	to->thread = word.thread;
	to->in = in;
	to->is_table = table;
	return NULL;
}

static int by_start(const void *a, const void *b)
{
	const uint64_t x = ((const struct ordered *)a)->start;
	const uint64_t y = ((const struct ordered *)b)->start;

	return (x > y) - (x < y);
}

static struct rs_error *round_of(struct holders *h, size_t last)
{
	struct rs_search search = {0};
	struct rs_error *err = rs_search_init(&search, h->e->source, 4);

	h->order.used = 0;
	for (size_t i = h->first; i < last && !err; i++) {
		const struct rs_block b = *block_of(h, (uint32_t)i);
		const struct ordered o = {
			.start = b.start,
			.size = b.size < RS_NEAR ? (uint32_t)b.size : RS_NEAR,
			.block = (uint32_t)i,
		};

		for (uint64_t at = 0; at < RS_NEAR && at < b.size;
		     at += RS_GRANULE)
			rs_search_add(&search, b.start + at);
		search.high |= RS_GRANULE - 1;
		err = rs_vec_append(&h->order, &o, sizeof(o));
	}
	if (!err) {
		qsort(h->order.data, rs_vec_count(&h->order, struct ordered),
		      sizeof(struct ordered), by_start);
		search.found = found;
		search.context = h;
		h->e->cursor = (struct rs_glibc_cursor){0};
		err = rs_search_memory(&search);
	}
	rs_search_fini(&search);
	return err;
}

static bool
has_reference(const struct rs_graph *g, uint32_t from, uint32_t target)
{
	for (uint32_t k = g->out_start[from]; k < g->out_start[from + 1]; k++)
		if (rs_edge_target(g->out[k]) == target &&
		    rs_edge_kind(g->out[k]) != RS_WEAK)
			return true;
	return false;
}

// Whether the object at the end of the chain reports the place.
static bool is_reported(const struct rs_evidence *e, const struct rs_place *p)
{
	const struct rs_block *block =
		rs_vec_items(&e->ledger->block, struct rs_block);
	uint32_t n = p->in;

	for (unsigned i = 0; i <= RS_ROUNDS; i++) {
		const struct rs_block *b = &block[n];

		if (b->is_table)
			return true;
		if (b->kind == RS_PLACE_OBJECT)
			return has_reference(e->source->graph, b->in,
					     p->object);
		if (b->kind != RS_PLACE_MALLOC && b->kind != RS_PLACE_RUNTIME)
			return false;
		n = b->in;
	}
	return false;
}

static void drop_tables(struct rs_evidence *e)
{
	struct rs_place *place =
		rs_vec_items(&e->ledger->place, struct rs_place);
	const size_t n = rs_vec_count(&e->ledger->place, struct rs_place);
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		const bool in_block = place[i].kind == RS_PLACE_MALLOC ||
				      place[i].kind == RS_PLACE_RUNTIME;

		if (!in_block || !is_reported(e, &place[i]))
			place[kept++] = place[i];
	}
	e->ledger->place.used = kept * sizeof(*place);
}

struct rs_error *rs_evidence_holders(struct rs_evidence *e)
{
	struct holders h = {.e = e};
	struct rs_error *err = NULL;

	for (unsigned i = 0; i < RS_ROUNDS && !err; i++) {
		const size_t n =
			rs_vec_count(&e->ledger->block, struct rs_block);

		if (h.first == n)
			break;
		err = round_of(&h, n);
		h.first = n;
	}
	rs_vec_fini(&h.order);
	if (!err)
		drop_tables(e);
	return err;
}
