// SPDX-License-Identifier: MIT
/**
 * @file mimalloc, the allocator of free-threaded builds. Internal to
 * runtime/cpython.
 *
 * Their collector has no lists: the heap of its block tells whether the
 * collector knows an object. Memory is allocated in segments of 32 MiB, aligned
 * to that. A segment is divided into pages, each with blocks of one size, and
 * each page belongs to a heap. So all objects of all threads, including those
 * that have ended, are found by examining each aligned address. The target is
 * not trusted: a segment is accepted if it has the same secret as the others, a
 * page if its numbers are consistent.
 *
 * Source: CPython Objects/mimalloc/segment.c, heap.c and
 * Include/internal/mimalloc/mimalloc/types.h, internal.h of 3.13 (2.1.2) and
 * 3.14 (2.1.2, later 2.2), Python/gc_free_threading.c.
 */
#ifndef RS_CPYTHON_MIMALLOC_H
#define RS_CPYTHON_MIMALLOC_H

#include "runtime/cpython/cpython.h"

/** The heaps of a thread; a page contains the number of its own. */
enum rs_py_mi_heap {
	RS_PY_MI_MEM, // tables and buffers
	RS_PY_MI_OBJECT, // objects without GC support
	RS_PY_MI_GC, // objects with GC support
	RS_PY_MI_GC_PRE, // the same, with words before the object
	RS_PY_MI_HEAPS,
};

/** Segments are aligned to this, and have at least as many bytes. */
#define RS_PY_MI_SEGMENT (UINT64_C(32) << 20)

/** An allocated block. */
struct rs_py_mi_block {
	uint64_t address;
	uint64_t object; // address of the object, if it contains one
	uint64_t room; // bytes from there to the end
	uint32_t prefix; // bytes before the object, including guards
	enum rs_py_mi_heap heap;
};

/** What has been visited. */
struct rs_py_mi_totals {
	uint64_t segments;
	uint64_t pages; // of the requested heaps
	uint64_t blocks; // allocated ones in these, all visited
	// Pages whose lists of free blocks are inconsistent: they lead out of
	// the page, or have another length than it says. One can be such
	// because a thread was stopped while changing it.
	uint64_t torn;
};

/**
 * Visit the allocated blocks of the @p heaps, in the order of addresses.
 *
 * @param heaps A bit for each heap, such as 1 << RS_PY_MI_GC.
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
 * Append the addresses (uint64_t) of all segments, ascending.
 * Errors: RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *
rs_py_mi_segments(const struct rs_cpython *py, struct rs_vec *ret);

/**
 * Whether the layout has all fields that are needed to read mimalloc's heaps.
 */
bool rs_py_mi_is_known(const struct rs_cpython *py);

#endif /* RS_CPYTHON_MIMALLOC_H */
