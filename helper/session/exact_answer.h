// SPDX-License-Identifier: MIT
/**
 * @file
 * What the types of a core told of their objects, kept beside what is read.
 *
 * Of an object whose type told, the strong references are exactly those told:
 * as many to each target. Reading names them where it knows the same target,
 * and alone tells those that are owned or weak. What it guessed is gone.
 */
#ifndef RS_SESSION_EXACT_ANSWER_H
#define RS_SESSION_EXACT_ANSWER_H

#include "runtime/runtime.h"
#include "sandbox/image.h"

/** A zeroed struct: no type was asked. */
struct rs_exact_answer {
	struct rs_image_answer answer; // rows ascending by address
	uint8_t *told; // [answer.objects] whether the row is to be believed
	uint64_t objects; // that were told
	uint64_t references; // of those
	uint64_t not_traversed; // that were to be, and were not
	struct rs_vec sorted; // uint64_t: targets told of one object
	struct rs_vec taken; // uint32_t: by first of equal targets
	// NULL: the strong references are exactly those told. Else they come
	// on top of what is read, but for guesses, and are strong if they lead
	// to objects of this runtime, owned if not.
	struct rs_runtime *adds_to;
};

void rs_exact_answer_fini(struct rs_exact_answer *asked);

/**
 * Take over @p answer and decide which of its rows to believe: not those of
 * objects at which a function was stopped. When more were stopped than could
 * be told by name, rows without references are not believed either.
 * @param wanted Objects that were to be asked.
 * Errors: RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *
rs_exact_answer_take(struct rs_exact_answer *asked,
		     struct rs_image_answer *answer, uint64_t wanted);

/** @return whether the type of the object at @p address told; its row. */
bool rs_exact_answer_find(const struct rs_exact_answer *asked, uint64_t address,
			  uint64_t *row);

/** The same for ascending addresses, from row *@p row on, which is moved on. */
static inline bool rs_exact_answer_next(const struct rs_exact_answer *asked,
					uint64_t address, uint64_t *row)
{
	const struct rs_image_answer *a = &asked->answer;

	while (*row < a->objects && a->object[*row] < address)
		++*row;
	return *row < a->objects && a->object[*row] == address &&
	       asked->told[*row];
}

/** Of object @p row, the targets told. Borrowed. @return how many. */
static inline uint32_t
rs_exact_answer_targets(const struct rs_exact_answer *asked, uint64_t row,
			const uint64_t **ret)
{
	const struct rs_image_answer *a = &asked->answer;

	*ret = a->edge + a->first[row];
	return (uint32_t)(a->first[row + 1] - a->first[row]);
}

/**
 * Make @p refs, as read of object @p row, what the header of this file says:
 * those that reading knows in its order, then the others by address, without
 * labels. Out of memory: refs->incomplete, and refs is as it was read.
 */
void rs_exact_answer_merge(struct rs_exact_answer *asked, uint64_t row,
			   struct rs_refs *refs);

#endif /* RS_SESSION_EXACT_ANSWER_H */
