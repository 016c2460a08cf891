// SPDX-License-Identifier: MIT
//
// Executors, the objects with code compiled by the JIT (3.15). A code object
// refers to them by an array, and they refer to each other by their exits. The
// interpreter also has a list of all of them, whose references are not counted.
//
// Source: CPython 3.15 Include/internal/pycore_optimizer.h, Python/optimizer.c
// executor_traverse().
#include "runtime/cpython/decode/decode.h"

enum { RS_EXITS_MAX = 1 << 16, RS_EXECUTORS_MAX = 1 << 16 };

void rs_py_executor_refs(struct rs_cpython *py, const struct rs_py_type *t,
			 uint64_t executor, struct rs_refs *refs)
{
	const int32_t count_at =
		rs_py_off(py, RS_F__PyExecutorObject__exit_count);
	const int32_t exits_at = rs_py_off(py, RS_F__PyExecutorObject__exits);
	const int32_t stride = rs_py_off(py, RS_F__PyExitData___size);
	const int32_t target_at = rs_py_off(py, RS_F__PyExitData__executor);
	uint32_t exits = 0;

	if (count_at < 0 || exits_at < 0 || stride <= 0 || target_at < 0) {
		rs_py_guess_refs(py, t, executor, executor + py->header_size,
				 executor + t->body_end, refs);
		return;
	}
	if (!rs_memory_u32(py->base.memory, executor + (uint64_t)count_at,
			   &exits) ||
	    exits > RS_EXITS_MAX) {
		refs->incomplete = true;
		return;
	}
	for (uint32_t i = 0; i < exits; i++)
		rs_refs_add(refs,
			    rs_py_word_at(py, executor + (uint64_t)exits_at +
						      i * (uint64_t)stride +
						      (uint64_t)target_at),
			    RS_STRONG, RS_LABEL_INDEX, i);
}

void rs_py_code_executor_refs(struct rs_cpython *py, uint64_t code,
			      struct rs_refs *refs)
{
	const int32_t size_at = rs_py_off(py, RS_F__PyExecutorArray__size);
	const int32_t first_at =
		rs_py_off(py, RS_F__PyExecutorArray__executors);
	const uint64_t array =
		rs_py_get(py, code, RS_F_PyCodeObject__co_executors);
	uint32_t size = 0;

	if (!array || size_at < 0 || first_at < 0)
		return;
	if (!rs_memory_u32(py->base.memory, array + (uint64_t)size_at, &size) ||
	    size > RS_EXECUTORS_MAX) {
		refs->incomplete = true;
		return;
	}
	rs_py_array_refs(py, array + (uint64_t)first_at, size, 0, RS_OWNED,
			 RS_LABEL_INDEX, refs);
}
