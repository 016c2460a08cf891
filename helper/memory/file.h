// SPDX-License-Identifier: MIT
/** @file An ELF file on disk, mapped (private). */
#ifndef RS_MEMORY_FILE_H
#define RS_MEMORY_FILE_H

#include "memory/libelf.h"

#include <sys/stat.h>

struct rs_file {
	char *path; // owned
	uint8_t *data; // owned mapping; read-only
	size_t size;
	Elf *elf; // owned; NULL when the file is no ELF that we read
	GElf_Ehdr ehdr;
	struct rs_buildid id;
	struct stat stat;
};

/** Map a whole file. Errors: RS_EIO; RS_EBAD (empty, no regular file). */
RS_MUST_CHECK struct rs_error *
rs_file_map(const char *path, uint8_t **data, struct stat *stat_ret);

/** Errors: as rs_file_map() and rs_elf_open(). */
RS_MUST_CHECK struct rs_error *
rs_file_open(const char *path, struct rs_file **ret);
/** NULL is allowed. */
void rs_file_close(struct rs_file *file);

#endif /* RS_MEMORY_FILE_H */
