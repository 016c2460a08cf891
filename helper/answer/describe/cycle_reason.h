// SPDX-License-Identifier: MIT
/** @file Why a cycle was not freed, in words. */
#ifndef RS_ANSWER_CYCLE_REASON_H
#define RS_ANSWER_CYCLE_REASON_H

#include "answer/describe/report.h"

enum { RS_REASON_SIZE = 512 };

/** A cycle, and what is known about it. All borrowed. */
struct rs_reason_query {
	const struct rs_report *report;
	const struct rs_collect_result *result;
	const uint8_t *listed; // [objects] 1: in a garbage list
	const uint32_t *member; // [n] the objects of the component
	uint32_t n;
	bool alive; // the component is reachable
};

/** Write the reason to @p buf, of @p size bytes with the NUL. */
void rs_reason_text(const struct rs_reason_query *query, char *buf,
		    size_t size);

#endif /* RS_ANSWER_CYCLE_REASON_H */
