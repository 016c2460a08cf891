// SPDX-License-Identifier: MIT
#include "base/cleanup.h"
#include "runtime/cpython/state/discover.h"

#include <stdio.h>

// Minor versions of 3 whose rules are known.
enum { RS_OLDEST = 6, RS_NEWEST = 15 };

// A layout is accepted if these sizes match those in the target.
static const struct {
	const char *symbol, *name;
	enum rs_field size;
} checks[] = {
	{"PyType_Type", "type", RS_F__heaptypeobject___size},
	{"PyDict_Type", "dict", RS_F_PyDictObject___size},
	{"PyTuple_Type", "tuple", RS_F_PyTupleObject__ob_item},
	{"PyList_Type", "list", RS_F_PyListObject___size},
	{"PySet_Type", "set", RS_F_PySetObject___size},
	{"PyFunction_Type", "function", RS_F_PyFunctionObject___size},
	{"PyModule_Type", "module", RS_F_PyModuleObject___size},
	{"PyUnicode_Type", "str", RS_F_PyUnicodeObject___size},
};

static struct rs_error *
check_sizes(const struct rs_cpython *py, const struct rs_layout *layout)
{
	for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++) {
		const int32_t at =
			layout->offset[RS_F__typeobject__tp_basicsize];
		const int32_t want = layout->offset[checks[i].size];
		const uint64_t type = rs_py_symbol(py, checks[i].symbol);
		uint64_t size = 0;

		if (!type || want < 0)
			continue;
		if (!rs_memory_u64(py->base.memory, type + (uint64_t)at, &size))
			return rs_error_new(RS_EBAD,
					    "CPython %s: %s at 0x%llx cannot "
					    "be read",
					    py->version_text, checks[i].symbol,
					    (unsigned long long)type);
		if (size != (uint64_t)want)
			return rs_error_new(
				RS_EUNSUPPORTED,
				"CPython %s does not have the layout of %s: an "
				"object of type %s has %llu bytes, not %d",
				py->version_text, layout->source,
				checks[i].name, (unsigned long long)size, want);
	}
	return NULL;
}

// Describe the row, and whether it is of another release.
static void name_row(struct rs_cpython *py, const struct rs_layout *row)
{
	if (py->version >> 8 == row->version >> 8)
		(void)snprintf(py->layout_text, sizeof(py->layout_text),
			       "table %s", row->release);
	else
		(void)snprintf(py->layout_text, sizeof(py->layout_text),
			       "table %s, the nearest known to %s",
			       row->release, py->version_text);
}

// Check py->own_layout against the target, and set what depends on it.
static struct rs_error *try_layout(struct rs_cpython *py)
{
	const int32_t *offset = py->own_layout->offset;
	struct rs_error *err;

	py->layout = py->own_layout;
	py->incremental = false;
	if ((err = check_sizes(py, py->layout)))
		return err;
	if (py->version >= RS_PY(3, 13) &&
	    (err = rs_py_debug_offsets(py, py->own_layout)))
		return err;
	py->head_size =
		py->threaded ? 0 : (uint32_t)offset[RS_F_PyGC_Head___size];
	py->header_size = (uint32_t)offset[RS_F__object___size];
	py->generation_stride = (uint64_t)offset[RS_F_gc_generation___size];
	if ((err = rs_py_find_interpreters(py)) || !rs_py_probe_layout(py))
		return err;
	const size_t used = strlen(py->layout_text);
	(void)snprintf(py->layout_text + used, sizeof(py->layout_text) - used,
		       ", and by probing");
	return rs_py_find_interpreters(py); // the fields after it have moved
}

// Try a row: afterwards it is py->layout, or the error says why not.
static struct rs_error *
try_row(struct rs_cpython *py, const struct rs_layout *row)
{
	*py->own_layout = *row;
	name_row(py, row);
	return try_layout(py);
}

static const char *flavour_name(enum rs_flavour flavour)
{
	switch (flavour) {
	case RS_FLAVOUR_DEBUG:
		return " (--with-pydebug)";
	case RS_FLAVOUR_TRACE:
		return " (Py_TRACE_REFS)";
	case RS_FLAVOUR_THREADED:
		return " (free-threaded)";
	case RS_FLAVOUR_THREADED_DEBUG:
		return " (free-threaded, --with-pydebug)";
	default:
		return "";
	}
}

static struct rs_error *
unknown(const struct rs_cpython *py, enum rs_flavour flavour)
{
	return rs_error_new(RS_EUNSUPPORTED,
			    "%s contains CPython %s%s, which this build cannot "
			    "read: it knows 2.7 and 3.6 to 3.15",
			    py->module->path, py->version_text,
			    flavour_name(flavour));
}

// Keep the first reason, which is that of the most likely layout.
static bool fits(struct rs_error *err, struct rs_error **why)
{
	if (!err) {
		rs_error_free(*why);
		*why = NULL;
		return true;
	}
	if (*why)
		rs_error_free(err);
	else
		*why = err;
	return false;
}

/*
 * Try the rows of @p version and @p flavour, either those of the same release
 * or the others, nearest first. Patch releases and distributions changed
 * layouts (PyGC_Head in 3.7.4), so a more distant row may fit. @return Whether
 * one fits; if not, @p why says why.
 */
static bool try_rows(struct rs_cpython *py, uint32_t version, bool very,
		     enum rs_flavour flavour, struct rs_error **why)
{
	const struct rs_layout *row;

	for (size_t i = 0; (row = rs_layout_find(version, flavour, i)); i++)
		if ((row->version >> 8 == version >> 8) == very &&
		    fits(try_row(py, row), why))
			return true;
	return false;
}

/*
 * Rows of that flavour. Up to 3.12, --with-pydebug without the links of
 * Py_TRACE_REFS changes nothing that is read here; later versions say what it
 * changes.
 */
static bool try_flavour(struct rs_cpython *py, bool very,
			enum rs_flavour flavour, struct rs_error **why)
{
	return try_rows(py, py->version, very, flavour, why) ||
	       (flavour == RS_FLAVOUR_DEBUG &&
		try_rows(py, py->version, very, RS_FLAVOUR_RELEASE, why));
}

static bool
try_very(struct rs_cpython *py, enum rs_flavour flavour, struct rs_error **why)
{
	return try_flavour(py, true, flavour, why);
}

static bool try_nearest(struct rs_cpython *py, enum rs_flavour flavour,
			struct rs_error **why)
{
	return try_flavour(py, false, flavour, why);
}

static bool is_later(const struct rs_cpython *py)
{
	return py->version >= RS_PY(3, RS_NEWEST + 1) &&
	       py->version < RS_PY(4, 0);
}

// The rules other than offsets are those of the nearest known version.
static bool has_rules(const struct rs_cpython *py)
{
	return py->version >> 16 == RS_PY(2, 7) >> 16 ||
	       (py->version >= RS_PY(3, RS_OLDEST) &&
		py->version < RS_PY(4, 0));
}

static void tell_rules(struct rs_cpython *py)
{
	if (is_later(py))
		rs_memory_problem(
			py->base.memory,
			"CPython %s is not known; its layout is taken from its "
			"debug info, which lacks %u fields of 3.%u; in all "
			"else it is read as 3.%u",
			py->version_text, rs_py_debug_lacks(py->layout),
			RS_NEWEST, RS_NEWEST);
}

/*
 * Take the layout from debug information, if there is any. @return Whether it
 * has one that fits; if not, @p why says why, or is NULL.
 */
static bool try_debug_info(struct rs_cpython *py, enum rs_flavour flavour,
			   struct rs_error **why)
{
	(void)flavour; // debug information is always of the same build
	bool found = false;
	struct rs_error *err;

	if (!has_rules(py))
		return false;
	err = rs_py_debug_layout(py, py->own_layout, &found);
	if (!err && !found)
		return false;
	if (err && rs_error_code(err) == RS_EINTERRUPTED) {
		rs_error_free(*why); // the first error counts
		*why = err;
		return false;
	}
	(void)snprintf(py->layout_text, sizeof(py->layout_text), "debug info");
	if (!fits(err ? err : try_layout(py), why))
		return false;
	tell_rules(py);
	return true;
}

// A release later than all rows: its own _Py_DebugOffsets and the sizes of its
// types decide whether the layout of the last known release fits.
static bool
try_older(struct rs_cpython *py, enum rs_flavour flavour, struct rs_error **why)
{
	const uint32_t last = RS_PY3(3, RS_NEWEST, 0xff);

	if (!is_later(py) || !try_rows(py, last, false, flavour, why))
		return false;
	rs_memory_problem(
		py->base.memory,
		"CPython %s%s is not known; it is read as %s, because "
		"its types have the same sizes",
		py->version_text, flavour_name(flavour), py->layout->release);
	return true;
}

/*
 * The sources of layouts, the most reliable first. Each sets py->layout and the
 * lists of the interpreters; or, if it does not fit, sets @p why unless that is
 * set.
 */
static bool (*const sources[])(struct rs_cpython *py, enum rs_flavour flavour,
			       struct rs_error **why) = {
	try_very,
	try_debug_info,
	try_nearest,
	try_older,
};

void rs_py_tell_untried(struct rs_cpython *py)
{
	if (strstr(py->own_layout->source, "not held against"))
		rs_memory_problem(py->base.memory,
				  "CPython %s: its layout is taken from %s: "
				  "answers about it are not tested",
				  py->version_text, py->own_layout->source);
}

static enum rs_flavour flavour_of(const struct rs_cpython *py)
{
	if (py->threaded)
		return py->debug ? RS_FLAVOUR_THREADED_DEBUG
				 : RS_FLAVOUR_THREADED;
	if (py->traced)
		return RS_FLAVOUR_TRACE;
	return py->debug ? RS_FLAVOUR_DEBUG : RS_FLAVOUR_RELEASE;
}

struct rs_error *rs_py_choose_layout(struct rs_cpython *py)
{
	const enum rs_flavour flavour = flavour_of(py);
	struct rs_error *why = NULL;

	py->own_layout = malloc(sizeof(*py->own_layout));
	if (!py->own_layout)
		return &rs_enomem;
	for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++) {
		if (sources[i](py, flavour, &why)) {
			rs_py_tell_untried(py);
			return NULL;
		}
		if (why && rs_error_code(why) == RS_EINTERRUPTED)
			return why;
	}
	if (!why)
		why = unknown(py, flavour);
	else if (py->base.memory->truncated) {
		// What disagrees is what is not there, not the layout.
		rs_error_free(why);
		why = rs_error_new(RS_EBAD,
				   "%s; without what is missing CPython %s "
				   "cannot be read",
				   py->base.memory->truncated,
				   py->version_text);
	}
	// Even without a layout, threads and frames may be found.
	return rs_py_outline(py, why);
}
