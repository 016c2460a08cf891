// SPDX-License-Identifier: MIT
/** @file What a rehearsal came to: the lines that an image wrote, parsed. */
#ifndef RS_ACTION_REHEARSED_H
#define RS_ACTION_REHEARSED_H

#include "base/error.h"
#include "base/vec.h"

/** An object that the collector named. */
struct rs_rehearsed_object {
	uint64_t address;
	const char *type; // not NUL-terminated; borrowed from the text
	uint32_t type_size;
	bool uncollectable;
	bool alive; // still tracked after the collection
};

/** Zeroed: nothing. All of it is what code of the core says. */
struct rs_rehearsed {
	bool has_returned; // false: the text is not a rehearsal's
	uint64_t returned; // by the collector
	uint64_t garbage_before, garbage; // objects in the garbage list
	uint64_t uncollectable; // of object
	uint64_t alive; // of object
	uint64_t cleared; // watched objects taken out of the garbage list
	struct rs_vec object; // struct rs_rehearsed_object, in their order
	struct rs_vec dropped; // uint64_t: watched, gone with the reference
	struct rs_vec freed; // uint64_t: watched, gone at the end
};

/**
 * @param text As the op rehearse (runtime.h) returns it.
 * @param ret To be released by rs_rehearsed_fini(), on error too.
 * Errors: RS_ENOMEM. What is no line of a rehearsal is passed over.
 */
RS_MUST_CHECK struct rs_error *
rs_rehearsed_parse(const char *text, size_t size, struct rs_rehearsed *ret);
void rs_rehearsed_fini(struct rs_rehearsed *rehearsed);

#endif /* RS_ACTION_REHEARSED_H */
