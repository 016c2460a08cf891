// SPDX-License-Identifier: MIT
#include "answer/leaks/findings.h"

#include "answer/describe/type_filter.h"

#include <inttypes.h>
#include <stdlib.h>

static void findings_fini(struct rs_findings *f)
{
	rs_vec_fini(&f->finding);
	rs_vec_fini(&f->object);
	rs_vec_fini(&f->text);
}

static void findings_free(void *findings)
{
	findings_fini(findings);
	free(findings);
}

static void finder_fini(struct rs_finder *f)
{
	const uint32_t n = f->report->graph->objects;

	rs_rings_fini(&f->rings);
	rs_block_free(f->reached, n, 1);
	rs_block_free(f->reported, n, 1);
	rs_block_free(f->left, n, sizeof(*f->left));
	rs_block_free(f->name, f->report->graph->types, sizeof(*f->name));
	rs_block_free(f->named_alike, f->report->graph->types,
		      sizeof(*f->named_alike));
	rs_vec_fini(&f->queue);
}

// Mark what roots, C variables, and objects that are never freed lead to.
static struct rs_error *mark_reached(struct rs_finder *f)
{
	const struct rs_graph *g = f->report->graph;
	const struct rs_root *root = rs_vec_items(&g->root, struct rs_root);
	const size_t roots = rs_vec_count(&g->root, struct rs_root);
	struct rs_error *err = rs_block_new(g->objects, 1, &f->reached);

	if (err)
		return err;
	for (size_t i = 0; i < roots; i++)
		if (root[i].kind != RS_ROOT_GARBAGE)
			f->reached[root[i].target] = 1;
	for (uint32_t i = 0; i < g->objects; i++)
		f->reached[i] |=
			(g->flags[i] & (RS_OBJ_IMMORTAL | RS_OBJ_STATIC)) ||
			rs_object_is_in_transit(g->count[i], g->flags[i]) ||
			rs_ledger_row(f->ledger, i).evidence;
	return rs_graph_mark_reachable(g, &f->report->session->progress,
				       f->reached);
}

static struct rs_error *hash_names(struct rs_finder *f)
{
	const uint32_t types = f->report->graph->types;
	char name[RS_KEY_SIZE];
	struct rs_error *err = rs_block_new(types, sizeof(*f->name), &f->name);

	for (uint32_t i = 0; i < types && !err; i++) {
		rs_type_full_name(f->report, i, name, sizeof(name));
		f->name[i] = (uint32_t)rs_finding_hash(name);
	}
	return err;
}

// A name and the objects of one type.
struct named {
	uint32_t name, type;
	uint64_t objects;
};

static int by_name(const void *left, const void *right)
{
	const struct named *a = left, *b = right;

	return a->name < b->name ? -1 : a->name > b->name;
}

// Add up the objects of the types of one name.
static void add_alike(const struct named *row, uint32_t types, uint64_t *ret)
{
	for (uint32_t i = 0, end; i < types; i = end) {
		uint64_t sum = 0;

		for (end = i; end < types && row[end].name == row[i].name;
		     end++)
			sum += row[end].objects;
		for (uint32_t k = i; k < end; k++)
			ret[row[k].type] = sum;
	}
}

static struct rs_error *count_alike(struct rs_finder *f)
{
	const struct rs_graph *g = f->report->graph;
	struct named *row = NULL;
	struct rs_error *err = rs_block_new(g->types, sizeof(*f->named_alike),
					    &f->named_alike);

	if (!err)
		err = rs_block_new(g->types, sizeof(*row), &row);
	if (err)
		return err;
	for (uint32_t i = 0; i < g->types; i++)
		row[i] = (struct named){f->name[i], i, 0};
	for (uint32_t i = 0; i < g->objects; i++)
		row[g->type[i]].objects++;
	if (g->types)
		qsort(row, g->types, sizeof(*row), by_name);
	add_alike(row, g->types, f->named_alike);
	rs_block_free(row, g->types, sizeof(*row));
	return NULL;
}

static struct rs_error *prepare(struct rs_finder *f)
{
	const uint32_t n = f->report->graph->objects;
	struct rs_error *err;

	if ((err = rs_report_reverse(f->report)) ||
	    (err = rs_session_ledger(f->report->session, &f->ledger)) ||
	    (err = rs_rings_find(f->report, false, &f->rings)) ||
	    (err = rs_block_new(n, 1, &f->reported)) ||
	    (err = rs_block_new(n, sizeof(*f->left), &f->left)))
		return err;
	if ((err = hash_names(f)) || (err = count_alike(f)))
		return err;
	return mark_reached(f);
}

// What is only possible comes last; then most bytes first.
static int by_weight(const void *left, const void *right)
{
	const struct rs_finding *a = left, *b = right;
	const bool x = a->grade == RS_POSSIBLE, y = b->grade == RS_POSSIBLE;

	if (x != y)
		return x ? 1 : -1;
	if (a->bytes != b->bytes)
		return a->bytes > b->bytes ? -1 : 1;
	if (a->references != b->references)
		return a->references > b->references ? -1 : 1;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return a->example < b->example ? -1 : a->example > b->example;
}

static void number(struct rs_findings *f)
{
	struct rs_finding *finding =
		rs_vec_items(&f->finding, struct rs_finding);
	const size_t n = rs_vec_count(&f->finding, struct rs_finding);

	if (n)
		qsort(finding, n, sizeof(*finding), by_weight);
	for (size_t i = 0; i < n; i++) {
		finding[i].number = (uint32_t)i + 1;
		f->shown += finding[i].grade != RS_POSSIBLE;
	}
}

static struct rs_error *make(struct rs_report *report, struct rs_findings *ret)
{
	RS_CLEANUP(finder_fini)
	struct rs_finder f = {.report = report, .ret = ret};
	struct rs_error *err;

	if ((err = prepare(&f)) || (err = rs_find_listed(&f)) ||
	    (err = rs_find_rings(&f)) || (err = rs_find_counts(&f)) ||
	    (err = rs_find_dangling(&f)))
		return err;
	number(ret);
	return NULL;
}

struct rs_error *
rs_findings_get(struct rs_report *report, const struct rs_findings **ret)
{
	struct rs_session *session = report->session;
	struct rs_findings *made;

	if (!session->findings) {
		made = calloc(1, sizeof(*made));
		if (!made)
			return &rs_enomem;
		struct rs_error *err = make(report, made);
		if (err) {
			findings_free(made);
			return err;
		}
		session->findings = made;
		session->findings_free = findings_free;
	}
	*ret = session->findings;
	return NULL;
}

struct rs_error *rs_findings_find(struct rs_report *report, uint32_t number,
				  const struct rs_findings **findings,
				  const struct rs_finding **ret)
{
	struct rs_error *err = rs_findings_get(report, findings);

	if (err)
		return err;
	const struct rs_vec *all = &(*findings)->finding;
	const size_t n = rs_vec_count(all, struct rs_finding);
	if (!number || number > n)
		return rs_error_new(RS_ENOTFOUND,
				    "no finding %" PRIu32 ": there are %zu; "
				    "they are listed by: refs leaks -all",
				    number, n);
	*ret = &rs_vec_items(all, struct rs_finding)[number - 1];
	return NULL;
}
