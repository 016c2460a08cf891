// SPDX-License-Identifier: MIT
/** @file What gc.collect() can return. */
#ifndef RS_ANSWER_RETURNS_H
#define RS_ANSWER_RETURNS_H

#include "session/session.h"

/** The least and the greatest number, equal unless code of the program runs. */
struct rs_returns {
	uint64_t low, high;
	const char *decides; // who runs; static. NULL: nobody
	uint64_t garbage; // objects that it adds to the garbage list
	uint64_t found; // unreachable objects of collectors that return one
};

/**
 * What gc.collect() returns of a collection of @p graph, which is one of
 * @p session's, with @p result by @p rules.
 *
 * From 3.4 on the collector counts what is left after it has called finalizers,
 * closed generators and called the callbacks of weak references. A generator
 * without a handler lets go of its frame, and what only that held is freed
 * before it is counted. What a finalizer can reach may be freed too, or be in
 * use again. A weak reference whose callback drops it counts as well.
 *
 * Up to 3.6 it counts all that it found. 2.7 counts what it clears, and of what
 * a finalizer keeps only what is left when the rest is cleared; only that goes
 * to the garbage list.
 *
 * Not reckoned with: code that finds garbage by gc.get_objects().
 * Source: CPython Modules/gcmodule.c, collect(), handle_weakrefs().
 * Errors: RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *
rs_returns_find(const struct rs_session *session, const struct rs_graph *graph,
		const struct rs_collect_result *result, enum rs_rules rules,
		struct rs_returns *ret);

#endif /* RS_ANSWER_RETURNS_H */
