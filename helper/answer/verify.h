// SPDX-License-Identifier: MIT
/** @file What the files of rs_answer_verify() share. */
#ifndef RS_ANSWER_VERIFY_H
#define RS_ANSWER_VERIFY_H

#include "answer/describe/report.h"
#include "sandbox/image.h"

/** The result for one type. */
struct rs_verify_type {
	uint64_t objects, differ;
	uint32_t example; // the first object that differs
	uint32_t row; // of this object in the answer of its part
	size_t part; // of this object: index in rs_verify.part
};

/** The objects of one runtime. */
struct rs_verify_part {
	struct rs_runtime *rt; // borrowed
	struct rs_image_answer answer;
	uint64_t unread, differ;
	uint64_t refused; // not called without consent
};

/** A comparison while it is made. */
struct rs_verify {
	struct rs_report *report; // borrowed
	struct rs_verify_part *part; // [parts] by index of the runtime; owned
	size_t parts;
	struct rs_refs refs; // owned: working space
	// uint64_t: references of one object; owned, reused for the next
	struct rs_vec traversed, read;
	struct rs_verify_type *type; // [graph->types]; owned
	uint64_t types; // that differ
};

/**
 * Set v->traversed and v->read to the sorted references of object @p number,
 * which is row @p row of the answer of @p part. @return false when out of
 * memory.
 */
bool rs_verify_load(struct rs_verify *v, size_t part, uint64_t row,
		    uint32_t number);

/**
 * Write the answer.
 * @param limit The most types and stopped objects in it, each; 0: all.
 * Errors: RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *
rs_verify_write(struct rs_verify *v, uint64_t limit);

#endif /* RS_ANSWER_VERIFY_H */
