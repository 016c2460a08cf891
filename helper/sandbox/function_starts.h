// SPDX-License-Identifier: MIT
/** @file Where the functions of a file start (private to sandbox). */
#ifndef RS_SANDBOX_FUNCTION_STARTS_H
#define RS_SANDBOX_FUNCTION_STARTS_H

#include "base/vec.h"
#include "memory/elf/file.h"

/** Of one file. Zeroed but for `file`: nothing is listed yet. */
struct rs_function_starts {
	const struct rs_file *file; // borrowed
	struct rs_vec start; // uint64_t, ascending: those not in .eh_frame
	bool listed; // `start` is complete
};

void rs_function_starts_fini(struct rs_function_starts *starts);

/**
 * Whether a function starts at @p value, an address as the file was linked:
 * executable, and the begin of an entry of .eh_frame, the value of a symbol of
 * a function, or, where no such entry has it within, the target of a relocation
 * or a word of initialized data (a slot of a type). Reads the file alone. The
 * first value that is not in .eh_frame costs a look through the whole file, all
 * others a binary search: a core can ask for any number of addresses.
 *
 * Errors: RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *
rs_function_starts_at(struct rs_function_starts *starts, uint64_t value,
		      bool *ret);

#endif /* RS_SANDBOX_FUNCTION_STARTS_H */
