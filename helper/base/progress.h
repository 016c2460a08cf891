// SPDX-License-Identifier: MIT
/** @file Long work tells how far it is and may be asked to stop. */
#ifndef RS_BASE_PROGRESS_H
#define RS_BASE_PROGRESS_H

#include "base/error.h"
#include "refscope/callbacks.h"

/** A zeroed struct reports to nobody. */
struct rs_progress {
	rs_progress_fn fn;
	void *context;
};

/**
 * Call about every 64 Ki units of work.
 * Errors: RS_EINTERRUPTED when told to stop.
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
