// SPDX-License-Identifier: MIT
/**
 * @file
 * Pages of mapped files that a core leaves out are read from those files.
 *
 * Only the files of ELF modules that rs_locate() accepted are used, and of them
 * only pages that the process cannot have changed:
 * - pages of a PT_LOAD of the file that is not writable: always;
 * - pages of a writable one: if the core's program headers leave them out
 *   although anonymous memory was dumped. Linux dumps the whole of a private
 *   mapping once a page of it was written, unless the coredump_filter of the
 *   process excludes anonymous memory; that the core contains a stack shows
 * that it did not. (Pages that only the truncation of the core removed were not
 *   left out in this sense.)
 * Source: Linux fs/coredump.c vma_dump_size(); gdb/linux-tdep.c
 * dump_mapping_p().
 */
#include "memory/core/corefile.h"

#include "base/search.h"
#include "memory/elf/modules.h"

#include <unistd.h>

static const struct rs_load *
load_at(const struct rs_target *target, uint64_t address)
{
	const size_t found =
		RS_FIRST_INDEX(i, target->loads, target->load[i].end > address);

	if (found < target->loads && target->load[found].start <= address)
		return &target->load[found];
	return NULL;
}

void rs_core_protect_maps(struct rs_target *target)
{
	for (size_t i = 0; i < target->maps; i++) {
		const struct rs_load *load =
			load_at(target, target->map[i].start);
		// gcore writes no PT_LOAD for read-only code.
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

/** Whether only read-only PT_LOADs of @p file contain the page at @p offset. */
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
		// A read-only and a writable PT_LOAD can share a page of the
		// file, which is mapped twice; assume the writable one.
		if (phdr.p_flags & PF_W)
			return false;
		found = true;
	}
	return found;
}

/** Add the pages from @p from up to @p to, which are in @p map and in the same
 * PT_LOAD, or in none. @p stack: stack_was_dumped(). */
static struct rs_error *
fill_gap(struct rs_target *target, const struct rs_map *map,
	 const struct rs_file *file, bool stack, uint64_t from, uint64_t to)
{
	const struct rs_load *load = load_at(target, from);
	const uint64_t offset = map->offset + (from - map->start);
	const uint64_t page = target->page;
	// After the end of the file its last page contains zeros, in our
	// mapping as in the target's. But pages are ours: where the core says
	// that its own are larger (AT_PAGESZ, which may be anything), nothing
	// is mapped behind the last of ours.
	const uint64_t own = (uint64_t)sysconf(_SC_PAGESIZE);
	const uint64_t size = (file->size + own - 1) & ~(own - 1);
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

/** The first of the first @p sealed segments (the core's own, which are sorted)
 * that ends after @p address; NULL if none does. */
static const struct rs_segment *
segment_after(const struct rs_memory *memory, size_t sealed, uint64_t address)
{
	const size_t found =
		RS_FIRST_INDEX(i, sealed, memory->segment[i].end > address);

	return found < sealed ? &memory->segment[found] : NULL;
}

/** Fill the gaps that the first @p sealed segments leave in @p map. */
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
		// Stay within one PT_LOAD, and within either the part that
		// should be in the core or the part left out.
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

struct rs_error *rs_core_add_file_pages(struct rs_target *target)
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
