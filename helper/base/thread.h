// SPDX-License-Identifier: MIT
/** @file Threads of the engine's own. */
#ifndef RS_BASE_THREAD_H
#define RS_BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/**
 * Run @p function in a thread in which all signals are blocked that come from
 * outside: they are for the program that the engine is in.
 *
 * @return false when there is none to be had.
 */
bool rs_thread_start(pthread_t *thread, void *(*function)(void *context),
		     void *context);

/** Progress (rs_progress_fn) of such: goes on until atomic_bool @p stop is set.
 */
bool rs_thread_goes_on(void *stop, const char *phase, uint64_t done,
		       uint64_t total);

/** Wait @p ms at most. @return true when it has ended, and is joined. */
bool rs_thread_ended(pthread_t thread, unsigned ms);

#endif /* RS_BASE_THREAD_H */
