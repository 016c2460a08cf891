// SPDX-License-Identifier: MIT
//
// The names of objects that have one: types, modules, functions, frames.
#include "runtime/cpython/decode/decode.h"
#include "runtime/cpython/state/discover.h"
#include "runtime/cpython/text/object_names.h"

#include <stdio.h>

void rs_py_frame_name(struct rs_cpython *py, uint64_t object, char *buf,
		      size_t size)
{
	struct rs_py_frame frame = {.address = object};

	if (rs_py_minor(py) >= 11) {
		frame.address =
			rs_py_get(py, object, RS_F_PyFrameObject__f_frame);
		frame.code = rs_py_get(py, frame.address,
				       RS_F__PyInterpreterFrame__f_code);
		if (!frame.code)
			frame.code = rs_py_get(
				py, frame.address,
				RS_F__PyInterpreterFrame__f_executable);
		frame.code &= ~UINT64_C(1);
	} else {
		frame.code = rs_py_get(py, object, RS_F_PyFrameObject__f_code);
	}
	rs_py_frame_text(py, &frame, buf, size);
}

void rs_py_generator_name(struct rs_cpython *py, uint64_t generator, char *buf,
			  size_t size)
{
	if (rs_py_off(py, RS_F_PyGenObject__gi_qualname) >= 0)
		rs_py_field_name(py, generator, RS_F_PyGenObject__gi_qualname,
				 buf, size);
	else
		rs_py_field_name(
			py, rs_py_get(py, generator, RS_F_PyGenObject__gi_code),
			RS_F_PyCodeObject__co_name, buf, size);
}

const char *rs_py_builtin_name(struct rs_cpython *py, uint64_t function)
{
	const uint64_t ml =
		rs_py_get(py, function, RS_F_PyCFunctionObject__m_ml);
	const uint64_t at =
		ml ? rs_py_get(py, ml, RS_F_PyMethodDef__ml_name) : 0;
	const char *name = at ? rs_memory_text(py->base.memory, at, 256) : NULL;

	return name ? name : "?";
}

static void
code_name(struct rs_cpython *py, uint64_t code, char *buf, size_t size)
{
	const int32_t line_at =
		rs_py_off(py, RS_F_PyCodeObject__co_firstlineno);
	char name[256], file[512];
	uint32_t line = 0;

	rs_py_field_name(py, code, RS_F_PyCodeObject__co_name, name,
			 sizeof(name));
	rs_py_field_name(py, code, RS_F_PyCodeObject__co_filename, file,
			 sizeof(file));
	if (line_at >= 0)
		rs_memory_u32(py->base.memory, code + (uint64_t)line_at, &line);
	(void)snprintf(buf, size, "%s (%s:%u)", name, rs_base_name(file), line);
}

// Names of types that no enum rs_py_how has.
static bool named(struct rs_cpython *py, const struct rs_py_type *t,
		  uint64_t object, char *buf, size_t size)
{
	const bool old = py->known->old;

	if (t->address == py->type_function || !strcmp(t->name, "function"))
		rs_py_function_name(py, object, buf, size);
	else if (!strcmp(t->name, old ? "instancemethod" : "method"))
		rs_py_function_name(
			py, rs_py_get(py, object, RS_F_PyMethodObject__im_func),
			buf, size);
	else if (!strcmp(t->name, "builtin_function_or_method"))
		(void)snprintf(buf, size, "%s", rs_py_builtin_name(py, object));
	else if (old && !strcmp(t->name, "classobj"))
		rs_py_old_class_name(py, object, buf, size);
	else if (old && !strcmp(t->name, "instance"))
		rs_py_old_class_name(
			py,
			rs_py_get(py, object, RS_F_PyInstanceObject__in_class),
			buf, size);
	else
		return false;
	return true;
}

bool rs_py_own_name(struct rs_runtime *rt, uint64_t address, char *buf,
		    size_t size)
{
	struct rs_cpython *py = rs_cpython(rt);
	const struct rs_py_type *t = rs_py_known_of(py, address);

	switch (t ? t->how : RS_PY_PLAIN) {
	case RS_PY_TYPE:
		rs_py_full_type_name(py, address, buf, size);
		return true;
	case RS_PY_MODULE:
		rs_py_module_name(py, address, buf, size);
		return true;
	case RS_PY_CODE:
		code_name(py, address, buf, size);
		return true;
	case RS_PY_FRAME:
		rs_py_frame_name(py, address, buf, size);
		return true;
	case RS_PY_GENERATOR:
		rs_py_generator_name(py, address, buf, size);
		return true;
	default:
		return t && named(py, t, address, buf, size);
	}
}
