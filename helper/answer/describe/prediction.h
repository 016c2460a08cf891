// SPDX-License-Identifier: MIT
/** @file What a collection would find, and come to. */
#ifndef RS_ANSWER_PREDICTION_H
#define RS_ANSWER_PREDICTION_H

#include "answer/describe/returns.h"
#include "session/collection.h"

struct rs_prediction {
	struct rs_session *session; // borrowed
	struct rs_graph *graph; // borrowed from the session
	struct rs_collect_result result;
	struct rs_vec each; // struct rs_collector_result, if there are several
	uint64_t in_garbage; // objects in garbage lists now
	uint64_t garbage; // and after the collection
	int generation;
	enum rs_rules rules;
	// What the collector returns; false: it is not known, or returns none.
	bool has_returns;
	struct rs_returns returns;
};

/** @return RS_EARGUMENT unless @p generation is 0 to 2, or -1. */
RS_MUST_CHECK struct rs_error *rs_generation_check(int generation);

/**
 * @param generation 0 to 2; -1: a full collection.
 * @param rules NULL: the target's own.
 * @param ret To be released by rs_prediction_fini(), on error too.
 * Errors: RS_EARGUMENT; RS_EUNSUPPORTED (3.14.0 to 3.14.4 collect generation 1
 * in increments); as rs_session_tracked() and rs_session_collect().
 */
RS_MUST_CHECK struct rs_error *
rs_prediction_make(struct rs_session *session, int generation,
		   const enum rs_rules *rules, struct rs_prediction *ret);
/** A zeroed one is allowed. */
void rs_prediction_fini(struct rs_prediction *prediction);

#endif /* RS_ANSWER_PREDICTION_H */
