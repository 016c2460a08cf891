// SPDX-License-Identifier: MIT
//
// What would act if an attribute of an object were dropped by its name, or a
// key looked up: known by reading the types, no code runs.
#include "runtime/cpython/decode/decode.h"
#include "runtime/cpython/decode/dict.h"
#include "runtime/cpython/state/discover.h"

#include <string.h>

enum {
	RS_CLASSES = 256,
	RS_NESTED_MAX = 8, // tuples in tuples
	RS_ITEMS_LOOKED_AT = 1000,
	// Source: CPython, Include/descrobject.h: words after the header.
	// d_name and d_qualname, which 2.7 lacks, are before what differs.
	RS_DESCR_27 = 16,
	RS_DESCR = 24,
	// PyMemberDef and PyGetSetDef.
	RS_MEMBER_OFFSET = 16,
	RS_MEMBER_FLAGS = 24,
	RS_READONLY = 1,
	RS_GETSET_SET = 16,
	RS_PROPERTY_SET = 8, // after prop_get; then prop_del
};

// In the classes of a type, as the interpreter looks it up.
static uint64_t find(struct rs_cpython *py, uint64_t type, const char *name)
{
	const uint64_t mro = rs_py_get(py, type, RS_F__typeobject__tp_mro);
	const uint64_t n = rs_py_tuple_size(py, mro);

	for (uint64_t i = 0; i < n && i < RS_CLASSES; i++) {
		const uint64_t dict =
			rs_py_type_dict(py, rs_py_tuple_item(py, mro, i));
		const uint64_t value =
			dict ? rs_py_dict_get(py, dict, name) : 0;
		if (value)
			return value;
	}
	return 0;
}

static const char *type_of(struct rs_cpython *py, uint64_t object)
{
	const struct rs_py_type *t = rs_py_known_of(py, object);

	return t ? t->name : "";
}

static uint64_t descriptor_word(struct rs_cpython *py, uint64_t descriptor)
{
	uint64_t word = 0;

	rs_memory_u64(py->base.memory,
		      descriptor + (uint64_t)py->header_size +
			      (py->known->old ? RS_DESCR_27 : RS_DESCR),
		      &word);
	return word;
}

static bool
is_member(struct rs_cpython *py, uint64_t descriptor, struct rs_attribute *ret)
{
	const uint64_t def = descriptor_word(py, descriptor);
	uint64_t offset = 0;
	uint32_t flags = 0;

	if (!rs_memory_u64(py->base.memory, def + RS_MEMBER_OFFSET, &offset) ||
	    !rs_memory_u32(py->base.memory, def + RS_MEMBER_FLAGS, &flags))
		return false;
	ret->kind =
		flags & RS_READONLY ? RS_ATTRIBUTE_FIXED : RS_ATTRIBUTE_WORD;
	ret->offset = (uint32_t)offset;
	return true;
}

static bool
is_getset(struct rs_cpython *py, uint64_t descriptor, struct rs_attribute *ret)
{
	const uint64_t def = descriptor_word(py, descriptor);
	uint64_t set = 0;

	if (!rs_memory_u64(py->base.memory, def + RS_GETSET_SET, &set))
		return false;
	ret->kind = set ? RS_ATTRIBUTE_SET : RS_ATTRIBUTE_FIXED;
	return true;
}

bool rs_py_attribute(struct rs_runtime *rt, uint64_t type, const char *name,
		     struct rs_attribute *ret)
{
	struct rs_cpython *py = rs_cpython(rt);
	const uint64_t found = find(py, type, name);

	*ret = (struct rs_attribute){0};
	if (!rs_py_get(py, type, RS_F__typeobject__tp_mro))
		return false;
	if (!found)
		return true;
	const struct rs_py_type *t = rs_py_known_of(py, found);
	if (!t)
		return false;
	if (strcmp(t->name, "member_descriptor") == 0)
		return is_member(py, found, ret);
	if (strcmp(t->name, "getset_descriptor") == 0)
		return is_getset(py, found, ret);
	// A property too has __set__, whether or not it was given a function.
	if (find(py, t->address, "__set__") ||
	    find(py, t->address, "__delete__"))
		ret->kind = RS_ATTRIBUTE_CODE;
	return true;
}

// What C code defines, or None (not hashable).
static bool is_of_c(struct rs_cpython *py, uint64_t method)
{
	static const char *const kinds[] = {
		"wrapper_descriptor",	  "method_descriptor",
		"method-wrapper",	  "builtin_function_or_method",
		"classmethod_descriptor", "NoneType",
	};
	const char *name = type_of(py, method);

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(name, kinds[i]) == 0)
			return true;
	return false;
}

static bool
runs_code(struct rs_cpython *py, uint64_t object, const char *method, int depth)
{
	const struct rs_py_type *t = rs_py_known_of(py, object);

	if (!t || depth > RS_NESTED_MAX)
		return true;
	if (py->known->old && strcmp(t->name, "instance") == 0)
		return rs_py_old_class_get(
			       py,
			       rs_py_get(py, object,
					 RS_F_PyInstanceObject__in_class),
			       method) != 0;
	if (strcmp(t->name, "frozenset") == 0)
		return false; // of its elements the hashes are kept
	const uint64_t found = find(py, t->address, method);
	if (found && !is_of_c(py, found))
		return true;
	if (strcmp(t->name, "tuple") != 0)
		return false;
	const uint64_t n = rs_py_tuple_size(py, object);
	for (uint64_t i = 0; i < n; i++)
		if (i == RS_ITEMS_LOOKED_AT ||
		    runs_code(py, rs_py_tuple_item(py, object, i), method,
			      depth + 1))
			return true;
	return false;
}

bool rs_py_runs_code(struct rs_runtime *rt, uint64_t object, const char *method)
{
	return runs_code(rs_cpython(rt), object, method, 0);
}

static bool
hash_in_set(struct rs_cpython *py, uint64_t set, uint64_t key, int64_t *ret)
{
	const struct rs_py_types *k = py->known;
	const uint64_t mask = rs_py_get(py, set, RS_F_PySetObject__mask);
	const uint64_t table = rs_py_get(py, set, RS_F_PySetObject__table);
	const uint8_t *p = NULL;

	if (mask < (uint64_t)RS_PY_ITEMS_MAX)
		p = rs_memory_at(py->base.memory, table, (mask + 1) * 16);
	for (uint64_t i = 0; p && i <= mask; i++) {
		if (rs_py_word(p + i * 16 + k->entry_key) != key)
			continue;
		*ret = (int64_t)rs_py_word(p + i * 16 + k->entry_hash);
		return true;
	}
	return false;
}

bool rs_py_stored_hash(struct rs_runtime *rt, uint64_t holder, uint64_t key,
		       int64_t *ret)
{
	struct rs_cpython *py = rs_cpython(rt);
	const struct rs_py_type *t = rs_py_known_of(py, holder);
	struct rs_py_table table;

	if (t && t->how == RS_PY_SET)
		return hash_in_set(py, holder, key, ret);
	if (!rs_py_table_open(py, holder, &table))
		return false;
	for (uint64_t i = 0; table.stride == 24 && i < table.entries; i++) {
		if (rs_py_table_key(&table, i) != key)
			continue;
		*ret = (int64_t)rs_py_word(table.entry + i * table.stride);
		return true;
	}
	return false;
}

bool rs_py_name_string(struct rs_runtime *rt, uint64_t address, char *buf,
		       size_t size)
{
	return rs_py_string(rs_cpython(rt), address, buf, size);
}
