// SPDX-License-Identifier: MIT
/** @file The state of a runtime's collectors, as rs_answer_gc() has it. */
#ifndef RS_ANSWER_COLLECTOR_STATE_H
#define RS_ANSWER_COLLECTOR_STATE_H

#include "base/json.h"
#include "runtime/runtime.h"

/**
 * Write the members "enabled" to "garbage" and, of a runtime with several
 * collectors, "interpreters" into the object that is open.
 *
 * Errors: RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *
rs_collector_write(struct rs_json *json, struct rs_runtime *rt);

#endif /* RS_ANSWER_COLLECTOR_STATE_H */
