// SPDX-License-Identifier: MIT
#include "session/held_by_variables.h"

#include "base/cleanup.h"
#include "roots/memory_search.h"
#include "roots/regions.h"

struct wanted {
	const struct rs_graph *graph;
	const uint8_t *wanted; // [objects]
	uint8_t *found; // [objects] a variable has the address
	bool any;
};

static struct rs_error *found(void *context, uint64_t slot, uint64_t value)
{
	struct wanted *w = context;
	const uint32_t i = rs_addrmap_takes(value)
				   ? rs_graph_find(w->graph, value)
				   : RS_NONE;

	(void)slot;
	if (i != RS_NONE && w->wanted[i])
		w->found[i] = w->any = true;
	return NULL;
}

static struct rs_error *
search(const struct rs_search *search, const struct rs_regions *regions)
{
	const struct rs_area *data =
		rs_vec_items(&regions->data, struct rs_area);
	const struct rs_stack *tls =
		rs_vec_items(&regions->tls, struct rs_stack);
	struct rs_error *err = NULL;

	for (size_t i = 0;
	     i < rs_vec_count(&regions->data, struct rs_area) && !err; i++)
		err = rs_search_range(search, data[i].extent);
	for (size_t i = 0;
	     i < rs_vec_count(&regions->tls, struct rs_stack) && !err; i++)
		err = rs_search_range(
			search, (struct rs_extent){tls[i].low, tls[i].end});
	return err;
}

static struct rs_error *
find_variables(const struct rs_ledger_source *source, struct wanted *w)
{
	RS_CLEANUP(rs_regions_fini) struct rs_regions regions = {0};
	RS_CLEANUP(rs_search_fini) struct rs_search words = {0};
	struct rs_error *err = rs_regions_find(source, &regions);

	if (!err)
		err = rs_search_init(&words, source, 3);
	words.found = found;
	words.context = w;
	for (uint32_t i = 0; i < w->graph->objects && !err; i++)
		if (w->wanted[i])
			rs_search_add(&words, w->graph->address[i]);
	return err ? err : search(&words, &regions);
}

// Whether a type of C may have references of its own there.
static bool may_be_owned(uint8_t kind)
{
	return kind == RS_PLACE_MALLOC || kind == RS_PLACE_RUNTIME ||
	       kind == RS_PLACE_OBJECT || kind == RS_PLACE_ANONYMOUS;
}

static bool needs_variable(const struct rs_ledger *ledger, uint32_t i)
{
	const int64_t count = rs_graph_count(ledger->graph, i);
	const struct rs_place *place;
	int64_t others = ledger->named[i];
	size_t n = 0;

	place = rs_ledger_places(ledger, i, &n);
	for (size_t k = 0; k < n; k++)
		others += may_be_owned(place[k].kind);
	return others < count;
}

struct rs_error *rs_held_by_variables(struct rs_session *session,
				      const struct rs_graph *graph,
				      const uint8_t *wanted, uint8_t *held)
{
	struct rs_ledger_source source = rs_session_ledger_source(session);
	RS_CLEANUP(rs_ledger_fini) struct rs_ledger ledger = {0};
	struct wanted w = {.graph = graph, .wanted = wanted};
	struct rs_error *err = rs_block_new(graph->objects, 1, &w.found);

	if (err)
		return err;
	err = find_variables(&source, &w);
	source.only = w.found;
	if (!err && w.any)
		err = rs_ledger_make(&source, &ledger);
	for (uint32_t i = 0; i < graph->objects && !err && w.any; i++)
		if (w.found[i] && needs_variable(&ledger, i))
			held[i] = 1;
	rs_block_free(w.found, graph->objects, 1);
	return err;
}
