// SPDX-License-Identifier: MIT
#include "runtime/cpython/decode/decode.h"

enum { RS_BODY_COPY = 1024 };

/*
 * A static type is shorter than its type says, because that includes fields of
 * heap types only. At the end of a mapping it is read with its real size.
 */
static const uint8_t *copy_body(struct rs_cpython *py,
				const struct rs_py_type *t, uint64_t object,
				uint8_t *buf)
{
	const uint64_t from = object - t->before;
	uint64_t size = (uint64_t)t->before + t->span;

	if (rs_memory_read(py->base.memory, from, buf, size))
		return buf;
	if (!(t->flags & RS_TPF_TYPE))
		return NULL;
	memset(buf, 0, size);
	size = t->before + (uint64_t)py->known->type_size;
	return rs_memory_read(py->base.memory, from, buf, size) ? buf : NULL;
}

// The bytes around an object; copied to `buf` if they are not contiguous in our
// memory. NULL when they cannot be read.
static const uint8_t *body_of(struct rs_cpython *py, const struct rs_py_type *t,
			      uint64_t object, uint8_t *buf)
{
	const uint64_t size = (uint64_t)t->before + t->span;
	const uint8_t *p =
		rs_memory_at(py->base.memory, object - t->before, size);

	if (__builtin_expect(!p, 0) && size <= RS_BODY_COPY)
		p = copy_body(py, t, object, buf);
	return p ? p + t->before : NULL;
}

bool rs_py_guesses(struct rs_cpython *py, uint64_t address)
{
	const struct rs_py_type *t = rs_py_known_of(py, address);

	if (__builtin_expect(t != NULL && !t->guessed, 1))
		return false;
	return t &&
	       (t->how != RS_PY_MODULE || rs_py_module_guessed(py, address));
}

uint32_t rs_py_type_number(struct rs_runtime *rt, uint64_t type)
{
	const struct rs_py_type *t = rs_py_known(rs_cpython(rt), type);

	return t ? t->index : 0;
}

// Flags from the words before the object. Whether it is tracked is known from
// the collector's lists.
static inline uint16_t head_flags(struct rs_cpython *py,
				  const struct rs_py_type *t,
				  const uint8_t *body)
{
	const struct rs_py_types *k = py->known;
	bool finalized = false;
	uint16_t flags = 0;

	if (k->threaded_bits) {
		const uint8_t bits = body[k->threaded_bits - 1];

		finalized = bits & 2;
		if (bits & RS_PY_BIT_DEFERRED)
			flags = RS_OBJ_DEFERRED;
	} else if (k->finalized && t->before >= py->head_size) {
		finalized = body[k->finalized] & 1;
	}
	return flags | (finalized ? RS_OBJ_FINALIZED : 0);
}

static bool is_static_type(struct rs_cpython *py, const struct rs_py_type *t,
			   uint64_t object)
{
	return (t->flags & RS_TPF_TYPE) &&
	       !(rs_py_get(py, object, RS_F__typeobject__tp_flags) &
		 RS_TPF_HEAP);
}

// Flags that depend on the object, not only on its type.
static uint16_t special_flags(struct rs_cpython *py, const struct rs_py_type *t,
			      uint64_t object)
{
	uint16_t flags = 0;

	if (t->flags & RS_TPF_TYPE) {
		if (is_static_type(py, t, object))
			flags |= RS_OBJ_STATIC;
	} else if (py->known->old && strcmp(t->name, "instance") == 0) {
		flags |= RS_OBJ_INSTANCE;
		if (rs_py_old_finalizer(py, object))
			flags |= RS_OBJ_FINALIZER;
	} else if (py->known->old && t->how == RS_PY_GENERATOR) {
		if (rs_py_generator_finalizer(py, object))
			flags |= RS_OBJ_FINALIZER;
	}
	return flags;
}

static void fill_row(struct rs_cpython *py, const struct rs_py_type *t,
		     uint64_t object, const uint8_t *body, struct rs_row *row)
{
	bool immortal;

	row->type = t->index;
	row->flags = t->object_flags;
	row->count = rs_py_count(py, object, body, &immortal);
	row->wide_count = rs_py_wide_count(py, object, body);
	if (t->gc)
		row->flags |= head_flags(py, t, body);
	if (t->gc && py->known->threaded_bits && row->count &&
	    (body[py->known->threaded_bits - 1] &
	     (RS_PY_BIT_TRACKED | RS_PY_BIT_DEFERRED)) == RS_PY_BIT_TRACKED &&
	    rs_py_untracks(py, t, object))
		row->flags |= RS_OBJ_UNTRACKS;
	if (immortal) {
		row->flags |= RS_OBJ_IMMORTAL;
		if (rs_memory_module(py->base.memory, object))
			row->flags |= RS_OBJ_STATIC;
	}
	if (!t->special)
		return;
	row->flags |= special_flags(py, t, object);
	// A static type does not support GC, although its type does.
	if ((row->flags & (RS_OBJ_TYPE | RS_OBJ_STATIC)) ==
	    (RS_OBJ_TYPE | RS_OBJ_STATIC))
		row->flags &= (uint16_t) ~(RS_OBJ_GC | RS_OBJ_TRACKED |
					   RS_OBJ_FINALIZED);
}

static void read_refs(struct rs_cpython *py, const struct rs_py_type *t,
		      uint64_t object, const uint8_t *body,
		      struct rs_refs *refs)
{
	// Fields that a static type has after those of every type are set by a
	// C initializer, which counts nothing, or later: nothing tells.
	const bool may_count = !t->members || !is_static_type(py, t, object);

	for (uint32_t i = 0; i < t->members; i++) {
		const struct rs_py_member *m = &t->member[i];
		rs_refs_add(refs, rs_py_word(body + m->offset),
			    may_count ? (enum rs_kind)m->kind : RS_GUESS,
			    RS_LABEL_FIELD, (uintptr_t)m->name);
	}
	if (t->how != RS_PY_PLAIN)
		rs_py_special_refs(py, t, object, body, refs);
	if (t->dict != RS_PY_NO_DICT)
		rs_py_instance_refs(py, t, object, body, refs);
	if (t->overlay)
		py->base.extensions->ops->extension_refs(py->base.extensions,
							 t->overlay, object,
							 t->overlay_kind, refs);
	if (t->type_kind != RS_PY_NO_TYPE)
		rs_refs_add(refs, t->address, (enum rs_kind)t->type_kind,
			    RS_LABEL_TYPE, 0);
}

/*
 * In 3.11 the code of built-in modules is part of the executable, with a count
 * that never reaches 0. The references in such tuples and code objects are not
 * counted, unless their target is of the same kind.
 */
static void read_frozen_refs(struct rs_cpython *py, const struct rs_py_type *t,
			     uint64_t object, const uint8_t *body,
			     struct rs_refs *refs)
{
	void (*const drain)(struct rs_refs *) = refs->drain;
	const uint32_t first = refs->n;
	const uint64_t at = (uint64_t)rs_py_off(py, RS_F__object__ob_refcnt);

	refs->drain = NULL; // the complete references are needed below
	read_refs(py, t, object, body, refs);
	for (uint32_t i = first; i < refs->n; i++) {
		uint64_t count = 0;
		if (rs_memory_u64(py->base.memory, refs->target[i] + at,
				  &count) &&
		    !rs_py_is_frozen(py, refs->target[i], (int64_t)count))
			refs->kind[i] = RS_WEAK;
	}
	refs->drain = drain;
}

static bool is_frozen(struct rs_cpython *py, const struct rs_py_type *t,
		      uint64_t object, const uint8_t *body)
{
	return (t->how == RS_PY_TUPLE || t->how == RS_PY_CODE) &&
	       rs_py_is_frozen(
		       py, object,
		       (int64_t)rs_py_word(body + py->known->ob_refcnt));
}

/*
 * Of an object that is not in the target, or in part: its count, if that much
 * is there. A count that is not known is no count of 0.
 */
static void fill_unread(struct rs_cpython *py, const struct rs_py_type *t,
			uint64_t object, struct rs_row *row)
{
	const uint8_t *p =
		rs_memory_at(py->base.memory, object, py->header_size);
	bool immortal = true;

	if (t && p)
		row->count = rs_py_count(py, object, p, &immortal);
	if (!immortal)
		row->wide_count = rs_py_wide_count(py, object, p);
	if (immortal)
		row->flags |= RS_OBJ_IMMORTAL;
}

void rs_py_read(struct rs_runtime *rt, uint64_t address, struct rs_row *row,
		bool want_size, struct rs_refs *refs)
{
	struct rs_cpython *py = rs_cpython(rt);
	const struct rs_py_type *t = rs_py_known_of(py, address);
	uint8_t buf[RS_BODY_COPY];
	const uint8_t *body = t ? body_of(py, t, address, buf) : NULL;

	if (row)
		*row = (struct rs_row){.flags = RS_OBJ_INEXACT};
	if (row && t)
		row->type = t->index;
	if (!body) {
		if (row)
			fill_unread(py, t, address, row);
		if (refs && !refs->weak_only)
			refs->incomplete = true;
		return;
	}
	if (row) {
		fill_row(py, t, address, body, row);
		if (want_size) {
			py->size_cut = false;
			row->size = rs_py_size(py, t, address);
			if (py->size_cut)
				row->flags |= RS_OBJ_INEXACT;
			if (py->size_cut && refs)
				refs->incomplete = true;
		}
	}
	if (!refs || (refs->weak_only && t->how != RS_PY_WEAKREF))
		return;
	if (is_frozen(py, t, address, body))
		read_frozen_refs(py, t, address, body, refs);
	else
		read_refs(py, t, address, body, refs);
	if (row && refs->incomplete)
		row->flags |= RS_OBJ_INEXACT;
}
