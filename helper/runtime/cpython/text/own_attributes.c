// SPDX-License-Identifier: MIT
#include "runtime/cpython/text/own_attributes.h"

enum { RS_ATTRIBUTE = 256 }; // bytes of a label

struct rs_error *
rs_py_own_attributes_each(struct rs_cpython *py, uint64_t object,
			  bool (*visit)(void *context, const char *name,
					uint64_t target),
			  void *context)
{
	struct rs_refs refs = {0};
	struct rs_error *err = rs_refs_init(&refs, true);
	char label[RS_ATTRIBUTE];
	bool more = !err;

	if (more)
		rs_py_read(&py->base, object, NULL, false, &refs);
	for (uint32_t i = 0; more && i < refs.n; i++) {
		const uint32_t kind = refs.label[i].kind;

		if (kind != RS_LABEL_FIELD && kind != RS_LABEL_ATTR &&
		    kind != RS_LABEL_DICT)
			continue;
		rs_py_label(&py->base, &refs.label[i], label, sizeof(label));
		if (label[0] == '.')
			more = visit(context, label + 1, refs.target[i]);
	}
	rs_refs_fini(&refs);
	return err;
}
