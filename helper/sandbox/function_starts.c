// SPDX-License-Identifier: MIT
//
// ELF files are read byte by byte here, not by libelf, whose handles belong to
// the thread that reads the target.
#include "sandbox/function_starts.h"

#include "base/search.h"

#include <elf.h>

enum {
	RS_HEADERS_MAX = 4096, // program or section headers looked at
	RS_FRAMES_TABLE = 12, // offset of the table in .eh_frame_hdr
	RS_FRAMES_ENTRY = 8, // bytes of one of it
	RS_FRAME_BEGIN = 8, // offset in an entry of .eh_frame
	RS_FRAME_SIZE = 12,
};

/** A file that is read. */
struct rs_elf_bytes {
	const uint8_t *data;
	uint64_t size;
	Elf64_Ehdr ehdr;
};

// @return Bytes of the file, or NULL when they are not all in it. Aligned for
// no type.
static const uint8_t *
bytes_at(const struct rs_elf_bytes *f, uint64_t offset, uint64_t size)
{
	return offset <= f->size && size <= f->size - offset ? f->data + offset
							     : NULL;
}

/** A table of headers, as the file header describes it. */
struct rs_header_table {
	uint64_t offset;
	unsigned entries, entry_size;
};

static bool header_at(const struct rs_elf_bytes *f,
		      const struct rs_header_table *table, unsigned i,
		      void *ret, size_t size)
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
program_header(const struct rs_elf_bytes *f, unsigned i, Elf64_Phdr *ret)
{
	const struct rs_header_table table = {f->ehdr.e_phoff, f->ehdr.e_phnum,
					      f->ehdr.e_phentsize};

	return header_at(f, &table, i, ret, sizeof(*ret));
}

static bool
section_header(const struct rs_elf_bytes *f, unsigned i, Elf64_Shdr *ret)
{
	const struct rs_header_table table = {f->ehdr.e_shoff, f->ehdr.e_shnum,
					      f->ehdr.e_shentsize};

	return header_at(f, &table, i, ret, sizeof(*ret));
}

static bool is_executable(const struct rs_elf_bytes *f, uint64_t value)
{
	Elf64_Phdr phdr;

	for (unsigned i = 0; program_header(f, i, &phdr); i++)
		if (phdr.p_type == PT_LOAD && (phdr.p_flags & PF_X) &&
		    value - phdr.p_vaddr < phdr.p_filesz)
			return true;
	return false;
}

/** How an address lies to the functions that .eh_frame describes. */
enum rs_frame_place {
	RS_FRAME_NONE, // in none of them
	RS_FRAME_BEGINS,
	RS_FRAME_WITHIN,
};

// Bytes of the function that begins at @p begin, from its entry in .eh_frame;
// 0: the entry has another form. In the usual one both fields have four bytes,
// and the begin is relative to its own place. Source: LSB core, 10.6.1.
static uint64_t size_of_frame(const struct rs_elf_bytes *f,
			      const Elf64_Phdr *phdr, int32_t entry,
			      uint64_t begin)
{
	const uint64_t delta = (uint64_t)(int64_t)entry;
	const uint8_t *p = bytes_at(f, phdr->p_offset + delta + RS_FRAME_BEGIN,
				    RS_FRAME_SIZE - RS_FRAME_BEGIN + 4);
	int32_t at;
	uint32_t size;

	if (!p)
		return 0;
	memcpy(&at, p, sizeof(at));
	memcpy(&size, p + sizeof(at), sizeof(size));
	return phdr->p_vaddr + delta + RS_FRAME_BEGIN + (uint64_t)(int64_t)at ==
			       begin
		       ? size
		       : 0;
}

// The sorted table of .eh_frame_hdr, as linkers write it: version 1, sdata4
// relative to the program counter, udata4, sdata4 relative to the header.
// Source: LSB core, 10.6.2. @return how many entries; 0: there is no such one.
static uint32_t frames_of(const struct rs_elf_bytes *f, const Elf64_Phdr *phdr)
{
	static const uint8_t encoding[] = {1, 0x1b, 0x03, 0x3b};
	const uint8_t *p = bytes_at(f, phdr->p_offset, phdr->p_filesz);
	uint32_t n;

	if (!p || phdr->p_filesz < RS_FRAMES_TABLE ||
	    memcmp(p, encoding, sizeof(encoding)) != 0)
		return 0;
	memcpy(&n, p + 8, sizeof(n));
	return n <= (phdr->p_filesz - RS_FRAMES_TABLE) / RS_FRAMES_ENTRY ? n
									 : 0;
}

static enum rs_frame_place
place_in(const struct rs_elf_bytes *f, const Elf64_Phdr *phdr, uint64_t value)
{
	const uint8_t *table =
		f->data + phdr->p_offset + RS_FRAMES_TABLE; // if there are any
	int32_t entry[2]; // begin and entry of .eh_frame, by the header
	uint32_t low = 0;

	for (uint32_t high = frames_of(f, phdr); low < high;) {
		const uint32_t middle = low + (high - low) / 2;

		memcpy(entry, table + (size_t)middle * RS_FRAMES_ENTRY,
		       sizeof(entry));
		if (phdr->p_vaddr + (uint64_t)(int64_t)entry[0] <= value)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return RS_FRAME_NONE;
	memcpy(entry, table + (size_t)(low - 1) * RS_FRAMES_ENTRY,
	       sizeof(entry));
	const uint64_t begin = phdr->p_vaddr + (uint64_t)(int64_t)entry[0];
	if (begin == value)
		return RS_FRAME_BEGINS;
	return value - begin < size_of_frame(f, phdr, entry[1], begin)
		       ? RS_FRAME_WITHIN
		       : RS_FRAME_NONE;
}

static enum rs_frame_place
place_of(const struct rs_elf_bytes *f, uint64_t value)
{
	enum rs_frame_place place = RS_FRAME_NONE;
	Elf64_Phdr phdr;

	for (unsigned i = 0; !place && program_header(f, i, &phdr); i++)
		if (phdr.p_type == PT_GNU_EH_FRAME)
			place = place_in(f, &phdr, value);
	return place;
}

static bool add(struct rs_vec *start, uint64_t value)
{
	uint64_t *slot = rs_vec_push(start, sizeof(*slot));

	if (slot)
		*slot = value;
	return slot != NULL;
}

// What the file points at need not be a function: tables of labels within one
// are relocated too.
static bool
add_pointer(const struct rs_elf_bytes *f, struct rs_vec *start, uint64_t value)
{
	return !is_executable(f, value) || place_of(f, value) ||
	       add(start, value);
}

static bool add_symbols(const struct rs_elf_bytes *f, const Elf64_Shdr *shdr,
			struct rs_vec *start)
{
	const uint8_t *p = bytes_at(f, shdr->sh_offset, shdr->sh_size);
	Elf64_Sym sym;

	for (uint64_t i = 0; p && i + sizeof(sym) <= shdr->sh_size;
	     i += sizeof(sym)) {
		memcpy(&sym, p + i, sizeof(sym));
		if (sym.st_shndx != SHN_UNDEF &&
		    (ELF64_ST_TYPE(sym.st_info) == STT_FUNC ||
		     ELF64_ST_TYPE(sym.st_info) == STT_GNU_IFUNC) &&
		    !add(start, sym.st_value))
			return false;
	}
	return true;
}

static bool add_relocated(const struct rs_elf_bytes *f, const Elf64_Shdr *shdr,
			  struct rs_vec *start)
{
	const uint8_t *p = bytes_at(f, shdr->sh_offset, shdr->sh_size);
	Elf64_Rela rela;

	for (uint64_t i = 0; p && i + sizeof(rela) <= shdr->sh_size;
	     i += sizeof(rela)) {
		memcpy(&rela, p + i, sizeof(rela));
		if (ELF64_R_TYPE(rela.r_info) == R_X86_64_RELATIVE &&
		    !add_pointer(f, start, (uint64_t)rela.r_addend))
			return false;
	}
	return true;
}

// The words of what the file itself initializes: a slot of a type, where no
// relocation tells (programs at fixed addresses, DT_RELR).
static bool add_data(const struct rs_elf_bytes *f, const Elf64_Phdr *phdr,
		     struct rs_vec *start)
{
	const uint8_t *p = bytes_at(f, phdr->p_offset, phdr->p_filesz);
	uint64_t word;

	for (uint64_t i = -phdr->p_vaddr & 7; p && i + 8 <= phdr->p_filesz;
	     i += 8) {
		memcpy(&word, p + i, sizeof(word));
		if (!add_pointer(f, start, word))
			return false;
	}
	return true;
}

static bool list_all(const struct rs_elf_bytes *f, struct rs_vec *start)
{
	Elf64_Shdr shdr;
	Elf64_Phdr phdr;

	for (unsigned i = 0; section_header(f, i, &shdr); i++)
		if (((shdr.sh_type == SHT_SYMTAB ||
		      shdr.sh_type == SHT_DYNSYM) &&
		     !add_symbols(f, &shdr, start)) ||
		    (shdr.sh_type == SHT_RELA &&
		     !add_relocated(f, &shdr, start)))
			return false;
	for (unsigned i = 0; program_header(f, i, &phdr); i++)
		if (phdr.p_type == PT_LOAD && (phdr.p_flags & PF_W) &&
		    !add_data(f, &phdr, start))
			return false;
	rs_vec_sort_u64(start);
	return true;
}

void rs_function_starts_fini(struct rs_function_starts *starts)
{
	rs_vec_fini(&starts->start);
}

struct rs_error *rs_function_starts_at(struct rs_function_starts *starts,
				       uint64_t value, bool *ret)
{
	const struct rs_file *file = starts->file;
	struct rs_elf_bytes f = {.data = file->data, .size = file->size};

	*ret = false;
	if (file->size < sizeof(f.ehdr))
		return NULL;
	memcpy(&f.ehdr, file->data, sizeof(f.ehdr));
	if (!is_executable(&f, value))
		return NULL;
	*ret = place_of(&f, value) == RS_FRAME_BEGINS;
	if (*ret)
		return NULL;
	if (!starts->listed && !list_all(&f, &starts->start))
		return &rs_enomem;
	starts->listed = true;
	*ret = rs_vec_has_u64(&starts->start, value);
	return NULL;
}
