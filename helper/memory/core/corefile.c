// SPDX-License-Identifier: MIT
#include "memory/core/corefile.h"

#include "memory/elf/file.h"
#include "memory/elf/modules.h"

#include <stdlib.h>

struct rs_core {
	struct rs_target *target; // borrowed
	const char *path;
	uint8_t *data; // the whole file, mapped
	uint64_t size;
	Elf *elf;
	GElf_Ehdr ehdr;
	uint64_t want; // least size that the program headers imply
	bool truncated; // they refer to bytes beyond the end of the file
};

static uint8_t prot_of(uint32_t flags)
{
	return (uint8_t)((flags & PF_R ? PROT_READ : 0) |
			 (flags & PF_W ? PROT_WRITE : 0) |
			 (flags & PF_X ? PROT_EXEC : 0));
}

/** @return How many of the @p size bytes at @p offset are in the file. */
static uint64_t clamp(struct rs_core *core, uint64_t offset, uint64_t size)
{
	const uint64_t left = offset < core->size ? core->size - offset : 0;

	if (size <= left)
		return size;
	core->truncated = true;
	if (size <= UINT64_MAX - offset && offset + size > core->want)
		core->want = offset + size;
	return left;
}

static struct rs_error *add_load(struct rs_core *core, const GElf_Phdr *phdr)
{
	struct rs_target *target = core->target;
	const uint64_t memsz =
		phdr->p_memsz > phdr->p_filesz ? phdr->p_memsz : phdr->p_filesz;

	if (!memsz || memsz > UINT64_MAX - phdr->p_vaddr) {
		if (memsz)
			rs_memory_gap(
				&target->memory,
				"%s: the segment at %#llx extends beyond the end of the address space; it is ignored",
				target->name,
				(unsigned long long)phdr->p_vaddr);
		return NULL;
	}
	struct rs_load *load =
		rs_array_push(&target->load, &target->loads, sizeof(*load));
	if (!load)
		return &rs_enomem;
	*load = (struct rs_load){
		.start = phdr->p_vaddr,
		.end = phdr->p_vaddr + memsz,
		.dumped = phdr->p_vaddr + phdr->p_filesz,
		.prot = prot_of(phdr->p_flags),
	};

	const uint64_t size = clamp(core, phdr->p_offset, phdr->p_filesz);
	if (!size)
		return NULL;
	return rs_segments_add(target,
			       &(struct rs_segment){
				       .start = phdr->p_vaddr,
				       .end = phdr->p_vaddr + size,
				       .data = core->data + phdr->p_offset,
				       .prot = load->prot,
			       });
}

static struct rs_error *add_notes(struct rs_core *core, const GElf_Phdr *phdr)
{
	const uint64_t size = clamp(core, phdr->p_offset, phdr->p_filesz);

	if (!size)
		return NULL;
	Elf_Data *data = elf_getdata_rawchunk(
		core->elf, (int64_t)phdr->p_offset, size, ELF_T_NHDR);
	if (!data) {
		rs_problem(
			core->target,
			"%s: cannot read its notes; threads and mapped files are not known",
			core->target->name);
		return NULL;
	}
	return rs_notes_read(core->target, data);
}

/**
 * The number of program headers. If there are more than 65534, it is in section
 * header 0, which the kernel writes at the very end of a core. If a truncated
 * core lacks that, the number follows from the first program header: it
 * describes the notes, which begin where the headers end.
 */
static struct rs_error *count_headers(struct rs_core *core, size_t *ret)
{
	size_t count = 0;
	GElf_Phdr first;

	// When the file ends within the headers libelf fails, or returns the
	// number that fits.
	const bool failed = elf_getphdrnum(core->elf, &count) != 0;
	if (!failed && count != PN_XNUM) {
		core->truncated |= count < core->ehdr.e_phnum;
		*ret = count;
		return NULL;
	}
	struct rs_error *err = rs_error_libelf(core->path);
	const uint64_t end = core->ehdr.e_phoff +
			     (uint64_t)core->ehdr.e_phnum * sizeof(Elf64_Phdr);
	if (core->ehdr.e_phoff > core->size || end > core->size) {
		rs_error_free(err);
		return rs_error_new(RS_EBAD,
				    "%s: truncated within its program headers, "
				    "so nothing in it can be found",
				    core->path);
	}
	if (core->ehdr.e_phnum == PN_XNUM &&
	    gelf_getphdr(core->elf, 0, &first) &&
	    first.p_offset > core->ehdr.e_phoff) {
		*ret = (size_t)((first.p_offset - core->ehdr.e_phoff) /
				sizeof(Elf64_Phdr));
		rs_error_free(err);
		return NULL;
	}
	return err;
}

static struct rs_error *read_headers(struct rs_core *core)
{
	size_t count = 0;
	struct rs_error *err = count_headers(core, &count);
	if (err)
		return err;

	// Notes last: the registers in them can be decoded only once the
	// machine is known.
	for (int notes = 0; notes < 2; notes++) {
		for (size_t i = 0; i < count && i < INT32_MAX; i++) {
			GElf_Phdr phdr;
			if (!gelf_getphdr(core->elf, (int)i, &phdr)) {
				core->truncated = true;
				break;
			}
			if (notes && phdr.p_type == PT_NOTE)
				err = add_notes(core, &phdr);
			else if (!notes && phdr.p_type == PT_LOAD)
				err = add_load(core, &phdr);
			if (err)
				return err;
		}
	}
	return NULL;
}

static int by_start(const void *a, const void *b)
{
	const struct rs_load *x = a;
	const struct rs_load *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

static struct rs_error *read_core(struct rs_core *core)
{
	struct rs_target *target = core->target;
	struct rs_error *err = rs_elf_open(core->data, core->size, core->path,
					   &core->elf, &core->ehdr);
	if (err)
		return err;
	if (core->ehdr.e_type != ET_CORE)
		return rs_error_new(RS_EBAD,
				    "%s: an ELF file, but not a core file",
				    core->path);
	target->machine = core->ehdr.e_machine;
	target->memory.is_core = true;
	err = read_headers(core);
	if (err)
		return err;
	if (core->truncated) {
		const size_t before = target->memory.gaps;

		rs_memory_gap(
			&target->memory,
			"%s is truncated: it has %llu of at least %llu bytes",
			target->name, (unsigned long long)core->size,
			(unsigned long long)core->want);
		if (target->memory.gaps > before)
			target->memory.truncated = target->memory.gap[before];
	}
	if (target->loads > 1)
		qsort(target->load, target->loads, sizeof(*target->load),
		      by_start);
	rs_segments_seal(target);
	rs_maps_seal(target);
	rs_core_protect_maps(target);
	err = rs_modules_find(target);
	if (err)
		return err;
	err = rs_core_add_file_pages(target);
	if (err)
		return err;
	if (!target->memory.segments)
		return rs_error_new(
			RS_EBAD, "%s: the core has no memory%s", core->path,
			core->truncated ? " (it is truncated)" : "");
	return NULL;
}

static uint64_t
fetch(struct rs_target *target, uint64_t address, void *buf, uint64_t size)
{
	// Never called: the segments of a core are mapped, not copied.
	(void)target, (void)address, (void)buf, (void)size;
	return 0;
}

static const struct rs_memory_ops core_ops = {.fetch = fetch};

struct rs_error *rs_memory_open_core(const char *path,
				     const struct rs_memory_options *options,
				     struct rs_memory **ret)
{
	RS_AUTO_TARGET struct rs_target *target = NULL;
	struct rs_error *err = rs_target_new(&core_ops, options, &target);
	if (err)
		return err;

	RS_AUTO_FREE char *name = malloc(strlen(path) + sizeof("core "));
	if (!name)
		return &rs_enomem;
	(void)stpcpy(stpcpy(name, "core "), path);
	target->name = rs_target_text(target, name, strlen(name));
	if (!target->name)
		return &rs_enomem;
	target->core_path = target->name + strlen("core ");

	uint8_t *data = NULL;
	struct stat st;
	err = rs_file_map(path, &data, &st, &target->core_fd);
	if (err)
		return err;
	err = rs_target_own_mapping(target, data, (size_t)st.st_size);
	if (err)
		return err;
	target->core_stat = st;
	struct rs_core core = {
		.target = target,
		.path = path,
		.data = data,
		.size = (uint64_t)st.st_size,
	};
	err = read_core(&core);
	elf_end(core.elf);
	if (err)
		return err;
	*ret = &((struct rs_target *)rs_take(&target))->memory;
	return NULL;
}
