// SPDX-License-Identifier: MIT
/**
 * @file
 * Write JSON, streaming, to memory or to a file.
 *
 * Commas and escapes are the writer's business. Bytes that are not UTF-8
 * become U+FFFD. Failures (memory, disk) are remembered and told at the end.
 */
#ifndef RS_BASE_JSON_H
#define RS_BASE_JSON_H

#include "base/error.h"
#include "base/vec.h"

struct rs_json {
	struct rs_vec text; // what is not yet written to fd
	int fd; // -1: keep all in text
	int failed; // errno of the first failure
	uint64_t written; // bytes that have gone to fd
	unsigned depth; // brackets open
	char last; // last byte written: tells whether a comma is due
};

/** @param fd Where to write, or -1 to keep the text in memory. Not owned. */
void rs_json_init(struct rs_json *json, int fd);
void rs_json_fini(struct rs_json *json);

void rs_json_begin_object(struct rs_json *json);
void rs_json_end_object(struct rs_json *json);
void rs_json_begin_array(struct rs_json *json);
void rs_json_end_array(struct rs_json *json);
void rs_json_key(struct rs_json *json, const char *key);
/** NULL is written as null. */
void rs_json_string(struct rs_json *json, const char *text);
void rs_json_stringn(struct rs_json *json, const char *text, size_t size);
void rs_json_uint(struct rs_json *json, uint64_t value);
void rs_json_int(struct rs_json *json, int64_t value);
void rs_json_bool(struct rs_json *json, bool value);
void rs_json_null(struct rs_json *json);
/** An address: "0x7f..", lower case, no leading zeros. */
void rs_json_address(struct rs_json *json, uint64_t address);
/** End a line (between top-level values) and flush to fd when the buffer is
 * large. */
void rs_json_newline(struct rs_json *json);

/** Shorthand: key, then value. */
void rs_json_key_string(struct rs_json *json, const char *key,
			const char *text);
void rs_json_key_uint(struct rs_json *json, const char *key, uint64_t value);
void rs_json_key_int(struct rs_json *json, const char *key, int64_t value);
void rs_json_key_bool(struct rs_json *json, const char *key, bool value);
void rs_json_key_address(struct rs_json *json, const char *key,
			 uint64_t address);

/** Write out what is left. Errors: RS_EIO; RS_ENOMEM. */
RS_MUST_CHECK struct rs_error *rs_json_finish(struct rs_json *json);

/**
 * The text as one malloc'ed NUL-terminated string; the writer is empty again.
 * For fd == -1. Errors: RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *rs_json_take(struct rs_json *json, char **ret);

#endif /* RS_BASE_JSON_H */
