// SPDX-License-Identifier: MIT
//
// The first and only program of an image: unmaps its own process, maps the
// memory of the core, gives up every right, enters seccomp and calls the guest.
// No libc: libc would have registered memory with the kernel that is unmapped
// here. No code of the core runs before the filter is in force.
#include "sandbox/guest/raw.h"
#include "sandbox/plan.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
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
static void check(struct rs_control *control, long result)
{
	if (result >= 0 || result < -4095)
		return;
	control->error = (int32_t)-result;
	leave(1);
}

static void map_shared(uint64_t address, uint64_t size, int fd)
{
	if (rs_raw6(SYS_mmap, address, size, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_FIXED | MAP_NORESERVE, (uint64_t)fd,
		    0) != (long)address)
		leave(2);
}

static struct rs_control *unmap_all_else(const struct rs_plan *plan)
{
	rs_raw3(SYS_munmap, 0, plan->guest_base, 0);
	rs_raw3(SYS_munmap, plan->guest_end, RS_PLAN_TOP - plan->guest_end, 0);
	map_shared(plan->control, RS_PLAN_PAGE, plan->control_fd);
	map_shared(plan->shared, plan->shared_size, plan->shared_fd);
	return (struct rs_control *)plan->control;
}

// Bytes at an offset that is no multiple of a page have to be copied; with huge
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

// A page beyond the end of a file can be mapped; touching it is SIGBUS.
static long
map_on_demand(const struct rs_plan *plan, const struct rs_plan_map *m)
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
		return map_on_demand(plan, m);
	if (m->kind == RS_PLAN_ZERO)
		return rs_raw6(SYS_mmap, m->address, m->size, m->prot,
			       flags | MAP_ANONYMOUS, NO_FD, 0);
	return rs_raw6(SYS_mmap, m->address, m->size, m->prot, flags,
		       (uint64_t)m->fd, m->offset);
}

// Only the signals that the guest handles get through.
static long set_signals(void)
{
	static const uint8_t open[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL,
				       SIGTRAP, SIGSYS, SIGPROF};
	uint64_t mask = UINT64_MAX;

	for (unsigned i = 0; i < sizeof(open); i++)
		mask &= ~(UINT64_C(1) << (open[i] - 1));
	return rs_raw4(SYS_rt_sigprocmask, SIG_SETMASK, (uint64_t)&mask, 0,
		       sizeof(mask));
}

// The kernel's own limit of processor time, should nobody be looking. It counts
// whole seconds, and by ticks, which on a busy machine run ahead of the clock
// that the supervisor looks at: so it comes later than that.
static long limit_time(const struct rs_plan *plan)
{
	const uint64_t most = now(CLOCK_PROCESS_CPUTIME_ID) + plan->cpu_ns;
	const uint64_t seconds = (most + most / 4) / UINT64_C(1000000000) + 2;
	const struct rlimit time = {seconds, seconds};

	return rs_raw3(SYS_setrlimit, RLIMIT_CPU, (uint64_t)&time, 0);
}

static long set_limits(const struct rs_plan *plan)
{
	static const uint8_t none[] = {RLIMIT_FSIZE, RLIMIT_NOFILE, RLIMIT_CORE,
				       RLIMIT_MEMLOCK, RLIMIT_MSGQUEUE};
	const struct rlimit space = {plan->address_limit, plan->address_limit};
	const struct rlimit nothing = {0, 0};
	long rc = rs_raw3(SYS_setrlimit, RLIMIT_AS, (uint64_t)&space, 0);

	for (unsigned i = 0; !rc && i < sizeof(none); i++)
		rc = rs_raw3(SYS_setrlimit, none[i], (uint64_t)&nothing, 0);
	if (!rc)
		rc = limit_time(plan);
	return rc ? rc : set_signals();
}

// An image of root's becomes a user who owns nothing. Only here, after exec:
// before it this would have changed the caller's memory.
static void change_user(struct rs_control *control)
{
	const uint64_t nobody = RS_PLAN_NOBODY;

	if (!rs_raw3(SYS_geteuid, 0, 0, 0) &&
	    (rs_raw3(SYS_setgroups, 0, 0, 0) ||
	     rs_raw3(SYS_setresgid, nobody, nobody, nobody) ||
	     rs_raw3(SYS_setresuid, nobody, nobody, nobody)))
		return;
	if (rs_raw3(SYS_geteuid, 0, 0, 0))
		control->missing &= ~(uint32_t)RS_WALL_NO_ROOT;
}

// What cannot be given up is noted in control->missing: seccomp and the limits
// hold without it.
static void confine(struct rs_control *control)
{
	const struct __user_cap_header_struct head = {
		_LINUX_CAPABILITY_VERSION_3, 0};
	const struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};

	change_user(control);
	if ((control->namespaces & CLONE_NEWUSER) ||
	    !rs_raw3(SYS_unshare, CLONE_NEWUSER, 0, 0))
		control->missing &= ~(uint32_t)RS_WALL_USER;
	if (!rs_raw3(SYS_capset, (uint64_t)&head, (uint64_t)none, 0))
		control->missing &= ~(uint32_t)RS_WALL_CAPABILITIES;
	if (!rs_raw6(SYS_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0, 0))
		control->missing &= ~(uint32_t)RS_WALL_DUMP;
	// Another user is not told of a parent's end as before.
	rs_raw6(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0, 0);
	struct pollfd supervisor = {control->supervisor_fd, POLLIN, 0};
	if (rs_raw3(SYS_poll, (uint64_t)&supervisor, 1, 0) > 0)
		leave(3); // it ended before
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

static void map_all(const struct rs_plan *plan, struct rs_control *control)
{
	const struct rs_plan_map *maps = (const struct rs_plan_map *)(plan + 1);

	for (uint64_t i = 0; i < plan->maps; i++) {
		control->detail = i;
		check(control, map(plan, &maps[i]));
	}
	if (plan->demand)
		check(control, rs_raw6(SYS_mmap, plan->source,
				       plan->source_size, PROT_READ,
				       MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE,
				       (uint64_t)plan->source_fd, 0));
	rs_raw3(SYS_mprotect, plan->guard, RS_PLAN_PAGE, PROT_NONE);
	// For debuggers that look at the image; it works without.
	rs_raw6(SYS_prctl, PR_SET_MM, PR_SET_MM_MAP, (uint64_t)&plan->mm,
		sizeof(plan->mm), 0, 0);
}

void rs_loader_main(const struct rs_plan *plan)
{
	struct rs_control *control = unmap_all_else(plan);
	struct rs_shared *shared = (struct rs_shared *)plan->shared;
	const rs_guest_entry guest = (rs_guest_entry)plan->guest;
	const long op = (long)shared->op;

	control->begun_ns = now(CLOCK_MONOTONIC);
	control->step = RS_STEP_MAP;
	map_all(plan, control);
	shared->args.demand = plan->demand;
	control->step = RS_STEP_THREAD;
	check(control,
	      rs_raw3(SYS_arch_prctl, ARCH_SET_FS_CODE, plan->fs_base, 0));
	control->step = RS_STEP_GUARD;
	check(control, guest(RS_GUEST_GUARD, &shared->args));
	control->step = RS_STEP_CONFINE;
	confine(control);
	control->step = RS_STEP_LIMITS;
	check(control, rs_raw3(SYS_close_range, 0, UINT32_MAX, 0));
	check(control, set_limits(plan));
	control->ready_ns = now(CLOCK_MONOTONIC);
	control->ready_cpu_ns = now(CLOCK_PROCESS_CPUTIME_ID);
	control->step = RS_STEP_JAIL;
	check(control, shut_jail(plan));
	control->step = RS_STEP_STARTED;
	// From here on nothing in this process can change what it says.
	if (rs_raw3(SYS_munmap, plan->control, RS_PLAN_PAGE, 0))
		leave(4);
	guest(op, &shared->args);
	shared->done = 1;
	leave(0);
}
