// SPDX-License-Identifier: MIT
// A target's beginning and end, and whether its files changed in between.
#include "memory/elf/modules.h"
#include "memory/elf/sigbus_guard.h"
#include "memory/target.h"

#include <libelf.h>
#include <stdlib.h>

struct rs_error *rs_target_new(const struct rs_memory_ops *ops,
			       const struct rs_memory_options *options,
			       struct rs_target **ret)
{
	if (elf_version(EV_CURRENT) == EV_NONE)
		return rs_error_new(RS_EUNSUPPORTED,
				    "libelf: %s; install the version that "
				    "refscope was built with",
				    elf_errmsg(-1));

	struct rs_target *target = calloc(1, sizeof(*target));
	if (!target)
		return &rs_enomem;
	target->memory.ops = ops;
	if (options)
		target->options = *options;
	target->name = "target";
	target->page = (uint64_t)sysconf(_SC_PAGESIZE);
	target->mem_fd = target->core_fd = -1;
	target->prefetch = target->max_prefetch = 1;
	*ret = target;
	return NULL;
}

static void free_buffers(struct rs_buffer *buffer)
{
	while (buffer) {
		struct rs_buffer *next = buffer->next;
		free(buffer);
		buffer = next;
	}
}

void rs_memory_close(struct rs_memory *memory)
{
	if (!memory)
		return;

	struct rs_target *target = rs_target_of(memory);
	if (memory->ops->close)
		memory->ops->close(target);
	rs_images_free(target);
	for (size_t i = 0; i < target->files; i++)
		rs_file_close(target->file[i]);
	free(target->file);
	free(target->renewed);
	rs_vec_fini(&target->resident);
	for (size_t i = 0; i < memory->segments; i++)
		free(memory->segment[i].loaded);
	for (size_t i = 0; i < target->mappings; i++)
		rs_file_unmap(target->mapping[i].data, target->mapping[i].size);
	free(target->mapping);
	for (size_t i = 0; i < memory->problems; i++)
		free(memory->problem[i]);
	free(memory->problem);
	free(memory->gap);
	free_buffers(target->text);
	for (size_t i = 0; i < RS_JOINED_HEADS; i++)
		free_buffers(target->joined[i]);
	free(target->hole);
	free(target->map);
	if (target->core_fd >= 0)
		close(target->core_fd);
	free(target->load);
	free(memory->segment);
	free(memory->module);
	free(memory->thread);
	free(target);
}

static struct rs_error *changed(const char *path)
{
	return rs_error_new(RS_EIO,
			    "%s: changed on disk since it was opened, so what "
			    "was read from it may be wrong; open the target "
			    "again",
			    path);
}

// Whether the file was written to. Replacing it by another file of the same
// name does no harm: ours stays mapped.
static bool file_changed(const struct rs_file *file)
{
	struct stat now;

	if (rs_sigbus_guard_any_lost() && rs_sigbus_guard_lost(file->data))
		return true;
	return stat(file->path, &now) == 0 &&
	       rs_file_is_same(&file->stat, &now) &&
	       rs_file_is_rewritten(&file->stat, &now);
}

static bool core_changed(const struct rs_target *target)
{
	struct stat now;

	if (target->core_fd < 0)
		return false;
	if (rs_sigbus_guard_any_lost() &&
	    rs_sigbus_guard_lost(target->mapping[0].data))
		return true;
	return fstat(target->core_fd, &now) ||
	       rs_file_is_rewritten(&target->core_stat, &now);
}

struct rs_error *rs_memory_check(struct rs_memory *memory)
{
	const struct rs_target *target = rs_target_of(memory);

	if (core_changed(target))
		return changed(target->name);
	for (size_t i = 0; i < target->files; i++)
		if (file_changed(target->file[i]))
			return changed(target->file[i]->path);
	return NULL;
}

void rs_cleanup_target(struct rs_target **slot)
{
	if (*slot)
		rs_memory_close(&(*slot)->memory);
}
