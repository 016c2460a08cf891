// SPDX-License-Identifier: MIT
/** @file The system calls that an image may make. */
#ifndef RS_SANDBOX_FILTER_H
#define RS_SANDBOX_FILTER_H

#include "sandbox/plan.h"

#include <stdbool.h>

/**
 * Write the filter. Allowed are private anonymous memory, clocks, and its own
 * end. Answered without effect: brk with 0 (glibc then falls back to mmap; it
 * would take an errno for success), the signal mask and the waking of threads
 * with success, memory in huge pages of the pool (MAP_HUGETLB) with ENOMEM.
 * Anything else traps, so that the guest can name the object whose function
 * tried: other entries to the kernel (int 0x80, x32) too. No descriptor is
 * open, so no call that takes one is allowed.
 *
 * @param ours, ours_end Code whose memory calls go through; those of other code
 *        trap, for rs_demand_call() to make them. 0, 0: any code's go through.
 * @param run Whether executable memory may be made: rs_image_options.run.
 * @return The number of instructions, at most RS_PLAN_FILTER.
 */
unsigned rs_filter_write(struct rs_plan_filter *filter, uint64_t ours,
			 uint64_t ours_end, bool run);

#endif /* RS_SANDBOX_FILTER_H */
