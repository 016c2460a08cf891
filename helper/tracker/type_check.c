// SPDX-License-Identifier: MIT
//
// A description is wrong where following it would read beyond the object, or
// words that no pointer is in, or would never end. What it is wrong about is
// said in one line, for whoever wrote it.
#include "tracker/type_check.h"
#include "base/vec.h"

#include <stdarg.h>
#include <stdio.h>

enum { RS_INLINE_DEPTH = 64 }; // structs that lie in structs

struct check {
	char *reason; // may be NULL
	size_t size;
	struct rs_vec seen; // const struct rs_type *: checked, or to be
	struct rs_vec without; // the same: not holding the type at hand
};

RS_PRINTF(4, 5)
static int wrong(const struct check *c, const struct rs_type *type,
		 const struct rs_field *field, const char *format, ...)
{
	va_list ap;
	int n = 0;

	if (!c->reason || !c->size)
		return RS_EARGUMENT;
	n = snprintf(c->reason, c->size,
		     "%.60s%s%.60s: ", type && type->name ? type->name : "?",
		     field ? "." : "",
		     !field	   ? ""
		     : field->name ? field->name
				   : "?");
	if (n < 0 || (size_t)n >= c->size)
		return RS_EARGUMENT;
	va_start(ap, format);
	(void)vsnprintf(c->reason + n, c->size - (size_t)n, format, ap);
	va_end(ap);
	return RS_EARGUMENT;
}

static bool is_width(unsigned width)
{
	return width == 1 || width == 2 || width == 4 || width == 8;
}

// What a field needs to be followed at all.
static int check_numbers(const struct check *c, const struct rs_type *type,
			 const struct rs_field *f)
{
	if (!f->name)
		return wrong(c, type, f, "a field without a name");
	if (f->kind > RS_FIELD_TEXT)
		return wrong(c, type, f, "there is no kind %u of fields",
			     f->kind);
	if (f->hold > RS_HOLD_WEAK)
		return wrong(c, type, f, "there is no enum rs_hold %u",
			     f->hold);
	if (f->count_width && !is_width(f->count_width))
		return wrong(c, type, f,
			     "a count of %u bytes: 1, 2, 4 or 8 can be read",
			     f->count_width);
	if (f->count_width && f->count_offset % f->count_width)
		return wrong(c, type, f,
			     "its count, at offset %u, is not aligned to its "
			     "%u bytes",
			     f->count_offset, f->count_width);
	if (f->count_width &&
	    (uint64_t)f->count_offset + f->count_width > type->size)
		return wrong(c, type, f,
			     "its count, at offset %u, ends beyond the %u "
			     "bytes of the struct",
			     f->count_offset, type->size);
	if (f->offset % sizeof(void *))
		return wrong(c, type, f,
			     "offset %u is not a multiple of %zu, as those of "
			     "pointers are",
			     f->offset, sizeof(void *));
	return 0;
}

static int check_of(const struct check *c, const struct rs_type *type,
		    const struct rs_field *f)
{
	if (!f->of->size)
		return wrong(c, type, f, "its elements are structs of 0 bytes");
	if (f->of->size % sizeof(void *))
		return wrong(c, type, f,
			     "its elements are structs of %u bytes, which is "
			     "not a multiple of %zu, as the size of structs "
			     "with pointers is",
			     f->of->size, sizeof(void *));
	return 0;
}

// That the part of the field that lies in the struct ends in it. Elements that
// a member counts lie behind it: a flexible array.
static int check_extent(const struct check *c, const struct rs_type *type,
			const struct rs_field *f)
{
	const bool is_inline = f->kind == RS_FIELD_INLINE;
	const uint64_t each = is_inline && f->of ? f->of->size : sizeof(void *);
	uint64_t bytes = each;

	if (is_inline && f->count_width)
		bytes = 0;
	else if (is_inline && f->length)
		bytes = each * f->length;
	if (f->offset + bytes <= type->size)
		return 0;
	return wrong(c, type, f,
		     "%llu bytes at offset %u end beyond the %u bytes of the "
		     "struct",
		     (unsigned long long)bytes, f->offset, type->size);
}

static bool is_in(const struct rs_vec *list, const struct rs_type *type)
{
	const struct rs_type **item =
		rs_vec_items(list, const struct rs_type *);
	const size_t n = rs_vec_count(list, const struct rs_type *);

	for (size_t i = 0; i < n; i++)
		if (item[i] == type)
			return true;
	return false;
}

// Whether a struct lies in itself, by way of those that lie in it.
// @param without Those that are known not to hold it: each is looked at once,
//        however many ways lead to it.
static bool holds_itself(const struct rs_type *type, const struct rs_type *of,
			 unsigned depth, struct rs_vec *without)
{
	if (of == type || depth == RS_INLINE_DEPTH)
		return true;
	if (is_in(without, of))
		return false;
	for (uint32_t i = 0; of->field && i < of->fields; i++) {
		const struct rs_field *f = &of->field[i];

		if (f->kind == RS_FIELD_INLINE && f->of &&
		    holds_itself(type, f->of, depth + 1, without))
			return true;
	}
	const struct rs_type **slot = rs_vec_push(without, sizeof(*slot));
	if (slot)
		*slot = of;
	return false;
}

static int note(struct check *c, const struct rs_type *type)
{
	if (is_in(&c->seen, type))
		return 0;
	const struct rs_type **seen = rs_vec_push(&c->seen, sizeof(*seen));
	if (!seen)
		return RS_ENOMEM;
	*seen = type;
	return 0;
}

static int check_field(struct check *c, const struct rs_type *type,
		       const struct rs_field *f)
{
	int rc = check_numbers(c, type, f);
	const bool has_parts = f->of && f->kind <= RS_FIELD_POINTER;

	if (!rc && has_parts)
		rc = check_of(c, type, f);
	if (!rc)
		rc = check_extent(c, type, f);
	c->without.used = 0;
	if (!rc && has_parts && f->kind == RS_FIELD_INLINE &&
	    holds_itself(type, f->of, 0, &c->without))
		rc = wrong(c, type, f, "a struct cannot contain itself");
	return rc || !has_parts ? rc : note(c, f->of);
}

static int check_struct(struct check *c, const struct rs_type *type)
{
	int rc = 0;

	if (!type->name)
		return wrong(c, type, NULL, "a description without a name");
	if (type->fields && !type->field)
		return wrong(c, type, NULL, "%u fields at NULL", type->fields);
	for (uint32_t i = 0; i < type->fields && !rc; i++)
		rc = check_field(c, type, &type->field[i]);
	return rc;
}

static int check_count(const struct check *c, const struct rs_type *type)
{
	if (!is_width(type->count_width))
		return wrong(c, type, NULL,
			     "a reference count of %u bytes: 1, 2, 4 or 8 can "
			     "be read",
			     type->count_width);
	if (type->count_offset % type->count_width)
		return wrong(c, type, NULL,
			     "its reference count, at offset %u, is not "
			     "aligned to its %u bytes",
			     type->count_offset, type->count_width);
	if ((uint64_t)type->count_offset + type->count_width > type->size)
		return wrong(c, type, NULL,
			     "its reference count, at offset %u, ends beyond "
			     "the %u bytes of the object",
			     type->count_offset, type->size);
	if (type->count_shift > 63)
		return wrong(c, type, NULL,
			     "a count shift of %u bits: at most 63",
			     type->count_shift);
	return 0;
}

int rs_type_check_as(const struct rs_type *type, bool counted, char *reason,
		     size_t size)
{
	struct check c = {.reason = reason, .size = size};
	int rc;

	if (reason && size)
		reason[0] = '\0';
	if (!type)
		return wrong(&c, NULL, NULL, "no description");
	rc = counted ? check_count(&c, type) : 0;
	if (!rc)
		rc = note(&c, type);
	for (size_t i = 0;
	     !rc && i < rs_vec_count(&c.seen, const struct rs_type *); i++)
		rc = check_struct(
			&c, rs_vec_items(&c.seen, const struct rs_type *)[i]);
	rs_vec_fini(&c.seen);
	rs_vec_fini(&c.without);
	return rc;
}

int rs_type_check(const struct rs_type *type, char *reason, size_t size)
{
	return rs_type_check_as(type, true, reason, size);
}
