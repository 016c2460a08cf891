// SPDX-License-Identifier: MIT
/** @file Calling the tp_traverse functions of a core's types, in an image. */
#ifndef RS_CPYTHON_ASK_H
#define RS_CPYTHON_ASK_H

#include "runtime/runtime.h"
#include "sandbox/image.h"

/** The op affects_collection (runtime.h) of a CPython. */
bool rs_py_affects_collection(struct rs_runtime *rt, const uint64_t *object,
			      size_t objects);

/** The op query_functions (runtime.h) of a CPython. */
void rs_py_query_functions(struct rs_runtime *rt, uint64_t object,
			   uint64_t ret[2]);

/** The op image (runtime.h) of a CPython. */
RS_MUST_CHECK struct rs_error *
rs_py_image(struct rs_runtime *rt, const struct rs_image_options *options,
	    struct rs_image_question *question,
	    struct rs_process_image **image);

/**
 * Call the tp_traverse of every tracked object of @p rt, which must be a
 * CPython.
 *
 * @param options NULL: all defaults; the thread pointer is then that of the
 *        thread that held the interpreter's lock.
 * @param[out] ret Rows in the order of the collector's lists. End with
 *        rs_image_answer_fini().
 * Errors: as rs_image_from_core() and rs_image_walk().
 */
RS_MUST_CHECK struct rs_error *
rs_py_ask(struct rs_runtime *rt, const struct rs_image_options *options,
	  const struct rs_progress *progress, struct rs_image_answer *ret);

#endif /* RS_CPYTHON_ASK_H */
