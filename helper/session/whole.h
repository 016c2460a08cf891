// SPDX-License-Identifier: MIT
/**
 * @file
 * The state of building the graph of all objects (private).
 *
 * Objects that the collectors track or that an allocator has are found first.
 * Readers, one a thread, read pieces of them. What these refer to beside
 * themselves is found late, and read by one reader alone. Until all are found
 * numbers are provisional: those found first by address, then the late ones in
 * the order in which they were met. Then they are settled: a late one goes
 * between two of the others, which moves the numbers of all that follow.
 */
#ifndef RS_SESSION_WHOLE_H
#define RS_SESSION_WHOLE_H

#include "session/session.h"

enum {
	RS_PIECE = 1 << 14, // objects that a reader takes at once
	// The target of an edge whose address is the next in rs_reader.later:
	// no number, as there is always one object less than 2^30.
	RS_LATER = RS_TARGET_MASK,
};

#define RS_ADDRESS_MASK ((UINT64_C(1) << 48) - 1)

struct rs_whole;

/** Consecutive objects that one reader has read, or will read. */
struct rs_piece {
	uint32_t first, end; // provisional numbers
	uint32_t reader; // index in rs_whole.reader
	uint64_t edge, later; // its first ones in the reader's arrays
	uint64_t laters; // how many
	uint64_t dropped; // references that lead to no object
	uint64_t danglings; // of these the counted ones
	struct rs_vec dangling; // struct rs_dangling; the first of them
	uint64_t partial, partial_example; // as in struct rs_graph
};

/** What one thread needs to read objects. */
struct rs_reader {
	struct rs_whole *whole; // borrowed
	struct rs_session *session; // a view, owned; or the session itself
	// [runtimes] copies of session->exact, with working space of their own
	struct rs_exact_answer *exact;
	uint64_t *asked; // [runtimes] next row of these
	struct rs_refs refs; // not yet turned into edges
	uint32_t first, next; // provisional numbers of the objects they are of
	struct rs_vec edge; // uint32_t
	// uint64_t, references that had no number: the address in the low 48
	// bits, enum rs_kind above.
	struct rs_vec later;
	// References to what is no address of a user's memory.
	uint64_t dropped;
	struct rs_vec large; // struct rs_large_size
	uint32_t *type; // [types] numbers in the session of those of the view
	size_t types;
};

struct rs_whole {
	struct rs_session *session;
	// Its map has the objects that were found first, until they are
	// settled.
	struct rs_graph *graph;
	uint32_t found; // objects that were found first
	// By provisional number. flags holds the marks of finding before an
	// object is read, references how many were found, then kept.
	struct rs_vec address; // uint64_t
	struct rs_vec count, type, size, references; // uint32_t
	struct rs_vec flags; // uint16_t
	struct rs_vec of; // uint8_t, the runtime; empty with one runtime
	struct rs_vec guess; // uint8_t, of late ones: only guesses led to it
	size_t guesses; // of these
	struct rs_vec unreferenced; // uint64_t, addresses
	struct rs_addrmap late; // the late objects
	struct rs_reader *reader; // [readers]; the last one reads late objects
	unsigned readers;
	struct rs_vec piece; // struct rs_piece, in ascending order
	struct rs_roots roots;
};

/** @return How many objects there are so far. */
static inline uint32_t rs_whole_objects(const struct rs_whole *w)
{
	return (uint32_t)rs_vec_count(&w->count, uint32_t);
}

/** @return The index in the session of the runtime of object @p i. */
static inline uint8_t rs_whole_runtime(const struct rs_whole *w, uint32_t i)
{
	return w->of.used ? rs_vec_items(&w->of, uint8_t)[i] : 0;
}

/** Whether only guesses led to object @p i when it was met. */
static inline bool rs_whole_is_guess(const struct rs_whole *w, uint32_t i)
{
	return i >= w->found && rs_vec_items(&w->guess, uint8_t)[i - w->found];
}

/**
 * Make the readers: one a thread, where several pay, and the last one. To be
 * freed by rs_readers_free(), on error too. Errors: RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *rs_readers_new(struct rs_whole *w);
void rs_readers_free(struct rs_whole *w);

/** Give the objects that were found first to the readers, and wait for them.
 * Errors: RS_ENOMEM; RS_EINTERRUPTED; RS_EBAD (too many references). */
RS_MUST_CHECK struct rs_error *rs_read_pieces(struct rs_whole *w);

/** Read object @p i and turn its references into edges. Its piece is the
 * current one of @p reader. Errors: RS_ENOMEM. */
RS_MUST_CHECK struct rs_error *
rs_reader_late(struct rs_reader *reader, struct rs_piece *piece, uint32_t i);

/** Find and read the late objects: to which roots and what was read lead, and
 * to which nothing does.
 * Errors: as rs_read_pieces(). */
RS_MUST_CHECK struct rs_error *rs_read_late(struct rs_whole *w);

/** Settle the numbers, and move everything into the arrays of the graph.
 * Errors: as rs_read_pieces(). */
RS_MUST_CHECK struct rs_error *rs_settle(struct rs_whole *w);

#endif /* RS_SESSION_WHOLE_H */
