// SPDX-License-Identifier: MIT
/**
 * @file
 * Read and change objects of this process by their description.
 *
 * What a description leads to is checked before it is touched: an array that
 * cannot be read ends the visit of its object with RS_EBAD.
 */
#ifndef RS_TRACKER_VISIT_H
#define RS_TRACKER_VISIT_H

#include "base/pair_set.h"
#include "refscope/refscope.h"
#include "tracker/readable.h"

/** The last type that was found to be there. */
struct rs_known_type {
	uint32_t id; // 0: none
	const struct rs_type *type;
};

/**
 * What visits need, made once and used for many objects: a visit of nested
 * structs recurses in here instead of on the stack. A zeroed struct is ready.
 * Not for a visit inside another one. End with rs_visitor_fini().
 */
struct rs_visitor {
	struct rs_readable readable;
	struct rs_known_type known; // the type of the last entry
	struct rs_vec frame; // struct frame: structs being visited
	struct rs_pair_set part; // structs that pointers led to, types
};

void rs_visitor_fini(struct rs_visitor *visitor);

/** Called with a word that holds a reference, NULL or not; @p hold is an
 * enum rs_hold. @return 0 to go on, else what the visit is to return. */
typedef int (*rs_slot_fn)(void **slot, unsigned hold, void *context);

/**
 * Call @p fn for each word of @p object that the fields of @p type describe,
 * in their order. @p fn must not free anything.
 *
 * @return 0, what @p fn returned, RS_EBAD, RS_ENOMEM.
 */
int rs_visit_slots(struct rs_visitor *visitor, const struct rs_type *type,
		   void *object, rs_slot_fn fn, void *context);

/** Called with a reference that is not NULL. */
typedef int (*rs_referent_fn)(void *referent, unsigned hold, void *context);

/**
 * The same for each reference: by the fields, then, with @p callbacks, by the
 * traverse callback.
 */
int rs_visit_references(struct rs_visitor *visitor, const struct rs_type *type,
			void *object, bool callbacks, rs_referent_fn fn,
			void *context);

/** @return The decoded count; negative: see struct rs_type. */
int64_t rs_count_read(const struct rs_type *type, const void *object);

/** @return Whether a reference to @p object can be taken and given back. */
bool rs_count_can_hold(const struct rs_type *type, const void *object);

/** Take one reference to @p object. As safe among threads as the program's. */
void rs_count_hold(const struct rs_type *type, void *object);
/** Give one back that is not the last. */
void rs_count_drop(const struct rs_type *type, void *object);

#endif /* RS_TRACKER_VISIT_H */
