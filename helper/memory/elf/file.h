// SPDX-License-Identifier: MIT
/** @file An ELF file on disk, mapped (private). */
#ifndef RS_MEMORY_FILE_H
#define RS_MEMORY_FILE_H

#include "memory/elf/libelf.h"

#include <sys/stat.h>

struct rs_file {
	char *path; // owned
	uint8_t *data; // owned mapping; read-only
	size_t size; // bytes
	Elf *elf; // owned
	GElf_Ehdr ehdr;
	struct rs_buildid id;
	struct stat stat; // when it was opened
};

/**
 * Map a whole file read-only and guard the mapping (sigbus_guard.h).
 *
 * @param[out] data To be unmapped by rs_file_unmap().
 * @param[out] fd_ret The open file, for the caller to close. May be NULL.
 * Errors: RS_ENOMEM; RS_EIO; RS_EBAD (empty, not a regular file).
 */
RS_MUST_CHECK struct rs_error *rs_file_map(const char *path, uint8_t **data,
					   struct stat *stat_ret, int *fd_ret);

/** Whether @p a and @p b describe the same file. */
bool rs_file_is_same(const struct stat *a, const struct stat *b);

/** Whether a file was written to between @p a and @p b. */
bool rs_file_is_rewritten(const struct stat *a, const struct stat *b);

/** Unmap a result of rs_file_map(). NULL is allowed. */
void rs_file_unmap(uint8_t *data, size_t size);

/**
 * Map an ELF file and read its headers.
 * @param[out] ret To be closed by rs_file_close().
 * Errors: as rs_file_map() and rs_elf_open().
 */
RS_MUST_CHECK struct rs_error *
rs_file_open(const char *path, struct rs_file **ret);
/** NULL is allowed. */
void rs_file_close(struct rs_file *file);

#endif /* RS_MEMORY_FILE_H */
