// SPDX-License-Identifier: MIT
/**
 * @file
 * The types that CPython and its standard library bring along, as data: which
 * words of their objects are references.
 */
#ifndef RS_CPYTHON_MEMBERS_H
#define RS_CPYTHON_MEMBERS_H

#include "runtime/cpython/decode/types.h"

/** First and last of the releases 3.minor; 0 is 2.7. */
#define RS_PY_FIRST(minor) ((uint16_t)((minor) << 8))
#define RS_PY_LAST(minor) ((uint16_t)((minor) << 8 | 0xff))

/** A reference in the body of a type's objects. */
struct rs_py_shape_member {
	const char *label; // as Python names it, where Python does
	int16_t field; // enum rs_field, or -1: `word`
	uint16_t word; // bytes behind the object's header
	uint8_t kind; // RS_STRONG: traversed, if the type is; enum rs_kind
	uint16_t from, to; // minor << 8 | micro
};

/** A type. */
struct rs_py_shape {
	const char *names; // tp_name, alternatives apart by '|'
	uint8_t how; // enum rs_py_how
	uint16_t from, to;
	const struct rs_py_shape_member *member; // ends with a NULL label
	const struct rs_py_shape_member *more; // of its base, or NULL
};

/** @return The shape for types called @p name in this version, or NULL. */
const struct rs_py_shape *
rs_py_shape_find(const struct rs_cpython *py, const char *name);

/** @return The offset of @p member, or -1 when this version lacks it. */
int32_t rs_py_shape_offset(const struct rs_cpython *py,
			   const struct rs_py_shape_member *member);

#endif /* RS_CPYTHON_MEMBERS_H */
