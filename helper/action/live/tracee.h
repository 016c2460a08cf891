// SPDX-License-Identifier: MIT
/**
 * @file
 * One stopped thread of a process that this thread traces (GDB does, and the
 * engine runs in GDB's own thread): its registers, system calls made by it, and
 * letting it alone run. When all is done it is as it was, and GDB has seen
 * nothing of it. x86-64 only. Private to action/.
 */
#ifndef RS_ACTION_TRACEE_H
#define RS_ACTION_TRACEE_H

#include "base/error.h"
#include "base/progress.h"

#include <stdbool.h>
#include <sys/types.h>
#include <sys/user.h>

enum {
	RS_XSTATE_MAX = 16384,
	RS_SYSCALL_ARGS = 6,
	RS_SYSCALL_SIZE = 2, // bytes of the instruction
	RS_FLAG_TRAP = 0x100, // in eflags
	RS_FLAG_DIRECTION = 0x400,
};

/** A stopped thread, and what it was when it was opened. Owns nothing. */
struct rs_tracee {
	pid_t pid, tid;
	struct user_regs_struct regs; // as they were
	uint64_t sigmask; // as it was
	uint64_t gadget; // address of a `syscall` instruction
	uint64_t xcr0; // features in xstate
	size_t xstate_size; // bytes, 0: none
	bool was_stopped; // a SIGSTOP came meanwhile, to be sent again
	uint8_t xstate[RS_XSTATE_MAX];
};

enum rs_tracee_end {
	RS_TRACEE_BACK, // it came to the system call by which it leaves
	RS_TRACEE_BUSY, // it is somewhere on its way, stopped
};

/**
 * Keep the registers of thread @p tid of process @p pid, and find an
 * instruction that makes system calls. Nothing is to be closed. Errors: RS_EIO
 * (it is not stopped, or another process traces it); RS_ENOTFOUND (no such
 * instruction); RS_EUNSUPPORTED (its registers are larger than RS_XSTATE_MAX);
 * RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *
rs_tracee_open(pid_t pid, pid_t tid, struct rs_tracee *ret);

/**
 * Have the thread make a system call that does not wait.
 * @param[out] ret The kernel's own result: -errno on failure.
 * Errors: RS_EIO (it did not; the thread is as before rs_tracee_open()).
 */
RS_MUST_CHECK struct rs_error *
rs_tracee_syscall(struct rs_tracee *t, long number,
		  const uint64_t arg[RS_SYSCALL_ARGS], int64_t *ret);

/**
 * Let it run, and no other thread, from @p regs until it is about to make
 * rt_sigreturn at an address from @p code on, less than @p code + @p size; or
 * waits for something, starts a thread or process, or @p ms have passed.
 * Signals are delivered to it as ever.
 * @param[out] ret With RS_TRACEE_BACK all of it is again as it was.
 * Errors: RS_EIO (it has ended, say).
 */
RS_MUST_CHECK struct rs_error *
rs_tracee_run(struct rs_tracee *t, const struct user_regs_struct *regs,
	      uint64_t code, uint64_t size, unsigned ms,
	      const struct rs_progress *progress, enum rs_tracee_end *ret);

#endif /* RS_ACTION_TRACEE_H */
