// SPDX-License-Identifier: MIT
//
// The threads of a live process, as far as /proc tells without ptrace().
// Since when a thread waits is not there: the kernel notes in
// /proc/PID/task/TID/sched when it last ran, but stopping it makes it run.
#include "memory/target.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
	// Fields of /proc/PID/task/TID/stat behind the name, the first is 3.
	// Source: proc_pid_stat(5).
	RS_STAT_FIRST = 3,
	RS_STAT_UTIME = 14,
	RS_STAT_STIME = 15,
	RS_STAT_START = 22,
	RS_MS = 1000, // in a second
};

/** Read the first line of file @p name of a thread. */
static bool read_line(const struct rs_target *target, int64_t tid,
		      const char *name, char *line, int size)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "task/%lld/%s", (long long)tid,
		       name);
	FILE *file = rs_live_file(target, path);
	if (!file)
		return false;
	const bool is_read = fgets(line, size, file);
	(void)fclose(file);
	return is_read;
}

/**
 * The system call that the thread waits in: "NUMBER 0xARGUMENT ... 0xSP 0xPC",
 * or "-1 0xSP 0xPC" outside of one. There only when the thread is stopped.
 */
static void read_call(const struct rs_target *target, struct rs_thread *thread)
{
	char line[512];

	thread->call = -1;
	if (!read_line(target, thread->tid, "syscall", line, sizeof(line)))
		return;
#ifdef __x86_64__
	char *rest;
	const long long number = strtoll(line, &rest, 10);

	if (rest != line && number >= 0) {
		thread->call = number;
		thread->call_argument = strtoull(rest, NULL, 16);
	}
#endif
	char *pc = strrchr(line, ' ');
	if (!pc)
		return;
	*pc = 0;
	const char *sp = strrchr(line, ' ');
	thread->pc = strtoull(pc + 1, NULL, 16);
	thread->sp = sp ? strtoull(sp + 1, NULL, 16) : 0;
}

static int64_t ticks_to_ms(int64_t ticks)
{
	const int64_t hz = sysconf(_SC_CLK_TCK);

	return hz > 0 ? ticks * RS_MS / hz : -1;
}

/** How long the thread has run, and exists. */
static void read_times(const struct rs_target *target, struct rs_thread *thread)
{
	struct timespec now;
	char line[1024];
	int64_t field[RS_STAT_START + 1] = {0};

	thread->ran_ms = thread->age_ms = -1;
	if (!read_line(target, thread->tid, "stat", line, sizeof(line)))
		return;
	const char *at = strrchr(line, ')'); // the name may hold any bytes
	if (!at || clock_gettime(CLOCK_BOOTTIME, &now))
		return;
	at++;
	for (int i = RS_STAT_FIRST; i <= RS_STAT_START; i++) {
		at += strspn(at, " ");
		if (!*at)
			return;
		field[i] = strtoll(at, NULL, 10);
		at += strcspn(at, " ");
	}
	const int64_t up =
		(int64_t)now.tv_sec * RS_MS + now.tv_nsec / (RS_MS * RS_MS);
	thread->ran_ms =
		ticks_to_ms(field[RS_STAT_UTIME] + field[RS_STAT_STIME]);
	thread->age_ms = up - ticks_to_ms(field[RS_STAT_START]);
}

struct rs_error *rs_live_threads(struct rs_target *target)
{
	struct rs_memory *memory = &target->memory;
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)target->pid);
	DIR *task = opendir(path);
	if (!task)
		return NULL; // the threads are not known
	struct rs_error *err = NULL;
	const struct dirent *entry;
	while ((entry = readdir(task))) {
		const long tid = strtol(entry->d_name, NULL, 10);
		if (tid <= 0)
			continue;
		struct rs_thread *thread = rs_array_push(
			&memory->thread, &memory->threads, sizeof(*thread));
		if (!thread) {
			err = &rs_enomem;
			break;
		}
		thread->tid = tid;
		read_call(target, thread);
		read_times(target, thread);
	}
	(void)closedir(task);
	return err;
}
