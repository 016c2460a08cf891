// SPDX-License-Identifier: MIT
#include "answer/describe/run_end.h"

#include "answer/describe/system_call.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>

enum {
	RS_WHY_SIZE = 256,
	RS_CALL_NUMBER = 0x3fffffff, // less the bit of the x32 table
	RS_MIB_SHIFT = 20,
};

struct run_end {
	const struct rs_image_called *called;
	const char *what;
	uint32_t ms;
};

static bool is_of_files(int number)
{
	static const int of_files[] = {
		SYS_open,	SYS_openat,    SYS_openat2,    SYS_stat,
		SYS_lstat,	SYS_fstat,     SYS_newfstatat, SYS_statx,
		SYS_access,	SYS_faccessat, SYS_readlink,   SYS_readlinkat,
		SYS_getdents64,
	};

	for (size_t i = 0; i < sizeof(of_files) / sizeof(*of_files); i++)
		if (of_files[i] == number)
			return true;
	return false;
}

static void why_call(const struct rs_guest_fault *fault, char *buf, size_t size)
{
	const bool plain = fault->entry == RS_ENTRY_64;
	const char *name = plain ? rs_system_call_name(fault->detail) : NULL;

	if (plain && fault->detail == SYS_futex)
		(void)snprintf(
			buf, size,
			"waited for a lock that was held when the process "
			"stopped (by malloc, or another thread) and that no "
			"thread will release; refs show reads without running");
	else if (name)
		(void)snprintf(buf, size,
			       "was stopped: it called %s, which is not "
			       "allowed%s",
			       name,
			       is_of_files(fault->detail)
				       ? " (it has no files, so only modules "
					 "that were loaded can be imported)"
				       : "");
	else
		(void)snprintf(
			buf, size,
			"was stopped: it made system call %d%s, which is not "
			"allowed",
			fault->detail & RS_CALL_NUMBER,
			fault->entry == RS_ENTRY_I386  ? " of the 32-bit table"
			: fault->entry == RS_ENTRY_X32 ? " of the x32 table"
						       : "");
}

static void why_late(const struct run_end *r, char *buf, size_t size)
{
	(void)snprintf(buf, size,
		       "took more than %g s of processor time; -timeout gives "
		       "it more, refs show reads without running",
		       (double)r->ms / 1000);
}

static void why_stopped(const struct run_end *r, char *buf, size_t size)
{
	const struct rs_guest_fault *fault = &r->called->fault;

	if (fault->signal == SIGSYS)
		why_call(fault, buf, size);
	else if (fault->signal == SIGPROF)
		why_late(r, buf, size);
	else if (fault->entry == RS_ENTRY_UPROBE)
		(void)snprintf(buf, size,
			       "was stopped: it called uretprobe, "
			       "which is not allowed");
	else if (fault->entry == RS_ENTRY_COMPAT)
		(void)snprintf(buf, size,
			       "jumped to 32-bit code and crashed there with "
			       "signal %d",
			       fault->signal);
	else if (r->called->stack_full)
		(void)snprintf(buf, size, "ran out of stack");
	else
		(void)snprintf(buf, size,
			       "crashed with signal %d at 0x%" PRIx64
			       "; refs show reads without running",
			       fault->signal, fault->address);
}

static void why_limit(const struct run_end *r, char *buf, size_t size)
{
	const struct rs_image_called *c = r->called;

	if (c->limit == RS_LIMIT_CPU)
		why_late(r, buf, size);
	else if (c->limit == RS_LIMIT_MEMORY)
		(void)snprintf(buf, size,
			       "was ended: it used more memory than the "
			       "%" PRIu64 " MiB it may have; set refs run "
			       "memory gives it more",
			       c->memory >> RS_MIB_SHIFT);
	else
		(void)snprintf(buf, size,
			       "was ended after ten times %g s, in which it "
			       "had little processor time; try again when the "
			       "machine is less busy, or with -timeout",
			       (double)r->ms / 1000);
}

struct rs_error *rs_run_stopped(const struct rs_image_called *called,
				const char *what, uint32_t ms)
{
	const struct run_end end = {called, what, ms};
	const struct run_end *r = &end;
	const struct rs_image_called *c = r->called;
	char why[RS_WHY_SIZE];

	if (c->end == RS_CALL_STOPPED)
		why_stopped(r, why, sizeof(why));
	else if (c->end == RS_CALL_LEFT)
		(void)snprintf(why, sizeof(why),
			       "ended its process with status %d", c->status);
	else if (c->end == RS_CALL_LIMIT)
		why_limit(r, why, sizeof(why));
	else if (c->end == RS_CALL_LOST)
		(void)snprintf(
			why, sizeof(why),
			"was ended by signal %d; refs show reads without "
			"running",
			c->status);
	else
		(void)snprintf(why, sizeof(why),
			       "returned without a result; refs show reads "
			       "without running");
	return rs_error_new(RS_EBAD, "%s %s", r->what, why);
}
