// SPDX-License-Identifier: MIT
/** @file A call from which faults and hangs come back (probe only). */
#ifndef RS_SANDBOX_GUARD_H
#define RS_SANDBOX_GUARD_H

#include "sandbox/guest/guest.h"

/** Lies at the low end of the alternate stack, where a handler finds it. */
struct rs_guard {
	uint64_t stack; // of the guarded call to come back from; 0: none
	struct rs_guest_args *args;
	uint64_t seen; // args->current at the last tick
	uint64_t ticks; // since it changed
};

/**
 * Call @p fn. @p stack receives what rs_guard_back() needs.
 * @return 0, or what rs_guard_back() was given.
 */
long rs_guard_call(void (*fn)(void *context), void *context, uint64_t *stack);

/** End the guarded call that stored @p stack with @p result. */
_Noreturn void rs_guard_back(uint64_t stack, long result);

/** Install handlers. @return 0 or -errno. */
long rs_guard_open(struct rs_guest_args *args);

/** What RS_GUEST_CALL does (call.c). @return 0. */
long rs_guest_do_call(struct rs_guest_args *args);

#endif /* RS_SANDBOX_GUARD_H */
