// SPDX-License-Identifier: MIT
#include "roots/evidence.h"

static struct rs_error *
add_place(struct rs_evidence *e, const struct rs_place *place)
{
	return rs_vec_append(&e->ledger->place, place, sizeof(*place));
}

// A block with a place in it. Blocks are met in the order of their addresses.
static struct rs_error *
add_block(struct rs_evidence *e, const struct rs_word *word, uint32_t *ret)
{
	struct rs_vec *blocks = &e->ledger->block;
	const size_t n = rs_vec_count(blocks, struct rs_block);
	const struct rs_block block = rs_word_block(word);

	if (n &&
	    rs_vec_items(blocks, struct rs_block)[n - 1].start == block.start) {
		*ret = (uint32_t)n - 1;
		return NULL;
	}
	*ret = (uint32_t)n;
	return rs_vec_append(blocks, &block, sizeof(block));
}

static struct rs_error *found(void *context, uint64_t slot, uint64_t value)
{
	struct rs_evidence *e = context;
	const uint32_t n = rs_graph_find(e->source->graph, value);
	struct rs_word word;
	struct rs_error *err;

	if (n == RS_NONE || !e->open[n] || rs_addrmap_has(&e->root, slot))
		return NULL;
	rs_word_find(e, slot, &word);
	if (word.kind == RS_PLACES || word.kind == RS_PLACE_OBJECT)
		return NULL;
	struct rs_place place = {
		.slot = slot,
		.object = n,
		.in = RS_NONE,
		.kind = (uint8_t)word.kind,
		.thread = word.thread,
	};
	if ((word.kind == RS_PLACE_MALLOC || word.kind == RS_PLACE_RUNTIME) &&
	    (err = add_block(e, &word, &place.in)))
		return err;
	return add_place(e, &place);
}

// Look for the objects of whose count something is left.
static void open_objects(struct rs_evidence *e)
{
	const struct rs_graph *g = e->source->graph;

	for (uint32_t i = 0; i < g->objects; i++) {
		if ((e->source->only && !e->source->only[i]) ||
		    rs_ledger_row(e->ledger, i).unexplained <= 0)
			continue;
		e->open[i] = 1;
		rs_search_add(&e->search, g->address[i]);
	}
}

static struct rs_error *add_root_slots(struct rs_evidence *e)
{
	const struct rs_graph *g = e->source->graph;
	const struct rs_root *root = rs_vec_items(&g->root, struct rs_root);
	const size_t n = rs_vec_count(&g->root, struct rs_root);
	struct rs_error *err = NULL;

	for (size_t i = 0; i < n && !err; i++)
		if (root[i].slot && rs_addrmap_takes(root[i].slot))
			err = rs_addrmap_add(&e->root, root[i].slot, NULL);
	return err;
}

struct rs_error *rs_evidence_init(struct rs_evidence *e,
				  const struct rs_ledger_source *source,
				  struct rs_ledger *ledger)
{
	struct rs_error *err;

	*e = (struct rs_evidence){.source = source, .ledger = ledger};
	if ((err = rs_addrmap_init(&e->root)) ||
	    (err = rs_block_new(source->graph->objects, 1, &e->open)) ||
	    (err = rs_search_init(&e->search, source, 3)) ||
	    (err = rs_regions_find(source, &e->regions)) ||
	    (err = rs_glibc_find(source->memory, &e->glibc)))
		return err;
	e->search.found = found;
	e->search.context = e;
	open_objects(e);
	return add_root_slots(e);
}

void rs_evidence_fini(struct rs_evidence *e)
{
	if (!e->source)
		return;
	rs_block_free(e->open, e->source->graph->objects, 1);
	rs_search_fini(&e->search);
	rs_regions_fini(&e->regions);
	rs_glibc_fini(&e->glibc);
	rs_addrmap_fini(&e->root);
}

struct rs_error *rs_evidence_words(struct rs_evidence *e)
{
	return rs_search_memory(&e->search);
}

struct rs_error *rs_evidence_registers(struct rs_evidence *e)
{
	const struct rs_memory *memory = e->source->memory;
	struct rs_error *err = NULL;

	for (size_t i = 0; i < memory->threads && i < UINT16_MAX; i++) {
		const struct rs_thread *thread = &memory->thread[i];

		for (unsigned k = 0; k < thread->regs && !err; k++) {
			const uint32_t n =
				rs_graph_find(e->source->graph, thread->reg[k]);
			const struct rs_place place = {
				.object = n,
				.in = RS_NONE,
				.kind = RS_PLACE_REGISTER,
				.reg = (uint8_t)k,
				.thread = (uint16_t)i,
			};

			if (n != RS_NONE && e->open[n])
				err = add_place(e, &place);
		}
	}
	return err;
}

struct rs_error *rs_evidence_guesses(struct rs_evidence *e)
{
	const struct rs_graph *g = e->source->graph;
	struct rs_error *err = NULL;

	for (uint32_t i = 0; i < g->objects && !err; i++) {
		for (uint32_t k = g->out_start[i];
		     k < g->out_start[i + 1] && !err; k++) {
			const struct rs_place place = {
				.object = rs_edge_target(g->out[k]),
				.in = i,
				.kind = RS_PLACE_OBJECT,
			};

			if (rs_edge_kind(g->out[k]) == RS_GUESS &&
			    e->open[place.object])
				err = add_place(e, &place);
		}
	}
	return err;
}
