// SPDX-License-Identifier: MIT
// Old-style classes of Python 2.
#include "runtime/cpython/decode/decode.h"

enum { RS_CLASSES_MAX = 4096 };

// Breadth first, which is not always the interpreter's order.
uint64_t
rs_py_old_class_get(struct rs_cpython *py, uint64_t class, const char *name)
{
	uint64_t queue[RS_CLASSES_MAX];
	unsigned n = 0;

	queue[n++] = class;
	for (unsigned i = 0; i < n; i++) {
		const uint64_t dict =
			rs_py_get(py, queue[i], RS_F_PyClassObject__cl_dict);
		const uint64_t value =
			dict ? rs_py_dict_get(py, dict, name) : 0;
		const uint64_t bases =
			rs_py_get(py, queue[i], RS_F_PyClassObject__cl_bases);
		const uint64_t count = rs_py_tuple_size(py, bases);

		if (value)
			return value;
		for (uint64_t b = 0; b < count && n < RS_CLASSES_MAX; b++)
			queue[n++] = rs_py_tuple_item(py, bases, b);
		if (n == RS_CLASSES_MAX)
			rs_memory_gap(py->base.memory,
				      "CPython %s: an old-style class has more "
				      "than %d bases; a %s of the others "
				      "is not known",
				      py->version_text, RS_CLASSES_MAX, name);
	}
	return 0;
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
		k->old_class_del =
			rs_py_old_class_get(py, class, "__del__") != 0;
	}
	return k->old_class_del ||
	       (dict && rs_py_dict_get(py, dict, "__del__"));
}
