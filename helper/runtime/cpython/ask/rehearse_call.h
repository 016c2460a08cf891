// SPDX-License-Identifier: MIT
/** @file A collection by a CPython of a core, in an image of it. */
#ifndef RS_CPYTHON_REHEARSE_CALL_H
#define RS_CPYTHON_REHEARSE_CALL_H

#include "runtime/runtime.h"
#include "sandbox/image_call.h"

/** The op rehearse (runtime.h). */
RS_MUST_CHECK struct rs_error *
rs_py_rehearse(struct rs_runtime *rt, const struct rs_rehearsal *what,
	       const struct rs_image_options *limits,
	       const struct rs_progress *progress, struct rs_image_called *ret);

#endif /* RS_CPYTHON_REHEARSE_CALL_H */
