// SPDX-License-Identifier: MIT
/**
 * @file
 * Demand paging (private to sandbox): memory copied on first access.
 *
 * The loader maps a piece so that touching it raises SIGBUS; the handler puts
 * fresh memory there and copies. The image does so itself: no other process
 * has to serve it, and no privilege is needed. System calls about memory trap
 * (SIGSYS), so that the pages that they concern are copied first.
 */
#ifndef RS_SANDBOX_DEMAND_PAGES_H
#define RS_SANDBOX_DEMAND_PAGES_H

#include <stdint.h>

enum {
	RS_DEMAND_GRAIN = 64 << 10, // what comes in at once
	RS_DEMAND_SINGLE = 256, // so many grains singly, then whole groups
	RS_DEMAND_HUGE = 2 << 20, // a huge page: the smallest group
	RS_DEMAND_ADVICE_END =
		100, // of madvise: from here on about others' too
};

/** A piece of memory that is copied on first access. */
struct rs_demand_piece {
	uint64_t address, size; // multiples of a page
	uint64_t source, bytes; // what is copied; the rest is zero
	uint64_t grain; // number of its first in filled
	uint64_t prot;
};

/** All of them. Addresses are of the image. */
struct rs_demand {
	uint64_t group; // bytes, a power of two
	uint64_t filled; // address of an array of bits, one a grain
	uint64_t touches; // handled so far
	uint64_t from, to; // being filled; from 0: nothing is
	uint64_t calling; // 1: in a system call that rs_demand_call() makes
	uint64_t sparse; // 1: pages of zeros are left to the kernel
	uint64_t pieces;
	struct rs_demand_piece piece[]; // by address
};

/** Grains that @p size bytes at @p address have a part of. */
static inline uint64_t rs_demand_grains(uint64_t address, uint64_t size)
{
	return (address + size - 1) / RS_DEMAND_GRAIN -
	       address / RS_DEMAND_GRAIN + 1;
}

/** Handle a touch of @p address. @return Whether it can be touched now. */
int rs_demand_touch(struct rs_demand *demand, uint64_t address);

/** Copy all of a range, as far as it is of pieces. */
void rs_demand_bring(struct rs_demand *demand, uint64_t from, uint64_t to);

/** The range is about to be unmapped: its pieces are never copied. */
void rs_demand_forget(struct rs_demand *demand, uint64_t from, uint64_t to);

/**
 * Make the memory call at which @p context, a ucontext_t, was stopped, once the
 * pages that it concerns are copied. @return Whether it was one of those.
 */
int rs_demand_call(struct rs_demand *demand, void *context);

/**
 * After a fault within rs_demand_touch(), which cannot continue: unmap what is
 * half copied.
 */
void rs_demand_give_up(struct rs_demand *demand);

#endif /* RS_SANDBOX_DEMAND_PAGES_H */
