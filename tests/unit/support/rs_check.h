// SPDX-License-Identifier: MIT
#ifndef RS_CHECK_H
#define RS_CHECK_H
#include "refscope/error.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Assert that @p expr succeeds; print the error's text if not. */
#define rs_ck_ok(expr)                                                         \
	do {                                                                   \
		struct rs_error *rs_ck_err = (expr);                           \
		ck_assert_msg(!rs_ck_err, "%s: %s", #expr,                     \
			      rs_ck_err ? rs_error_message(rs_ck_err) : "");   \
	} while (0)

/** Assert that @p expr fails with @p want and a message containing @p text. */
#define rs_ck_error(expr, want, text)                                          \
	do {                                                                   \
		struct rs_error *rs_ck_err = (expr);                           \
		ck_assert_msg(rs_ck_err != NULL, "%s: did not fail", #expr);   \
		ck_assert_int_eq(rs_error_code(rs_ck_err), (want));            \
		ck_assert_msg(strstr(rs_error_message(rs_ck_err), (text)) !=   \
				      NULL,                                    \
			      "%s: message was \"%s\"", #expr,                 \
			      rs_error_message(rs_ck_err));                    \
		rs_error_free(rs_ck_err);                                      \
	} while (0)

enum { RS_SKIPPED = 77 };

/** Say why a program tests nothing here. @return a value for main() to return.
 */
static inline int rs_ck_skip(const char *why)
{
	(void)printf("skipped: %s\n", why);
	return RS_SKIPPED;
}

/** Run @p suite; @return a value for main() to return. */
static inline int rs_ck_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
#endif /* RS_CHECK_H */
