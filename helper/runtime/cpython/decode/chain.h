// SPDX-License-Identifier: MIT
/**
 * @file Following linked lists of the target, which may contain a cycle.
 * Internal to runtime/cpython.
 */
#ifndef RS_CPYTHON_CHAIN_H
#define RS_CPYTHON_CHAIN_H

#include <stdbool.h>
#include <stdint.h>

enum { RS_PY_CHAIN_MAX = 1 << 30 }; // links: 16 GiB of them at least

/**
 * Detects cycles in a linked list (Brent's algorithm): compares each link with
 * the one at the last power of two of steps. To be initialised with {0}.
 */
struct rs_py_chain {
	uint64_t kept, steps, turn;
};

/** @return false when @p link has occurred before, or after too many links. */
static inline bool rs_py_chain_step(struct rs_py_chain *chain, uint64_t link)
{
	if (link == chain->kept || chain->steps >= RS_PY_CHAIN_MAX)
		return false;
	if (chain->steps++ == chain->turn) {
		chain->kept = link;
		chain->turn = chain->turn * 2 + 1;
	}
	return true;
}

#endif /* RS_CPYTHON_CHAIN_H */
