// SPDX-License-Identifier: MIT
/**
 * @file
 * What the collectors of a target would find: one for each runtime, or, in a
 * CPython of several interpreters (3.9+), one for each of these.
 */
#ifndef RS_SESSION_COLLECTION_H
#define RS_SESSION_COLLECTION_H

#include "session/session.h"

/** How to collect. */
struct rs_collecting {
	int generation; // this and all younger; 2 is a full collection
	const enum rs_rules *rules; // NULL: each runtime's own
};

/** What the collector of one of several interpreters, or registries, would
 * find. */
struct rs_collected {
	int64_t id; // of the interpreter, as its program knows it
	const char *name; // of what is no interpreter; borrowed; NULL: it is
	uint64_t tracked, unreachable, uncollectable;
};

/**
 * Run all collectors over @p graph: each object's fate is that which its own
 * collector has for it.
 *
 * @param[out] ret Fates and sums of all (rs_verdict_fini()).
 * @param[out] each struct rs_collected, main interpreter first, appended;
 *             nothing where interpreters do not collect apart. May be NULL.
 * Errors: RS_ENOMEM; RS_EINTERRUPTED.
 */
RS_MUST_CHECK struct rs_error *
rs_session_collect(struct rs_session *session, struct rs_graph *graph,
		   const struct rs_collecting *how, struct rs_verdict *ret,
		   struct rs_vec *each);

#endif /* RS_SESSION_COLLECTION_H */
