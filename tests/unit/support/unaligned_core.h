// SPDX-License-Identifier: MIT
/** @file A kernel core laid out as GDB lays out its own. */
#ifndef RS_UNALIGNED_CORE_H
#define RS_UNALIGNED_CORE_H

#include "rs_check.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RS_UNALIGNED_SHIFT = 0x3b8 };

static inline void unaligned_core_shift(uint8_t *core, uint64_t first)
{
	const Elf64_Ehdr *ehdr = (const void *)core;
	Elf64_Phdr *phdr = (void *)(core + ehdr->e_phoff);

	for (unsigned i = 0; i < ehdr->e_phnum; i++)
		if (phdr[i].p_offset >= first)
			phdr[i].p_offset += RS_UNALIGNED_SHIFT;
}

/** Rewrite the file: what it has of memory is at no multiple of a page. */
static inline void unaligned_core_make(const char *path)
{
	const uint64_t gap = RS_UNALIGNED_SHIFT;
	const int fd = open(path, O_RDWR | O_CLOEXEC);
	struct stat st;

	ck_assert_int_eq(fstat(fd, &st), 0);
	const uint64_t size = (uint64_t)st.st_size;
	ck_assert_int_eq(ftruncate(fd, (off_t)(size + gap)), 0);
	uint8_t *core = mmap(NULL, size + gap, PROT_READ | PROT_WRITE,
			     MAP_SHARED, fd, 0);
	ck_assert(core != MAP_FAILED);
	const Elf64_Ehdr *ehdr = (const void *)core;
	const Elf64_Phdr *phdr = (const void *)(core + ehdr->e_phoff);
	uint64_t first = size;
	for (unsigned i = 0; i < ehdr->e_phnum; i++)
		if (phdr[i].p_type == PT_LOAD && phdr[i].p_filesz &&
		    phdr[i].p_offset < first)
			first = phdr[i].p_offset;
	ck_assert_uint_lt(first, size);
	unaligned_core_shift(core, first);
	memmove(core + first + gap, core + first, size - first);
	munmap(core, size + gap);
	close(fd);
}

/** What the core has of memory around @p address becomes the file's end. */
static inline void unaligned_core_put_last(const char *path, uint64_t address)
{
	const int fd = open(path, O_RDWR | O_CLOEXEC);
	struct stat st;
	Elf64_Ehdr ehdr;
	Elf64_Phdr phdr = {0};
	off_t at = 0;

	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(pread(fd, &ehdr, sizeof(ehdr), 0), sizeof(ehdr));
	for (unsigned i = 0; i < ehdr.e_phnum; i++) {
		at = (off_t)(ehdr.e_phoff + i * sizeof(phdr));
		ck_assert_int_eq(pread(fd, &phdr, sizeof(phdr), at),
				 sizeof(phdr));
		if (phdr.p_type == PT_LOAD &&
		    address - phdr.p_vaddr < phdr.p_filesz)
			break;
	}
	ck_assert_uint_lt(address - phdr.p_vaddr, phdr.p_filesz);
	void *bytes = malloc(phdr.p_filesz);
	const ssize_t size = (ssize_t)phdr.p_filesz;
	ck_assert_ptr_nonnull(bytes);
	ck_assert_int_eq(pread(fd, bytes, phdr.p_filesz, (off_t)phdr.p_offset),
			 size);
	ck_assert_int_eq(pwrite(fd, bytes, phdr.p_filesz, st.st_size), size);
	free(bytes);
	phdr.p_offset = (uint64_t)st.st_size;
	ck_assert_int_eq(pwrite(fd, &phdr, sizeof(phdr), at), sizeof(phdr));
	close(fd);
}

#endif /* RS_UNALIGNED_CORE_H */
