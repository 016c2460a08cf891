// SPDX-License-Identifier: MIT
//
// A copied target that has run since: read page by page, as little as is asked
// for, so that a question at each hit of a breakpoint costs little.
#include "memory/target.h"

#include <stdlib.h>

enum {
	RS_PAGES = 512, // of the table of pages that are copied
	RS_MANY_PAGES = 16, // more are copied at once, and not noted
};

static void forget_joined(struct rs_target *target)
{
	for (int i = 0; i < RS_JOINED_HEADS; i++) {
		while (target->joined[i]) {
			struct rs_buffer *p = target->joined[i];

			target->joined[i] = p->next;
			free(p);
		}
	}
	target->joined_bytes = 0;
}

/** Mark every chunk of @p s as missing, so that no bytes are used unseen. */
static bool forget_segment(struct rs_segment *s)
{
	const size_t chunks = (size_t)((s->end - s->start + RS_COPY_SIZE - 1) >>
				       RS_COPY_SHIFT);

	if (s->from_file)
		return true;
	if (!s->loaded)
		s->loaded = malloc(chunks);
	if (!s->loaded)
		return false;
	memset(s->loaded, 0, chunks);
	s->missing = (uint32_t)chunks;
	return true;
}

struct rs_error *rs_memory_renew(struct rs_memory *memory)
{
	struct rs_target *target = rs_target_of(memory);

	if (memory->is_core)
		return rs_error_new(RS_EUNSUPPORTED, "%s: a core does not run",
				    target->name);
	if (!target->renewed) {
		target->renewed = calloc(RS_PAGES, sizeof(*target->renewed));
		if (!target->renewed)
			return &rs_enomem;
		// Afterwards no chunk is ever marked as copied.
		for (size_t i = 0; i < memory->segments; i++)
			if (!forget_segment(&memory->segment[i]))
				return &rs_enomem;
	}
	memset(target->renewed, 0, RS_PAGES * sizeof(*target->renewed));
	forget_joined(target);
	return NULL;
}

static bool fetch(struct rs_target *target, const struct rs_segment *s,
		  uint64_t from, uint64_t to)
{
	// data points to const, but for a copied segment it is our own memory.
	uint8_t *out = (uint8_t *)s->data + (from - s->start);

	return target->memory.ops->fetch(target, from, out, to - from) ==
	       to - from;
}

bool rs_copied_load_pages(struct rs_target *target, struct rs_segment *s,
			  uint64_t from, uint64_t to)
{
	const uint64_t page = target->page;
	uint64_t at = from & ~(page - 1);

	if (to - from > RS_MANY_PAGES * page)
		return fetch(target, s, from, to);
	for (; at < to; at += page) {
		uint64_t *known = &target->renewed[at / page % RS_PAGES];
		const uint64_t start = at < s->start ? s->start : at;
		const uint64_t end = at + page > s->end ? s->end : at + page;

		if (*known == (at | 1))
			continue;
		if (!fetch(target, s, start, end))
			return false;
		*known = at | 1;
	}
	return true;
}
