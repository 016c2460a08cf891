// SPDX-License-Identifier: MIT
#include "runtime/cpython/roots/roots.h"

struct rs_error *rs_py_root_add(struct rs_py_roots *r, uint64_t slot,
				enum rs_root_kind kind, const char *name)
{
	uint64_t target = 0;

	if (!rs_memory_u64(r->py->base.memory, slot, &target) || !target)
		return NULL;
	return rs_roots_add(r->roots, target, slot, kind, r->thread, RS_NONE,
			    "%s", name);
}
