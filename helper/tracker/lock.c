// SPDX-License-Identifier: MIT
#include "tracker/lock.h"

#include <sched.h>
#include <time.h>

enum { RS_YIELDS = 100 }; // before a waiting thread sleeps between its looks

static int64_t now(void)
{
	struct timespec t;

	// From the vDSO: no lock, no malloc.
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

// Yielding alone would keep a thread of high priority from ever letting the
// one that has the lock run.
static void pause_briefly(int turn)
{
	const struct timespec t = {.tv_nsec = 50 * 1000};

	if (turn < RS_YIELDS)
		sched_yield();
	else
		nanosleep(&t, NULL);
}

void rs_lock_wait(uint32_t *lock)
{
	for (int turn = 0; !rs_lock_grab(lock);) {
		pause_briefly(turn);
		turn += turn < RS_YIELDS;
	}
}

bool rs_lock_wait_for(uint32_t *lock, struct rs_patience *patience)
{
	const int64_t start = now();
	int64_t waited = 0;
	bool taken = false;

	for (int turn = 0; !taken && waited < patience->ns; turn++) {
		pause_briefly(turn);
		taken = rs_lock_grab(lock);
		waited = now() - start;
	}
	patience->ns -= waited;
	return taken;
}
