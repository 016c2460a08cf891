// SPDX-License-Identifier: MIT
/** @file Attributes that an object itself holds. Internal to runtime/cpython.
 */
#ifndef RS_CPYTHON_OWN_ATTRIBUTES_H
#define RS_CPYTHON_OWN_ATTRIBUTES_H

#include "runtime/cpython/cpython.h"

/**
 * Visit the attributes that the object's own references are labelled with:
 * values of an instance, slots, fields of C, `__dict__`.
 * @param visit The name, without the dot and only for this call, and the
 * address that the attribute leads to. Returns false to stop. Errors:
 * RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *
rs_py_own_attributes_each(struct rs_cpython *py, uint64_t object,
			  bool (*visit)(void *context, const char *name,
					uint64_t target),
			  void *context);

#endif /* RS_CPYTHON_OWN_ATTRIBUTES_H */
