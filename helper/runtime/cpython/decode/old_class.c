// SPDX-License-Identifier: MIT
// Old-style classes of Python 2.
#include "runtime/cpython/decode/decode.h"

enum { RS_CLASSES_MAX = 4096 };

// Whether the class or one of its bases defines __del__, breadth first.
static bool class_has_del(struct rs_cpython *py, uint64_t class)
{
	uint64_t queue[RS_CLASSES_MAX];
	unsigned n = 0;

	queue[n++] = class;
	for (unsigned i = 0; i < n; i++) {
		const uint64_t dict =
			rs_py_get(py, queue[i], RS_F_PyClassObject__cl_dict);
		const uint64_t bases =
			rs_py_get(py, queue[i], RS_F_PyClassObject__cl_bases);

		if (dict && rs_py_dict_get(py, dict, "__del__"))
			return true;
		const uint64_t count = rs_py_tuple_size(py, bases);
		for (uint64_t b = 0; b < count && n < RS_CLASSES_MAX; b++)
			queue[n++] = rs_py_tuple_item(py, bases, b);
		if (n == RS_CLASSES_MAX)
			rs_memory_gap(py->base.memory,
				      "CPython %s: an old-style class has more "
				      "than %d bases; a __del__ of the others "
				      "is not known",
				      py->version_text, RS_CLASSES_MAX);
	}
	return false;
}

bool rs_py_old_finalizer(struct rs_cpython *py, uint64_t instance)
{
	const uint64_t class =
		rs_py_get(py, instance, RS_F_PyInstanceObject__in_class);
	const uint64_t dict =
		rs_py_get(py, instance, RS_F_PyInstanceObject__in_dict);
	struct rs_py_types *k = py->known;

	if (!class)
		return false;
	// Instances of a class come in runs.
	if (k->old_class != class) {
		k->old_class = class;
		k->old_class_del = class_has_del(py, class);
	}
	return k->old_class_del ||
	       (dict && rs_py_dict_get(py, dict, "__del__"));
}
