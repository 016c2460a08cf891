// SPDX-License-Identifier: MIT
#include "sandbox/spawn.h"

#include "base/cleanup.h"
#include "sandbox/guest/raw.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#ifndef P_PIDFD
#define P_PIDFD 3 // Linux 5.4
#endif

enum {
	RS_WAIT_MS = 10,
	RS_ENDS_MAX = 1000, // waits until the supervisor itself is ended
};

// Both children share the caller's memory and must not touch libc's state:
// raw system calls only, and no sanitizer's. All signals are blocked in them.
#define RS_PLAIN __attribute__((__no_sanitize__("address", "undefined")))

RS_PLAIN _Noreturn static void leave(int status)
{
	for (;;)
		rs_raw3(SYS_exit, (uint64_t)status, 0, 0);
}

RS_PLAIN static void limit(int resource, uint64_t value)
{
	const struct rlimit l = {value, value};

	rs_raw3(SYS_setrlimit, (uint64_t)resource, (uint64_t)&l, 0);
}

// Die with the parent, also when it is dead already.
RS_PLAIN static void tie_to(pid_t parent)
{
	rs_raw6(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0, 0);
	if (rs_raw3(SYS_getppid, 0, 0, 0) != parent)
		leave(127);
}

RS_PLAIN static int image_main(void *context)
{
	static const char *const none[] = {"refscope-image", (char *)0};
	static const char *const *const empty = none + 1;
	struct rs_spawn *s = context;
	// Handler default: struct of the kernel, not libc's.
	const uint64_t action[4] = {0};

	tie_to(s->supervisor_pid);
	rs_raw3(SYS_setsid, 0, 0, 0);
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_CPU, s->life_s);
	// What the caller ignores would stay ignored.
	rs_raw4(SYS_rt_sigaction, SIGALRM, (uint64_t)action, 0, 8);
	for (size_t i = 0; i < s->fds; i++)
		rs_raw3(SYS_fcntl, (uint64_t)s->fd[i], F_SETFD, 0);
	const long rc =
		rs_raw6(SYS_execveat, (uint64_t)s->exec_fd, (uint64_t) "",
			(uint64_t)none, (uint64_t)empty, AT_EMPTY_PATH, 0);
	s->error = (int)-rc;
	leave(127);
}

RS_PLAIN static int supervisor_main(void *context)
{
	struct rs_spawn *s = context;
	int status = 0, pidfd = -1;

	tie_to(s->caller_pid);
	rs_raw3(SYS_setsid, 0, 0, 0);
	s->supervisor_pid = (pid_t)rs_raw3(SYS_getpid, 0, 0, 0);
	const int pid = clone(image_main, (char *)s->stack + RS_SPAWN_STACKS,
			      CLONE_VM | CLONE_VFORK | CLONE_PIDFD, s, &pidfd);
	if (pid < 0) {
		s->error = EAGAIN;
		leave(1);
	}
	s->image = pidfd;
	while (rs_raw4(SYS_wait4, (uint64_t)pid, (uint64_t)&status, __WALL,
		       0) == -EINTR)
		;
	s->status = status;
	leave(0);
}

struct rs_error *rs_spawn_start(struct rs_spawn *spawn)
{
	uint64_t all = UINT64_MAX, before = 0;

	spawn->supervisor = -1;
	spawn->image = -1;
	spawn->error = 0;
	spawn->status = 0;
	spawn->stack = mmap(NULL, RS_SPAWN_STACKS, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (spawn->stack == MAP_FAILED) {
		spawn->stack = NULL;
		return &rs_enomem;
	}
	spawn->caller_pid = getpid();
	// libc's own signals too, which sigfillset() leaves out.
	rs_raw4(SYS_rt_sigprocmask, SIG_SETMASK, (uint64_t)&all,
		(uint64_t)&before, sizeof(all));
	const int pid =
		clone(supervisor_main, (char *)spawn->stack + RS_SPAWN_STACK,
		      CLONE_VM | CLONE_FILES | CLONE_PIDFD, spawn,
		      &spawn->supervisor);
	const int error = errno;
	rs_raw4(SYS_rt_sigprocmask, SIG_SETMASK, (uint64_t)&before, 0,
		sizeof(all));
	if (pid >= 0)
		return NULL;
	spawn->supervisor = -1;
	rs_spawn_end(spawn);
	return rs_error_new(RS_EIO, "clone: %s", strerror(error));
}

bool rs_spawn_wait(struct rs_spawn *spawn, int ms)
{
	struct pollfd poll_fd = {.fd = spawn->supervisor, .events = POLLIN};
	siginfo_t info;

	if (spawn->supervisor < 0)
		return true;
	if (poll(&poll_fd, 1, ms) <= 0)
		return false;
	// Somebody who waits for all children may have reaped it: also fine.
	while (waitid(P_PIDFD, (id_t)spawn->supervisor, &info,
		      WEXITED | __WALL) &&
	       errno == EINTR)
		;
	close(spawn->supervisor);
	spawn->supervisor = -1;
	return true;
}

void rs_spawn_end(struct rs_spawn *spawn)
{
	for (int i = 0; !rs_spawn_wait(spawn, i ? RS_WAIT_MS : 0); i++) {
		const int victim = i < RS_ENDS_MAX && spawn->image >= 0
					   ? spawn->image
					   : -1;

		if (victim >= 0)
			rs_raw4(SYS_pidfd_send_signal, (uint64_t)victim,
				SIGKILL, 0, 0);
		else if (i >= RS_ENDS_MAX)
			rs_raw4(SYS_pidfd_send_signal,
				(uint64_t)spawn->supervisor, SIGKILL, 0, 0);
	}
	if (spawn->image >= 0)
		close(spawn->image);
	spawn->image = -1;
	if (spawn->stack)
		munmap(spawn->stack, RS_SPAWN_STACKS);
	spawn->stack = NULL;
}
