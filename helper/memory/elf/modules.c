// SPDX-License-Identifier: MIT
// Which of the mapped files are ELF files, and where they were loaded.
#include "memory/elf/modules.h"

#include "base/search.h"

#include <stdlib.h>

void rs_images_free(struct rs_target *target)
{
	for (size_t i = 0; i < target->memory.modules && target->image; i++) {
		struct rs_elf_image *image = &target->image[i];
		rs_symbols_fini(&image->dynamic);
		rs_symbols_fini(&image->full);
		elf_end(image->elf);
		free(image->headers);
	}
	free(target->image);
}

/**
 * The module of each path that began last: a hash table of indexes in
 * memory.module[], so that very many mapped files cost no more than few.
 */
struct by_path {
	uint32_t *index; // [mask + 1]; UINT32_MAX: free
	size_t mask;
};

/** @return Whether there is memory for @p paths paths. */
static bool by_path_init(struct by_path *table, size_t paths)
{
	size_t slots = 64;

	while (slots < 2 * paths)
		slots *= 2;
	table->index = malloc(slots * sizeof(*table->index));
	if (!table->index)
		return false;
	memset(table->index, 0xff, slots * sizeof(*table->index));
	table->mask = slots - 1;
	return true;
}

static void by_path_fini(struct by_path *table)
{
	free(table->index);
}

/** @return The slot with a module of @p path, or the free one for it. */
static uint32_t *by_path_slot(const struct by_path *table,
			      const struct rs_memory *memory, const char *path)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325); // FNV-1a

	for (const char *c = path; *c; c++)
		hash = (hash ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
	for (size_t i = (size_t)hash & table->mask;;
	     i = (i + 1) & table->mask) {
		uint32_t *slot = &table->index[i];

		if (*slot == UINT32_MAX ||
		    !strcmp(memory->module[*slot].path, path))
			return slot;
	}
}

/**
 * Add @p map to the module that it continues, or as a new one. A mapping whose
 * file offset does not increase begins another copy of the same file.
 */
static struct rs_error *add_map(struct rs_target *target,
				const struct by_path *table,
				const struct rs_map *map)
{
	struct rs_memory *memory = &target->memory;
	const bool is_exec = !map->prot_known || (map->prot & PROT_EXEC);
	uint32_t *slot = by_path_slot(table, memory, map->path);

	if (*slot != UINT32_MAX && map->offset > target->image[*slot].offset) {
		memory->module[*slot].end = map->end;
		target->image[*slot].is_exec |= is_exec;
		return NULL;
	}
	size_t images = memory->modules;
	struct rs_elf_image *image =
		rs_array_push(&target->image, &images, sizeof(*image));
	if (!image)
		return &rs_enomem;
	struct rs_module *module = rs_array_push(
		&memory->module, &memory->modules, sizeof(*module));
	if (!module)
		return &rs_enomem;
	*slot = (uint32_t)(memory->modules - 1); // maps are at most RS_MAX_MAPS
	*module = (struct rs_module){
		.path = map->path,
		.start = map->start,
		.end = map->end,
	};
	image->offset = map->offset;
	image->low_size = map->end - map->start;
	image->inode = map->inode;
	image->deleted = map->deleted;
	image->is_exec = is_exec;
	return NULL;
}

/** Set bias and end of @p module according to the PT_LOADs of @p elf. @return
 * false when they do not match its mappings. */
static bool place(const struct rs_target *target, struct rs_module *module,
		  const struct rs_elf_image *image, Elf *elf, uint16_t type)
{
	const uint64_t mask = ~(target->page - 1);
	uint64_t end = module->end;
	bool found = false;
	size_t count;

	if (elf_getphdrnum(elf, &count))
		return false;
	for (size_t i = 0; i < count && i < INT32_MAX; i++) {
		GElf_Phdr phdr;
		if (!gelf_getphdr(elf, (int)i, &phdr))
			return false;
		if (phdr.p_type != PT_LOAD)
			continue;
		if (!found && (phdr.p_offset & mask) != image->offset)
			continue;
		if (!found)
			module->bias = module->start - (phdr.p_vaddr & mask);
		found = true;
		const uint64_t last =
			module->bias + phdr.p_vaddr + phdr.p_memsz;
		if (last > end && last < module->start + (1ULL << 40))
			end = (last + ~mask) & mask;
	}
	if (!found || (type == ET_EXEC && module->bias != 0))
		return false;
	module->end = end;
	return true;
}

/** Whether the bytes at @p start can be read and are no ELF header: a data file
 * that the program has mapped. */
static bool is_data(struct rs_target *target, uint64_t start)
{
	char magic[SELFMAG];

	return rs_target_peek(target, start, magic, sizeof(magic)) &&
	       memcmp(magic, ELFMAG, SELFMAG) != 0;
}

/** Read the headers of candidate @p index and find its file.
 * @param[out] keep Whether it is a loaded ELF file. */
static struct rs_error *
examine(struct rs_target *target, size_t index, bool *keep)
{
	struct rs_module *module = &target->memory.module[index];
	struct rs_elf_image *image = &target->image[index];
	struct rs_error *err = NULL;

	*keep = false;
	if (!image->is_exec ||
	    (!image->offset && is_data(target, module->start)))
		return NULL;
	if (!image->offset)
		err = rs_headers_read(target, module->start, image);
	if (err && rs_error_code(err) != RS_EUNSUPPORTED &&
	    rs_error_code(err) != RS_ENOMEM) {
		rs_error_free(err); // ELF magic by chance
		return NULL;
	}
	if (err)
		return err;
	image->is_main = target->entry_phdr >= module->start &&
			 target->entry_phdr < module->end;
	err = rs_locate(target, index);
	if (err)
		return err;
	if (image->elf)
		*keep = place(target, module, image, image->elf,
			      image->ehdr.e_type);
	else if (image->file)
		*keep = place(target, module, image, image->file->elf,
			      image->file->ehdr.e_type);
	return NULL;
}

static struct rs_error *examine_all(struct rs_target *target)
{
	struct rs_memory *memory = &target->memory;
	const size_t count = memory->modules;
	struct rs_error *err = NULL;
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		bool keep = false;
		if (!err)
			err = examine(target, i, &keep);
		if (!keep) {
			elf_end(target->image[i].elf);
			free(target->image[i].headers);
			continue;
		}
		memory->module[kept] = memory->module[i];
		target->image[kept++] = target->image[i];
	}
	memory->modules = kept;
	return err;
}

struct rs_error *rs_modules_find(struct rs_target *target)
{
	struct rs_memory *memory = &target->memory;
	RS_CLEANUP(by_path_fini) struct by_path table = {0};
	struct rs_error *err = NULL;

	if (!by_path_init(&table, target->maps))
		return &rs_enomem;
	for (size_t i = 0; i < target->maps; i++) {
		if (!target->map[i].path)
			continue;
		err = add_map(target, &table, &target->map[i]);
		if (err)
			return err;
	}
	err = examine_all(target);
	if (err)
		return err;
	// .bss may seem to extend into the next module, if the PT_LOADs are
	// another file's.
	for (size_t i = 0; i + 1 < memory->modules; i++)
		if (memory->module[i].end > memory->module[i + 1].start)
			memory->module[i].end = memory->module[i + 1].start;
	return rs_locate_check_exec(target);
}

const struct rs_module *
rs_memory_module(const struct rs_memory *memory, uint64_t address)
{
	const size_t found = RS_FIRST_INDEX(i, memory->modules,
					    memory->module[i].end > address);

	if (found < memory->modules && memory->module[found].start <= address)
		return &memory->module[found];
	return NULL;
}
