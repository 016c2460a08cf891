// SPDX-License-Identifier: MIT
/**
 * @file
 * Have a CPython of a core answer by itself, in an image of it
 * (sandbox/image_call.h): the repr of an object, or a piece of Python.
 */
#ifndef RS_CPYTHON_PYTHON_CALL_H
#define RS_CPYTHON_PYTHON_CALL_H

#include "runtime/runtime.h"
#include "sandbox/image_call.h"

/**
 * The op run (runtime.h): repr(object), or @p code, an expression or
 * statements, in a dict of its own, in which `obj` is @p object unless 0.
 *
 * @param object An object of a CPython; the caller has made sure.
 * @param interpreter Its id; -1: who has the lock, else the first.
 * @param limits object_ms and memory count.
 * Errors: as rs_image_from_core() and rs_image_do_call(); RS_EARGUMENT (the
 * code is too long); RS_ENOTFOUND (no such interpreter); RS_EUNSUPPORTED (a
 * free-threaded build; what is needed is not exported; no thread's state).
 */
RS_MUST_CHECK struct rs_error *
rs_py_run(struct rs_runtime *rt, const char *code, uint64_t object,
	  int64_t interpreter, const struct rs_image_options *limits,
	  const struct rs_progress *progress, struct rs_image_called *ret);

#endif /* RS_CPYTHON_PYTHON_CALL_H */
