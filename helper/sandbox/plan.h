// SPDX-License-Identifier: MIT
/**
 * @file
 * What the loader of an image is told to do. Read by code without libc: plain
 * numbers only, addresses those of the image.
 *
 * An image is an ELF executable of one use: it is made around the loader and
 * its plan, at addresses that the core leaves free, so that nothing has to
 * move once it runs:
 *
 *     guest_base    ELF header; at guest_base + page - 8 the address of the
 * plan +page   the loader, the probe: read and execute data    the plan: read
 * and write; then, zero, the alternate stack, a page without access, the stack
 *     shared  memory that the host sees too: struct rs_shared
 *     source  all of the core's file, to read, if memory comes from it lazily
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
	RS_PLAN_FILTER = 96, // instructions
};
// One past the last address that a process can have, less a page.
#define RS_PLAN_TOP UINT64_C(0x7ffffffff000)

enum rs_plan_kind {
	RS_PLAN_FILE, // map `size` bytes of fd at offset, privately
	RS_PLAN_COPY, // read them, where the offset is no multiple of a page
	RS_PLAN_DEMAND, // the same when they are touched: struct
			// rs_demand_piece
	RS_PLAN_ZERO, // fresh memory
};

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

/** What prctl(PR_SET_MM_MAP) takes. Source: Linux uapi/linux/prctl.h. */
struct rs_plan_mm {
	uint64_t start_code, end_code, start_data, end_data;
	uint64_t start_brk, brk, start_stack;
	uint64_t arg_start, arg_end, env_start, env_end;
	uint64_t auxv; // pointer
	uint32_t auxv_size, exe_fd;
};

struct rs_plan {
	uint64_t guest_base,
		guest_end; // all but this is unmapped; shared included
	uint64_t stack; // one past it
	uint64_t guard; // the page without access
	uint64_t shared, shared_size;
	uint64_t source, source_size;
	uint64_t demand; // struct rs_demand, or 0
	uint64_t probe; // its entry
	uint64_t fs_base; // thread pointer for the code of the core
	uint64_t address_limit; // bytes, RLIMIT_AS
	uint64_t life_ms; // then the kernel ends it
	uint64_t maps;
	uint64_t filters;
	struct rs_plan_filter filter[RS_PLAN_FILTER];
	struct rs_plan_mm mm;
	uint64_t auxv[2 * RS_PLAN_AUXV];
	int32_t shared_fd, source_fd;
	// Then `maps` of struct rs_plan_map, and a struct rs_demand.
};

enum rs_step {
	RS_STEP_NONE, // has not begun
	RS_STEP_MAP, // detail: number of the map
	RS_STEP_THREAD,
	RS_STEP_LIMITS,
	RS_STEP_GUARD,
	RS_STEP_JAIL, // seccomp
	RS_STEP_WALK,
	RS_STEP_DONE,
};

/** The first page of the shared memory. */
struct rs_shared {
	uint32_t step; // enum rs_step that it is at
	int32_t error; // errno that ended it, or 0
	uint64_t detail;
	uint64_t begun_ns, ready_ns, done_ns; // CLOCK_MONOTONIC
	uint64_t cpu_ns; // of the image, when done
	uint64_t op; // enum rs_guest_op, once the jail is shut
	struct rs_guest_args args;
};

#endif /* RS_SANDBOX_PLAN_H */
