// SPDX-License-Identifier: MIT
/** @file A rehearsal: from the question to the answer (private to action). */
#ifndef RS_ACTION_REHEARSAL_H
#define RS_ACTION_REHEARSAL_H

#include "action/rehearsed.h"
#include "answer/describe/prediction.h"
#include "answer/describe/report.h"
#include "sandbox/image_call.h"

/** A rehearsal, from the question to the answer. Arrays are owned. */
struct rs_acting {
	struct rs_session *session; // borrowed
	struct rs_runtime *rt; // whose collector it is; borrowed
	struct rs_rehearsal what;
	uint32_t ms; // processor time
	uint64_t limit; // of objects written

	struct rs_report report; // opened when something is dropped
	uint32_t holder, edge; // the reference that is, in report.graph
	char label[RS_LABEL_SIZE]; // of it
	struct rs_vec watch; // uint32_t: numbers in report.graph
	struct rs_vec address; // uint64_t: their addresses

	uint64_t needed, allowed; // bytes of memory
	bool has_prediction;
	struct rs_prediction prediction;
	struct rs_image_called called;
	struct rs_rehearsed came;
	struct rs_json *json; // borrowed; while the answer is written
	bool limited;
};

/** Run it. Errors: as rs_answer_rehearse_collect(). */
RS_MUST_CHECK struct rs_error *rs_acting_run(struct rs_acting *a);

/** Write the answer of one that ran. Errors: RS_ENOMEM; those of
 * rs_report_checked(). */
RS_MUST_CHECK struct rs_error *rs_acting_write(struct rs_acting *a, char **ret);

#endif /* RS_ACTION_REHEARSAL_H */
