// SPDX-License-Identifier: MIT
/** @file Looking for the registries of C programs in a target. */
#ifndef RS_NATIVE_OPEN_H
#define RS_NATIVE_OPEN_H

#include "runtime/runtime.h"

/** Look for registries of the C library: rs_runtime_open_fn. Errors: as there.
 */
RS_MUST_CHECK struct rs_error *
rs_native_open(struct rs_memory *memory, struct rs_types *types, uint8_t index,
	       struct rs_runtime **ret);

#endif /* RS_NATIVE_OPEN_H */
