// SPDX-License-Identifier: MIT
#include "sandbox/image.h"

#include "sandbox/code.h"
#include "sandbox/plan_build.h"

#include <elf.h>
#include <stdio.h>

enum {
	RS_OBJECT_MS = 1000,
	RS_TOTAL_MS = 60000,
};

void rs_image_close(struct rs_process_image *image)
{
	if (!image)
		return;
	for (size_t i = 0; i < rs_vec_count(&image->fd, int); i++)
		close(rs_vec_items(&image->fd, int)[i]);
	rs_vec_fini(&image->fd);
	rs_vec_fini(&image->file);
	rs_vec_fini(&image->map);
	rs_code_fini(image);
	free(image);
}

static void cleanup_image(struct rs_process_image **slot)
{
	rs_image_close(*slot);
}

static struct rs_error *check_target(const struct rs_target *target)
{
	if (!target->memory.is_core || !target->mappings)
		return rs_error_new(RS_EUNSUPPORTED,
				    "%s: code can be run only in a process "
				    "rebuilt from a core; take a core (gcore "
				    "FILE) and open it (core FILE)",
				    target->name);
	if (target->machine != EM_X86_64)
		return rs_error_new(RS_EUNSUPPORTED,
				    "%s: its code cannot run here: the core "
				    "is not of an x86-64 machine",
				    target->name);
	return NULL;
}

uint64_t rs_image_memory(uint64_t memory)
{
	if (!memory)
		memory = rs_plan_default_memory();
	return memory < RS_IMAGE_MEMORY_MIN ? RS_IMAGE_MEMORY_MIN : memory;
}

struct rs_error *rs_image_from_core(struct rs_memory *memory,
				    const struct rs_image_options *options,
				    struct rs_process_image **ret)
{
	struct rs_target *target = rs_target_of(memory);
	struct rs_error *err = check_target(target);
	if (err)
		return err;

	RS_CLEANUP(cleanup_image)
	struct rs_process_image *image = calloc(1, sizeof(*image));
	if (!image)
		return &rs_enomem;
	image->target = target;
	if (options)
		image->options = *options;
	if (!image->options.object_ms)
		image->options.object_ms = RS_OBJECT_MS;
	if (!image->options.total_ms)
		image->options.total_ms = RS_TOTAL_MS;
	image->options.memory = rs_image_memory(image->options.memory);
	image->fs_base = image->options.fs_base;
	if (!image->fs_base && memory->threads)
		image->fs_base = memory->thread[0].fs_base;
	if ((err = rs_plan_maps(image)) || (err = rs_plan_auxv(image)) ||
	    (err = rs_plan_extra_stack(image)) ||
	    (err = rs_plan_locales(image)) || (err = rs_plan_code(image)))
		return err;
	*ret = rs_take(&image);
	return NULL;
}

void rs_image_missing_text(uint32_t missing, char *buf, size_t size)
{
	static const struct {
		uint32_t wall;
		const char *text;
	} wall[] = {
		{RS_WALL_USER, "user namespace"},
		{RS_WALL_PID, "PID namespace"},
		{RS_WALL_NET, "network namespace"},
		{RS_WALL_IPC, "IPC namespace"},
		{RS_WALL_MOUNT, "mount namespace"},
		{RS_WALL_ROOT, "empty root directory"},
		{RS_WALL_NO_ROOT, "user other than root"},
		{RS_WALL_CAPABILITIES, "no capabilities"},
		{RS_WALL_DUMP, "protection from ptrace"},
		{RS_WALL_OOM, "oom_score_adj of 1000"},
	};
	size_t used = 0;

	buf[0] = 0;
	for (size_t i = 0; i < sizeof(wall) / sizeof(*wall); i++) {
		if (!(missing & wall[i].wall) || used >= size)
			continue;
		const int n = snprintf(buf + used, size - used, "%s%s",
				       used ? ", " : "", wall[i].text);
		used += n > 0 ? (size_t)n : 0;
	}
}
