// SPDX-License-Identifier: MIT
//
// The dicts that are namespaces, and the names of their owners.
#include "runtime/cpython/decode/decode.h"
#include "runtime/cpython/state/discover.h"
#include "runtime/cpython/text/object_names.h"

#include <inttypes.h>
#include <stdio.h>

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

bool rs_py_owner_name(struct rs_runtime *rt, uint64_t address, char *buf,
		      size_t size)
{
	struct rs_cpython *py = rs_cpython(rt);
	const struct rs_py_type *t = rs_py_known_of(py, address);
	const bool old = py->known->old;
	char name[400];

	if (!t)
		return false;
	if (t->how == RS_PY_MODULE) {
		rs_py_module_name(py, address, name, sizeof(name));
		(void)snprintf(buf, size, "module %s", name);
	} else if (t->how == RS_PY_TYPE) {
		rs_py_full_type_name(py, address, name, sizeof(name));
		(void)snprintf(buf, size, "%s %s", rs_py_type_word(py, address),
			       name);
	} else if (t->address == py->type_function ||
		   strcmp(t->name, "function") == 0) {
		rs_py_function_name(py, address, name, sizeof(name));
		(void)snprintf(buf, size, "function %s", name);
	} else if (old && strcmp(t->name, "classobj") == 0) {
		rs_py_old_class_name(py, address, name, sizeof(name));
		(void)snprintf(buf, size, "class %s", name);
	} else if (old && strcmp(t->name, "instance") == 0) {
		// All instances of old-style classes have the same type.
		rs_py_old_class_name(
			py,
			rs_py_get(py, address, RS_F_PyInstanceObject__in_class),
			name, sizeof(name));
		(void)snprintf(buf, size, "%s 0x%" PRIx64, name, address);
	} else {
		return false;
	}
	return true;
}

uint32_t
rs_py_size_in_place(struct rs_runtime *rt, uint32_t type, uint32_t size)
{
	static const struct {
		const char *type;
		uint32_t size; // the smallest of all versions
	} with_table[] = {
		{"list", 40},
		{"dict", 48},
		{"collections.OrderedDict", 48},
		{"collections.defaultdict", 48},
		{"collections.deque", 48},
		{"set", 200},
		{"frozenset", 200},
		{"bytearray", 40},
		{"array.array", 40},
	};
	const char *name = type_name(rt, type);

	for (size_t i = 0; i < sizeof(with_table) / sizeof(*with_table); i++)
		if (strcmp(name, with_table[i].type) == 0 &&
		    size > with_table[i].size)
			return with_table[i].size;
	return size;
}
