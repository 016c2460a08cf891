// SPDX-License-Identifier: MIT
/** @file The names of CPython's modules, types and functions. */
#ifndef RS_CPYTHON_OBJECT_NAMES_H
#define RS_CPYTHON_OBJECT_NAMES_H

#include "runtime/cpython/cpython.h"

/*
 * Each writes at most @p size bytes with the NUL, and "?" if the name cannot be
 * read.
 */

/** The str in @p field of @p object. */
void rs_py_field_name(struct rs_cpython *py, uint64_t object,
		      enum rs_field field, char *buf, size_t size);

/** `module.qualname` of @p type, without `builtins.`. */
void rs_py_full_type_name(struct rs_cpython *py, uint64_t type, char *buf,
			  size_t size);

/** The qualified name of a function; in 2.7 its plain name. */
void rs_py_function_name(struct rs_cpython *py, uint64_t function, char *buf,
			 size_t size);

/** `__name__` of @p module. */
void rs_py_module_name(struct rs_cpython *py, uint64_t module, char *buf,
		       size_t size);

/** `f (x.py:3)` of a frame object. */
void rs_py_frame_name(struct rs_cpython *py, uint64_t object, char *buf,
		      size_t size);

/** The qualified name of what a generator or coroutine executes; in 2.7 the
 * plain name. */
void rs_py_generator_name(struct rs_cpython *py, uint64_t generator, char *buf,
			  size_t size);

/** @return The name of a function made in C, borrowed from the memory. */
const char *rs_py_builtin_name(struct rs_cpython *py, uint64_t function);

/** `module.name` of an old-style class (2.7). */
void rs_py_old_class_name(struct rs_cpython *py, uint64_t class, char *buf,
			  size_t size);

/** @return The word that repr() uses for @p type: "class" or "type". Static. */
const char *rs_py_type_word(struct rs_cpython *py, uint64_t type);

#endif /* RS_CPYTHON_OBJECT_NAMES_H */
