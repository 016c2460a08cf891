// SPDX-License-Identifier: MIT
/** @file What gc.collect() can return. */
#ifndef RS_ANSWER_RETURNS_H
#define RS_ANSWER_RETURNS_H

#include "session/session.h"

/** The least and the greatest number, equal unless code of the program runs. */
struct rs_returns {
	uint64_t low, high;
	const char *decides; // who runs; static. NULL: nobody
};

/**
 * What gc.collect() returns of a collection of @p graph, which is one of
 * @p session's, with @p result by @p rules.
 *
 * The collector counts what is left to free after it has called finalizers,
 * closed generators and called the callbacks of weak references, and before
 * that frees nothing itself. Where any of these runs, fewer can be left (all
 * that they let go of), or as many more as weak references with callbacks die.
 * Source: CPython Modules/gcmodule.c, collect(), handle_weakrefs().
 */
void rs_returns_find(const struct rs_session *session,
		     const struct rs_graph *graph,
		     const struct rs_collect_result *result,
		     enum rs_rules rules, struct rs_returns *ret);

#endif /* RS_ANSWER_RETURNS_H */
