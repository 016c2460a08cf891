// SPDX-License-Identifier: MIT
/** @file A hashed symbol table (private). */
#ifndef RS_MEMORY_SYMBOLS_H
#define RS_MEMORY_SYMBOLS_H

#include "base/error.h"

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rs_symbols_slot {
	uint32_t hash;
	uint32_t index; // in sym, plus 1; 0: free
};

/** A zeroed struct is an empty table. */
struct rs_symbols {
	const Elf64_Sym *sym; // borrowed from a file, or owned
	size_t count;
	const char *text;
	size_t text_size; // ends with a NUL
	struct rs_symbols_slot *slot; // open addressing; mask + 1 of them
	uint32_t mask;
	void *owned; // what sym and text were copied to
};

/**
 * Index every defined symbol with an address. Of a name's several symbols the
 * first global one counts, else the first.
 * Errors: RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *
rs_symbols_index(struct rs_symbols *table, const Elf64_Sym *sym, size_t count,
		 const char *text, size_t text_size);
void rs_symbols_fini(struct rs_symbols *table);

/** @return The symbol, or NULL. */
const Elf64_Sym *
rs_symbols_find(const struct rs_symbols *table, const char *name);

struct rs_target;
struct rs_module;
struct rs_elf_image;

/** Copy and index the dynamic symbols out of the target's own memory. */
RS_MUST_CHECK struct rs_error *
rs_symbols_from_target(struct rs_target *target, const struct rs_module *module,
		       struct rs_elf_image *image);

#endif /* RS_MEMORY_SYMBOLS_H */
