// SPDX-License-Identifier: MIT
#include "memory/elf/libelf.h"

#include "base/cleanup.h"

struct rs_error *rs_error_libelf(const char *what)
{
	// Reading the code clears it, and some failures set none.
	const int code = elf_errno();

	return rs_error_new(RS_EBAD, "%s: %s", what,
			    code ? elf_errmsg(code) : "unknown libelf failure");
}

static struct rs_error *check_machine(const GElf_Ehdr *ehdr, const char *name)
{
	if (ehdr->e_ident[EI_CLASS] != ELFCLASS64)
		return rs_error_new(
			RS_EUNSUPPORTED,
			"%s: of a 32-bit program; only 64-bit ones are supported",
			name);
	if (ehdr->e_ident[EI_DATA] != ELFDATA2LSB)
		return rs_error_new(
			RS_EUNSUPPORTED,
			"%s: of a big-endian machine; only little-endian ones are supported",
			name);
	if (ehdr->e_machine != EM_X86_64 && ehdr->e_machine != EM_AARCH64)
		return rs_error_new(
			RS_EUNSUPPORTED,
			"%s: ELF machine %u; only x86-64 (%u) and aarch64 (%u) are supported",
			name, (unsigned)ehdr->e_machine, EM_X86_64, EM_AARCH64);
	return NULL;
}

struct rs_error *rs_elf_open(void *data, size_t size, const char *name,
			     Elf **ret, GElf_Ehdr *ehdr_ret)
{
	GElf_Ehdr ehdr;

	if (size < SELFMAG || memcmp(data, ELFMAG, SELFMAG) != 0)
		return rs_error_new(RS_EBAD, "%s: not an ELF file", name);
	if (size < sizeof(Elf64_Ehdr))
		return rs_error_new(RS_EBAD, "%s: its ELF header is truncated",
				    name);
	RS_CLEANUP(rs_cleanup_elf)
	Elf *elf = elf_memory(data, size);
	if (!elf)
		return rs_error_libelf(name);
	if (elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &ehdr))
		return rs_error_new(RS_EBAD, "%s: its ELF header is damaged",
				    name);
	struct rs_error *err = check_machine(&ehdr, name);
	if (err)
		return err;
	*ehdr_ret = ehdr;
	*ret = rs_take(&elf);
	return NULL;
}
