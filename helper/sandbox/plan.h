// SPDX-License-Identifier: MIT
/**
 * @file
 * The plan that the loader of an image follows. Read by code without libc:
 * plain numbers only; addresses are those of the image.
 *
 * An image is an ELF executable for one use. It is built around the loader and
 * its plan, at addresses that the core leaves free, so that nothing has to
 * move once it runs:
 *
 *     guest_base  ELF header; at guest_base + page - 8 the address of the plan
 *     +page       loader, guest code, table of allowed functions: read, execute
 *     data        the plan: read and write; then, zero, the alternate stack, a
 *                 page without access, the stack
 *     control     one page, shared with the host: struct rs_control. Unmapped
 *                 before any code of the core runs.
 *     shared      memory shared with the host: struct rs_shared and results
 *     source      the whole core file, read-only, if pages are copied from it
 *                 on demand
 */
#ifndef RS_SANDBOX_PLAN_H
#define RS_SANDBOX_PLAN_H

#include "sandbox/guest/demand_pages.h"
#include "sandbox/guest/guest.h"

enum {
	RS_PLAN_PAGE = 4096,
	RS_PLAN_ALTSTACK = 256 << 10, // AVX-512 and AMX fill 12 KiB of it
	RS_PLAN_STACK = 8 << 20,
	RS_PLAN_AUXV = 64, // entries of two words
	RS_PLAN_FILTER = 128, // instructions
	RS_PLAN_NOBODY =
		65534, // user and group that an image of root's becomes
};
// One past the last address that a process can have, less a page.
#define RS_PLAN_TOP UINT64_C(0x7ffffffff000)

enum rs_plan_kind {
	RS_PLAN_FILE, // map `size` bytes of fd at offset, privately
	RS_PLAN_COPY, // read them: their offset is no multiple of a page
	RS_PLAN_DEMAND, // the same on first access: struct rs_demand_piece
	RS_PLAN_ZERO, // fresh memory
};

/** A mapping of the image. Address, size and offset in bytes, of whole pages.
 */
struct rs_plan_map {
	uint64_t address, size, offset;
	int32_t fd;
	uint16_t kind; // enum rs_plan_kind
	uint16_t prot;
};

/** struct sock_filter, without its header. */
struct rs_plan_filter {
	uint16_t code;
	uint8_t yes, no;
	uint32_t value;
};

/** Argument of prctl(PR_SET_MM_MAP). Source: Linux uapi/linux/prctl.h. */
struct rs_plan_mm {
	uint64_t start_code, end_code, start_data, end_data;
	uint64_t start_brk, brk, start_stack;
	uint64_t arg_start, arg_end, env_start, env_end;
	uint64_t auxv; // pointer
	uint32_t auxv_size, exe_fd;
};

struct rs_plan {
	uint64_t guest_base, guest_end; // everything outside is unmapped
	uint64_t stack; // one past it
	uint64_t guard; // the page without access
	uint64_t control;
	uint64_t shared, shared_size;
	uint64_t source, source_size;
	uint64_t demand; // struct rs_demand, or 0
	uint64_t guest; // its entry
	uint64_t allowed, allowed_mask; // as in struct rs_guest_args
	uint64_t fs_base; // thread pointer for the code of the core
	uint64_t address_limit; // bytes, RLIMIT_AS
	uint64_t cpu_ns; // processor time for code of the core
	uint64_t maps;
	uint64_t filters;
	struct rs_plan_filter filter[RS_PLAN_FILTER];
	struct rs_plan_mm mm;
	uint64_t auxv[2 * RS_PLAN_AUXV];
	int32_t control_fd, shared_fd, source_fd;
	// Then `maps` of struct rs_plan_map, and a struct rs_demand.
};

enum rs_step {
	RS_STEP_NONE, // has not begun
	RS_STEP_MAP, // detail: number of the map
	RS_STEP_THREAD,
	RS_STEP_GUARD,
	RS_STEP_CONFINE, // user, capabilities
	RS_STEP_LIMITS,
	RS_STEP_JAIL, // seccomp
	RS_STEP_STARTED, // code of the core may have run from here on
};

/** Second walls, behind seccomp and the limits. Bits of rs_control.missing. */
enum rs_wall {
	RS_WALL_USER = 1, // user namespace
	RS_WALL_PID = 2, // PID namespace
	RS_WALL_NET = 4, // network namespace
	RS_WALL_IPC = 8, // IPC namespace
	RS_WALL_MOUNT = 16, // mount namespace
	RS_WALL_ROOT = 32, // empty root directory
	RS_WALL_NO_ROOT = 64, // a user other than uid 0
	RS_WALL_CAPABILITIES = 128, // none left
	RS_WALL_DUMP = 256, // PR_SET_DUMPABLE 0
	RS_WALL_OOM = 512, // oom_score_adj 1000
	RS_WALLS = 1023,
};

/**
 * Written by the loader alone: it is unmapped, and no descriptor of it is
 * open, before any code of the core runs.
 */
struct rs_control {
	uint32_t step; // enum rs_step that it is at
	int32_t error; // errno that ended it, or 0
	uint64_t detail;
	uint64_t begun_ns, ready_ns; // CLOCK_MONOTONIC
	uint64_t ready_cpu_ns; // processor time of the image by then
	uint32_t namespaces; // CLONE_NEW* that it was started in
	uint32_t missing; // enum rs_wall
	int32_t supervisor_fd; // pidfd: readable once the supervisor has ended
};

/** The first page of the shared memory: any code in the image can write it. */
struct rs_shared {
	uint32_t done; // the guest returned
	uint64_t op; // enum rs_guest_op, once the jail is shut
	struct rs_guest_args args;
};

#endif /* RS_SANDBOX_PLAN_H */
