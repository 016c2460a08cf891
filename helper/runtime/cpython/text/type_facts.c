// SPDX-License-Identifier: MIT
//
// What answers ask about all objects of a type, known by the type's name.
#include "runtime/cpython/cpython.h"
#include "runtime/cpython/state/discover.h"

#include <string.h>

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
	return label->kind == RS_LABEL_INDEX &&
	       strcmp(type_name(rt, type), "tuple") == 0;
}
