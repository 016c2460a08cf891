// SPDX-License-Identifier: MIT
/** @file The tables of tracked objects (layout: refscope/registry.h). */
#ifndef RS_TRACKER_SLOTS_H
#define RS_TRACKER_SLOTS_H

#include "refscope/registry.h"
#include "tracker/lock.h"

#include <stdbool.h>

/** Whether @p address can be in the registry at all. */
static inline bool rs_slots_can_hold(uint64_t address)
{
	return address && !(address & 7) && !(address >> RS_ADDRESS_BITS);
}

/**
 * Enter @p address with @p type, or give it that type; whether it is held
 * stays as it is.
 * @param[out] added Whether it was new.
 * Errors: RS_ENOMEM.
 */
int rs_slots_put(uint64_t address, uint32_t type, bool *added);

/** @return The entry that @p address had, or 0. */
uint32_t rs_slots_remove(uint64_t address);

/** @return The entry of @p address, or 0. */
uint32_t rs_slots_get(uint64_t address);

/**
 * The same for calls that a debugger may make, which must not wait for the
 * stopped thread that has the lock. Errors: RS_EBUSY.
 */
int rs_slots_try_get(uint64_t address, struct rs_patience *patience,
		     uint32_t *ret);

/** Set or clear @p bits of its entry. @return The entry before, or 0. */
uint32_t rs_slots_mark(uint64_t address, uint32_t bits, bool on);

/** Called with an entry. @return 0 to go on, else what the sweep is to return.
 */
typedef int (*rs_slots_fn)(uint64_t address, uint32_t entry, void *context);

/**
 * Call @p fn for every entry, a copied region at a time: it may change the
 * registry. Errors: RS_EBUSY when @p patience was used up.
 */
int rs_slots_each(struct rs_patience *patience, rs_slots_fn fn, void *context);

/** After fork(), in the child: take the locks of threads that are no more. */
void rs_slots_reset(void);

#endif /* RS_TRACKER_SLOTS_H */
