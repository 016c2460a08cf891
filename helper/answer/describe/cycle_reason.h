// SPDX-License-Identifier: MIT
/** @file Why a ring was not freed, in words. */
#ifndef RS_ANSWER_CYCLE_REASON_H
#define RS_ANSWER_CYCLE_REASON_H

#include "answer/describe/report.h"

enum { RS_FAULT_SIZE = 512 };

/** A ring and what is known around it. */
struct rs_fault_query {
	const struct rs_report *report;
	const struct rs_verdict *verdict;
	const uint8_t *listed; // [objects] 1: in a garbage list
	const uint32_t *member;
	uint32_t n;
	bool alive; // of what is in use
};

/** Write the reason, at most @p size bytes. */
void rs_fault_text(const struct rs_fault_query *query, char *buf, size_t size);

#endif /* RS_ANSWER_CYCLE_REASON_H */
