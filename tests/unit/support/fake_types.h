// SPDX-License-Identifier: MIT
/**
 * @file
 * Objects and types as the probe sees them, without a CPython around.
 */
#ifndef RS_FAKE_TYPES_H
#define RS_FAKE_TYPES_H

#include "sandbox/guest/guest.h"

#include <stddef.h>
#include <stdint.h>

// What runs in an image has no sanitizer around it.
#define RS_PLAIN __attribute__((__no_sanitize__("address", "undefined")))

typedef int (*fake_visit)(void *object, void *context);

struct fake_type {
	uint64_t flags;
	int (*traverse)(void *object, fake_visit visit, void *context);
	int (*is_gc)(void *object);
};

enum {
	RS_FAKE_REFERENCES = 4,
	RS_FAKE_GC = 1 << 14,
};

struct fake_head {
	uint64_t next, previous;
};

struct fake_object {
	struct fake_head head;
	// The object itself begins here.
	uint64_t count;
	const struct fake_type *type;
	void *reference[RS_FAKE_REFERENCES]; // ends with NULL
};

static inline void *fake_address(struct fake_object *o)
{
	return &o->count;
}

RS_PLAIN static int fake_traverse(void *object, fake_visit visit, void *context)
{
	struct fake_object *o =
		(void *)((char *)object - offsetof(struct fake_object, count));

	for (unsigned i = 0; i < RS_FAKE_REFERENCES && o->reference[i]; i++) {
		const int rc = visit(o->reference[i], context);

		if (rc)
			return rc;
	}
	return 0;
}

static const struct fake_type fake_good = {
	.flags = RS_FAKE_GC,
	.traverse = fake_traverse,
};

/** Chain @p n objects, each of which refers to itself and the next. */
static inline void
fake_chain(struct fake_head *head, struct fake_object *o, unsigned n)
{
	struct fake_head *last = head;

	for (unsigned i = 0; i < n; i++) {
		o[i] = (struct fake_object){.count = 1, .type = &fake_good};
		o[i].reference[0] = fake_address(&o[i]);
		o[i].reference[1] = i + 1 < n ? fake_address(&o[i + 1]) : NULL;
		last->next = (uint64_t)&o[i].head;
		o[i].head.previous = (uint64_t)last;
		last = &o[i].head;
	}
	last->next = (uint64_t)head;
	head->previous = (uint64_t)last;
}

#define RS_FAKE_OFFSETS                                                        \
	.head_size = sizeof(struct fake_head),                                 \
	.ob_type = offsetof(struct fake_object, type) -                        \
		   offsetof(struct fake_object, count),                        \
	.tp_traverse = offsetof(struct fake_type, traverse),                   \
	.tp_flags = offsetof(struct fake_type, flags),                         \
	.tp_is_gc = offsetof(struct fake_type, is_gc), .gc_flag = RS_FAKE_GC

#endif /* RS_FAKE_TYPES_H */
