// SPDX-License-Identifier: MIT
//
// Objects are read in address order, so the processor fetches their own cache
// lines early. What they point to may be anywhere, and waiting for it takes as
// long as reading fifty references.
#include "runtime/cpython/decode/types.h"

enum { RS_LINE = 64, RS_TABLE_LINES = 3 };

void rs_py_prefetch(struct rs_runtime *rt, uint64_t address)
{
	rs_memory_prefetch(rt->memory, address - 16);
	rs_memory_prefetch(rt->memory, address + 48);
}

static void prefetch_lines(struct rs_memory *memory, uint64_t address)
{
	for (unsigned i = 0; i < RS_TABLE_LINES; i++)
		rs_memory_prefetch(memory, address + (uint64_t)i * RS_LINE);
}

// The pointer at @p offset in the object, if the version has this field.
static void
follow(struct rs_memory *memory, const uint8_t *body, int32_t offset)
{
	if (offset >= 0)
		prefetch_lines(memory, rs_py_word(body + offset));
}

void rs_py_prefetch_tables(struct rs_runtime *rt, uint64_t address)
{
	struct rs_cpython *py = rs_cpython(rt);
	const struct rs_py_types *k = py->known;
	const struct rs_py_type *t;
	const uint8_t *body;

	body = rs_memory_at(rt->memory, address, py->header_size);
	t = body ? rs_py_met(py, rs_py_word(body + k->ob_type)) : NULL;
	if (!t)
		return;
	body = rs_memory_at(rt->memory, address - t->before,
			    (uint64_t)t->before + t->span);
	if (!body)
		return;
	body += t->before;
	switch (t->how) {
	case RS_PY_LIST:
		follow(rt->memory, body, k->list_item);
		break;
	case RS_PY_DICT:
		follow(rt->memory, body, k->ma_keys);
		follow(rt->memory, body, k->ma_values);
		follow(rt->memory, body, k->ma_table);
		break;
	case RS_PY_SET:
		follow(rt->memory, body, k->set_table);
		break;
	default:
		break;
	}
	if (t->dict == RS_PY_DICT_311)
		prefetch_lines(rt->memory, rs_py_word(body - 32));
	else if (t->dict == RS_PY_DICT_312)
		prefetch_lines(rt->memory,
			       rs_py_word(body - 24) & ~UINT64_C(1));
}
