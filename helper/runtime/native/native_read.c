// SPDX-License-Identifier: MIT
#include "runtime/native/native.h"

#include "base/pair_set.h"

#include <stdlib.h>

/** Where in the object a struct is, for its labels. */
struct place {
	uint32_t path;
	uint64_t index; // of the outermost array's element, plus 1; 0 none
};

/** A struct, or an array of them, in the middle of being read. */
struct frame {
	const struct rs_native_type *type;
	uint64_t base; // of the element being read
	uint64_t left; // elements after it
	uint32_t field; // the next one
	bool is_array; // whose elements are counted by the label's index
	struct place place;
};

/** What reading objects needs, kept from one to the next: nested structs are
 * read by frames, not by recursion, which a core could drive to any depth. */
struct rs_native_reader {
	struct rs_vec frame; // struct frame
	struct rs_pair_set part; // structs that pointers led to, types
};

/** One object being read. */
struct reading {
	struct rs_native *native;
	int python; // see rs_native_references()
	struct rs_refs *refs; // NULL: only the bytes are wanted
	uint64_t bytes;
	uint64_t structs; // read so far
	enum rs_native_health health;
	bool incomplete;
};

struct rs_error *rs_native_reader_new(struct rs_native *native)
{
	native->reader = calloc(1, sizeof(*native->reader));
	return native->reader ? NULL : &rs_enomem;
}

void rs_native_reader_free(struct rs_native *native)
{
	if (!native->reader)
		return;
	rs_vec_fini(&native->reader->frame);
	rs_pair_set_fini(&native->reader->part);
	free(native->reader);
	native->reader = NULL;
}

bool rs_native_elements(struct rs_native *native,
			const struct rs_native_field *field, uint64_t base,
			uint64_t *first, uint64_t *count)
{
	const struct rs_field *raw = &field->raw;
	struct rs_memory *memory = native->base.memory;

	*first = base + raw->offset;
	*count = raw->length ? raw->length : 1;
	if (raw->count_width &&
	    !rs_native_read_width(memory, base + raw->count_offset,
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

/** The path of @p field among the last steps to @p parent; 0: none. */
static uint32_t find_step(const struct rs_native *native, uint32_t parent,
			  const struct rs_native_field *field)
{
	enum { RS_STEPS = 16 }; // a list of structs has few kinds of them
	const struct rs_native_path *path =
		rs_vec_items(&native->path, const struct rs_native_path);

	for (int i = 0; i < RS_STEPS && parent; i++) {
		if (path[parent - 1].field == field)
			return parent;
		parent = path[parent - 1].parent;
	}
	return 0;
}

uint32_t rs_native_path(struct rs_native *native, uint32_t parent,
			struct rs_native_field *field)
{
	if (field->memo_path && field->memo_parent == parent)
		return field->memo_path;

	struct rs_native_path *path =
		rs_vec_items(&native->path, struct rs_native_path);
	const uint32_t n =
		(uint32_t)rs_vec_count(&native->path, struct rs_native_path);
	// A struct that leads to others of its kind: a list has one path.
	uint32_t i = field->of ? find_step(native, parent, field) : 0;

	if (i) {
		path[--i].repeats = true;
	} else {
		while (i < n &&
		       (path[i].field != field || path[i].parent != parent))
			i++;
	}
	if (i == n) {
		struct rs_native_path *p =
			rs_vec_push(&native->path, sizeof(*p));
		if (!p)
			return 0;
		*p = (struct rs_native_path){.field = field, .parent = parent};
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
	struct rs_label label = {0, RS_LABEL_PATH};
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

/** @return An enum rs_kind, or -1: another reader reports this reference. */
static int
kind_of(const struct reading *reading, unsigned hold, uint64_t target)
{
	if (hold != RS_HOLD_STRONG)
		return hold == RS_HOLD_WEAK ? RS_WEAK : RS_OWNED;

	// A collector knows the objects of its own runtime only.
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
			reading->health = RS_NATIVE_WILD_ARRAY;
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

/** Begin to read @p count structs at @p first, which @p field leads to. */
static void push_structs(struct reading *reading, const struct frame *from,
			 struct rs_native_field *field, uint64_t first,
			 uint64_t count)
{
	struct rs_native *native = reading->native;
	struct rs_vec *frames = &native->reader->frame;
	struct place place = from->place;
	bool is_new = true;

	// A list of structs may be a ring of them: each is read once.
	if (field->raw.kind == RS_FIELD_POINTER &&
	    !rs_pair_set_add(&native->reader->part, first,
			     (uint64_t)(uintptr_t)field->of, &is_new)) {
		reading->incomplete = true;
		return;
	}
	if (!is_new)
		return;
	if (reading->refs && reading->refs->label) {
		const uint32_t path = rs_native_path(native, place.path, field);

		// One more step along a list, unless it lies in an array.
		if (path <= place.path && !from->is_array)
			place.index++;
		place.path = path;
	}
	struct frame *frame = rs_vec_push(frames, sizeof(*frame));
	if (!frame) {
		reading->incomplete = true;
		return;
	}
	*frame = (struct frame){
		.type = field->of,
		.base = first,
		.left = count,
		.field = UINT32_MAX, // the first element is yet to be begun
		.is_array = !place.index && is_array(&field->raw),
		.place = place,
	};
}

static void read_field(struct reading *reading, const struct frame *at,
		       struct rs_native_field *field)
{
	const struct rs_field *raw = &field->raw;
	const struct rs_native_type *type = at->type;
	uint64_t first;
	uint64_t count;

	if (raw->kind > RS_FIELD_POINTER)
		return;
	if (!rs_native_elements(reading->native, field, at->base, &first,
				&count)) {
		reading->health = RS_NATIVE_UNREADABLE;
		return;
	}
	if (!first)
		return;
	const uint64_t words = rs_native_words(reading->native);
	if (count > words) {
		count = words;
		reading->health = RS_NATIVE_WILD_ARRAY;
	}
	const uint64_t step = field->of ? field->of->raw.size : 8;
	if (raw->kind == RS_FIELD_POINTER ||
	    (raw->count_width && raw->offset + count * step > type->raw.size))
		reading->bytes += count * step;
	if (field->of && count)
		push_structs(reading, at, field, first, count);
	else if (reading->refs && !field->of)
		read_pointers(reading, type, field, at->base, &at->place, first,
			      count);
}

/** Begin the next element of @p frame. @return false when there is none. */
static bool next_element(struct reading *reading, struct frame *frame)
{
	struct rs_memory *memory = reading->native->base.memory;
	const uint64_t size = frame->type->raw.size;
	const bool first = frame->field == UINT32_MAX;

	if (!frame->left)
		return false;
	// A wild count ends at the first hole.
	if (!rs_memory_at(memory, frame->base + (first ? 0 : size), size) ||
	    ++reading->structs > rs_native_words(reading->native)) {
		reading->health = RS_NATIVE_WILD_ARRAY;
		return false;
	}
	if (!first)
		frame->base += size;
	if (frame->is_array)
		frame->place.index++;
	frame->field = 0;
	frame->left--;
	return true;
}

static void read_structs(struct reading *reading)
{
	struct rs_vec *frames = &reading->native->reader->frame;

	while (frames->used) {
		struct frame *top = rs_vec_items(frames, struct frame) +
				    rs_vec_count(frames, struct frame) - 1;

		if (top->field < top->type->fields) {
			// By value: reading the field may move the frames.
			const struct frame at = *top;

			top->field++;
			read_field(reading, &at, &at.type->field[at.field]);
		} else if (!next_element(reading, top)) {
			frames->used -= sizeof(*top);
		}
	}
}

enum rs_native_health
rs_native_references(struct rs_native *native,
		     const struct rs_native_type *type, uint64_t address,
		     int python, struct rs_refs *refs, uint64_t *bytes)
{
	struct reading reading = {
		.native = native, .python = python, .refs = refs};
	struct rs_vec *frames = &native->reader->frame;

	frames->used = 0;
	rs_pair_set_clear(&native->reader->part);
	struct frame *frame = rs_vec_push(frames, sizeof(*frame));
	if (frame) {
		*frame = (struct frame){.type = type, .base = address};
		read_structs(&reading);
	}
	if (bytes)
		*bytes = reading.bytes;
	if (refs)
		refs->incomplete |= !frame || reading.incomplete ||
				    reading.health != RS_NATIVE_SOUND;
	return reading.health;
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
 * searched for words that might be what the callback would visit.
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
	refs->incomplete |= size < type->raw.size;
}

static void read_count(struct rs_native *native,
		       const struct rs_native_type *type, uint64_t address,
		       struct rs_row *row)
{
	const struct rs_type *raw = &type->raw;
	uint64_t value;

	if (!raw->count_width ||
	    !rs_native_read_width(native->base.memory,
				  address + raw->count_offset, raw->count_width,
				  &value)) {
		row->flags |= RS_OBJ_INEXACT | RS_OBJ_IMMORTAL;
		return;
	}
	const int64_t count = rs_native_decode_count(raw, value);
	if (count > 0) // UINT32_MAX stands for an immortal one
		row->count =
			count >= UINT32_MAX ? UINT32_MAX - 1 : (uint32_t)count;
}

// Whether the collector could raise the count to hold the object itself.
static bool
can_hold(struct rs_native *native, const struct rs_type *raw, uint64_t address)
{
	const unsigned bits = 8U * raw->count_width;
	uint64_t value;

	if (raw->count_shift + 1U >= bits ||
	    !rs_native_read_width(native->base.memory,
				  address + raw->count_offset, raw->count_width,
				  &value))
		return false;
	const uint64_t most =
		(bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1) >>
		raw->count_shift;
	return value >> raw->count_shift < most;
}

static void fill_row(struct rs_native *native,
		     const struct rs_native_type *type, uint64_t address,
		     bool finalized, struct rs_row *row)
{
	*row = (struct rs_row){.type = type->row, .flags = type->flags};
	row->flags |= RS_OBJ_GC | RS_OBJ_TRACKED;
	if (finalized)
		row->flags |= RS_OBJ_FINALIZED;
	read_count(native, type, address, row);
	if (!can_hold(native, &type->raw, address))
		row->flags |= RS_OBJ_UNFREEABLE;
}

/** Of an object of which nothing can be relied on: it, and what it holds, is
 * in use. */
static void fill_unknown(const struct rs_native_type *type, struct rs_row *row)
{
	*row = (struct rs_row){
		.type = type->row,
		.flags = RS_OBJ_GC | RS_OBJ_TRACKED | RS_OBJ_INEXACT |
			 RS_OBJ_IMMORTAL,
		.size = type->raw.size,
	};
}

void rs_native_read(struct rs_runtime *rt, uint64_t address, struct rs_row *row,
		    bool want_size, struct rs_refs *refs)
{
	struct rs_native *native = rs_native_of(rt);
	const uint32_t i = rs_addrmap_number(&native->map, address);
	uint64_t bytes = 0;

	if (i == RS_NONE)
		return;
	const struct rs_native_type *type =
		rs_native_entry_is(native, native->entry[i]);
	const uint32_t before = refs ? refs->n : 0;
	enum rs_native_health health =
		rs_native_check(native, i, type, address);
	const bool is_huge = health == RS_NATIVE_HUGE_COUNT;

	if (is_huge)
		health = RS_NATIVE_SOUND;
	if (health == RS_NATIVE_SOUND && (refs || want_size))
		health = rs_native_references(native, type, address,
					      RS_OVERLAY_NONE, refs, &bytes);
	if (health != RS_NATIVE_SOUND) {
		rs_native_note_unknown(native, i, address, health);
		if (refs) {
			refs->n = before;
			refs->incomplete = true;
		}
		if (row)
			fill_unknown(type, row);
		return;
	}
	if (refs && type->raw.traverse)
		guess(native, type, address, refs);
	if (refs && type->damaged)
		refs->incomplete = true;
	if (!row)
		return;
	fill_row(native, type, address, native->entry[i] & RS_NATIVE_FINALIZED,
		 row);
	if (is_huge)
		rs_native_note_huge(native, i, address, row->count);
	if (refs && refs->incomplete)
		row->flags |= RS_OBJ_INEXACT;
	row->size = type->raw.size + bytes;
}
