// SPDX-License-Identifier: MIT
#include "memory/elf/libelf.h"

#include <stdio.h>
#include <string.h>

static bool read_notes(Elf_Data *data, struct rs_buildid *ret)
{
	GElf_Nhdr nhdr;
	size_t offset = 0;
	size_t name;
	size_t desc;

	while ((offset = gelf_getnote(data, offset, &nhdr, &name, &desc)) > 0) {
		if (nhdr.n_type != NT_GNU_BUILD_ID ||
		    nhdr.n_namesz != sizeof(ELF_NOTE_GNU) ||
		    memcmp((char *)data->d_buf + name, ELF_NOTE_GNU,
			   sizeof(ELF_NOTE_GNU)) != 0 ||
		    !nhdr.n_descsz || nhdr.n_descsz > RS_MAX_ID)
			continue;
		ret->size = (uint8_t)nhdr.n_descsz;
		memcpy(ret->byte, (char *)data->d_buf + desc, nhdr.n_descsz);
		return true;
	}
	return false;
}

void rs_buildid_read(Elf *elf, struct rs_buildid *ret)
{
	size_t count;

	ret->size = 0;
	// elf_getphdrnum() may write its result and still fail.
	if (elf_getphdrnum(elf, &count))
		return;
	for (size_t i = 0; i < count && i < INT32_MAX; i++) {
		GElf_Phdr phdr;
		if (!gelf_getphdr(elf, (int)i, &phdr))
			return;
		if (phdr.p_type != PT_NOTE || phdr.p_offset > INT64_MAX)
			continue;
		Elf_Data *data = elf_getdata_rawchunk(
			elf, (int64_t)phdr.p_offset, phdr.p_filesz,
			phdr.p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
		if (data && read_notes(data, ret))
			return;
	}
}

bool rs_buildid_equal(const struct rs_buildid *a, const struct rs_buildid *b)
{
	return a->size == b->size && !memcmp(a->byte, b->byte, a->size);
}

struct rs_buildid_text rs_buildid_text(const struct rs_buildid *id)
{
	struct rs_buildid_text ret = {"none"};

	for (size_t i = 0; i < id->size; i++)
		(void)snprintf(&ret.text[2 * i], 3, "%02x", id->byte[i]);
	return ret;
}
