// SPDX-License-Identifier: MIT
/** @file Looking for addresses of objects in ranges of memory (private). */
#ifndef RS_ROOTS_SCAN_H
#define RS_ROOTS_SCAN_H

#include "memory/places.h"
#include "roots/ledger.h"
#include "runtime/runtime.h"

enum { RS_FILTER_BITS = 1 << 18 };

/** A search for the objects whose named references do not explain the count. */
struct rs_scan {
	const struct rs_ledger_source *source; // borrowed
	struct rs_ledger *ledger; // borrowed; places are added
	uint64_t low,
		high; // the least and the greatest address of such objects
	// A bit for each hash of an address: most words fail at this first
	// test.
	uint64_t *filter; // [RS_FILTER_BITS / 64]
	uint8_t *open; // [objects] 1: look for it
	uint32_t opens;
	struct rs_addrmap root; // slots of the graph's roots
};

/** Errors: RS_ENOMEM. */
RS_MUST_CHECK struct rs_error *
rs_scan_init(struct rs_scan *scan, const struct rs_ledger_source *source,
	     struct rs_ledger *ledger);
void rs_scan_fini(struct rs_scan *scan);

/**
 * Add a place for each aligned word from @p start to @p end that is the address
 * of such an object, unless the word is in an object or is a root.
 *
 * @param place Its kind, thread and block; the rest is set here.
 * @param[out] missing Set to true when a part cannot be read, else unchanged.
 * Errors: RS_ENOMEM; RS_EINTERRUPTED.
 */
RS_MUST_CHECK struct rs_error *
rs_scan_range(struct rs_scan *scan, struct rs_extent range,
	      const struct rs_place *place, bool *missing);

/** The variables of all modules: statics.c. */
RS_MUST_CHECK struct rs_error *rs_scan_statics(struct rs_scan *scan);

#endif /* RS_ROOTS_SCAN_H */
