// SPDX-License-Identifier: MIT
//
// Objects that show memory of another object, or of none.
#include "runtime/cpython/decode/decode.h"
#include "runtime/cpython/decode/numpy.h"
#include "runtime/cpython/state/discover.h"

// A Py_buffer has the exporter in front of the length.
static bool
memoryview(struct rs_cpython *py, uint64_t object, struct rs_viewed *ret)
{
	const int32_t at = rs_py_off(py, RS_F_PyMemoryViewObject__view__obj);

	if (at < 0)
		return false;
	ret->of = rs_py_word_at(py, object + (uint64_t)at);
	ret->bytes = rs_py_word_at(py, object + (uint64_t)at + 8);
	return ret->of != 0;
}

static bool
mapping(struct rs_cpython *py, uint64_t object, struct rs_viewed *ret)
{
	const uint64_t body = object + py->header_size;

	ret->bytes = rs_py_word_at(py, body + 8);
	ret->mapped = true;
	return rs_py_word_at(py, body) != 0; // closed: unmapped
}

bool rs_py_viewed(struct rs_runtime *rt, uint64_t address,
		  struct rs_viewed *ret)
{
	struct rs_cpython *py = rs_cpython(rt);
	const struct rs_py_type *t = rs_py_known_of(py, address);
	const char *base = t ? rs_py_type_name(py, t->base) : NULL;
	bool is_view = false;

	*ret = (struct rs_viewed){0};
	if (!base)
		return false;
	if (t->how == RS_PY_NDARRAY)
		is_view =
			rs_py_ndarray_view(py, address, &ret->bytes, &ret->of);
	else if (strcmp(base, "memoryview") == 0)
		is_view = memoryview(py, address, ret);
	else if (strcmp(base, "mmap.mmap") == 0)
		is_view = mapping(py, address, ret);
	return is_view && ret->bytes <= (uint64_t)RS_PY_ITEMS_MAX;
}
