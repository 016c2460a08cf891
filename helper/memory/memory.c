// SPDX-License-Identifier: MIT
// Address to pointer, when the inline path in memory.h does not know.
#include "memory/target.h"

#include <stdlib.h>

enum {
	RS_MAX_JOINED = 64 << 20, // for ranges put together
	RS_WORD_SHIFT = 3,
};

/**
 * The range crosses neighbours that are apart on this side (bytes of the core
 * and bytes of a file, say): put it together once, and keep it. All of it is
 * there, from @p first on.
 */
static const void *join(struct rs_target *target,
			const struct rs_segment *first, uint64_t address,
			uint64_t size)
{
	struct rs_piece **head =
		&target->joined[(address >> RS_WORD_SHIFT) % RS_JOINED_HEADS];

	for (struct rs_piece *p = *head; p; p = p->next)
		if (p->address == address && p->size >= size)
			return p->data;
	if (size > RS_MAX_JOINED ||
	    size + sizeof(**head) > RS_MAX_JOINED - target->joined_bytes) {
		rs_problem(
			target,
			"%s: too many ranges cross segments; the one at %#llx is left out",
			target->name, (unsigned long long)address);
		return NULL;
	}

	struct rs_piece *piece = malloc(sizeof(*piece) + (size_t)size);
	if (!piece)
		return NULL;
	piece->address = address;
	piece->size = size;
	for (uint64_t done = 0; done < size; first++) {
		const uint64_t at = address + done - first->start;
		uint64_t n = first->end - first->start - at;
		if (n > size - done)
			n = size - done;
		memcpy(piece->data + done, first->data + at, n);
		done += n;
	}
	piece->next = *head;
	*head = piece;
	target->joined_bytes += sizeof(*piece) + size;
	return piece->data;
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

	// Whether all is there comes first, so that a hostile size cannot
	// make join() allocate for nothing.
	for (;;) {
		const uint64_t to = end < s->end ? end : s->end;
		if (s->loaded && !rs_lazy_load(target, s, from, to))
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

	// A page at a time: what follows the text may be unreadable.
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
