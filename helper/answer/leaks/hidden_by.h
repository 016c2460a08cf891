// SPDX-License-Identifier: MIT
/** @file The one object that hides a cycle from the collector. */
#ifndef RS_ANSWER_HIDDEN_BY_H
#define RS_ANSWER_HIDDEN_BY_H

#include "answer/describe/rings.h"

/** References are indices in graph->out. */
struct rs_hidden_by {
	uint32_t object; // no collector sees all that it holds
	uint32_t edge; // its reference to the cycle, which is not seen
	uint32_t holder; // of the only reference to it
	uint32_t holder_edge; // that reference: without it, the collector
			      // could free the rest
};

/**
 * Find the object that hides component @p i: a member that its collector does
 * not track, or whose traverse function leaves out a reference to another
 * member. The graph has to be reversed.
 *
 * @return false when there is no such object or several, when it has another
 * holder, or when something else keeps the rest.
 */
bool rs_ring_hidden_by(const struct rs_rings *rings, uint32_t i,
		       struct rs_hidden_by *ret);

#endif /* RS_ANSWER_HIDDEN_BY_H */
