// SPDX-License-Identifier: MIT
/** @file Options of callers that were built with another engine.h. */
#ifndef RS_SESSION_OPEN_OPTIONS_H
#define RS_SESSION_OPEN_OPTIONS_H

#include "refscope/engine.h"

/**
 * Take over the options of a caller whose struct may be shorter (built with an
 * older engine.h: what it does not have is 0) or longer (a newer one).
 *
 * @param from NULL: the defaults.
 * Errors: RS_EARGUMENT (`size` is not set, or smaller than any release's);
 * RS_EUNSUPPORTED (an option is set that this library does not know).
 */
RS_MUST_CHECK struct rs_error *
rs_open_options_read(const struct rs_open_options *from,
		     struct rs_open_options *ret);

#endif /* RS_SESSION_OPEN_OPTIONS_H */
