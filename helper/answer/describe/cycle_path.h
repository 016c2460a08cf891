// SPDX-License-Identifier: MIT
/** @file A ring as people see it: instances, without the dicts inside them. */
#ifndef RS_ANSWER_CYCLE_PATH_H
#define RS_ANSWER_CYCLE_PATH_H

#include "answer/describe/report.h"

/** One step of a ring. */
struct rs_step {
	uint32_t object; // as shown: the instance, when its dict is folded
	uint32_t source, edge; // the reference that is meant
	bool folded; // source is the own dict of object
	bool cut; // dropped alone, it frees the ring
};

/**
 * The ring of component @p c, folded: an instance and its own dict are one
 * step, named by the dict's entry. Starts at an object with a finalizer, if
 * there is one, and then at the lowest address.
 *
 * @param[out] ret Entries struct rs_step, appended.
 */
RS_MUST_CHECK struct rs_error *
rs_ring_find(struct rs_report *report, const struct rs_components *components,
	     uint32_t c, struct rs_vec *ret);

/** The label of @p step in words: `._b`, also when that is a dict's entry. */
void rs_ring_label(struct rs_report *report, const struct rs_step *step,
		   char *buf, size_t size);

#endif /* RS_ANSWER_CYCLE_PATH_H */
