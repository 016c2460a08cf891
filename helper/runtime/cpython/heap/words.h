// SPDX-License-Identifier: MIT
/**
 * @file What a word of CPython's own memory belongs to: the operations extent,
 * areas, word_at, idle, frame_text and is_table of runtime.h. Internal to
 * runtime/cpython.
 */
#ifndef RS_CPYTHON_WORDS_H
#define RS_CPYTHON_WORDS_H

#include "runtime/cpython/heap/arenas.h"

/** The value stack of a frame that is being executed. */
struct rs_py_stack {
	struct rs_extent extent;
	struct rs_py_frame frame;
};

/** Where CPython's own memory is; made when areas are first wanted. */
struct rs_py_words {
	const struct rs_addrmap *objects; // borrowed
	struct rs_py_arenas arenas; // owned
	struct rs_vec stack; // struct rs_py_stack, by address; owned
	// struct rs_extent: stacks of frames, from 3.11; owned
	struct rs_vec chunk;
	struct rs_py_pool pool; // the one that was opened last
	bool pool_open;
};

/** NULL is allowed. */
void rs_py_words_free(struct rs_py_words *words);

/**
 * What the block that contains @p address contains. @p ret is undefined for a
 * free block, or none.
 */
enum rs_word_kind rs_py_words_block(struct rs_cpython *py, uint64_t address,
				    struct rs_extent *ret);

/** The ops extent, areas, word_at, frame_text, idle and is_table of runtime.h.
 */
uint64_t rs_py_extent(struct rs_runtime *rt, uint64_t object);
RS_MUST_CHECK struct rs_error *
rs_py_areas(struct rs_runtime *rt, const struct rs_addrmap *objects,
	    struct rs_vec *area, struct rs_vec *frame);
enum rs_word_kind
rs_py_word_kind(struct rs_runtime *rt, uint64_t slot, struct rs_extent *block);
void rs_py_frame_word_text(struct rs_runtime *rt, uint64_t slot, char *buf,
			   size_t size);
RS_MUST_CHECK struct rs_error *
rs_py_idle(struct rs_runtime *rt, struct rs_vec *ret);
bool rs_py_is_table(struct rs_runtime *rt, uint64_t object, uint64_t slot);

#endif /* RS_CPYTHON_WORDS_H */
