// SPDX-License-Identifier: MIT
//
// 3.13 and later start _PyRuntime with a table of their own offsets. It
// covers little (no list heads, no allocator), but what it covers it knows
// better than any table of ours: it corrects the row, and the fields of
// PyInterpreterState between those that it covers are moved with them.
//
// Of a release that no row is of it is all there is: see outline.c.
//
// Source: CPython Include/internal/pycore_runtime.h of 3.13,
// pycore_debug_offsets.h of 3.14 and 3.15.
#include "base/cleanup.h"
#include "runtime/cpython/state/discover.h"

#include <stdio.h>

const struct rs_py_told_offset rs_py_told_offsets[] = {
	{RS_F_pyruntimestate__interpreters__head, {40, 40, 40}},
	{RS_F__is__id, {56, 56, 56}},
	{RS_F__is__next, {64, 64, 64}},
	{RS_F__is__threads__head, {72, 72, 72}},
	{RS_F__is__gc, {80, 88, 88}},
	{RS_F__is__imports__modules, {88, 96, 96}},
	{RS_F__is__sysdict, {96, 104, 104}},
	{RS_F__is__builtins, {104, 112, 112}},
	{RS_F__is__ceval__gil, {112, 120, 120}},
	{RS_F__is___gil, {120, 128, 128}},
	{RS_F__is___gil__locked, {136, 144, 144}},
	{RS_F__is___gil__last_holder, {144, 152, 152}},
	{RS_F__ts__prev, {160, 184, 184}},
	{RS_F__ts__next, {168, 192, 192}},
	{RS_F__ts__interp, {176, 200, 200}},
	{RS_F__ts__current_frame, {184, 208, 208}},
	{RS_F__ts__thread_id, {192, 216, 240}},
	{RS_F__ts__native_thread_id, {200, 224, 248}},
	{RS_F__ts__datastack_chunk, {208, 232, 256}},
	{RS_F__PyInterpreterFrame__previous, {232, 256, 320}},
	{RS_F__PyInterpreterFrame__f_executable, {240, 264, 328}},
	{RS_F__PyInterpreterFrame__instr_ptr, {248, 272, 336}},
	{RS_F__PyInterpreterFrame__localsplus, {256, 280, 344}},
	{RS_F__PyInterpreterFrame__owner, {264, 288, 352}},
	{RS_F__PyInterpreterFrame__stackpointer, {0, 296, 360}},
	{RS_F_PyCodeObject__co_filename, {280, 320, 384}},
	{RS_F_PyCodeObject__co_name, {288, 328, 392}},
	{RS_F_PyCodeObject__co_qualname, {296, 336, 400}},
	{RS_F_PyCodeObject__co_linetable, {304, 344, 408}},
	{RS_F_PyCodeObject__co_firstlineno, {312, 352, 416}},
	{RS_F_PyCodeObject__co_localsplusnames, {328, 368, 432}},
	{RS_F_PyCodeObject__co_localspluskinds, {336, 376, 440}},
	{RS_F_PyCodeObject__co_code_adaptive, {344, 384, 448}},
	{RS_F__object___size, {352, 400, 464}},
	{RS_F__object__ob_type, {360, 408, 472}},
	{RS_F_PyTupleObject__ob_item, {408, 456, 552}},
	{RS_F_PyVarObject__ob_size, {416, 464, 560}},
	{RS_F_PyListObject__ob_item, {432, 480, 576}},
	{RS_F_PySetObject__table, {0, 512, 608}},
	{RS_F_PySetObject__mask, {0, 520, 616}},
	{RS_F_PyDictObject__ma_keys, {456, 536, 632}},
	{RS_F_PyDictObject__ma_values, {464, 544, 640}},
	{RS_F_PyBytesObject__ob_sval, {528, 608, 704}},
	{RS_F_PyUnicodeObject___size, {536, 616, 712}},
	{RS_F_PyASCIIObject__state, {544, 624, 720}},
	{RS_F_PyASCIIObject__length, {552, 632, 728}},
	{RS_F_PyASCIIObject___size, {560, 640, 736}},
	{RS_F__gc_runtime_state___size, {568, 648, 752}},
	{RS_F__gc_runtime_state__collecting, {576, 656, 760}},
	{RS_F_PyGenObject__gi_name, {0, 672, 800}},
	{RS_F_PyGenObject__gi_iframe, {0, 680, 808}},
	{RS_F_PyGenObject__gi_frame_state, {0, 688, 816}},
};
const size_t rs_py_told_offsets_count =
	sizeof(rs_py_told_offsets) / sizeof(*rs_py_told_offsets);

enum {
	RS_TABLE_SIZE = 888, // of the largest form
	RS_COUNT_MAX = 1024, // of numbers of items, which are among the fields
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

// Incremental collector: PyInterpreterState behind it starts earlier, and its
// own state ends otherwise. Up to 3.14.3 one pointer less is before the heads
// of asyncio's tasks (gh-144438).
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
static bool told(const uint8_t *table, enum rs_py_form form,
		 enum rs_field field, uint64_t *ret)
{
	for (size_t i = 0; i < rs_py_told_offsets_count; i++) {
		if (rs_py_told_offsets[i].field != field ||
		    !rs_py_told_offsets[i].at[form])
			continue;
		memcpy(ret, table + rs_py_told_offsets[i].at[form],
		       sizeof(*ret));
		return true;
	}
	return false;
}

// In all builds an object's header ends with its type, and what follows it in
// a tuple is the number of items.
static bool fits(const uint8_t *table, enum rs_py_form form)
{
	uint64_t size = 0, type = 0, items = 0, bytes = 0, ascii = 0;

	return told(table, form, RS_F__object___size, &size) &&
	       told(table, form, RS_F__object__ob_type, &type) &&
	       told(table, form, RS_F_PyVarObject__ob_size, &items) &&
	       told(table, form, RS_F_PyBytesObject__ob_sval, &bytes) &&
	       told(table, form, RS_F_PyASCIIObject__length, &ascii) &&
	       (size == 16 || size == 32) && type == size - 8 &&
	       items == size && bytes == size + 16 && ascii == size;
}

static enum rs_py_form form_of_version(uint32_t version)
{
	return version < RS_PY(3, 14)	? RS_PY_FORM_313
	       : version < RS_PY(3, 15) ? RS_PY_FORM_314
					: RS_PY_FORM_315;
}

// The form that the version has, or another that fits when that does not.
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

// @return false: an entry is damaged; the layout is then half corrected.
static bool take(const uint8_t *table, enum rs_py_form form,
		 struct rs_layout *layout, unsigned *corrected)
{
	for (size_t i = 0; i < rs_py_told_offsets_count; i++) {
		const uint16_t at = rs_py_told_offsets[i].at[form];
		int32_t *offset = &layout->offset[rs_py_told_offsets[i].field];
		uint64_t value;

		if (!at)
			continue;
		memcpy(&value, table + at, sizeof(value));
		// What is a word in one release is one in all.
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
	for (size_t i = 0; i < rs_py_told_offsets_count; i++)
		if (rs_py_told_offsets[i].field == field &&
		    rs_py_told_offsets[i].at[form])
			return true;
	return false;
}

// What is not covered moves with the last field before it that is: patch
// releases add fields, which moves all behind them.
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
			  "CPython %s: what it says of its own layout "
			  "(_Py_DebugOffsets) is damaged, and is not used",
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
	// First, since it moves what follows.
	if (form == RS_PY_FORM_314 &&
	    told(table, form, RS_F__gc_runtime_state___size, &gc) &&
	    gc == RS_GC_SIZE_INCREMENTAL) {
		py->incremental = true;
		// Debug info, unlike a row, has it right already.
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
