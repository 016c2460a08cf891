// SPDX-License-Identifier: MIT
//
// Tracked objects that are not what the registry says: unmapped, freed, or
// used for something else since. Nothing of them is believed; they are counted
// in every answer and the first few are named in "problems". Each word of the
// target may be wrong by itself, so it takes several that agree.
#include "runtime/native/native.h"

#include <inttypes.h>

enum {
	RS_PAGE = 4096,
	// Of glibc's malloc, in bytes: the word before a block is its size,
	// with flags in the lowest three bits; blocks come in multiples of 16.
	RS_BLOCK_STEP = 16,
	RS_BLOCK_LEAST = 32,
	RS_BLOCK_FLAGS = 7,
	RS_BLOCK_BEFORE_IN_USE = 1,
	RS_BLOCK_MAPPED = 2,
	RS_SAMPLE = 64, // objects of a type
	RS_SAMPLE_LEAST = 8,
	RS_LEAST_WORDS = 1 << 24, // a core may be truncated
};

static bool
is_readable(struct rs_memory *memory, uint64_t address, uint64_t size)
{
	char byte;

	if (!size || rs_memory_at(memory, address, size))
		return true;
	// It may lie across two segments.
	for (uint64_t at = address; at < address + size;
	     at = (at | (RS_PAGE - 1)) + 1) {
		if (!rs_memory_read(memory, at, &byte, 1))
			return false;
	}
	return rs_memory_read(memory, address + size - 1, &byte, 1);
}

static uint64_t block_size(const struct rs_native_type *type)
{
	const uint64_t size =
		((uint64_t)type->raw.size + 8 + RS_BLOCK_STEP - 1) &
		~(uint64_t)(RS_BLOCK_STEP - 1);

	return size < RS_BLOCK_LEAST ? RS_BLOCK_LEAST : size;
}

/** @return Whether a malloc block's header seems to be before @p address. */
static bool read_header(struct rs_memory *memory, uint64_t address,
			uint64_t *size, unsigned *flags)
{
	uint64_t word;

	if (address % RS_BLOCK_STEP ||
	    !rs_memory_u64(memory, address - 8, &word))
		return false;
	*size = word & ~(uint64_t)RS_BLOCK_FLAGS;
	*flags = (unsigned)(word & RS_BLOCK_FLAGS);
	return *size >= RS_BLOCK_LEAST && *size % RS_BLOCK_STEP == 0 &&
	       *size < (UINT64_C(1) << 32);
}

static bool has_block(struct rs_memory *memory,
		      const struct rs_native_type *type, uint64_t address)
{
	const uint64_t wanted = block_size(type);
	uint64_t size;
	unsigned flags;

	return read_header(memory, address, &size, &flags) &&
	       !(flags & RS_BLOCK_MAPPED) &&
	       (size == wanted || size == wanted + RS_BLOCK_STEP);
}

struct sample {
	uint32_t seen, fit;
};

void rs_native_learn_blocks(struct rs_native *native)
{
	const size_t types = rs_vec_count(&native->type, void *);
	struct rs_native_type **type =
		rs_vec_items(&native->type, struct rs_native_type *);
	uint64_t *address = NULL;
	struct sample *sample = NULL;
	const uint32_t n = native->map.count;

	// Out of memory: blocks are then not looked at.
	rs_error_free(rs_block_new(n, sizeof(*address), &address));
	rs_error_free(rs_block_new(types, sizeof(*sample), &sample));
	if (address && sample)
		rs_addrmap_list(&native->map, address);
	for (uint32_t i = 0; address && sample && i < n; i++) {
		const struct rs_native_type *t =
			rs_native_entry_is(native, native->entry[i]);
		struct sample *s = &sample[t->number];

		if (s->seen == RS_SAMPLE || t->unknown)
			continue;
		s->seen++;
		s->fit += has_block(native->base.memory, t, address[i]);
	}
	for (size_t t = 0; sample && t < types; t++)
		type[t]->is_malloced = sample[t].seen >= RS_SAMPLE_LEAST &&
				       sample[t].fit * 10 >= sample[t].seen * 9;
	rs_block_free(address, n, sizeof(*address));
	rs_block_free(sample, types, sizeof(*sample));
}

/**
 * Whether the block at @p block, of @p size bytes, lies in one that malloc has
 * on its free lists. That one's size is written at both its ends.
 */
static bool
is_in_free_block(struct rs_memory *memory, uint64_t block, uint64_t size)
{
	uint64_t next_size, whole, head;
	unsigned flags;

	if (!read_header(memory, block + size, &next_size, &flags) ||
	    flags & RS_BLOCK_BEFORE_IN_USE ||
	    !rs_memory_u64(memory, block + size - 16, &whole) ||
	    whole % RS_BLOCK_STEP || whole < size)
		return false;
	const uint64_t start = block + size - whole;
	return start <= block && read_header(memory, start, &head, &flags) &&
	       head == whole;
}

/**
 * What malloc's headers say of an object whose siblings each have a block of
 * their own. An object that lies in no block, a static one, is sound.
 */
static enum rs_native_health check_block(struct rs_memory *memory,
					 const struct rs_native_type *type,
					 uint64_t address)
{
	uint64_t size, next_size;
	unsigned flags;

	if (!read_header(memory, address, &size, &flags) ||
	    flags & RS_BLOCK_MAPPED)
		return RS_NATIVE_SOUND;
	if (is_in_free_block(memory, address, size))
		return RS_NATIVE_FREED;
	if (size < block_size(type) &&
	    read_header(memory, address + size, &next_size, &flags))
		return RS_NATIVE_SMALL_BLOCK;
	return RS_NATIVE_SOUND;
}

static uint64_t count_words(const struct rs_memory *memory)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < memory->segments; i++) {
		const struct rs_segment *s = &memory->segment[i];

		if (!s->from_file)
			bytes += s->end - s->start;
	}
	return bytes / 8;
}

uint64_t rs_native_words(struct rs_native *native)
{
	if (!native->words)
		native->words = count_words(native->base.memory) + 1;
	return native->words;
}

static uint64_t most_references(struct rs_native *native)
{
	const uint64_t words = rs_native_words(native);

	return words < RS_LEAST_WORDS ? RS_LEAST_WORDS : words;
}

static bool is_count_wild(struct rs_native *native,
			  const struct rs_native_type *type, uint64_t address)
{
	uint64_t value;

	return type->raw.count_width &&
	       rs_native_read_width(native->base.memory,
				    address + type->raw.count_offset,
				    type->raw.count_width, &value) &&
	       rs_native_decode_count(&type->raw, value) >
		       (int64_t)most_references(native);
}

/** Whether @p word can be the address of an element of @p field. */
static bool leads_somewhere(struct rs_memory *memory,
			    const struct rs_native_field *field, uint64_t word)
{
	const bool is_text = field->raw.kind > RS_FIELD_POINTER;
	char byte;

	if (!word)
		return true;
	return (is_text || word % 8 == 0) &&
	       rs_memory_read(memory, word, &byte, 1);
}

/** Whether a pointer that is described leads to no memory. */
static bool has_wild_pointer(struct rs_memory *memory,
			     const struct rs_native_type *type,
			     uint64_t address)
{
	for (uint32_t i = 0; i < type->fields; i++) {
		const struct rs_native_field *field = &type->field[i];
		uint64_t word;

		if (field->raw.kind == RS_FIELD_INLINE &&
		    (field->of || field->raw.count_width))
			continue; // a struct, or an array of unknown length
		if (rs_memory_u64(memory, address + field->raw.offset, &word) &&
		    !leads_somewhere(memory, field, word))
			return true;
	}
	return false;
}

enum rs_native_health rs_native_check(struct rs_native *native, uint32_t i,
				      const struct rs_native_type *type,
				      uint64_t address)
{
	struct rs_memory *memory = native->base.memory;

	if (native->health[i])
		return native->health[i];
	if (type->unknown)
		return RS_NATIVE_NO_TYPE;
	if (!is_readable(memory, address, type->raw.size))
		return RS_NATIVE_UNREADABLE;
	const enum rs_native_health block =
		type->is_malloced ? check_block(memory, type, address)
				  : RS_NATIVE_SOUND;

	if (block != RS_NATIVE_SOUND)
		return block;
	if (!is_count_wild(native, type, address))
		return RS_NATIVE_SOUND;
	return has_wild_pointer(memory, type, address) ? RS_NATIVE_OVERWRITTEN
						       : RS_NATIVE_HUGE_COUNT;
}

const char *rs_native_health_text(enum rs_native_health health)
{
	static const char *const text[] = {
		[RS_NATIVE_SOUND] = "",
		[RS_NATIVE_UNREADABLE] = "its memory cannot be read",
		[RS_NATIVE_NO_TYPE] = "its type was unloaded",
		[RS_NATIVE_HUGE_COUNT] = "",
		[RS_NATIVE_FREED] =
			"it was freed: malloc has its memory on a free list",
		[RS_NATIVE_SMALL_BLOCK] =
			"it was probably freed: the word before it is that of "
			"a malloc block too small for it",
		[RS_NATIVE_OVERWRITTEN] =
			"it was overwritten: its count and a pointer in it "
			"are impossible",
		[RS_NATIVE_WILD_ARRAY] =
			"it leads to an array that cannot be read",
	};

	return text[health];
}

// One more of which not each has a line of its own: true up to the last that
// has, and the first that has none says so.
static bool is_named(struct rs_native *native, uint64_t *n, const char *what)
{
	if (*n == RS_NATIVE_UNKNOWN_NAMED)
		rs_memory_problem(
			native->base.memory,
			"more than %d tracked objects %s: those after "
			"these have no line of their own",
			RS_NATIVE_UNKNOWN_NAMED, what);
	return (*n)++ < RS_NATIVE_UNKNOWN_NAMED;
}

void rs_native_note_huge(struct rs_native *native, uint32_t i, uint64_t address,
			 uint32_t count)
{
	if (native->health[i])
		return;
	native->health[i] = RS_NATIVE_HUGE_COUNT;
	if (!is_named(native, &native->huge,
		      "have a count that references cannot explain"))
		return;
	rs_memory_problem(
		native->base.memory,
		"the tracked <%s 0x%" PRIx64 "> has a count of %" PRIu32
		"%s, more than references can explain: it is "
		"in use, with what it refers to",
		rs_native_entry_is(native, native->entry[i])->name, address,
		count, count >= UINT32_MAX - 1 ? " or more" : "");
}

void rs_native_note_unknown(struct rs_native *native, uint32_t i,
			    uint64_t address, enum rs_native_health health)
{
	if (native->health[i])
		return;
	native->health[i] = (uint8_t)health;
	if (!is_named(native, &native->unknown,
		      "are treated as in use, and their references are not "
		      "known"))
		return;
	rs_memory_problem(native->base.memory,
			  "the tracked <%s 0x%" PRIx64
			  "> is treated as in use, and its references are not "
			  "known: %s",
			  rs_native_entry_is(native, native->entry[i])->name,
			  address, rs_native_health_text(health));
}
