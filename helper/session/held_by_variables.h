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
 * A variable may be stale, or have borrowed what it has the address of. So it
 * holds an object only if something is left of the count that neither known
 * references explain nor words of blocks in which a type of C may have
 * references of its own.
 *
 * @param graph The graph of all objects.
 * @param wanted [objects] 1: look for this one.
 * @param[in,out] held [objects] Set to 1 for those that a variable holds.
 * Errors: RS_ENOMEM; RS_EINTERRUPTED.
 */
RS_MUST_CHECK struct rs_error *
rs_held_by_variables(struct rs_session *session, const struct rs_graph *graph,
		     const uint8_t *wanted, uint8_t *held);

#endif /* RS_SESSION_HELD_BY_VARIABLES_H */
