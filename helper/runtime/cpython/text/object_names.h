// SPDX-License-Identifier: MIT
/** @file What objects of a CPython are called: modules, types, functions. */
#ifndef RS_CPYTHON_OBJECT_NAMES_H
#define RS_CPYTHON_OBJECT_NAMES_H

#include "runtime/cpython/cpython.h"

/*
 * Each writes at most @p size bytes with a NUL, and "?" for what cannot be
 * read.
 */

/** The str in @p field of @p object. */
void rs_py_field_name(struct rs_cpython *py, uint64_t object,
		      enum rs_field field, char *buf, size_t size);

/** `module.qualname` of @p type, without `builtins.`. */
void rs_py_full_type_name(struct rs_cpython *py, uint64_t type, char *buf,
			  size_t size);

/** Qualified name of a function; 2.7 has the plain one only. */
void rs_py_function_name(struct rs_cpython *py, uint64_t function, char *buf,
			 size_t size);

/** `__name__` of @p module. */
void rs_py_module_name(struct rs_cpython *py, uint64_t module, char *buf,
		       size_t size);

/** `module.name` of a class of the old kind, which 2.7 has. */
void rs_py_old_class_name(struct rs_cpython *py, uint64_t class, char *buf,
			  size_t size);

/** @return The word of repr() for @p type: "class", or "type". */
const char *rs_py_type_word(struct rs_cpython *py, uint64_t type);

#endif /* RS_CPYTHON_OBJECT_NAMES_H */
