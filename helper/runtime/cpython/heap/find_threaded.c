// SPDX-License-Identifier: MIT
//
// Free-threaded builds have no lists. Their collector visits every block of
// the heaps that only its objects are in, and takes those whose header says
// that they are tracked; so does this.
#include "runtime/cpython/decode/types.h"
#include "runtime/cpython/heap/mimalloc.h"
#include "runtime/cpython/state/discover.h"

enum { RS_PERMANENT = 3 };

struct walk {
	struct rs_cpython *py;
	struct rs_found *found;
	uint64_t strange; // tracked, but of no type
	struct rs_error *err;
};

// A collection is always of all of them: there are no older ones.
static uint16_t mark_of(struct rs_cpython *py, uint64_t object, uint8_t bits)
{
	return (uint16_t)(RS_OBJ_TRACKED | RS_OBJ_GC |
			  (rs_py_guesses(py, object) ? RS_OBJ_INEXACT : 0) |
			  (bits & RS_PY_BIT_FINALIZED ? RS_OBJ_FINALIZED : 0) |
			  (bits & RS_PY_BIT_FROZEN ? RS_PERMANENT : 0));
}

static bool visit(void *context, const struct rs_py_mi_block *block)
{
	struct walk *w = context;
	struct rs_cpython *py = w->py;
	const uint32_t size = py->header_size;
	const uint8_t *p =
		block->room < size
			? NULL
			: rs_memory_at(py->base.memory, block->object, size);
	uint8_t bits;

	if (!p)
		return true;
	bits = p[rs_py_off(py, RS_F__object__ob_gc_bits)];
	if (!(bits & RS_PY_BIT_TRACKED))
		return true;
	if (!rs_py_known(py, rs_py_word(p + py->known->ob_type))) {
		w->strange++;
		return true;
	}
	w->err = rs_found_add(w->found, block->object,
			      mark_of(py, block->object, bits));
	return !w->err;
}

struct rs_error *rs_py_find_threaded(struct rs_cpython *py,
				     struct rs_found *found,
				     const struct rs_progress *progress)
{
	struct walk w = {.py = py, .found = found};
	struct rs_error *err =
		rs_py_mi_each(py, 1U << RS_PY_MI_GC | 1U << RS_PY_MI_GC_PRE,
			      visit, &w, progress, NULL);

	if (w.strange)
		rs_memory_gap(py->base.memory,
			      "CPython %s: %llu blocks of its heaps should "
			      "contain objects, but have no valid type",
			      py->version_text, (unsigned long long)w.strange);
	return err ? err : w.err;
}
