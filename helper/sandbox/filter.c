// SPDX-License-Identifier: MIT
#include "sandbox/filter.h"

#include "sandbox/guest/demand_pages.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define X32_BIT 0x40000000U // Source: Linux __X32_SYSCALL_BIT

enum { RS_LOAD = BPF_LD | BPF_W | BPF_ABS };

static const uint16_t allowed[] = {
	SYS_munmap,	     SYS_mremap, SYS_clock_gettime,
	SYS_gettimeofday,    SYS_getpid, SYS_gettid,
	SYS_rt_sigreturn,    SYS_exit,	 SYS_exit_group,
	SYS_restart_syscall,
};

// Return success without acting: there is no other thread to wake, and no
// signal to keep out that would not end the image. A call that libc makes next
// is then the one that is refused and named.
static const uint16_t done[] = {SYS_brk, SYS_rt_sigprocmask};

// Those that rs_demand_call() makes for the code of the core.
static const uint16_t about_memory[] = {
	SYS_munmap,  SYS_mmap,		SYS_mremap,	  SYS_mprotect,
	SYS_madvise, SYS_clock_gettime, SYS_gettimeofday,
};

struct rs_filter_writer {
	struct rs_plan_filter *filter;
	unsigned n;
};

static void add(struct rs_filter_writer *w, unsigned code, uint32_t value,
		uint8_t yes, uint8_t no)
{
	w->filter[w->n++] = (struct rs_plan_filter){
		.code = (uint16_t)code,
		.yes = yes,
		.no = no,
		.value = value,
	};
}

static void end(struct rs_filter_writer *w, uint32_t action)
{
	add(w, BPF_RET | BPF_K, action, 0, 0);
}

// Waking succeeds; waiting traps, for no other thread will ever wake this one.
static void add_futex(struct rs_filter_writer *w)
{
	const unsigned equal = BPF_JMP | BPF_JEQ | BPF_K;

	add(w, equal, SYS_futex, 0, 6);
	add(w, RS_LOAD, offsetof(struct seccomp_data, args[1]), 0, 0);
	add(w, BPF_ALU | BPF_AND | BPF_K, (uint32_t)FUTEX_CMD_MASK, 0, 0);
	add(w, equal, FUTEX_WAKE, 1, 0);
	add(w, equal, FUTEX_WAKE_BITSET, 0, 1);
	end(w, SECCOMP_RET_ERRNO | 0);
	end(w, SECCOMP_RET_TRAP);
}

// Advice that is about the physical page (MADV_HWPOISON, MADV_SOFT_OFFLINE), as
// root may give it, traps: other processes may use that page.
static void add_madvise(struct rs_filter_writer *w)
{
	add(w, BPF_JMP | BPF_JEQ | BPF_K, SYS_madvise, 0, 4);
	add(w, RS_LOAD, offsetof(struct seccomp_data, args[2]), 0, 0);
	add(w, BPF_JMP | BPF_JGE | BPF_K, RS_DEMAND_ADVICE_END, 1, 0);
	end(w, SECCOMP_RET_ALLOW);
	end(w, SECCOMP_RET_TRAP);
}

// No protection: those calls are judged later on like all others.
static void
add_demand(struct rs_filter_writer *w, uint64_t ours, uint64_t ours_end)
{
	const unsigned equal = BPF_JMP | BPF_JEQ | BPF_K;
	const unsigned from = BPF_JMP | BPF_JGE | BPF_K;
	const uint32_t ip = offsetof(struct seccomp_data, instruction_pointer);
	const uint8_t n = sizeof(about_memory) / sizeof(*about_memory);

	add(w, RS_LOAD, ip + 4, 0, 0);
	add(w, equal, (uint32_t)(ours >> 32), 0, 3);
	add(w, RS_LOAD, ip, 0, 0);
	add(w, from, (uint32_t)ours, 0, 1);
	add(w, from, (uint32_t)ours_end, 0, (uint8_t)(n + 2));
	add(w, RS_LOAD, offsetof(struct seccomp_data, nr), 0, 0);
	for (uint8_t i = 0; i < n; i++)
		add(w, equal, about_memory[i], (uint8_t)(n - 1 - i),
		    i + 1 < n ? 0 : 1);
	end(w, SECCOMP_RET_TRAP);
	add(w, RS_LOAD, offsetof(struct seccomp_data, nr), 0, 0);
}

// Without consent no memory becomes executable; protection keys are not
// allowed at all.
static void add_mprotect(struct rs_filter_writer *w, bool run)
{
	add(w, BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 0, 4);
	add(w, RS_LOAD, offsetof(struct seccomp_data, args[2]), 0, 0);
	add(w, BPF_JMP | BPF_JSET | BPF_K, run ? 0 : PROT_EXEC, 1, 0);
	end(w, SECCOMP_RET_ALLOW);
	end(w, SECCOMP_RET_TRAP);
}

// mmap: only private anonymous memory, which the limits count. Locked memory
// would escape from under pressure; the pool of huge pages is everybody's.
static void add_mmap(struct rs_filter_writer *w, bool run)
{
	const unsigned equal = BPF_JMP | BPF_JEQ | BPF_K;
	const unsigned any = BPF_JMP | BPF_JSET | BPF_K;
	const uint32_t plain = MAP_PRIVATE | MAP_ANONYMOUS;

	add(w, equal, SYS_mmap, 0, 10);
	add(w, RS_LOAD, offsetof(struct seccomp_data, args[2]), 0, 0);
	add(w, any, run ? 0 : PROT_EXEC, 7, 0);
	add(w, RS_LOAD, offsetof(struct seccomp_data, args[3]), 0, 0);
	add(w, any, MAP_LOCKED, 5, 0);
	add(w, any, MAP_HUGETLB, 3, 0);
	add(w, BPF_ALU | BPF_AND | BPF_K, MAP_TYPE | MAP_ANONYMOUS, 0, 0);
	add(w, equal, plain, 0, 2);
	end(w, SECCOMP_RET_ALLOW);
	end(w, SECCOMP_RET_ERRNO | ENOMEM);
	end(w, SECCOMP_RET_TRAP);
}

unsigned rs_filter_write(struct rs_plan_filter *filter, uint64_t ours,
			 uint64_t ours_end, bool run)
{
	struct rs_filter_writer w = {.filter = filter};
	const unsigned equal = BPF_JMP | BPF_JEQ | BPF_K;

	add(&w, RS_LOAD, offsetof(struct seccomp_data, arch), 0, 0);
	add(&w, equal, AUDIT_ARCH_X86_64, 1, 0);
	end(&w, SECCOMP_RET_TRAP);
	add(&w, RS_LOAD, offsetof(struct seccomp_data, nr), 0, 0);
	add(&w, BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1);
	end(&w, SECCOMP_RET_TRAP);
	if (ours_end)
		add_demand(&w, ours, ours_end);
	add_madvise(&w);
	for (unsigned i = 0; i < sizeof(allowed) / sizeof(*allowed); i++) {
		add(&w, equal, allowed[i], 0, 1);
		end(&w, SECCOMP_RET_ALLOW);
	}
	for (unsigned i = 0; i < sizeof(done) / sizeof(*done); i++) {
		add(&w, equal, done[i], 0, 1);
		end(&w, SECCOMP_RET_ERRNO | 0);
	}
	add_futex(&w);
	add_mprotect(&w, run);
	add_mmap(&w, run);
	end(&w, SECCOMP_RET_TRAP);
	return w.n;
}
