// SPDX-License-Identifier: MIT
/** @file Breaking a cycle of a live CPython: which call drops which reference.
 * Private to action/. */
#ifndef RS_ACTION_BREAKING_H
#define RS_ACTION_BREAKING_H

#include "action/guest/caller.h"
#include "answer/cycles.h"

struct rs_breaking {
	struct rs_report report;
	struct rs_cycle_cut cut;
	struct rs_label label; // of the reference
	uint32_t target; // of it
	struct rs_caller_drop drop; // what to do; its place is not yet known
	const char *type; // whose method drops it, for people; borrowed
	// Code of the program that it may run: "Key.__hash__", one after the
	// other, each with its NUL.
	struct rs_vec runs;
};

/**
 * @param cycle, edge As rs_cycles_cut().
 * @param ret Zeroed. To be released by rs_breaking_fini(), on error too.
 * Errors: as rs_answer_break().
 */
RS_MUST_CHECK struct rs_error *rs_breaking_plan(struct rs_session *session,
						uint32_t cycle, uint32_t edge,
						struct rs_breaking *ret);
void rs_breaking_fini(struct rs_breaking *b);

/** Let the argument that is a name point to it: @p drop will be at @p at. */
void rs_breaking_place(struct rs_caller_drop *drop, uint64_t at);

#endif /* RS_ACTION_BREAKING_H */
