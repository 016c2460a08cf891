// SPDX-License-Identifier: MIT
#include "runtime/native/native.h"

#include <stdio.h>

struct search {
	const char *name;
	size_t matched; // bytes of the longest root name that fits
	uint64_t target;
};

/** Whether a name may end before @p c: another step follows, or nothing. */
static bool is_end(char c)
{
	return c == '\0' || c == '.' || c == '[';
}

static struct rs_error *
match_root(void *context, uint64_t slot, uint64_t target, const char *name)
{
	struct search *search = context;
	const size_t n = strlen(name);

	(void)slot;
	if (n > search->matched && strncmp(search->name, name, n) == 0 &&
	    is_end(search->name[n])) {
		search->matched = n;
		search->target = target;
	}
	return NULL;
}

/**
 * Follow the reference of @p from whose label begins @p rest, the longest if
 * several do.
 * @return Bytes of @p rest that were used; 0 when there is none.
 */
static size_t step(struct rs_runtime *rt, const char *rest, uint64_t *at,
		   struct rs_refs *refs)
{
	const uint64_t from = *at;
	char label[RS_NATIVE_NAME];
	size_t best = 0;

	refs->n = 0;
	rs_native_read(rt, from, NULL, false, refs);
	for (uint32_t i = 0; i < refs->n; i++) {
		rs_native_label(rt, &refs->label[i], label, sizeof(label));
		const size_t n = strlen(label);

		if (n > best && strncmp(rest, label, n) == 0 &&
		    is_end(rest[n])) {
			best = n;
			*at = refs->target[i];
		}
	}
	return best;
}

/** `.name` in the object's own table of attributes. */
static size_t step_in_dict(struct rs_runtime *rt, const char *rest,
			   uint64_t *at, struct rs_refs *refs)
{
	const size_t n = strcspn(rest + 1, ".[");
	char key[RS_NATIVE_NAME];
	uint64_t dict = *at;

	if (rest[0] != '.' || n == 0 || n + 5 > sizeof(key) ||
	    !step(rt, ".__dict__", &dict, refs))
		return 0;
	key[0] = '[';
	key[1] = '\'';
	memcpy(key + 2, rest + 1, n);
	memcpy(key + 2 + n, "']", 3);
	if (!step(rt, key, &dict, refs))
		return 0;
	*at = dict;
	return n + 1;
}

static struct rs_error *follow(struct rs_runtime *rt, const char *name,
			       const char *rest, uint64_t *at,
			       struct rs_refs *refs)
{
	while (*rest) {
		size_t n = step(rt, rest, at, refs);

		if (!n)
			n = step_in_dict(rt, rest, at, refs);
		if (!n)
			return rs_error_new(RS_ENOTFOUND,
					    "%.*s has no reference \"%s\"; "
					    "refs show lists what it has",
					    (int)(rest - name), name, rest);
		rest += n;
	}
	return NULL;
}

struct rs_error *
rs_native_resolve(struct rs_runtime *rt, const char *name, uint64_t *ret)
{
	struct search search = {.name = name};
	struct rs_refs refs;
	struct rs_error *err =
		rs_native_each_root(rs_native_of(rt), match_root, &search);

	if (err)
		return err;
	if (!search.matched)
		return rs_error_new(RS_ENOTFOUND,
				    "no root named \"%.*s\" was declared",
				    (int)strcspn(name, ".["), name);
	err = rs_refs_init(&refs, true);
	if (err)
		return err;
	err = follow(rt, name, name + search.matched, &search.target, &refs);
	rs_refs_fini(&refs);
	if (!err)
		*ret = search.target;
	return err;
}

struct completion {
	const char *text;
	void (*visit)(void *context, const char *name);
	void *context;
	size_t longest; // bytes of the longest root name that @text goes past
	uint64_t target;
};

static struct rs_error *
offer_root(void *context, uint64_t slot, uint64_t target, const char *name)
{
	struct completion *c = context;
	const size_t n = strlen(name);

	(void)slot;
	if (strncmp(name, c->text, strlen(c->text)) == 0)
		c->visit(c->context, name);
	if (n > c->longest && strncmp(c->text, name, n) == 0 &&
	    (c->text[n] == '.' || c->text[n] == '[')) {
		c->longest = n;
		c->target = target;
	}
	return NULL;
}

/** Offer the labels of references of @p from that begin with @p rest. */
static void offer_labels(struct rs_runtime *rt, const struct completion *c,
			 const char *rest, uint64_t from, struct rs_refs *refs)
{
	char label[RS_NATIVE_NAME], whole[3 * RS_NATIVE_NAME];

	refs->n = 0;
	rs_native_read(rt, from, NULL, false, refs);
	for (uint32_t i = 0; i < refs->n; i++) {
		rs_native_label(rt, &refs->label[i], label, sizeof(label));
		if (strncmp(label, rest, strlen(rest)) != 0)
			continue;
		(void)snprintf(whole, sizeof(whole), "%.*s%s",
			       (int)(rest - c->text), c->text, label);
		c->visit(c->context, whole);
	}
}

struct rs_error *
rs_native_complete(struct rs_runtime *rt, const char *text,
		   void (*visit)(void *context, const char *name),
		   void *context)
{
	struct completion c = {
		.text = text, .visit = visit, .context = context};
	struct rs_refs refs;
	struct rs_error *err =
		rs_native_each_root(rs_native_of(rt), offer_root, &c);

	if (err || !c.longest)
		return err;
	err = rs_refs_init(&refs, true);
	if (err)
		return err;
	for (const char *rest = text + c.longest; *rest;) {
		offer_labels(rt, &c, rest, c.target, &refs);
		const size_t n = step(rt, rest, &c.target, &refs);
		if (!n)
			break;
		rest += n;
	}
	rs_refs_fini(&refs);
	return NULL;
}
