// SPDX-License-Identifier: MIT
//
// What answers ask about all objects of a type, known by the type's name.
#include "runtime/cpython/cpython.h"
#include "runtime/cpython/state/discover.h"

#include <string.h>

enum { RS_MEMBER_TEXT = 32 };

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
