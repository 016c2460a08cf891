// SPDX-License-Identifier: MIT
/** @file Traverse functions that were called in an image and did not return. */
#ifndef RS_ANSWER_FAULT_H
#define RS_ANSWER_FAULT_H

#include "base/json.h"
#include "sandbox/image.h"
#include "session/session.h"

enum { RS_FAULT_SIZE = 128 };

/** What happened, as `ended with signal 11 at 0x10`, in @p buf with NUL. */
void rs_fault_text(const struct rs_guest_fault *fault, char *buf, size_t size);

/**
 * Write a line for each of the first few objects at which a function was
 * stopped, as elements of an array, and one for how many more there are.
 */
void rs_report_faults(struct rs_json *json, const struct rs_session *session,
		      const struct rs_graph *graph);

#endif /* RS_ANSWER_FAULT_H */
