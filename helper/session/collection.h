// SPDX-License-Identifier: MIT
/**
 * @file
 * What the collectors of a target would find. Each runtime has one collector,
 * or one for each interpreter (CPython 3.9 and later).
 */
#ifndef RS_SESSION_COLLECTION_H
#define RS_SESSION_COLLECTION_H

#include "session/session.h"

/** How to collect. */
struct rs_collection_options {
	int generation; // this and all younger; 2 is a full collection
	const enum rs_rules *rules; // NULL: each runtime's own
};

/** The result of one of several collectors: of an interpreter, or a registry.
 */
struct rs_collector_result {
	int64_t id; // of the interpreter, as the program numbers it
	const char *name; // of a registry; NULL: an interpreter; borrowed
	uint64_t tracked, unreachable, uncollectable; // objects
};

/**
 * Run all collectors over @p graph. The fate of an object is the one that its
 * own collector has for it.
 *
 * @param[out] ret Fates, and sums over all collectors; to be released by
 *             rs_collect_result_fini().
 * @param[out] each struct rs_collector_result, main interpreter first,
 *             appended; none for a runtime with a single collector. May be
 *             NULL.
 * Errors: RS_ENOMEM; RS_EINTERRUPTED; those of rs_session_graph(), which a
 * graph of tracked objects may need too (hidden_garbage.h).
 */
RS_MUST_CHECK struct rs_error *
rs_session_collect(struct rs_session *session, struct rs_graph *graph,
		   const struct rs_collection_options *how,
		   struct rs_collect_result *ret, struct rs_vec *each);

/** The settings of the collector that has object @p number of @p graph. */
struct rs_collector_settings
rs_session_settings(const struct rs_session *session,
		    const struct rs_graph *graph, uint32_t number);

#endif /* RS_SESSION_COLLECTION_H */
