// SPDX-License-Identifier: MIT
/**
 * @file
 * Locks of one word.
 *
 * Not futexes: a call that a debugger makes while a thread is stopped must
 * return instead of waiting for that thread, so each such call has a patience
 * (rs_lock_try()).
 */
#ifndef RS_TRACKER_LOCK_H
#define RS_TRACKER_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#if __has_include(<sys/single_threaded.h>) // glibc 2.32
#include <sys/single_threaded.h>
#define RS_IS_ALONE() (__libc_single_threaded)
#else
#define RS_IS_ALONE() 0
#endif

/** How long one call may still wait, for all the locks that it takes. */
struct rs_patience {
	int64_t ns;
};

/** Of a call that a debugger may make. */
#define RS_PATIENCE_CALL ((struct rs_patience){20 * 1000 * 1000})
/** Of a collection: a thread that is only slow is waited for. */
#define RS_PATIENCE_COLLECT ((struct rs_patience){1000 * 1000 * 1000})

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

/** Slow path of rs_lock(). */
void rs_lock_wait(uint32_t *lock);

/** Wait until this thread has @p lock. */
static inline void rs_lock(uint32_t *lock)
{
	if (__builtin_expect(!rs_lock_grab(lock), 0))
		rs_lock_wait(lock);
}

/** Slow path of rs_lock_try(). */
bool rs_lock_wait_for(uint32_t *lock, struct rs_patience *patience);

/** Waiting is taken from @p patience. @return false when that was used up. */
static inline bool rs_lock_try(uint32_t *lock, struct rs_patience *patience)
{
	return rs_lock_grab(lock) || rs_lock_wait_for(lock, patience);
}

/** Let others have it. */
static inline void rs_unlock(uint32_t *lock)
{
	__atomic_store_n(lock, 0, __ATOMIC_RELEASE);
}

/** Everything written before is there for whoever sees @p value. */
#define RS_PUBLISH(slot, value)                                                \
	__atomic_store_n((slot), (value), __ATOMIC_RELEASE)

#endif /* RS_TRACKER_LOCK_H */
