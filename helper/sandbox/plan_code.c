// SPDX-License-Identifier: MIT
//
// Executable memory of an image: pages of files whose build-id agrees, at the
// places where the core says that they were mapped, and only there.
#include "sandbox/plan_build.h"

#include "memory/elf/modules.h"
#include "sandbox/code.h"

#include <elf.h>
#include <sys/mman.h>

#define PAGE_MASK ((uint64_t)RS_PLAN_PAGE - 1)

static uint64_t page_up(uint64_t size)
{
	return (size + PAGE_MASK) & ~PAGE_MASK;
}

/** A mapping of a module's file, and one executable segment of that. */
struct rs_plan_text {
	const struct rs_map *map;
	const struct rs_module *module;
	const struct rs_file *file;
	GElf_Phdr phdr;
};

// The pages of the segment that the mapping has, where the file's own headers
// want them: a core could name a file at any place and offset.
static struct rs_error *
add_text(struct rs_process_image *image, const struct rs_plan_text *t)
{
	const uint64_t begin = t->phdr.p_offset & ~PAGE_MASK;
	const uint64_t end = page_up(t->phdr.p_offset + t->phdr.p_filesz);
	uint64_t from = t->map->offset > begin ? t->map->offset : begin;
	uint64_t to = t->map->offset + (t->map->end - t->map->start);
	struct rs_plan_map map = {.kind = RS_PLAN_FILE,
				  .prot = PROT_READ | PROT_EXEC};

	to = to < end ? to : end;
	to = to < page_up(t->file->size) ? to : page_up(t->file->size);
	map.address = t->map->start + (from - t->map->offset);
	if (from >= to || (from & PAGE_MASK) || (map.address & PAGE_MASK) ||
	    map.address < RS_PLAN_PAGE || map.address >= RS_PLAN_TOP ||
	    to - from > RS_PLAN_TOP - map.address ||
	    map.address != t->module->bias + (t->phdr.p_vaddr & ~PAGE_MASK) +
				   (from - begin))
		return NULL;
	map.size = to - from;
	map.offset = from;
	struct rs_error *err = rs_plan_open(image, t->file, &map.fd);
	return err ? err : rs_plan_add(image, &map);
}

static struct rs_error *
add_mapping(struct rs_process_image *image, const struct rs_map *map)
{
	const struct rs_target *target = image->target;
	struct rs_plan_text t = {.map = map};
	Elf64_Ehdr ehdr;
	struct rs_error *err = NULL;

	t.module = rs_memory_module(&target->memory, map->start);
	if (!map->path || !t.module || !t.module->checked ||
	    strcmp(t.module->path, map->path) != 0 ||
	    map->end - map->start > UINT64_MAX / 2 - map->offset)
		return NULL;
	t.file = target->image[t.module - target->memory.module].file;
	if (!t.file || t.file->size < sizeof(ehdr))
		return NULL;
	memcpy(&ehdr, t.file->data, sizeof(ehdr));
	for (unsigned i = 0; !err && i < ehdr.e_phnum; i++)
		if (gelf_getphdr(t.file->elf, (int)i, &t.phdr) &&
		    t.phdr.p_type == PT_LOAD && (t.phdr.p_flags & PF_X) &&
		    t.phdr.p_filesz <= UINT64_MAX / 2 - t.phdr.p_offset)
			err = add_text(image, &t);
	return err;
}

struct rs_error *rs_plan_code(struct rs_process_image *image)
{
	const struct rs_target *target = image->target;
	struct rs_error *err = rs_code_init(image);

	if (image->options.run)
		return err;
	for (size_t i = 0; !err && i < target->maps; i++)
		err = add_mapping(image, &target->map[i]);
	return err;
}
