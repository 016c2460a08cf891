// SPDX-License-Identifier: MIT
/** @file A limit to the address space of a test, which is a process. */
#ifndef RS_TEST_LITTLE_MEMORY_H
#define RS_TEST_LITTLE_MEMORY_H

#include "rs_check.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/** What is mapped, or of that what is there, in bytes. */
static inline size_t bytes_mapped(bool there)
{
	char line[128] = "";
	char *rest = line;
	FILE *statm = fopen("/proc/self/statm", "r");

	ck_assert_ptr_nonnull(statm);
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), statm));
	(void)fclose(statm);
	unsigned long pages = strtoul(rest, &rest, 10);
	if (there)
		pages = strtoul(rest, &rest, 10);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/** Not with sanitizers: they need terabytes. */
static inline void allow_more(size_t bytes)
{
	struct rlimit limit;

	ck_assert_int_eq(getrlimit(RLIMIT_AS, &limit), 0);
	limit.rlim_cur = bytes_mapped(false) + bytes;
	ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
}

#endif /* RS_TEST_LITTLE_MEMORY_H */
