// SPDX-License-Identifier: MIT
/**
 * @file Finding the roots, one file for each kind. Internal to runtime/cpython.
 */
#ifndef RS_CPYTHON_ROOTS_H
#define RS_CPYTHON_ROOTS_H

#include "runtime/cpython/state/discover.h"

enum { RS_PY_ROOT_TEXT = 768, RS_PY_MAX_CALLBACKS = 1 << 20 };

/** Roots that are being found. */
struct rs_py_roots {
	struct rs_cpython *py; // borrowed
	struct rs_roots *roots; // borrowed: where they are added
	unsigned thread; // index of the current thread
};

/** A field that is a root. */
struct rs_py_root_field {
	enum rs_field field;
	const char *name; // static: of the root
};

/** Add the root in the word at @p slot, unless it is 0. Errors: RS_ENOMEM. */
RS_MUST_CHECK struct rs_error *
rs_py_root_add(struct rs_py_roots *r, uint64_t slot, enum rs_root_kind kind,
	       const char *name);

/** Add the references of executing frames: frame_roots.c. Errors: RS_ENOMEM. */
RS_MUST_CHECK struct rs_error *rs_py_frame_roots(struct rs_py_roots *r);

/**
 * Add what sys.monitoring keeps for the interpreter at @p interpreter:
 * monitoring_roots.c. Errors: RS_ENOMEM.
 * @param callback The roots' name, of callbacks.
 * @param tool The same, of tools' names.
 */
RS_MUST_CHECK struct rs_error *
rs_py_monitoring_roots(struct rs_py_roots *r, uint64_t interpreter,
		       const char *callback, const char *tool);

/** Add the references of static types: static_roots.c. Errors: RS_ENOMEM. */
RS_MUST_CHECK struct rs_error *rs_py_static_roots(struct rs_py_roots *r);

#endif /* RS_CPYTHON_ROOTS_H */
