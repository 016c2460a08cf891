// SPDX-License-Identifier: MIT
/** @file What memory is: variables, stacks, a runtime's own (private). */
#ifndef RS_ROOTS_REGIONS_H
#define RS_ROOTS_REGIONS_H

#include "roots/ledger.h"
#include "runtime/runtime.h"

/** Memory of a runtime: an area, or the value stack of a frame. */
struct rs_area {
	struct rs_extent extent;
	struct rs_runtime *runtime; // borrowed
};

/** The C stack of a thread. */
struct rs_stack {
	uint64_t low; // start of its memory: what is below sp is not in use
	uint64_t sp, end;
	uint16_t thread; // index in memory->thread
};

/** The memory of a target by what it is for; arrays are owned. */
struct rs_regions {
	const struct rs_ledger_source *source; // borrowed
	struct rs_vec area; // struct rs_area, by address
	struct rs_vec frame; // struct rs_area, by address
	struct rs_vec stack; // struct rs_stack, by address
	struct rs_vec tls; // struct rs_stack: blocks of thread-local variables
	struct rs_vec data; // struct rs_area without runtime: variables
};

/**
 * Find them. What cannot be read of variables and stacks is told by
 * rs_memory_gap().
 * @param[out] ret To be released by rs_regions_fini(), on error too.
 * Errors: RS_ENOMEM; RS_EINTERRUPTED.
 */
RS_MUST_CHECK struct rs_error *
rs_regions_find(const struct rs_ledger_source *source, struct rs_regions *ret);
void rs_regions_fini(struct rs_regions *regions);

/** @return The area, frame or variables that @p address is in, or NULL. */
const struct rs_area *rs_area_at(const struct rs_vec *areas, uint64_t address);

/** @return The stack, or thread-local block, that @p address is in, or NULL. */
const struct rs_stack *
rs_stack_at(const struct rs_vec *stacks, uint64_t address);

/** Set regions->stack and regions->tls: stacks.c. Errors: RS_ENOMEM. */
RS_MUST_CHECK struct rs_error *rs_stacks_find(struct rs_regions *regions);

#endif /* RS_ROOTS_REGIONS_H */
