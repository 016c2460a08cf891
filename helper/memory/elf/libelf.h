// SPDX-License-Identifier: MIT
/** @file Opening ELF files with libelf, and their build-ids (private). */
#ifndef RS_MEMORY_LIBELF_H
#define RS_MEMORY_LIBELF_H

#include "base/error.h"

#include <gelf.h>
#include <stdbool.h>

enum { RS_MAX_ID = 64 }; // bytes of a build-id; the usual SHA-1 has 20

/** The build-id of an ELF file; size 0 when it has none. */
struct rs_buildid {
	uint8_t size;
	uint8_t byte[RS_MAX_ID];
};

/** A build-id in hexadecimal. */
struct rs_buildid_text {
	char text[2 * RS_MAX_ID + 1];
};

/** @return libelf's last error in this thread, as one about @p what: RS_EBAD,
 * for the caller to free. */
RS_MUST_CHECK struct rs_error *rs_error_libelf(const char *what);

/**
 * Open an ELF file that is in memory.
 *
 * @param data Must outlive @p ret; is not written to.
 * @param name For messages.
 * @param[out] ret To be freed by elf_end().
 * Errors: RS_EBAD (not an ELF file, damaged headers); RS_EUNSUPPORTED (32-bit,
 * big-endian, neither x86-64 nor aarch64).
 */
RS_MUST_CHECK struct rs_error *rs_elf_open(void *data, size_t size,
					   const char *name, Elf **ret,
					   GElf_Ehdr *ehdr_ret);

/** Scope guard: elf_end(), which allows NULL. */
static inline void rs_cleanup_elf(Elf **slot)
{
	elf_end(*slot);
}

/** Read the build-id from the notes of @p elf; size 0 when there is none or it
 * cannot be read. */
void rs_buildid_read(Elf *elf, struct rs_buildid *ret);

/** Whether they are the same; two that are not known are. */
bool rs_buildid_equal(const struct rs_buildid *a, const struct rs_buildid *b);

/** @return @p id in lower-case hexadecimal, or "none". */
struct rs_buildid_text rs_buildid_text(const struct rs_buildid *id);

#endif /* RS_MEMORY_LIBELF_H */
