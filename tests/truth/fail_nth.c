// SPDX-License-Identifier: MIT
//
// Preloaded: one call that the engine makes for memory fails. Only its own
// calls count, known by where they return to; those by way of libc do not.
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_uintptr_t engine_start, engine_end;
static atomic_long calls; // of the engine so far
static atomic_long failing; // number of the one that fails; 0: none
static atomic_bool mappings; // only those count

static int find_engine(struct dl_phdr_info *info, size_t size, void *context)
{
	(void)size;
	(void)context;
	if (!info->dlpi_name || !strstr(info->dlpi_name, "refscope-engine"))
		return 0;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];

		if (p->p_type != PT_LOAD || !(p->p_flags & PF_X))
			continue;
		atomic_store(&engine_end,
			     info->dlpi_addr + p->p_vaddr + p->p_memsz);
		atomic_store(&engine_start, info->dlpi_addr + p->p_vaddr);
	}
	return 1;
}

void rs_fail_nth_begin(long number, bool only_mappings);
long rs_fail_nth_calls(void);

/** Count from 1 on, and let call @p number fail; 0: let none. */
void rs_fail_nth_begin(long number, bool only_mappings)
{
	atomic_store(&mappings, only_mappings);
	(void)dl_iterate_phdr(find_engine, NULL);
	atomic_store(&calls, 0);
	atomic_store(&failing, number);
}

long rs_fail_nth_calls(void)
{
	return atomic_load(&calls);
}

static bool fails(const void *caller, bool is_mapping)
{
	const uintptr_t from = (uintptr_t)caller;
	const uintptr_t start = atomic_load(&engine_start);

	if (!start || from < start || from >= atomic_load(&engine_end) ||
	    (atomic_load(&mappings) && !is_mapping))
		return false;
	const long n = atomic_fetch_add(&calls, 1) + 1;

	if (n != atomic_load(&failing))
		return false;
	errno = ENOMEM;
	return true;
}

#define CALLER __builtin_return_address(0)

// dlsym() itself calls for memory, so libc's are had by their other names.
// NOLINTBEGIN(*reserved-identifier,cert-dcl*,readability-identifier-naming)
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
// NOLINTEND(*reserved-identifier,cert-dcl*,readability-identifier-naming)

void *malloc(size_t size)
{
	return fails(CALLER, false) ? NULL : __libc_malloc(size);
}

void *calloc(size_t nmemb, size_t size)
{
	return fails(CALLER, false) ? NULL : __libc_calloc(nmemb, size);
}

void *realloc(void *ptr, size_t size)
{
	return fails(CALLER, false) ? NULL : __libc_realloc(ptr, size);
}

void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
	return fails(CALLER, true) ? MAP_FAILED
				   : (void *)syscall(SYS_mmap, addr, len, prot,
						     flags, fd, offset);
}

void *mremap(void *addr, size_t old_len, size_t new_len, int flags, ...)
{
	void *at = NULL;

	if (flags & MREMAP_FIXED) {
		va_list ap;

		va_start(ap, flags);
		at = va_arg(ap, void *);
		va_end(ap);
	}
	return fails(CALLER, true) ? MAP_FAILED
				   : (void *)syscall(SYS_mremap, addr, old_len,
						     new_len, flags, at);
}
