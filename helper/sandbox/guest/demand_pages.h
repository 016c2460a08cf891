// SPDX-License-Identifier: MIT
/**
 * @file
 * Memory that comes in when it is touched (private to probe and revive).
 *
 * Who makes the image maps a piece so that touching it is SIGBUS; the handler
 * puts fresh memory there and copies. The process does so itself: no other
 * has to serve it, and no privilege is needed. System calls that are about
 * memory are SIGSYS, so that they find, and leave, what they would without.
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

struct rs_demand_piece {
	uint64_t address, size; // multiples of a page
	uint64_t source, bytes; // what is there at first; the rest is zero
	uint64_t grain; // number of its first in filled
	uint64_t prot;
};

struct rs_demand {
	uint64_t group; // bytes, a power of two
	uint64_t filled; // address of an array of bits, one a grain
	uint64_t touches; // that were served
	uint64_t from, to; // being filled; from 0: nothing is
	uint64_t pieces;
	struct rs_demand_piece piece[]; // by address
};

/** Grains that @p size bytes at @p address have a part of. */
static inline uint64_t rs_demand_grains(uint64_t address, uint64_t size)
{
	return (address + size - 1) / RS_DEMAND_GRAIN -
	       address / RS_DEMAND_GRAIN + 1;
}

/** Serve a touch of @p address. @return Whether it can be touched now. */
int rs_demand_touch(struct rs_demand *demand, uint64_t address);

/** Let all of a range, that is of pieces, come in. */
void rs_demand_bring(struct rs_demand *demand, uint64_t from, uint64_t to);

/** What the range has of pieces is about to be gone: it never comes in. */
void rs_demand_forget(struct rs_demand *demand, uint64_t from, uint64_t to);

/**
 * Do the system call at which @p context, a ucontext_t, was stopped, with the
 * memory that it is about. @return Whether it was one of those.
 */
int rs_demand_call(struct rs_demand *demand, void *context);

/**
 * After a fault in the midst of rs_demand_touch(), which does not go on: what
 * is half filled becomes memory that nobody can touch.
 */
void rs_demand_give_up(struct rs_demand *demand);

#endif /* RS_SANDBOX_DEMAND_PAGES_H */
