// SPDX-License-Identifier: MIT
/**
 * @file
 * What a collection may find at most, where types of C tell their collector of
 * references behind pointers that reading does not follow.
 */
#ifndef RS_SESSION_HIDDEN_GARBAGE_H
#define RS_SESSION_HIDDEN_GARBAGE_H

#include "session/session.h"

/**
 * Raise @p result->most, and name the types in @p result->doubtful, when an
 * inexact object of runtime @p rt takes part that no root leads to, nor a
 * variable of C: it may hold anything else of which that is true. Builds the
 * full graph, unless @p graph is that.
 *
 * @param result Of a collection on @p graph, with least, most and doubtful.
 * Errors: RS_ENOMEM; RS_EINTERRUPTED; those of reading the target.
 */
RS_MUST_CHECK struct rs_error *
rs_hidden_garbage(struct rs_session *session, const struct rs_graph *graph,
		  const struct rs_runtime *rt,
		  struct rs_collect_result *result);

#endif /* RS_SESSION_HIDDEN_GARBAGE_H */
