// SPDX-License-Identifier: MIT
#include "answer/describe/tally.h"

#include "answer/describe/type_filter.h"

enum { RS_FULL_NAME_SIZE = 400 };

static int by_name(const void *left, const void *right)
{
	const struct rs_tally_row *a = left, *b = right;
	const int order = strcmp(a->name, b->name);

	if (order)
		return order;
	return a->address < b->address ? -1 : a->address > b->address;
}

static int by_objects(const void *left, const void *right)
{
	const struct rs_tally_row *a = left, *b = right;

	if (a->tally.objects != b->tally.objects)
		return a->tally.objects > b->tally.objects ? -1 : 1;
	return by_name(left, right);
}

static int by_bytes(const void *left, const void *right)
{
	const struct rs_tally_row *a = left, *b = right;

	if (a->tally.bytes != b->tally.bytes)
		return a->tally.bytes > b->tally.bytes ? -1 : 1;
	return by_name(left, right);
}

static void sort_rows(struct rs_tally_rows *rows, enum rs_sort sort)
{
	static int (*const order[])(const void *, const void *) = {
		[RS_SORT_COUNT] = by_objects,
		[RS_SORT_BYTES] = by_bytes,
		[RS_SORT_NAME] = by_name,
	};

	if (rows->n)
		qsort(rows->row, rows->n, sizeof(*rows->row), order[sort]);
}

struct rs_error *rs_tally_sort(const struct rs_graph *graph,
			       const struct rs_tally *tally, enum rs_sort sort,
			       struct rs_tally_rows *ret)
{
	struct rs_tally_rows rows = {.cap = graph->types};
	struct rs_error *err =
		rs_block_new(rows.cap, sizeof(*rows.row), &rows.row);

	if (err)
		return err;
	for (uint32_t i = 0; i < graph->types; i++) {
		if (!tally[i].objects)
			continue;
		rows.row[rows.n++] = (struct rs_tally_row){
			.tally = tally[i],
			.name = graph->type_row[i].name,
			.address = graph->type_row[i].address,
			.type = i,
			.types = 1,
		};
	}
	sort_rows(&rows, sort);
	*ret = rows;
	return NULL;
}

static char *full_name(const struct rs_report *report, uint32_t type)
{
	static const char program[] = "__main__.";
	const struct rs_type_row *row = &report->graph->type_row[type];
	struct rs_runtime *rt = report->session->runtime[row->runtime];
	char name[RS_FULL_NAME_SIZE];

	if (!rt->ops->own_name ||
	    !rt->ops->own_name(rt, row->address, name, sizeof(name)))
		rs_type_full_name(report, type, name, sizeof(name));
	return strdup(strncmp(name, program, sizeof(program) - 1) == 0
			      ? name + sizeof(program) - 1
			      : name);
}

// One row for those in a row that have the same name and runtime.
static void merge_rows(const struct rs_graph *g, struct rs_tally_rows *rows)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < rows->n; i++) {
		struct rs_tally_row *from = &rows->row[i];
		struct rs_tally_row *to = n ? &rows->row[n - 1] : NULL;

		if (!to || strcmp(to->name, from->name) != 0 ||
		    g->type_row[to->type].runtime !=
			    g->type_row[from->type].runtime) {
			rows->row[n++] = *from;
			continue;
		}
		to->types += from->types;
		to->tally.objects += from->tally.objects;
		to->tally.bytes += from->tally.bytes;
		to->tally.unreachable += from->tally.unreachable;
		free((void *)(uintptr_t)from->name);
	}
	rows->n = n;
}

struct rs_error *rs_tally_merge(const struct rs_report *report,
				enum rs_sort sort, struct rs_tally_rows *rows)
{
	bool whole = true;

	for (uint32_t i = 0; i < rows->n; i++) {
		rows->row[i].name = full_name(report, rows->row[i].type);
		whole &= rows->row[i].name != NULL;
	}
	rows->named = true;
	if (!whole)
		return &rs_enomem;
	sort_rows(rows, RS_SORT_NAME);
	merge_rows(report->graph, rows);
	sort_rows(rows, sort);
	return NULL;
}

void rs_tally_rows_fini(struct rs_tally_rows *rows)
{
	for (uint32_t i = 0; rows->named && i < rows->n; i++)
		free((void *)(uintptr_t)rows->row[i].name);
	rs_block_free(rows->row, rows->cap, sizeof(*rows->row));
	*rows = (struct rs_tally_rows){0};
}
