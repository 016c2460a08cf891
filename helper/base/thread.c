// SPDX-License-Identifier: MIT
#include "base/thread.h"

#include <signal.h>
#include <stdatomic.h>
#include <time.h>

bool rs_thread_start(pthread_t *thread, void *(*function)(void *context),
		     void *context)
{
	sigset_t all;
	sigset_t before;

	sigfillset(&all);
	sigdelset(&all, SIGBUS); // handled by memory/elf/sigbus_guard.c
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

bool rs_thread_ended(pthread_t thread, unsigned ms)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += (long)ms * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	return pthread_timedjoin_np(thread, NULL, &until) == 0;
}
