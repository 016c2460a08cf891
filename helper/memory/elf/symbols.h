// SPDX-License-Identifier: MIT
/** @file A hash index of an ELF symbol table (private). */
#ifndef RS_MEMORY_SYMBOLS_H
#define RS_MEMORY_SYMBOLS_H

#include "base/error.h"

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rs_symbols_slot {
	uint32_t hash;
	uint32_t index; // 1 + index in sym; 0: free
};

/** A zeroed struct is an empty table. */
struct rs_symbols {
	const Elf64_Sym *sym; // [count] in a mapped file, or in owned
	size_t count;
	const char *text; // [text_size] the names; the last byte is a NUL
	size_t text_size;
	struct rs_symbols_slot *slot; // [mask + 1] open addressing; owned
	uint32_t mask;
	void *owned; // copies of sym and text, or NULL
	// [variables] sorted by address, owned; NULL until wanted.
	const Elf64_Sym **by_address;
	size_t variables;
};

/**
 * Index the symbols that are defined and have an address. Among symbols of the
 * same name the first global one is used, or the first if none is global.
 *
 * @param sym, text Borrowed; need not be valid: names beyond @p text_size are
 *        left out.
 * Errors: RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *
rs_symbols_index(struct rs_symbols *table, const Elf64_Sym *sym, size_t count,
		 const char *text, size_t text_size);
void rs_symbols_fini(struct rs_symbols *table);

/** @return The symbol called @p name, or NULL. */
const Elf64_Sym *
rs_symbols_find(const struct rs_symbols *table, const char *name);

struct rs_memory;
struct rs_target;
struct rs_module;
struct rs_elf_image;

/**
 * Both tables of module @p index, read the first time; empty when it has none.
 * Errors: RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *
rs_memory_tables(struct rs_memory *memory, size_t index,
		 struct rs_symbols **full, struct rs_symbols **dynamic);

/** Copy the dynamic symbols of @p module from the target's memory, and index
 * them in image->dynamic. Errors: RS_ENOMEM; none if they cannot be read. */
RS_MUST_CHECK struct rs_error *
rs_symbols_from_target(struct rs_target *target, const struct rs_module *module,
		       struct rs_elf_image *image);

#endif /* RS_MEMORY_SYMBOLS_H */
