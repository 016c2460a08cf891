// SPDX-License-Identifier: MIT
/** @file Reporting progress during long work, and stopping it on request. */
#ifndef RS_BASE_PROGRESS_H
#define RS_BASE_PROGRESS_H

#include "base/error.h"
#include "refscope/callbacks.h"

/** Units of work (objects, references) between two calls of
 * rs_progress_tick(), unless a unit is unusually slow. */
enum { RS_TICK = 1 << 16 };

/** Whom to report to. A zeroed struct: nobody. */
struct rs_progress {
	rs_progress_fn fn;
	void *context; // passed to fn
};

/**
 * Report @p done units of @p total (0: unknown).
 * @param progress May be NULL.
 * @param phase What is being done, as a present participle: "reading objects".
 * Errors: RS_EINTERRUPTED when the callback asks to stop.
 */
RS_MUST_CHECK static inline struct rs_error *
rs_progress_tick(const struct rs_progress *progress, const char *phase,
		 uint64_t done, uint64_t total)
{
	if (progress && progress->fn &&
	    !progress->fn(progress->context, phase, done, total))
		return rs_error_new(RS_EINTERRUPTED, "interrupted while %s",
				    phase);
	return NULL;
}

#endif /* RS_BASE_PROGRESS_H */
