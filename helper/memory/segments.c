// SPDX-License-Identifier: MIT
#include "base/search.h"
#include "memory/target.h"

#include <stdlib.h>

struct rs_error *
rs_segments_add(struct rs_target *target, const struct rs_segment *segment)
{
	struct rs_memory *memory = &target->memory;

	if (memory->segments >= UINT32_MAX)
		return rs_error_new(RS_EBAD, "%s: more than %u segments",
				    target->name, UINT32_MAX);
	struct rs_segment *slot = rs_array_push(
		&memory->segment, &memory->segments, sizeof(*slot));
	if (!slot)
		return &rs_enomem;
	*slot = *segment;
	return NULL;
}

static int by_start(const void *a, const void *b)
{
	const struct rs_segment *x = a;
	const struct rs_segment *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return (x->end > y->end) - (x->end < y->end);
}

// Whether @p b follows @p a in the target and in our memory.
static bool continues(const struct rs_segment *a, const struct rs_segment *b)
{
	return a->end == b->start && a->prot == b->prot &&
	       a->from_file == b->from_file && !a->loaded && !b->loaded &&
	       a->data + (a->end - a->start) == b->data;
}

void rs_segments_seal(struct rs_target *target)
{
	struct rs_memory *memory = &target->memory;
	struct rs_segment *segment = memory->segment;
	size_t kept = 0;
	bool overlap = false;

	if (memory->segments > 1)
		qsort(segment, memory->segments, sizeof(*segment), by_start);
	for (size_t i = 0; i < memory->segments; i++) {
		struct rs_segment s = segment[i];
		struct rs_segment *last = kept ? &segment[kept - 1] : NULL;

		if (last && s.start < last->end && !s.loaded) {
			const uint64_t cut = last->end - s.start;
			overlap = true;
			if (s.end <= last->end)
				continue;
			s.start += cut;
			s.data += cut;
		}
		if (last && continues(last, &s))
			last->end = s.end;
		else
			segment[kept++] = s;
	}
	memory->segments = kept;
	memset(memory->hint, 0, sizeof(memory->hint));
	if (overlap)
		rs_problem(
			target,
			"%s: has overlapping memory ranges; the first one of each address is used",
			target->name);
}

size_t rs_segments_index(const struct rs_memory *memory, uint64_t address)
{
	const size_t found = RS_FIRST_INDEX(i, memory->segments,
					    memory->segment[i].end > address);

	if (found < memory->segments && memory->segment[found].start <= address)
		return found;
	return memory->segments;
}
