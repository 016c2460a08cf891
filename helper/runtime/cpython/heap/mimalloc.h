// SPDX-License-Identifier: MIT
/**
 * @file
 * mimalloc, the allocator of free-threaded builds. Internal to
 * runtime/cpython.
 *
 * Their collector has no lists: an object is known by the heap that its block
 * is in. Memory comes in segments of 32 MiB, aligned to that; a segment is cut
 * into pages of blocks of one size, and each page belongs to one heap. So all
 * objects of all threads, those that have ended too, are found by looking at
 * each aligned address. Nothing here trusts the target: a segment is taken for
 * one when all of them agree on a secret, a page when its numbers fit in it.
 *
 * Source: CPython Objects/mimalloc/segment.c, heap.c and
 * Include/internal/mimalloc/mimalloc/types.h, internal.h of 3.13 (2.1.2) and
 * 3.14 (2.1.2, later 2.2), Python/gc_free_threading.c.
 */
#ifndef RS_CPYTHON_MIMALLOC_H
#define RS_CPYTHON_MIMALLOC_H

#include "runtime/cpython/cpython.h"

/** Heaps of a thread, as a page names its own. */
enum rs_py_mi_heap {
	RS_PY_MI_MEM, // tables and buffers
	RS_PY_MI_OBJECT, // objects that the collector does not know
	RS_PY_MI_GC, // objects that it does
	RS_PY_MI_GC_PRE, // and those with words before them
	RS_PY_MI_HEAPS,
};

/** Segments are aligned to this, and have as many bytes, or more. */
#define RS_PY_MI_SEGMENT (UINT64_C(32) << 20)

/** A block that is handed out. */
struct rs_py_mi_block {
	uint64_t address;
	uint64_t object; // where in it an object would be
	uint64_t room; // bytes from there to the end
	uint32_t prefix; // bytes before the object, guards among them
	enum rs_py_mi_heap heap;
};

/** What a visit went through. */
struct rs_py_mi_totals {
	uint64_t segments;
	uint64_t pages; // of the heaps that were asked for
	uint64_t blocks; // of them, handed out: those that were visited
	// Pages whose lists of free blocks make no sense: they lead out of the
	// page or are not as long as it says. One can be between two steps.
	uint64_t torn;
};

/**
 * Visit the blocks that are handed out of the @p heaps, a bit for each
 * (1 << RS_PY_MI_GC), by address.
 *
 * @param visit Returns false to stop.
 * @param progress May be NULL.
 * @param ret May be NULL.
 * Errors: RS_ENOMEM; RS_EINTERRUPTED.
 */
RS_MUST_CHECK struct rs_error *
rs_py_mi_each(const struct rs_cpython *py, unsigned heaps,
	      bool (*visit)(void *context, const struct rs_py_mi_block *block),
	      void *context, const struct rs_progress *progress,
	      struct rs_py_mi_totals *ret);

/**
 * Append the address of each segment, uint64_t, in order.
 * Errors: RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *
rs_py_mi_segments(const struct rs_cpython *py, struct rs_vec *ret);

/** Whether the layout has all that reading mimalloc's heaps takes. */
bool rs_py_mi_is_known(const struct rs_cpython *py);

#endif /* RS_CPYTHON_MIMALLOC_H */
