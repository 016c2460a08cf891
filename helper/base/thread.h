// SPDX-License-Identifier: MIT
/** @file Threads that the engine starts. */
#ifndef RS_BASE_THREAD_H
#define RS_BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/**
 * Run @p function in a new thread with asynchronous signals blocked, so that
 * those sent to the process reach the host program's own threads. Signals that
 * a thread causes itself (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP)
 * are not blocked, so that a crash is reported.
 *
 * @param[out] thread To be joined by the caller (rs_thread_ended() does so).
 * @return false when no thread could be started.
 */
bool rs_thread_start(pthread_t *thread, void *(*function)(void *context),
		     void *context);

/** A progress callback (rs_progress_fn) for such a thread: it returns true
 * until @p stop, an atomic_bool, is set. */
bool rs_thread_goes_on(void *stop, const char *phase, uint64_t done,
		       uint64_t total);

/** Wait up to @p ms milliseconds for @p thread to end. @return true when it
 * has; it is joined then. */
bool rs_thread_ended(pthread_t thread, unsigned ms);

#endif /* RS_BASE_THREAD_H */
