// SPDX-License-Identifier: MIT
/**
 * @file The types of CPython and its standard library as data: which words of
 * their objects are references.
 */
#ifndef RS_CPYTHON_MEMBERS_H
#define RS_CPYTHON_MEMBERS_H

#include "runtime/cpython/decode/types.h"

/** The first and the last release 3.minor; 0 is 2.7. */
#define RS_PY_FIRST(minor) ((uint16_t)((minor) << 8))
#define RS_PY_LAST(minor) ((uint16_t)((minor) << 8 | 0xff))

/** A reference in the objects of a type. */
struct rs_py_shape_member {
	const char *label; // the name in Python, if there is one
	int16_t field; // enum rs_field, or -1: `word`
	uint16_t word; // bytes after the header of the object
	uint8_t kind; // enum rs_kind; RS_STRONG: visited, if the type has a
		      // traverse function
	uint16_t from, to; // minor << 8 | micro
};

/** A type. */
struct rs_py_shape {
	const char *names; // tp_name; alternatives are separated by '|'
	uint8_t how; // enum rs_py_how
	uint16_t from, to;
	const struct rs_py_shape_member *member; // terminated by a NULL label
	const struct rs_py_shape_member *more; // of its base, or NULL
};

/** @return The shape for types called @p name in this version, or NULL. */
const struct rs_py_shape *
rs_py_shape_find(const struct rs_cpython *py, const char *name);

/** @return The offset of @p member, or -1 when this version lacks it. */
int32_t rs_py_shape_offset(const struct rs_cpython *py,
			   const struct rs_py_shape_member *member);

#endif /* RS_CPYTHON_MEMBERS_H */
