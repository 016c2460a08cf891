// SPDX-License-Identifier: MIT
/** @file References that lead to no object, and objects with a count of 0. */
#ifndef RS_ANSWER_DANGLING_H
#define RS_ANSWER_DANGLING_H

#include "answer/describe/report.h"

/**
 * Write the members "dangling" and "count_zero" of rs_answer_info() (engine.h).
 * Needs the graph of everything.
 * Errors: RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *rs_report_dangling(struct rs_report *report);

/**
 * Write the label of the reference that leads to @p target, where there is no
 * object; "" if there is none.
 * @param source The number of the object that has the reference.
 * @param target An address.
 * @param size Bytes of @p buf, with the NUL.
 */
void rs_dangling_label(struct rs_report *report, uint32_t source,
		       uint64_t target, char *buf, size_t size);

#endif /* RS_ANSWER_DANGLING_H */
