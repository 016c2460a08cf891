// SPDX-License-Identifier: MIT
/** @file Numbers of objects and bytes by type, sorted. */
#ifndef RS_ANSWER_TALLY_H
#define RS_ANSWER_TALLY_H

#include "answer/describe/report.h"

enum rs_sort { RS_SORT_COUNT, RS_SORT_BYTES, RS_SORT_NAME };

struct rs_tally_row {
	struct rs_tally tally;
	const char *name; // borrowed from the graph, or see rs_tally_rows
	uint64_t address; // of the type: decides between equal rows
	uint32_t type;
	uint32_t types; // how many types have this row
};

struct rs_tally_rows {
	struct rs_tally_row *row; // owned block
	uint32_t n; // types that have objects
	uint32_t cap;
	bool named; // rs_tally_merge() has run: names are owned
};

/**
 * Sort the types that have objects: largest first, then by name.
 *
 * @param tally [graph->types]
 * @param[out] ret To be released by rs_tally_rows_fini().
 * Errors: RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *
rs_tally_sort(const struct rs_graph *graph, const struct rs_tally *tally,
	      enum rs_sort sort, struct rs_tally_rows *ret);

/**
 * Replace the rows by one for each full name of a type (module and qualified
 * name, without `builtins.` and `__main__.`) and runtime; type and address are
 * those of the type at the lowest address.
 * Errors: RS_ENOMEM (the rows are then of no use).
 */
RS_MUST_CHECK struct rs_error *rs_tally_merge(const struct rs_report *report,
					      enum rs_sort sort,
					      struct rs_tally_rows *rows);
void rs_tally_rows_fini(struct rs_tally_rows *rows);

#endif /* RS_ANSWER_TALLY_H */
