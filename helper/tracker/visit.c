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

/** A struct, or an array of them, in the middle of its visit. */
struct frame {
	const struct rs_type *type;
	char *base; // of the element being visited
	uint64_t left; // elements after it
	uint32_t field; // the next one
};

void rs_visitor_fini(struct rs_visitor *v)
{
	rs_readable_fini(&v->readable);
	rs_vec_fini(&v->frame);
	rs_pair_set_fini(&v->part);
	*v = (struct rs_visitor){0};
}

static int push_frame(struct rs_visitor *v, const struct rs_type *type,
		      char *base, uint64_t count)
{
	struct frame *f = rs_vec_push(&v->frame, sizeof(*f));

	if (!f)
		return RS_ENOMEM;
	*f = (struct frame){type, base, count - 1, 0};
	return 0;
}

static int visit_pointers(const struct rs_field *field, char *element,
			  uint64_t count, rs_slot_fn fn, void *context)
{
	for (uint64_t i = 0; i < count; i++, element += sizeof(void *)) {
		const int rc =
			fn((void **)(void *)element, field->hold, context);
		if (rc)
			return rc;
	}
	return 0;
}

// Visit what @p field of the struct at @p base leads to: pointers at once,
// structs by a new frame.
static int visit_field(struct rs_visitor *v, const struct rs_field *field,
		       char *base, rs_slot_fn fn, void *context)
{
	const uint64_t step = field->of ? field->of->size : sizeof(void *);
	char *element = base + field->offset;
	uint64_t count = field->length ? field->length : 1;
	bool is_new = true;
	uint64_t bytes;

	if (field->kind > RS_FIELD_POINTER)
		return 0;
	if (field->count_width)
		count = read_width(base + field->count_offset,
				   field->count_width);
	if (field->kind == RS_FIELD_POINTER)
		element = *(char **)(void *)element;
	if (!count || !element)
		return 0;
	// What lies in the struct itself was checked with it.
	if (field->kind == RS_FIELD_POINTER || field->count_width) {
		if (__builtin_mul_overflow(count, step, &bytes) ||
		    !rs_is_readable(&v->readable, (uint64_t)(uintptr_t)element,
				    bytes))
			return RS_EBAD;
	}
	if (!field->of)
		return visit_pointers(field, element, count, fn, context);
	// A list of structs may be a ring of them: each is visited once.
	if (field->kind == RS_FIELD_POINTER &&
	    !rs_pair_set_add(&v->part, (uint64_t)(uintptr_t)element,
			     (uint64_t)(uintptr_t)field->of, &is_new))
		return RS_ENOMEM;
	if (!is_new)
		return 0;
	return push_frame(v, field->of, element, count);
}

static struct frame *top_frame(const struct rs_visitor *v)
{
	struct frame *frame = rs_vec_items(&v->frame, struct frame);

	return frame + rs_vec_count(&v->frame, struct frame) - 1;
}

// Visit the structs that frames were made for, and those that they lead to.
static int run_frames(struct rs_visitor *v, rs_slot_fn fn, void *context)
{
	int rc = 0;

	while (!rc && v->frame.used) {
		struct frame *f = top_frame(v);

		if (f->field < f->type->fields) {
			rc = visit_field(v, &f->type->field[f->field++],
					 f->base, fn, context);
		} else if (f->left) {
			f->left--;
			f->base += f->type->size;
			f->field = 0;
		} else {
			v->frame.used -= sizeof(*f);
		}
	}
	return rc;
}

int rs_visit_slots(struct rs_visitor *v, const struct rs_type *type,
		   void *object, rs_slot_fn fn, void *context)
{
	int rc = 0;

	v->frame.used = 0;
	rs_pair_set_clear(&v->part);
	// Most objects are one struct, which needs no frame.
	for (uint32_t i = 0; i < type->fields && !rc; i++) {
		const struct rs_field *f = &type->field[i];

		if (f->kind == RS_FIELD_INLINE && !f->of && !f->count_width)
			rc = visit_pointers(f, (char *)object + f->offset,
					    f->length ? f->length : 1, fn,
					    context);
		else
			rc = visit_field(v, f, object, fn, context);
		if (!rc && v->frame.used)
			rc = run_frames(v, fn, context);
	}
	return rc;
}

struct referents {
	rs_referent_fn fn;
	void *context;
	int rc;
};

static int visit_slot(void **slot, unsigned hold, void *context)
{
	const struct referents *r = context;

	return *slot ? r->fn(*slot, hold, r->context) : 0;
}

static int visit_referent(void *referent, void *context)
{
	struct referents *r = context;

	if (referent && !r->rc)
		r->rc = r->fn(referent, RS_HOLD_STRONG, r->context);
	return r->rc;
}

int rs_visit_references(struct rs_visitor *visitor, const struct rs_type *type,
			void *object, bool callbacks, rs_referent_fn fn,
			void *context)
{
	struct referents r = {fn, context, 0};
	int rc = rs_visit_slots(visitor, type, object, visit_slot, &r);

	if (rc || !type->traverse || !callbacks)
		return rc;
	// What it returns of its own accord means nothing to us.
	(void)type->traverse(object, visit_referent, &r);
	return r.rc;
}

static uint64_t read_value(const struct rs_type *type, const void *object)
{
	return read_width((const char *)object + type->count_offset,
			  type->count_width);
}

int64_t rs_count_read(const struct rs_type *type, const void *object)
{
	const uint64_t value = read_value(type, object);
	const unsigned bits = 8U * type->count_width;

	if (bits >= 32 && value >> (bits - 1)) {
		// Negative: fill the bits above with ones.
		const uint64_t sign = bits == 64 ? 0 : ~UINT64_C(0) << bits;
		return ((int64_t)(value | sign) >> type->count_shift) +
		       type->count_bias;
	}
	return (int64_t)(value >> type->count_shift) + type->count_bias;
}

bool rs_count_can_hold(const struct rs_type *type, const void *object)
{
	const unsigned bits = 8U * type->count_width;

	// A shift that leaves no bit to count with makes the count a constant.
	if (type->count_shift + 1U >= bits)
		return false;
	const uint64_t most =
		(bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1) >>
		type->count_shift;
	return read_value(type, object) >> type->count_shift < most;
}

static void add(const struct rs_type *type, void *object, uint64_t n)
{
	char *const at = (char *)object + type->count_offset;

	switch (type->count_width) {
	case 1:
		__atomic_fetch_add((uint8_t *)at, (uint8_t)n, __ATOMIC_RELAXED);
		break;
	case 2:
		__atomic_fetch_add((uint16_t *)(void *)at, (uint16_t)n,
				   __ATOMIC_RELAXED);
		break;
	case 4:
		__atomic_fetch_add((uint32_t *)(void *)at, (uint32_t)n,
				   __ATOMIC_RELAXED);
		break;
	default:
		__atomic_fetch_add((uint64_t *)(void *)at, n, __ATOMIC_RELAXED);
	}
}

void rs_count_hold(const struct rs_type *type, void *object)
{
	add(type, object, UINT64_C(1) << type->count_shift);
}

void rs_count_drop(const struct rs_type *type, void *object)
{
	add(type, object, -(UINT64_C(1) << type->count_shift));
}
