// SPDX-License-Identifier: MIT
#include "session/open_options.h"

#include "rs_check.h"

#include <string.h>

// Of a caller that was built with a later engine.h.
struct longer {
	struct rs_open_options known;
	void *more;
};

static bool
never(void *context, const char *phase, uint64_t done, uint64_t total)
{
	(void)context;
	(void)phase;
	return done < total;
}

START_TEST(no_options_are_the_defaults)
{
	struct rs_open_options got;

	rs_ck_ok(rs_open_options_read(NULL, &got));
	ck_assert_uint_eq(got.size, sizeof(got));
	ck_assert_ptr_null(got.exec);
	ck_assert_int_eq(got.exact, RS_EXACT_AUTO);
}
END_TEST

START_TEST(options_without_a_size_are_refused)
{
	const struct rs_open_options zeroed = {0};
	const struct rs_open_options tiny = {.size = sizeof(size_t)};
	struct rs_open_options text;
	struct rs_open_options got;

	memset(&text, 'x', sizeof(text));
	rs_ck_error(rs_open_options_read(&zeroed, &got), RS_EARGUMENT,
		    "given as 0: set `size`");
	rs_ck_error(rs_open_options_read(&tiny, &got), RS_EARGUMENT, "as 8");
	rs_ck_error(rs_open_options_read(&text, &got), RS_EARGUMENT, "size");
}
END_TEST

START_TEST(what_an_older_caller_does_not_have_is_zero)
{
	struct rs_open_options old = {
		.size = offsetof(struct rs_open_options, find_field_context) +
			sizeof(void *),
		.exec = "program",
		.progress = never,
		.exact = RS_EXACT_OFF,
	};
	struct rs_open_options got;

	memset((char *)&old + old.size, 'x', sizeof(old) - old.size);
	rs_ck_ok(rs_open_options_read(&old, &got));
	ck_assert_str_eq(got.exec, "program");
	ck_assert(got.progress == never);
	ck_assert_int_eq(got.exact, RS_EXACT_OFF);
	for (size_t i = old.size; i < sizeof(got); i++)
		ck_assert_int_eq(((const char *)&got)[i], 0);
}
END_TEST

START_TEST(a_newer_caller_is_served_until_it_wants_what_is_not_known)
{
	struct longer newer = {
		.known = {.size = sizeof(newer), .sysroot = "/root"}};
	struct rs_open_options got;

	rs_ck_ok(rs_open_options_read(&newer.known, &got));
	ck_assert_str_eq(got.sysroot, "/root");
	ck_assert_uint_eq(got.size, sizeof(got));
	newer.more = &newer;
	rs_ck_error(rs_open_options_read(&newer.known, &got), RS_EUNSUPPORTED,
		    "does not know");
}
END_TEST

START_TEST(a_session_that_is_closed_is_an_error)
{
	char *answer = NULL;
	int64_t number = 0;

	rs_ck_error(rs_answer_info(NULL, &answer), RS_EARGUMENT,
		    "the session is closed");
	rs_ck_error(rs_answer_count(NULL, 16, 0, &answer), RS_EARGUMENT,
		    "the session is closed");
	rs_ck_error(rs_answer_eval(NULL, "1", 0, -1, 0, 0, &answer),
		    RS_EARGUMENT, "the session is closed");
	rs_ck_error(rs_number_garbage(NULL, 16, &number), RS_EARGUMENT,
		    "the session is closed");
	rs_ck_error(rs_export_jsonl(NULL, "/nowhere", true, &answer),
		    RS_EARGUMENT, "the session is closed");
	ck_assert_ptr_null(answer);
	ck_assert_int_eq(rs_engine_abi(), RS_ENGINE_ABI);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("open_options");
	TCase *tests = tcase_create("open_options");

	tcase_add_test(tests, no_options_are_the_defaults);
	tcase_add_test(tests, options_without_a_size_are_refused);
	tcase_add_test(tests, what_an_older_caller_does_not_have_is_zero);
	tcase_add_test(
		tests,
		a_newer_caller_is_served_until_it_wants_what_is_not_known);
	tcase_add_test(tests, a_session_that_is_closed_is_an_error);
	suite_add_tcase(suite, tests);
	return rs_ck_run(suite);
}
