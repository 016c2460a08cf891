// SPDX-License-Identifier: MIT
/**
 * @file
 * What must be true of a real core of sleep(1), whoever wrote it.
 *
 * sleep comes from the distribution: nothing of ours (a sanitizer's terabytes
 * of shadow, say) is in it, and its files are on disk to compare with.
 */
#ifndef RS_REAL_CORE_H
#define RS_REAL_CORE_H

#include "memory/memory.h"
#include "process_state.h"
#include "rs_check.h"

#include <fcntl.h>
#include <gelf.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define REAL_CORE_MARK "987654.25" // how long it sleeps: lies on its stack

/** Start @p program, a sleep, that may dump core; its cwd is @p directory. */
static inline pid_t real_core_start(const char *directory, const char *program)
{
	int ready[2];
	char byte;

	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	const pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (!pid) {
		struct rlimit limit;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (!getrlimit(RLIMIT_CORE, &limit)) {
			limit.rlim_cur = limit.rlim_max;
			setrlimit(RLIMIT_CORE, &limit);
		}
		if (!chdir(directory))
			execl(program, "sleep", REAL_CORE_MARK, NULL);
		_exit(127);
	}
	// The pipe ends when exec has succeeded; then the loader still has to
	// do its work, which is over once sleep sleeps: nothing before that
	// does.
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 0);
	close(ready[0]);
	process_wait_for(pid, 'S');
	return pid;
}

/** Bytes of section @p name of @p module are those of the file on disk. */
static inline size_t real_core_compare(struct rs_memory *memory,
				       const struct rs_module *module,
				       const char *name)
{
	uint64_t address = 0;
	uint64_t size = 0;
	size_t strings = 0;
	size_t compared = 0;

	struct rs_error *err =
		rs_memory_section(memory, module, name, &address, &size);
	if (err) {
		rs_error_free(err);
		return 0;
	}
	const int fd = open(module->file, O_RDONLY | O_CLOEXEC);
	Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
	ck_assert_ptr_nonnull(elf);
	ck_assert_int_eq(elf_getshdrstrndx(elf, &strings), 0);
	for (Elf_Scn *scn = NULL; (scn = elf_nextscn(elf, scn));) {
		GElf_Shdr shdr;
		ck_assert_ptr_nonnull(gelf_getshdr(scn, &shdr));
		if (strcmp(elf_strptr(elf, strings, shdr.sh_name), name) != 0)
			continue;
		const Elf_Data *data = elf_rawdata(scn, NULL);
		const void *p = rs_memory_at(memory, address, size);
		ck_assert_msg(p != NULL, "%s of %s is unreadable", name,
			      module->path);
		ck_assert_uint_eq(data->d_size, size);
		ck_assert_mem_eq(p, data->d_buf, size);
		compared = size;
	}
	elf_end(elf);
	close(fd);
	return compared;
}

/** Whether the writable memory from @p sp on holds the mark. */
static inline bool real_core_has_mark(struct rs_memory *memory, uint64_t sp)
{
	for (size_t i = 0; i < memory->segments; i++) {
		const struct rs_segment *s = &memory->segment[i];
		if (sp >= s->start && sp < s->end)
			return memmem(s->data + (sp - s->start), s->end - sp,
				      REAL_CORE_MARK, sizeof(REAL_CORE_MARK));
	}
	return false;
}

/** Open the core at @p path of process @p pid and look at all of it. */
static inline void real_core_check(const char *path, pid_t pid)
{
	struct rs_memory *memory = NULL;
	uint64_t address = 0;
	size_t text = 0;

	elf_version(EV_CURRENT);
	rs_ck_ok(rs_memory_open_core(path, NULL, &memory));
	ck_assert_msg(memory->problems == 0, "%s",
		      memory->problems ? memory->problem[0] : "");
	ck_assert_uint_ge(memory->modules, 3); // sleep, libc, ld.so
	ck_assert_uint_eq(memory->threads, 1);
	ck_assert_int_eq(memory->thread[0].tid, pid);
	ck_assert(real_core_has_mark(memory, memory->thread[0].sp));
	const struct rs_module *at =
		rs_memory_module(memory, memory->thread[0].pc);
	ck_assert_ptr_nonnull(at);
	ck_assert_ptr_nonnull(strstr(at->path, "libc"));
	for (size_t i = 0; i < memory->modules; i++) {
		const struct rs_module *m = &memory->module[i];
		ck_assert_msg(m->checked, "%s was not checked", m->path);
		text += real_core_compare(memory, m, ".rodata");
		text += real_core_compare(memory, m, ".text");
	}
	ck_assert_uint_gt(text, 1 << 20); // libc alone has more
	rs_ck_ok(rs_memory_symbol(memory, NULL, "clock_nanosleep", &address,
				  NULL));
	ck_assert_ptr_eq(rs_memory_module(memory, address), at);
	rs_memory_close(memory);
}

/** End the process that real_core_start() started. */
static inline void real_core_end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

#endif /* RS_REAL_CORE_H */
