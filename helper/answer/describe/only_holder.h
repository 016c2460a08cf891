// SPDX-License-Identifier: MIT
/** @file What alone keeps an object, where that says more than a path. */
#ifndef RS_ANSWER_ONLY_HOLDER_H
#define RS_ANSWER_ONLY_HOLDER_H

#include "answer/describe/report.h"

/** What alone keeps an object. */
struct rs_only_holder {
	// "traceback", "exception" and so on (rs_runtime_ops.holder_kind); "c":
	// a word of C code's; "nothing": nothing that is read; NULL: several
	// things keep it, or one of which its path says enough.
	const char *kind;
	uint32_t object; // that one; of "c" and "nothing": what they hold
	int64_t references; // of "nothing"
	char place[RS_PLACE_TEXT]; // of "c"
};

/**
 * Go from object @p number to its only holder, from that to its only holder,
 * and so on. Needs rs_report_reverse().
 * Errors: as rs_session_ledger().
 */
RS_MUST_CHECK struct rs_error *
rs_report_only_holder(struct rs_report *report, uint32_t number,
		      struct rs_only_holder *ret);

/** Write "only", unless @p only has no kind: see rs_answer_why(). */
void rs_report_key_only(struct rs_report *report,
			const struct rs_only_holder *only);

#endif /* RS_ANSWER_ONLY_HOLDER_H */
