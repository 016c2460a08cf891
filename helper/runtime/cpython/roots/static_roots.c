// SPDX-License-Identifier: MIT
//
// Static types are not on a heap, and what they own (dict, bases, mro) exists
// as long as the process. They are found from `object` on, through the weak
// references to subclasses, which include every type that is ready.
#include "base/addrmap.h"
#include "runtime/cpython/decode/decode.h"
#include "runtime/cpython/roots/roots.h"

#include <stdio.h>

enum { RS_SUBCLASSES_MAX = 1 << 22 };

struct tree {
	struct rs_py_roots *r;
	struct rs_vec queue; // uint64_t, types
	struct rs_addrmap seen;
	struct rs_error *err;
};

static void enqueue(struct tree *tree, uint64_t type)
{
	bool added = false;

	if (tree->err || !type || (type & 7) || type >> 47)
		return;
	tree->err = rs_addrmap_add(&tree->seen, type, &added);
	if (tree->err || !added)
		return;
	tree->err = rs_vec_append(&tree->queue, &type, sizeof(type));
}

static bool visit_subclass(void *context, uint64_t key, uint64_t value)
{
	struct tree *tree = context;

	(void)key;
	enqueue(tree, rs_py_get(tree->r->py, value,
				RS_F__PyWeakReference__wr_object));
	return !tree->err;
}

// A list of weak references in 2.7, a dict of them in 3.x.
static void add_subclasses(struct tree *tree, uint64_t type)
{
	struct rs_cpython *py = tree->r->py;
	const uint64_t subclasses = rs_py_type_subclasses(py, type);

	if (rs_py_type(py, subclasses) != py->type_list) {
		if (subclasses)
			(void)rs_py_dict_each(py, subclasses, visit_subclass,
					      tree);
		return;
	}
	const uint64_t items =
		rs_py_get(py, subclasses, RS_F_PyListObject__ob_item);
	uint64_t n = rs_py_get(py, subclasses, RS_F_PyVarObject__ob_size);
	if (n > RS_SUBCLASSES_MAX) {
		rs_memory_gap(py->base.memory,
			      "CPython %s: a type has more than %d subclasses; "
			      "the others' roots are missing",
			      py->version_text, RS_SUBCLASSES_MAX);
		n = RS_SUBCLASSES_MAX;
	}
	for (uint64_t i = 0; i < n && !tree->err; i++) {
		uint64_t reference = 0;

		if (!rs_memory_u64(py->base.memory, items + 8 * i, &reference))
			break;
		(void)visit_subclass(tree, 0, reference);
	}
}

static struct rs_error *add_type(struct tree *tree, uint64_t type)
{
	struct rs_cpython *py = tree->r->py;
	const uint64_t flags = rs_py_get(py, type, RS_F__typeobject__tp_flags);
	const char *name;

	if (flags & RS_TPF_HEAP)
		return NULL;
	name = rs_py_type_name(py, type);
	return rs_roots_add(tree->r->roots, type, 0, RS_ROOT_MODULES, 0,
			    RS_NONE, "static type %s", name ? name : "?");
}

// From 3.12 on each interpreter has its own dicts for the built-in static
// types. Those of the first interpreter are reported with the types.
static struct rs_error *add_states(struct rs_py_roots *r, unsigned number,
				   enum rs_field array, enum rs_field count)
{
	struct rs_cpython *py = r->py;
	const bool newer =
		rs_py_off(py, RS_F_managed_static_type_state___size) >= 0;
	const enum rs_field fields[] = {
		newer ? RS_F_managed_static_type_state__tp_dict
		      : RS_F_static_builtin_state__tp_dict,
		newer ? RS_F_managed_static_type_state__tp_subclasses
		      : RS_F_static_builtin_state__tp_subclasses,
	};
	const int32_t stride =
		rs_py_off(py, newer ? RS_F_managed_static_type_state___size
				    : RS_F_static_builtin_state___size);
	uint64_t state = py->interpreter[number].address +
			 (uint64_t)rs_py_off(py, array);
	struct rs_error *err = NULL;

	if (rs_py_off(py, array) < 0 || stride <= 0)
		return NULL;
	for (int32_t i = 0; i < rs_py_off(py, count) && !err;
	     i++, state += (uint64_t)stride) {
		uint64_t type = 0;
		char name[RS_PY_ROOT_TEXT];

		if (!rs_memory_u64(py->base.memory, state, &type) || !type)
			continue;
		const char *text = rs_py_type_name(py, type);
		(void)snprintf(name, sizeof(name),
			       "static type %s in interpreter %lld",
			       text ? text : "?",
			       (long long)py->interpreter[number].id);
		for (size_t k = 0; k < 2 && !err; k++)
			err = rs_py_root_add(
				r, state + (uint64_t)rs_py_off(py, fields[k]),
				RS_ROOT_MODULES, name);
	}
	return err;
}

static struct rs_error *add_all_states(struct rs_py_roots *r)
{
	static const struct {
		enum rs_field array, count;
	} place[] = {
		{RS_F__is__types__builtins, RS_F__is__types__builtins__count},
		{RS_F__is__types__builtins__initialized,
		 RS_F__is__types__builtins__initialized__count},
		{RS_F__is__types__for_extensions__initialized,
		 RS_F__is__types__for_extensions__initialized__count},
	};
	struct rs_error *err = NULL;

	for (unsigned i = 1; i < r->py->interpreters; i++)
		for (size_t k = 0; k < sizeof(place) / sizeof(*place) && !err;
		     k++)
			err = add_states(r, i, place[k].array, place[k].count);
	return err;
}

struct copies {
	struct rs_py_roots *r;
	struct rs_error *err;
};

// A module that is initialised in one step leaves a copy of its dict in its
// definition (m_base.m_copy), for the next import.
static bool add_copy(void *context, uint64_t key, uint64_t module)
{
	struct copies *copies = context;
	struct rs_cpython *py = copies->r->py;
	const int32_t at = rs_py_off(py, RS_F_PyModuleObject__md_def);
	char name[RS_PY_ROOT_TEXT], text[RS_PY_ROOT_TEXT / 2];

	if (at < 0 || rs_py_type(py, module) != py->type_module)
		return true;
	const uint64_t def = rs_py_get(py, module, RS_F_PyModuleObject__md_def);
	// PyModuleDef_Base: an object's head, m_init, m_index, m_copy.
	const uint64_t slot = def + py->header_size + 16;
	if (!def || rs_py_type(py, rs_py_word_at(py, slot)) != py->type_dict ||
	    !rs_py_string(py, key, text, sizeof(text)))
		return true;
	(void)snprintf(name, sizeof(name), "first copy of module %s's dict",
		       text);
	copies->err = rs_py_root_add(copies->r, slot, RS_ROOT_MODULES, name);
	return !copies->err;
}

static struct rs_error *add_copies(struct rs_py_roots *r)
{
	struct copies copies = {.r = r};

	for (unsigned i = 0; i < r->py->interpreters && !copies.err; i++)
		(void)rs_py_dict_each(r->py, rs_py_modules(r->py, i), add_copy,
				      &copies);
	return copies.err;
}

struct rs_error *rs_py_static_roots(struct rs_py_roots *r)
{
	struct tree tree = {.r = r};
	struct rs_error *err = rs_addrmap_init(&tree.seen);

	if (err)
		return err;
	enqueue(&tree, r->py->type_object);
	for (size_t i = 0; i < rs_vec_count(&tree.queue, uint64_t) && !tree.err;
	     i++) {
		const uint64_t type = rs_vec_items(&tree.queue, uint64_t)[i];

		tree.err = add_type(&tree, type);
		if (!tree.err)
			add_subclasses(&tree, type);
	}
	rs_addrmap_fini(&tree.seen);
	rs_vec_fini(&tree.queue);
	if (!tree.err)
		tree.err = add_copies(r);
	return tree.err ? tree.err : add_all_states(r);
}
