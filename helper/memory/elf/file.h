// SPDX-License-Identifier: MIT
/** @file An ELF file on disk, mapped (private). */
#ifndef RS_MEMORY_FILE_H
#define RS_MEMORY_FILE_H

#include "memory/elf/libelf.h"

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

/**
 * Map a whole file, and watch that it stays (sigbus_guard.h).
 *
 * @param[out] fd_ret The file, still open; may be NULL.
 * Errors: RS_EIO; RS_EBAD (empty, no regular file).
 */
RS_MUST_CHECK struct rs_error *rs_file_map(const char *path, uint8_t **data,
					   struct stat *stat_ret, int *fd_ret);

/** Whether the two are of one file. */
bool rs_file_is_same(const struct stat *a, const struct stat *b);

/** Whether that file, one and the same, was written to in between. */
bool rs_file_is_rewritten(const struct stat *a, const struct stat *b);

/** What rs_file_map() gave. NULL is allowed. */
void rs_file_unmap(uint8_t *data, size_t size);

/** Errors: as rs_file_map() and rs_elf_open(). */
RS_MUST_CHECK struct rs_error *
rs_file_open(const char *path, struct rs_file **ret);
/** NULL is allowed. */
void rs_file_close(struct rs_file *file);

#endif /* RS_MEMORY_FILE_H */
