// SPDX-License-Identifier: MIT
//
// The collector of free-threaded builds untracks tuples (in 3.13 also dicts)
// without tracked contents before it looks for garbage, so it never counts them
// as garbage. Other builds untrack them afterwards.
//
// Source: CPython Python/gc_free_threading.c, update_refs() of 3.13 and 3.14;
// Objects/tupleobject.c, _PyTuple_MaybeUntrack(); Objects/dictobject.c.
#include "runtime/cpython/decode/decode.h"

enum {
	RS_DEPTH = 8, // levels of tuples in tuples
	RS_LOOKS = 1 << 16, // items of these to examine in total
};

/** The state of examining an object and its contents. */
struct search {
	struct rs_cpython *py;
	uint64_t dict; // the object, if it is a dict
	uint32_t left; // items of nested tuples that may still be examined
	bool tracked; // something in it is tracked
};

static bool tuple_goes(struct search *s, uint64_t tuple, unsigned depth);

static void tell_limit(struct rs_cpython *py)
{
	rs_memory_gap(py->base.memory,
		      "CPython %s: tuples nested more than %d deep, or of "
		      "more than %d items; a collection may untrack more of "
		      "them than the answer says",
		      py->version_text, RS_DEPTH, RS_LOOKS);
}

// A tuple in a tuple is untracked first if the collector visits it first, which
// depends on the order of heaps, pages and blocks: nearly always the order of
// addresses.
static bool may_be_tracked(struct search *s, uint64_t holder, uint64_t object,
			   unsigned depth)
{
	struct rs_cpython *py = s->py;
	const struct rs_py_type *t = rs_py_known_of(py, object);

	if (!t || !t->gc)
		return !t;
	if (t->flags & RS_TPF_TYPE)
		return rs_py_get(py, object, RS_F__typeobject__tp_flags) &
		       RS_TPF_HEAP;
	if (t->address != py->type_tuple)
		return true;
	return (rs_py_gc_bits(py, object) & RS_PY_BIT_TRACKED) &&
	       !(object < holder && tuple_goes(s, object, depth + 1));
}

static bool tuple_goes(struct search *s, uint64_t tuple, unsigned depth)
{
	const uint64_t n = rs_py_tuple_size(s->py, tuple);
	uint64_t last = 0;

	if (depth > RS_DEPTH) {
		tell_limit(s->py);
		return false;
	}
	for (uint64_t i = 0; i < n; i++) {
		const uint64_t item = rs_py_tuple_item(s->py, tuple, i);

		if (item == last)
			continue;
		last = item;
		// Nested tuples have as many paths as the product of their
		// lengths.
		if (depth && !s->left--) {
			s->left = 0;
			tell_limit(s->py);
			return false;
		}
		if (may_be_tracked(s, tuple, item, depth))
			return false;
	}
	return true;
}

static bool visit(void *context, uint64_t key, uint64_t value)
{
	struct search *s = context;

	s->tracked = may_be_tracked(s, s->dict, value, 1) ||
		     may_be_tracked(s, s->dict, key, 1);
	return !s->tracked;
}

bool rs_py_untracks(struct rs_cpython *py, const struct rs_py_type *t,
		    uint64_t object)
{
	struct search s = {.py = py, .dict = object, .left = RS_LOOKS};

	if (t->address == py->type_tuple)
		return tuple_goes(&s, object, 0);
	return t->address == py->type_dict && py->version < RS_PY(3, 14) &&
	       rs_py_dict_each(py, object, visit, &s) && !s.tracked;
}
