// SPDX-License-Identifier: MIT
/**
 * @file
 * What runs in the two children that share the caller's memory (private to
 * sandbox): raw system calls only, neither libc's state nor a sanitizer's.
 */
#ifndef RS_SANDBOX_SUPERVISOR_H
#define RS_SANDBOX_SUPERVISOR_H

#include "sandbox/guest/raw.h"
#include "sandbox/spawn.h"

// ThreadSanitizer's state is in the thread-local memory of the caller, at which
// a child would be at work beside it.
#define RS_PLAIN                                                               \
	__attribute__((__no_sanitize__("address", "undefined", "thread")))

enum { RS_SPAWN_STACK = 64 << 10 };

/** Lies in a mapping of its own with both stacks behind it. */
struct rs_spawn {
	struct rs_spawn_options options;
	int supervisor; // pidfd; -1: it has ended and was waited for
	pid_t caller_pid;
	_Atomic int supervisor_pid;
	_Atomic int image; // pidfd of the image; -1: not there yet
	_Atomic int ending; // set by the caller: end the image
	_Atomic int reaped; // the image is gone, and `end` complete
	_Atomic uint64_t cpu_ns;
	struct rs_spawn_end end;
	char *supervisor_stack, *image_stack; // one past each
};

/**
 * clone(2) with a stack and a function for the child, which exits with what
 * that returns. libc's wrapper would use the caller's thread-local errno.
 * @return The kernel's: -errno on failure.
 */
long rs_raw_clone(uint64_t flags, void *stack, int *pidfd,
		  int (*function)(void *), void *context);

/** Body of the supervisor; @p context is a struct rs_spawn. */
int rs_supervisor_main(void *context);

/** Body of the image up to its exec. Shares memory with the caller too. */
int rs_image_start(void *context);

/** End this child. */
_Noreturn void rs_child_exit(int status);

#endif /* RS_SANDBOX_SUPERVISOR_H */
