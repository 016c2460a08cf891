// SPDX-License-Identifier: MIT
/** @file Finding a CPython in a target. */
#ifndef RS_CPYTHON_OPEN_H
#define RS_CPYTHON_OPEN_H

#include "runtime/runtime.h"

/**
 * Look for a CPython in @p memory; see rs_runtime_open_fn.
 * Errors: as there; RS_EUNSUPPORTED also when no known layout fits and nothing
 * of it can be read.
 */
RS_MUST_CHECK struct rs_error *
rs_cpython_open(struct rs_memory *memory, struct rs_types *types, uint8_t index,
		struct rs_runtime **ret);

#endif /* RS_CPYTHON_OPEN_H */
