// SPDX-License-Identifier: MIT
/**
 * @file
 * One error type for the whole engine.
 *
 * A function that can fail returns `struct rs_error *`: NULL on success,
 * otherwise an error that the caller owns and hands to rs_error_free().
 */
#ifndef REFSCOPE_ERROR_H
#define REFSCOPE_ERROR_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define RS_MUST_CHECK __attribute__((__warn_unused_result__))
#define RS_PRINTF(f, a) __attribute__((__format__(__printf__, f, a)))
#define RS_PUBLIC __attribute__((__visibility__("default")))
#else
#error "refscope needs GNU C attributes (gcc or clang)"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** What went wrong, for programs. Values never change. */
enum rs_code {
	RS_ENOMEM = 1, /**< Out of memory. */
	RS_EIO = 2, /**< A system call failed. */
	/** Input is malformed, truncated or of another program. */
	RS_EBAD = 3,
	RS_ENOTFOUND = 4, /**< It is not in the target. */
	RS_EINTERRUPTED = 5, /**< A callback asked to stop. */
	RS_EUNSUPPORTED = 6, /**< Valid, but not supported by this build. */
	RS_EARGUMENT = 7, /**< An argument has an invalid value. */
	RS_EBUSY = 8, /**< Another thread is using it; try again later. */
};

struct rs_error;

/** @return The code of @p err, which must not be NULL. */
RS_PUBLIC enum rs_code rs_error_code(const struct rs_error *err);

/** @return The message: one line for the user; borrowed from @p err, which must
 * not be NULL. */
RS_PUBLIC const char *rs_error_message(const struct rs_error *err);

/** Free @p err. NULL is allowed. */
RS_PUBLIC void rs_error_free(struct rs_error *err);

#ifdef __cplusplus
}
#endif

#endif /* REFSCOPE_ERROR_H */
