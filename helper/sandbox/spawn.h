// SPDX-License-Identifier: MIT
/**
 * @file
 * Start a process that the caller's own machinery never learns of (private).
 *
 * exec() makes a child signal its parent when it ends. So between caller and
 * image stands a supervisor: a child that shares the caller's memory, has no
 * signal to send, waits for the image and ends with it. When the caller dies
 * the kernel ends the supervisor, and the image with it.
 */
#ifndef RS_SANDBOX_SPAWN_H
#define RS_SANDBOX_SPAWN_H

#include "base/error.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

enum {
	RS_SPAWN_STACK = 64 << 10,
	RS_SPAWN_STACKS = 2 * RS_SPAWN_STACK,
};

struct rs_spawn {
	int exec_fd; // the executable; borrowed
	const int *fd; // that the image inherits; borrowed
	size_t fds;
	unsigned life_s; // processor time
	int supervisor; // pidfd of the supervisor; -1: none
	pid_t supervisor_pid, caller_pid;
	_Atomic int image; // pidfd of the image; -1: not there yet
	_Atomic int error; // errno of what failed before exec was over
	_Atomic int status; // of the image, as wait() tells it
	void *stack; // of the supervisor and, above it, of the image's first
		     // steps
};

/** Start. @param spawn The first four filled in. Errors: RS_EIO; RS_ENOMEM. */
RS_MUST_CHECK struct rs_error *rs_spawn_start(struct rs_spawn *spawn);

/** Wait at most @p ms. @return whether it has ended and is reaped. */
bool rs_spawn_wait(struct rs_spawn *spawn, int ms);

/** End the image; it is gone when this returns. Also after its own end. */
void rs_spawn_end(struct rs_spawn *spawn);

#endif /* RS_SANDBOX_SPAWN_H */
