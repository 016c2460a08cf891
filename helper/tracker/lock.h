// SPDX-License-Identifier: MIT
/**
 * @file
 * Locks of one word.
 *
 * Not futexes: a debugger that calls in while a thread is stopped must get an
 * answer instead of waiting for that thread, so whoever can be such a caller
 * waits for a while only (rs_lock_try()).
 */
#ifndef RS_TRACKER_LOCK_H
#define RS_TRACKER_LOCK_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

#if __has_include(<sys/single_threaded.h>) // glibc 2.32
#include <sys/single_threaded.h>
#define RS_IS_ALONE() (__libc_single_threaded)
#else
#define RS_IS_ALONE() 0
#endif

/**
 * A locked instruction waits for all stores before it, which is most of the
 * price of tracking: a program of one thread is spared it. The word is set
 * all the same, for a debugger's call that comes in between.
 */
static inline bool rs_lock_grab(uint32_t *lock)
{
	if (!RS_IS_ALONE())
		return !__atomic_exchange_n(lock, 1, __ATOMIC_ACQUIRE);
	if (__atomic_load_n(lock, __ATOMIC_RELAXED))
		return false;
	__atomic_store_n(lock, 1, __ATOMIC_RELAXED);
	__atomic_signal_fence(__ATOMIC_ACQUIRE);
	return true;
}

static inline void rs_lock(uint32_t *lock)
{
	while (!rs_lock_grab(lock))
		sched_yield();
}

/** @return false when it was not to be had in some tens of milliseconds. */
static inline bool rs_lock_try(uint32_t *lock)
{
	enum { RS_PATIENCE = 50000 };

	for (int i = 0; i < RS_PATIENCE; i++) {
		if (rs_lock_grab(lock))
			return true;
		sched_yield();
	}
	return false;
}

static inline void rs_unlock(uint32_t *lock)
{
	__atomic_store_n(lock, 0, __ATOMIC_RELEASE);
}

/** Everything written before is there for whoever sees @p value. */
#define RS_PUBLISH(slot, value)                                                \
	__atomic_store_n((slot), (value), __ATOMIC_RELEASE)

#endif /* RS_TRACKER_LOCK_H */
