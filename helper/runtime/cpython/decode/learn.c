// SPDX-License-Identifier: MIT
#include "base/cleanup.h"
#include "base/pair_set.h"
#include "runtime/cpython/decode/chain.h"
#include "runtime/cpython/decode/decode.h"
#include "runtime/cpython/decode/members.h"
#include "runtime/cpython/decode/numpy.h"
#include "runtime/cpython/decode/size_rules.h"

#include <stdio.h>
#include <stdlib.h>

enum { RS_T_OBJECT = 6, RS_T_OBJECT_EX = 16, RS_PY_NAME_KEPT = 500 };

// What is being put together for one type.
struct draft {
	struct rs_cpython *py;
	struct rs_py_type *type;
	struct rs_py_member *member; // owned
	size_t members, room;
	// The offsets of them. Not a bit for each word of the body: the target
	// says how large that is.
	struct rs_pair_set taken;
};

static void
add_member(struct draft *d, int64_t offset, enum rs_kind kind, const char *name)
{
	const int64_t limit = d->type->basicsize;
	bool added;

	if (offset < d->py->header_size || (offset & 7) || offset > limit - 8)
		return;
	if (!rs_pair_set_add(&d->taken, (uint64_t)offset, 0, &added)) {
		d->py->base.types->no_memory = true;
		return;
	}
	if (!added)
		return;
	if (d->members == d->room) {
		const size_t room = d->room ? 2 * d->room : 16;
		void *more = realloc(d->member, room * sizeof(*d->member));

		if (!more) {
			d->py->base.types->no_memory = true;
			return;
		}
		d->member = more;
		d->room = room;
	}
	d->member[d->members++] = (struct rs_py_member){
		.name = name,
		.offset = (int32_t)offset,
		.kind = (uint8_t)kind,
	};
}

// The PyMemberDef records from `at`, `count` of them or up to the empty one.
static void add_records(struct draft *d, uint64_t at, uint64_t count,
			bool owned_too, enum rs_kind kind)
{
	struct rs_memory *memory = d->py->base.memory;

	for (uint64_t i = 0; i < count; i++) {
		const uint8_t *p = rs_memory_at(
			memory, at + i * RS_PY_MEMBER_DEF, RS_PY_MEMBER_DEF);
		if (!p || rs_py_word(p) == 0)
			return;
		uint32_t code;
		memcpy(&code, p + 8, sizeof(code));
		if (code != RS_T_OBJECT_EX &&
		    (!owned_too || code != RS_T_OBJECT))
			continue;
		const char *name =
			rs_memory_text(memory, rs_py_word(p), RS_PY_NAME_MAX);
		add_member(d, (int64_t)rs_py_word(p + 16), kind,
			   rs_py_is_name(name) ? name : "slot");
	}
}

/*
 * Walk the bases as subtype_traverse() does: every class made in Python adds
 * its __slots__. @return The first base with another traverse function.
 */
static uint64_t walk_bases(struct draft *d, uint64_t type)
{
	struct rs_cpython *py = d->py;
	struct rs_py_chain chain = {0};
	uint64_t b = type;

	while (rs_py_chain_step(&chain, b)) {
		const uint64_t traverse =
			rs_py_type_field(py, b, RS_F__typeobject__tp_traverse);
		if (!py->subtype_traverse || traverse != py->subtype_traverse)
			break;
		const uint64_t meta = rs_py_type(py, b);
		const uint64_t size = rs_py_type_field(
			py, meta, RS_F__typeobject__tp_basicsize);
		uint64_t count = 0;

		if (rs_memory_u64(py->base.memory,
				  b + (uint64_t)py->known->ob_size, &count) &&
		    size < UINT32_MAX)
			add_records(d, b + size, count, false, RS_STRONG);
		const uint64_t base =
			rs_py_type_field(py, b, RS_F__typeobject__tp_base);
		if (!base)
			break;
		b = base;
	}
	return b;
}

// Classes made in Python from C types without traversal (class I(int):
// __slots__ = ()) add nothing of their own: look for the C type below. A C
// type with a larger body is its own.
static uint64_t skip_python_classes(struct rs_cpython *py, uint64_t type)
{
	const uint64_t size =
		rs_py_type_field(py, type, RS_F__typeobject__tp_basicsize);
	struct rs_py_chain chain = {0};
	uint64_t b = type;

	while (rs_py_chain_step(&chain, b)) {
		const uint64_t base =
			rs_py_type_field(py, b, RS_F__typeobject__tp_base);
		const char *name = rs_py_type_name(py, b);

		if ((name && rs_py_shape_find(py, name)) || !base ||
		    !(rs_py_type_field(py, b, RS_F__typeobject__tp_flags) &
		      RS_TPF_HEAP) ||
		    rs_py_type_field(py, b, RS_F__typeobject__tp_traverse))
			break;
		b = base;
	}
	return rs_py_type_field(py, b, RS_F__typeobject__tp_basicsize) == size
		       ? b
		       : type;
}

// The shape of `base` or of what it inherits its traverse function from.
static const struct rs_py_shape *
find_shape(struct rs_cpython *py, uint64_t base)
{
	const uint64_t traverse =
		rs_py_type_field(py, base, RS_F__typeobject__tp_traverse);

	struct rs_py_chain chain = {0};

	while (base && rs_py_chain_step(&chain, base)) {
		const char *name = rs_py_type_name(py, base);
		const struct rs_py_shape *shape =
			name ? rs_py_shape_find(py, name) : NULL;

		if (rs_py_type_field(py, base, RS_F__typeobject__tp_traverse) !=
		    traverse)
			return NULL;
		if (shape)
			return shape;
		base = rs_py_type_field(py, base, RS_F__typeobject__tp_base);
	}
	return NULL;
}

static void
add_shape(struct draft *d, const struct rs_py_shape_member *m, enum rs_kind as)
{
	for (; m && m->label; m++)
		add_member(d, rs_py_shape_offset(d->py, m),
			   m->kind == RS_STRONG ? as : (enum rs_kind)m->kind,
			   m->label);
}

// How to read the body of a C type that is in no table.
static enum rs_py_how how_of_flags(const struct rs_py_type *t)
{
	if (t->flags & RS_TPF_TYPE)
		return RS_PY_TYPE;
	if (t->flags & RS_TPF_DICT)
		return RS_PY_DICT;
	if (t->flags & RS_TPF_LIST)
		return RS_PY_LIST;
	if (t->flags & RS_TPF_TUPLE)
		return RS_PY_TUPLE;
	if (t->flags & (RS_TPF_LONG | RS_TPF_BYTES | RS_TPF_UNICODE))
		return RS_PY_PLAIN;
	return RS_PY_UNKNOWN;
}

// The types whose layout everything rests on go by address, so that a core
// without the interpreter's file, thus without names, can still be read.
static int how_of_address(const struct rs_cpython *py, uint64_t type)
{
	if (type == 0)
		return -1;
	if (type == py->type_list)
		return RS_PY_LIST;
	if (type == py->type_tuple)
		return RS_PY_TUPLE;
	if (type == py->type_dict)
		return RS_PY_DICT;
	if (type == py->type_type)
		return RS_PY_TYPE;
	if (type == py->type_unicode || type == py->type_bytes ||
	    type == py->type_long || type == py->type_float ||
	    type == py->type_bool || type == py->type_none)
		return RS_PY_PLAIN;
	return -1;
}

// A struct sequence hides members behind those that its length counts.
static uint32_t hidden_length(struct rs_cpython *py, uint64_t type)
{
	const uint64_t dict = rs_py_type_dict(py, type);
	const uint64_t n = dict ? rs_py_dict_get(py, dict, "n_fields") : 0;
	int64_t value;

	if (!n || rs_py_minor(py) < 8 || !rs_py_integer(py, n, &value) ||
	    value < 0 || value > UINT32_MAX)
		return 0;
	return (uint32_t)value;
}

// Members of a C type at most: none is smaller than a byte.
static uint64_t most_records(const struct rs_py_type *t)
{
	return (uint64_t)t->basicsize + 64;
}

// What a C type that is in no table tells the collector is what it should tell:
// its members, its dict, and (from 3.9 on) its type. Nobody checks that.
static void add_doubts(struct draft *d, uint64_t base, bool tells_members)
{
	struct rs_py_type *t = d->type;
	const bool tells = t->gc && t->traverse;
	const bool is_base = t->address == base;

	if (tells_members ||
	    (tells && is_base &&
	     (t->type_kind == RS_STRONG || t->dict != RS_PY_NO_DICT)))
		t->object_flags |= RS_OBJ_INEXACT | RS_OBJ_ASSUMED;
	if (tells && t->has_is_gc)
		t->object_flags |= RS_OBJ_INEXACT | RS_OBJ_UNTRACKS;
	if (t->body_end > d->py->header_size)
		t->object_flags |= RS_OBJ_INEXACT;
	else
		t->how = RS_PY_PLAIN;
}

static void add_body(struct draft *d, uint64_t base, bool traversed)
{
	struct rs_cpython *py = d->py;
	struct rs_py_type *t = d->type;
	const struct rs_py_shape *shape = find_shape(py, base);
	const bool is_numpy = shape && (shape->how == RS_PY_NDARRAY ||
					shape->how == RS_PY_DTYPE);
	const enum rs_kind as = traversed ? RS_STRONG : RS_OWNED;
	const int how = how_of_address(py, base);

	if (is_numpy && !rs_py_numpy_fits(py, base)) {
		rs_memory_gap(py->base.memory,
			      "CPython %s: type %s is not laid out as in a "
			      "known release of numpy; what its objects hold "
			      "is guessed, and their sizes may be too small",
			      py->version_text, rs_py_type_name(py, base));
		shape = NULL;
	}
	t->body_kind = (uint8_t)as;
	if (how >= 0) {
		t->how = (uint8_t)how;
		return;
	}
	if (shape) {
		t->how = shape->how;
		if (t->how == RS_PY_LRU_LINK && rs_py_minor(py) >= 10)
			t->type_kind = RS_PY_NO_TYPE;
		add_shape(d, shape->member, as);
		add_shape(d, shape->more, as);
		return;
	}
	const size_t before = d->members;

	t->how = (uint8_t)how_of_flags(t);
	if (t->how == RS_PY_TUPLE && base != py->type_tuple)
		t->tuple_length = hidden_length(py, base);
	// The members of a struct sequence are its items.
	if (t->how != RS_PY_TUPLE)
		add_records(d,
			    rs_py_type_field(py, base,
					     RS_F__typeobject__tp_members),
			    most_records(t), true, as);
	const int64_t dict = (int64_t)rs_py_type_field(
		py, base, RS_F__typeobject__tp_dictoffset);
	if (dict > 0 && t->how != RS_PY_TYPE)
		add_member(d, dict, as, "__dict__");
	if (t->how == RS_PY_UNKNOWN)
		add_doubts(d, base, traversed && d->members > before);
}

// A program that links the helper may have described the body: then nothing
// has to be guessed.
static void add_overlay(struct draft *d, uint64_t base)
{
	struct rs_py_type *t = d->type;

	struct rs_runtime *extensions = d->py->base.extensions;

	t->overlay = extensions
			     ? extensions->ops->extension_type(extensions, base)
			     : NULL;
	t->overlay_kind = RS_EXTENSION_SKIP;
	if (!t->overlay || t->how != RS_PY_UNKNOWN)
		return;
	t->how = RS_PY_PLAIN;
	t->object_flags &=
		(uint16_t) ~(RS_OBJ_INEXACT | RS_OBJ_ASSUMED | RS_OBJ_UNTRACKS);
	t->overlay_kind = t->gc && t->traverse ? RS_STRONG : RS_OWNED;
}

// Where an instance's attributes are; `own`: base has none of them.
static void find_dict(struct draft *d, uint64_t type, uint64_t base)
{
	struct rs_cpython *py = d->py;
	struct rs_py_type *t = d->type;
	const unsigned minor = rs_py_minor(py);
	const int64_t offset = (int64_t)rs_py_type_field(
		py, type, RS_F__typeobject__tp_dictoffset);
	const int64_t of_base = (int64_t)rs_py_type_field(
		py, base, RS_F__typeobject__tp_dictoffset);
	const bool managed = minor >= 11 && (t->flags & RS_TPF_MANAGED_DICT);

	if (managed) {
		t->dict = minor == 11	? RS_PY_DICT_311
			  : minor == 12 ? RS_PY_DICT_312
					: RS_PY_DICT_313;
		t->dict_offset = py->known->threaded_bits ? -8 : -24;
		if (t->flags & RS_TPF_INLINE_VALUES)
			t->values_offset = minor >= 14
						   ? (int32_t)t->basicsize
						   : (int32_t)py->header_size;
		t->keys = rs_py_type_field(
			py, type, RS_F__heaptypeobject__ht_cached_keys);
		return;
	}
	if (type == base || offset == 0 || offset == of_base)
		return;
	t->dict = offset > 0 ? RS_PY_DICT_AT : RS_PY_DICT_END;
	t->dict_offset = (int32_t)offset;
}

static uint16_t flags_of(struct rs_cpython *py, const struct rs_py_type *t,
			 uint64_t type, uint64_t base)
{
	const uint64_t del =
		rs_py_type_field(py, type, RS_F__typeobject__tp_del);
	const uint64_t finalize =
		rs_py_type_field(py, type, RS_F__typeobject__tp_finalize);
	uint16_t flags = 0;

	if (t->gc)
		flags |= RS_OBJ_GC;
	if (t->flags & RS_TPF_TYPE)
		flags |= RS_OBJ_TYPE;
	if (type != base && t->dict != RS_PY_NO_DICT)
		flags |= RS_OBJ_INSTANCE;
	if (py->known->old) {
		if (del && (t->flags & RS_TPF_HEAP))
			flags |= RS_OBJ_FINALIZER;
		return flags;
	}
	if (del)
		flags |= RS_OBJ_FINALIZER | RS_OBJ_LEGACY;
	// A class made in Python inherits the function of its C base; another
	// one is what calls __del__.
	if (type != base && finalize &&
	    finalize !=
		    rs_py_type_field(py, base, RS_F__typeobject__tp_finalize))
		flags |= RS_OBJ_FINALIZER;
	return flags;
}

// Whether instances own a reference to their type, and tell it.
static uint8_t type_kind(struct rs_cpython *py, const struct rs_py_type *t,
			 uint64_t type, uint64_t base)
{
	const bool base_heap =
		rs_py_type_field(py, base, RS_F__typeobject__tp_flags) &
		RS_TPF_HEAP;
	const uint64_t traverse =
		rs_py_type_field(py, base, RS_F__typeobject__tp_traverse);

	if (!(t->flags & RS_TPF_HEAP))
		return RS_PY_NO_TYPE;
	if (type != base && t->gc)
		return RS_STRONG;
	// A heap type written in C: its traverse function tells from 3.9 on.
	if (t->gc && base_heap && traverse && rs_py_minor(py) >= 9)
		return RS_STRONG;
	// Before 3.8 only what went through tp_alloc owned its type.
	return RS_OWNED;
}

// Bytes that reading a body of this kind touches without asking again.
static int32_t body_size(const struct rs_cpython *py, unsigned how)
{
	switch (how) {
	case RS_PY_LIST:
		return rs_py_off(py, RS_F_PyListObject___size);
	case RS_PY_TUPLE:
		return rs_py_off(py, RS_F_PyVarObject___size);
	case RS_PY_SET:
		return rs_py_off(py, RS_F_PySetObject___size);
	default:
		return 0;
	}
}

static void measure(struct rs_cpython *py, struct rs_py_type *t)
{
	const int32_t least = body_size(py, t->how);
	uint32_t before = t->gc ? py->head_size : 0;
	uint32_t span = t->basicsize;

	if (t->flags & (RS_TPF_MANAGED_DICT | RS_TPF_MANAGED_WEAKREF) &&
	    rs_py_minor(py) >= 11 && before < 32)
		before = 32;
	if (span < py->header_size)
		span = py->header_size;
	// A type that calls itself a list and is too small for one.
	if (least < 0 || span < (uint32_t)least) {
		t->how = RS_PY_PLAIN;
		t->object_flags |= RS_OBJ_INEXACT;
	}
	t->before = (uint16_t)before;
	t->span = span;
}

static void learn_keys(struct rs_cpython *py, struct rs_py_type *t)
{
	const struct rs_py_types *k = py->known;

	if (!t->keys ||
	    !rs_memory_u64(py->base.memory,
			   t->keys + (uint64_t)k->keys_nentries,
			   &t->keys_count) ||
	    t->keys_count > UINT32_MAX)
		t->keys_count = 0;
}

// Whether @p type is that of the instances of old-style classes.
static bool is_instance(struct rs_cpython *py, uint64_t type)
{
	const char *name = rs_py_type_name(py, type);

	return name && strcmp(name, "instance") == 0;
}

static void fill(struct draft *d, uint64_t type)
{
	struct rs_cpython *py = d->py;
	struct rs_py_type *t = d->type;
	uint64_t base;

	t->address = type;
	t->meta = rs_py_type(py, type);
	t->flags = rs_py_type_field(py, type, RS_F__typeobject__tp_flags);
	t->basicsize = (uint32_t)rs_py_type_field(
		py, type, RS_F__typeobject__tp_basicsize);
	t->itemsize = (uint32_t)rs_py_type_field(py, type,
						 RS_F__typeobject__tp_itemsize);
	t->gc = t->flags & RS_TPF_GC;
	t->has_is_gc =
		rs_py_type_field(py, type, RS_F__typeobject__tp_is_gc) != 0;
	base = walk_bases(d, type);
	if (base == type)
		base = skip_python_classes(py, type);
	t->base = base;
	t->traverse = rs_py_type_field(py, base, RS_F__typeobject__tp_traverse);
	t->body_end = (uint32_t)rs_py_type_field(
		py, base, RS_F__typeobject__tp_basicsize);
	if (t->body_end > t->basicsize)
		t->body_end = t->basicsize;
	find_dict(d, type, base);
	t->dict_kind = t->gc ? RS_STRONG : RS_OWNED;
	t->type_kind = type_kind(py, t, type, base);
	t->object_flags = flags_of(py, t, type, base);
	add_body(d, base, t->gc && t->traverse);
	add_overlay(d, base);
	t->special = (t->flags & RS_TPF_TYPE) ||
		     (py->known->old &&
		      (t->how == RS_PY_GENERATOR || is_instance(py, type)));
	learn_keys(py, t);
	measure(py, t);
	t->size_rule = rs_py_size_rule(py, base);
	t->guessed =
		t->how == RS_PY_MODULE || (t->object_flags & RS_OBJ_INEXACT);
}

void rs_py_type_free(struct rs_py_type *t)
{
	if (!t)
		return;
	free(t->member);
	free(t->name);
	free(t);
}

// A program may have written anything into a name: one line, and not a long
// one.
static char *copy_name(const char *name)
{
	const size_t length = strnlen(name, RS_PY_NAME_KEPT + 1);
	char *copy = strndup(name, RS_PY_NAME_KEPT);

	if (!copy)
		return NULL;
	for (char *c = copy; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 127)
			*c = '?';
	if (length <= RS_PY_NAME_KEPT)
		return copy;
	// Not in the middle of a character.
	size_t end = RS_PY_NAME_KEPT - 3;
	while (end && ((unsigned char)copy[end] & 0xc0) == 0x80)
		end--;
	memcpy(copy + end, "...", 4);
	return copy;
}

static bool finish(struct draft *d)
{
	struct rs_py_type *t = d->type;
	struct rs_cpython *py = d->py;
	const char *name = rs_py_type_name(py, t->address);
	char plain[32];

	if (!name || !*name) {
		(void)snprintf(plain, sizeof(plain), "type@0x%llx",
			       (unsigned long long)t->address);
		name = plain;
	}
	t->name = copy_name(name);
	t->members = (uint32_t)d->members;
	t->member = rs_take(&d->member);
	if (!t->name) {
		py->base.types->no_memory = true;
		return false;
	}

	struct rs_error *error = rs_types_add(
		py->base.types, t->address, t->name, py->base.index, &t->index);
	if (!error) {
		struct rs_py_type **slot = rs_vec_push(
			&py->known->all, sizeof(struct rs_py_type *));
		if (slot) {
			*slot = t;
			return true;
		}
	}
	py->base.types->no_memory |=
		!error || rs_error_code(error) == RS_ENOMEM;
	rs_error_free(error);
	return false;
}

static void draft_fini(struct draft *d)
{
	free(d->member);
	rs_pair_set_fini(&d->taken);
}

struct rs_py_type *rs_py_learn(struct rs_cpython *py, uint64_t type)
{
	RS_CLEANUP(draft_fini) struct draft d = {.py = py};
	struct rs_py_type *t = calloc(1, sizeof(*t));

	d.type = t;
	if (t) {
		fill(&d, type);
		if (finish(&d))
			return t;
	} else {
		py->base.types->no_memory = true;
	}
	rs_py_type_free(t);
	return NULL;
}
