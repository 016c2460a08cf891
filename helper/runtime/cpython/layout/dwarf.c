// SPDX-License-Identifier: MIT
//
// A layout from the debug information of the interpreter. The caller of the
// engine, usually GDB, looks up the fields.
#include "runtime/cpython/state/discover.h"

enum { RS_LARGEST = 1 << 24 }; // _PyRuntime, the largest, has 600 KB

static struct rs_error *interrupted(const struct rs_cpython *py)
{
	return rs_error_new(RS_EINTERRUPTED,
			    "interrupted while looking up how CPython %s is "
			    "laid out",
			    py->version_text);
}

static int64_t
value_of(const struct rs_debug_field *found, enum rs_field_kind kind)
{
	switch (kind) {
	case RS_FIELD_SIZE:
		return found->size;
	case RS_FIELD_COUNT:
		return found->count;
	case RS_FIELD_BIT:
		return found->width < 0 ? -1 : found->bit;
	case RS_FIELD_WIDTH:
		return found->width;
	case RS_FIELD_POINTER:
		return found->pointer;
	default:
		return found->offset;
	}
}

// @param[out] value -1 when there is no such type or field.
static struct rs_error *look_up(const struct rs_cpython *py, const char *type,
				const char *field, enum rs_field_kind kind,
				int32_t *value)
{
	struct rs_debug_field found = {.count = -1, .width = -1};
	const enum rs_debug_found answer = rs_memory_field(
		py->base.memory, py->module, type, field, &found);
	int64_t is;

	*value = -1;
	if (answer == RS_DEBUG_STOP)
		return interrupted(py);
	if (answer != RS_DEBUG_FOUND)
		return NULL;
	is = value_of(&found, kind);
	if (is < -1 || is > RS_LARGEST)
		return rs_error_new(RS_EBAD,
				    "%s: its debug info is damaged: it has "
				    "%s.%s at %lld",
				    py->module->path, type, field ? field : "",
				    (long long)is);
	*value = (int32_t)is;
	return NULL;
}

// The size of a struct comes first; if the struct is absent its fields are
// skipped.
static struct rs_error *
look_up_all(const struct rs_cpython *py, struct rs_layout *layout)
{
	int32_t size = -1;

	for (int f = 0; f < RS_FIELDS; f++) {
		const struct rs_field_name *name = &rs_field_names[f];
		const bool is_size = name->kind == RS_FIELD_SIZE;
		struct rs_error *err = NULL;

		layout->offset[f] = -1;
		if (is_size || size >= 0)
			err = look_up(py, name->type, name->field, name->kind,
				      &layout->offset[f]);
		if (err)
			return err;
		if (is_size)
			size = layout->offset[f];
	}
	return NULL;
}

// Debug information may be incomplete. These fields exist in all releases.
static struct rs_error *
check_complete(const struct rs_cpython *py, const struct rs_layout *layout)
{
	static const enum rs_field needed[] = {
		RS_F_PyGC_Head___size,
		RS_F_gc_generation___size,
		RS_F__dictkeysobject___size, // not in 2.7, nor is the next one
		RS_F_PyCompactUnicodeObject___size,
		RS_F__object___size,
		RS_F__object__ob_type,
		RS_F__is___size,
		RS_F__ts__interp,
		RS_F__heaptypeobject___size,
		RS_F_PyDictObject___size,
		RS_F_PyTupleObject__ob_item,
		RS_F_PyListObject___size,
		RS_F_PySetObject___size,
		RS_F_PyFunctionObject___size,
		RS_F_PyModuleObject___size,
		RS_F_PyUnicodeObject___size,
		RS_F_PyCodeObject__co_name,
	};
	const size_t lists = 2; // fields that free-threaded builds lack
	const size_t of_3 = 4;

	for (size_t i = py->threaded ? lists : 0;
	     i < sizeof(needed) / sizeof(*needed); i++) {
		if (i >= lists && i < of_3 && py->version < RS_PY(3, 0))
			continue;
		if (layout->offset[needed[i]] < 0)
			return rs_error_new(
				RS_EUNSUPPORTED,
				"the debug info of %s lacks %s of CPython %s",
				py->module->path,
				rs_field_names[needed[i]].type,
				py->version_text);
	}
	if (!rs_layout_is_sound(layout))
		return rs_error_new(
			RS_EUNSUPPORTED,
			"the debug info of %s is damaged: a field of CPython %s is outside its struct",
			py->module->path, py->version_text);
	return NULL;
}

struct rs_error *rs_py_debug_layout(const struct rs_cpython *py,
				    struct rs_layout *layout, bool *found)
{
	int32_t size = -1;
	struct rs_error *err =
		look_up(py, "_typeobject", NULL, RS_FIELD_SIZE, &size);

	if (err)
		return err;
	*found = size >= 0;
	if (!*found)
		return NULL;
	layout->release = py->version_text;
	layout->source = "its debug info";
	layout->version = py->version;
	err = look_up_all(py, layout);
	return err ? err : check_complete(py, layout);
}

// Whether every row of the newest version has @p field.
static bool newest_has(int field)
{
	bool has = false;

	// Sorted by version, so the newest are last.
	for (size_t i = rs_layouts_count; i-- > 0;) {
		if (rs_layouts[i].version !=
		    rs_layouts[rs_layouts_count - 1].version)
			break;
		has = rs_layouts[i].offset[field] >= 0;
		if (!has)
			break;
	}
	return has;
}

unsigned rs_py_debug_lacks(const struct rs_layout *layout)
{
	unsigned lacking = 0;
	bool has_struct = false;

	for (int f = 0; f < RS_FIELDS; f++) {
		const bool has = layout->offset[f] >= 0;

		if (rs_field_names[f].kind == RS_FIELD_SIZE)
			has_struct = has;
		lacking += has_struct && !has && newest_has(f);
	}
	return lacking;
}
