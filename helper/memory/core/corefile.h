// SPDX-License-Identifier: MIT
/** @file The parts of a core file (private). */
#ifndef RS_MEMORY_COREFILE_H
#define RS_MEMORY_COREFILE_H

#include "memory/elf/libelf.h"
#include "memory/target.h"

/** A PT_LOAD as the core declares it. */
struct rs_load {
	uint64_t start, end; // in memory
	uint64_t dumped; // one past the last address that was to be dumped
	uint8_t prot;
};

/**
 * Take threads, mapped files and the auxiliary vector from the notes in
 * @p data. A torn note ends it.
 */
RS_MUST_CHECK struct rs_error *
rs_notes_read(struct rs_target *target, Elf_Data *data);

/** Give each mapping the protection of the PT_LOAD that it lies in. */
void rs_core_protect_maps(struct rs_target *target);

/** Fill in from files on disk what the core of @p target lacks. */
RS_MUST_CHECK struct rs_error *rs_fill(struct rs_target *target);

#endif /* RS_MEMORY_COREFILE_H */
