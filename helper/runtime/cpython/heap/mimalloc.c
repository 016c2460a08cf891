// SPDX-License-Identifier: MIT
#include "runtime/cpython/heap/mimalloc.h"
#include "runtime/cpython/decode/chain.h"

#include "base/cleanup.h"
#include "base/search.h"
#include "runtime/cpython/decode/decode.h"

#include <stdlib.h>

enum {
	RS_SLICE = 64 << 10, // bytes of the smallest page
	RS_SLICES_MAX = 512, // slices that a segment describes
	RS_BLOCKS_MAX = 1 << 16, // in a page: counted in 16 bits
	RS_DELAYED_MAX = 1 << 24, // blocks freed by other threads
	RS_PADDING = 8, // bytes after what was requested, in debug builds
	RS_PREFIX_MAX = 32, // bytes before an object in its block
	RS_BLOCK_MIN = 8,
	RS_BLOCK_HUGE = 0x7fffffff, // the size that is used for larger blocks
	RS_PAGES_PER_TICK = 1024, // as many objects as RS_TICK, about
};
#define NOT_POINTER UINT64_C(3)

struct segment {
	uint64_t address;
	uint64_t secret; // its cookie without the part that depends on its
			 // address
};

struct page {
	uint64_t address; // mi_page_t
	uint64_t start; // of its first block
	uint64_t block_size;
	uint64_t heap_address; // mi_heap_t; 0: its thread has ended
	uint32_t capacity; // blocks that have ever been allocated
	uint32_t used; // of these, allocated; includes those freed by other
		       // threads
	uint32_t prefix; // bytes before the object in a block
	enum rs_py_mi_heap heap;
};

struct walk {
	const struct rs_cpython *py;
	struct rs_memory *memory;
	unsigned heaps;
	bool (*visit)(void *context, const struct rs_py_mi_block *block);
	void *context;
	const struct rs_progress *progress;
	uint64_t ticks; // pages, of all heaps
	struct rs_py_mi_totals totals;
	struct rs_vec segments; // uint64_t
	struct rs_vec heap; // uint64_t: those of the pages
	struct rs_vec
		delayed; // uint64_t, ascending: blocks freed by other threads
	bool stopped;
	uint64_t is_free[RS_BLOCKS_MAX / 64]; // a bit for each block of a page
};

static uint64_t off(const struct rs_cpython *py, enum rs_field field)
{
	return (uint64_t)rs_py_off(py, field);
}

static uint32_t half(const uint8_t *p)
{
	uint32_t value;

	memcpy(&value, p, sizeof(value));
	return value;
}

static uint64_t whole(const uint8_t *p)
{
	uint64_t value;

	memcpy(&value, p, sizeof(value));
	return value;
}

/* --- The layout that is needed ------------------------------------------- */

bool rs_py_mi_is_known(const struct rs_cpython *py)
{
	static const enum rs_field needed[] = {
		RS_F_mi_page_s___size,
		RS_F_mi_page_s__capacity,
		RS_F_mi_page_s__debug_offset,
		RS_F_mi_page_s__free,
		RS_F_mi_page_s__local_free,
		RS_F_mi_page_s__slice_count,
		RS_F_mi_page_s__used,
		RS_F_mi_page_s__xheap,
		RS_F_mi_page_s__xthread_free,
		RS_F_mi_segment_s__cookie,
		RS_F_mi_segment_s__segment_info_slices,
		RS_F_mi_segment_s__slice_entries,
		RS_F_mi_segment_s__slices,
		RS_F_mi_segment_s__used,
		RS_F__object__ob_gc_bits,
	};
	const int32_t bit = rs_py_off(py, RS_F_mi_page_s__tag__bit);
	const int32_t width = rs_py_off(py, RS_F_mi_page_s__tag__width);

	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++)
		if (rs_py_off(py, needed[i]) < 0)
			return false;
	return (rs_py_off(py, RS_F_mi_page_s__block_size) >= 0 ||
		rs_py_off(py, RS_F_mi_page_s__xblock_size) >= 0) &&
	       (rs_py_off(py, RS_F_mi_page_s__heap_tag) >= 0 ||
		(bit >= 0 && width > 0 && bit % 8 + width <= 8));
}

/* --- Segments ------------------------------------------------------------ */

// Whether the word of @p field is before @p end.
static bool
is_inside(const struct rs_cpython *py, enum rs_field field, uint64_t end)
{
	const int32_t at = rs_py_off(py, field);

	return at >= 0 && (uint64_t)at + sizeof(uint64_t) <= end;
}

// The first slices of a segment contain its description.
static bool
read_segment(const struct rs_cpython *py, uint64_t address, struct segment *ret)
{
	const uint64_t first = off(py, RS_F_mi_segment_s__slices);

	if (!is_inside(py, RS_F_mi_segment_s__slice_entries, first) ||
	    !is_inside(py, RS_F_mi_segment_s__segment_info_slices, first) ||
	    !is_inside(py, RS_F_mi_segment_s__used, first) ||
	    !is_inside(py, RS_F_mi_segment_s__cookie, first))
		return false;
	const uint8_t *p = rs_memory_at(py->base.memory, address,
					first + off(py, RS_F_mi_page_s___size));

	if (!p)
		return false;
	const uint64_t entries =
		whole(p + off(py, RS_F_mi_segment_s__slice_entries));
	const uint64_t info =
		whole(p + off(py, RS_F_mi_segment_s__segment_info_slices));
	const uint64_t used = whole(p + off(py, RS_F_mi_segment_s__used));

	*ret = (struct segment){
		address,
		whole(p + off(py, RS_F_mi_segment_s__cookie)) ^ address,
	};
	return entries && entries <= RS_SLICES_MAX && info && info < entries &&
	       used && used <= RS_SLICES_MAX &&
	       half(p + first + off(py, RS_F_mi_page_s__slice_count)) == info;
}

// The secret that most of them have. Nothing else in the process contains it,
// so anything with another value only looks like a segment.
static uint64_t find_secret(const struct segment *segment, size_t n)
{
	uint64_t secret = 0;
	size_t lead = 0;

	for (size_t i = 0; i < n; i++) {
		if (!lead)
			secret = segment[i].secret;
		if (segment[i].secret == secret)
			lead++;
		else
			lead--;
	}
	return secret;
}

// Find what looks like a segment, whatever its secret.
static struct rs_error *
find_candidates(const struct rs_cpython *py, struct rs_vec *ret)
{
	const struct rs_memory *memory = py->base.memory;

	for (size_t i = 0; i < memory->segments; i++) {
		const struct rs_segment *s = &memory->segment[i];
		const uint64_t step = RS_PY_MI_SEGMENT;
		uint64_t at = (s->start + step - 1) & ~(step - 1);

		for (; at >= s->start && at < s->end; at += step) {
			struct segment found;
			struct rs_error *err;

			if (read_segment(py, at, &found) &&
			    (err = rs_vec_append(ret, &found, sizeof(found))))
				return err;
		}
	}
	return NULL;
}

struct rs_error *
rs_py_mi_segments(const struct rs_cpython *py, struct rs_vec *ret)
{
	struct rs_vec candidates = {0};
	struct rs_error *err = find_candidates(py, &candidates);
	const struct segment *segment =
		rs_vec_items(&candidates, struct segment);
	const size_t n = rs_vec_count(&candidates, struct segment);
	const uint64_t secret = find_secret(segment, n);

	for (size_t i = 0; i < n && !err; i++)
		if (segment[i].secret == secret)
			err = rs_vec_append(ret, &segment[i].address,
					    sizeof(segment[i].address));
	rs_vec_fini(&candidates);
	return err;
}

/* --- Pages --------------------------------------------------------------- */

static uint64_t block_size(const struct rs_cpython *py, const uint8_t *p)
{
	if (rs_py_off(py, RS_F_mi_page_s__block_size) >= 0)
		return whole(p + off(py, RS_F_mi_page_s__block_size));
	return half(p + off(py, RS_F_mi_page_s__xblock_size));
}

static unsigned heap_of(const struct rs_cpython *py, const uint8_t *p)
{
	const int32_t bit = rs_py_off(py, RS_F_mi_page_s__tag__bit);
	const int32_t width = rs_py_off(py, RS_F_mi_page_s__tag__width);

	if (rs_py_off(py, RS_F_mi_page_s__heap_tag) >= 0)
		return p[off(py, RS_F_mi_page_s__heap_tag)];
	return (unsigned)p[bit / 8] >> bit % 8 & ((1U << width) - 1);
}

// Up to mimalloc 2.1.2 small blocks begin a little after the start of the page.
static uint64_t first_block(const struct rs_cpython *py, const uint8_t *p,
			    uint64_t slices, uint64_t size)
{
	if (rs_py_off(py, RS_F_mi_page_s__page_start) >= 0)
		return whole(p + off(py, RS_F_mi_page_s__page_start));
	if (size <= 64)
		return slices + 3 * size;
	return size <= 512 ? slices + size : slices;
}

/*
 * A page has the number of bytes of a freed block that must not be overwritten:
 * those before ob_type, which tells where in the block an object begins.
 */
static uint32_t prefix_of(const struct rs_cpython *py, const uint8_t *p)
{
	const uint32_t kept = p[off(py, RS_F_mi_page_s__debug_offset)];
	const uint32_t type = (uint32_t)off(py, RS_F__object__ob_type);

	return kept < type ? 0 : kept - type;
}

// Read the page that begins with slice @p i and is described at @p address.
// @return Whether there is one and it is in use.
static bool read_page(const struct rs_cpython *py, uint64_t segment, uint64_t i,
		      uint64_t address, const uint8_t *p, struct page *ret)
{
	const uint64_t size = block_size(py, p);
	const uint64_t slices = segment + i * RS_SLICE;
	const uint64_t end =
		slices +
		(uint64_t)half(p + off(py, RS_F_mi_page_s__slice_count)) *
			RS_SLICE;
	uint16_t capacity, used; // a page cannot have more

	memcpy(&capacity, p + off(py, RS_F_mi_page_s__capacity),
	       sizeof(capacity));
	memcpy(&used, p + off(py, RS_F_mi_page_s__used), sizeof(used));
	*ret = (struct page){
		.address = address,
		.start = first_block(py, p, slices, size),
		.block_size = size,
		.heap_address = whole(p + off(py, RS_F_mi_page_s__xheap)),
		.capacity = capacity,
		.used = used,
		.prefix = prefix_of(py, p),
		.heap = (enum rs_py_mi_heap)heap_of(py, p),
	};
	if (((ret->start | size) & 7) || !capacity || size < RS_BLOCK_MIN ||
	    ret->heap >= RS_PY_MI_HEAPS || ret->prefix > RS_PREFIX_MAX ||
	    ret->start < slices || ret->start >= end)
		return false;
	if (capacity == 1 && size >= RS_BLOCK_HUGE)
		ret->block_size = end - ret->start;
	return ret->block_size <= (end - ret->start) / capacity;
}

/*
 * Visit the pages of all segments that are in use. @p visit can set
 * walk.stopped to end this.
 */
static struct rs_error *
each_page(struct walk *w,
	  struct rs_error *(*visit)(struct walk *w, const struct page *page))
{
	const struct rs_cpython *py = w->py;
	const uint64_t size = off(py, RS_F_mi_page_s___size);
	const uint64_t *segment = rs_vec_items(&w->segments, uint64_t);
	const size_t n = rs_vec_count(&w->segments, uint64_t);
	struct rs_error *err = NULL;

	for (size_t k = 0; k < n && !w->stopped && !err; k++) {
		const uint64_t entries = rs_py_get(
			py, segment[k], RS_F_mi_segment_s__slice_entries);
		uint64_t i = rs_py_get(py, segment[k],
				       RS_F_mi_segment_s__segment_info_slices);

		while (i < entries && i < RS_SLICES_MAX && !w->stopped) {
			const uint64_t at = segment[k] +
					    off(py, RS_F_mi_segment_s__slices) +
					    i * size;
			const uint8_t *p = rs_memory_at(w->memory, at, size);
			struct page page;

			if (!p ||
			    !half(p + off(py, RS_F_mi_page_s__slice_count)) ||
			    half(p + off(py, RS_F_mi_page_s__slice_offset)))
				break; // damaged, or being split
			const uint64_t step =
				half(p + off(py, RS_F_mi_page_s__slice_count));
			if (w->ticks++ % RS_PAGES_PER_TICK == 0 &&
			    (err = rs_progress_tick(w->progress,
						    "walking heaps", w->ticks,
						    0)))
				return err;
			if (read_page(py, segment[k], i, at, p, &page) &&
			    w->heaps >> page.heap & 1 &&
			    (err = visit(w, &page)))
				return err;
			i += step;
		}
	}
	return err;
}

/* --- Blocks -------------------------------------------------------------- */

static uint64_t rotate(uint64_t value, uint64_t by)
{
	by %= 64;
	return by ? value >> by | value << (64 - by) : value;
}

/*
 * The next free block after @p block in a list of @p owner, a page or a heap,
 * with the keys at @p keys. In debug builds links are encoded with two random
 * numbers, and the last one points to the owner.
 */
static uint64_t
next_free(const struct walk *w, uint64_t owner, uint64_t keys, uint64_t block)
{
	uint64_t link, key[2];

	if (!rs_memory_u64(w->memory, block, &link))
		return 0;
	if (rs_py_off(w->py, RS_F_mi_page_s__keys) < 0)
		return link;
	if (!rs_memory_u64(w->memory, keys, &key[0]) ||
	    !rs_memory_u64(w->memory, keys + 8, &key[1]))
		return 0;
	link = rotate(link - key[0], key[0]) ^ key[1];
	return link == owner ? 0 : link;
}

/*
 * Mark the blocks on a list of the page. @return How many were not marked
 * before.
 */
static uint32_t
mark_list(struct walk *w, const struct page *page, uint64_t block)
{
	const int32_t keys = rs_py_off(w->py, RS_F_mi_page_s__keys);
	uint32_t marked = 0;

	while (block) {
		const uint64_t from = block - page->start;
		const uint64_t i = from / page->block_size;
		const uint64_t bit = UINT64_C(1) << i % 64;

		if (block < page->start || i >= page->capacity ||
		    from % page->block_size || w->is_free[i / 64] & bit)
			break;
		w->is_free[i / 64] |= bit;
		marked++;
		block = next_free(w, page->address,
				  page->address + (uint64_t)keys, block);
	}
	return marked;
}

// The first of walk.delayed at or above @p address.
static size_t first_delayed(const struct walk *w, uint64_t address)
{
	const uint64_t *delayed = rs_vec_items(&w->delayed, uint64_t);
	size_t low = 0, high = rs_vec_count(&w->delayed, uint64_t);

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (delayed[middle] < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void mark_delayed(struct walk *w, const struct page *page)
{
	const uint64_t *delayed = rs_vec_items(&w->delayed, uint64_t);
	const size_t n = rs_vec_count(&w->delayed, uint64_t);
	const uint64_t end = page->start + page->capacity * page->block_size;

	for (size_t k = first_delayed(w, page->start);
	     k < n && delayed[k] < end; k++) {
		const uint64_t i =
			(delayed[k] - page->start) / page->block_size;

		w->is_free[i / 64] |= UINT64_C(1) << i % 64;
	}
}

// Mark the free blocks: those on the lists of the page and of other threads
// and, for full pages, on that of the heap.
static void mark_free(struct walk *w, const struct page *page)
{
	const struct rs_cpython *py = w->py;
	const uint64_t at = page->address;
	uint32_t own;

	memset(w->is_free, 0, (page->capacity + 63) / 64 * sizeof(uint64_t));
	own = mark_list(w, page, rs_py_get(py, at, RS_F_mi_page_s__free));
	own += mark_list(w, page,
			 rs_py_get(py, at, RS_F_mi_page_s__local_free));
	w->totals.torn += own + page->used != page->capacity;
	(void)mark_list(w, page,
			rs_py_get(py, at, RS_F_mi_page_s__xthread_free) &
				~NOT_POINTER);
	mark_delayed(w, page);
}

static struct rs_error *visit_page(struct walk *w, const struct page *page)
{
	const bool padded = rs_py_off(w->py, RS_F_mi_page_s__keys) >= 0;
	const uint64_t room = page->block_size - (padded ? RS_PADDING : 0);

	w->totals.pages++;
	mark_free(w, page);
	for (uint32_t i = 0; i < page->capacity && !w->stopped; i++) {
		const uint64_t at = page->start + i * page->block_size;
		const struct rs_py_mi_block block = {
			.address = at,
			.object = at + page->prefix,
			.room = room > page->prefix ? room - page->prefix : 0,
			.prefix = page->prefix,
			.heap = page->heap,
		};

		if (w->is_free[i / 64] >> i % 64 & 1)
			continue;
		w->totals.blocks++;
		w->stopped = !w->visit(w->context, &block);
	}
	return NULL;
}

/* --- Blocks freed by other threads --------------------------------------- */

static struct rs_error *add_heap(struct walk *w, const struct page *page)
{
	const size_t n = rs_vec_count(&w->heap, uint64_t);

	if (!page->heap_address || // its thread has ended
	    (n &&
	     rs_vec_items(&w->heap, uint64_t)[n - 1] == page->heap_address))
		return NULL;
	return rs_vec_append(&w->heap, &page->heap_address,
			     sizeof(page->heap_address));
}

static struct rs_error *add_delayed(struct walk *w, uint64_t heap)
{
	const uint64_t keys = heap + off(w->py, RS_F_mi_heap_s__keys);
	struct rs_py_chain chain = {0};
	uint64_t block =
		rs_py_get(w->py, heap, RS_F_mi_heap_s__thread_delayed_free);

	while (block && rs_py_chain_step(&chain, block) &&
	       rs_vec_count(&w->delayed, uint64_t) < RS_DELAYED_MAX) {
		struct rs_error *err =
			rs_vec_append(&w->delayed, &block, sizeof(block));

		if (err)
			return err;
		block = next_free(w, heap, keys, block);
	}
	if (block)
		rs_memory_gap(w->memory,
			      "CPython %s: a list of freed blocks leads back "
			      "into itself or is too long: some freed objects "
			      "may seem alive",
			      w->py->version_text);
	return NULL;
}

static struct rs_error *find_delayed(struct walk *w)
{
	struct rs_error *err = each_page(w, add_heap);
	const uint64_t *heap = rs_vec_items(&w->heap, uint64_t);

	rs_vec_sort_u64(&w->heap);
	for (size_t i = 0; i < rs_vec_count(&w->heap, uint64_t) && !err; i++)
		if (i == 0 || heap[i] != heap[i - 1])
			err = add_delayed(w, heap[i]);
	rs_vec_sort_u64(&w->delayed);
	return err;
}

struct rs_error *
rs_py_mi_each(const struct rs_cpython *py, unsigned heaps,
	      bool (*visit)(void *context, const struct rs_py_mi_block *block),
	      void *context, const struct rs_progress *progress,
	      struct rs_py_mi_totals *ret)
{
	RS_AUTO_FREE struct walk *w = calloc(1, sizeof(*w));
	struct rs_error *err;

	if (!w)
		return &rs_enomem;
	w->py = py;
	w->memory = py->base.memory;
	w->heaps = heaps;
	w->visit = visit;
	w->context = context;
	w->progress = progress;
	if (!(err = rs_py_mi_segments(py, &w->segments)) &&
	    !(err = find_delayed(w)))
		err = each_page(w, visit_page);
	w->totals.segments = rs_vec_count(&w->segments, uint64_t);
	if (ret)
		*ret = w->totals;
	rs_vec_fini(&w->segments);
	rs_vec_fini(&w->heap);
	rs_vec_fini(&w->delayed);
	return err;
}
