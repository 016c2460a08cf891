// SPDX-License-Identifier: MIT
/** @file Which functions of a core a walk may call (private to sandbox). */
#ifndef RS_SANDBOX_CODE_H
#define RS_SANDBOX_CODE_H

#include "sandbox/plan_build.h"

/**
 * Whether @p address is the start of a function of a file whose build-id
 * agrees with the core: executable there, and the value of a symbol, the begin
 * of an entry of .eh_frame, the target of a relocation, or a word of the file's
 * initialized data (a type that it defines). Reads the file, never the core.
 * Safe to call while another thread reads the target.
 */
bool rs_code_is_function(const struct rs_target *target, uint64_t address);

/** Start with no function allowed, or, with options.run, with all. Errors:
 * RS_ENOMEM. */
RS_MUST_CHECK struct rs_error *rs_code_init(struct rs_process_image *image);

#endif /* RS_SANDBOX_CODE_H */
