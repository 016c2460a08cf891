// SPDX-License-Identifier: MIT
#include "roots/ledger.h"

#include "base/search.h"

struct rs_ledger_row
rs_ledger_row(const struct rs_ledger *ledger, uint32_t number)
{
	const struct rs_graph *g = ledger->graph;
	struct rs_ledger_row row = {
		.deferred = (g->flags[number] & RS_OBJ_DEFERRED) != 0,
		.named = ledger->named[number],
	};

	if ((g->flags[number] & RS_OBJ_IMMORTAL) ||
	    (g->guessed && g->guessed[number]))
		return row;
	row.counted = true;
	row.count = rs_graph_count(g, number);
	row.unexplained = row.count - (int64_t)row.named;
	if (row.unexplained <= 0)
		return row;
	row.places = ledger->evidence[number];
	row.evidence = row.places < row.unexplained ? row.places
						    : (uint32_t)row.unexplained;
	row.unexplained -= row.evidence;
	return row;
}

const struct rs_place *rs_ledger_places(const struct rs_ledger *ledger,
					uint32_t number, size_t *places)
{
	const struct rs_place *place =
		rs_vec_items(&ledger->place, struct rs_place);
	const size_t n = rs_vec_count(&ledger->place, struct rs_place);
	const size_t first = RS_FIRST_INDEX(i, n, place[i].object >= number);
	size_t end = first;

	while (end < n && place[end].object == number)
		end++;
	*places = end - first;
	return place + first;
}

void rs_ledger_fini(struct rs_ledger *ledger)
{
	if (!ledger->graph)
		return;
	const size_t n = ledger->graph->objects;

	rs_block_free(ledger->named, n, sizeof(*ledger->named));
	rs_block_free(ledger->evidence, n, sizeof(*ledger->evidence));
	rs_vec_fini(&ledger->place);
	rs_vec_fini(&ledger->block);
	*ledger = (struct rs_ledger){0};
}
