// SPDX-License-Identifier: MIT
#include "runtime/cpython/decode/decode.h"

// Whether the word at `offset` has already been reported.
static bool is_member(const struct rs_py_type *t, int64_t offset)
{
	for (uint32_t i = 0; i < t->members; i++)
		if (t->member[i].offset == offset)
			return true;
	return t->dict == RS_PY_DICT_AT && t->dict_offset == offset;
}

void rs_py_guess_refs(struct rs_cpython *py, const struct rs_py_type *skip,
		      uint64_t base, uint64_t start, uint64_t end,
		      struct rs_refs *refs)
{
	const uint64_t weak =
		skip ? rs_py_get(py, skip->base,
				 RS_F__typeobject__tp_weaklistoffset)
		     : 0;
	uint64_t value;

	start = (start + 7) & ~UINT64_C(7);
	if (end - start > RS_PY_GUESS_MAX && end > start) {
		end = start + RS_PY_GUESS_MAX;
		refs->incomplete = true;
	}
	for (uint64_t at = start; at + 8 <= end; at += 8) {
		if (skip && (is_member(skip, (int64_t)(at - base)) ||
			     (weak && at - base == weak)))
			continue;
		if (!rs_memory_u64(py->base.memory, at, &value)) {
			refs->incomplete = true;
			return;
		}
		if (value != base && rs_py_is_object(&py->base, value))
			rs_refs_add(refs, value, RS_GUESS, RS_LABEL_WORD,
				    at - base);
	}
}
