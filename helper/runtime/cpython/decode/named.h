// SPDX-License-Identifier: MIT
/**
 * @file The names of static types, for a core without the file of the
 * interpreter: their text is in constant memory, which cores lack. Exported
 * types are found by their symbols.
 */
#ifndef RS_CPYTHON_NAMED_H
#define RS_CPYTHON_NAMED_H

#include "runtime/cpython/cpython.h"

/** A row of the table: the name from a version on, up to the next row. */
struct rs_py_type_name {
	const char *symbol; // of the type; PyExc_*: of a pointer to it
	const char *name; // tp_name
	uint32_t since; // RS_PY(major, minor)
};

/** Sorted by symbol, then by version; terminated by an empty row. */
extern const struct rs_py_type_name rs_py_type_names[];

/** A type of the target whose name is from the table. */
struct rs_py_named_type {
	uint64_t address;
	const char *name; // static
};

/**
 * Fill py->named, sorted by address, if names cannot be read from the target.
 * Needs py->type_type and the layout.
 * Errors: RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *rs_py_name_types(struct rs_cpython *py);

/** @return The name of the type at address @p type in py->named, static; NULL:
 * it is not there. */
const char *rs_py_type_named(const struct rs_cpython *py, uint64_t type);

#endif /* RS_CPYTHON_NAMED_H */
