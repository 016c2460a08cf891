// SPDX-License-Identifier: MIT
#include "memory/places.h"

#include "base/search.h"
#include "memory/elf/modules.h"

#include <stdlib.h>

static const struct rs_elf_image *
image_of(const struct rs_memory *memory, const struct rs_module *module)
{
	const struct rs_target *target = (const struct rs_target *)memory;

	return &target->image[module - memory->module];
}

static Elf *headers_of(const struct rs_elf_image *image)
{
	return image->elf ? image->elf : image->file ? image->file->elf : NULL;
}

// After relocation its start is read-only: it holds addresses, no references.
static void skip_read_only(Elf *elf, size_t count, GElf_Phdr *load)
{
	for (size_t i = 0; i < count && i < INT32_MAX; i++) {
		GElf_Phdr relro;

		if (!gelf_getphdr(elf, (int)i, &relro) ||
		    relro.p_type != PT_GNU_RELRO ||
		    relro.p_vaddr != load->p_vaddr ||
		    relro.p_memsz > load->p_memsz)
			continue;
		load->p_vaddr += relro.p_memsz;
		load->p_memsz -= relro.p_memsz;
		return;
	}
}

bool rs_memory_data(const struct rs_memory *memory,
		    const struct rs_module *module, unsigned index,
		    struct rs_extent *ret, uint64_t *file_end)
{
	Elf *elf = headers_of(image_of(memory, module));
	size_t count = 0;

	if (!elf || elf_getphdrnum(elf, &count))
		return false;
	for (size_t i = 0; i < count && i < INT32_MAX; i++) {
		GElf_Phdr phdr;

		if (!gelf_getphdr(elf, (int)i, &phdr) ||
		    phdr.p_type != PT_LOAD || !(phdr.p_flags & PF_W) ||
		    phdr.p_memsz > UINT64_MAX - module->bias - phdr.p_vaddr)
			continue;
		if (index--)
			continue;
		if (file_end)
			*file_end = module->bias + phdr.p_vaddr + phdr.p_filesz;
		skip_read_only(elf, count, &phdr);
		ret->start = module->bias + phdr.p_vaddr;
		ret->end = ret->start + phdr.p_memsz;
		return true;
	}
	return false;
}

static bool is_variable(const Elf64_Sym *sym)
{
	const unsigned type = ELF64_ST_TYPE(sym->st_info);

	return (type == STT_OBJECT || type == STT_NOTYPE ||
		type == STT_COMMON) &&
	       sym->st_shndx != SHN_UNDEF && sym->st_shndx != SHN_ABS &&
	       sym->st_name;
}

static int by_value(const void *a, const void *b)
{
	const Elf64_Sym *x = *(const Elf64_Sym *const *)a;
	const Elf64_Sym *y = *(const Elf64_Sym *const *)b;

	if (x->st_value != y->st_value)
		return x->st_value < y->st_value ? -1 : 1;
	return (x->st_size > y->st_size) - (x->st_size < y->st_size);
}

// Sort the variables of @p table by address, the first time.
static bool sort_variables(struct rs_symbols *table)
{
	size_t n = 0;

	if (table->by_address || !table->count)
		return table->by_address != NULL;
	table->by_address = malloc(table->count * sizeof(*table->by_address));
	if (!table->by_address)
		return false;
	for (size_t i = 0; i < table->count; i++)
		if (is_variable(&table->sym[i]) &&
		    table->sym[i].st_name < table->text_size)
			table->by_address[n++] = &table->sym[i];
	table->variables = n;
	qsort(table->by_address, n, sizeof(*table->by_address), by_value);
	return true;
}

static bool find_in(struct rs_symbols *table, uint64_t value, const char **name,
		    uint64_t *offset)
{
	if (!sort_variables(table))
		return false;
	const size_t after = RS_FIRST_INDEX(
		i, table->variables, table->by_address[i]->st_value > value);
	if (!after)
		return false;
	const Elf64_Sym *sym = table->by_address[after - 1];
	if (value - sym->st_value >= sym->st_size)
		return false;
	*name = table->text + sym->st_name;
	*offset = value - sym->st_value;
	return true;
}

bool rs_memory_symbol_at(struct rs_memory *memory,
			 const struct rs_module *module, uint64_t address,
			 const char **name, uint64_t *offset)
{
	const size_t index = (size_t)(module - memory->module);
	struct rs_symbols *full = NULL, *dynamic = NULL;

	if (rs_memory_tables(memory, index, &full, &dynamic)) {
		memory->no_memory = true;
		return false;
	}
	const uint64_t value = address - module->bias;
	return find_in(full, value, name, offset) ||
	       find_in(dynamic, value, name, offset);
}

bool rs_memory_section_at(const struct rs_memory *memory,
			  const struct rs_module *module, uint64_t address,
			  const char **name, uint64_t *offset)
{
	const struct rs_file *file = image_of(memory, module)->file;
	const uint64_t value = address - module->bias;
	Elf_Scn *scn = NULL;
	size_t strings;

	if (!file || elf_getshdrstrndx(file->elf, &strings))
		return false;
	while ((scn = elf_nextscn(file->elf, scn))) {
		GElf_Shdr shdr;

		if (!gelf_getshdr(scn, &shdr) || !(shdr.sh_flags & SHF_ALLOC) ||
		    (shdr.sh_flags & SHF_TLS) || value < shdr.sh_addr ||
		    value - shdr.sh_addr >= shdr.sh_size)
			continue;
		*name = elf_strptr(file->elf, strings, shdr.sh_name);
		*offset = value - shdr.sh_addr;
		return *name != NULL;
	}
	return false;
}

uint64_t rs_memory_tls_size(const struct rs_memory *memory,
			    const struct rs_module *module)
{
	Elf *elf = headers_of(image_of(memory, module));
	size_t count = 0;

	if (!elf || elf_getphdrnum(elf, &count))
		return 0;
	for (size_t i = 0; i < count && i < INT32_MAX; i++) {
		GElf_Phdr phdr;

		if (!gelf_getphdr(elf, (int)i, &phdr) ||
		    phdr.p_type != PT_TLS || phdr.p_memsz > INT32_MAX ||
		    phdr.p_align > INT32_MAX)
			continue;
		return phdr.p_align ? (phdr.p_memsz + phdr.p_align - 1) /
					      phdr.p_align * phdr.p_align
				    : phdr.p_memsz;
	}
	return 0;
}

const char *rs_memory_file_at(const struct rs_memory *memory, uint64_t address)
{
	const struct rs_target *target = (const struct rs_target *)memory;
	const size_t found =
		RS_FIRST_INDEX(i, target->maps, target->map[i].end > address);

	return found < target->maps && target->map[found].start <= address
		       ? target->map[found].path
		       : NULL;
}

bool rs_memory_next_file(const struct rs_memory *memory, uint64_t address,
			 struct rs_extent *ret)
{
	const struct rs_target *target = (const struct rs_target *)memory;
	size_t i =
		RS_FIRST_INDEX(k, target->maps, target->map[k].end > address);

	while (i < target->maps && !target->map[i].path)
		i++;
	if (i == target->maps)
		return false;
	*ret = (struct rs_extent){target->map[i].start, target->map[i].end};
	return true;
}
