// SPDX-License-Identifier: MIT
/**
 * @file
 * A kernel core of a small Python with one Node, and room for planted bytes:
 * a real core, to be spoilt.
 */
#ifndef RS_PYTHON_CORE_H
#define RS_PYTHON_CORE_H

#include "kernel_core.h"
#include "memory/memory.h"
#include "rs_check.h"
#include "runtime/cpython/cpython.h"
#include "session/session.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define RS_PYTHON "/usr/bin/python3"

struct python_core {
	char directory[32], core[64];
	uint64_t node; // the object
	uint64_t room; // 4 KiB, at a multiple of 16
	uint64_t traverse; // the slot of its type
	uint64_t type;
};

static inline void python_core_run(const struct python_core *p, int out)
{
	static const char script[] =
		"import os\n"
		"class Node(object): pass\n"
		"node = Node()\n"
		"room = b'\\xcc' * 8192\n"
		"os.write(1, ('%d %d %d\\n' % (id(node), id(Node),\n"
		"    (id(room) + 64) & -16)).encode())\n"
		"os.abort()\n";

	kernel_core_allow();
	dup2(out, 1);
	if (!chdir(p->directory))
		execl(RS_PYTHON, RS_PYTHON, "-I", "-S", "-c", script, NULL);
	_exit(127);
}

static inline void python_core_find_traverse(struct python_core *p)
{
	struct rs_session *session = NULL;

	rs_ck_ok(rs_session_open_core(p->core, NULL, &session));
	p->traverse = p->type +
		      (uint64_t)rs_py_off(rs_cpython(rs_session_runtime_named(
						  session, "cpython")),
					  RS_F__typeobject__tp_traverse);
	rs_session_close(session);
}

/** The process has ended when this returns. */
static inline void python_core_make(struct python_core *p)
{
	char line[128] = "", *end = line;
	int out[2];

	*p = (struct python_core){.directory = "/tmp/rs-planted-XXXXXX"};
	ck_assert_ptr_nonnull(mkdtemp(p->directory));
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	const pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (!pid)
		python_core_run(p, out[1]);
	close(out[1]);
	ck_assert_int_gt(read(out[0], line, sizeof(line) - 1), 0);
	close(out[0]);
	kernel_core_wait(pid, p->directory, p->core, sizeof(p->core));
	p->node = strtoull(line, &end, 10);
	p->type = strtoull(end, &end, 10);
	p->room = strtoull(end, NULL, 10);
	python_core_find_traverse(p);
}

static inline void python_core_remove(struct python_core *p)
{
	unlink(p->core);
	rmdir(p->directory);
}

/** The program header that has @p address; its own offset in @p at. */
static inline Elf64_Phdr
python_core_header(int fd, uint64_t address, uint64_t *at)
{
	Elf64_Ehdr ehdr;
	Elf64_Phdr phdr = {0};

	ck_assert_int_eq(pread(fd, &ehdr, sizeof(ehdr), 0), sizeof(ehdr));
	for (unsigned i = 0; i < ehdr.e_phnum; i++) {
		*at = ehdr.e_phoff + i * sizeof(phdr);
		ck_assert_int_eq(pread(fd, &phdr, sizeof(phdr), (off_t)*at),
				 sizeof(phdr));
		if (phdr.p_type == PT_LOAD &&
		    address - phdr.p_vaddr < phdr.p_filesz)
			return phdr;
	}
	ck_abort_msg("%#llx is not in the core", (unsigned long long)address);
}

static inline void python_core_write(const struct python_core *p,
				     uint64_t address, const void *data,
				     size_t size)
{
	const int fd = open(p->core, O_RDWR | O_CLOEXEC);
	uint64_t at = 0;
	const Elf64_Phdr phdr = python_core_header(fd, address, &at);

	at = phdr.p_offset + (address - phdr.p_vaddr);
	ck_assert_int_eq(pwrite(fd, data, size, (off_t)at), (ssize_t)size);
	close(fd);
}

/** The core then says that the memory around @p address is executable. */
static inline void
python_core_allow_execution(const struct python_core *p, uint64_t address)
{
	const int fd = open(p->core, O_RDWR | O_CLOEXEC);
	uint64_t at = 0;
	Elf64_Phdr phdr = python_core_header(fd, address, &at);

	phdr.p_flags |= PF_X;
	ck_assert_int_eq(pwrite(fd, &phdr, sizeof(phdr), (off_t)at),
			 sizeof(phdr));
	close(fd);
}

#endif /* RS_PYTHON_CORE_H */
