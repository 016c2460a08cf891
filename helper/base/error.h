// SPDX-License-Identifier: MIT
/** @file Making errors (internal). */
#ifndef RS_BASE_ERROR_H
#define RS_BASE_ERROR_H

#include "refscope/error.h"

/** The one out-of-memory error. Static; rs_error_free() ignores it. */
extern struct rs_error rs_enomem;

/** @return A new error, or &rs_enomem if it cannot be allocated. */
RS_MUST_CHECK RS_PRINTF(2, 3) struct rs_error *rs_error_new(enum rs_code code,
							    const char *format,
							    ...);

#endif /* RS_BASE_ERROR_H */
