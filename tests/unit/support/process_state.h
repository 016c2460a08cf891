// SPDX-License-Identifier: MIT
/** @file Wait until another process is in the state that a test needs. */
#ifndef RS_PROCESS_STATE_H
#define RS_PROCESS_STATE_H

#include "rs_check.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

enum {
	RS_STATE_WAIT_US = 2000,
	RS_STATE_WAITS = 60000, // two minutes: the machine may be busy
};

/** @return The letter of ps(1), or 0 when there is no such process. */
static inline char process_state(pid_t pid)
{
	char path[64], text[512] = "";

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	FILE *stat = fopen(path, "re");
	const bool is_there = stat && fgets(text, sizeof(text), stat);

	if (stat)
		(void)fclose(stat);
	// The name before it may have any characters.
	const char *end = is_there ? strrchr(text, ')') : NULL;
	if (!end || !end[1])
		return 0;
	return end[2];
}

/** Wait until @p pid is in @p state; fails the test if it never is. */
static inline void process_wait_for(pid_t pid, char state)
{
	char now = 0;

	for (int i = 0; i < RS_STATE_WAITS; i++) {
		now = process_state(pid);
		if (now == state)
			return;
		if (!now || now == 'Z')
			break; // it has ended
		usleep(RS_STATE_WAIT_US);
	}
	ck_abort_msg("process %d is in state %c, not %c", (int)pid,
		     now ? now : '-', state);
}

/** Stop @p pid: nothing of it changes any more when this returns. */
static inline void process_stop(pid_t pid)
{
	ck_assert_int_eq(kill(pid, SIGSTOP), 0);
	process_wait_for(pid, 'T');
}

#endif /* RS_PROCESS_STATE_H */
