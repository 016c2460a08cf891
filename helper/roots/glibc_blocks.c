// SPDX-License-Identifier: MIT
//
// All blocks that malloc() has given out: those of the heaps, one chunk after
// the other, and those that have a mapping of their own.
#include "base/search.h"
#include "memory/places.h"
#include "roots/glibc.h"

#include <sys/mman.h>

enum {
	RS_PAGE = 4096,
	RS_HOLE = 1 << 20, // bytes after which it looks for a hole again
};

struct each {
	const struct rs_glibc *glibc;
	const struct rs_progress *progress;
	rs_glibc_visit_fn visit;
	void *context;
};

static struct rs_error *
each_of_heap(const struct each *e, const struct rs_glibc_heap *heap)
{
	uint64_t chunk = heap->start;

	for (unsigned i = 0; chunk < heap->top; i++) {
		const uint64_t size = rs_glibc_size(e->glibc, heap, chunk);
		const struct rs_extent block = {chunk + 16, chunk + size + 8};
		struct rs_error *err = NULL;

		if (!size)
			return NULL;
		if (rs_glibc_is_used(e->glibc, chunk, size))
			err = e->visit(e->context, &block);
		if (!err && i % RS_TICK == 0)
			err = rs_progress_tick(
				e->progress, "looking through blocks",
				chunk - heap->start, heap->top - heap->start);
		if (err)
			return err;
		chunk += size;
	}
	return NULL;
}

// The end of the heap that contains @p address; 0: none does.
static uint64_t heap_end(const struct rs_glibc *glibc, uint64_t address)
{
	const struct rs_glibc_heap *heap =
		rs_vec_items(&glibc->heap, struct rs_glibc_heap);
	const size_t n = rs_vec_count(&glibc->heap, struct rs_glibc_heap);

	const size_t at = RS_FIRST_INDEX(i, n, heap[i].end > address);

	return at < n && heap[at].start <= address ? heap[at].end : 0;
}

static bool
has_stack(const struct rs_memory *memory, const struct rs_segment *s)
{
	for (size_t i = 0; i < memory->threads; i++)
		if (memory->thread[i].sp >= s->start &&
		    memory->thread[i].sp < s->end)
			return true;
	return false;
}

// Whether blocks with a mapping of their own may be in the segment.
static bool
may_have_mapped(const struct rs_memory *memory, const struct rs_segment *s)
{
	return (!s->prot || (s->prot & PROT_WRITE)) && !s->from_file &&
	       !rs_memory_file_at(memory, s->start) &&
	       !rs_memory_module(memory, s->start) && !has_stack(memory, s);
}

static struct rs_error *
each_of_segment(const struct each *e, const struct rs_segment *s)
{
	uint64_t page = (s->start + RS_PAGE - 1) & ~(uint64_t)(RS_PAGE - 1);
	uint64_t looked = page; // for holes, up to here

	for (uint64_t i = 0; page < s->end; i++) {
		struct rs_extent block;
		struct rs_error *err = NULL;

		if (page >= looked) {
			page = rs_memory_skip_hole(e->glibc->memory, page,
						   s->end) &
			       ~(uint64_t)(RS_PAGE - 1);
			looked = page + RS_HOLE;
			if (page >= s->end)
				break;
		}
		const uint64_t end = heap_end(e->glibc, page);
		uint64_t next = end ? end : page + RS_PAGE;

		if (!end && rs_glibc_mapped(e->glibc->memory, page, page + 16,
					    &block) == RS_GLIBC_USED) {
			next = block.end;
			err = e->visit(e->context, &block);
		}
		if (!err && i % RS_TICK == 0)
			err = rs_progress_tick(
				e->progress, "looking through blocks",
				page - s->start, s->end - s->start);
		if (err)
			return err;
		page = (next + RS_PAGE - 1) & ~(uint64_t)(RS_PAGE - 1);
	}
	return NULL;
}

struct rs_error *rs_glibc_each(const struct rs_glibc *glibc,
			       const struct rs_progress *progress,
			       rs_glibc_visit_fn visit, void *context)
{
	const struct each e = {glibc, progress, visit, context};
	const struct rs_glibc_heap *heap =
		rs_vec_items(&glibc->heap, struct rs_glibc_heap);
	const size_t n = rs_vec_count(&glibc->heap, struct rs_glibc_heap);
	const struct rs_memory *memory = glibc->memory;
	struct rs_error *err = NULL;

	for (size_t i = 0; i < n && !err; i++)
		err = each_of_heap(&e, &heap[i]);
	for (size_t i = 0; glibc->found && i < memory->segments && !err; i++) {
		const struct rs_segment s = memory->segment[i];

		if (may_have_mapped(memory, &s))
			err = each_of_segment(&e, &s);
	}
	return err;
}
