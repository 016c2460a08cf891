// SPDX-License-Identifier: MIT
/** @file Looking for a CPython in a target. */
#ifndef RS_CPYTHON_OPEN_H
#define RS_CPYTHON_OPEN_H

#include "runtime/runtime.h"

/**
 * Look for a CPython in @p memory: rs_runtime_open_fn. RS_EUNSUPPORTED also
 * when it is laid out like none that is known and nothing of it can be read.
 */
RS_MUST_CHECK struct rs_error *
rs_cpython_open(struct rs_memory *memory, struct rs_types *types, uint8_t index,
		struct rs_runtime **ret);

#endif /* RS_CPYTHON_OPEN_H */
