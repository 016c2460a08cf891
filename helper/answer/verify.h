// SPDX-License-Identifier: MIT
/** @file An answer of rs_answer_verify() in the making (private to report). */
#ifndef RS_ANSWER_VERIFY_H
#define RS_ANSWER_VERIFY_H

#include "answer/describe/report.h"
#include "sandbox/image.h"

/** What is found out of the objects of one type. */
struct rs_verify_type {
	uint64_t objects, differ;
	uint32_t example; // first object that differs
	uint32_t row; // of the answer, for that object
	size_t part; // whose answer: index in rs_verify.part
};

/** One runtime's objects. */
struct rs_verify_part {
	struct rs_runtime *rt; // borrowed
	struct rs_image_answer answer;
	uint64_t unread, differ;
	uint64_t refused; // not called without consent
};

struct rs_verify {
	struct rs_report *report;
	struct rs_verify_part *part; // [parts] by index of the runtime; owned
	size_t parts;
	struct rs_refs refs;
	struct rs_vec asked, read; // uint64_t: references of one object
	struct rs_verify_type *type; // [graph->types]
	uint64_t types; // that differ
};

/**
 * Both ways for object @p number, which is row @p row of its runtime's answer,
 * sorted, in asked and read. @return false: out of memory.
 */
bool rs_verify_load(struct rs_verify *v, size_t part, uint64_t row,
		    uint32_t number);

/** Write it all. @param limit Types, and stopped objects; 0: all. */
RS_MUST_CHECK struct rs_error *
rs_verify_write(struct rs_verify *v, uint64_t limit);

#endif /* RS_ANSWER_VERIFY_H */
