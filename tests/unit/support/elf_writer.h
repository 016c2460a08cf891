// SPDX-License-Identifier: MIT
/**
 * @file
 * Write small ELF files: cores and shared objects, right or wrong on purpose.
 *
 * Layout: ELF header, program headers, notes (PT_NOTE is program header 0),
 * then the bytes of each segment at a multiple of w->align. Everything but
 * the bytes can be changed between elf_writer_finish() and elf_writer_save().
 */
#ifndef RS_ELF_WRITER_H
#define RS_ELF_WRITER_H

#include <elf.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	RS_WRITER_PHDRS = 64,
	RS_WRITER_NOTES = 1 << 14,
	RS_WRITER_SIZE = 1 << 20,
	RS_WRITER_PRSTATUS = 336,
	RS_WRITER_PRSTATUS_ARM = 392,
};

struct elf_writer {
	Elf64_Ehdr ehdr;
	Elf64_Phdr phdr[RS_WRITER_PHDRS];
	const void *bytes[RS_WRITER_PHDRS];
	uint8_t note[RS_WRITER_NOTES];
	size_t notes, align, size;
	uint8_t *out; // what elf_writer_finish() laid out
};

static inline void
elf_writer_init(struct elf_writer *w, uint16_t type, uint16_t machine)
{
	memset(w, 0, sizeof(*w));
	memcpy(w->ehdr.e_ident, ELFMAG, SELFMAG);
	w->ehdr.e_ident[EI_CLASS] = ELFCLASS64;
	w->ehdr.e_ident[EI_DATA] = ELFDATA2LSB;
	w->ehdr.e_ident[EI_VERSION] = EV_CURRENT;
	w->ehdr.e_type = type;
	w->ehdr.e_machine = machine;
	w->ehdr.e_version = EV_CURRENT;
	w->ehdr.e_phoff = sizeof(w->ehdr);
	w->ehdr.e_ehsize = sizeof(w->ehdr);
	w->ehdr.e_phentsize = sizeof(Elf64_Phdr);
	w->ehdr.e_shentsize = sizeof(Elf64_Shdr);
	w->ehdr.e_phnum = 1;
	w->phdr[0].p_type = PT_NOTE;
	w->phdr[0].p_align = 4;
	w->align = 4096;
}

/** Append a note; @p size is that of @p desc. */
static inline void elf_writer_note(struct elf_writer *w, const char *name,
				   uint32_t type, const void *desc, size_t size)
{
	const Elf64_Nhdr nhdr = {(uint32_t)strlen(name) + 1, (uint32_t)size,
				 type};
	uint8_t *p = w->note + w->notes;

	memcpy(p, &nhdr, sizeof(nhdr));
	memcpy(p + sizeof(nhdr), name, nhdr.n_namesz);
	p += sizeof(nhdr) + ((nhdr.n_namesz + 3U) & ~3U);
	memcpy(p, desc, size);
	w->notes = (size_t)(p - w->note) + ((size + 3) & ~(size_t)3);
}

/** Append a PT_LOAD of @p memsz bytes, of which @p filesz at @p bytes. */
static inline Elf64_Phdr *elf_writer_load(struct elf_writer *w, uint64_t vaddr,
					  const void *bytes, uint64_t filesz,
					  uint64_t memsz, uint32_t flags)
{
	const unsigned i = w->ehdr.e_phnum++;

	w->bytes[i] = bytes;
	w->phdr[i] = (Elf64_Phdr){
		.p_type = PT_LOAD,
		.p_flags = flags,
		.p_vaddr = vaddr,
		.p_filesz = filesz,
		.p_memsz = memsz,
		.p_align = 4096,
	};
	return &w->phdr[i];
}

/** A thread: NT_PRSTATUS with the registers that matter. */
static inline void elf_writer_thread(struct elf_writer *w, int32_t tid,
				     uint64_t pc, uint64_t sp, uint64_t tls)
{
	const int arm = w->ehdr.e_machine == EM_AARCH64;
	uint8_t desc[RS_WRITER_PRSTATUS_ARM] = {0};

	memcpy(desc + 32, &tid, sizeof(tid));
	memcpy(desc + 112 + (arm ? 256 : 128), &pc, 8);
	memcpy(desc + 112 + (arm ? 248 : 152), &sp, 8);
	if (!arm)
		memcpy(desc + 112 + 168, &tls, 8);
	elf_writer_note(w, "CORE", NT_PRSTATUS, desc,
			arm ? RS_WRITER_PRSTATUS_ARM : RS_WRITER_PRSTATUS);
	if (arm)
		elf_writer_note(w, "LINUX", 0x401, &tls, sizeof(tls));
}

struct elf_writer_file {
	uint64_t start, end, page; // page: offset in pages of 4096
	const char *path;
};

/** NT_FILE. */
static inline void elf_writer_files(struct elf_writer *w,
				    const struct elf_writer_file *file,
				    size_t count)
{
	uint8_t desc[4096];
	uint64_t word[2] = {count, 4096};
	size_t n = sizeof(word);

	memcpy(desc, word, sizeof(word));
	for (size_t i = 0; i < count; i++, n += 24) {
		memcpy(desc + n, &file[i].start, 8);
		memcpy(desc + n + 8, &file[i].end, 8);
		memcpy(desc + n + 16, &file[i].page, 8);
	}
	for (size_t i = 0; i < count; i++) {
		memcpy(desc + n, file[i].path, strlen(file[i].path) + 1);
		n += strlen(file[i].path) + 1;
	}
	elf_writer_note(w, "CORE", NT_FILE, desc, n);
}

/** Decide offsets and put all together in w->out, w->size bytes. */
static inline void elf_writer_finish(struct elf_writer *w)
{
	size_t at = sizeof(w->ehdr) + w->ehdr.e_phnum * sizeof(w->phdr[0]);

	w->out = calloc(1, RS_WRITER_SIZE);
	if (!w->out)
		abort();
	w->phdr[0].p_offset = at;
	w->phdr[0].p_filesz = w->notes;
	memcpy(w->out + at, w->note, w->notes);
	at += w->notes;
	for (unsigned i = 1; i < w->ehdr.e_phnum; i++) {
		at = (at + w->align - 1) & ~(w->align - 1);
		w->phdr[i].p_offset = at;
		if (at + w->phdr[i].p_filesz > RS_WRITER_SIZE)
			abort();
		if (w->phdr[i].p_filesz)
			memcpy(w->out + at, w->bytes[i], w->phdr[i].p_filesz);
		at += w->phdr[i].p_filesz;
	}
	w->size = at;
}

/** Write the headers as they are now and w->size bytes to @p path. */
static inline void elf_writer_save(struct elf_writer *w, const char *path)
{
	memcpy(w->out, &w->ehdr, sizeof(w->ehdr));
	memcpy(w->out + sizeof(w->ehdr), w->phdr,
	       w->ehdr.e_phnum * sizeof(w->phdr[0]));
	const int fd =
		open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, w->out, w->size) != (ssize_t)w->size)
		abort();
	close(fd);
}

static inline void elf_writer_fini(struct elf_writer *w)
{
	free(w->out);
	w->out = NULL;
}

#endif /* RS_ELF_WRITER_H */
