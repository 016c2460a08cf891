// SPDX-License-Identifier: MIT
/** @file Executables and libraries among the mapped files. For helper/memory
 * and helper/sandbox. */
#ifndef RS_MEMORY_MODULES_H
#define RS_MEMORY_MODULES_H

#include "memory/elf/file.h"
#include "memory/elf/symbols.h"
#include "memory/target.h"

/** The private part of the struct rs_module with the same index. */
struct rs_elf_image {
	uint64_t offset; // in the file, of the mapping with the lowest address
	uint64_t inode; // 0 when unknown
	uint64_t low_size; // bytes of the mapping with the lowest address
	bool deleted; // the file has been removed or replaced
	bool is_exec; // has a mapping with PROT_EXEC
	bool is_main; // the executable that the kernel started
	Elf *elf; // the headers in the target's memory, or NULL; owned
	uint8_t *headers; // the bytes that elf reads; owned
	GElf_Ehdr ehdr; // of elf
	struct rs_buildid id; // in the target; size 0 when not known
	const struct rs_file *file; // on disk, or NULL; borrowed
	struct rs_symbols dynamic, full; // .dynsym, .symtab
	bool dynamic_tried, full_tried; // they need not be read again
};

/**
 * Find the modules, the file of each on this machine, and whether it is the
 * same build. Files that are missing or differ go to problem[].
 * Errors: RS_ENOMEM; RS_EUNSUPPORTED (a 32-bit program).
 */
RS_MUST_CHECK struct rs_error *rs_modules_find(struct rs_target *target);

void rs_images_free(struct rs_target *target);

/**
 * Copy the ELF header, program headers and notes at address @p start of the
 * target into a small ELF file in memory.
 *
 * @param[out] ret Sets elf, headers, ehdr and id; unchanged when there is no
 *             readable ELF header (not an error).
 * Errors: RS_ENOMEM; as rs_elf_open().
 */
RS_MUST_CHECK struct rs_error *rs_headers_read(struct rs_target *target,
					       uint64_t start,
					       struct rs_elf_image *ret);

/** Find the file of module @p index on this machine, and check that it is the
 * same build. What is wrong goes to problem[]. Errors: RS_ENOMEM. */
RS_MUST_CHECK struct rs_error *
rs_locate(struct rs_target *target, size_t index);

/** Add to problem[] when options.exec is not one of the modules. Errors:
 * RS_ENOMEM. */
RS_MUST_CHECK struct rs_error *rs_locate_check_exec(struct rs_target *target);

#endif /* RS_MEMORY_MODULES_H */
