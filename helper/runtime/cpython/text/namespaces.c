// SPDX-License-Identifier: MIT
//
// The names of the owners of namespaces.
#include "runtime/cpython/decode/decode.h"
#include "runtime/cpython/state/discover.h"
#include "runtime/cpython/text/object_names.h"

#include <inttypes.h>
#include <stdio.h>

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
