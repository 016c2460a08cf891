// SPDX-License-Identifier: MIT
//
// Tracked objects that are not what the registry says: unmapped, freed, or
// used for something else since. Nothing of them is believed; they are counted
// in every answer and the first few are named in "problems".
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
 * Whether the block of an object whose siblings each have one of their own is
 * free, or too small for it: then malloc gave its memory to somebody else. An
 * object that lies in no block, a static one, is neither.
 */
static bool is_block_gone(struct rs_memory *memory,
			  const struct rs_native_type *type, uint64_t address)
{
	uint64_t size, next_size;
	unsigned flags, next_flags;

	if (!read_header(memory, address, &size, &flags) ||
	    flags & RS_BLOCK_MAPPED ||
	    !read_header(memory, address + size, &next_size, &next_flags))
		return false;
	return size < block_size(type) ||
	       !(next_flags & RS_BLOCK_BEFORE_IN_USE);
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
	if (is_count_wild(native, type, address))
		return RS_NATIVE_WILD_COUNT;
	if (type->is_malloced && is_block_gone(memory, type, address))
		return RS_NATIVE_FREED;
	return RS_NATIVE_SOUND;
}

const char *rs_native_health_text(enum rs_native_health health)
{
	static const char *const text[] = {
		[RS_NATIVE_SOUND] = "",
		[RS_NATIVE_UNREADABLE] = "its memory cannot be read",
		[RS_NATIVE_NO_TYPE] = "its type is gone",
		[RS_NATIVE_FREED] = "its memory was freed",
		[RS_NATIVE_WILD_COUNT] =
			"its count is wild: freed or overwritten",
		[RS_NATIVE_WILD_ARRAY] =
			"it leads to an array that cannot be read",
	};

	return text[health];
}

void rs_native_note_unknown(struct rs_native *native, uint32_t i,
			    uint64_t address, enum rs_native_health health)
{
	if (native->health[i])
		return;
	native->health[i] = (uint8_t)health;
	if (native->unknown++ >= RS_NATIVE_UNKNOWN_NAMED)
		return;
	rs_memory_problem(native->base.memory,
			  "the tracked <%s 0x%" PRIx64
			  "> is taken as in use, and what "
			  "it holds is not known: %s",
			  rs_native_entry_is(native, native->entry[i])->name,
			  address, rs_native_health_text(health));
}
