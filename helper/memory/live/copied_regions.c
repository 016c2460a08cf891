// SPDX-License-Identifier: MIT
// Targets that are copied on first use, chunk by chunk: a live process, or one
// behind a callback.
#include "base/search.h"
#include "memory/target.h"

#include <stdlib.h>

enum rs_chunk_state {
	RS_CHUNK_MISSING = 0,
	RS_CHUNK_WHOLE = RS_COPY_WHOLE,
	RS_CHUNK_HOLED, // copied, but for pages that cannot be read
};

static size_t chunks_of(const struct rs_segment *s)
{
	return (size_t)((s->end - s->start + RS_COPY_SIZE - 1) >>
			RS_COPY_SHIFT);
}

/** The index of the first hole that ends after @p address. */
static size_t hole_after(const struct rs_target *target, uint64_t address)
{
	return RS_FIRST_INDEX(i, target->holes, target->hole[i].end > address);
}

static bool
hits_hole(const struct rs_target *target, uint64_t from, uint64_t to)
{
	const size_t i = hole_after(target, from);

	return i < target->holes && target->hole[i].start < to;
}

static bool add_hole(struct rs_target *target, uint64_t from, uint64_t to)
{
	const size_t i = hole_after(target, from);

	if (i > 0 && target->hole[i - 1].end == from) {
		target->hole[i - 1].end = to;
		return true;
	}
	if (!rs_array_push(&target->hole, &target->holes,
			   sizeof(*target->hole)))
		return false;
	memmove(&target->hole[i + 1], &target->hole[i],
		(target->holes - 1 - i) * sizeof(*target->hole));
	target->hole[i] = (struct rs_hole){from, to};
	return true;
}

/**
 * Copy the bytes from @p from to @p to. When a read fails it is repeated with
 * half the size, down to one page, so that only pages that really cannot be
 * read become holes. After a success the size doubles again.
 *
 * @return false when out of memory.
 */
static bool
copy(struct rs_target *target, uint64_t from, uint64_t to, uint8_t *out)
{
	const uint64_t page = target->page;
	uint64_t step = to - from;

	while (from < to) {
		const uint64_t want = step < to - from ? step : to - from;
		const uint64_t got =
			target->memory.ops->fetch(target, from, out, want);

		from += got;
		out += got;
		if (got >= want) {
			step *= 2;
			continue;
		}
		uint64_t next = (from | (page - 1)) + 1;
		if (next > to || next == 0)
			next = to;
		// A read of at most one page failed: this page is a hole.
		if (want - got <= next - from) {
			if (!add_hole(target, from, next))
				return false;
			out += next - from;
			from = next;
			step = page;
			continue;
		}
		step = (want - got) / 2 & ~(page - 1);
		if (step < page)
			step = next - from;
	}
	return true;
}

/** Copy chunk @p chunk and up to target->prefetch - 1 missing ones after it. */
static bool
load_from(struct rs_target *target, struct rs_segment *s, size_t chunk)
{
	const size_t chunks = chunks_of(s);
	size_t n = 1;

	while (n < target->prefetch && chunk + n < chunks &&
	       s->loaded[chunk + n] == RS_CHUNK_MISSING)
		n++;
	if (target->prefetch < target->max_prefetch)
		target->prefetch *= 2;

	const uint64_t from = s->start + ((uint64_t)chunk << RS_COPY_SHIFT);
	uint64_t to = from + ((uint64_t)n << RS_COPY_SHIFT);
	if (to > s->end || to < from)
		to = s->end;
	// data points to const, but for a copied segment it is our own memory.
	if (!copy(target, from, to, (uint8_t *)s->data + (from - s->start)))
		return false;
	for (size_t i = chunk; i < chunk + n; i++) {
		const uint64_t a = s->start + ((uint64_t)i << RS_COPY_SHIFT);
		s->loaded[i] = hits_hole(target, a, a + RS_COPY_SIZE)
				       ? RS_CHUNK_HOLED
				       : RS_CHUNK_WHOLE;
	}
	s->missing -= (uint32_t)n;
	return true;
}

bool rs_copied_load(struct rs_target *target, struct rs_segment *s,
		    uint64_t from, uint64_t to)
{
	const size_t first = (size_t)((from - s->start) >> RS_COPY_SHIFT);
	const size_t last =
		to > from ? (size_t)((to - 1 - s->start) >> RS_COPY_SHIFT)
			  : first;
	bool holed = false;

	for (size_t i = first; i <= last; i++) {
		if (s->loaded[i] == RS_CHUNK_MISSING &&
		    !load_from(target, s, i))
			return false;
		holed |= s->loaded[i] == RS_CHUNK_HOLED;
	}
	if (holed && hits_hole(target, from, to))
		return false;
	if (!s->missing && !memchr(s->loaded, RS_CHUNK_HOLED, chunks_of(s))) {
		free(s->loaded);
		s->loaded = NULL; // tells the inline functions of memory.h
	}
	return true;
}

/** Reserve address space for maps @p first up to @p end, which are contiguous.
 */
static struct rs_error *
reserve_run(struct rs_target *target, size_t first, size_t end)
{
	const struct rs_map *map = target->map;
	const uint64_t start = map[first].start;
	const uint64_t size = map[end - 1].end - start;
	void *data = MAP_FAILED;

	if (size <= SIZE_MAX / 4)
		data = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (data == MAP_FAILED) {
		rs_memory_gap(
			&target->memory,
			"%s: no address space left for a copy of the %llu bytes at %#llx; they cannot be read",
			target->name, (unsigned long long)size,
			(unsigned long long)start);
		return NULL;
	}
	struct rs_error *err = rs_target_own_mapping(target, data, size);
	if (err)
		return err;

	for (size_t i = first; i < end; i++) {
		struct rs_segment s = {
			.start = map[i].start,
			.end = map[i].end,
			.data = (uint8_t *)data + (map[i].start - start),
			.prot = map[i].prot,
		};
		const size_t chunks = chunks_of(&s);
		s.missing = (uint32_t)chunks;
		s.loaded = calloc(chunks, 1);
		if (!s.loaded)
			return &rs_enomem;
		err = rs_segments_add(target, &s);
		if (err) {
			free(s.loaded);
			return err;
		}
	}
	return NULL;
}

static bool is_readable(const struct rs_map *map)
{
	return !map->prot_known || (map->prot & PROT_READ);
}

struct rs_error *rs_copied_reserve(struct rs_target *target)
{
	size_t i = 0;

	while (i < target->maps) {
		const struct rs_map *map = target->map;
		if (!is_readable(&map[i])) {
			i++;
			continue;
		}
		size_t end = i + 1;
		while (end < target->maps && is_readable(&map[end]) &&
		       map[end].start == map[end - 1].end)
			end++;
		struct rs_error *err = reserve_run(target, i, end);
		if (err)
			return err;
		i = end;
	}
	rs_segments_seal(target);
	return NULL;
}
