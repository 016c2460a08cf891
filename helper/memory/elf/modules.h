// SPDX-License-Identifier: MIT
/** @file ELF images among the mapped files (private). */
#ifndef RS_MEMORY_MODULES_H
#define RS_MEMORY_MODULES_H

#include "memory/elf/file.h"
#include "memory/elf/symbols.h"
#include "memory/target.h"

/** What is known of an image beside struct rs_module; same index. */
struct rs_elf_image {
	uint64_t offset; // of the lowest mapping, in the file
	uint64_t inode; // 0 when unknown
	uint64_t low_size; // of the lowest mapping
	bool deleted;
	bool is_exec; // has a mapping with PROT_EXEC
	bool is_main; // the kernel started it
	Elf *elf; // the target's own headers, or NULL; owned
	uint8_t *headers; // bytes behind elf; owned
	GElf_Ehdr ehdr; // of elf
	struct rs_buildid id; // the target's; size 0 when not known
	const struct rs_file *file; // on disk, or NULL; borrowed
	struct rs_symbols dynamic, full;
	bool dynamic_tried, full_tried;
};

/**
 * Find the images, where each is on disk, and whether it is the same build.
 * What is wrong goes to problem[]. Errors: RS_ENOMEM; RS_EUNSUPPORTED (a
 * program of 32 bits).
 */
RS_MUST_CHECK struct rs_error *rs_modules_find(struct rs_target *target);

void rs_images_free(struct rs_target *target);

/**
 * Read the ELF header, program headers and notes at @p start, in the target,
 * into a small ELF file of their own.
 *
 * @param[out] ret image->elf, headers, ehdr and id; untouched when there is
 *             no readable ELF header (no error).
 */
RS_MUST_CHECK struct rs_error *rs_headers_read(struct rs_target *target,
					       uint64_t start,
					       struct rs_elf_image *ret);

/** Find the file of image @p index on this machine, and check it. */
RS_MUST_CHECK struct rs_error *
rs_locate(struct rs_target *target, size_t index);

/** Say so when options.exec is none of the images. */
RS_MUST_CHECK struct rs_error *rs_locate_check_exec(struct rs_target *target);

#endif /* RS_MEMORY_MODULES_H */
