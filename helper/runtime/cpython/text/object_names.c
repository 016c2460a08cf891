// SPDX-License-Identifier: MIT
#include "runtime/cpython/text/object_names.h"

#include "runtime/cpython/decode/decode.h"
#include "runtime/cpython/state/discover.h"

#include <stdio.h>

static bool is_heap_type(struct rs_cpython *py, uint64_t type)
{
	return rs_py_get(py, type, RS_F__typeobject__tp_flags) & RS_TPF_HEAP;
}

void rs_py_field_name(struct rs_cpython *py, uint64_t object,
		      enum rs_field field, char *buf, size_t size)
{
	const uint64_t name = rs_py_get(py, object, field);

	if (!name || !rs_py_string(py, name, buf, size))
		(void)snprintf(buf, size, "?");
}

void rs_py_full_type_name(struct rs_cpython *py, uint64_t type, char *buf,
			  size_t size)
{
	const char *name = rs_py_type_name(py, type);
	const bool heap = is_heap_type(py, type);
	char module[128], own[256];
	const uint64_t dict = heap ? rs_py_type_dict(py, type) : 0;
	const uint64_t in = dict ? rs_py_dict_get(py, dict, "__module__") : 0;
	const uint64_t qualified =
		heap ? rs_py_get(py, type, RS_F__heaptypeobject__ht_qualname)
		     : 0;

	if (!qualified || !rs_py_string(py, qualified, own, sizeof(own)))
		(void)snprintf(own, sizeof(own), "%s", name ? name : "?");
	if (!in || !rs_py_string(py, in, module, sizeof(module)) ||
	    strcmp(module, "builtins") == 0 ||
	    strcmp(module, "__builtin__") == 0)
		(void)snprintf(buf, size, "%s", own);
	else
		(void)snprintf(buf, size, "%s.%s", module, own);
}

bool rs_py_type_module(struct rs_runtime *rt, uint64_t address, char *buf,
		       size_t size)
{
	struct rs_cpython *py = rs_cpython(rt);
	const char *name = rs_py_type_name(py, address);
	const char *dot = name ? strrchr(name, '.') : NULL;

	if (is_heap_type(py, address)) {
		const uint64_t dict = rs_py_type_dict(py, address);
		const uint64_t in =
			dict ? rs_py_dict_get(py, dict, "__module__") : 0;

		if (in && rs_py_string(py, in, buf, size))
			return true;
	}
	if (!name)
		return false;
	if (dot)
		(void)snprintf(buf, size, "%.*s", (int)(dot - name), name);
	else
		(void)snprintf(buf, size, "%s",
			       py->known->old ? "__builtin__" : "builtins");
	return true;
}

void rs_py_function_name(struct rs_cpython *py, uint64_t function, char *buf,
			 size_t size)
{
	rs_py_field_name(py, function,
			 py->known->old ? RS_F_PyFunctionObject__func_name
					: RS_F_PyFunctionObject__func_qualname,
			 buf, size);
}

void rs_py_module_name(struct rs_cpython *py, uint64_t module, char *buf,
		       size_t size)
{
	const uint64_t dict =
		rs_py_get(py, module, RS_F_PyModuleObject__md_dict);
	const uint64_t name = dict ? rs_py_dict_get(py, dict, "__name__") : 0;

	if (!name || !rs_py_string(py, name, buf, size))
		(void)snprintf(buf, size, "?");
}

void rs_py_old_class_name(struct rs_cpython *py, uint64_t class, char *buf,
			  size_t size)
{
	const uint64_t dict = rs_py_get(py, class, RS_F_PyClassObject__cl_dict);
	const uint64_t in = dict ? rs_py_dict_get(py, dict, "__module__") : 0;
	char name[256], module[128];

	rs_py_field_name(py, class, RS_F_PyClassObject__cl_name, name,
			 sizeof(name));
	if (!in || !rs_py_string(py, in, module, sizeof(module)))
		(void)snprintf(module, sizeof(module), "?");
	(void)snprintf(buf, size, "%s.%s", module, name);
}

const char *rs_py_type_word(struct rs_cpython *py, uint64_t type)
{
	return py->known->old && !is_heap_type(py, type) ? "type" : "class";
}
