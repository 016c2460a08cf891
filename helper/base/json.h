// SPDX-License-Identifier: MIT
/**
 * @file
 * A streaming writer of JSON, to memory or to a file.
 *
 * It adds commas and escapes. Bytes that are not UTF-8 become U+FFFD. The
 * first failure (out of memory, write error) is kept, the rest of the output
 * dropped, and the error returned by rs_json_finish() or rs_json_take(), so
 * that the calls in between need no check.
 */
#ifndef RS_BASE_JSON_H
#define RS_BASE_JSON_H

#include "base/error.h"
#include "base/vec.h"

/** A writer. */
struct rs_json {
	struct rs_vec text; // bytes not yet written to fd
	int fd; // -1: everything stays in text
	int failed; // errno of the first failure, 0 if none
	uint64_t written; // bytes written to fd
	unsigned depth; // open brackets
	char last; // last byte of output, to know whether a comma is needed
};

/** @param fd Where to write, or -1 to keep the text in memory. Not owned. */
void rs_json_init(struct rs_json *json, int fd);
/** Free the buffer; what is in it is lost. */
void rs_json_fini(struct rs_json *json);

/** Write one token each. A failure is kept, and returned at the end. */
void rs_json_begin_object(struct rs_json *json);
void rs_json_end_object(struct rs_json *json);
void rs_json_begin_array(struct rs_json *json);
void rs_json_end_array(struct rs_json *json);
void rs_json_key(struct rs_json *json, const char *key);
/** A string; NULL is written as null. */
void rs_json_string(struct rs_json *json, const char *text);
void rs_json_stringn(struct rs_json *json, const char *text, size_t size);
void rs_json_uint(struct rs_json *json, uint64_t value);
void rs_json_int(struct rs_json *json, int64_t value);
void rs_json_bool(struct rs_json *json, bool value);
void rs_json_null(struct rs_json *json);
/** An address as a string: "0x7f..", lower case, no leading zeros. */
void rs_json_address(struct rs_json *json, uint64_t address);
/** End the line between two top-level values, and write to fd when the buffer
 * is large. */
void rs_json_newline(struct rs_json *json);

/** Key and value in one call. */
void rs_json_key_string(struct rs_json *json, const char *key,
			const char *text);
void rs_json_key_uint(struct rs_json *json, const char *key, uint64_t value);
void rs_json_key_int(struct rs_json *json, const char *key, int64_t value);
void rs_json_key_bool(struct rs_json *json, const char *key, bool value);
void rs_json_key_address(struct rs_json *json, const char *key,
			 uint64_t address);

/** Write out the rest. Errors: RS_EIO; RS_ENOMEM; also those from before. */
RS_MUST_CHECK struct rs_error *rs_json_finish(struct rs_json *json);

/**
 * The text as one malloc'ed NUL-terminated string, for the caller to free; the
 * writer is empty again. Only for a writer without fd. Errors: RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *rs_json_take(struct rs_json *json, char **ret);

#endif /* RS_BASE_JSON_H */
