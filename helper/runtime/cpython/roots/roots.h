// SPDX-License-Identifier: MIT
/**
 * @file Finding the roots, one file for each kind. Internal to runtime/cpython.
 */
#ifndef RS_CPYTHON_ROOTS_H
#define RS_CPYTHON_ROOTS_H

#include "runtime/cpython/state/discover.h"

enum { RS_PY_ROOT_TEXT = 768, RS_PY_MAX_CALLBACKS = 1 << 20 };

struct rs_py_roots {
	struct rs_cpython *py;
	struct rs_roots *roots;
	unsigned thread; // index of the current thread
};

struct rs_py_root_field {
	enum rs_field field;
	const char *name;
};

/** Add the root in the word at @p slot, unless it is 0. Errors: RS_ENOMEM. */
RS_MUST_CHECK struct rs_error *
rs_py_root_add(struct rs_py_roots *r, uint64_t slot, enum rs_root_kind kind,
	       const char *name);

/** The references of executing frames: frame_roots.c. */
RS_MUST_CHECK struct rs_error *rs_py_frame_roots(struct rs_py_roots *r);

/** Static types: static_roots.c. */
RS_MUST_CHECK struct rs_error *rs_py_static_roots(struct rs_py_roots *r);

#endif /* RS_CPYTHON_ROOTS_H */
