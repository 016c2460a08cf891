// SPDX-License-Identifier: MIT
#include "runtime/native/native.h"

#include <stdio.h>
#include <stdlib.h>

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

static const char *text_at(struct rs_native *native, const char *address)
{
	return address ? rs_memory_text(native->base.memory,
					(uint64_t)(uintptr_t)address,
					RS_NATIVE_NAME)
		       : NULL;
}

/** @param copy Where else it is, or NULL. */
static char *
copy_name(struct rs_native *native, const char *address, const char *copy)
{
	const char *text = text_at(native, address);

	if (!text)
		text = text_at(native, copy);
	char *name = strdup(text ? text : "?");
	// A name goes to terminals and into lines: printable, one line.
	for (char *p = name; p && *p; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	}
	return name;
}

static struct rs_error *load(struct rs_native *native, uint64_t address,
			     unsigned depth, struct rs_native_type **ret);

static struct rs_error *
load_field(struct rs_native *native, struct rs_native_type *type,
	   struct rs_native_field *field, unsigned depth)
{
	const struct rs_field *raw = &field->raw;

	field->name = copy_name(native, raw->name, NULL);
	if (!field->name)
		return &rs_enomem;
	if (raw->count_width && !is_width(raw->count_width)) {
		field->raw.count_width = 0;
		field->raw.kind = RS_FIELD_TEXT; // not to be followed
		type->flags |= RS_OBJ_INEXACT;
	}
	if (raw->kind == RS_FIELD_KEY && !type->key)
		type->key = field;
	if (raw->flags & RS_FIELD_DICT)
		type->flags |= RS_OBJ_INSTANCE;
	if (!raw->of || raw->kind > RS_FIELD_POINTER)
		return NULL;

	struct rs_native_type *of = NULL;
	struct rs_error *err =
		load(native, (uint64_t)(uintptr_t)raw->of, depth + 1, &of);
	field->of = of;
	// Too deep or of no size: nothing of it can be read.
	if (!err && (!of || !of->raw.size)) {
		field->raw.kind = RS_FIELD_TEXT;
		type->flags |= RS_OBJ_INEXACT;
	}
	return err;
}

static struct rs_error *load_fields(struct rs_native *native,
				    struct rs_native_type *type, unsigned depth)
{
	const uint64_t address = (uint64_t)(uintptr_t)type->raw.field;
	uint32_t n = type->raw.fields;

	if (n > RS_NATIVE_FIELDS) {
		n = RS_NATIVE_FIELDS;
		type->flags |= RS_OBJ_INEXACT;
	}
	const struct rs_field *raw =
		n ? rs_memory_at(native->base.memory, address, n * sizeof(*raw))
		  : NULL;
	if (!raw) {
		type->flags |= n ? RS_OBJ_INEXACT : 0;
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
			load_field(native, type, &type->field[i], depth);
		if (err)
			return err;
	}
	return NULL;
}

/** What the description says about all objects of the type. */
static uint16_t type_flags(const struct rs_type *raw)
{
	unsigned flags = 0;

	if (raw->finalize)
		flags |= RS_OBJ_FINALIZER;
	// Without release() the collector has no way to free it.
	if ((raw->flags & RS_TYPE_LEGACY && raw->finalize) || !raw->release)
		flags |= RS_OBJ_FINALIZER | RS_OBJ_LEGACY;
	if (raw->traverse)
		flags |= RS_OBJ_INEXACT;
	return (uint16_t)flags;
}

static struct rs_error *
read_type(struct rs_native *native, struct rs_native_type *type, unsigned depth)
{
	struct rs_type *raw = &type->raw;

	if (!rs_memory_read(native->base.memory, type->address, raw,
			    sizeof(*raw))) {
		type->flags = RS_OBJ_INEXACT;
		type->name = strdup("?");
		return type->name ? NULL : &rs_enomem;
	}
	type->name = copy_name(native, raw->name, raw->name_copy);
	if (!type->name)
		return &rs_enomem;
	type->flags |= type_flags(raw);
	if (!is_width(raw->count_width) || raw->count_shift > 63)
		raw->count_width = 0;
	return load_fields(native, type, depth);
}

/** @param[out] ret NULL when it is nested too deeply. */
static struct rs_error *load(struct rs_native *native, uint64_t address,
			     unsigned depth, struct rs_native_type **ret)
{
	uint32_t *bucket = find_bucket(native, address);
	const size_t n = rs_vec_count(&native->type, struct rs_native_type *);

	*ret = NULL;
	if (*bucket) {
		*ret = rs_vec_items(&native->type,
				    struct rs_native_type *)[*bucket - 1];
		return NULL;
	}
	if (depth > RS_NATIVE_NESTING)
		return NULL;
	if (n == RS_NATIVE_DESCRIPTIONS)
		return rs_error_new(RS_EBAD,
				    "the registry at 0x%llx describes more "
				    "than %d types: it is damaged",
				    (unsigned long long)native->at[0],
				    RS_NATIVE_DESCRIPTIONS);

	struct rs_native_type *type = calloc(1, sizeof(*type));
	struct rs_native_type **slot =
		type ? rs_vec_push(&native->type, sizeof(void *)) : NULL;
	if (!slot) {
		free(type);
		return &rs_enomem;
	}
	*slot = type;
	*bucket = (uint32_t)n + 1;
	type->address = address;
	type->row = RS_NONE;
	*ret = type;
	return read_type(native, type, depth);
}

struct rs_error *rs_native_type_load(struct rs_native *native, uint64_t address,
				     bool is_object,
				     const struct rs_native_type **ret)
{
	struct rs_native_type *type = NULL;
	struct rs_error *err = load(native, address, 0, &type);

	if (!err && is_object && type && type->row == RS_NONE)
		err = rs_types_add(native->base.types, address, type->name,
				   native->base.index, &type->row);
	if (!err)
		*ret = type;
	return err;
}

struct rs_error *rs_native_types_load(struct rs_native *native, size_t r)
{
	const struct rs_registry *registry = &native->registry[r];
	const uint64_t table = (uint64_t)(uintptr_t)registry->type;
	const uint32_t n = registry->types;

	native->by_id[r] = calloc(n, sizeof(void *));
	if (!native->by_id[r])
		return &rs_enomem;
	for (uint32_t id = 1; id < n; id++) {
		const struct rs_native_type *type;
		uint64_t address;

		if (!rs_memory_u64(native->base.memory, table + 8 * id,
				   &address) ||
		    !address) {
			native->incomplete = true;
			continue;
		}
		struct rs_error *err =
			rs_native_type_load(native, address, true, &type);
		if (err)
			return err;
		native->by_id[r][id] = (struct rs_native_type *)type;
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
	for (size_t r = 0; r < native->registries; r++)
		free(native->by_id[r]);
}
