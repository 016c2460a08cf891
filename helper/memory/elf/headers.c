// SPDX-License-Identifier: MIT
#include "memory/elf/modules.h"

#include <stdlib.h>

enum {
	RS_MAX_NOTES = 16 << 10, // bytes, of one header
};

/** The address of file offset 0 according to the first PT_LOAD, without the
 * bias. */
static uint64_t base_of(const Elf64_Phdr *phdr, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (phdr[i].p_type == PT_LOAD)
			return phdr[i].p_vaddr - phdr[i].p_offset;
	return 0;
}

/** Bytes that the notes of @p phdr take in our copy. */
static size_t note_room(const Elf64_Phdr *phdr)
{
	if (phdr->p_type != PT_NOTE || phdr->p_filesz > RS_MAX_NOTES)
		return 0;
	return (phdr->p_filesz + 7) & ~(size_t)7;
}

/** Append the notes that @p phdr describes to @p buf and change its offset
 * accordingly, or drop it when they cannot be read. */
static void take_notes(struct rs_target *target, uint64_t bias,
		       Elf64_Phdr *phdr, uint8_t *buf, size_t *used)
{
	const uint64_t size = phdr->p_filesz;

	if (size <= RS_MAX_NOTES &&
	    rs_target_peek(target, bias + phdr->p_vaddr, buf + *used, size)) {
		phdr->p_offset = *used;
		*used += note_room(phdr);
	} else {
		phdr->p_type = PT_NULL;
	}
}

struct rs_error *rs_headers_read(struct rs_target *target, uint64_t start,
				 struct rs_elf_image *ret)
{
	Elf64_Ehdr ehdr;

	if (!rs_target_peek(target, start, &ehdr, sizeof(ehdr)) ||
	    memcmp(ehdr.e_ident, ELFMAG, SELFMAG) != 0)
		return NULL;
	if (ehdr.e_ident[EI_CLASS] == ELFCLASS64 &&
	    ehdr.e_phentsize != sizeof(Elf64_Phdr))
		return NULL;

	const size_t count =
		ehdr.e_ident[EI_CLASS] == ELFCLASS64 ? ehdr.e_phnum : 0;
	size_t used = sizeof(ehdr) + count * sizeof(Elf64_Phdr);
	RS_AUTO_FREE Elf64_Phdr *header = malloc(used);
	if (!header)
		return &rs_enomem;
	if (count && (ehdr.e_phoff > UINT64_MAX - start ||
		      !rs_target_peek(target, start + ehdr.e_phoff, header,
				      count * sizeof(*header))))
		return NULL;

	size_t room = used;
	for (size_t i = 0; i < count; i++)
		room += note_room(&header[i]);
	RS_AUTO_FREE uint8_t *buf = calloc(1, room);
	if (!buf)
		return &rs_enomem;
	Elf64_Phdr *phdr = (Elf64_Phdr *)(void *)(buf + sizeof(ehdr));
	memcpy(phdr, header, count * sizeof(*header));

	const uint64_t bias = start - base_of(phdr, count);
	for (size_t i = 0; i < count; i++)
		if (phdr[i].p_type == PT_NOTE)
			take_notes(target, bias, &phdr[i], buf, &used);
	ehdr.e_phoff = sizeof(ehdr);
	ehdr.e_phnum = (Elf64_Half)count;
	ehdr.e_shoff = 0;
	ehdr.e_shnum = 0;
	ehdr.e_shstrndx = 0;
	memcpy(buf, &ehdr, sizeof(ehdr));
	struct rs_error *err =
		rs_elf_open(buf, used, target->name, &ret->elf, &ret->ehdr);
	if (err)
		return err;
	rs_buildid_read(ret->elf, &ret->id);
	ret->headers = rs_take(&buf);
	return NULL;
}
