// SPDX-License-Identifier: MIT
#include "memory/elf/symbols.h"

#include "base/cleanup.h"

#include <stdlib.h>

enum { RS_MAX_SYMBOLS = 1 << 30 }; // a table of 24 GiB in a file on disk

// Seeded, so that nobody can write a file whose names all have one hash: each
// look-up would then pass over all of them. The seed differs with each process
// (the address of a function, which the kernel chooses).
static uint32_t hash_of(const char *name)
{
	uint64_t h = (uintptr_t)&rs_symbols_fini * UINT64_C(0x9e3779b97f4a7c15);

	for (; *name; name++) {
		h = (h ^ (unsigned char)*name) * UINT64_C(0xff51afd7ed558ccd);
		h ^= h >> 32;
	}
	return (uint32_t)h;
}

static bool is_defined(const Elf64_Sym *sym, size_t text_size)
{
	const unsigned type = ELF64_ST_TYPE(sym->st_info);

	// The value of a thread-local or absolute symbol is not an address.
	return sym->st_name && sym->st_name < text_size &&
	       sym->st_shndx != SHN_UNDEF && sym->st_shndx != SHN_ABS &&
	       sym->st_shndx != SHN_COMMON && type != STT_TLS &&
	       type != STT_SECTION && type != STT_FILE;
}

/** The slot of @p name, or the free one where it belongs. */
static struct rs_symbols_slot *
slot_of(const struct rs_symbols *table, const char *name, uint32_t hash)
{
	uint32_t i = hash & table->mask;

	// At least half of the slots are free, so this ends.
	while (table->slot[i].index) {
		const Elf64_Sym *sym = &table->sym[table->slot[i].index - 1];
		if (table->slot[i].hash == hash &&
		    !strcmp(table->text + sym->st_name, name))
			break;
		i = (i + 1) & table->mask;
	}
	return &table->slot[i];
}

static void insert(struct rs_symbols *table, uint32_t index)
{
	const Elf64_Sym *sym = &table->sym[index];
	const char *name = table->text + sym->st_name;
	const uint32_t hash = hash_of(name);
	struct rs_symbols_slot *slot = slot_of(table, name, hash);

	if (slot->index &&
	    (ELF64_ST_BIND(table->sym[slot->index - 1].st_info) != STB_LOCAL ||
	     ELF64_ST_BIND(sym->st_info) == STB_LOCAL))
		return;
	*slot = (struct rs_symbols_slot){hash, index + 1};
}

struct rs_error *rs_symbols_index(struct rs_symbols *table,
				  const Elf64_Sym *sym, size_t count,
				  const char *text, size_t text_size)
{
	size_t used = 0;
	size_t slots = 16;

	// Drop a last name that has no NUL.
	while (text_size && text[text_size - 1])
		text_size--;
	if (count > RS_MAX_SYMBOLS)
		count = RS_MAX_SYMBOLS;
	for (size_t i = 0; i < count; i++)
		used += is_defined(&sym[i], text_size);
	while (slots < 2 * used)
		slots *= 2;
	table->slot = calloc(slots, sizeof(*table->slot));
	if (!table->slot)
		return &rs_enomem;
	table->mask = (uint32_t)(slots - 1);
	table->sym = sym;
	table->count = count;
	table->text = text;
	table->text_size = text_size;
	for (size_t i = 0; i < count; i++)
		if (is_defined(&sym[i], text_size))
			insert(table, (uint32_t)i);
	return NULL;
}

void rs_symbols_fini(struct rs_symbols *table)
{
	free(table->slot);
	free(table->owned);
	free(table->by_address);
	memset(table, 0, sizeof(*table));
}

const Elf64_Sym *
rs_symbols_find(const struct rs_symbols *table, const char *name)
{
	if (!table->slot)
		return NULL;
	const struct rs_symbols_slot *slot =
		slot_of(table, name, hash_of(name));
	return slot->index ? &table->sym[slot->index - 1] : NULL;
}
