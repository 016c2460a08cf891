// SPDX-License-Identifier: MIT
#include "base/thread.h"

#include "rs_check.h"

#include "base/progress.h"

#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

static atomic_bool stop;
static struct rs_error *ended_by;
static sigset_t blocked;

static void *work(void *context)
{
	const struct rs_progress progress = {rs_thread_goes_on, &stop};

	(void)context;
	(void)pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	while (!(ended_by = rs_progress_tick(&progress, "working", 0, 0)))
		usleep(100);
	return NULL;
}

START_TEST(it_goes_on_until_it_is_told_to_stop)
{
	pthread_t thread;

	ck_assert(rs_thread_start(&thread, work, NULL));
	ck_assert(!rs_thread_ended(thread, 0));
	ck_assert(!rs_thread_ended(thread, 20));
	atomic_store(&stop, true);
	while (!rs_thread_ended(thread, 20))
		;
	ck_assert_int_eq(rs_error_code(ended_by), RS_EINTERRUPTED);
	rs_error_free(ended_by);
}
END_TEST

START_TEST(signals_are_for_the_program)
{
	sigset_t mine;
	sigset_t after;
	pthread_t thread;

	ck_assert_int_eq(pthread_sigmask(SIG_SETMASK, NULL, &mine), 0);
	atomic_store(&stop, true);
	ck_assert(rs_thread_start(&thread, work, NULL));
	while (!rs_thread_ended(thread, 20))
		;
	rs_error_free(ended_by);
	ck_assert_int_eq(sigismember(&blocked, SIGINT), 1);
	ck_assert_int_eq(sigismember(&blocked, SIGCHLD), 1);
	// A crash is to be reported by the program's own handlers.
	ck_assert_int_eq(sigismember(&blocked, SIGBUS), 0);
	ck_assert_int_eq(sigismember(&blocked, SIGSEGV), 0);
	ck_assert_int_eq(sigismember(&blocked, SIGFPE), 0);
	ck_assert_int_eq(sigismember(&blocked, SIGILL), 0);
	ck_assert_int_eq(sigismember(&blocked, SIGABRT), 0);
	ck_assert_int_eq(pthread_sigmask(SIG_SETMASK, NULL, &after), 0);
	ck_assert_int_eq(sigismember(&after, SIGINT),
			 sigismember(&mine, SIGINT));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("thread");
	TCase *tc = tcase_create("thread");

	tcase_add_test(tc, it_goes_on_until_it_is_told_to_stop);
	tcase_add_test(tc, signals_are_for_the_program);
	suite_add_tcase(suite, tc);
	return rs_ck_run(suite);
}
