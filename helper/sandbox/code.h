// SPDX-License-Identifier: MIT
/** @file Which functions of a core a walk may call (private to sandbox). */
#ifndef RS_SANDBOX_CODE_H
#define RS_SANDBOX_CODE_H

#include "sandbox/plan_build.h"

/** Start with no function allowed, or, with options.run, with all. Errors:
 * RS_ENOMEM. */
RS_MUST_CHECK struct rs_error *rs_code_init(struct rs_process_image *image);

/** Free what rs_code_init() and rs_image_expect() have made. */
void rs_code_fini(struct rs_process_image *image);

#endif /* RS_SANDBOX_CODE_H */
