// SPDX-License-Identifier: MIT
#include "base/cleanup.h"
#include "roots/evidence.h"

enum { RS_AHEAD = 24 }; // references between prefetch and use

static void add_one(uint32_t *sum)
{
	*sum += *sum < UINT32_MAX;
}

static struct rs_error *
count_named(const struct rs_ledger_source *source, uint32_t *named)
{
	const struct rs_graph *g = source->graph;
	const uint32_t *out = g->out;
	const struct rs_root *root = rs_vec_items(&g->root, struct rs_root);
	const size_t roots = rs_vec_count(&g->root, struct rs_root);
	struct rs_error *err;

	for (uint64_t i = 0; i < g->references; i++) {
		if (i % RS_TICK == 0 &&
		    (err = rs_progress_tick(source->progress,
					    "adding references up", i,
					    g->references)))
			return err;
		if (i + RS_AHEAD < g->references)
			__builtin_prefetch(
				&named[rs_edge_target(out[i + RS_AHEAD])], 1);
		if (rs_edge_counted(out[i]))
			add_one(&named[rs_edge_target(out[i])]);
	}
	for (size_t i = 0; i < roots; i++)
		if (root[i].kind != RS_ROOT_WORD)
			add_one(&named[root[i].target]);
	return NULL;
}

static int by_object(const void *a, const void *b)
{
	const struct rs_place *x = a;
	const struct rs_place *y = b;

	if (x->object != y->object)
		return x->object < y->object ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return (x->slot > y->slot) - (x->slot < y->slot);
}

static void settle_places(struct rs_ledger *ledger)
{
	struct rs_place *place = rs_vec_items(&ledger->place, struct rs_place);
	const size_t n = rs_vec_count(&ledger->place, struct rs_place);

	if (n > 1)
		qsort(place, n, sizeof(*place), by_object);
	for (size_t i = 0; i < n; i++)
		add_one(&ledger->evidence[place[i].object]);
}

static void add_up(struct rs_ledger *ledger)
{
	struct rs_ledger_totals *t = &ledger->totals;
	const struct rs_graph *g = ledger->graph;

	t->places = rs_vec_count(&ledger->place, struct rs_place);
	for (uint32_t i = 0; i < g->objects; i++) {
		const struct rs_ledger_row row = rs_ledger_row(ledger, i);

		t->immortal += (g->flags[i] & RS_OBJ_IMMORTAL) != 0;
		t->deferred += row.deferred;
		if (!row.counted)
			continue;
		t->counts += (uint64_t)row.count; // below 0: less
		t->named += row.named;
		t->evidence += row.evidence;
		if (row.unexplained > 0) {
			t->unexplained += (uint64_t)row.unexplained;
			t->unexplained_objects++;
		} else if (row.unexplained < 0 && row.deferred) {
			t->named -= (uint64_t)-row.unexplained;
		} else if (row.unexplained < 0) {
			t->over += (uint64_t)-row.unexplained;
			t->over_objects++;
		}
	}
}

static struct rs_error *
find_evidence(const struct rs_ledger_source *source, struct rs_ledger *ledger)
{
	RS_CLEANUP(rs_evidence_fini) struct rs_evidence e = {0};
	struct rs_error *err = rs_evidence_init(&e, source, ledger);

	if (!err)
		err = rs_evidence_words(&e);
	if (!err)
		err = rs_evidence_holders(&e);
	if (!err)
		err = rs_evidence_registers(&e);
	return err ? err : rs_evidence_guesses(&e);
}

struct rs_error *
rs_ledger_make(const struct rs_ledger_source *source, struct rs_ledger *ret)
{
	const size_t n = source->graph->objects;
	struct rs_ledger ledger = {
		.graph = source->graph,
		.memory = source->memory,
		.runtime = source->runtime,
		.runtimes = source->runtimes,
	};
	struct rs_error *err;

	if ((err = rs_block_new_dense(n, sizeof(*ledger.named),
				      &ledger.named)) ||
	    (err = rs_block_new(n, sizeof(*ledger.evidence),
				&ledger.evidence)) ||
	    (err = count_named(source, ledger.named)) ||
	    (err = find_evidence(source, &ledger))) {
		rs_ledger_fini(&ledger);
		return err;
	}
	settle_places(&ledger);
	add_up(&ledger);
	*ret = ledger;
	return NULL;
}
