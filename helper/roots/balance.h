// SPDX-License-Identifier: MIT
/** @file What the memory of the target is used for. */
#ifndef RS_ROOTS_BALANCE_H
#define RS_ROOTS_BALANCE_H

#include "roots/ledger.h"

/** In bytes. The parts add up to `memory`. */
struct rs_balance {
	// Of a core all that is in it, of a live process what is resident.
	uint64_t memory;
	// Objects and what belongs to them elsewhere, such as tables, but for
	// objects in variables of a file.
	uint64_t objects;
	uint64_t free; // free blocks of runtimes' own allocators
	uint64_t malloc_free; // free chunks of glibc's malloc()
	uint64_t files; // mapped ones, with the variables of modules
	uint64_t stacks; // of threads, and their thread-local variables
	uint64_t other;
	bool known; // false: `memory` cannot be told, and all is 0
};

/**
 * Draw the balance.
 * Errors: RS_ENOMEM; RS_EINTERRUPTED.
 */
RS_MUST_CHECK struct rs_error *
rs_balance_make(const struct rs_ledger_source *source, struct rs_balance *ret);

#endif /* RS_ROOTS_BALANCE_H */
