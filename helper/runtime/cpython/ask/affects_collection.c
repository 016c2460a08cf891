// SPDX-License-Identifier: MIT
//
// Whether a collection may depend on references that reading guesses at. A
// guess is not subtracted from its target's count, so what it leads to is held
// and survives. That is right, whatever else there is, as long as the object
// that was guessed at survives itself; and a module does for which the
// interpreter's own dict of modules has a reference. Nearly all are there. Of
// one that is not, the state may close a ring: module, state, class, module.
#include "runtime/cpython/ask/ask.h"

#include "base/search.h"
#include "runtime/cpython/decode/types.h"

static bool add_value(void *context, uint64_t key, uint64_t value)
{
	uint64_t *slot = rs_vec_push(context, sizeof(*slot));

	(void)key;
	if (slot)
		*slot = value;
	return slot != NULL;
}

static void list_modules(struct rs_cpython *py, struct rs_vec *ret)
{
	for (unsigned i = 0; i < py->interpreters; i++) {
		const uint64_t dict = rs_py_modules(py, i);

		if (dict)
			(void)rs_py_dict_each(py, dict, add_value, ret);
	}
	rs_vec_sort_u64(ret);
}

static bool
is_held(struct rs_cpython *py, const struct rs_vec *modules, uint64_t object)
{
	const struct rs_py_type *t = rs_py_known_of(py, object);

	return t && t->how == RS_PY_MODULE && rs_vec_has_u64(modules, object);
}

bool rs_py_affects_collection(struct rs_runtime *rt, const uint64_t *object,
			      size_t objects)
{
	struct rs_cpython *py = rs_cpython(rt);
	struct rs_vec modules = {0};
	bool held = true;

	list_modules(py, &modules);
	for (size_t i = 0; i < objects && held; i++)
		held = is_held(py, &modules, object[i]);
	rs_vec_fini(&modules);
	return !held;
}
