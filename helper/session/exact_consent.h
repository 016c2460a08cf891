// SPDX-License-Identifier: MIT
/** @file Objects whose types were not asked for want of consent (private). */
#ifndef RS_SESSION_EXACT_CONSENT_H
#define RS_SESSION_EXACT_CONSENT_H

#include "session/session.h"

/**
 * @return Whether a function that would be called for @p object was not, for
 *         it begins in no file whose build-id agrees. By what the core has, not
 *         by what an image wrote.
 */
bool rs_exact_refused(struct rs_runtime *rt,
		      const struct rs_image_answer *answer, uint64_t object);

/**
 * Have @p image expect the functions of all types of @p rt that are known by
 * now, as those of objects in @p question are once these were found: a function
 * that it meets unprepared costs a second walk. Errors: RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *
rs_exact_expect(const struct rs_session *session, const struct rs_runtime *rt,
		const struct rs_image_question *question,
		struct rs_process_image *image);

/**
 * Count such rows of session->exact[] of @p rt as not_traversed, and name their
 * types in problem[]. Errors: RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *
rs_exact_consent(struct rs_session *session, struct rs_runtime *rt);

#endif /* RS_SESSION_EXACT_CONSENT_H */
