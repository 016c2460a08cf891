// SPDX-License-Identifier: MIT
/**
 * @file
 * The second way to learn references: the types of a core report them
 * themselves, in an image of it (sandbox/image.h).
 */
#ifndef RS_SESSION_EXACT_REFERENCES_H
#define RS_SESSION_EXACT_REFERENCES_H

#include "sandbox/image.h"
#include "session/session.h"

/**
 * Call the tp_traverse of every tracked CPython object of the core that
 * @p session has open.
 *
 * @param options NULL: all defaults; the thread pointer is then that of the
 *        thread that held the interpreter's lock.
 * @param[out] ret Rows in the order of the collector's lists. End with
 *        rs_image_answer_fini().
 * Errors: as rs_image_from_core() and rs_image_walk(); RS_ENOTFOUND when no
 * CPython is in the core.
 */
RS_MUST_CHECK struct rs_error *
rs_ask_references(struct rs_session *session,
		  const struct rs_image_options *options,
		  struct rs_image_answer *ret);

#endif /* RS_SESSION_EXACT_REFERENCES_H */
