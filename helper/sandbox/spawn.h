// SPDX-License-Identifier: MIT
/**
 * @file
 * Start an image and supervise it, unnoticed by the caller's own child
 * handling (private to sandbox).
 *
 * exec() makes a child signal its parent when it ends. So between caller and
 * image stands a supervisor: a child that shares the caller's memory, has no
 * exit signal, and holds the image to its limits from outside: processor time
 * by the image's own CPU clock, memory by /proc/PID/status, wall time. When the
 * caller dies the kernel ends the supervisor, and the image with it.
 */
#ifndef RS_SANDBOX_SPAWN_H
#define RS_SANDBOX_SPAWN_H

#include "base/error.h"
#include "sandbox/image.h"
#include "sandbox/plan.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

/** What to start, and its limits. Borrowed until rs_spawn_end(). */
struct rs_spawn_options {
	int exec_fd; // the executable
	const int *fd; // that the image inherits
	size_t fds;
	int results_fd; // memfd whose blocks count as the image's memory
	struct rs_control *control; // mapped here, zeroed by the caller
	// Bytes: anonymous, swapped, page tables and results together.
	uint64_t memory;
	// Bytes of the files that it maps: where those are themselves in memory
	// (tmpfs), their pages are no memory of the image's.
	uint64_t mapped;
	uint64_t cpu_ns; // processor time after control->ready_cpu_ns
	uint64_t setup_cpu_ns; // and before it
	uint64_t deadline_ns; // CLOCK_MONOTONIC
};

/** How an image ended: the kernel's word, not the image's. */
struct rs_spawn_end {
	int status; // as wait() gives it
	int error; // errno of starting it; 0 once exec has succeeded
	enum rs_limit limit;
	uint64_t cpu_ns; // processor time in all
	uint64_t memory; // bytes when last looked at
};

struct rs_spawn;

/** Start. Errors: RS_EIO; RS_ENOMEM. */
RS_MUST_CHECK struct rs_error *
rs_spawn_start(const struct rs_spawn_options *options, struct rs_spawn **ret);

/** Wait at most @p ms. @return whether it has ended and is reaped. */
bool rs_spawn_wait(struct rs_spawn *spawn, int ms);

/** @return Processor time of the image as last looked at, in ns. */
uint64_t rs_spawn_cpu(const struct rs_spawn *spawn);

/**
 * End the image, or collect its end, and free @p spawn.
 *
 * @return false: it could not be ended (it hangs in the kernel). Then @p spawn
 *         and what it borrows is still in use for ever, and nothing that the
 *         image shares may be read.
 */
RS_MUST_CHECK bool
rs_spawn_end(struct rs_spawn *spawn, struct rs_spawn_end *ret);

#endif /* RS_SANDBOX_SPAWN_H */
