// SPDX-License-Identifier: MIT
/** @file The parts of a core file (private). */
#ifndef RS_MEMORY_COREFILE_H
#define RS_MEMORY_COREFILE_H

#include "memory/elf/libelf.h"
#include "memory/target.h"

/** A PT_LOAD program header of the core. */
struct rs_load {
	uint64_t start, end; // p_vaddr, p_vaddr + p_memsz
	// p_vaddr + p_filesz. What the core should contain ends here; it may
	// contain less if it is truncated.
	uint64_t dumped;
	uint8_t prot; // PROT_READ | PROT_WRITE | PROT_EXEC
};

/**
 * Read threads, mapped files and the auxiliary vector from the notes in
 * @p data. Stops at a note that is truncated. Errors: RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *
rs_notes_read(struct rs_target *target, Elf_Data *data);

/** Set the protection of each mapping from the PT_LOAD that contains it:
 * NT_FILE has none. */
void rs_core_protect_maps(struct rs_target *target);

/** Add segments for the pages that the core lacks and that the files of the
 * modules contain. Errors: RS_ENOMEM; RS_EBAD (too many segments). */
RS_MUST_CHECK struct rs_error *rs_core_add_file_pages(struct rs_target *target);

#endif /* RS_MEMORY_COREFILE_H */
