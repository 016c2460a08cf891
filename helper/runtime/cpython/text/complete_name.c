// SPDX-License-Identifier: MIT
//
// The names with which the last part of `module.attr` can be completed.
#include "runtime/cpython/decode/decode.h"
#include "runtime/cpython/decode/dict.h"
#include "runtime/cpython/text/name_key.h"
#include "runtime/cpython/text/own_attributes.h"

#include <stdio.h>

enum { RS_WHOLE = 1024, RS_WORD = 256, RS_MRO = 64 };

struct completion {
	struct rs_cpython *py;
	const char *text; // what is there
	size_t base; // bytes of it that stay: up to the last dot
	void (*visit)(void *context, const char *name);
	void *context;
};

static bool is_name(const char *word)
{
	if (isdigit((unsigned char)*word) || !*word)
		return false;
	while (rs_py_is_word(*word))
		word++;
	return !*word;
}

// What begins with `_` is offered once that has been written.
static void offer(const struct completion *c, const char *word)
{
	const char *start = c->text + c->base;
	char whole[RS_WHOLE];

	if (strncmp(word, start, strlen(start)) != 0 || !is_name(word) ||
	    (word[0] == '_' && start[0] != '_'))
		return;
	(void)snprintf(whole, sizeof(whole), "%.*s%s", (int)c->base, c->text,
		       word);
	c->visit(c->context, whole);
}

static bool offer_key(void *context, uint64_t key, uint64_t value)
{
	const struct completion *c = context;
	char word[RS_WORD];

	(void)value;
	if (rs_py_string(c->py, key, word, sizeof(word)))
		offer(c, word);
	return true;
}

// The next part of `pkg.mod` after what stays.
static bool offer_module(void *context, uint64_t key, uint64_t value)
{
	const struct completion *c = context;
	char word[RS_WORD];

	(void)value;
	if (!rs_py_string(c->py, key, word, sizeof(word)) ||
	    strncmp(word, c->text, c->base) != 0 || strlen(word) <= c->base)
		return true;
	char *rest = word + c->base;
	rest[strcspn(rest, ".")] = '\0';
	offer(c, rest);
	return true;
}

static void offer_class(struct completion *c, uint64_t class)
{
	const uint64_t mro = rs_py_get(c->py, class, RS_F__typeobject__tp_mro);
	const uint64_t n = rs_py_tuple_size(c->py, mro);

	for (uint64_t i = 0; i < n && i < RS_MRO; i++) {
		const uint64_t dict =
			rs_py_type_dict(c->py, rs_py_tuple_item(c->py, mro, i));

		if (dict)
			rs_py_dict_each(c->py, dict, offer_key, c);
	}
}

static bool offer_own(void *context, const char *name, uint64_t target)
{
	struct completion *c = context;

	if (strcmp(name, "__dict__") == 0)
		rs_py_dict_each(c->py, target, offer_key, c);
	offer(c, name);
	return true;
}

static struct rs_error *of_object(struct completion *c, uint64_t object)
{
	const struct rs_py_type *t = rs_py_known_of(c->py, object);

	if (!t)
		return NULL;
	if (t->how == RS_PY_TYPE)
		offer_class(c, object);
	else
		offer_class(c, t->address);
	return rs_py_own_attributes_each(c->py, object, offer_own, c);
}

// The bytes of `text` up to its last dot; text in an open bracket has none.
static bool split(struct completion *c)
{
	unsigned open = 0;
	char quote = '\0';

	for (size_t i = 0; c->text[i]; i++) {
		const char at = c->text[i];

		if (quote && at == quote)
			quote = '\0';
		else if (quote)
			continue;
		else if (at == '\'' || at == '"')
			quote = at;
		else if (at == '[' || at == '(')
			open++;
		else if (at == ']' || at == ')')
			open -= open > 0;
		else if (at == '.' && !open)
			c->base = i + 1;
	}
	return !open && !quote && c->base < RS_WHOLE / 2;
}

struct rs_error *rs_py_complete(struct rs_runtime *rt, const char *text,
				void (*visit)(void *context, const char *name),
				void *context)
{
	struct rs_cpython *py = rs_cpython(rt);
	struct completion c = {py, text, 0, visit, context};
	char base[RS_WHOLE];
	uint64_t object = 0;

	if (!split(&c))
		return NULL;
	for (unsigned i = 0; i < py->interpreters; i++)
		rs_py_dict_each(py, rs_py_modules(py, i), offer_module, &c);
	(void)snprintf(base, sizeof(base), "%.*s", c.base ? (int)c.base - 1 : 0,
		       text);
	struct rs_error *err =
		rs_py_resolve(rt, c.base ? base : "__main__", &object);
	if (!err)
		return of_object(&c, object);
	if (rs_error_code(err) == RS_ENOMEM)
		return err;
	rs_error_free(err); // nothing is called that
	return NULL;
}
