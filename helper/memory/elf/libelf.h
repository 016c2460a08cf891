// SPDX-License-Identifier: MIT
/** @file Where libelf's results and failures become ours (private). */
#ifndef RS_MEMORY_LIBELF_H
#define RS_MEMORY_LIBELF_H

#include "base/error.h"

#include <gelf.h>
#include <stdbool.h>

enum { RS_MAX_ID = 64 }; // bytes of a build-id; the usual SHA-1 has 20

/** The build-id of an ELF image; size 0 when it has none. */
struct rs_buildid {
	uint8_t size;
	uint8_t byte[RS_MAX_ID];
};

/** Room for a build-id in hexadecimal, with NUL. */
struct rs_buildid_text {
	char text[2 * RS_MAX_ID + 1];
};

/** @return What libelf last failed at, as an error about @p what. */
RS_MUST_CHECK struct rs_error *rs_error_libelf(const char *what);

/**
 * Let libelf read an ELF file in memory. @p data must outlive @p ret and is
 * not written to.
 *
 * Errors: RS_EBAD (not an ELF, torn headers); RS_EUNSUPPORTED (32 bits, other
 * byte order, other machine than x86-64 and aarch64). Free with elf_end().
 */
RS_MUST_CHECK struct rs_error *rs_elf_open(void *data, size_t size,
					   const char *name, Elf **ret,
					   GElf_Ehdr *ehdr_ret);

/** Guard: elf_end(), which takes NULL. */
static inline void rs_cleanup_elf(Elf **slot)
{
	elf_end(*slot);
}

/** The build-id in the notes of @p elf; size 0 when there is none to be read.
 */
void rs_buildid_read(Elf *elf, struct rs_buildid *ret);

bool rs_buildid_equal(const struct rs_buildid *a, const struct rs_buildid *b);

/** Lower-case hexadecimal, or "none". */
struct rs_buildid_text rs_buildid_text(const struct rs_buildid *id);

#endif /* RS_MEMORY_LIBELF_H */
