// SPDX-License-Identifier: MIT
// The auxiliary vector of the core's process, and what hangs on it: PR_SET_MM,
// and pages in place of the kernel's clock data.
#include "memory/elf/modules.h"
#include "sandbox/plan_build.h"

#include <elf.h>

enum { RS_VVAR_PAGES = 16 };

static void copy_auxv(struct rs_process_image *image)
{
	const struct rs_memory *memory = &image->target->memory;
	size_t size = memory->auxv_size;

	if (size > sizeof(image->auxv) - 16)
		size = sizeof(image->auxv) - 16;
	size &= ~(size_t)15;
	if (size)
		memcpy(image->auxv, memory->auxv, size);
	image->mm.auxv_size = (uint32_t)size;
}

static uint64_t value_of(const struct rs_process_image *image, uint64_t type)
{
	for (size_t i = 0; i < RS_PLAN_AUXV && image->auxv[2 * i]; i++)
		if (image->auxv[2 * i] == type)
			return image->auxv[2 * i + 1];
	return 0;
}

// Zeros in place of the kernel's clock data: the vdso then makes the system
// call.
static struct rs_error *add_vvar(struct rs_process_image *image)
{
	const uint64_t vdso = value_of(image, AT_SYSINFO_EHDR);

	if ((vdso & (RS_PLAN_PAGE - 1)) || !rs_plan_map_at(image, vdso))
		return NULL;
	for (unsigned i = 1; i <= RS_VVAR_PAGES; i++) {
		const uint64_t at = vdso - (uint64_t)i * RS_PLAN_PAGE;
		struct rs_error *err;

		if (rs_plan_map_at(image, at))
			break;
		if ((err = rs_plan_add(image, &(struct rs_plan_map){
						      .address = at,
						      .size = RS_PLAN_PAGE,
						      .fd = -1,
						      .kind = RS_PLAN_ZERO,
						      .prot = 1, // PROT_READ
					      })))
			return err;
	}
	return NULL;
}

struct rs_error *rs_plan_auxv(struct rs_process_image *image)
{
	const struct rs_memory *memory = &image->target->memory;
	struct rs_plan_mm *mm = &image->mm;
	const struct rs_module *main;

	copy_auxv(image);
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
