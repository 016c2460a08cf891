// SPDX-License-Identifier: MIT
#include "runtime/cpython/decode/decode.h"
#include "runtime/cpython/decode/dict.h"

// A field of a type object and its name.
struct type_field {
	enum rs_field field;
	uint8_t from; // first minor version that visits it; 100: none does
	const char *label;
};

static const struct type_field type_fields[] = {
	{RS_F__typeobject__tp_mro, 0, "__mro__"},
	{RS_F__typeobject__tp_bases, 0, "__bases__"},
	{RS_F__typeobject__tp_cache, 0, "tp_cache"},
};

// After the PyTypeObject, in types made at run time.
static const struct type_field heap_fields[] = {
	{RS_F__heaptypeobject__ht_module, 9, "ht_module"},
	{RS_F__heaptypeobject__ht_name, 100, "__name__"},
	{RS_F__heaptypeobject__ht_qualname, 100, "__qualname__"},
	{RS_F__heaptypeobject__ht_slots, 100, "__slots__"},
};

/*
 * From 3.12 on, the dict, subclasses and weak references of built-in static
 * types are in an array in each interpreter; tp_subclasses then is the number
 * of the type, from 1 on. This reads those of the first interpreter.
 */
static uint64_t managed_state(struct rs_cpython *py, uint64_t type)
{
	int32_t array = rs_py_off(py, RS_F__is__types__builtins__initialized);
	int32_t stride = rs_py_off(py, RS_F_managed_static_type_state___size);
	const uint64_t flags = rs_py_get(py, type, RS_F__typeobject__tp_flags);
	uint64_t number = rs_py_get(py, type, RS_F__typeobject__tp_subclasses);

	if (rs_py_minor(py) < 12 || (flags & RS_TPF_HEAP) ||
	    !(flags & RS_TPF_STATIC_BUILTIN) || number == 0 || number > 4096 ||
	    py->interpreters == 0)
		return 0;
	if (array < 0)
		array = rs_py_off(py, RS_F__is__types__builtins);
	if (stride < 0)
		stride = rs_py_off(py, RS_F_static_builtin_state___size);
	if (array < 0 || stride <= 0)
		return 0;
	const uint64_t at = py->interpreter[0].address + (uint64_t)array +
			    (number - 1) * (uint64_t)stride;
	uint64_t back = 0;
	rs_memory_u64(py->base.memory, at, &back);
	if (back == type)
		return at;
	// Types of extension modules have a separate array.
	array = rs_py_off(py, RS_F__is__types__for_extensions__initialized);
	if (array < 0)
		return 0;
	const uint64_t other = py->interpreter[0].address + (uint64_t)array +
			       (number - 1) * (uint64_t)stride;
	rs_memory_u64(py->base.memory, other, &back);
	return back == type ? other : 0;
}

static uint64_t of_state(struct rs_cpython *py, uint64_t state,
			 enum rs_field managed, enum rs_field builtin)
{
	return rs_py_off(py, managed) >= 0 ? rs_py_get(py, state, managed)
					   : rs_py_get(py, state, builtin);
}

uint64_t rs_py_type_dict(struct rs_cpython *py, uint64_t type)
{
	const uint64_t dict = rs_py_get(py, type, RS_F__typeobject__tp_dict);
	const uint64_t state = dict ? 0 : managed_state(py, type);

	if (!state)
		return dict;
	return of_state(py, state, RS_F_managed_static_type_state__tp_dict,
			RS_F_static_builtin_state__tp_dict);
}

uint64_t rs_py_type_subclasses(struct rs_cpython *py, uint64_t type)
{
	const uint64_t state = managed_state(py, type);

	if (!state) {
		const uint64_t word =
			rs_py_get(py, type, RS_F__typeobject__tp_subclasses);
		return word < 4096 ? 0 : word;
	}
	return of_state(py, state,
			RS_F_managed_static_type_state__tp_subclasses,
			RS_F_static_builtin_state__tp_subclasses);
}

// The keys that the instances of a class share belong to the class.
static void
shared_keys(struct rs_cpython *py, uint64_t type, struct rs_refs *refs)
{
	const uint64_t keys =
		rs_py_get(py, type, RS_F__heaptypeobject__ht_cached_keys);
	struct rs_py_table table;

	if (!keys || !rs_py_keys_open(py, keys, &table))
		return;
	for (uint64_t i = 0; i < table.entries; i++) {
		const uint64_t key = rs_py_table_key(&table, i);
		rs_refs_add(refs, key, RS_OWNED, RS_LABEL_IS_KEY, key);
	}
}

static void fields(struct rs_cpython *py, uint64_t type,
		   const struct type_field *field, size_t count, bool heap,
		   struct rs_refs *refs)
{
	const unsigned minor = rs_py_minor(py);

	for (size_t i = 0; i < count; i++)
		rs_refs_add(refs, rs_py_get(py, type, field[i].field),
			    heap && field[i].from <= minor ? RS_STRONG
							   : RS_OWNED,
			    RS_LABEL_FIELD, (uintptr_t)field[i].label);
}

// Static types set their base in the C initializer, and this reference is not
// counted. Up to 3.9 the one to `object` is, if none was set: a guess, because
// nothing tells.
static void
base_ref(struct rs_cpython *py, uint64_t type, bool heap, struct rs_refs *refs)
{
	const uint64_t base = rs_py_get(py, type, RS_F__typeobject__tp_base);
	const bool set_late = rs_py_minor(py) <= 9 && base == py->type_object;

	rs_refs_add(refs, base,
		    heap       ? RS_STRONG
		    : set_late ? RS_GUESS
			       : RS_WEAK,
		    RS_LABEL_FIELD, (uintptr_t) "__base__");
}

/*
 * Up to 3.12 ctypes keeps its data about a type in the type's dict, which is an
 * object with a longer body. Types of pointers visit one word of it.
 *
 * Source: CPython Modules/_ctypes/ctypes.h, StgDictObject, 2.7 to 3.12.
 */
static void pointer_refs(struct rs_cpython *py, const struct rs_py_type *t,
			 uint64_t object, struct rs_refs *refs)
{
	enum { RS_BEFORE_PROTO = 48 }; // three sizes and an ffi_type
	const uint64_t dict = rs_py_type_dict(py, object);
	const int32_t size = rs_py_off(py, RS_F_PyDictObject___size);
	uint64_t value;

	if (rs_py_minor(py) > 12 || size < 0 || !dict ||
	    strcmp(t->name, "_ctypes.PyCPointerType") != 0)
		return;
	if (rs_memory_u64(py->base.memory,
			  dict + (uint64_t)size + RS_BEFORE_PROTO, &value))
		rs_refs_add(refs, value, RS_STRONG, RS_LABEL_FIELD,
			    (uintptr_t) "_type_");
}

void rs_py_type_refs(struct rs_cpython *py, const struct rs_py_type *t,
		     uint64_t object, struct rs_refs *refs)
{
	// Static types do not support garbage collection.
	const bool heap =
		rs_py_get(py, object, RS_F__typeobject__tp_flags) & RS_TPF_HEAP;
	const enum rs_kind kind = heap ? (enum rs_kind)t->body_kind : RS_OWNED;

	rs_refs_add(refs, rs_py_type_dict(py, object), kind, RS_LABEL_DICT, 0);
	fields(py, object, type_fields,
	       sizeof(type_fields) / sizeof(type_fields[0]), heap, refs);
	base_ref(py, object, heap, refs);
	rs_refs_add(refs, rs_py_type_subclasses(py, object), RS_OWNED,
		    RS_LABEL_FIELD, (uintptr_t) "__subclasses__");
	if (!heap)
		return;
	fields(py, object, heap_fields,
	       sizeof(heap_fields) / sizeof(heap_fields[0]), heap, refs);
	shared_keys(py, object, refs);
	if (t->address != py->type_type)
		pointer_refs(py, t, object, refs);
}
