// SPDX-License-Identifier: MIT
#include "memory/elf/modules.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>

enum {
	RS_LIVE_PREFETCH = 16, // MiB, the most to copy at once
	RS_LIVE_AUXV = 256, // entries; Linux has about 24
};

static uint64_t
fetch(struct rs_target *target, uint64_t address, void *buf, uint64_t size)
{
	struct iovec local = {buf, size};
	// NOLINTNEXTLINE(performance-no-int-to-ptr): an address of the target
	struct iovec remote = {(void *)(uintptr_t)address, size};
	ssize_t n = -1;

	if (target->mem_fd < 0)
		n = process_vm_readv(target->pid, &local, 1, &remote, 1, 0);
	else
		n = pread(target->mem_fd, buf, size, (off_t)address);
	if (n < 0 && errno == ESRCH && !target->gone) {
		target->gone = true;
		rs_memory_gap(&target->memory,
			      "%s: ended while it was being read",
			      target->name);
	}
	return n > 0 ? (uint64_t)n : 0;
}

static void close_live(struct rs_target *target)
{
	if (target->mem_fd >= 0)
		close(target->mem_fd);
}

static const struct rs_memory_ops live_ops = {.fetch = fetch,
					      .close = close_live};

/** The error for a failure with errno @p code. */
static struct rs_error *cannot(const struct rs_target *target, int code)
{
	const int pid = (int)target->pid;

	if (code == ENOENT || code == ESRCH)
		return rs_error_new(RS_EIO, "process %d: no such process", pid);
	if (code == EPERM || code == EACCES)
		return rs_error_new(
			RS_EIO,
			"process %d: no permission to read its memory; run as its user or as root, and set /proc/sys/kernel/yama/ptrace_scope to 0 (or have CAP_SYS_PTRACE)",
			pid);
	return rs_error_new(RS_EIO, "process %d: %s", pid, strerror(code));
}

FILE *rs_live_file(const struct rs_target *target, const char *name)
{
	char path[96];

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)target->pid,
		       name);
	return fopen(path, "re");
}

/** Parse the number at @p text, which must be followed by @p end, and move
 * @p text behind that. */
static bool take_number(char **text, int base, char end, uint64_t *ret)
{
	char *rest;

	errno = 0;
	*ret = strtoull(*text, &rest, base);
	if (errno || rest == *text || *rest != end)
		return false;
	*text = rest + 1;
	return true;
}

/** Parse a line of /proc/PID/maps: "start-end perms offset dev inode path". */
static struct rs_error *read_map(struct rs_target *target, char *line)
{
	struct rs_map map = {.prot_known = true};
	char *at = line;

	line[strcspn(line, "\n")] = 0;
	bool good = take_number(&at, 16, '-', &map.start) &&
		    take_number(&at, 16, ' ', &map.end);
	const char *perm = at;
	good = good && strlen(perm) > 5;
	at += good ? 5 : 0;
	good = good && take_number(&at, 16, ' ', &map.offset);
	at += strcspn(at, " ");
	at += strspn(at, " ");
	if (!good || !take_number(&at, 10, ' ', &map.inode))
		return rs_error_new(RS_EBAD,
				    "%s: cannot parse this line of "
				    "/proc/PID/maps: \"%s\"",
				    target->name, line);
	at += strspn(at, " ");
	map.prot = (uint8_t)((perm[0] == 'r' ? PROT_READ : 0) |
			     (perm[1] == 'w' ? PROT_WRITE : 0) |
			     (perm[2] == 'x' ? PROT_EXEC : 0));
	// Pages of the kernel, which process_vm_readv() cannot read.
	if (!strncmp(at, "[vvar", 5) || !strncmp(at, "[vsyscall", 9))
		return NULL;
	return rs_maps_add(target, &map, at, strlen(at));
}

static struct rs_error *read_maps(struct rs_target *target)
{
	FILE *maps = rs_live_file(target, "maps");
	RS_AUTO_FREE char *line = NULL;
	struct rs_error *err = NULL;
	size_t cap = 0;

	if (!maps)
		return cannot(target, errno);
	errno = 0;
	while (!err && getline(&line, &cap, maps) > 0)
		err = read_map(target, line);
	const int code = errno;
	(void)fclose(maps);
	if (!err && !target->maps)
		err = code ? cannot(target, code)
			   : rs_error_new(
				     RS_EIO,
				     "%s: has no memory (it is exiting, or a kernel thread)",
				     target->name);
	rs_maps_seal(target);
	return err;
}

static struct rs_error *read_auxv(struct rs_target *target)
{
	FILE *file = rs_live_file(target, "auxv");
	Elf64_auxv_t auxv[RS_LIVE_AUXV];
	size_t size = 0;

	if (!file)
		return NULL;
	size = sizeof(*auxv) * fread(auxv, sizeof(*auxv), RS_LIVE_AUXV, file);
	(void)fclose(file);
	return size ? rs_target_set_auxv(target, auxv, size) : NULL;
}

/**
 * Find out which way of reading is permitted: some containers forbid
 * process_vm_readv(), but not /proc/PID/mem.
 */
static struct rs_error *choose_method(struct rs_target *target)
{
	char path[64];
	char byte;

	// Nothing was tried then: errno is of something else.
	if (!target->memory.segments)
		return rs_error_new(RS_EIO, "%s: has no readable memory",
				    target->name);
	for (size_t i = 0; i < target->memory.segments; i++)
		if (fetch(target, target->memory.segment[i].start, &byte, 1))
			return NULL;
	const int code = errno;
	(void)snprintf(path, sizeof(path), "/proc/%d/mem", (int)target->pid);
	target->mem_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (target->mem_fd < 0)
		return cannot(target, errno);
	for (size_t i = 0; i < target->memory.segments; i++)
		if (fetch(target, target->memory.segment[i].start, &byte, 1))
			return NULL;
	return cannot(target, code);
}

struct rs_error *rs_memory_open_live(pid_t pid,
				     const struct rs_memory_options *options,
				     struct rs_memory **ret)
{
	RS_AUTO_TARGET struct rs_target *target = NULL;
	struct rs_error *err = rs_target_new(&live_ops, options, &target);
	if (err)
		return err;
	char name[32];
	(void)snprintf(name, sizeof(name), "process %d", (int)pid);
	target->name = rs_target_text(target, name, strlen(name));
	if (!target->name)
		return &rs_enomem;
	if (pid <= 0)
		return rs_error_new(RS_EARGUMENT, "%s: not a process id", name);
	target->pid = pid;
	target->max_prefetch = RS_LIVE_PREFETCH;

	err = read_maps(target);
	if (err)
		return err;
	err = read_auxv(target);
	if (err)
		return err;
	err = rs_copied_reserve(target);
	if (err)
		return err;
	err = rs_target_keep_resident(target);
	if (err)
		return err;
	err = choose_method(target);
	if (err)
		return err;
	err = rs_live_threads(target);
	if (err)
		return err;
	err = rs_modules_find(target);
	if (err)
		return err;
	*ret = &((struct rs_target *)rs_take(&target))->memory;
	return NULL;
}
