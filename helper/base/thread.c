// SPDX-License-Identifier: MIT
#include "base/thread.h"

#include <signal.h>

bool rs_thread_start(pthread_t *thread, void *(*function)(void *context),
		     void *context)
{
	sigset_t all;
	sigset_t before;

	sigfillset(&all);
	sigdelset(&all, SIGBUS); // for memory/vanish.c
	if (pthread_sigmask(SIG_SETMASK, &all, &before))
		return false;
	const int failed = pthread_create(thread, NULL, function, context);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return !failed;
}
