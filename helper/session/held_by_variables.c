// SPDX-License-Identifier: MIT
#include "session/held_by_variables.h"

#include "base/cleanup.h"
#include "roots/memory_search.h"
#include "roots/regions.h"

struct wanted {
	const struct rs_graph *graph;
	const uint8_t *wanted; // [objects]
	uint8_t *held; // [objects]
};

static struct rs_error *found(void *context, uint64_t slot, uint64_t value)
{
	const struct wanted *w = context;
	const uint32_t i = rs_addrmap_takes(value)
				   ? rs_graph_find(w->graph, value)
				   : RS_NONE;

	(void)slot;
	if (i != RS_NONE && w->wanted[i])
		w->held[i] = 1;
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

struct rs_error *rs_held_by_variables(struct rs_session *session,
				      const struct rs_graph *graph,
				      const uint8_t *wanted, uint8_t *held)
{
	const struct rs_ledger_source source =
		rs_session_ledger_source(session);
	RS_CLEANUP(rs_regions_fini) struct rs_regions regions = {0};
	RS_CLEANUP(rs_search_fini) struct rs_search words = {0};
	struct wanted w = {graph, wanted, held};
	struct rs_error *err = rs_regions_find(&source, &regions);

	if (!err)
		err = rs_search_init(&words, &source, 3);
	words.found = found;
	words.context = &w;
	for (uint32_t i = 0; i < graph->objects && !err; i++)
		if (wanted[i])
			rs_search_add(&words, graph->address[i]);
	return err ? err : search(&words, &regions);
}
