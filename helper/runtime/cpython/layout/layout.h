// SPDX-License-Identifier: MIT
/**
 * @file The offsets of the fields of CPython's structs, by release.
 *
 * fields.def lists the fields that are read. generated/table.c has their
 * offsets: generate.py makes it from data/, which extract.py read from the
 * debug information of real interpreters (and which has more fields). A row is
 * chosen by version, and then checked against sizes in the target: see
 * choose.c.
 */
#ifndef RS_CPYTHON_LAYOUT_H
#define RS_CPYTHON_LAYOUT_H

#include "runtime/cpython/layout/fields.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rs_flavour {
	RS_FLAVOUR_RELEASE,
	RS_FLAVOUR_DEBUG, // --with-pydebug
	RS_FLAVOUR_TRACE, // Py_TRACE_REFS, up to 3.12; --with-pydebug up to 3.7
	RS_FLAVOUR_THREADED, // --disable-gil
	RS_FLAVOUR_THREADED_DEBUG, // and --with-pydebug
};

struct rs_layout {
	const char *release; // "3.11.7"
	const char *source; // for messages: where the numbers are from
	uint32_t version; // PY_VERSION_HEX
	enum rs_flavour flavour;
	int32_t offset[RS_FIELDS]; // bytes; -1: not in this release
};

/**
 * The property of a field, or of a struct, of which an enum rs_field is the
 * number.
 */
enum rs_field_kind {
	RS_FIELD_OFFSET,
	RS_FIELD_SIZE, // of the struct
	RS_FIELD_COUNT, // elements of an array
	RS_FIELD_BIT, // of a bit field the first, from the struct's start
	RS_FIELD_WIDTH, // of a bit field
	RS_FIELD_POINTER, // 1: a pointer; 0: anything else
};

/** CPython's names for an enum rs_field. */
struct rs_field_name {
	const char *type;
	const char
		*field; // NULL for RS_FIELD_SIZE; "a.b" for a field within one
	enum rs_field_kind kind;
};

/** Indexed by enum rs_field; the size of a struct comes before its fields. */
extern const struct rs_field_name rs_field_names[RS_FIELDS];

/** @return One past the last field of the struct whose size is @p first. */
enum rs_field rs_struct_end(enum rs_field first);

/** The table, sorted by version. */
extern const struct rs_layout rs_layouts[];
extern const size_t rs_layouts_count;

/**
 * The rows for an interpreter: same major, minor and flavour, nearest micro
 * version first.
 *
 * @param nth 0 for the nearest.
 * @return NULL when there are no more.
 */
const struct rs_layout *
rs_layout_find(uint32_t version, enum rs_flavour flavour, size_t nth);

/**
 * Whether each field is within its struct. Decoders rely on this, because they
 * read as many bytes as the struct has. It is true for every row of the table;
 * values from a target or from debug information may be damaged.
 */
bool rs_layout_is_sound(const struct rs_layout *layout);

#endif /* RS_CPYTHON_LAYOUT_H */
