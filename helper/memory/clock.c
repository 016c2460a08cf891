// SPDX-License-Identifier: MIT
#include "memory/target.h"

#include <time.h>

enum { RS_NANOSECONDS = 1000000000 };

static int64_t nanoseconds(struct timespec time)
{
	return (int64_t)time.tv_sec * RS_NANOSECONDS + time.tv_nsec;
}

static int64_t now(clockid_t clock)
{
	struct timespec time;

	return clock_gettime(clock, &time) ? -1 : nanoseconds(time);
}

enum rs_clock rs_memory_clock(const struct rs_memory *memory, int64_t *ret)
{
	const struct rs_target *target = (const struct rs_target *)memory;
	const int64_t monotonic = now(CLOCK_MONOTONIC);

	if (memory->big_steps) // remote
		return RS_CLOCK_UNKNOWN;
	*ret = monotonic;
	if (!memory->is_core)
		return monotonic < 0 ? RS_CLOCK_UNKNOWN : RS_CLOCK_NOW;
	// Counted back from now: right if the core is of this machine.
	*ret -= now(CLOCK_REALTIME) - nanoseconds(target->core_stat.st_mtim);
	return *ret < 0 || *ret > monotonic ? RS_CLOCK_UNKNOWN
					    : RS_CLOCK_CORE_FILE;
}
