// SPDX-License-Identifier: MIT
/** @file How code of a core that ran in an image came to no result, in words.
 */
#ifndef RS_ANSWER_RUN_END_H
#define RS_ANSWER_RUN_END_H

#include "base/error.h"
#include "sandbox/image_call.h"

/**
 * @param called What came of it: no text.
 * @param what Ran: "the code".
 * @param ms Processor time that it was allowed.
 * @return RS_EBAD: "the code was stopped: it called open, ..."; RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *
rs_run_stopped(const struct rs_image_called *called, const char *what,
	       uint32_t ms);

#endif /* RS_ANSWER_RUN_END_H */
