// SPDX-License-Identifier: MIT
/**
 * @file
 * System calls without libc: for code that runs where there is none, or where
 * libc's state is another process's. x86-64 only.
 */
#ifndef RS_SANDBOX_RAW_H
#define RS_SANDBOX_RAW_H

#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 // Linux 5.14
#define MADV_POPULATE_WRITE 23
#endif

/** @return The kernel's own result: -errno on failure. */
static inline long rs_raw6(long number, uint64_t a, uint64_t b, uint64_t c,
			   uint64_t d, uint64_t e, uint64_t f)
{
	register uint64_t r10 __asm__("r10") = d;
	register uint64_t r8 __asm__("r8") = e;
	register uint64_t r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10),
			   "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

/** The same with fewer arguments. */
static inline long
rs_raw4(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	return rs_raw6(number, a, b, c, d, 0, 0);
}

static inline long rs_raw3(long number, uint64_t a, uint64_t b, uint64_t c)
{
	return rs_raw6(number, a, b, c, 0, 0, 0);
}

#endif /* RS_SANDBOX_RAW_H */
