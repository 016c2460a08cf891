// SPDX-License-Identifier: MIT
/**
 * @file
 * Looking for words with certain values in all writable memory (private).
 *
 * Nearly all words fail at the first of three tests: between the lowest and the
 * highest value, a bit in a small table, then what found() looks up. So memory
 * is read about as fast as it can be.
 */
#ifndef RS_ROOTS_MEMORY_SEARCH_H
#define RS_ROOTS_MEMORY_SEARCH_H

#include "roots/ledger.h"
#include "runtime/runtime.h"

enum { RS_FILTER_BITS = 1 << 21 };

/** What to look for, and what to call when it is found. */
struct rs_search {
	const struct rs_ledger_source *source; // borrowed
	uint64_t low, high; // the least and the greatest value wanted
	uint64_t *filter; // [RS_FILTER_BITS / 64] a bit for each hash; owned
	uint64_t values; // wanted
	unsigned shift; // low bits of a value that do not matter
	/**
	 * Called for each word that passes the filter.
	 * @param slot The word's address; @param value what it contains.
	 * Errors: any; the first ends the search.
	 */
	struct rs_error *(*found)(void *context, uint64_t slot, uint64_t value);
	void *context;
};

/** Errors: RS_ENOMEM. */
RS_MUST_CHECK struct rs_error *
rs_search_init(struct rs_search *search, const struct rs_ledger_source *source,
	       unsigned shift);
/** A zeroed struct is allowed. */
void rs_search_fini(struct rs_search *search);

/** Look for @p value too. */
void rs_search_add(struct rs_search *search, uint64_t value);

/** Whether @p value may be one of those. */
static inline bool rs_search_may(const struct rs_search *search, uint64_t value)
{
	const uint32_t hash =
		(uint32_t)(value >> search->shift) & (RS_FILTER_BITS - 1);

	return value - search->low <= search->high - search->low &&
	       (search->filter[hash / 64] >> hash % 64 & 1);
}

/**
 * Search the aligned words from @p start to @p end, as far as they can be read.
 * Errors: RS_EINTERRUPTED; those of found().
 */
RS_MUST_CHECK struct rs_error *
rs_search_range(const struct rs_search *search, struct rs_extent range);

/** Search all writable memory but that of files which are no modules.
 * Errors: as rs_search_range(). */
RS_MUST_CHECK struct rs_error *rs_search_memory(const struct rs_search *search);

#endif /* RS_ROOTS_MEMORY_SEARCH_H */
