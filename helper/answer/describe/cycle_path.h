// SPDX-License-Identifier: MIT
/** @file A cycle for people to read: instances without their own dicts. */
#ifndef RS_ANSWER_CYCLE_PATH_H
#define RS_ANSWER_CYCLE_PATH_H

#include "answer/describe/report.h"

/** A reference of a cycle, as it is shown. */
struct rs_step {
	uint32_t object; // the holder; an instance if its own dict holds it
	uint32_t source, edge; // the reference: real holder, index in out[]
	bool folded; // source is the own dict of object
	bool cut; // dropping it alone frees the component
};

/**
 * Find a shortest cycle in component @p c. An instance and its own dict are one
 * step, with the label of the dict's entry. It starts at an object with a
 * finalizer, if there is one; otherwise at the lowest address.
 *
 * @param[out] ret struct rs_step, appended.
 * Errors: RS_ENOMEM; RS_EINTERRUPTED.
 */
RS_MUST_CHECK struct rs_error *
rs_cycle_path_find(struct rs_report *report,
		   const struct rs_components *components, uint32_t c,
		   struct rs_vec *ret);

/**
 * The same for a cycle that is already known.
 * @param cycle struct rs_cut, in the order of the cycle.
 * @param[out] ret struct rs_step, appended; none is marked as a cut.
 * Errors: RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *rs_cycle_path_fold(struct rs_report *report,
						  const struct rs_vec *cycle,
						  struct rs_vec *ret);

/**
 * Find a shortest cycle on which @p through is, an object of a component.
 * @param[out] ret struct rs_step, appended; none is marked as a cut.
 * Errors: RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *
rs_cycle_path_through(struct rs_report *report,
		      const struct rs_components *components, uint32_t through,
		      struct rs_vec *ret);

/** Write the label of @p step: `._b`, also for an entry of an own dict. */
void rs_cycle_path_label(struct rs_report *report, const struct rs_step *step,
			 char *buf, size_t size);

#endif /* RS_ANSWER_CYCLE_PATH_H */
