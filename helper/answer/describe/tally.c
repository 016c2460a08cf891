// SPDX-License-Identifier: MIT
#include "answer/describe/tally.h"

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

struct rs_error *rs_tally_sort(const struct rs_graph *graph,
			       const struct rs_tally *tally, enum rs_sort sort,
			       struct rs_tally_rows *ret)
{
	static int (*const order[])(const void *, const void *) = {
		[RS_SORT_COUNT] = by_objects,
		[RS_SORT_BYTES] = by_bytes,
		[RS_SORT_NAME] = by_name,
	};
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
		};
	}
	if (rows.n)
		qsort(rows.row, rows.n, sizeof(*rows.row), order[sort]);
	*ret = rows;
	return NULL;
}

void rs_tally_rows_fini(struct rs_tally_rows *rows)
{
	rs_block_free(rows->row, rows->cap, sizeof(*rows->row));
	*rows = (struct rs_tally_rows){0};
}
