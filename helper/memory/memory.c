// SPDX-License-Identifier: MIT
// Turning an address into a pointer when the inline functions of memory.h
// cannot.
#include "memory/target.h"

#include <stdlib.h>

enum {
	RS_MAX_JOINED = 64 << 20, // bytes
	RS_WORD_SHIFT = 3,
};

/**
 * A contiguous copy of a range that crosses segments whose bytes are not
 * contiguous in our memory (some from the core and some from a file, say). It
 * is made once and kept. All of the range is present, from segment @p first on.
 */
static const void *join(struct rs_target *target,
			const struct rs_segment *first, uint64_t address,
			uint64_t size)
{
	struct rs_buffer **head =
		&target->joined[(address >> RS_WORD_SHIFT) % RS_JOINED_HEADS];

	for (struct rs_buffer *p = *head; p; p = p->next)
		if (p->address == address && p->size >= size)
			return p->data;
	if (size > RS_MAX_JOINED ||
	    size + sizeof(**head) > RS_MAX_JOINED - target->joined_bytes) {
		rs_memory_gap(
			&target->memory,
			"%s: cannot read the %llu bytes at %#llx: they cross segments, and more than %d MiB of such ranges would have to be copied",
			target->name, (unsigned long long)size,
			(unsigned long long)address, RS_MAX_JOINED >> 20);
		return NULL;
	}

	struct rs_buffer *copy = malloc(sizeof(*copy) + (size_t)size);
	if (!copy)
		return NULL;
	copy->address = address;
	copy->size = size;
	for (uint64_t done = 0; done < size; first++) {
		const uint64_t at = address + done - first->start;
		uint64_t n = first->end - first->start - at;
		if (n > size - done)
			n = size - done;
		memcpy(copy->data + done, first->data + at, n);
		done += n;
	}
	copy->next = *head;
	*head = copy;
	target->joined_bytes += sizeof(*copy) + size;
	return copy->data;
}

const void *
rs_memory_find(struct rs_memory *memory, uint64_t address, uint64_t size)
{
	struct rs_target *target = rs_target_of(memory);
	const size_t index = rs_segments_index(memory, address);

	if (index == memory->segments || size > UINT64_MAX - address)
		return NULL;
	memory->hint[(address >> RS_COPY_SHIFT) & (RS_SEGMENT_HINTS - 1)] =
		(uint32_t)index;

	struct rs_segment *s = &memory->segment[index];
	const uint8_t *data = s->data + (address - s->start);
	const uint64_t end = address + size;
	uint64_t from = address;
	bool apart = false;

	// First check that the whole range can be read, so that a huge size
	// from damaged data cannot make join() allocate memory.
	for (;;) {
		const uint64_t to = end < s->end ? end : s->end;
		if (s->loaded &&
		    !(target->renewed ? rs_copied_load_pages
				      : rs_copied_load)(target, s, from, to))
			return NULL;
		if (to == end)
			break;
		struct rs_segment *next = s + 1;
		if (next == memory->segment + memory->segments ||
		    next->start != s->end)
			return NULL;
		apart |= s->data + (s->end - s->start) != next->data;
		from = to;
		s = next;
	}
	if (apart)
		return join(target, &memory->segment[index], address, size);
	return data;
}

bool rs_memory_read(struct rs_memory *memory, uint64_t address, void *buf,
		    size_t size)
{
	char *out = buf;

	while (size > 0) {
		const size_t i = rs_segments_index(memory, address);
		if (i == memory->segments)
			return false;
		const uint64_t left = memory->segment[i].end - address;
		const size_t n = size < left ? size : (size_t)left;
		const void *p = rs_memory_at(memory, address, n);
		if (!p)
			return false;
		memcpy(out, p, n);
		out += n;
		address += n;
		size -= n;
	}
	return true;
}

const char *
rs_memory_text(struct rs_memory *memory, uint64_t address, size_t max)
{
	const uint64_t page = rs_target_of(memory)->page;
	uint64_t seen = 0;

	// Page by page: those after the end of the string may be unreadable.
	while (seen <= max) {
		const uint64_t at = address + seen;
		const size_t i = rs_segments_index(memory, at);
		if (at < address || i == memory->segments)
			return NULL;
		uint64_t n = page - (at & (page - 1));
		if (n > memory->segment[i].end - at)
			n = memory->segment[i].end - at;
		if (n > max - seen + 1)
			n = max - seen + 1;
		const char *p = rs_memory_at(memory, at, n);
		if (!p)
			return NULL;
		const char *nul = memchr(p, 0, n);
		if (nul)
			return rs_memory_at(memory, address,
					    seen + (uint64_t)(nul - p) + 1);
		seen += n;
	}
	return NULL;
}

bool rs_target_peek(struct rs_target *target, uint64_t address, void *buf,
		    size_t size)
{
	struct rs_memory *memory = &target->memory;
	const size_t i = rs_segments_index(memory, address);

	if (i == memory->segments)
		return false;
	const struct rs_segment *s = &memory->segment[i];
	if (!s->loaded || size > s->end - address)
		return rs_memory_read(memory, address, buf, size);
	return memory->ops->fetch(target, address, buf, size) == size;
}
