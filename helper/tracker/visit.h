// SPDX-License-Identifier: MIT
/** @file Read and change objects of this process by their description. */
#ifndef RS_TRACKER_VISIT_H
#define RS_TRACKER_VISIT_H

#include "refscope/refscope.h"

enum { RS_NESTING = 8 }; // structs in structs; deeper ones are left out

/** Told a word that holds a reference; @p hold is an enum rs_hold. */
typedef int (*rs_slot_fn)(void **slot, unsigned hold, void *context);

/** Tell each word of @p object that the fields of @p type describe. */
int rs_visit_slots(const struct rs_type *type, void *object, rs_slot_fn fn,
		   void *context);

/** Told a reference that is not NULL. */
typedef int (*rs_referent_fn)(void *referent, unsigned hold, void *context);

/** Tell each reference: by the fields, then by the traverse callback. */
int rs_visit_references(const struct rs_type *type, void *object,
			rs_referent_fn fn, void *context);

/** @return The decoded count. */
int64_t rs_count_read(const struct rs_type *type, const void *object);

/** Take one reference to @p object. As safe among threads as the program's. */
void rs_count_hold(const struct rs_type *type, void *object);

#endif /* RS_TRACKER_VISIT_H */
