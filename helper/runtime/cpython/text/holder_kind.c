// SPDX-License-Identifier: MIT
#include "runtime/cpython/decode/object_header.h"
#include "runtime/cpython/state/discover.h"

#include <string.h>

const char *rs_py_holder_kind(struct rs_runtime *rt, uint64_t address)
{
	static const struct {
		const char *type, *kind;
	} known[] = {
		{"traceback", "traceback"},
		{"cell", "closure"},
		{"functools._lru_cache_wrapper", "cache"},
		{"_thread._local", "thread local"},
		{"thread._local", "thread local"},
		{"_thread._localdummy", "thread local"},
		{"thread._localdummy", "thread local"},
	};
	struct rs_cpython *py = rs_cpython(rt);
	const struct rs_py_type *t = rs_py_known_of(py, address);

	if (!t)
		return NULL;
	if (t->flags & RS_TPF_EXCEPTION)
		return "exception";
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strcmp(t->name, known[i].type) == 0)
			return known[i].kind;
	return NULL;
}
