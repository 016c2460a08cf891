// SPDX-License-Identifier: MIT
//
// The supervisor starts the image in the namespaces that are to be had, looks
// at its clocks and its memory every few milliseconds, and reaps it.
#include "sandbox/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

enum {
	RS_LOOK_MS = 5, // between two looks
	RS_STATUS = 4096, // bytes of /proc/PID/status that matter
	RS_PATH = 64,
	RS_BLOCK_SIZE = 512, // of st_blocks
	RS_NUMBER_BASE = 10,
};
#define RS_EXIT_FAILED 127

// Best first. Root needs no user namespace for the others, and has to be in
// the one that knows uid 65534 to become that user.
static const uint64_t namespaces_of_root[] = {
	CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWNS | CLONE_NEWUTS,
	CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
		CLONE_NEWNS | CLONE_NEWUTS,
	CLONE_NEWUSER | CLONE_NEWPID,
	0,
};

RS_PLAIN _Noreturn void rs_child_exit(int status)
{
	for (;;)
		rs_raw3(SYS_exit, (uint64_t)status, 0, 0);
}

RS_PLAIN static uint64_t read_clock(int64_t clock)
{
	struct timespec ts = {0};

	if (rs_raw3(SYS_clock_gettime, (uint64_t)clock, (uint64_t)&ts, 0))
		return 0;
	return (uint64_t)ts.tv_sec * UINT64_C(1000000000) +
	       (uint64_t)ts.tv_nsec;
}

// The clock of a process. Source: clock_getcpuclockid(3), Linux
// include/linux/posix-timers_types.h: CPUCLOCK_SCHED is 2.
RS_PLAIN static uint64_t cpu_of(int pid)
{
	return read_clock(~(int64_t)pid * 8 + 2);
}

RS_PLAIN static int open_status(int pid)
{
	char path[RS_PATH] = "/proc/", digit[16];
	unsigned n = 6, digits = 0;
	static const char tail[] = "/status";

	for (unsigned left = (unsigned)pid; left; left /= RS_NUMBER_BASE)
		digit[digits++] = (char)('0' + left % RS_NUMBER_BASE);
	while (digits)
		path[n++] = digit[--digits];
	for (unsigned i = 0; i < sizeof(tail); i++)
		path[n++] = tail[i];
	return (int)rs_raw3(SYS_open, (uint64_t)path, O_RDONLY | O_CLOEXEC, 0);
}

// Bytes that the line "NAME   123 kB" of the status tells; 0 without one.
RS_PLAIN static uint64_t bytes_of(const char *text, const char *name)
{
	for (; *text; text++) {
		unsigned i = 0;
		uint64_t kb = 0;

		while (name[i] && text[i] == name[i])
			i++;
		if (name[i])
			continue;
		while (text[i] == ' ' || text[i] == '\t')
			i++;
		for (; text[i] >= '0' && text[i] <= '9'; i++)
			kb = kb * RS_NUMBER_BASE + (uint64_t)(text[i] - '0');
		return kb << 10;
	}
	return 0;
}

// What the image has made its own, with the page tables of what it only reads.
// Results stay in their memfd whether they are mapped or not. Other shared
// memory than results and files it cannot map, but reading where a file in
// memory has holes fills them. @return UINT64_MAX: cannot be seen.
RS_PLAIN static uint64_t memory_of(const struct rs_spawn *s, int status_fd)
{
	char text[RS_STATUS + 1];
	struct stat st = {0};
	const long n = rs_raw4(SYS_pread64, (uint64_t)status_fd, (uint64_t)text,
			       RS_STATUS, 0);
	uint64_t results, shared, known;

	if (n <= 0 || rs_raw3(SYS_fstat, (uint64_t)s->options.results_fd,
			      (uint64_t)&st, 0))
		return UINT64_MAX;
	text[n] = 0;
	results = (uint64_t)st.st_blocks * RS_BLOCK_SIZE;
	shared = bytes_of(text, "\nRssShmem:");
	known = results + s->options.mapped;
	return bytes_of(text, "\nRssAnon:") + bytes_of(text, "\nVmSwap:") +
	       bytes_of(text, "\nVmPTE:") + bytes_of(text, "\nHugetlbPages:") +
	       results + (shared > known ? shared - known : 0);
}

RS_PLAIN static enum rs_limit look(struct rs_spawn *s, int pid, int status_fd)
{
	const struct rs_spawn_options *o = &s->options;
	const uint64_t ready = *(volatile uint64_t *)&o->control->ready_cpu_ns;
	const uint64_t cpu = cpu_of(pid), memory = memory_of(s, status_fd);

	s->cpu_ns = cpu;
	if (memory == UINT64_MAX)
		return RS_LIMIT_BLIND;
	s->end.memory = memory;
	if (memory > o->memory)
		return RS_LIMIT_MEMORY;
	if (cpu > (ready ? ready + o->cpu_ns : o->setup_cpu_ns))
		return RS_LIMIT_CPU;
	return read_clock(CLOCK_MONOTONIC) > o->deadline_ns ? RS_LIMIT_WALL
							    : RS_LIMIT_NONE;
}

RS_PLAIN static bool reap(struct rs_spawn *s, int pid, int options)
{
	struct rusage usage = {0};
	int status = 0;
	const long rc = rs_raw4(SYS_wait4, (uint64_t)pid, (uint64_t)&status,
				(uint64_t)(options | __WALL), (uint64_t)&usage);

	if (rc != pid)
		return rc != 0 && rc != -EINTR; // not ours any more
	const uint64_t us =
		(uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) *
			1000000 +
		(uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
	s->end.cpu_ns = us * 1000;
	s->end.status = status;
	return true;
}

RS_PLAIN static void supervise(struct rs_spawn *s, int pid, int pidfd)
{
	const int status_fd = open_status(pid);
	struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};

	for (;;) {
		rs_raw3(SYS_poll, (uint64_t)&poll_fd, 1, RS_LOOK_MS);
		if (reap(s, pid, WNOHANG))
			break;
		if (!s->end.limit && !s->ending && !poll_fd.revents)
			s->end.limit = look(s, pid, status_fd);
		if (s->end.limit || s->ending)
			rs_raw4(SYS_pidfd_send_signal, (uint64_t)pidfd, SIGKILL,
				0, 0);
	}
	if (status_fd >= 0)
		rs_raw3(SYS_close, (uint64_t)status_fd, 0, 0);
}

RS_PLAIN static long start(struct rs_spawn *s, int *pidfd)
{
	const unsigned all =
		sizeof(namespaces_of_root) / sizeof(*namespaces_of_root);
	const bool root = !rs_raw3(SYS_geteuid, 0, 0, 0);
	long pid = -EAGAIN;

	for (unsigned i = root ? 0 : 1; i < all && pid < 0; i++) {
		s->options.control->namespaces =
			(uint32_t)namespaces_of_root[i];
		pid = rs_raw_clone(CLONE_VM | CLONE_VFORK | CLONE_PIDFD |
					   namespaces_of_root[i],
				   s->image_stack, pidfd, rs_image_start, s);
	}
	return pid;
}

RS_PLAIN int rs_supervisor_main(void *context)
{
	struct rs_spawn *s = context;
	int pidfd = -1;

	// Die with the caller, also when it is dead already.
	rs_raw6(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0, 0);
	if (rs_raw3(SYS_getppid, 0, 0, 0) != s->caller_pid)
		return RS_EXIT_FAILED;
	rs_raw3(SYS_setsid, 0, 0, 0);
	s->supervisor_pid = (int)rs_raw3(SYS_getpid, 0, 0, 0);
	const long pid = start(s, &pidfd);
	if (pid < 0) {
		s->end.error = (int)-pid;
		return 1;
	}
	s->image = pidfd;
	supervise(s, (int)pid, pidfd);
	s->reaped = 1;
	return 0;
}
