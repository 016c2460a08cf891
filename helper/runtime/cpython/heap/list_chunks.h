// SPDX-License-Identifier: MIT
/**
 * @file The chunks in which the collector's lists are walked. Internal to
 * runtime/cpython.
 *
 * Walking a list from its head, each step has to wait for the cache line to
 * which the step before points: a million objects cost a million cache misses.
 * So lists are cut into chunks, of which several are walked in turns, and the
 * next line of each is prefetched while the others advance. The result does not
 * depend on the cuts being right: chunks are joined from the heads of the lists
 * on, and those to which no list leads are dropped.
 */
#ifndef RS_CPYTHON_LIST_CHUNKS_H
#define RS_CPYTHON_LIST_CHUNKS_H

#include "runtime/cpython/state/discover.h"

enum {
	RS_LISTS_MAX =
		RS_PY_INTERPRETERS * RS_PY_GENERATIONS + RS_PY_COLLECTING_LISTS,
	RS_CUTS_MAX = 256,
	RS_CHUNKS_MAX = RS_LISTS_MAX + RS_CUTS_MAX,
	RS_SLOTS = 2048, // of the hash of chunks; a power of two
	RS_SLOT_BITS = 11,
	RS_NOWHERE = -1, // the end of a chunk that leads out of memory, or is
			 // not yet known
};
#define RS_NOT_POINTER UINT64_C(3) // bits of _gc_next and _gc_prev

/** A chunk: from one known head (of a list, or a cut) to the next. */
struct rs_list_chunk {
	uint64_t start; // the head that it begins with
	uint64_t next; // the next head to visit
	uint64_t last; // the head visited last; 0 before the first
	int32_t end; // number of the chunk that follows it, or RS_NOWHERE
	int8_t generation; // -1: no list leads to it
	bool in_transit; // before 3.8: a head in it is in a collection
};

/** All chunks. While a thread walks a chunk, others may read only its start. */
struct rs_list_chunks {
	struct rs_list_chunk chunk[RS_CHUNKS_MAX];
	unsigned chunks, lists; // the first `lists` begin at heads of lists
	uint16_t slot[RS_SLOTS]; // 1 + number of a chunk, by hash of its start
};

/** Add a chunk that begins with the head at @p start, unless there is one. */
void rs_chunks_add(struct rs_list_chunks *p, uint64_t start, int8_t generation);

/** Cut long lists at heads found by looking at random places. */
void rs_chunks_cut(struct rs_list_chunks *p, struct rs_cpython *py);

/** @return Where in slot[] the search for @p address begins. */
static inline unsigned rs_chunks_slot(uint64_t address)
{
	return (unsigned)(address * UINT64_C(0x9e3779b97f4a7c15) >>
			  (64 - RS_SLOT_BITS));
}

/** @return The number of the chunk that starts at @p address, or RS_NOWHERE. */
static inline int32_t
rs_chunks_at(const struct rs_list_chunks *p, uint64_t address)
{
	for (unsigned i = rs_chunks_slot(address); p->slot[i];
	     i = (i + 1) % RS_SLOTS)
		if (p->chunk[p->slot[i] - 1].start == address)
			return p->slot[i] - 1;
	return RS_NOWHERE;
}

/** @return The next head after @p head; 0 when it is unreadable. */
static inline uint64_t rs_head_next(struct rs_memory *memory, uint64_t head)
{
	uint64_t next = 0;

	return rs_memory_u64(memory, head, &next) ? next & ~RS_NOT_POINTER : 0;
}

#endif /* RS_CPYTHON_LIST_CHUNKS_H */
