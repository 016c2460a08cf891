// SPDX-License-Identifier: MIT
/**
 * @file
 * Which objects a variable of C holds, as far as its memory shows.
 */
#ifndef RS_SESSION_HELD_BY_VARIABLES_H
#define RS_SESSION_HELD_BY_VARIABLES_H

#include "session/session.h"

/**
 * Look for the addresses of objects in the variables of executables, libraries
 * and threads. Stacks are not looked at: what was called before leaves words
 * there that hold nothing.
 *
 * @param graph The graph of all objects.
 * @param wanted [objects] 1: look for this one.
 * @param[in,out] held [objects] Set to 1 for those that are found.
 * Errors: RS_ENOMEM; RS_EINTERRUPTED.
 */
RS_MUST_CHECK struct rs_error *
rs_held_by_variables(struct rs_session *session, const struct rs_graph *graph,
		     const uint8_t *wanted, uint8_t *held);

#endif /* RS_SESSION_HELD_BY_VARIABLES_H */
