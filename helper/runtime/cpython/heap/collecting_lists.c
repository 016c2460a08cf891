// SPDX-License-Identifier: MIT
//
// In the middle of a collection, what was found unreachable is on lists whose
// heads are local variables of the collector: PyGC_Heads on the C stack of the
// thread that collects. A pair of words is one when the first leads to an
// object, the second to another, and that one's first word leads back to the
// pair.
//
// Source: CPython Modules/gcmodule.c, collect(): unreachable, finalizers,
// final_unreachable, of all versions with lists.
#include "runtime/cpython/decode/object_header.h"
#include "runtime/cpython/heap/block.h"
#include "runtime/cpython/state/discover.h"

enum {
	RS_STACK_MAX = 8 << 20, // bytes looked at
	RS_STEP = 4, // Debian's 3.13 aligns them to 4
};
#define NOT_POINTER UINT64_C(3)

static bool
is_head(struct rs_cpython *py, uint64_t head, uint64_t next, uint64_t previous)
{
	if (!rs_py_is_address(next) || !rs_py_is_address(previous) ||
	    next == head || previous == head ||
	    (rs_py_word_at(py, previous) & ~NOT_POINTER) != head)
		return false;
	// A member of a list leads the same ways, but an object follows it.
	if (rs_py_has_header(py, head + py->head_size))
		return false;
	return rs_py_has_header(py, next + py->head_size) &&
	       rs_py_has_header(py, previous + py->head_size);
}

static void add_list(struct rs_cpython *py, uint64_t head)
{
	for (unsigned i = 0; i < py->interpreters; i++)
		for (unsigned g = 0; g < RS_PY_GENERATIONS; g++)
			if (py->interpreter[i].head[g] == head)
				return;
	if (py->collecting_lists < RS_PY_COLLECTING_LISTS)
		py->collecting_list[py->collecting_lists++] = head;
	else
		rs_memory_gap(py->base.memory,
			      "CPython %s: the running collection has more "
			      "than %d lists; objects on the others may be "
			      "missing",
			      py->version_text, RS_PY_COLLECTING_LISTS);
}

/*
 * Where the stack at @p sp ends. A thread's own lies below its control block,
 * and what is mapped above that can be the next arena without a gap.
 */
static uint64_t
stack_end(const struct rs_cpython *py, uint64_t sp, uint64_t fs_base)
{
	struct rs_memory *memory = py->base.memory;
	const size_t at = rs_segments_index(memory, sp);
	uint64_t end = at < memory->segments ? memory->segment[at].end : sp;

	if (fs_base > sp && fs_base < end)
		end = fs_base;
	if (end - sp <= RS_STACK_MAX)
		return end;
	// Where a thread's stack ends is not known of a live process. Before
	// 3.7 only these lists say that a collection is running.
	if ((py->base.gc_collecting || !py->runtime) && fs_base)
		rs_memory_gap(memory,
			      "CPython %s: lists of a running collection are "
			      "looked for in %d MiB of each stack; objects on "
			      "others may be missing",
			      py->version_text, RS_STACK_MAX >> 20);
	return sp + RS_STACK_MAX;
}

static void scan_stack(struct rs_cpython *py, uint64_t sp, uint64_t end)
{
	for (uint64_t a = sp & ~UINT64_C(7); a + 16 <= end; a += RS_STEP) {
		uint64_t pair[2];
		const void *p = rs_memory_at(py->base.memory, a, sizeof(pair));

		if (!p)
			continue;
		memcpy(pair, p, sizeof(pair));
		if (is_head(py, a, pair[0] & ~NOT_POINTER,
			    pair[1] & ~NOT_POINTER))
			add_list(py, a);
	}
}

bool rs_py_find_collecting_lists(struct rs_cpython *py)
{
	const struct rs_memory *memory = py->base.memory;
	bool looked = false;

	for (size_t i = 0; i < memory->threads; i++) {
		const struct rs_thread *thread = &memory->thread[i];

		if (!thread->sp)
			continue;
		looked = true;
		scan_stack(py, thread->sp,
			   stack_end(py, thread->sp, thread->fs_base));
	}
	return looked;
}
