// SPDX-License-Identifier: MIT
/**
 * @file
 * The ledger of the whole heap: for each object what its count is made of.
 *
 *     count = named + evidence + unexplained
 *
 * Exact are the count (as the target has it) and the named references: those
 * that the graph has, with their holders (strong, owned, and roots that are
 * counted; neither weak ones nor guesses). Evidence is not exact: a word
 * outside all objects that is the address of the object, in memory in which C
 * code keeps references. It may be a borrowed reference, or left over. So
 * evidence never explains more than what the named references leave of a count,
 * and only objects of which they leave something have any. Guesses of the graph
 * are evidence too, of the weaker sort.
 *
 * Not evidence: words of objects and of the tables that belong to objects,
 * words that are a root of the graph, free memory, and what is below a stack
 * pointer.
 *
 * What has no count that means anything (immortal objects, and what only a
 * guess says is an object) has neither evidence nor anything unexplained. The
 * counts of objects with deferred reference counting (RS_OBJ_DEFERRED) lack
 * references from stacks, so that `over` may be more than 0 for them; totals
 * leave them out of `over`.
 *
 * Flat arrays, made in one pass over references and one over memory.
 */
#ifndef RS_ROOTS_LEDGER_H
#define RS_ROOTS_LEDGER_H

#include "graph/graph.h"
#include "memory/memory.h"

struct rs_runtime;

enum { RS_PLACE_TEXT = 512 }; // bytes that the text of a place needs

/** Where evidence is, strongest first. */
enum rs_place_kind {
	RS_PLACE_STATIC, // a variable of an executable or library
	RS_PLACE_TLS, // a thread-local variable
	RS_PLACE_FRAME, // the value stack of a frame that is being executed
	RS_PLACE_REGISTER, // a register of a thread
	RS_PLACE_STACK, // a word of a C stack
	RS_PLACE_MALLOC, // in a block in use of malloc()
	RS_PLACE_RUNTIME, // in a block in use of a runtime's own allocator
	// In an object whose layout is not known: a guess of the graph.
	RS_PLACE_OBJECT,
	RS_PLACE_ANONYMOUS, // in other writable memory
	RS_PLACES,
};

/** A word that holds the address of an object. */
struct rs_place {
	// Address of the word. 0 for a register, and for a word of an object.
	uint64_t slot;
	uint32_t object; // number of the object
	// Of _MALLOC and _RUNTIME: index in rs_ledger.block; of _OBJECT: the
	// number of the object that has the word; else RS_NONE.
	uint32_t in;
	uint8_t kind; // enum rs_place_kind
	uint8_t reg; // of _REGISTER: its index
	uint16_t thread; // of _TLS, _REGISTER, _STACK: index in memory->thread
};

/** A block of memory that has places in it, or that leads to one. */
struct rs_block {
	uint64_t start, size; // bytes
	// A word that leads to it, the strongest that was found; 0: none.
	uint64_t holder;
	uint32_t in; // as of a place; RS_PLACE_OBJECT: in any object
	uint16_t thread; // as of a place
	uint8_t kind; // of that word: enum rs_place_kind; RS_PLACES: none
	bool runtime; // of a runtime's allocator, not malloc()
	// It belongs to an object, which reports the references in it.
	bool is_table;
};

/** Sums over the objects whose count means something. */
struct rs_ledger_totals {
	// counts + over = named + evidence + unexplained
	uint64_t counts, named, evidence, unexplained;
	uint64_t over; // named beyond the count, of objects not deferred
	uint64_t unexplained_objects, over_objects;
	uint64_t immortal, deferred; // objects
	uint64_t places; // words found
};

/** What all counts are made of. Arrays are owned, if not said otherwise. */
struct rs_ledger {
	const struct rs_graph *graph; // borrowed
	struct rs_memory *memory; // borrowed
	uint32_t *named; // [objects] counted references, roots included
	// [objects] words found, also those beyond what explains the count; 0
	// when named references explain it
	uint32_t *evidence;
	struct rs_vec place; // struct rs_place, by object, then by kind
	struct rs_vec block; // struct rs_block, by address, then added ones
	struct rs_runtime **runtime; // [runtimes] borrowed
	size_t runtimes;
	struct rs_ledger_totals totals;
};

/** One row of the ledger. */
struct rs_ledger_row {
	bool counted; // false: immortal or guessed; the rest is then 0
	bool deferred; // see above
	int64_t count; // rs_graph_count()
	uint32_t named;
	uint32_t evidence; // words that explain a part of the count
	uint32_t places; // words found: evidence or more
	// What is left; negative: over, more named references than the count.
	int64_t unexplained;
};

/** What the ledger is made of. All borrowed. */
struct rs_ledger_source {
	struct rs_memory *memory;
	struct rs_runtime **runtime; // [runtimes]
	size_t runtimes;
	const struct rs_graph *graph; // of all objects
	const struct rs_progress *progress; // may be NULL
	// [objects] 1: look for evidence of this one; NULL: of all.
	const uint8_t *only;
};

/**
 * Make the ledger of all objects. What could not be searched is told by
 * rs_memory_gap().
 *
 * @param[out] ret To be released by rs_ledger_fini() before the graph.
 * Errors: RS_ENOMEM; RS_EINTERRUPTED.
 */
RS_MUST_CHECK struct rs_error *
rs_ledger_make(const struct rs_ledger_source *source, struct rs_ledger *ret);
/** A zeroed ledger is allowed. */
void rs_ledger_fini(struct rs_ledger *ledger);

/** The row of object @p number. */
struct rs_ledger_row
rs_ledger_row(const struct rs_ledger *ledger, uint32_t number);

/**
 * The places of object @p number, strongest first: row.places of them, of which
 * the first row.evidence explain its count.
 * @param[out] places How many.
 * @return [places], borrowed.
 */
const struct rs_place *rs_ledger_places(const struct rs_ledger *ledger,
					uint32_t number, size_t *places);

/**
 * Write where @p place is in words: "etree.so: __pyx_n_s_text", "etree.so
 * .bss+0x1f40", "64-byte block 0x..+0x8, held by wid.so: callbacks+0x40".
 * @param size RS_PLACE_TEXT bytes are enough.
 */
void rs_place_text(const struct rs_ledger *ledger, const struct rs_place *place,
		   char *buf, size_t size);

/** @return "static", "tls", "frame", "register", "stack", "malloc", "runtime",
 * "object" or "anonymous". */
const char *rs_place_kind_text(enum rs_place_kind kind);

#endif /* RS_ROOTS_LEDGER_H */
