// SPDX-License-Identifier: MIT
//
// What answers ask about all objects of a type, known by the type's name.
#include "runtime/cpython/cpython.h"
#include "runtime/cpython/decode/members.h"
#include "runtime/cpython/state/discover.h"

#include <string.h>

enum { RS_MEMBER_TEXT = 32, RS_FIELD_TEXT = 256 };

static const char *type_name(const struct rs_runtime *rt, uint32_t type)
{
	const struct rs_type_row *row =
		rs_vec_items(&rt->types->row, struct rs_type_row);

	return type < rs_vec_count(&rt->types->row, struct rs_type_row)
		       ? row[type].name
		       : "";
}

bool rs_py_is_namespace(struct rs_runtime *rt, uint32_t type)
{
	return strcmp(type_name(rt, type), "dict") == 0;
}

// Some types have it as a field of their C struct.
bool rs_py_is_own_namespace(struct rs_runtime *rt, const struct rs_label *label)
{
	char text[16] = "";

	if (label->kind == RS_LABEL_DICT)
		return true;
	if (label->kind != RS_LABEL_FIELD && label->kind != RS_LABEL_PATH)
		return false;
	rs_py_label(rt, label, text, sizeof(text));
	return strcmp(text, ".__dict__") == 0;
}

// Fields of a C struct that no attribute names, or one that is only read, or
// that its type does not let go of.
static bool is_fixed_field(struct rs_runtime *rt, uint32_t type,
			   const struct rs_label *label)
{
	static const char *const kept[] = {
		"args",	    "__bases__", "__name__",  "__qualname__",
		"__code__", "func_code", "__class__",
	};
	const struct rs_type_row *row =
		rs_vec_items(&rt->types->row, struct rs_type_row);
	struct rs_attribute attribute;
	char text[RS_FIELD_TEXT];

	rs_py_label(rt, label, text, sizeof(text));
	const char *name = text[0] == '.' ? text + 1 : text;
	if (strcmp(name, "cell_contents") == 0) // PyCell_Set() does it
		return false;
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (strcmp(name, kept[i]) == 0)
			return true;
	if (type >= rs_vec_count(&rt->types->row, struct rs_type_row) ||
	    !rs_py_attribute(rt, row[type].address, name, &attribute))
		return false;
	// Of other types the C code may be what has to be mended.
	if (attribute.kind == RS_ATTRIBUTE_NONE)
		return rs_py_shape_find(rs_cpython(rt), row[type].name);
	return attribute.kind == RS_ATTRIBUTE_FIXED;
}

bool rs_py_is_fixed(struct rs_runtime *rt, uint32_t type,
		    const struct rs_label *label)
{
	// Members that code can only read.
	static const struct {
		const char *type, *field;
	} member[] = {
		{"function", "__closure__"},	 {"function", "__globals__"},
		{"generator", "gi_frame"},	 {"coroutine", "cr_frame"},
		{"async_generator", "ag_frame"}, {"method", "__self__"},
		{"method", "__func__"},		 {"instancemethod", "im_self"},
		{"instancemethod", "im_func"},
	};
	const char *name = type_name(rt, type);

	if (label->kind == RS_LABEL_INDEX)
		return strcmp(name, "tuple") == 0;
	if (label->kind == RS_LABEL_FIELD && is_fixed_field(rt, type, label))
		return true;
	for (size_t i = 0; label->kind == RS_LABEL_FIELD &&
			   i < sizeof(member) / sizeof(*member);
	     i++) {
		char text[RS_MEMBER_TEXT];

		if (strcmp(name, member[i].type) != 0)
			continue;
		rs_py_label(rt, label, text, sizeof(text));
		if (strcmp(text[0] == '.' ? text + 1 : text, member[i].field) ==
		    0)
			return true;
	}
	return false;
}

// Code, and tuples in which the collector has seen no object that it tracks.
bool rs_py_is_constant(struct rs_runtime *rt, uint32_t type, uint16_t flags)
{
	const char *name = type_name(rt, type);

	return strcmp(name, "code") == 0 ||
	       (strcmp(name, "tuple") == 0 && !(flags & RS_OBJ_TRACKED));
}
