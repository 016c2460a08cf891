// SPDX-License-Identifier: MIT
/** @file Cores that the kernel writes, where it does so where a test looks. */
#ifndef RS_KERNEL_CORE_H
#define RS_KERNEL_CORE_H

#include "rs_check.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/** @return Why no core would come to lie in the working directory, or NULL. */
static inline const char *kernel_core_why_not(void)
{
	char pattern[16] = "";
	struct rlimit limit;

	FILE *file = fopen("/proc/sys/kernel/core_pattern", "re");
	if (!file || !fgets(pattern, sizeof(pattern), file))
		pattern[0] = 0;
	if (file)
		(void)fclose(file);
	if (strcmp(pattern, "core\n") != 0)
		return "/proc/sys/kernel/core_pattern is not \"core\"";
	if (getrlimit(RLIMIT_CORE, &limit) || limit.rlim_max < 64 << 20)
		return "the hard limit for cores is too low";
	return NULL;
}

/** From now on this process may leave a core. */
static inline void kernel_core_allow(void)
{
	struct rlimit limit;

	(void)signal(SIGABRT, SIG_DFL);
	if (getrlimit(RLIMIT_CORE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_CORE, &limit);
}

/** Leave a core of this process in @p directory. */
_Noreturn static inline void kernel_core_leave(const char *directory)
{
	kernel_core_allow();
	if (!chdir(directory))
		abort();
	_exit(127);
}

/** Wait for the child that leaves one there. @param[out] core Its path. */
static inline void
kernel_core_wait(pid_t pid, const char *directory, char *core, size_t size)
{
	int status = 0;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) && WCOREDUMP(status));
	// With /proc/sys/kernel/core_uses_pid the name gets a tail.
	(void)snprintf(core, size, "%s/core", directory);
	if (access(core, R_OK) != 0)
		(void)snprintf(core, size, "%s/core.%d", directory, (int)pid);
}

/**
 * main() of a test that needs them: skips and says why, @p why_not if that is
 * no NULL, or runs the suite @p name of the cases that @p add makes.
 */
static inline int kernel_core_main(const char *name, const char *why_not,
				   void (*add)(Suite *suite))
{
	if (!why_not)
		why_not = kernel_core_why_not();
	if (why_not)
		return rs_ck_skip(why_not);
	Suite *suite = suite_create(name);

	add(suite);
	return rs_ck_run(suite);
}

#endif /* RS_KERNEL_CORE_H */
