// SPDX-License-Identifier: MIT
//
// ELF files are read byte by byte here, not by libelf, whose handles belong to
// the thread that reads the target.
#include "sandbox/code.h"

#include "memory/elf/modules.h"

#include <elf.h>

enum {
	RS_ALLOWED_SLOTS = 1024, // at first; a power of two
	RS_HEADERS_MAX = 4096, // program or section headers looked at
};

/** A file, and the address in question as the file was linked. */
struct rs_code_file {
	const uint8_t *data;
	uint64_t size;
	Elf64_Ehdr ehdr;
	uint64_t value;
};

// @return Bytes of the file, or NULL when they are not all in it. Aligned for
// no type.
static const uint8_t *
bytes_at(const struct rs_code_file *f, uint64_t offset, uint64_t size)
{
	return offset <= f->size && size <= f->size - offset ? f->data + offset
							     : NULL;
}

/** A table of headers, as the file header describes it. */
struct table {
	uint64_t offset;
	unsigned entries, entry_size;
};

static bool header_at(const struct rs_code_file *f, const struct table *table,
		      unsigned i, void *ret, size_t size)
{
	const uint8_t *p = i < table->entries && i < RS_HEADERS_MAX &&
					   table->entry_size == size
				   ? bytes_at(f, table->offset + i * size, size)
				   : NULL;

	if (p)
		memcpy(ret, p, size);
	return p != NULL;
}

static bool
program_header(const struct rs_code_file *f, unsigned i, Elf64_Phdr *ret)
{
	const struct table table = {f->ehdr.e_phoff, f->ehdr.e_phnum,
				    f->ehdr.e_phentsize};

	return header_at(f, &table, i, ret, sizeof(*ret));
}

static bool
section_header(const struct rs_code_file *f, unsigned i, Elf64_Shdr *ret)
{
	const struct table table = {f->ehdr.e_shoff, f->ehdr.e_shnum,
				    f->ehdr.e_shentsize};

	return header_at(f, &table, i, ret, sizeof(*ret));
}

static bool is_executable(const struct rs_code_file *f)
{
	Elf64_Phdr phdr;

	for (unsigned i = 0; program_header(f, i, &phdr); i++)
		if (phdr.p_type == PT_LOAD && (phdr.p_flags & PF_X) &&
		    f->value - phdr.p_vaddr < phdr.p_filesz)
			return true;
	return false;
}

// The sorted table of .eh_frame_hdr, as linkers write it: version 1, sdata4
// relative to the program counter, udata4, sdata4 relative to the header.
// Source: LSB core, 10.6.2.
static bool begins_frame(const struct rs_code_file *f, const Elf64_Phdr *phdr)
{
	static const uint8_t encoding[] = {1, 0x1b, 0x03, 0x3b};
	enum { RS_TABLE = 12, RS_ENTRY = 8 };
	const uint8_t *p = bytes_at(f, phdr->p_offset, phdr->p_filesz);
	uint32_t n;

	if (!p || phdr->p_filesz < RS_TABLE ||
	    memcmp(p, encoding, sizeof(encoding)) != 0)
		return false;
	memcpy(&n, p + 8, sizeof(n));
	if (n > (phdr->p_filesz - RS_TABLE) / RS_ENTRY)
		return false;
	for (uint32_t low = 0, high = n; low < high;) {
		const uint32_t middle = low + (high - low) / 2;
		int32_t at;

		memcpy(&at, p + RS_TABLE + (size_t)middle * RS_ENTRY,
		       sizeof(at));
		const uint64_t begin = phdr->p_vaddr + (uint64_t)(int64_t)at;
		if (begin == f->value)
			return true;
		if (begin < f->value)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

// A word of what the file itself initializes: a slot of a type, where no
// relocation tells (programs at fixed addresses, DT_RELR).
static bool is_in_data(const struct rs_code_file *f, const Elf64_Phdr *phdr)
{
	const uint64_t skip = -phdr->p_vaddr & 7;
	const uint8_t *p = bytes_at(f, phdr->p_offset, phdr->p_filesz);

	for (uint64_t i = skip; p && i + 8 <= phdr->p_filesz; i += 8)
		if (!memcmp(p + i, &f->value, 8))
			return true;
	return false;
}

static bool is_symbol(const struct rs_code_file *f, const Elf64_Shdr *shdr)
{
	const uint8_t *p = bytes_at(f, shdr->sh_offset, shdr->sh_size);
	Elf64_Sym sym;

	for (uint64_t i = 0; p && i + sizeof(sym) <= shdr->sh_size;
	     i += sizeof(sym)) {
		memcpy(&sym, p + i, sizeof(sym));
		if (sym.st_value == f->value && sym.st_shndx != SHN_UNDEF &&
		    (ELF64_ST_TYPE(sym.st_info) == STT_FUNC ||
		     ELF64_ST_TYPE(sym.st_info) == STT_GNU_IFUNC))
			return true;
	}
	return false;
}

static bool is_relocated(const struct rs_code_file *f, const Elf64_Shdr *shdr)
{
	const uint8_t *p = bytes_at(f, shdr->sh_offset, shdr->sh_size);
	Elf64_Rela rela;

	for (uint64_t i = 0; p && i + sizeof(rela) <= shdr->sh_size;
	     i += sizeof(rela)) {
		memcpy(&rela, p + i, sizeof(rela));
		if ((uint64_t)rela.r_addend == f->value &&
		    ELF64_R_TYPE(rela.r_info) == R_X86_64_RELATIVE)
			return true;
	}
	return false;
}

static bool begins_function(const struct rs_code_file *f)
{
	Elf64_Phdr phdr;
	Elf64_Shdr shdr;

	for (unsigned i = 0; program_header(f, i, &phdr); i++)
		if (phdr.p_type == PT_GNU_EH_FRAME && begins_frame(f, &phdr))
			return true;
	for (unsigned i = 0; section_header(f, i, &shdr); i++)
		if (((shdr.sh_type == SHT_SYMTAB ||
		      shdr.sh_type == SHT_DYNSYM) &&
		     is_symbol(f, &shdr)) ||
		    (shdr.sh_type == SHT_RELA && is_relocated(f, &shdr)))
			return true;
	for (unsigned i = 0; program_header(f, i, &phdr); i++)
		if (phdr.p_type == PT_LOAD && (phdr.p_flags & PF_W) &&
		    is_in_data(f, &phdr))
			return true;
	return false;
}

bool rs_code_is_function(const struct rs_target *target, uint64_t address)
{
	const struct rs_memory *memory = &target->memory;
	const struct rs_module *module = rs_memory_module(memory, address);
	const struct rs_file *file =
		module && module->checked
			? target->image[module - memory->module].file
			: NULL;
	struct rs_code_file f;

	if (!file || file->size < sizeof(f.ehdr))
		return false;
	f = (struct rs_code_file){.data = file->data,
				  .size = file->size,
				  .value = address - module->bias};
	memcpy(&f.ehdr, file->data, sizeof(f.ehdr));
	return is_executable(&f) && begins_function(&f);
}

static struct rs_error *grow(struct rs_process_image *image)
{
	const uint64_t slots = 2 * (image->allowed_mask + 1);
	uint64_t *table = calloc(slots, sizeof(*table));

	if (!table)
		return &rs_enomem;
	for (uint64_t i = 0; i <= image->allowed_mask; i++)
		if (image->allowed[i])
			table[rs_guest_slot(table, slots - 1,
					    image->allowed[i])] =
				image->allowed[i];
	free(image->allowed);
	image->allowed = table;
	image->allowed_mask = slots - 1;
	return NULL;
}

struct rs_error *rs_image_expect(struct rs_process_image *image,
				 const uint64_t *function, size_t n)
{
	for (size_t i = 0; image->allowed && i < n; i++) {
		const uint64_t f = function[i];
		const uint64_t slot =
			rs_guest_slot(image->allowed, image->allowed_mask, f);
		struct rs_error *err = NULL;

		if (!f || image->allowed[slot] || (i && f == function[i - 1]) ||
		    !rs_code_is_function(image->target, f))
			continue;
		image->allowed[slot] = f;
		if (2 * ++image->allowed_count > image->allowed_mask)
			err = grow(image);
		if (err)
			return err;
	}
	return NULL;
}

struct rs_error *rs_code_init(struct rs_process_image *image)
{
	if (image->options.run)
		return NULL;
	image->allowed = calloc(RS_ALLOWED_SLOTS, sizeof(*image->allowed));
	image->allowed_mask = RS_ALLOWED_SLOTS - 1;
	image->allowed_count = 0;
	return image->allowed ? NULL : &rs_enomem;
}
