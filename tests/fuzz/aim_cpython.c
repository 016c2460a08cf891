// SPDX-License-Identifier: MIT
#include "aim.h"
#include "runtime/cpython/cpython.h"

enum { RS_TYPE_BYTES = 416 }; // of a type object

void rs_aim_at_cpython(struct rs_session *s, const struct rs_graph *graph)
{
	const struct rs_cpython *py =
		rs_cpython(rs_session_runtime_named(s, "cpython"));
	const uint64_t traverse =
		(uint64_t)rs_py_off(py, RS_F__typeobject__tp_traverse);

	for (uint32_t i = 0; i < graph->objects; i++) {
		const uint64_t type = graph->type_row[graph->type[i]].address;

		if (!(graph->flags[i] & RS_OBJ_TRACKED))
			continue;
		rs_aim_add(s->memory, RS_LISTS,
			   graph->address[i] - py->head_size, 24);
		rs_aim_add(s->memory, RS_TYPES, type, RS_TYPE_BYTES);
		rs_aim_add(s->memory, RS_TYPES, type + traverse, 8);
	}
	for (unsigned g = 0; g < RS_PY_GENERATIONS; g++)
		for (unsigned i = 0; i < graph->objects / 100; i++)
			if (py->interpreter[0].head[g])
				rs_aim_add(s->memory, RS_LISTS,
					   py->interpreter[0].head[g], 16);
}
