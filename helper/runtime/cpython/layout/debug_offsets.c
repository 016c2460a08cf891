// SPDX-License-Identifier: MIT
//
// In 3.13 and later _PyRuntime begins with a table of offsets. It has few
// fields (no list heads, no allocator), but for those it is more reliable than
// any table of ours. So it corrects the row, and fields of PyInterpreterState
// between those that it has are moved along with them.
//
// For a release without a row it is the only source: see outline.c.
//
// Source: CPython Include/internal/pycore_runtime.h of 3.13,
// pycore_debug_offsets.h of 3.14 and 3.15.
#include "runtime/cpython/layout/debug_offsets.h"
#include "base/cleanup.h"
#include "runtime/cpython/state/discover.h"

#include <stddef.h>
#include <stdio.h>

// clang-format off
#define AT(form, member) offsetof(struct rs_debug_offsets_##form, member)
#define SINCE_313(field, member) \
	{ RS_F_##field, { AT(313, member), AT(314, member), AT(315, member) } }
#define SINCE_314(field, member) \
	{ RS_F_##field, { 0, AT(314, member), AT(315, member) } }
#define SINCE_315(field, member) \
	{ RS_F_##field, { 0, 0, AT(315, member) } }
// clang-format on

const struct rs_py_published_offset rs_py_published_offsets[] = {
	SINCE_313(pyruntimestate__interpreters__head,
		  runtime_state.interpreters_head),
	SINCE_313(_is__id, interpreter_state.id),
	SINCE_313(_is__next, interpreter_state.next),
	SINCE_313(_is__threads__head, interpreter_state.threads_head),
	SINCE_313(_is__gc, interpreter_state.gc),
	SINCE_313(_is__imports__modules, interpreter_state.imports_modules),
	SINCE_313(_is__sysdict, interpreter_state.sysdict),
	SINCE_313(_is__builtins, interpreter_state.builtins),
	SINCE_313(_is__ceval__gil, interpreter_state.ceval_gil),
	SINCE_313(_is___gil, interpreter_state.gil_runtime_state),
	SINCE_313(_is___gil__locked,
		  interpreter_state.gil_runtime_state_locked),
	SINCE_313(_is___gil__last_holder,
		  interpreter_state.gil_runtime_state_holder),
	SINCE_313(_ts__prev, thread_state.prev),
	SINCE_313(_ts__next, thread_state.next),
	SINCE_313(_ts__interp, thread_state.interp),
	SINCE_313(_ts__current_frame, thread_state.current_frame),
	SINCE_313(_ts__thread_id, thread_state.thread_id),
	SINCE_313(_ts__native_thread_id, thread_state.native_thread_id),
	SINCE_313(_ts__datastack_chunk, thread_state.datastack_chunk),
	SINCE_313(_PyInterpreterFrame__previous, interpreter_frame.previous),
	SINCE_313(_PyInterpreterFrame__f_executable,
		  interpreter_frame.executable),
	SINCE_313(_PyInterpreterFrame__instr_ptr, interpreter_frame.instr_ptr),
	SINCE_313(_PyInterpreterFrame__localsplus,
		  interpreter_frame.localsplus),
	SINCE_313(_PyInterpreterFrame__owner, interpreter_frame.owner),
	SINCE_314(_PyInterpreterFrame__stackpointer,
		  interpreter_frame.stackpointer),
	SINCE_313(PyCodeObject__co_filename, code_object.filename),
	SINCE_313(PyCodeObject__co_name, code_object.name),
	SINCE_313(PyCodeObject__co_qualname, code_object.qualname),
	SINCE_313(PyCodeObject__co_linetable, code_object.linetable),
	SINCE_313(PyCodeObject__co_firstlineno, code_object.firstlineno),
	SINCE_313(PyCodeObject__co_localsplusnames,
		  code_object.localsplusnames),
	SINCE_313(PyCodeObject__co_localspluskinds,
		  code_object.localspluskinds),
	SINCE_313(PyCodeObject__co_code_adaptive, code_object.co_code_adaptive),
	SINCE_313(_object___size, pyobject.size),
	SINCE_313(_object__ob_type, pyobject.ob_type),
	SINCE_313(PyTupleObject__ob_item, tuple_object.ob_item),
	SINCE_313(PyVarObject__ob_size, tuple_object.ob_size),
	SINCE_313(PyListObject__ob_item, list_object.ob_item),
	SINCE_314(PySetObject__table, set_object.table),
	SINCE_314(PySetObject__mask, set_object.mask),
	SINCE_313(PyDictObject__ma_keys, dict_object.ma_keys),
	SINCE_313(PyDictObject__ma_values, dict_object.ma_values),
	SINCE_313(PyBytesObject__ob_sval, bytes_object.ob_sval),
	SINCE_313(PyUnicodeObject___size, unicode_object.size),
	SINCE_313(PyASCIIObject__state, unicode_object.state),
	SINCE_313(PyASCIIObject__length, unicode_object.length),
	SINCE_313(PyASCIIObject___size, unicode_object.asciiobject_size),
	SINCE_315(PyCompactUnicodeObject___size,
		  unicode_object.compactunicodeobject_size),
	SINCE_315(_typeobject__tp_basicsize, type_object.tp_basicsize),
	SINCE_315(_typeobject__tp_dictoffset, type_object.tp_dictoffset),
	SINCE_315(_heaptypeobject__ht_cached_keys,
		  heap_type_object.ht_cached_keys),
	SINCE_315(_ts__current_exception, thread_state.current_exception),
	SINCE_313(_gc_runtime_state___size, gc.size),
	SINCE_313(_gc_runtime_state__collecting, gc.collecting),
	SINCE_315(_gc_runtime_state__generation_stats, gc.generation_stats),
	SINCE_315(gc_stats___size, gc.generation_stats_size),
	SINCE_314(PyGenObject__gi_name, gen_object.gi_name),
	SINCE_314(PyGenObject__gi_iframe, gen_object.gi_iframe),
	SINCE_314(PyGenObject__gi_frame_state, gen_object.gi_frame_state),
};
const size_t rs_py_published_offsets_count =
	sizeof(rs_py_published_offsets) / sizeof(*rs_py_published_offsets);

enum {
	RS_TABLE_SIZE = sizeof(struct rs_debug_offsets_315), // the largest
	RS_COUNT_MAX = 1024, // the largest number of items; some fields are
			     // such numbers
	RS_OFFSET_MAX = 1 << 20, // PyInterpreterState, the largest, has 400 KB
	RS_GC_SIZE_INCREMENTAL = 240, // 3.14.0 to 3.14.4
	RS_GC_SIZE_GENERATIONAL = 264, // 3.14.5 and later
};

static void move_from(struct rs_layout *layout, int32_t start, int32_t by)
{
	const int first = RS_F__is___size, end = (int)rs_struct_end(first);

	for (int f = first; f < end; f++)
		if (layout->offset[f] >= start)
			layout->offset[f] += by;
}

// With the incremental collector its state is smaller, so the following fields
// of PyInterpreterState are earlier. Up to 3.14.3 there is one pointer less
// before the heads of asyncio's tasks (gh-144438).
// Source: CPython 3.14.0 Include/internal/pycore_interp_structs.h.
static void
make_incremental(const struct rs_cpython *py, struct rs_layout *layout)
{
	static const struct {
		int32_t at;
		enum rs_field field;
	} moved[] = {
		{96, RS_F__gc_runtime_state__permanent_generation},
		{120, RS_F__gc_runtime_state__generation_stats},
		{192, RS_F__gc_runtime_state__collecting},
		{200, RS_F__gc_runtime_state__garbage},
		{208, RS_F__gc_runtime_state__callbacks},
	};

	if (py->version < RS_PY3(3, 14, 4))
		move_from(layout, layout->offset[RS_F__is__asyncio_tasks_head],
			  -8);
	move_from(layout, layout->offset[RS_F__is__gc] + 1,
		  RS_GC_SIZE_INCREMENTAL - RS_GC_SIZE_GENERATIONAL);
	for (size_t i = 0; i < sizeof(moved) / sizeof(*moved); i++)
		layout->offset[moved[i].field] = moved[i].at;
	layout->offset[RS_F__gc_runtime_state__generation0] = -1;
	layout->offset[RS_F__gc_runtime_state__long_lived_total] = -1;
	layout->offset[RS_F__gc_runtime_state__long_lived_pending] = -1;
}

static const uint8_t *find_table(const struct rs_cpython *py)
{
	const uint8_t *table =
		py->runtime ? rs_memory_at(py->base.memory, py->runtime,
					   RS_TABLE_SIZE)
			    : NULL;

	return table && !memcmp(table, "xdebugpy", 8) ? table : NULL;
}

// @return Whether the table has @p field in its form @p form.
static bool published(const uint8_t *table, enum rs_py_form form,
		      enum rs_field field, uint64_t *ret)
{
	for (size_t i = 0; i < rs_py_published_offsets_count; i++) {
		if (rs_py_published_offsets[i].field != field ||
		    !rs_py_published_offsets[i].at[form])
			continue;
		memcpy(ret, table + rs_py_published_offsets[i].at[form],
		       sizeof(*ret));
		return true;
	}
	return false;
}

// In all builds the header of an object ends with its type, and in a tuple the
// number of items follows.
static bool fits(const uint8_t *table, enum rs_py_form form)
{
	uint64_t size = 0, type = 0, items = 0, bytes = 0, ascii = 0;

	return published(table, form, RS_F__object___size, &size) &&
	       published(table, form, RS_F__object__ob_type, &type) &&
	       published(table, form, RS_F_PyVarObject__ob_size, &items) &&
	       published(table, form, RS_F_PyBytesObject__ob_sval, &bytes) &&
	       published(table, form, RS_F_PyASCIIObject__length, &ascii) &&
	       (size == 16 || size == 32) && type == size - 8 &&
	       items == size && bytes == size + 16 && ascii == size;
}

static enum rs_py_form form_of_version(uint32_t version)
{
	return version < RS_PY(3, 14)	? RS_PY_FORM_313
	       : version < RS_PY(3, 15) ? RS_PY_FORM_314
					: RS_PY_FORM_315;
}

// The form of the version; if it does not match, another one that does.
static bool find_form(const struct rs_cpython *py, const uint8_t *table,
		      enum rs_py_form *ret)
{
	*ret = form_of_version(py->version);
	if (fits(table, *ret))
		return true;
	for (int form = RS_PY_FORMS - 1; form >= 0; form--) {
		if (!fits(table, (enum rs_py_form)form))
			continue;
		*ret = (enum rs_py_form)form;
		return true;
	}
	return false;
}

// @return false when an entry is damaged; the layout is then partly corrected.
static bool take(const uint8_t *table, enum rs_py_form form,
		 struct rs_layout *layout, unsigned *corrected)
{
	for (size_t i = 0; i < rs_py_published_offsets_count; i++) {
		const uint16_t at = rs_py_published_offsets[i].at[form];
		int32_t *offset =
			&layout->offset[rs_py_published_offsets[i].field];
		uint64_t value;

		if (!at)
			continue;
		memcpy(&value, table + at, sizeof(value));
		// A field of one word has that size in all releases.
		if (value > RS_OFFSET_MAX ||
		    (*offset >= 0 && *offset % 8 == 0 && value % 8))
			return false;
		*corrected += *offset != (int32_t)value;
		*offset = (int32_t)value;
	}
	return true;
}

static bool is_covered(enum rs_field field, enum rs_py_form form)
{
	for (size_t i = 0; i < rs_py_published_offsets_count; i++)
		if (rs_py_published_offsets[i].field == field &&
		    rs_py_published_offsets[i].at[form])
			return true;
	return false;
}

// A field that the table lacks moves with the last field before it that the
// table has: patch releases add fields, which moves all later ones.
static void move_between(const struct rs_layout *row, enum rs_py_form form,
			 struct rs_layout *layout)
{
	const int first = RS_F__is___size, end = (int)rs_struct_end(first);

	for (int f = first; f < end; f++) {
		int32_t anchor = -1, moved = 0;

		if (row->offset[f] < RS_COUNT_MAX ||
		    is_covered((enum rs_field)f, form))
			continue;
		for (int a = first; a < end; a++) {
			if (row->offset[a] > row->offset[f] ||
			    row->offset[a] <= anchor ||
			    !is_covered((enum rs_field)a, form))
				continue;
			anchor = row->offset[a];
			moved = layout->offset[a] - anchor;
		}
		layout->offset[f] += moved;
	}
}

static void tell_damaged(struct rs_cpython *py)
{
	rs_memory_problem(py->base.memory,
			  "CPython %s: its table of offsets "
			  "(_Py_DebugOffsets) is damaged and is not used",
			  py->version_text);
}

struct rs_error *
rs_py_debug_offsets(struct rs_cpython *py, struct rs_layout *layout)
{
	const uint8_t *table = find_table(py);
	RS_AUTO_FREE struct rs_layout *row = malloc(sizeof(*row));
	unsigned corrected = 0;
	uint64_t gc = 0;
	enum rs_py_form form;

	if (!row)
		return &rs_enomem;
	if (!table)
		return NULL;
	if (!find_form(py, table, &form)) {
		tell_damaged(py);
		return NULL;
	}
	// First, because it moves the others.
	if (form == RS_PY_FORM_314 &&
	    published(table, form, RS_F__gc_runtime_state___size, &gc) &&
	    gc == RS_GC_SIZE_INCREMENTAL) {
		py->incremental = true;
		// Debug information is already right.
		if (layout->offset[RS_F__gc_runtime_state___size] !=
		    RS_GC_SIZE_INCREMENTAL)
			make_incremental(py, layout);
	}
	*row = *layout;
	const bool taken = take(table, form, layout, &corrected);
	if (taken && corrected)
		move_between(row, form, layout);
	if (!taken || !rs_layout_is_sound(layout)) {
		*layout = *row;
		tell_damaged(py);
		return NULL;
	}
	const size_t used = strlen(py->layout_text);
	(void)snprintf(py->layout_text + used, sizeof(py->layout_text) - used,
		       ", %u of its offsets corrected by _Py_DebugOffsets",
		       corrected);
	return NULL;
}

bool rs_py_debug_offsets_alone(const struct rs_cpython *py,
			       struct rs_layout *layout)
{
	const uint8_t *table = find_table(py);
	unsigned corrected = 0;
	enum rs_py_form form;

	if (!table || !find_form(py, table, &form))
		return false;
	return take(table, form, layout, &corrected) &&
	       rs_layout_is_sound(layout);
}
