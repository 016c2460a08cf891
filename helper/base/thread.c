// SPDX-License-Identifier: MIT
#include "base/thread.h"

#include <signal.h>
#include <stdatomic.h>
#include <time.h>

// What a thread does to itself. Blocked, the kernel would end the process
// without calling the handler that reports a crash, and SIGBUS could not be
// caught where a file went away (memory/elf/sigbus_guard.h).
static const int own[] = {SIGBUS, SIGSEGV, SIGFPE, SIGILL, SIGABRT, SIGTRAP};

bool rs_thread_start(pthread_t *thread, void *(*function)(void *context),
		     void *context)
{
	sigset_t all;
	sigset_t before;

	sigfillset(&all);
	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		sigdelset(&all, own[i]);
	if (pthread_sigmask(SIG_SETMASK, &all, &before))
		return false;
	const int failed = pthread_create(thread, NULL, function, context);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return !failed;
}

bool rs_thread_goes_on(void *stop, const char *phase, uint64_t done,
		       uint64_t total)
{
	(void)phase;
	(void)done;
	(void)total;
	return !atomic_load_explicit((atomic_bool *)stop, memory_order_relaxed);
}

// Not the time of day: set back meanwhile, it would make the wait as much
// longer. ThreadSanitizer knows only the older function that waits by it.
#ifdef __SANITIZE_THREAD__
#define RS_CLOCK CLOCK_REALTIME
static int join_until(pthread_t thread, const struct timespec *until)
{
	return pthread_timedjoin_np(thread, NULL, until);
}
#else
#define RS_CLOCK CLOCK_MONOTONIC
static int join_until(pthread_t thread, const struct timespec *until)
{
	return pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, until);
}
#endif

bool rs_thread_ended(pthread_t thread, unsigned ms)
{
	struct timespec until;

	clock_gettime(RS_CLOCK, &until);
	until.tv_nsec += (long)ms * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	return join_until(thread, &until) == 0;
}
