// SPDX-License-Identifier: MIT
#include "answer/leaks/findings.h"

#include "answer/describe/type_filter.h"
#include "base/cleanup.h"

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

// The full name of a type.
struct named {
	uint32_t text; // offset
	uint32_t type;
};

static int by_name(const void *left, const void *right, void *text)
{
	const struct named *a = left, *b = right;

	return strcmp((const char *)text + a->text,
		      (const char *)text + b->text);
}

static struct rs_error *
list_names(struct rs_report *report, struct named *row, struct rs_vec *text)
{
	char name[RS_KEY_SIZE];
	struct rs_error *err = NULL;

	for (uint32_t i = 0; i < report->graph->types && !err; i++) {
		rs_type_full_name(report, i, name, sizeof(name));
		row[i] = (struct named){(uint32_t)text->used, i};
		err = rs_vec_append(text, name, strlen(name) + 1);
	}
	return err;
}

// Number the names of types: types of one name are one to a person.
static struct rs_error *number_names(struct rs_finder *f)
{
	const uint32_t types = f->report->graph->types;
	RS_CLEANUP(rs_vec_fini) struct rs_vec text = {0};
	struct named *row = NULL;
	uint32_t number = 0;
	struct rs_error *err = rs_block_new(types, sizeof(*f->name), &f->name);

	if (err || (err = rs_block_new(types, sizeof(*row), &row)))
		return err;
	err = list_names(f->report, row, &text);
	if (!err && types)
		qsort_r(row, types, sizeof(*row), by_name, text.data);
	for (uint32_t i = 0; i < types && !err; i++) {
		number += i && by_name(&row[i - 1], &row[i], text.data);
		f->name[row[i].type] = number;
	}
	rs_block_free(row, types, sizeof(*row));
	return err;
}

static struct rs_error *count_alike(struct rs_finder *f)
{
	const struct rs_graph *g = f->report->graph;
	struct rs_error *err = rs_block_new(g->types, sizeof(*f->named_alike),
					    &f->named_alike);

	for (uint32_t i = 0; i < g->objects && !err; i++)
		f->named_alike[f->name[g->type[i]]]++;
	return err;
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
	if ((err = number_names(f)) || (err = count_alike(f)))
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
