// SPDX-License-Identifier: MIT
/**
 * @file
 * What a core leaves out, because it is in a file, comes from that file.
 *
 * Only ELF images whose file rs_locate() accepted are used, and of them only
 * what the process cannot have changed:
 * - a page of a PT_LOAD that is not writable: always;
 * - a page of a writable one: when the core declares that it was not to be
 *   dumped though memory of its kind was. Linux dumps a private mapping whole
 *   once a page of it was written, unless the process's coredump_filter
 *   leaves anonymous memory out; a dumped stack tells that it did not. (A page
 *   cut off by truncation was to be dumped.)
 * Source: Linux fs/coredump.c vma_dump_size(); gdb/linux-tdep.c
 * dump_mapping_p().
 */
#include "memory/core/corefile.h"

#include "memory/elf/modules.h"

static const struct rs_load *
load_at(const struct rs_target *target, uint64_t address)
{
	size_t low = 0;
	size_t high = target->loads;

	while (low < high) {
		const size_t mid = low + (high - low) / 2;
		if (target->load[mid].end <= address)
			low = mid + 1;
		else
			high = mid;
	}
	if (low < target->loads && target->load[low].start <= address)
		return &target->load[low];
	return NULL;
}

void rs_core_protect_maps(struct rs_target *target)
{
	for (size_t i = 0; i < target->maps; i++) {
		const struct rs_load *load =
			load_at(target, target->map[i].start);
		// gcore leaves out text without a trace.
		target->map[i].prot_known = load != NULL;
		target->map[i].prot = load ? load->prot : PROT_READ | PROT_EXEC;
	}
}

static bool stack_was_dumped(const struct rs_target *target)
{
	const struct rs_memory *memory = &target->memory;

	for (size_t i = 0; i < memory->threads; i++)
		if (rs_segments_index(memory, memory->thread[i].sp) <
		    memory->segments)
			return true;
	return false;
}

/** Whether offset @p offset of @p file is loaded only where none can write. */
static bool
is_constant(const struct rs_file *file, uint64_t offset, uint64_t page)
{
	bool found = false;
	size_t count;

	if (elf_getphdrnum(file->elf, &count))
		return false;
	for (size_t i = 0; i < count && i < INT32_MAX; i++) {
		GElf_Phdr phdr;
		if (!gelf_getphdr(file->elf, (int)i, &phdr) ||
		    phdr.p_type != PT_LOAD ||
		    phdr.p_filesz > UINT64_MAX - phdr.p_offset)
			continue;
		const uint64_t from = phdr.p_offset & ~(page - 1);
		const uint64_t to = phdr.p_offset + phdr.p_filesz;
		if (offset < from || offset >= to)
			continue;
		// Neighbours share a page of the file but not of memory;
		// where both claim it, take the careful answer.
		if (phdr.p_flags & PF_W)
			return false;
		found = true;
	}
	return found;
}

/** Fill @p from up to @p to, which lie in @p map and in one load or none. */
static struct rs_error *
fill_gap(struct rs_target *target, const struct rs_map *map,
	 const struct rs_file *file, bool stack, uint64_t from, uint64_t to)
{
	const struct rs_load *load = load_at(target, from);
	const uint64_t offset = map->offset + (from - map->start);
	// Beyond the end of the file its last page has zeros, as in the target.
	const uint64_t page = target->page;
	const uint64_t size = (file->size + page - 1) & ~(page - 1);
	const bool undumped = !load || from >= load->dumped;

	if (offset >= size || offset < map->offset)
		return NULL;
	if (to - from > size - offset)
		to = from + (size - offset);
	if (!is_constant(file, offset, page) && !(undumped && stack))
		return NULL;
	return rs_segments_add(
		target,
		&(struct rs_segment){
			.start = from,
			.end = to,
			.data = file->data + offset,
			.prot = load ? load->prot : PROT_READ | PROT_EXEC,
			.from_file = true,
		});
}

/** The first of @p sealed segments in order that ends after @p address. */
static const struct rs_segment *
segment_after(const struct rs_memory *memory, size_t sealed, uint64_t address)
{
	size_t low = 0;
	size_t high = sealed;

	while (low < high) {
		const size_t mid = low + (high - low) / 2;
		if (memory->segment[mid].end <= address)
			low = mid + 1;
		else
			high = mid;
	}
	return low < sealed ? &memory->segment[low] : NULL;
}

/** Fill every gap that the first @p sealed segments leave in @p map. */
static struct rs_error *
fill_map(struct rs_target *target, const struct rs_map *map,
	 const struct rs_file *file, bool stack, size_t sealed)
{
	uint64_t at = map->start;

	while (at < map->end) {
		const struct rs_segment *s =
			segment_after(&target->memory, sealed, at);
		if (s && s->start <= at) {
			at = s->end;
			continue;
		}
		uint64_t to = map->end;
		if (s && s->start < to)
			to = s->start;
		// Within one load, either what was cut off or what was not
		// to be dumped.
		const struct rs_load *load = load_at(target, at);
		if (load && load->end < to)
			to = load->end;
		if (load && at < load->dumped && load->dumped < to)
			to = load->dumped;
		struct rs_error *err =
			fill_gap(target, map, file, stack, at, to);
		if (err)
			return err;
		at = to;
	}
	return NULL;
}

struct rs_error *rs_fill(struct rs_target *target)
{
	const struct rs_memory *memory = &target->memory;
	const bool stack = stack_was_dumped(target);
	const size_t sealed = memory->segments;

	for (size_t i = 0; i < target->maps; i++) {
		const struct rs_map *map = &target->map[i];
		const struct rs_module *module =
			rs_memory_module(memory, map->start);
		if (!module || !map->path ||
		    strcmp(module->path, map->path) != 0)
			continue;
		const struct rs_file *file =
			target->image[module - memory->module].file;
		if (!file)
			continue;
		struct rs_error *err =
			fill_map(target, map, file, stack, sealed);
		if (err)
			return err;
	}
	rs_segments_seal(target);
	return NULL;
}
