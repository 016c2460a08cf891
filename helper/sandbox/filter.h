// SPDX-License-Identifier: MIT
/** @file The system calls that an image may make. */
#ifndef RS_SANDBOX_FILTER_H
#define RS_SANDBOX_FILTER_H

#include "sandbox/plan.h"

/**
 * Write the filter. Memory of its own, clocks and its own end are allowed;
 * brk is answered with 0 (glibc then falls back to mmap; it takes an errno
 * for success), and so, without an effect, are the mask of signals and the
 * waking of threads; anything else traps, so that the probe can name the object
 * whose function tried. No descriptor is open, so none is allowed to be used.
 *
 * @param ours, ours_end Code whose allowed calls are let through; all others'
 *        that are about memory trap, for rs_demand_call() to make them. 0, 0:
 *        every code's are let through.
 * @return The number of instructions, at most RS_PLAN_FILTER.
 */
unsigned rs_filter_write(struct rs_plan_filter *filter, uint64_t ours,
			 uint64_t ours_end);

#endif /* RS_SANDBOX_FILTER_H */
