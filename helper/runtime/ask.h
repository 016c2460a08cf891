// SPDX-License-Identifier: MIT
/**
 * @file
 * The second way to learn references: let the types of a core say them
 * themselves, in an image of it (revive/image.h).
 */
#ifndef RS_RUNTIME_ASK_H
#define RS_RUNTIME_ASK_H

#include "revive/image.h"
#include "runtime/session.h"

/**
 * Ask the tp_traverse of every tracked CPython object of the core that
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

/** The ops of these names (runtime.h), for a CPython. */
bool rs_py_matters(struct rs_runtime *rt, const uint64_t *object,
		   size_t objects);
RS_MUST_CHECK struct rs_error *
rs_py_image(struct rs_runtime *rt, const struct rs_image_options *options,
	    struct rs_image_question *question,
	    struct rs_process_image **image);

/** rs_ask_references() for one runtime, which must be a CPython. */
RS_MUST_CHECK struct rs_error *
rs_py_ask(struct rs_runtime *rt, const struct rs_image_options *options,
	  const struct rs_progress *progress, struct rs_image_answer *ret);

/**
 * Ask the traverse callback of every native object whose type has one: what
 * it tells comes on top of what the fields say and reading sees.
 *
 * @param rt A native runtime.
 * @param[out] ret Rows by address, an edge of 0 left as it was told; no rows,
 *        and nothing was run, when no type has a callback.
 * Errors: as rs_image_from_core() and rs_image_walk().
 */
RS_MUST_CHECK struct rs_error *
rs_native_ask(struct rs_runtime *rt, const struct rs_image_options *options,
	      const struct rs_progress *progress, struct rs_image_answer *ret);

/** @return How many objects of a native runtime have a traverse callback. */
uint64_t rs_native_callbacks(struct rs_runtime *rt);

#endif /* RS_RUNTIME_ASK_H */
