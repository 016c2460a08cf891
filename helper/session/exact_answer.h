// SPDX-License-Identifier: MIT
/**
 * @file
 * The exact answer of a runtime: the references that its types' own functions
 * reported in an image of a core, kept beside those that are read.
 *
 * The strong references of an object whose type reported are exactly those
 * reported, as many to each target. Reading gives the label of each, if it
 * knows the same target, and the references that are owned or weak. What it
 * calls strong and was not reported is owned; guesses stay guesses, unless they
 * were reported.
 */
#ifndef RS_SESSION_EXACT_ANSWER_H
#define RS_SESSION_EXACT_ANSWER_H

#include "runtime/runtime.h"
#include "sandbox/image.h"

/** A zeroed struct: nothing was traversed. */
struct rs_exact_answer {
	struct rs_image_answer answer; // rows ascending by address
	uint8_t *reported; // [answer.objects] whether to use the row
	uint64_t objects; // whose types reported
	uint64_t references; // of those
	uint64_t not_traversed; // that should have been, and could not be
	struct rs_vec sorted; // uint64_t: reported targets of one object
	struct rs_vec taken; // uint32_t: by first of equal targets
	// NULL: the strong references are exactly the reported ones. Else they
	// are added to those that are read, without guesses; strong if they
	// lead to objects of this runtime, otherwise owned.
	struct rs_runtime *adds_to;
};

void rs_exact_answer_fini(struct rs_exact_answer *exact);

/**
 * Take over @p answer and decide which of its rows to use: not those of objects
 * at which a function was stopped. If more were stopped than the answer names,
 * rows without references are not used either.
 * @param wanted Objects that were to be traversed.
 * Errors: RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *
rs_exact_answer_take(struct rs_exact_answer *exact,
		     struct rs_image_answer *answer, uint64_t wanted);

/** @return Whether the type of the object at @p address reported.
 * @param[out] row Its row then. */
bool rs_exact_answer_find(const struct rs_exact_answer *exact, uint64_t address,
			  uint64_t *row);

/** The same for ascending addresses: starts at row *@p row and advances it. */
static inline bool rs_exact_answer_next(const struct rs_exact_answer *exact,
					uint64_t address, uint64_t *row)
{
	const struct rs_image_answer *a = &exact->answer;

	while (*row < a->objects && a->object[*row] < address)
		++*row;
	return *row < a->objects && a->object[*row] == address &&
	       exact->reported[*row];
}

/** @return The flags of object @p row, of which those of reading are
 * @p flags. */
static inline uint16_t
rs_exact_answer_flags(const struct rs_exact_answer *exact, uint64_t row,
		      uint16_t flags)
{
	const struct rs_image_answer *a = &exact->answer;

	if (flags & RS_OBJ_INEXACT)
		flags &= (uint16_t) ~(RS_OBJ_INEXACT | RS_OBJ_ASSUMED |
				      RS_OBJ_UNTRACKS);
	return a->apart && a->apart[row] ? flags | RS_OBJ_UNTRACKS : flags;
}

/** The reported targets of object @p row, borrowed. @return How many. */
static inline uint32_t
rs_exact_answer_targets(const struct rs_exact_answer *exact, uint64_t row,
			const uint64_t **ret)
{
	const struct rs_image_answer *a = &exact->answer;

	*ret = a->edge + a->first[row];
	return (uint32_t)(a->first[row + 1] - a->first[row]);
}

/**
 * Turn @p refs, which were read of object @p row, into its exact references, as
 * described at the top: first those that reading knows, in its order, then the
 * others by address, without labels. Out of memory sets refs->incomplete and
 * leaves the references as they were read.
 */
void rs_exact_answer_merge(struct rs_exact_answer *exact, uint64_t row,
			   struct rs_refs *refs);

#endif /* RS_SESSION_EXACT_ANSWER_H */
