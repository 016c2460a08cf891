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

enum { RS_PY_CALL_MS = 3000 }; // processor time by default

/** Texts of struct rs_image_called; those that were not told are NULL. */
enum rs_py_text {
	RS_PY_PRINTED, // what went to sys.stdout and sys.stderr
	RS_PY_VALUE, // repr of the object or of the expression's value
	RS_PY_ERROR, // class of the exception that ended it
	RS_PY_MESSAGE, // str of that exception
};

/**
 * repr(object), by itself.
 *
 * @param object An object of a CPython; the caller has made sure.
 * @param rt A CPython of a core.
 * @param ms Processor time that it may take.
 * Errors: as rs_image_from_core() and rs_image_do_call(); RS_EUNSUPPORTED (a
 * free-threaded build; what is needed is not exported; no thread's state).
 */
RS_MUST_CHECK struct rs_error *
rs_py_repr(struct rs_runtime *rt, uint64_t object, uint32_t ms,
	   const struct rs_progress *progress, struct rs_image_called *ret);

/**
 * Run @p code, an expression or statements, in a dict of its own.
 *
 * @param object What `obj` is, or 0.
 * Errors: as rs_py_repr(); RS_EARGUMENT (the code is too long).
 */
RS_MUST_CHECK struct rs_error *
rs_py_eval(struct rs_runtime *rt, const char *code, uint64_t object,
	   uint32_t ms, const struct rs_progress *progress,
	   struct rs_image_called *ret);

#endif /* RS_CPYTHON_PYTHON_CALL_H */
