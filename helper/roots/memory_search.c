// SPDX-License-Identifier: MIT
#include "roots/memory_search.h"

#include "memory/places.h"

#include <sys/mman.h>

enum {
	RS_PIECE = 1 << 16, // bytes that are searched at once
	RS_PAGE = 4096,
};

struct rs_error *rs_search_init(struct rs_search *search,
				const struct rs_ledger_source *source,
				unsigned shift)
{
	*search = (struct rs_search){
		.source = source, .low = UINT64_MAX, .shift = shift};
	return rs_block_new(RS_FILTER_BITS / 64, sizeof(*search->filter),
			    &search->filter);
}

void rs_search_fini(struct rs_search *search)
{
	rs_block_free(search->filter, RS_FILTER_BITS / 64,
		      sizeof(*search->filter));
	search->filter = NULL;
}

void rs_search_add(struct rs_search *search, uint64_t value)
{
	const uint32_t hash =
		(uint32_t)(value >> search->shift) & (RS_FILTER_BITS - 1);

	search->filter[hash / 64] |= UINT64_C(1) << hash % 64;
	search->low = value < search->low ? value : search->low;
	search->high = value > search->high ? value : search->high;
	search->values++;
}

static struct rs_error *search_words(const struct rs_search *search,
				     const uint8_t *at, uint64_t slot,
				     size_t words)
{
	const uint64_t low = search->low, span = search->high - search->low;

	for (size_t i = 0; i < words; i++) {
		uint64_t v;

		memcpy(&v, at + 8 * i, sizeof(v));
		if (__builtin_expect(v - low > span, 1) ||
		    !rs_search_may(search, v))
			continue;
		struct rs_error *err =
			search->found(search->context, slot + 8 * i, v);
		if (err)
			return err;
	}
	return NULL;
}

struct rs_error *
rs_search_range(const struct rs_search *search, struct rs_extent range)
{
	struct rs_memory *memory = search->source->memory;
	uint64_t at = (range.start + 7) & ~UINT64_C(7);

	while (search->values && at + 8 <= range.end) {
		const uint64_t stop = (at | (RS_PIECE - 1)) + 1;
		uint64_t size = (stop < range.end ? stop : range.end) - at;
		const uint8_t *p = rs_memory_at(memory, at, size);

		if (!p) { // a part of it may be there: go page by page
			const uint64_t page = (at | (RS_PAGE - 1)) + 1;

			size = (page < range.end ? page : range.end) - at;
			p = rs_memory_at(memory, at, size);
		}
		struct rs_error *err =
			p ? search_words(search, p, at, size / 8) : NULL;
		if (err)
			return err;
		at += size;
	}
	return NULL;
}

// Whether references may be in the segment: not in files on disk, and not in
// memory that a file which is no program backs.
static bool
is_searched(const struct rs_memory *memory, const struct rs_segment *segment)
{
	return (!segment->prot || (segment->prot & PROT_WRITE)) &&
	       !segment->from_file &&
	       (!rs_memory_file_at(memory, segment->start) ||
		rs_memory_module(memory, segment->start));
}

struct rs_error *rs_search_memory(const struct rs_search *search)
{
	const struct rs_memory *memory = search->source->memory;
	uint64_t all = 0, done = 0;

	for (size_t i = 0; i < memory->segments; i++)
		if (is_searched(memory, &memory->segment[i]))
			all += memory->segment[i].end -
			       memory->segment[i].start;
	for (size_t i = 0; i < memory->segments && search->values; i++) {
		const struct rs_segment s = memory->segment[i];
		uint64_t at = s.start;

		while (is_searched(memory, &s) && at < s.end) {
			const uint64_t data = rs_memory_skip_hole(
				search->source->memory, at, s.end);
			const uint64_t left = s.end - data;
			const uint64_t size = left < RS_PIECE * UINT64_C(64)
						      ? left
						      : RS_PIECE * UINT64_C(64);
			struct rs_error *err = rs_search_range(
				search, (struct rs_extent){data, data + size});

			if (!err)
				err = rs_progress_tick(search->source->progress,
						       "searching memory", done,
						       all);
			if (err)
				return err;
			done += data + size - at;
			at = data + size;
		}
	}
	return NULL;
}
