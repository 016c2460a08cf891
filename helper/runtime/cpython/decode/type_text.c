// SPDX-License-Identifier: MIT
//
// The name of a type: its tp_name or, if the file that contains this is
// missing, the symbol of the type.
#include "runtime/cpython/decode/types.h"

#include "runtime/cpython/decode/named.h"

const char *rs_py_type_name(struct rs_cpython *py, uint64_t type)
{
	const uint64_t p =
		rs_py_type_field(py, type, RS_F__typeobject__tp_name);

	const char *text =
		p ? rs_memory_text(py->base.memory, p, RS_PY_NAME_MAX) : NULL;

	return text ? text : rs_py_type_named(py, type);
}

bool rs_py_is_name(const char *text)
{
	if (!text || !*text)
		return false;
	for (const char *p = text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 127)
			return false;
	return true;
}
