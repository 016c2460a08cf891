// SPDX-License-Identifier: MIT
#include "runtime/runtime.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	RS_FIRST_REFS = 1024,
	// All rows are reserved at once and never move, so that graphs can
	// point to them. 1 Mi types are more than any program has, and take
	// 24 MiB of address space.
	RS_MAX_TYPES = 1 << 20,
	RS_MAX_REFS = 1 << 29,
};

static struct rs_error *resize(struct rs_refs *refs, uint32_t cap, bool labels)
{
	struct rs_error *err =
		rs_vec_reserve(&refs->targets, cap * sizeof(*refs->target));

	// Set each pointer at once: its array may have moved even if the next
	// one cannot grow.
	refs->target = refs->targets.data;
	if (!err)
		err = rs_vec_reserve(&refs->kinds, cap * sizeof(*refs->kind));
	refs->kind = refs->kinds.data;
	if (!err && labels)
		err = rs_vec_reserve(&refs->labels, cap * sizeof(*refs->label));
	refs->label = refs->labels.data;
	if (!err)
		refs->cap = cap;
	return err;
}

bool rs_refs_grow(struct rs_refs *refs)
{
	struct rs_error *err = &rs_enomem;

	if (refs->cap < RS_MAX_REFS)
		err = resize(refs, refs->cap * 2, refs->label != NULL);
	refs->incomplete |= err != NULL;
	refs->no_memory |= err != NULL && refs->cap < RS_MAX_REFS;
	rs_error_free(err);
	return !err;
}

struct rs_error *rs_refs_init(struct rs_refs *refs, bool labels)
{
	struct rs_error *err;

	*refs = (struct rs_refs){0};
	err = resize(refs, RS_FIRST_REFS, labels);
	if (err)
		rs_refs_fini(refs);
	return err;
}

void rs_refs_fini(struct rs_refs *refs)
{
	rs_vec_fini(&refs->targets);
	rs_vec_fini(&refs->kinds);
	rs_vec_fini(&refs->labels);
	*refs = (struct rs_refs){0};
}

struct rs_error *
rs_found_add(struct rs_found *found, uint64_t address, uint16_t mark)
{
	uint64_t *a = rs_vec_push(&found->address, sizeof(*a));
	uint16_t *m = rs_vec_push(&found->mark, sizeof(*m));

	if (!a || !m)
		return &rs_enomem;
	*a = address;
	*m = mark;
	return NULL;
}

void rs_found_fini(struct rs_found *found)
{
	rs_vec_fini(&found->address);
	rs_vec_fini(&found->mark);
}

struct rs_error *rs_types_init(struct rs_types *types)
{
	return rs_vec_make_room(&types->row,
				RS_MAX_TYPES * sizeof(struct rs_type_row));
}

struct rs_error *rs_types_check(const struct rs_types *types)
{
	return types->no_memory ? &rs_enomem : NULL;
}

struct rs_error *rs_types_add(struct rs_types *types, uint64_t address,
			      const char *name, uint8_t runtime, uint32_t *ret)
{
	const size_t n = rs_vec_count(&types->row, struct rs_type_row);

	struct rs_error *err = types->row.data ? NULL : rs_types_init(types);

	if (err)
		return err;
	if (n == RS_MAX_TYPES)
		return rs_error_new(RS_EBAD,
				    "more than %d types: the target's memory "
				    "is damaged",
				    RS_MAX_TYPES);

	char *copy = strdup(name);
	char **slot = copy ? rs_vec_push(&types->text, sizeof(*slot)) : NULL;
	if (!slot) {
		free(copy);
		return &rs_enomem;
	}
	*slot = copy;
	struct rs_type_row *row = rs_vec_push(&types->row, sizeof(*row));
	*row = (struct rs_type_row){address, copy, runtime};
	*ret = (uint32_t)n;
	return NULL;
}

void rs_types_fini(struct rs_types *types)
{
	char **text = rs_vec_items(&types->text, char *);
	const size_t n = rs_vec_count(&types->text, char *);

	for (size_t i = 0; i < n; i++)
		free(text[i]);
	rs_vec_fini(&types->text);
	rs_vec_fini(&types->row);
}

struct rs_error *rs_roots_add(struct rs_roots *roots, uint64_t target,
			      uint64_t slot, enum rs_root_kind kind,
			      unsigned thread, uint32_t frame,
			      const char *format, ...)
{
	char text[256];
	va_list ap;

	if (!target)
		return NULL;
	va_start(ap, format);
	const int len = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (len < 0)
		text[0] = '\0';

	const size_t label = roots->text.used;
	const size_t size = strlen(text) + 1;
	char *name = rs_vec_push(&roots->text, size);
	struct rs_found_root *root = rs_vec_push(&roots->root, sizeof(*root));
	if (!name || !root || label > UINT32_MAX)
		return &rs_enomem;
	memcpy(name, text, size);
	*root = (struct rs_found_root){
		.target = target,
		.root =
			{
				.slot = slot,
				.label = (uint32_t)label,
				.frame = frame,
				.kind = (uint16_t)kind,
				.thread = (uint16_t)thread,
			},
	};
	return NULL;
}
