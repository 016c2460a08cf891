// SPDX-License-Identifier: MIT
#include "tracker/visit.h"

#include <string.h>

static uint64_t read_width(const void *address, unsigned width)
{
	switch (width) {
	case 1:
		return __atomic_load_n((const uint8_t *)address,
				       __ATOMIC_RELAXED);
	case 2:
		return __atomic_load_n((const uint16_t *)address,
				       __ATOMIC_RELAXED);
	case 4:
		return __atomic_load_n((const uint32_t *)address,
				       __ATOMIC_RELAXED);
	default:
		return __atomic_load_n((const uint64_t *)address,
				       __ATOMIC_RELAXED);
	}
}

struct visit {
	rs_slot_fn fn;
	void *context;
	unsigned depth;
};

static int
visit_struct(const struct visit *visit, const struct rs_type *type, char *base);

static int visit_elements(const struct visit *visit,
			  const struct rs_field *field, char *element,
			  uint64_t count)
{
	const struct visit deeper = {visit->fn, visit->context,
				     visit->depth + 1};
	const uint64_t step = field->of ? field->of->size : sizeof(void *);

	for (uint64_t i = 0; i < count; i++, element += step) {
		const int rc =
			field->of ? visit_struct(&deeper, field->of, element)
				  : visit->fn((void **)(void *)element,
					      field->hold, visit->context);
		if (rc)
			return rc;
	}
	return 0;
}

static int
visit_struct(const struct visit *visit, const struct rs_type *type, char *base)
{
	for (uint32_t i = 0; i < type->fields; i++) {
		const struct rs_field *field = &type->field[i];
		char *element = base + field->offset;
		uint64_t count = field->length ? field->length : 1;

		if (field->kind > RS_FIELD_POINTER || visit->depth > RS_NESTING)
			continue;
		if (field->count_width)
			count = read_width(base + field->count_offset,
					   field->count_width);
		if (field->kind == RS_FIELD_POINTER) {
			element = *(char **)(void *)element;
			if (!element)
				continue;
		}
		const int rc = visit_elements(visit, field, element, count);
		if (rc)
			return rc;
	}
	return 0;
}

int rs_visit_slots(const struct rs_type *type, void *object, rs_slot_fn fn,
		   void *context)
{
	const struct visit visit = {fn, context, 0};

	return visit_struct(&visit, type, object);
}

struct referents {
	rs_referent_fn fn;
	void *context;
};

static int tell_slot(void **slot, unsigned hold, void *context)
{
	const struct referents *r = context;

	return *slot ? r->fn(*slot, hold, r->context) : 0;
}

static int tell_referent(void *referent, void *context)
{
	const struct referents *r = context;

	return referent ? r->fn(referent, RS_HOLD_STRONG, r->context) : 0;
}

int rs_visit_references(const struct rs_type *type, void *object,
			rs_referent_fn fn, void *context)
{
	struct referents r = {fn, context};
	int rc = rs_visit_slots(type, object, tell_slot, &r);

	if (!rc && type->traverse)
		rc = type->traverse(object, tell_referent, &r);
	return rc;
}

int64_t rs_count_read(const struct rs_type *type, const void *object)
{
	const uint64_t raw = read_width(
		(const char *)object + type->count_offset, type->count_width);

	return (int64_t)(raw >> type->count_shift) + type->count_bias;
}

void rs_count_hold(const struct rs_type *type, void *object)
{
	char *const at = (char *)object + type->count_offset;
	const uint64_t one = (uint64_t)1 << type->count_shift;

	switch (type->count_width) {
	case 1:
		__atomic_fetch_add((uint8_t *)at, one, __ATOMIC_RELAXED);
		break;
	case 2:
		__atomic_fetch_add((uint16_t *)(void *)at, one,
				   __ATOMIC_RELAXED);
		break;
	case 4:
		__atomic_fetch_add((uint32_t *)(void *)at, one,
				   __ATOMIC_RELAXED);
		break;
	default:
		__atomic_fetch_add((uint64_t *)(void *)at, one,
				   __ATOMIC_RELAXED);
	}
}
