// SPDX-License-Identifier: MIT
/** @file The search for evidence (private). */
#ifndef RS_ROOTS_EVIDENCE_H
#define RS_ROOTS_EVIDENCE_H

#include "roots/glibc.h"
#include "roots/memory_search.h"
#include "roots/regions.h"

/** What a search for evidence needs. */
struct rs_evidence {
	const struct rs_ledger_source *source; // borrowed
	struct rs_ledger *ledger; // borrowed: places and blocks are added
	struct rs_regions regions; // owned, as is all below
	struct rs_glibc glibc;
	struct rs_glibc_cursor cursor; // into glibc
	struct rs_search search; // for the addresses of objects in open
	uint8_t *open; // [objects] 1: named references do not explain its count
	struct rs_addrmap root; // slots of the graph's roots
};

/**
 * @param source What to search; @param ledger Its rows say which counts are
 * open. Errors: RS_ENOMEM; RS_EINTERRUPTED.
 */
RS_MUST_CHECK struct rs_error *
rs_evidence_init(struct rs_evidence *e, const struct rs_ledger_source *source,
		 struct rs_ledger *ledger);
/** A zeroed struct is allowed. */
void rs_evidence_fini(struct rs_evidence *e);

/** What the word at an address is a part of. */
struct rs_word {
	enum rs_place_kind kind; // RS_PLACES: of nothing that counts
	uint16_t thread;
	uint32_t object; // of RS_PLACE_OBJECT
	struct rs_extent block; // of _MALLOC and _RUNTIME
};

/**
 * Say what the word at @p slot is a part of. Fast for ascending slots. Words of
 * objects are of RS_PLACE_OBJECT, whether their references are known or not.
 */
void rs_word_find(struct rs_evidence *e, uint64_t slot, struct rs_word *ret);

/** The row of the block that contains @p word; what leads to it is not known.
 */
static inline struct rs_block rs_word_block(const struct rs_word *word)
{
	return (struct rs_block){
		.start = word->block.start,
		.size = word->block.end - word->block.start,
		.in = RS_NONE,
		.kind = RS_PLACES,
		.runtime = word->kind == RS_PLACE_RUNTIME,
	};
}

/** Add the places in memory. Errors: RS_ENOMEM; RS_EINTERRUPTED. */
RS_MUST_CHECK struct rs_error *rs_evidence_words(struct rs_evidence *e);

/** Add the places in registers. Errors: RS_ENOMEM. */
RS_MUST_CHECK struct rs_error *rs_evidence_registers(struct rs_evidence *e);

/** Add the guesses of the graph. Errors: RS_ENOMEM. */
RS_MUST_CHECK struct rs_error *rs_evidence_guesses(struct rs_evidence *e);

/**
 * Find what leads to the blocks that have places in them, and drop the places
 * in tables of objects: block_holders.c. Errors: RS_ENOMEM; RS_EINTERRUPTED.
 */
RS_MUST_CHECK struct rs_error *rs_evidence_holders(struct rs_evidence *e);

#endif /* RS_ROOTS_EVIDENCE_H */
