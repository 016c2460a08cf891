// SPDX-License-Identifier: MIT
//
// System calls about memory, made by code of the core where pages are copied on
// demand. The filter judges them when they are made from here, by the same
// rules as where nothing is copied.
#include "sandbox/guest/demand_pages.h"
#include "sandbox/guest/raw.h"

#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <ucontext.h>

// Nothing lies above; the kernel refuses what would.
#define TOP UINT64_C(0x800000000000)

typedef void (*rs_range_fn)(struct rs_demand *, uint64_t from, uint64_t to);

static void
with(struct rs_demand *demand, rs_range_fn fn, uint64_t address, uint64_t size)
{
	if (address < TOP && size && size < TOP)
		fn(demand, address, address + size);
}

int rs_demand_call(struct rs_demand *demand, void *context)
{
	greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
	const uint64_t a = (uint64_t)r[REG_RDI], b = (uint64_t)r[REG_RSI];
	const uint64_t flags = (uint64_t)r[REG_R10];

	switch (r[REG_RAX]) {
	case SYS_munmap:
		with(demand, rs_demand_forget, a, b);
		break;
	case SYS_mmap:
		if (!(flags & MAP_ANONYMOUS))
			return 0;
		if (flags & MAP_FIXED)
			with(demand, rs_demand_forget, a, b);
		break;
	case SYS_mremap:
		with(demand, rs_demand_bring, a, b);
		if (flags & MREMAP_FIXED)
			with(demand, rs_demand_forget, (uint64_t)r[REG_R8],
			     (uint64_t)r[REG_RDX]);
		break;
	case SYS_madvise:
		// Trapped whoever makes it: it would come back here.
		if ((uint32_t)r[REG_RDX] >= RS_DEMAND_ADVICE_END)
			return 0;
		with(demand, rs_demand_bring, a, b);
		break;
	case SYS_mprotect:
		with(demand, rs_demand_bring, a, b);
		break;
	case SYS_clock_gettime:
		with(demand, rs_demand_bring, b, sizeof(struct timespec));
		break;
	case SYS_gettimeofday:
		with(demand, rs_demand_bring, a, sizeof(struct timeval));
		with(demand, rs_demand_bring, b, sizeof(struct timezone));
		break;
	default:
		return 0;
	}
	// Should the filter refuse it, that trap must not lead here again.
	*(volatile uint64_t *)&demand->calling = 1;
	r[REG_RAX] = rs_raw6(r[REG_RAX], a, b, (uint64_t)r[REG_RDX], flags,
			     (uint64_t)r[REG_R8], (uint64_t)r[REG_R9]);
	*(volatile uint64_t *)&demand->calling = 0;
	return 1;
}
