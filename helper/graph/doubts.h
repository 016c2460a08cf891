// SPDX-License-Identifier: MIT
/**
 * @file
 * What a collection may find, where it is not certain what types tell their
 * collector.
 */
#ifndef RS_GRAPH_DOUBTS_H
#define RS_GRAPH_DOUBTS_H

#include "graph/graph.h"

/**
 * Set what a collection finds at least and at most: @p result->least, most,
 * doubtful and held.
 *
 * At least: the strong references of RS_OBJ_ASSUMED objects are left out, so
 * that what they lead to is held. At most: the guessed ones of RS_OBJ_INEXACT
 * objects count, and these take part themselves. References that reading
 * cannot see at all, behind pointers of a C type, are in neither;
 * the session looks for those.
 *
 * @param options Those with which @p result was made.
 * @param guesses Whether references that are guessed may change the result; it
 *        takes another collection to know how.
 * Errors: RS_ENOMEM; RS_EINTERRUPTED.
 */
RS_MUST_CHECK struct rs_error *
rs_graph_doubts(const struct rs_graph *graph,
		const struct rs_collect_options *options, bool guesses,
		const struct rs_progress *progress,
		struct rs_collect_result *result);

#endif /* RS_GRAPH_DOUBTS_H */
