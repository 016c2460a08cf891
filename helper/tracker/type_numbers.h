// SPDX-License-Identifier: MIT
/** @file The numbers of types (internal). */
#ifndef RS_TRACKER_TYPE_NUMBERS_H
#define RS_TRACKER_TYPE_NUMBERS_H

#include "refscope/refscope.h"
#include "refscope/registry.h"

/** By index; rs_registry.type leads to it. Mostly never touched. */
extern struct rs_type *rs_type_by_id[RS_TYPES_MAX];
/** The same of their names' copies. */
extern const char *rs_type_names[RS_TYPES_MAX];

/** Whether @p type has the index @p id now. */
static inline bool rs_type_has_id(const struct rs_type *type, uint32_t id)
{
	return id - 1 < RS_TYPES_MAX - 1 &&
	       __atomic_load_n(&rs_type_by_id[id], __ATOMIC_RELAXED) == type;
}

/**
 * Whether a type is still at @p type, which can be read: other threads may
 * describe and undescribe it.
 */
static inline bool rs_type_is_there(const struct rs_type *type)
{
	return __atomic_load_n(&type->reserved, __ATOMIC_ACQUIRE) == type;
}

/**
 * Number @p type unless it has a number, and store that in @p id.
 * Errors: RS_ENOMEM; RS_EARGUMENT: also noted in the registry, with why.
 */
int rs_type_number(struct rs_type *type, uint32_t *id);

/** Forget all numbers: the library is unloaded. */
void rs_types_forget(void);

#endif /* RS_TRACKER_TYPE_NUMBERS_H */
