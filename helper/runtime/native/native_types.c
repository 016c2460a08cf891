// SPDX-License-Identifier: MIT
#include "runtime/native/native.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RS_BUCKETS = 1 << 18 }; // twice RS_NATIVE_DESCRIPTIONS: never full

static uint32_t *find_bucket(struct rs_native *native, uint64_t address)
{
	struct rs_native_type **type =
		rs_vec_items(&native->type, struct rs_native_type *);
	uint32_t i =
		(uint32_t)((address >> 3) * UINT64_C(0x9E3779B97F4A7C15) >> 46);

	while (native->bucket[i] &&
	       type[native->bucket[i] - 1]->address != address)
		i = (i + 1) & (RS_BUCKETS - 1);
	return &native->bucket[i];
}

static bool is_width(unsigned width)
{
	return width == 1 || width == 2 || width == 4 || width == 8;
}

const char *rs_native_name(struct rs_native *native, const char *address,
			   char ret[RS_NATIVE_NAME])
{
	static const char more[] = "...";
	const size_t kept = RS_NATIVE_NAME - sizeof(more);
	const uint64_t at = (uint64_t)(uintptr_t)address;
	const char *text =
		at ? rs_memory_text(native->base.memory, at, RS_NATIVE_NAME - 1)
		   : NULL;

	if (text || !at || !rs_memory_read(native->base.memory, at, ret, kept))
		return text;
	ret[kept] = 0;
	// What ends within these bytes is whole.
	if (strlen(ret) == kept)
		memcpy(ret + kept, more, sizeof(more));
	return ret;
}

/** The text at @p address, or else at @p copy, which may be NULL. */
static char *
copy_name(struct rs_native *native, const char *address, const char *copy)
{
	char cut[RS_NATIVE_NAME];
	const char *text = rs_native_name(native, address, cut);

	if (!text)
		text = rs_native_name(native, copy, cut);
	char *name = strdup(text ? text : "?");
	// A name goes to terminals and into lines: printable, one line.
	for (char *p = name; p && *p; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	}
	return name;
}

// A field that makes no sense is not to be followed.
static void
leave_out(struct rs_native_type *type, struct rs_native_field *field)
{
	field->raw.count_width = 0;
	field->raw.kind = RS_FIELD_TEXT;
	field->of = NULL;
	type->flags |= RS_OBJ_INEXACT;
	type->damaged = true;
}

static struct rs_error *load_field(struct rs_native *native,
				   struct rs_native_type *type,
				   struct rs_native_field *field)
{
	const struct rs_field *raw = &field->raw;
	struct rs_native_type *of = NULL;

	field->name = copy_name(native, raw->name, NULL);
	if (!field->name)
		return &rs_enomem;
	if ((raw->count_width && !is_width(raw->count_width)) ||
	    raw->kind > RS_FIELD_TEXT)
		leave_out(type, field);
	if (raw->kind == RS_FIELD_KEY && !type->key)
		type->key = field;
	if (raw->flags & RS_FIELD_DICT)
		type->flags |= RS_OBJ_INSTANCE;
	if (!raw->of || raw->kind > RS_FIELD_POINTER)
		return NULL;
	struct rs_error *err =
		rs_native_type_load(native, (uint64_t)(uintptr_t)raw->of, &of);
	field->of = of;
	if (!err && (!of || !of->raw.size))
		leave_out(type, field);
	return err;
}

static struct rs_error *
load_fields(struct rs_native *native, struct rs_native_type *type)
{
	const uint64_t address = (uint64_t)(uintptr_t)type->raw.field;
	uint32_t n = type->raw.fields;

	if (n > RS_NATIVE_FIELDS) {
		n = RS_NATIVE_FIELDS;
		type->flags |= RS_OBJ_INEXACT;
		type->damaged = true;
	}
	const struct rs_field *raw =
		n ? rs_memory_at(native->base.memory, address, n * sizeof(*raw))
		  : NULL;
	if (!raw) {
		type->unknown |= n != 0;
		return NULL;
	}
	type->field = calloc(n, sizeof(*type->field));
	if (!type->field)
		return &rs_enomem;
	type->fields = n;
	for (uint32_t i = 0; i < n; i++)
		memcpy(&type->field[i].raw, raw + i, sizeof(*raw));
	for (uint32_t i = 0; i < n; i++) {
		struct rs_error *err =
			load_field(native, type, &type->field[i]);
		if (err)
			return err;
	}
	return NULL;
}

const char *rs_native_unfreeable(const struct rs_native_type *type)
{
	if (!type->raw.release)
		return "no release";
	return type->raw.traverse && !type->raw.clear ? "no clear" : NULL;
}

/** What the description says about all objects of the type. */
static uint16_t type_flags(const struct rs_native_type *type)
{
	const struct rs_type *raw = &type->raw;
	unsigned flags = 0;

	if (raw->finalize)
		flags |= RS_OBJ_FINALIZER;
	if (raw->flags & RS_TYPE_LEGACY && raw->finalize)
		flags |= RS_OBJ_LEGACY;
	if (rs_native_unfreeable(type))
		flags |= RS_OBJ_UNFREEABLE;
	if (raw->traverse)
		flags |= RS_OBJ_INEXACT;
	return (uint16_t)flags;
}

static struct rs_error *
read_type(struct rs_native *native, struct rs_native_type *type)
{
	struct rs_type *raw = &type->raw;

	if (!rs_memory_read(native->base.memory, type->address, raw,
			    sizeof(*raw))) {
		*raw = (struct rs_type){0};
		type->unknown = true;
		type->name = strdup("?");
		return type->name ? NULL : &rs_enomem;
	}
	type->name = copy_name(native, raw->name, raw->name_copy);
	if (!type->name)
		return &rs_enomem;
	type->flags |= type_flags(type);
	type->unknown = raw->flags & RS_TYPE_STAND_IN;
	if (!is_width(raw->count_width) || raw->count_shift > 63)
		raw->count_width = 0;
	return NULL;
}

static struct rs_error *too_many(const struct rs_native *native)
{
	return rs_error_new(
		RS_EBAD,
		"the registry at 0x%llx describes more than %d types: it is "
		"damaged",
		(unsigned long long)rs_native_registry(native)->address,
		RS_NATIVE_DESCRIPTIONS);
}

static struct rs_error *type_new(struct rs_native *native, uint64_t address,
				 struct rs_native_type **ret)
{
	const size_t n = rs_vec_count(&native->type, struct rs_native_type *);

	if (n == RS_NATIVE_DESCRIPTIONS)
		return too_many(native);
	struct rs_native_type *type = calloc(1, sizeof(*type));
	struct rs_native_type **slot =
		type ? rs_vec_push(&native->type, sizeof(*slot)) : NULL;
	if (!slot) {
		free(type);
		return &rs_enomem;
	}
	*slot = *ret = type;
	type->address = address;
	type->number = (uint32_t)n;
	type->row = RS_NONE;
	return NULL;
}

struct rs_error *rs_native_type_load(struct rs_native *native, uint64_t address,
				     struct rs_native_type **ret)
{
	uint32_t *bucket = find_bucket(native, address);

	if (*bucket) {
		*ret = rs_vec_items(&native->type,
				    struct rs_native_type *)[*bucket - 1];
		return NULL;
	}
	struct rs_native_type *type = NULL;
	struct rs_error *err = type_new(native, address, &type);
	if (err || !type)
		return err;
	*ret = type;
	*bucket = type->number + 1;
	return read_type(native, type);
}

// A struct that lies in itself would have no end: where following embedded
// structs comes back, the field that does is left out. Iterative: a core may
// have a chain of them as long as it likes.
static struct rs_error *
break_embedding(struct rs_native_type *start, struct rs_vec *stack)
{
	struct step {
		struct rs_native_type *type;
		uint32_t field;
	};
	struct step *step = rs_vec_push(stack, sizeof(*step));

	if (!step)
		return &rs_enomem;
	*step = (struct step){start, 0};
	start->visited = start->on_path = true;
	while (stack->used) {
		step = rs_vec_items(stack, struct step) +
		       rs_vec_count(stack, struct step) - 1;
		if (step->field == step->type->fields) {
			step->type->on_path = false;
			stack->used -= sizeof(*step);
			continue;
		}
		struct rs_native_field *f = &step->type->field[step->field++];
		struct rs_native_type *of = (struct rs_native_type *)f->of;

		if (!of || f->raw.kind != RS_FIELD_INLINE)
			continue;
		if (of->on_path)
			leave_out(step->type, f);
		if (of->visited)
			continue;
		of->visited = of->on_path = true;
		step = rs_vec_push(stack, sizeof(*step));
		if (!step)
			return &rs_enomem;
		*step = (struct step){of, 0};
	}
	return NULL;
}

struct rs_error *rs_native_parts_load(struct rs_native *native)
{
	struct rs_vec stack = {0};
	struct rs_error *err = NULL;

	// The list grows as parts are found.
	for (size_t i = 0;
	     !err && i < rs_vec_count(&native->type, struct rs_native_type *);
	     i++) {
		struct rs_native_type *type =
			rs_vec_items(&native->type, struct rs_native_type *)[i];

		if (!type->unknown)
			err = load_fields(native, type);
	}
	for (size_t i = 0;
	     !err && i < rs_vec_count(&native->type, struct rs_native_type *);
	     i++) {
		struct rs_native_type *type =
			rs_vec_items(&native->type, struct rs_native_type *)[i];

		if (!type->visited)
			err = break_embedding(type, &stack);
	}
	rs_vec_fini(&stack);
	return err;
}

static struct rs_error *name_unknown(struct rs_native *native,
				     const struct rs_registry *registry,
				     uint32_t id, struct rs_native_type *type)
{
	uint64_t name = 0;

	// Since 0.2 there are copies of names that outlive their types.
	if (registry->type_name)
		(void)rs_memory_u64(native->base.memory,
				    (uint64_t)(uintptr_t)registry->type_name +
					    8 * (uint64_t)id,
				    &name);
	free(type->name);
	type->name = copy_name(native, (const char *)(uintptr_t)name, NULL);
	return type->name ? NULL : &rs_enomem;
}

/** Whether @p type, of an object, is not there any more. */
static bool
is_gone(const struct rs_registry *registry, const struct rs_native_type *type)
{
	const bool is_itself =
		(uint64_t)(uintptr_t)type->raw.reserved == type->address;

	if (type->raw.flags & RS_TYPE_STAND_IN && is_itself)
		return false; // what its objects have instead
	return type->unknown || (registry->type_name && !is_itself);
}

/** The type with index @p id, at @p address. Where something else lies, or
 * nothing, its objects have a type of which only the name is known. */
static struct rs_error *
load_numbered(struct rs_native *native, const struct rs_registry *registry,
	      uint32_t id, uint64_t address, struct rs_native_type **ret)
{
	struct rs_native_type *type = NULL;
	struct rs_error *err = rs_native_type_load(native, address, &type);

	if (!err && type && is_gone(registry, type)) {
		err = type_new(native, address, &type);
		if (!err) {
			type->unknown = true;
			err = name_unknown(native, registry, id, type);
		}
	}
	if (!err && type && type->row == RS_NONE)
		err = rs_types_add(native->base.types, address, type->name,
				   native->base.index, &type->row);
	*ret = type;
	return err;
}

struct rs_error *rs_native_types_load(struct rs_native *native, size_t r)
{
	struct rs_native_registry *registry = &rs_native_registry(native)[r];
	const uint64_t table = (uint64_t)(uintptr_t)registry->raw.type;
	const uint32_t n = registry->raw.types;

	registry->by_id = calloc(n, sizeof(*registry->by_id));
	if (!registry->by_id)
		return &rs_enomem;
	for (uint32_t id = 1; id < n; id++) {
		uint64_t address;

		if (!rs_memory_u64(native->base.memory, table + 8 * id,
				   &address)) {
			native->incomplete = true;
			continue;
		}
		if (!address) // free
			continue;
		struct rs_error *err =
			load_numbered(native, &registry->raw, id, address,
				      &registry->by_id[id]);
		if (err)
			return err;
	}
	return NULL;
}

void rs_native_types_free(struct rs_native *native)
{
	struct rs_native_type **type =
		rs_vec_items(&native->type, struct rs_native_type *);
	const size_t n = rs_vec_count(&native->type, struct rs_native_type *);

	for (size_t i = 0; i < n; i++) {
		for (uint32_t f = 0; f < type[i]->fields; f++)
			free(type[i]->field[f].name);
		free(type[i]->field);
		free(type[i]->name);
		free(type[i]);
	}
	rs_vec_fini(&native->type);
	for (size_t r = 0; r < rs_native_registries(native); r++)
		free(rs_native_registry(native)[r].by_id);
}
