// SPDX-License-Identifier: MIT
#include "memory/target.h"

#include "base/cleanup.h"
#include "memory/elf/file.h"

#include <elf.h>
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

/** The number of the line of problem[] that is @p line, or memory->problems. */
static size_t find_problem(const struct rs_memory *memory, const char *line)
{
	size_t i = 0;

	while (i < memory->problems && strcmp(memory->problem[i], line) != 0)
		i++;
	return i;
}

/** Append @p line, which is the memory's from then on, unless it is there. */
static const char *keep_problem(struct rs_memory *memory, char **line)
{
	const size_t i = find_problem(memory, *line);

	if (i < memory->problems)
		return memory->problem[i];
	char **slot = rs_array_push(&memory->problem, &memory->problems,
				    sizeof(*slot));
	if (!slot)
		return NULL;
	return *slot = rs_take(line);
}

static void keep_gap(struct rs_memory *memory, const char *line)
{
	for (size_t i = 0; i < memory->gaps; i++)
		if (memory->gap[i] == line)
			return;
	const char **slot =
		rs_array_push(&memory->gap, &memory->gaps, sizeof(*slot));
	if (slot)
		*slot = line;
}

static void
add_problem(struct rs_memory *memory, bool gap, const char *format, va_list ap)
{
	const size_t before =
		gap ? memory->gaps : memory->problems - memory->gaps;
	RS_AUTO_FREE char *line = NULL;

	if (before >= RS_MAX_PROBLEMS)
		return;
	if (before == RS_MAX_PROBLEMS - 1)
		line = strdup(gap ? "more is missing; it is not listed"
				  : "more problems were found; they are not "
				    "listed");
	else if (vasprintf(&line, format, ap) < 0)
		line = NULL;
	if (!line)
		return;
	// A path may contain control characters; a problem is one line.
	for (char *c = line; *c; c++)
		if ((unsigned char)*c < ' ')
			*c = '?';
	// The same work may be done twice and find the same problem again.
	const char *kept = keep_problem(memory, &line);
	if (kept && gap)
		keep_gap(memory, kept);
}

void rs_problem(struct rs_target *target, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	add_problem(&target->memory, false, format, ap);
	va_end(ap);
}

void rs_memory_problem(struct rs_memory *memory, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	add_problem(memory, false, format, ap);
	va_end(ap);
}

void rs_memory_gap(struct rs_memory *memory, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	add_problem(memory, true, format, ap);
	va_end(ap);
}

const char *
rs_target_text(struct rs_target *target, const char *text, size_t size)
{
	// Neighbouring mappings usually have the same path.
	const struct rs_buffer *last = target->text;
	if (last && last->size == size && !memcmp(last->data, text, size))
		return last->data;

	struct rs_buffer *copy = malloc(sizeof(*copy) + size + 1);
	if (!copy)
		return NULL;
	copy->address = 0;
	copy->size = size;
	memcpy(copy->data, text, size);
	copy->data[size] = 0;
	copy->next = target->text;
	target->text = copy;
	return copy->data;
}

struct rs_error *
rs_target_set_auxv(struct rs_target *target, const void *auxv, size_t size)
{
	struct rs_memory *memory = &target->memory;
	const char *copy = rs_target_text(target, auxv, size);

	if (!copy)
		return &rs_enomem;
	memory->auxv = copy;
	memory->auxv_size = size;
	for (size_t i = 0; i + sizeof(Elf64_auxv_t) <= size;
	     i += sizeof(Elf64_auxv_t)) {
		Elf64_auxv_t entry;

		memcpy(&entry, copy + i, sizeof(entry));
		const uint64_t value = entry.a_un.a_val;
		if (entry.a_type == AT_PHDR)
			target->entry_phdr = value;
		if (entry.a_type == AT_PAGESZ && value >= 1024 &&
		    value <= 1 << 20 && !(value & (value - 1)))
			target->page = value;
	}
	return NULL;
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
