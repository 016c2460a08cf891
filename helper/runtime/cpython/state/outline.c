// SPDX-License-Identifier: MIT
//
// An unknown release that no known layout fits. Its objects cannot be read, but
// from 3.13 on its own _Py_DebugOffsets says where its interpreters, threads
// and frames are, and where a str has its text.
#include "runtime/cpython/state/discover.h"

#include <stdio.h>

// The table does not contain the positions of the bits in the state of a str.
// Assume those of the newest row; otherwise texts cannot be read.
static const enum rs_field kept[] = {
	RS_F_PyASCIIObject__state__kind__bit,
	RS_F_PyASCIIObject__state__ascii__bit,
	RS_F_PyASCIIObject__state__compact__bit,
};

static void empty(const struct rs_cpython *py, struct rs_layout *layout)
{
	const struct rs_layout *newest = &rs_layouts[0];

	for (size_t i = 0; i < rs_layouts_count; i++)
		if ((rs_layouts[i].flavour == RS_FLAVOUR_THREADED) ==
		    py->threaded)
			newest = &rs_layouts[i];
	for (int f = 0; f < RS_FIELDS; f++)
		layout->offset[f] = -1;
	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++)
		layout->offset[kept[i]] = newest->offset[kept[i]];
	layout->release = layout->source = "_Py_DebugOffsets";
}

static bool
is_dict(const struct rs_cpython *py, uint64_t interpreter, enum rs_field field)
{
	const uint64_t dict = rs_py_get(py, interpreter, field);

	return dict && rs_py_type(py, dict) == py->type_dict;
}

// Check that it leads to an interpreter: each of its threads, if it has any,
// must point back to it.
static struct rs_error *
check_interpreter(struct rs_cpython *py, struct rs_py_interpreter *interpreter)
{
	const uint64_t address = interpreter->address;
	const uint64_t thread = rs_py_get(py, address, RS_F__is__threads__head);

	if ((!thread || rs_py_get(py, thread, RS_F__ts__interp) == address) &&
	    is_dict(py, address, RS_F__is__imports__modules) &&
	    is_dict(py, address, RS_F__is__sysdict) &&
	    is_dict(py, address, RS_F__is__builtins))
		return NULL;
	return rs_error_new(RS_EUNSUPPORTED, "no interpreter at 0x%llx",
			    (unsigned long long)address);
}

static bool find_interpreters(struct rs_cpython *py)
{
	struct rs_error *err;

	rs_py_list_interpreters(
		py, rs_py_get(py, py->runtime,
			      RS_F_pyruntimestate__interpreters__head));
	err = rs_py_keep_fitting(py, check_interpreter);
	const bool fits = !err && py->interpreters != 0;
	rs_error_free(err); // the reason is reported elsewhere
	return fits;
}

struct rs_error *rs_py_outline(struct rs_cpython *py, struct rs_error *why)
{
	enum { RS_POINTER = 8 };

	empty(py, py->own_layout);
	py->layout = py->own_layout;
	if (!rs_py_debug_offsets_alone(py, py->own_layout))
		return why;
	// A compact str that is not ASCII is one pointer shorter than one that
	// is not compact.
	py->own_layout->offset[RS_F_PyCompactUnicodeObject___size] =
		rs_py_off(py, RS_F_PyUnicodeObject___size) - RS_POINTER;
	if (!find_interpreters(py))
		return why;
	(void)snprintf(py->layout_text, sizeof(py->layout_text),
		       "its own _Py_DebugOffsets alone");
	(void)snprintf(py->unread, sizeof(py->unread),
		       "%s; interpreters, threads and frames are all that is "
		       "read of it (refs info)",
		       rs_error_message(why));
	rs_error_free(why);
	py->base.unread = py->unread;
	return NULL;
}
