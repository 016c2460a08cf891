// SPDX-License-Identifier: MIT
//
// The first and only program of an image: takes the place of its own process
// apart, puts the target's memory there, shuts the jail and calls the probe.
// No libc: libc would have registered memory with the kernel that goes away
// here. Nothing of the target runs before the filter is in force.
#include "sandbox/guest/raw.h"
#include "sandbox/plan.h"

#include <errno.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>

#define ARCH_SET_FS_CODE 0x1002 // Source: Linux asm/prctl.h
#define NO_FD UINT32_MAX

// The word before the entry holds the plan's address.
__asm__(".pushsection .text.entry, \"ax\"\n"
	".globl rs_entry\n"
	".hidden rs_entry\n"
	"rs_entry:\n"
	"	lea rs_entry(%rip), %rax\n"
	"	mov -8(%rax), %rdi\n"
	"	mov 16(%rdi), %rsp\n" // rs_plan.stack
	"	xor %ebp, %ebp\n"
	"	call rs_loader_main\n"
	"	hlt\n"
	".popsection\n");
_Static_assert(offsetof(struct rs_plan, stack) == 16, "see rs_entry");

_Noreturn void rs_loader_main(const struct rs_plan *plan);

static uint64_t now(clockid_t clock)
{
	struct timespec ts = {0};

	rs_raw3(SYS_clock_gettime, (uint64_t)clock, (uint64_t)&ts, 0);
	return (uint64_t)ts.tv_sec * UINT64_C(1000000000) +
	       (uint64_t)ts.tv_nsec;
}

_Noreturn static void leave(int status)
{
	for (;;)
		rs_raw3(SYS_exit_group, (uint64_t)status, 0, 0);
}

// Note what failed, for the host, and end.
static void check(struct rs_shared *shared, long result)
{
	if (result >= 0 || result < -4095)
		return;
	shared->error = (int32_t)-result;
	leave(1);
}

static struct rs_shared *clear_house(const struct rs_plan *plan)
{
	rs_raw3(SYS_munmap, 0, plan->guest_base, 0);
	rs_raw3(SYS_munmap, plan->guest_end,
		RS_PLAN_TOP - plan->guest_end, 0);
	const long at = rs_raw6(SYS_mmap, plan->shared, plan->shared_size,
				PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_FIXED | MAP_NORESERVE,
				(uint64_t)plan->shared_fd, 0);
	if (at != (long)plan->shared)
		leave(2);
	return (struct rs_shared *)plan->shared;
}

// What a file does not hold at a multiple of a page must be copied; in huge
// pages that takes a tenth of the time.
static long copy(const struct rs_plan_map *m)
{
	uint64_t done = 0;
	long n =
		rs_raw6(SYS_mmap, m->address, m->size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE,
			NO_FD, 0);

	if (n < 0)
		return n;
	rs_raw3(SYS_madvise, m->address, m->size, MADV_HUGEPAGE);
	while (done < m->size) {
		n = rs_raw4(SYS_pread64, (uint64_t)m->fd, m->address + done,
			    m->size - done, m->offset + done);
		if (n < 0)
			return n;
		if (!n && m->size - done < RS_PLAN_PAGE)
			break; // the file ends within the last page
		if (!n)
			return -ENODATA;
		done += (uint64_t)n;
	}
	if (m->prot == (PROT_READ | PROT_WRITE))
		return 0;
	return rs_raw3(SYS_mprotect, m->address, m->size, m->prot);
}

// Beyond the end of a file a page can be mapped, and not be touched.
static long put_off(const struct rs_plan *plan, const struct rs_plan_map *m)
{
	return rs_raw6(SYS_mmap, m->address, m->size, m->prot,
		       MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE,
		       (uint64_t)plan->shared_fd, plan->shared_size);
}

static long map(const struct rs_plan *plan, const struct rs_plan_map *m)
{
	const uint64_t flags = MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE;

	if (m->kind == RS_PLAN_COPY)
		return copy(m);
	if (m->kind == RS_PLAN_DEMAND)
		return put_off(plan, m);
	if (m->kind == RS_PLAN_ZERO)
		return rs_raw6(SYS_mmap, m->address, m->size, m->prot,
			       flags | MAP_ANONYMOUS, NO_FD, 0);
	return rs_raw6(SYS_mmap, m->address, m->size, m->prot, flags,
		       (uint64_t)m->fd, m->offset);
}

// Signals that a handler turns into an answer, and the one that ends it all.
static long set_signals(void)
{
	static const uint8_t open[] = {SIGSEGV, SIGBUS, SIGFPE,	 SIGILL,
				       SIGTRAP, SIGSYS, SIGPROF, SIGALRM};
	uint64_t mask = UINT64_MAX;

	for (unsigned i = 0; i < sizeof(open); i++)
		mask &= ~(UINT64_C(1) << (open[i] - 1));
	return rs_raw4(SYS_rt_sigprocmask, SIG_SETMASK, (uint64_t)&mask, 0,
		       sizeof(mask));
}

static long set_limits(const struct rs_plan *plan)
{
	const struct rlimit space = {plan->address_limit, plan->address_limit};
	const struct rlimit none = {0, 0};
	const struct itimerval life = {
		.it_value.tv_sec = (long)(plan->life_ms / 1000),
		.it_value.tv_usec = (long)(plan->life_ms % 1000 * 1000),
	};
	long rc = rs_raw3(SYS_setrlimit, RLIMIT_AS, (uint64_t)&space, 0);

	if (!rc)
		rc = rs_raw3(SYS_setrlimit, RLIMIT_FSIZE, (uint64_t)&none, 0);
	if (!rc)
		rc = rs_raw3(SYS_setrlimit, RLIMIT_NOFILE, (uint64_t)&none, 0);
	if (!rc)
		rc = rs_raw3(SYS_setrlimit, RLIMIT_CORE, (uint64_t)&none, 0);
	if (!rc)
		rc = rs_raw3(SYS_setitimer, ITIMER_REAL, (uint64_t)&life, 0);
	return rc ? rc : set_signals();
}

static long shut_jail(const struct rs_plan *plan)
{
	const struct {
		uint16_t length;
		const struct rs_plan_filter *filter;
	} program = {(uint16_t)plan->filters, plan->filter};
	long rc = rs_raw6(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0);

	if (rc)
		return rc;
	return rs_raw3(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0,
		       (uint64_t)&program);
}

void rs_loader_main(const struct rs_plan *plan)
{
	struct rs_shared *shared = clear_house(plan);
	const struct rs_plan_map *maps = (const struct rs_plan_map *)(plan + 1);
	const rs_guest_entry probe = (rs_guest_entry)plan->probe;
	const long op = (long)shared->op;

	shared->begun_ns = now(CLOCK_MONOTONIC);
	shared->step = RS_STEP_MAP;
	for (uint64_t i = 0; i < plan->maps; i++) {
		shared->detail = i;
		check(shared, map(plan, &maps[i]));
	}
	if (plan->demand)
		check(shared, rs_raw6(SYS_mmap, plan->source, plan->source_size,
				      PROT_READ,
				      MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE,
				      (uint64_t)plan->source_fd, 0));
	shared->args.demand = plan->demand;
	rs_raw3(SYS_mprotect, plan->guard, RS_PLAN_PAGE, PROT_NONE);
	// For debuggers that look at the image; it works without.
	rs_raw6(SYS_prctl, PR_SET_MM, PR_SET_MM_MAP, (uint64_t)&plan->mm,
		sizeof(plan->mm), 0, 0);
	shared->step = RS_STEP_THREAD;
	check(shared,
	      rs_raw3(SYS_arch_prctl, ARCH_SET_FS_CODE, plan->fs_base, 0));
	shared->step = RS_STEP_GUARD;
	check(shared, probe(RS_GUEST_GUARD, &shared->args));
	shared->step = RS_STEP_LIMITS;
	check(shared, rs_raw3(SYS_close_range, 0, UINT32_MAX, 0));
	check(shared, set_limits(plan));
	shared->ready_ns = now(CLOCK_MONOTONIC);
	shared->step = RS_STEP_JAIL;
	check(shared, shut_jail(plan));
	shared->step = RS_STEP_WALK;
	check(shared, probe(op, &shared->args));
	shared->done_ns = now(CLOCK_MONOTONIC);
	shared->cpu_ns = now(CLOCK_PROCESS_CPUTIME_ID);
	shared->step = RS_STEP_DONE;
	leave(0);
}
