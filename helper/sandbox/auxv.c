// SPDX-License-Identifier: MIT
// What the kernel told the process of the core at its start, told again.
#include "memory/elf/modules.h"
#include "sandbox/plan_build.h"

#include <elf.h>

enum { RS_VVAR_PAGES = 16 };

// Find NT_AUXV in the notes at @p p; a torn note ends the search.
static size_t find_auxv(const uint8_t *p, size_t size, const uint8_t **ret)
{
	Elf64_Nhdr note;

	while (size >= sizeof(note)) {
		memcpy(&note, p, sizeof(note));
		const uint64_t name =
			(note.n_namesz + UINT64_C(3)) & ~UINT64_C(3);
		const uint64_t desc =
			(note.n_descsz + UINT64_C(3)) & ~UINT64_C(3);

		if (name + desc > size - sizeof(note))
			break;
		if (note.n_type == NT_AUXV) {
			*ret = p + sizeof(note) + name;
			return note.n_descsz;
		}
		p += sizeof(note) + name + desc;
		size -= sizeof(note) + name + desc;
	}
	return 0;
}

static void read_auxv(struct rs_process_image *image)
{
	const struct rs_mapping *core = &image->target->mapping[0];
	const uint8_t *data = core->data, *auxv = NULL;
	Elf64_Ehdr ehdr;
	size_t size = 0;

	memcpy(&ehdr, data, sizeof(ehdr)); // it was opened as a core
	for (unsigned i = 0; !size && i < ehdr.e_phnum; i++) {
		Elf64_Phdr phdr;
		const uint64_t at = ehdr.e_phoff + i * sizeof(phdr);

		if (at > core->size || core->size - at < sizeof(phdr))
			return;
		memcpy(&phdr, data + at, sizeof(phdr));
		if (phdr.p_type == PT_NOTE && phdr.p_offset <= core->size &&
		    phdr.p_filesz <= core->size - phdr.p_offset)
			size = find_auxv(data + phdr.p_offset, phdr.p_filesz,
					 &auxv);
	}
	if (size > sizeof(image->auxv) - 16)
		size = sizeof(image->auxv) - 16;
	size &= ~(size_t)15;
	if (size)
		memcpy(image->auxv, auxv, size);
	image->mm.auxv_size = (uint32_t)size;
}

static uint64_t value_of(const struct rs_process_image *image, uint64_t type)
{
	for (size_t i = 0; i < RS_PLAN_AUXV && image->auxv[2 * i]; i++)
		if (image->auxv[2 * i] == type)
			return image->auxv[2 * i + 1];
	return 0;
}

static bool is_mapped(const struct rs_process_image *image, uint64_t address)
{
	const struct rs_plan_map *map =
		rs_vec_items(&image->map, struct rs_plan_map);

	for (size_t i = rs_vec_count(&image->map, struct rs_plan_map); i-- > 0;)
		if (address - map[i].address < map[i].size)
			return true;
	return false;
}

// Zeros in place of the kernel's clock data: the vdso then asks the kernel.
static struct rs_error *add_vvar(struct rs_process_image *image)
{
	const uint64_t vdso = value_of(image, AT_SYSINFO_EHDR);

	if ((vdso & (RS_PLAN_PAGE - 1)) || !is_mapped(image, vdso))
		return NULL;
	for (unsigned i = 1; i <= RS_VVAR_PAGES; i++) {
		const uint64_t at = vdso - (uint64_t)i * RS_PLAN_PAGE;
		struct rs_plan_map *map;

		if (is_mapped(image, at))
			break;
		if (!(map = rs_vec_push(&image->map, sizeof(*map))))
			return &rs_enomem;
		*map = (struct rs_plan_map){
			.address = at,
			.size = RS_PLAN_PAGE,
			.fd = -1,
			.kind = RS_PLAN_ZERO,
			.prot = 1, // PROT_READ
		};
	}
	return NULL;
}

struct rs_error *rs_plan_auxv(struct rs_process_image *image)
{
	const struct rs_memory *memory = &image->target->memory;
	struct rs_plan_mm *mm = &image->mm;
	const struct rs_module *main;

	read_auxv(image);
	main = rs_memory_module(memory, value_of(image, AT_PHDR));
	if (main) {
		mm->start_code = mm->start_data = main->start;
		mm->end_code = mm->end_data = main->end;
		mm->start_brk = mm->brk = main->end;
	}
	if (memory->threads)
		mm->start_stack = mm->arg_start = mm->arg_end = mm->env_start =
			mm->env_end = memory->thread[0].sp;
	mm->exe_fd = UINT32_MAX;
	return add_vvar(image);
}
