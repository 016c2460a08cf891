// SPDX-License-Identifier: MIT
/** @file Creating errors; reading and freeing them is in refscope/error.h. */
#ifndef RS_BASE_ERROR_H
#define RS_BASE_ERROR_H

#include "refscope/error.h"

/** The one out-of-memory error. Static; rs_error_free() ignores it. */
extern struct rs_error rs_enomem;

/**
 * @param format As for printf(); one line that says what happened, where, why,
 *        and what to try next.
 * @return A new error for the caller to free; rs_enomem (RS_ENOMEM) if there is
 *         no memory for it.
 */
RS_MUST_CHECK RS_PRINTF(2, 3) struct rs_error *rs_error_new(enum rs_code code,
							    const char *format,
							    ...);

#endif /* RS_BASE_ERROR_H */
