// SPDX-License-Identifier: MIT
#include "action/live/tracee.h"

#include "base/cleanup.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifdef __x86_64__

enum {
	RS_STOP_MS = 5000, // most that the kernel may take to stop a thread
	RS_IDLE_MS = 60, // asleep for so long: it waits for something
	RS_NAP_NS = 200000,
	RS_LINE = 512,
	RS_VDSO_MAX = 1 << 16,
	RS_XCR0_AT = 464, // Source: Linux, USER_XSTATE_XCR0_WORD
	RS_TRAPS = 16, // stops of other kinds passed over
	RS_MASK_SIZE = 8, // of the kernel's signal set
	RS_SYSCALL_STOP = SIGTRAP | 0x80,
};

static struct rs_error *failed(const struct rs_tracee *t, const char *what)
{
	return rs_error_new(RS_EIO, "thread %d of process %d: %s: %s",
			    (int)t->tid, (int)t->pid, what, strerror(errno));
}

static struct rs_error *ended(const struct rs_tracee *t)
{
	return rs_error_new(RS_EIO, "process %d has ended", (int)t->pid);
}

static struct rs_error *stays(const struct rs_tracee *t)
{
	return rs_error_new(RS_EIO, "thread %d does not stop", (int)t->tid);
}

static uint64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static long trace(enum __ptrace_request request, const struct rs_tracee *t,
		  uint64_t address, void *data)
{
	return ptrace(request, t->tid, (void *)address, data);
}

static long set_mask(const struct rs_tracee *t, uint64_t mask)
{
	return trace(PTRACE_SETSIGMASK, t, RS_MASK_SIZE, &mask);
}

// The kernel's own page with code, which every process has.
static struct rs_error *find_gadget(struct rs_tracee *t)
{
	char name[64], line[RS_LINE];
	uint64_t start = 0, end = 0;

	(void)snprintf(name, sizeof(name), "/proc/%d/maps", (int)t->pid);
	FILE *maps = fopen(name, "re");
	if (!maps)
		return failed(t, name);
	while (fgets(line, sizeof(line), maps)) {
		char *dash = NULL;

		if (!strstr(line, "[vdso]"))
			continue;
		start = strtoull(line, &dash, 16);
		end = *dash == '-' ? strtoull(dash + 1, NULL, 16) : 0;
	}
	(void)fclose(maps);
	if (end <= start || end - start > RS_VDSO_MAX)
		return rs_error_new(RS_ENOTFOUND, "process %d has no vdso",
				    (int)t->pid);
	RS_AUTO_FREE uint8_t *code = malloc(end - start);
	if (!code)
		return &rs_enomem;
	const struct iovec here = {code, end - start};
	const struct iovec there = {(void *)start, end - start};
	const ssize_t got = process_vm_readv(t->pid, &here, 1, &there, 1, 0);
	for (ssize_t i = 0; i + 1 < got; i++) {
		if (code[i] == 0x0f && code[i + 1] == 0x05) {
			t->gadget = start + (uint64_t)i;
			return NULL;
		}
	}
	return rs_error_new(RS_ENOTFOUND,
			    "process %d: no system call in its vdso",
			    (int)t->pid);
}

struct rs_error *rs_tracee_open(pid_t pid, pid_t tid, struct rs_tracee *ret)
{
	struct iovec state = {ret->xstate, sizeof(ret->xstate)};

	ret->pid = pid;
	ret->tid = tid;
	ret->was_stopped = false;
	if (trace(PTRACE_GETREGS, ret, 0, &ret->regs) ||
	    trace(PTRACE_GETSIGMASK, ret, RS_MASK_SIZE, &ret->sigmask) ||
	    trace(PTRACE_GETREGSET, ret, NT_X86_XSTATE, &state))
		return failed(ret, "its registers cannot be read by this "
				   "debugger");
	ret->xstate_size = state.iov_len;
	if (ret->xstate_size >= sizeof(ret->xstate))
		return rs_error_new(RS_EUNSUPPORTED,
				    "this processor's registers are larger "
				    "than %d bytes",
				    RS_XSTATE_MAX);
	memcpy(&ret->xcr0, ret->xstate + RS_XCR0_AT, sizeof(ret->xcr0));
	return find_gadget(ret);
}

// Wait until it stops. @return Whether it has, with how in @p ret; an end of
// it is left for GDB to see.
static bool
wait_stop(const struct rs_tracee *t, uint64_t until, int *ret, bool *gone)
{
	for (;;) {
		siginfo_t info = {0};

		*gone = false;
		if (waitid(P_PID, (id_t)t->tid, &info,
			   WSTOPPED | WEXITED | WNOHANG | WNOWAIT | __WALL)) {
			*gone = errno != EINTR;
			if (*gone)
				return false;
			continue;
		}
		if (info.si_pid && info.si_code != CLD_TRAPPED &&
		    info.si_code != CLD_STOPPED) {
			*gone = true;
			return false;
		}
		if (info.si_pid && waitpid(t->tid, ret, __WALL) == t->tid)
			return true;
		if (now_ms() >= until)
			return false;
		const struct timespec nap = {0, RS_NAP_NS};
		(void)nanosleep(&nap, NULL);
	}
}

// Set its registers, extended state and signal mask as they were.
static struct rs_error *restore(struct rs_tracee *t)
{
	struct iovec state = {t->xstate, t->xstate_size};

	if (trace(PTRACE_SETREGS, t, 0, &t->regs) ||
	    trace(PTRACE_SETREGSET, t, NT_X86_XSTATE, &state) ||
	    set_mask(t, t->sigmask))
		return failed(t, "its registers cannot be set");
	if (t->was_stopped)
		(void)syscall(SYS_tgkill, t->pid, t->tid, SIGSTOP);
	t->was_stopped = false;
	return NULL;
}

// Let it go on, to its next stop. A SIGSTOP is kept, to be sent again.
static struct rs_error *advance(struct rs_tracee *t, enum __ptrace_request how,
				const char *failure, int *status)
{
	bool gone = false;

	if (trace(how, t, 0, NULL))
		return failed(t, failure);
	if (!wait_stop(t, now_ms() + RS_STOP_MS, status, &gone))
		return gone ? ended(t) : stays(t);
	t->was_stopped |= WSTOPSIG(*status) == SIGSTOP;
	return NULL;
}

// With all signals blocked, one step over the instruction.
static struct rs_error *step(struct rs_tracee *t)
{
	int status = 0;

	for (unsigned i = 0; i < RS_TRAPS; i++) {
		struct user_regs_struct regs;
		struct rs_error *err = advance(t, PTRACE_SINGLESTEP,
					       "it cannot be stepped", &status);

		if (err)
			return err;
		if (trace(PTRACE_GETREGS, t, 0, &regs))
			return failed(t, "its registers cannot be read");
		if (regs.rip == t->gadget + RS_SYSCALL_SIZE)
			return NULL;
		if (regs.rip != t->gadget)
			break;
	}
	return rs_error_new(RS_EIO, "thread %d made no system call",
			    (int)t->tid);
}

// Let it stop once more, at a signal that does nothing, and set it as it was.
// Should the debugger end, the kernel delivers the signal at which a thread is
// stopped: that of a step would end the process, SIGSTOP would stop it.
static struct rs_error *settle(struct rs_tracee *t)
{
	int status = 0;

	if (set_mask(t, ~(UINT64_C(1) << (SIGWINCH - 1))))
		return failed(t, "its signal mask cannot be set");
	(void)syscall(SYS_tgkill, t->pid, t->tid, SIGWINCH);
	for (unsigned i = 0; i < RS_TRAPS; i++) {
		struct rs_error *err =
			advance(t, PTRACE_CONT, "it cannot go on", &status);

		if (err)
			return err;
		if (WSTOPSIG(status) == SIGWINCH)
			return restore(t);
	}
	return stays(t);
}

struct rs_error *rs_tracee_syscall(struct rs_tracee *t, long number,
				   const uint64_t arg[RS_SYSCALL_ARGS],
				   int64_t *ret)
{
	struct user_regs_struct regs = t->regs;
	struct rs_error *err = NULL;

	regs.rip = t->gadget;
	regs.rax = (unsigned long long)number;
	regs.orig_rax = UINT64_MAX; // no system call to begin again
	regs.rdi = arg[0];
	regs.rsi = arg[1];
	regs.rdx = arg[2];
	regs.r10 = arg[3];
	regs.r8 = arg[4];
	regs.r9 = arg[5];
	regs.eflags &= ~(uint64_t)(RS_FLAG_TRAP | RS_FLAG_DIRECTION);
	if (set_mask(t, UINT64_MAX) || trace(PTRACE_SETREGS, t, 0, &regs))
		err = failed(t, "its registers cannot be set");
	if (!err)
		err = step(t);
	if (!err && trace(PTRACE_GETREGS, t, 0, &regs))
		err = failed(t, "its registers cannot be read");
	if (!err) {
		*ret = (int64_t)regs.rax;
		if (trace(PTRACE_SETREGS, t, 0, &t->regs))
			return failed(t, "its registers cannot be set");
		return settle(t);
	}
	rs_error_free(restore(t));
	return err;
}

// --- Running it alone.

static bool is_asleep(const struct rs_tracee *t)
{
	char name[64], text[RS_LINE];

	(void)snprintf(name, sizeof(name), "/proc/%d/task/%d/stat", (int)t->pid,
		       (int)t->tid);
	RS_AUTO_CLOSE int fd = open(name, O_RDONLY | O_CLOEXEC);
	const ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (got <= 0)
		return false;
	text[got] = '\0';
	const char *end = strrchr(text, ')');
	return end && end[1] && (end[2] == 'S' || end[2] == 'D');
}

// Wait for its next stop. When it waits for something, or it is time, make it
// stop: *stopping.
static struct rs_error *next_stop(struct rs_tracee *t, uint64_t until,
				  const struct rs_progress *progress,
				  int *status, bool *stopping)
{
	uint64_t awake = now_ms();
	bool gone = false;

	while (!wait_stop(t, now_ms() + 5, status, &gone)) {
		const uint64_t now = now_ms();

		if (gone)
			return ended(t);
		if (*stopping && now < until + RS_STOP_MS)
			continue;
		if (*stopping)
			return stays(t);
		if (!is_asleep(t))
			awake = now;
		struct rs_error *err = rs_progress_tick(
			progress, "waiting for the call", 0, 0);
		if (!err && now < until && now <= awake + RS_IDLE_MS)
			continue;
		rs_error_free(err); // who asked for the call reports it
		*stopping = true;
		(void)syscall(SYS_tgkill, t->pid, t->tid, SIGSTOP);
	}
	return NULL;
}

static bool begins_something(long number)
{
	switch (number) {
	case SYS_clone:
	case SYS_clone3:
	case SYS_fork:
	case SYS_vfork:
	case SYS_execve:
	case SYS_execveat:
	case SYS_exit:
	case SYS_exit_group:
		return true;
	default:
		return false;
	}
}

// It is about to leave: pass over that system call, so that it stops where the
// kernel looks for signals, and begins again what the stop interrupted.
static struct rs_error *
bring_back(struct rs_tracee *t, struct user_regs_struct *regs)
{
	regs->orig_rax = UINT64_MAX;
	if (trace(PTRACE_SETREGS, t, 0, regs))
		return failed(t, "its registers cannot be set");
	return settle(t);
}

// At a stop at a system call. @return Whether to go on.
static struct rs_error *at_syscall(struct rs_tracee *t, uint64_t code,
				   uint64_t size, enum rs_tracee_end *ret,
				   bool *go_on)
{
	struct __ptrace_syscall_info info = {0};
	struct user_regs_struct regs;

	if (trace(PTRACE_GET_SYSCALL_INFO, t, sizeof(info), &info) < 0 ||
	    trace(PTRACE_GETREGS, t, 0, &regs))
		return failed(t, "its registers cannot be read");
	if (info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return NULL;
	if (regs.orig_rax == SYS_rt_sigreturn && regs.rip - code < size) {
		*go_on = false;
		*ret = RS_TRACEE_BACK;
		return bring_back(t, &regs);
	}
	*go_on = !begins_something((long)regs.orig_rax);
	return NULL;
}

struct rs_error *
rs_tracee_run(struct rs_tracee *t, const struct user_regs_struct *regs,
	      uint64_t code, uint64_t size, unsigned ms,
	      const struct rs_progress *progress, enum rs_tracee_end *ret)
{
	const uint64_t until = now_ms() + ms;
	struct rs_error *err = NULL;
	bool go_on = true, stopping = false;
	uint64_t pass = 0;

	if (trace(PTRACE_SETREGS, t, 0, (void *)regs))
		return failed(t, "its registers cannot be set");
	*ret = RS_TRACEE_BUSY;
	while (go_on) {
		int status = 0;

		if (trace(PTRACE_SYSCALL, t, 0, (void *)pass))
			return failed(t, "it cannot go on");
		if ((err = next_stop(t, until, progress, &status, &stopping)))
			return err;
		const int signal = WSTOPSIG(status);
		pass = 0;
		if (status >> 16 || (signal == SIGSTOP && stopping))
			go_on = false;
		else if (signal == RS_SYSCALL_STOP || signal == SIGTRAP)
			err = at_syscall(t, code, size, ret, &go_on);
		else if (signal != SIGSTOP)
			pass = (uint64_t)signal;
		else
			t->was_stopped = true;
		if (err)
			return err;
	}
	return NULL;
}

#endif /* __x86_64__ */
