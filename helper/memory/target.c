// SPDX-License-Identifier: MIT
#include "memory/target.h"

#include "base/cleanup.h"
#include "memory/elf/file.h"
#include "memory/elf/modules.h"
#include "memory/elf/sigbus_guard.h"

#include <libelf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void *rs_array_push(void *array_pointer, size_t *count, size_t size)
{
	const size_t n = *count;
	char *array;

	memcpy(&array, array_pointer, sizeof(array));
	if (!(n & (n - 1))) {
		const size_t cap = n ? 2 * n : 1;
		if (cap > SIZE_MAX / 2 / size)
			return NULL;
		array = realloc(array, cap * size);
		if (!array)
			return NULL;
		memcpy(array_pointer, &array, sizeof(array));
	}
	memset(array + n * size, 0, size);
	*count = n + 1;
	return array + n * size;
}

struct rs_error *rs_target_new(const struct rs_memory_ops *ops,
			       const struct rs_memory_options *options,
			       struct rs_target **ret)
{
	if (elf_version(EV_CURRENT) == EV_NONE)
		return rs_error_new(RS_EUNSUPPORTED, "libelf is too old");

	struct rs_target *target = calloc(1, sizeof(*target));
	if (!target)
		return &rs_enomem;
	target->memory.ops = ops;
	if (options)
		target->options = *options;
	target->name = "target";
	target->page = (uint64_t)sysconf(_SC_PAGESIZE);
	target->mem_fd = target->core_fd = -1;
	target->ahead = target->max_ahead = 1;
	*ret = target;
	return NULL;
}

static void free_pieces(struct rs_piece *piece)
{
	while (piece) {
		struct rs_piece *next = piece->next;
		free(piece);
		piece = next;
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
	for (size_t i = 0; i < memory->segments; i++)
		free(memory->segment[i].loaded);
	for (size_t i = 0; i < target->mappings; i++)
		rs_file_unmap(target->mapping[i].data, target->mapping[i].size);
	free(target->mapping);
	for (size_t i = 0; i < memory->problems; i++)
		free(memory->problem[i]);
	free(memory->problem);
	free_pieces(target->text);
	for (size_t i = 0; i < RS_JOINED_HEADS; i++)
		free_pieces(target->joined[i]);
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
			    "%s: changed on disk since it was opened, and what "
			    "was read of it cannot be relied on; open the "
			    "target again",
			    path);
}

// Written where it lies, that is: another file of its name is no matter.
static bool file_changed(const struct rs_file *file)
{
	struct stat now;

	if (rs_vanish_any() && rs_vanish_seen(file->data))
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
	if (rs_vanish_any() && rs_vanish_seen(target->mapping[0].data))
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

static void
add_problem(struct rs_memory *memory, const char *format, va_list ap)
{
	RS_AUTO_FREE char *line = NULL;

	if (memory->problems >= RS_MAX_PROBLEMS)
		return;
	if (memory->problems == RS_MAX_PROBLEMS - 1)
		line = strdup("more problems were found; they are not listed");
	else if (vasprintf(&line, format, ap) < 0)
		line = NULL;
	if (!line)
		return;
	// A path may hold anything; a problem is one line.
	for (char *c = line; *c; c++)
		if ((unsigned char)*c < ' ')
			*c = '?';
	// Work that is done twice finds the same problem twice.
	for (size_t i = 0; i < memory->problems; i++)
		if (!strcmp(memory->problem[i], line))
			return;
	char **slot = rs_array_push(&memory->problem, &memory->problems,
				    sizeof(*slot));
	if (slot)
		*slot = rs_take(&line);
}

void rs_problem(struct rs_target *target, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	add_problem(&target->memory, format, ap);
	va_end(ap);
}

void rs_memory_problem(struct rs_memory *memory, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	add_problem(memory, format, ap);
	va_end(ap);
}

const char *
rs_target_text(struct rs_target *target, const char *text, size_t size)
{
	// Neighbouring mappings mostly share their file.
	const struct rs_piece *last = target->text;
	if (last && last->size == size && !memcmp(last->data, text, size))
		return last->data;

	struct rs_piece *piece = malloc(sizeof(*piece) + size + 1);
	if (!piece)
		return NULL;
	piece->address = 0;
	piece->size = size;
	memcpy(piece->data, text, size);
	piece->data[size] = 0;
	piece->next = target->text;
	target->text = piece;
	return piece->data;
}

struct rs_error *
rs_target_own_mapping(struct rs_target *target, void *data, size_t size)
{
	struct rs_mapping *mapping = rs_array_push(
		&target->mapping, &target->mappings, sizeof(*mapping));
	if (!mapping) {
		rs_file_unmap(data, size);
		return &rs_enomem;
	}
	*mapping = (struct rs_mapping){data, size};
	return NULL;
}
