// SPDX-License-Identifier: MIT
#include "sandbox/spawn.h"

#include "base/cleanup.h"
#include "sandbox/supervisor.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#ifndef P_PIDFD
#define P_PIDFD 3 // Linux 5.4
#endif

enum {
	RS_WAIT_MS = 10,
	RS_ENDS_MAX = 1000, // waits for a process that was told to end
	RS_BLOCK = 4096 + 2 * RS_SPAWN_STACK,
};
_Static_assert(sizeof(struct rs_spawn) <= 4096, "it lies below the stacks");

__asm__(".text\n"
	".globl rs_raw_clone\n"
	".hidden rs_raw_clone\n"
	".type rs_raw_clone, @function\n"
	"rs_raw_clone:\n"
	"	sub $16, %rsi\n"
	"	mov %rcx, 0(%rsi)\n"
	"	mov %r8, 8(%rsi)\n"
	"	xor %r10d, %r10d\n"
	"	xor %r8d, %r8d\n"
	"	mov $56, %eax\n" // SYS_clone
	"	syscall\n"
	"	test %rax, %rax\n"
	"	jz 1f\n"
	"	ret\n"
	"1:	xor %ebp, %ebp\n"
	"	pop %rax\n"
	"	pop %rdi\n"
	"	call *%rax\n"
	"	mov %eax, %edi\n"
	"	call rs_child_exit\n"
	"	hlt\n"
	".size rs_raw_clone, . - rs_raw_clone\n");

static struct rs_spawn *new_spawn(const struct rs_spawn_options *options)
{
	char *block = mmap(NULL, RS_BLOCK, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct rs_spawn *spawn = (struct rs_spawn *)block;

	if (block == MAP_FAILED)
		return NULL;
	spawn->options = *options;
	spawn->supervisor = -1;
	spawn->image = -1;
	spawn->caller_pid = getpid();
	spawn->supervisor_stack = block + RS_BLOCK - RS_SPAWN_STACK;
	spawn->image_stack = block + RS_BLOCK;
	return spawn;
}

struct rs_error *
rs_spawn_start(const struct rs_spawn_options *options, struct rs_spawn **ret)
{
	struct rs_spawn *spawn = new_spawn(options);
	uint64_t all = UINT64_MAX, before = 0;

	if (!spawn)
		return &rs_enomem;
	// Blocked in both children, libc's own signals too, which
	// sigfillset() leaves out.
	rs_raw4(SYS_rt_sigprocmask, SIG_SETMASK, (uint64_t)&all,
		(uint64_t)&before, sizeof(all));
	const long pid = rs_raw_clone(
		CLONE_VM | CLONE_FILES | CLONE_PIDFD, spawn->supervisor_stack,
		&spawn->supervisor, rs_supervisor_main, spawn);
	rs_raw4(SYS_rt_sigprocmask, SIG_SETMASK, (uint64_t)&before, 0,
		sizeof(all));
	if (pid < 0) {
		munmap(spawn, RS_BLOCK);
		return rs_error_new(RS_EIO,
				    "cannot start the process that runs code "
				    "of the core (clone: %s)",
				    strerror((int)-pid));
	}
	*ret = spawn;
	return NULL;
}

static bool is_ready(int fd, int ms)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	return poll(&poll_fd, 1, ms) > 0;
}

static bool supervisor_ended(struct rs_spawn *spawn, int ms)
{
	siginfo_t info;

	if (spawn->supervisor < 0)
		return true;
	if (!is_ready(spawn->supervisor, ms))
		return false;
	// Whoever waits for all children may have reaped it: just as well.
	while (waitid(P_PIDFD, (id_t)spawn->supervisor, &info,
		      WEXITED | __WALL) &&
	       errno == EINTR)
		;
	close(spawn->supervisor);
	spawn->supervisor = -1;
	return true;
}

// A pidfd is readable once its process has let go of all its memory.
static bool image_ended(struct rs_spawn *spawn, int ms)
{
	return spawn->reaped || spawn->image < 0 || is_ready(spawn->image, ms);
}

bool rs_spawn_wait(struct rs_spawn *spawn, int ms)
{
	return supervisor_ended(spawn, ms) && image_ended(spawn, ms);
}

uint64_t rs_spawn_cpu(const struct rs_spawn *spawn)
{
	return spawn->cpu_ns;
}

bool rs_spawn_end(struct rs_spawn *spawn, struct rs_spawn_end *ret)
{
	spawn->ending = 1;
	for (int i = 0; !rs_spawn_wait(spawn, i ? RS_WAIT_MS : 0); i++) {
		if (i >= RS_ENDS_MAX)
			return false;
		// The supervisor may itself have been ended by somebody.
		if (spawn->image >= 0)
			rs_raw4(SYS_pidfd_send_signal, (uint64_t)spawn->image,
				SIGKILL, 0, 0);
	}
	if (spawn->image >= 0)
		close(spawn->image);
	*ret = spawn->end;
	munmap(spawn, RS_BLOCK);
	return true;
}
