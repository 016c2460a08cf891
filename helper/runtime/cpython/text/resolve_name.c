// SPDX-License-Identifier: MIT
#include "runtime/cpython/decode/decode.h"
#include "runtime/cpython/decode/dict.h"
#include "runtime/cpython/text/name_key.h"
#include "runtime/cpython/text/own_attributes.h"

#include "base/error.h"

#include <stdio.h>

enum { RS_PART = 256, RS_CLASSES = 256 };

// The state of resolving a name.
struct path {
	struct rs_cpython *py;
	const char *text, *at;
	uint64_t modules; // sys.modules
	char dotted[RS_PART * 2]; // name of `object`, if it is a module
	uint64_t object;
};

uint64_t rs_py_modules(struct rs_cpython *py, unsigned number)
{
	const uint64_t interpreter =
		number < py->interpreters ? py->interpreter[number].address : 0;
	uint64_t dict;

	if (!interpreter)
		return 0;
	dict = rs_py_get(py, interpreter, RS_F__is__imports__modules);
	return dict ? dict : rs_py_get(py, interpreter, RS_F__is__modules);
}

// Read the word at p->at. @return false when there is none.
static bool take_word(struct path *p, char *word)
{
	size_t n = 0;

	while (rs_py_is_word(p->at[n]) && n < RS_PART - 1) {
		word[n] = p->at[n];
		n++;
	}
	word[n] = '\0';
	p->at += n;
	return n > 0;
}

// Look in a class and its bases, also of 2.7's old-style classes.
static uint64_t
of_class(struct rs_cpython *py, uint64_t class, const char *name)
{
	const uint64_t mro = rs_py_get(py, class, RS_F__typeobject__tp_mro);
	const uint64_t n = rs_py_tuple_size(py, mro);

	for (uint64_t i = 0; i < n && i < RS_CLASSES; i++) {
		const uint64_t dict =
			rs_py_type_dict(py, rs_py_tuple_item(py, mro, i));
		const uint64_t value =
			dict ? rs_py_dict_get(py, dict, name) : 0;
		if (value)
			return value;
	}
	return 0;
}

// The value of `name` in the object's own dict or inline values.
static uint64_t of_attributes(struct rs_cpython *py, const struct rs_py_type *t,
			      uint64_t object, const char *name)
{
	struct rs_py_attributes at;
	struct rs_py_table table;
	char text[RS_PART];

	rs_py_attributes(py, t, object, &at);
	if (at.dict)
		return rs_py_dict_get(py, at.dict, name);
	if (!at.values || !rs_py_keys_open(py, at.keys, &table))
		return 0;
	for (uint64_t i = 0; i < at.count && i < table.entries; i++) {
		uint64_t value = 0;
		if (rs_py_string(py, rs_py_table_key(&table, i), text,
				 sizeof(text)) &&
		    strcmp(text, name) == 0) {
			rs_memory_u64(py->base.memory, at.values + i * 8,
				      &value);
			return value;
		}
	}
	return 0;
}

struct own_attribute {
	const char *name; // wanted
	uint64_t value; // found; 0: not yet
};

static bool is_own_attribute(void *context, const char *name, uint64_t target)
{
	struct own_attribute *wanted = context;

	if (strcmp(name, wanted->name) == 0)
		wanted->value = target;
	return !wanted->value;
}

static uint64_t
own_attribute(struct rs_cpython *py, uint64_t object, const char *name)
{
	struct own_attribute wanted = {.name = name};

	rs_error_free(rs_py_own_attributes_each(py, object, is_own_attribute,
						&wanted));
	return wanted.value;
}

// Whether it is a descriptor, which would compute the attribute.
static bool computes(struct rs_cpython *py, uint64_t value)
{
	const struct rs_py_type *t = rs_py_known_of(py, value);

	return t && (strcmp(t->name, "getset_descriptor") == 0 ||
		     strcmp(t->name, "member_descriptor") == 0 ||
		     strcmp(t->name, "property") == 0);
}

static uint64_t
attribute(struct rs_cpython *py, uint64_t object, const char *name)
{
	const struct rs_py_type *t = rs_py_known_of(py, object);
	uint64_t dict, value = 0;

	if (!t)
		return 0;
	if (strcmp(name, "__class__") == 0 &&
	    !(py->known->old && strcmp(t->name, "instance") == 0))
		return t->address;
	if (t->how == RS_PY_MODULE) {
		dict = rs_py_get(py, object, RS_F_PyModuleObject__md_dict);
		value = dict ? rs_py_dict_get(py, dict, name) : 0;
	} else if (t->how == RS_PY_TYPE) {
		value = of_class(py, object, name);
	} else if (py->known->old && strcmp(t->name, "classobj") == 0) {
		value = rs_py_old_class_get(py, object, name);
	} else {
		value = of_attributes(py, t, object, name);
	}
	if (value)
		return value;
	value = own_attribute(py, object, name);
	if (value)
		return value;
	dict = t->how == RS_PY_TYPE ? 0 : own_attribute(py, object, "__dict__");
	if (dict)
		value = rs_py_dict_get(py, dict, name);
	if (!value && py->known->old && strcmp(t->name, "instance") == 0)
		value = rs_py_old_class_get(
			py,
			rs_py_get(py, object, RS_F_PyInstanceObject__in_class),
			name);
	if (value)
		return value;
	value = of_class(py, t->address, name);
	return value && !computes(py, value) ? value : 0;
}

static struct rs_error *missing(const struct path *p, const char *what)
{
	return rs_error_new(RS_ENOTFOUND, "%.*s: no %s", (int)(p->at - p->text),
			    p->text, what);
}

static bool is_module(struct rs_cpython *py, uint64_t object)
{
	const struct rs_py_type *t = rs_py_known_of(py, object);

	return t && t->how == RS_PY_MODULE;
}

// `.word`: an attribute, otherwise a module of the package.
static struct rs_error *step_attribute(struct path *p)
{
	char word[RS_PART], dotted[RS_PART * 4];
	uint64_t value;

	p->at++;
	if (!take_word(p, word))
		return rs_error_new(RS_EBAD, "%s: a name is missing after `.`",
				    p->text);
	value = attribute(p->py, p->object, word);
	if (value && !is_module(p->py, value))
		p->dotted[0] = '\0'; // no need to look through sys.modules
	(void)snprintf(dotted, sizeof(dotted), "%s.%s", p->dotted, word);
	if (p->dotted[0] && strlen(dotted) < sizeof(p->dotted)) {
		const uint64_t module =
			rs_py_dict_get(p->py, p->modules, dotted);
		if (!value)
			value = module;
		if (module && value == module)
			memcpy(p->dotted, dotted, strlen(dotted) + 1);
		else
			p->dotted[0] = '\0';
	}
	if (!value)
		return missing(p, "such attribute");
	p->object = value;
	return NULL;
}

// The key to look for in a dict.
struct search {
	struct rs_cpython *py;
	const struct rs_py_key *key;
	uint64_t value;
};

static bool same(void *context, uint64_t key, uint64_t value)
{
	struct search *s = context;

	if (!rs_py_key_is(s->py, s->key, key))
		return true;
	s->value = value;
	return false;
}

static uint64_t item(struct rs_cpython *py, const struct rs_py_type *t,
		     uint64_t object, int64_t number)
{
	const int64_t length = rs_py_length(py, object);
	uint64_t value = 0, at;

	if (length < 0 || length > RS_PY_ITEMS_MAX)
		return 0;
	if (number < 0)
		number += length;
	if (number < 0 || number >= length)
		return 0;
	at = t->how == RS_PY_TUPLE
		     ? object + (uint64_t)py->known->tuple_item
		     : rs_py_get(py, object, RS_F_PyListObject__ob_item);
	rs_memory_u64(py->base.memory, at + (uint64_t)number * 8, &value);
	return value;
}

static uint64_t
element(struct rs_cpython *py, uint64_t object, const struct rs_py_key *key)
{
	const struct rs_py_type *t = rs_py_known_of(py, object);
	struct search search = {py, key, 0};

	if (!t)
		return 0;
	if (t->flags & RS_TPF_DICT) {
		if (key->kind == RS_PY_KEY_TEXT)
			return rs_py_dict_get(py, object, key->text);
		rs_py_dict_each(py, object, same, &search);
		return search.value;
	}
	if (key->kind != RS_PY_KEY_NUMBER ||
	    (t->how != RS_PY_LIST && t->how != RS_PY_TUPLE))
		return 0;
	return item(py, t, object, key->number);
}

// `[3]`, `['key']`, `[(1, None)]`.
static struct rs_error *step_element(struct path *p)
{
	struct rs_py_key key;

	rs_py_key_parse(p->at + 1, &key);
	if (key.kind == RS_PY_KEY_OPEN)
		return rs_error_new(RS_EBAD, "%s: a `]` is missing", p->text);
	if (key.kind == RS_PY_KEY_BAD)
		return rs_error_new(
			RS_EBAD,
			"%s: `%s`: in brackets a name has a number, "
			"a text in quotes, b'...', None, or a "
			"tuple of these",
			p->text, p->at);
	p->at = key.end;
	p->dotted[0] = '\0';
	p->object = element(p->py, p->object, &key);
	return p->object ? NULL : missing(p, "such element");
}

// The first word: a module, or a name in __main__ or in builtins.
static struct rs_error *step_first(struct path *p)
{
	static const char *const within[] = {"__main__", "builtins",
					     "__builtin__"};
	char word[RS_PART];

	if (!take_word(p, word))
		return rs_error_new(RS_EBAD,
				    "`%s` is not a name: give "
				    "module.attr['key'].attr",
				    p->text);
	p->object = rs_py_dict_get(p->py, p->modules, word);
	if (p->object) {
		(void)snprintf(p->dotted, sizeof(p->dotted), "%s", word);
		return NULL;
	}
	for (size_t i = 0; i < sizeof(within) / sizeof(within[0]); i++) {
		const uint64_t module =
			rs_py_dict_get(p->py, p->modules, within[i]);
		p->object = module ? attribute(p->py, module, word) : 0;
		if (p->object)
			return NULL;
	}
	return rs_error_new(RS_ENOTFOUND,
			    "%s: neither a module nor a name in __main__",
			    word);
}

static struct rs_error *resolve_in(struct rs_cpython *py, unsigned number,
				   const char *name, uint64_t *ret)
{
	struct path p = {.py = py, .text = name, .at = name};
	struct rs_error *error;

	p.modules = rs_py_modules(p.py, number);
	if (!p.modules)
		return rs_error_new(RS_ENOTFOUND,
				    "%s: sys.modules cannot be read", name);
	error = step_first(&p);
	while (!error && *p.at) {
		if (*p.at == '.')
			error = step_attribute(&p);
		else if (*p.at == '[')
			error = step_element(&p);
		else
			error = rs_error_new(RS_EBAD, "%s: cannot parse `%s`",
					     name, p.at);
	}
	if (!error)
		*ret = p.object;
	return error;
}

// Look in the main interpreter first, then in the others.
struct rs_error *
rs_py_resolve(struct rs_runtime *rt, const char *name, uint64_t *ret)
{
	struct rs_cpython *py = rs_cpython(rt);
	struct rs_error *first = resolve_in(py, 0, name, ret);

	for (unsigned i = 1; first && i < py->interpreters; i++) {
		struct rs_error *err = resolve_in(py, i, name, ret);

		if (!err) {
			rs_error_free(first);
			return NULL;
		}
		rs_error_free(err);
	}
	return first;
}
