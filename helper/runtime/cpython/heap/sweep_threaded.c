// SPDX-License-Identifier: MIT
//
// The sweep of free-threaded builds, which use mimalloc. A heap contains only
// objects, or none; so this only determines whether an object is alive and
// complete. It is the only way to find objects that the collector does not
// track.
//
// Source: CPython Objects/obmalloc.c, Python/gc_free_threading.c,
// Include/internal/pycore_object_alloc.h, pycore_freelist.h of 3.13 and 3.14.
#include "runtime/cpython/decode/decode.h"
#include "runtime/cpython/heap/block.h"
#include "runtime/cpython/heap/mimalloc.h"
#include "runtime/cpython/state/discover.h"

enum {
	RS_LOWEST = 4096, // address
	RS_SPARE = 24, // bytes by which the smallest blocks may be too large
	RS_PREHEADER = 16, // bytes before an object, for a managed dict
	RS_MUTEX_BITS = 3, // locked, and has waiters
	RS_COUNT_BITS = 40, // of the shared part of a count
};

struct sweep {
	struct rs_cpython *py;
	const struct rs_addrmap *tracked;
	struct rs_error *(*visit)(void *context, enum rs_py_block_kind kind,
				  const struct rs_py_block *block);
	void *context;
	struct rs_py_heap heap;
	uint64_t float_size; // 0: dead floats are like other dead objects
	struct rs_error *err;
};

/*
 * Whether the words before the type are those of an untracked object: only a
 * lock, flags and counts.
 */
static bool is_header(const struct sweep *s, const uint8_t *p)
{
	const struct rs_cpython *py = s->py;
	const uint8_t *bits = p + rs_py_off(py, RS_F__object__ob_gc_bits);
	const int64_t shared = (int64_t)rs_py_word(
		p + rs_py_off(py, RS_F__object__ob_ref_shared));

	if (bits[-1] & ~RS_MUTEX_BITS) // ob_mutex
		return false;
	return bits[0] & RS_PY_BIT_DEFERRED ||
	       (shared < INT64_C(1) << RS_COUNT_BITS &&
		shared > -(INT64_C(1) << RS_COUNT_BITS));
}

/*
 * In 3.13 the dead floats of a thread are linked through their type fields:
 * each points to the next, which is dead too, or is NULL. Nothing else in this
 * heap looks like that.
 */
static bool
is_dead_float(struct sweep *s, const uint8_t *p, uint64_t room, uint64_t spare)
{
	struct rs_cpython *py = s->py;
	const uint64_t link = rs_py_word(p + py->known->ob_type);
	const uint8_t *next;

	if (!s->float_size || room < s->float_size ||
	    room - s->float_size >= spare || rs_py_is_counted(py, p))
		return false;
	if (!link)
		return true;
	next = link & 7 || link < RS_LOWEST
		       ? NULL
		       : rs_memory_at(py->base.memory, link, py->header_size);
	return next && !rs_py_is_counted(py, next);
}

static enum rs_py_block_kind look(struct sweep *s, enum rs_py_mi_heap heap,
				  struct rs_py_block *b, uint32_t prefix,
				  uint64_t spare)
{
	struct rs_cpython *py = s->py;
	const bool for_gc = heap != RS_PY_MI_OBJECT;
	const uint64_t object = b->address + prefix;
	const uint8_t *p = b->data + prefix;

	if (b->size < (uint64_t)prefix + py->header_size)
		return RS_PY_BLOCK_OTHER;
	const uint64_t room = b->size - prefix;
	if (rs_addrmap_has(s->tracked, object)) {
		b->object = object;
		return RS_PY_BLOCK_OBJECT;
	}
	// The collector's heaps contain only its objects.
	const bool alive = rs_py_is_counted(py, p);
	const struct rs_py_type *t = rs_py_type_at(
		py, rs_py_word(p + py->known->ob_type), alive || for_gc);

	if (!t && !for_gc && is_dead_float(s, p, room, spare))
		return RS_PY_BLOCK_DEAD;
	if (!t || !is_header(s, p) || rs_py_head_size(py, t) != prefix ||
	    t->gc != for_gc || !rs_py_fits(py, t, object, room, spare))
		return RS_PY_BLOCK_OTHER;
	b->object = object;
	return alive ? RS_PY_BLOCK_OBJECT : RS_PY_BLOCK_DEAD;
}

// Sizes are rounded up to one of four steps between two powers of two; guards
// contain the requested size.
static uint64_t spare_of(const struct rs_py_block *b, bool guarded)
{
	return guarded ? 1 : RS_SPARE + b->size / 4;
}

static enum rs_py_block_kind
look_at(struct sweep *s, const struct rs_py_mi_block *mi, struct rs_py_block *b)
{
	const uint32_t usual = mi->heap == RS_PY_MI_GC_PRE ? RS_PREHEADER : 0;
	const bool guarded = mi->prefix == usual + RS_PY_GUARDS;

	if (mi->heap == RS_PY_MI_MEM || (!guarded && mi->prefix != usual))
		return RS_PY_BLOCK_OTHER;
	b->data = rs_memory_at(s->py->base.memory, b->address,
			       mi->prefix + (uint64_t)s->py->header_size);
	s->heap.debug |= guarded;
	if (!b->data || (guarded && !rs_py_block_unguard(b)))
		return RS_PY_BLOCK_OTHER;
	return look(s, mi->heap, b, usual, spare_of(b, guarded));
}

static bool visit(void *context, const struct rs_py_mi_block *mi)
{
	struct sweep *s = context;
	struct rs_py_block b = {
		.address = mi->address,
		.size = mi->room + mi->prefix,
		.room = mi->room + mi->prefix,
	};
	const enum rs_py_block_kind kind = look_at(s, mi, &b);

	s->heap.objects += kind == RS_PY_BLOCK_OBJECT;
	s->heap.dead += kind == RS_PY_BLOCK_DEAD;
	s->heap.other += kind == RS_PY_BLOCK_OTHER;
	if (s->visit)
		s->err = s->visit(s->context, kind, &b);
	return !s->err;
}

static void finish(struct sweep *s, const struct rs_py_mi_totals *totals)
{
	struct rs_py_heap *heap = &s->heap;

	heap->swept = true;
	heap->mimalloc = true;
	heap->arenas = totals->segments;
	heap->pools = totals->pages;
	heap->blocks = totals->blocks;
	heap->torn = totals->torn;
	heap->large = 0; // these are in its heaps too
	s->py->heap = *heap;
	// Each thread may have been stopped in the middle of a change of one
	// page.
	if (heap->torn > s->py->base.memory->threads + 1)
		rs_memory_gap(
			s->py->base.memory,
			"CPython %s: %llu pages of its heaps are damaged or "
			"not in the target: objects may be missing",
			s->py->version_text, (unsigned long long)heap->torn);
}

struct rs_error *
rs_py_mi_blocks_each(struct rs_cpython *py, const struct rs_addrmap *tracked,
		     struct rs_error *(*each)(void *context,
					      enum rs_py_block_kind kind,
					      const struct rs_py_block *block),
		     void *context, const struct rs_progress *progress)
{
	struct sweep s = {.py = py,
			  .tracked = tracked,
			  .visit = each,
			  .context = context};
	const struct rs_py_type *t = rs_py_known(py, py->type_float);
	struct rs_py_mi_totals totals;
	struct rs_error *err;

	if (t && py->version < RS_PY(3, 14))
		s.float_size = t->basicsize;
	err = rs_py_mi_each(py, (1U << RS_PY_MI_HEAPS) - 1, visit, &s, progress,
			    &totals);
	if (err || s.err)
		return err ? err : s.err;
	finish(&s, &totals);
	return NULL;
}
