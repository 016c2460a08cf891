// SPDX-License-Identifier: MIT
#include "runtime/native/native.h"

#include <stdlib.h>

/** One object being read. */
struct reading {
	struct rs_native *native;
	int python; // see rs_native_references()
	struct rs_refs *refs; // NULL: only the bytes are wanted
	uint64_t bytes;
	bool incomplete;
};

/** Where in the object a struct is, for its labels. */
struct place {
	uint32_t path;
	uint64_t index; // of the outermost array's element, plus 1; 0 none
	unsigned depth;
};

static bool read_width(struct rs_memory *memory, uint64_t address,
		       unsigned width, uint64_t *ret)
{
	*ret = 0;
	// Little-endian: the low bytes come first.
	return rs_memory_read(memory, address, ret, width);
}

bool rs_native_elements(struct rs_native *native,
			const struct rs_native_field *field, uint64_t base,
			uint64_t *first, uint64_t *count)
{
	const struct rs_field *raw = &field->raw;
	struct rs_memory *memory = native->base.memory;

	*first = base + raw->offset;
	*count = raw->length ? raw->length : 1;
	if (raw->count_width && !read_width(memory, base + raw->count_offset,
					    raw->count_width, count))
		return false;
	return raw->kind != RS_FIELD_POINTER ||
	       rs_memory_u64(memory, *first, first);
}

/** Whether an index belongs in the label of an element of @p field. */
static bool is_array(const struct rs_field *raw)
{
	return raw->count_width || raw->length > 1;
}

uint32_t rs_native_path(struct rs_native *native, uint32_t parent,
			struct rs_native_field *field)
{
	if (field->memo_path && field->memo_parent == parent)
		return field->memo_path;

	const struct rs_native_path *path =
		rs_vec_items(&native->path, struct rs_native_path);
	const uint32_t n =
		(uint32_t)rs_vec_count(&native->path, struct rs_native_path);
	uint32_t i = 0;

	while (i < n && (path[i].field != field || path[i].parent != parent))
		i++;
	if (i == n) {
		struct rs_native_path *p =
			rs_vec_push(&native->path, sizeof(*p));
		if (!p)
			return 0;
		*p = (struct rs_native_path){field, parent, NULL};
	}
	field->memo_parent = parent;
	field->memo_path = i + 1;
	return i + 1;
}

void rs_native_paths_free(struct rs_native *native)
{
	struct rs_native_path *path =
		rs_vec_items(&native->path, struct rs_native_path);
	const size_t n = rs_vec_count(&native->path, struct rs_native_path);

	for (size_t i = 0; i < n; i++)
		free(path[i].text);
	rs_vec_fini(&native->path);
}

static struct rs_label label_of(struct rs_native *native,
				const struct rs_native_type *type,
				struct rs_native_field *field, uint64_t base,
				const struct place *place, uint64_t i)
{
	struct rs_label label = {0, RS_LABEL_FIELD};
	const uint64_t index =
		place->index || !is_array(&field->raw) ? place->index : i + 1;

	if (field->raw.flags & RS_FIELD_DICT)
		return (struct rs_label){0, RS_LABEL_DICT};
	if (type->key &&
	    rs_memory_u64(native->base.memory, base + type->key->raw.offset,
			  &label.a) &&
	    label.a) {
		label.kind = RS_LABEL_KEY;
		return label;
	}
	label.a = (uint64_t)rs_native_path(native, place->path, field) << 40 |
		  (index & ((UINT64_C(1) << 40) - 1));
	return label;
}

/** @return An enum rs_kind, or -1: another reader tells this reference. */
static int
kind_of(const struct reading *reading, unsigned hold, uint64_t target)
{
	if (hold != RS_HOLD_STRONG)
		return hold == RS_HOLD_WEAK ? RS_WEAK : RS_OWNED;

	// Each collector knows its own objects only.
	const bool is_native = rs_addrmap_has(&reading->native->map, target);
	if (reading->python != RS_OVERLAY_NONE)
		return is_native ? RS_OWNED : reading->python;
	return is_native ? RS_STRONG : RS_OWNED;
}

static void
read_pointers(struct reading *reading, const struct rs_native_type *type,
	      struct rs_native_field *field, uint64_t base,
	      const struct place *place, uint64_t first, uint64_t count)
{
	struct rs_native *native = reading->native;
	struct rs_refs *refs = reading->refs;

	for (uint64_t i = 0; i < count; i++) {
		uint64_t target;

		if (!rs_memory_u64(native->base.memory, first + 8 * i,
				   &target)) {
			reading->incomplete = true;
			return;
		}
		const int kind = kind_of(reading, field->raw.hold, target);
		if (!target || kind < 0)
			continue;
		const struct rs_label label =
			refs->label
				? label_of(native, type, field, base, place, i)
				: (struct rs_label){0, 0};
		rs_refs_add(refs, target, (enum rs_kind)kind, label.kind,
			    label.a);
	}
}

static void read_struct(struct reading *reading,
			const struct rs_native_type *type, uint64_t base,
			const struct place *place);

static void read_structs(struct reading *reading, struct rs_native_field *field,
			 const struct place *place, uint64_t first,
			 uint64_t count)
{
	struct rs_native *native = reading->native;
	struct place deeper = *place;

	deeper.depth++;
	if (reading->refs && reading->refs->label)
		deeper.path = rs_native_path(native, place->path, field);
	for (uint64_t i = 0; i < count; i++) {
		const uint64_t at = first + i * field->of->raw.size;

		// A wild count ends at the first hole.
		if (!rs_memory_at(native->base.memory, at,
				  field->of->raw.size)) {
			reading->incomplete = true;
			return;
		}
		if (!place->index && is_array(&field->raw))
			deeper.index = i + 1;
		read_struct(reading, field->of, at, &deeper);
	}
}

static void read_field(struct reading *reading,
		       const struct rs_native_type *type,
		       struct rs_native_field *field, uint64_t base,
		       const struct place *place)
{
	const struct rs_field *raw = &field->raw;
	uint64_t first;
	uint64_t count;

	if (!rs_native_elements(reading->native, field, base, &first, &count)) {
		reading->incomplete = true;
		return;
	}
	if (!first)
		return;
	if (count > RS_NATIVE_ELEMENTS) {
		count = RS_NATIVE_ELEMENTS;
		reading->incomplete = true;
	}
	const uint64_t step = field->of ? field->of->raw.size : 8;
	if (raw->kind == RS_FIELD_POINTER ||
	    (raw->count_width && raw->offset + count * step > type->raw.size))
		reading->bytes += count * step;
	if (field->of)
		read_structs(reading, field, place, first, count);
	else if (reading->refs)
		read_pointers(reading, type, field, base, place, first, count);
}

static void read_struct(struct reading *reading,
			const struct rs_native_type *type, uint64_t base,
			const struct place *place)
{
	if (place->depth > RS_NATIVE_NESTING) {
		reading->incomplete = true;
		return;
	}
	for (uint32_t i = 0; i < type->fields; i++) {
		struct rs_native_field *field = &type->field[i];

		if (field->raw.kind <= RS_FIELD_POINTER)
			read_field(reading, type, field, base, place);
	}
}

void rs_native_references(struct rs_native *native,
			  const struct rs_native_type *type, uint64_t address,
			  int python, struct rs_refs *refs, uint64_t *bytes)
{
	struct reading reading = {native, python, refs, 0, false};
	const struct place place = {0, 0, 0};

	read_struct(&reading, type, address, &place);
	if (bytes)
		*bytes = reading.bytes;
	if (reading.incomplete && refs)
		refs->incomplete = true;
}

/** Whether the word at @p offset is described, so that it is no guess. */
static bool is_described(const struct rs_native_type *type, uint64_t offset)
{
	const uint64_t count_at = type->raw.count_offset;

	if (type->raw.count_width && count_at < offset + 8 &&
	    count_at + type->raw.count_width > offset)
		return true;
	for (uint32_t i = 0; i < type->fields; i++) {
		const struct rs_native_field *field = &type->field[i];
		const struct rs_field *raw = &field->raw;
		uint64_t size = 8;

		if (raw->kind == RS_FIELD_INLINE) {
			size = field->of ? field->of->raw.size : 8;
			size *= raw->length ? raw->length : 1;
			if (raw->count_width) // to the end of the object
				size = type->raw.size;
		}
		if (offset + 8 > raw->offset && offset < raw->offset + size)
			return true;
	}
	return false;
}

/**
 * A traverse callback cannot be run by reading: what the fields leave out is
 * searched for words that might be what the callback would tell.
 */
static void guess(struct rs_native *native, const struct rs_native_type *type,
		  uint64_t address, struct rs_refs *refs)
{
	enum { RS_MOST = 32768 };
	const uint64_t size =
		type->raw.size < RS_MOST ? type->raw.size : RS_MOST;

	for (uint64_t offset = 0; offset + 8 <= size; offset += 8) {
		uint64_t word;

		if (is_described(type, offset))
			continue;
		if (!rs_memory_u64(native->base.memory, address + offset,
				   &word))
			return;
		if (word && !(word & 7) && word >> RS_ADDRESS_BITS == 0)
			rs_refs_add(refs, word, RS_GUESS, RS_LABEL_WORD,
				    offset);
	}
}

static uint32_t read_count(struct rs_native *native,
			   const struct rs_native_type *type, uint64_t address,
			   uint16_t *flags)
{
	const struct rs_type *raw = &type->raw;
	uint64_t value;

	if (!raw->count_width ||
	    !read_width(native->base.memory, address + raw->count_offset,
			raw->count_width, &value)) {
		*flags |= RS_OBJ_INEXACT;
		return 0;
	}
	const int64_t count =
		(int64_t)((value >> raw->count_shift) & INT64_MAX) +
		raw->count_bias;
	if (count < 0)
		return 0;
	// UINT32_MAX says immortal, which nothing here is.
	return count >= UINT32_MAX ? UINT32_MAX - 1 : (uint32_t)count;
}

void rs_native_read(struct rs_runtime *rt, uint64_t address, struct rs_row *row,
		    bool want_size, struct rs_refs *refs)
{
	struct rs_native *native = rs_native_of(rt);
	bool finalized = false;
	const struct rs_native_type *type =
		rs_native_type_at(native, address, &finalized);
	uint64_t bytes = 0;

	if (!type)
		return;
	if (refs) {
		refs->incomplete = false;
		rs_native_references(native, type, address, RS_OVERLAY_NONE,
				     refs, &bytes);
		if (type->raw.traverse)
			guess(native, type, address, refs);
	} else if (want_size) {
		rs_native_references(native, type, address, RS_OVERLAY_NONE,
				     NULL, &bytes);
	}
	if (!row)
		return;
	*row = (struct rs_row){.type = type->row, .flags = type->flags};
	row->flags |= RS_OBJ_GC | RS_OBJ_TRACKED;
	if (finalized)
		row->flags |= RS_OBJ_FINALIZED;
	if (refs && refs->incomplete)
		row->flags |= RS_OBJ_INEXACT;
	row->count = read_count(native, type, address, &row->flags);
	row->size = type->raw.size + bytes;
}
