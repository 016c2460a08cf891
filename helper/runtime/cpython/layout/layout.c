// SPDX-License-Identifier: MIT
#include "runtime/cpython/layout/layout.h"

#include <stdbool.h>
#include <string.h>

enum {
	RS_STRUCT_MAX = 1 << 20, // bytes
	RS_WORD = 8,
};

static uint32_t distance(const struct rs_layout *row, uint32_t version)
{
	const uint32_t a = row->version >> 8 & 0xff;
	const uint32_t b = version >> 8 & 0xff;

	return a > b ? a - b : b - a;
}

// Rows are ordered by distance, then by position in the table.
static bool
before(const struct rs_layout *a, const struct rs_layout *b, uint32_t version)
{
	const uint32_t da = distance(a, version), db = distance(b, version);

	return da < db || (da == db && a < b);
}

const struct rs_layout *
rs_layout_find(uint32_t version, enum rs_flavour flavour, size_t nth)
{
	const struct rs_layout *last = NULL;

	for (;; nth--) {
		const struct rs_layout *best = NULL;

		for (size_t i = 0; i < rs_layouts_count; i++) {
			const struct rs_layout *row = &rs_layouts[i];

			if (row->version >> 16 != version >> 16 ||
			    row->flavour != flavour ||
			    (last && !before(last, row, version)))
				continue;
			if (!best || before(row, best, version))
				best = row;
		}
		if (!best || !nth)
			return best;
		last = best;
	}
}

// A flexible array member begins where the struct ends.
static bool is_array(int field)
{
	const struct rs_field_name *name = &rs_field_names[field];

	return field + 1 < RS_FIELDS && name[1].kind == RS_FIELD_COUNT &&
	       strcmp(name[0].field, name[1].field) == 0;
}

static bool is_inside(const struct rs_layout *layout, int field, int32_t size)
{
	const int32_t at = layout->offset[field];

	switch (rs_field_names[field].kind) {
	case RS_FIELD_OFFSET:
		if (at % RS_WORD)
			return at + (at % 4 ? at % 2 ? 1 : 2 : 4) <= size;
		return at + RS_WORD <=
			       (size + RS_WORD - 1) / RS_WORD * RS_WORD ||
		       (at == size && is_array(field));
	case RS_FIELD_BIT:
		return at / 32 * 4 + 4 <= size;
	default:
		return true;
	}
}

// @p first is the size of a struct; its fields follow, up to @p end.
static bool is_sound_type(const struct rs_layout *layout, int first, int end)
{
	const int32_t size = layout->offset[first];

	if (size < 0)
		return true; // the size is not used for reading
	if (size == 0 || size > RS_STRUCT_MAX)
		return false;
	for (int f = first + 1; f < end; f++)
		if (layout->offset[f] >= 0 && !is_inside(layout, f, size))
			return false;
	return true;
}

bool rs_layout_is_sound(const struct rs_layout *layout)
{
	for (int f = 0; f < RS_FIELDS;) {
		const int end = (int)rs_struct_end((enum rs_field)f);

		if (!is_sound_type(layout, f, end))
			return false;
		f = end;
	}
	return true;
}
