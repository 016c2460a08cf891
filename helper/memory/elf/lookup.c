// SPDX-License-Identifier: MIT
// The addresses of symbols and sections by name, and fields of structs.
#include "memory/elf/modules.h"

/** Find a section of the file by name, or by type when @p name is NULL. */
static Elf_Scn *find_section(const struct rs_file *file, const char *name,
			     uint32_t type, GElf_Shdr *ret)
{
	Elf_Scn *scn = NULL;
	size_t strings;

	if (elf_getshdrstrndx(file->elf, &strings))
		return NULL;
	while ((scn = elf_nextscn(file->elf, scn))) {
		GElf_Shdr shdr;
		if (!gelf_getshdr(scn, &shdr))
			continue;
		const char *is =
			name ? elf_strptr(file->elf, strings, shdr.sh_name)
			     : NULL;
		if (name ? is && !strcmp(is, name) : shdr.sh_type == type) {
			*ret = shdr;
			return scn;
		}
	}
	return NULL;
}

static struct rs_error *index_section(const struct rs_file *file, uint32_t type,
				      struct rs_symbols *table)
{
	GElf_Shdr shdr;
	Elf_Scn *scn = find_section(file, NULL, type, &shdr);

	if (!scn)
		return NULL;
	const Elf_Data *sym = elf_getdata(scn, NULL);
	const Elf_Data *text =
		elf_getdata(elf_getscn(file->elf, shdr.sh_link), NULL);
	if (!sym || !text || !sym->d_buf || !text->d_buf ||
	    sym->d_type != ELF_T_SYM)
		return NULL; // damaged: treat it as stripped
	return rs_symbols_index(table, sym->d_buf,
				sym->d_size / sizeof(Elf64_Sym), text->d_buf,
				text->d_size);
}

// Index the dynamic symbols of module @p index, the first time.
static struct rs_error *index_dynamic(struct rs_target *target, size_t index)
{
	struct rs_elf_image *image = &target->image[index];

	if (image->dynamic_tried)
		return NULL;
	image->dynamic_tried = true;
	if (image->file)
		return index_section(image->file, SHT_DYNSYM, &image->dynamic);
	return rs_symbols_from_target(target, &target->memory.module[index],
				      image);
}

// Index the full symbol table of module @p index, the first time.
static struct rs_error *index_full(struct rs_target *target, size_t index)
{
	struct rs_elf_image *image = &target->image[index];

	if (image->full_tried || !image->file)
		return NULL;
	image->full_tried = true;
	return index_section(image->file, SHT_SYMTAB, &image->full);
}

struct rs_error *rs_memory_tables(struct rs_memory *memory, size_t index,
				  struct rs_symbols **full,
				  struct rs_symbols **dynamic)
{
	struct rs_target *target = rs_target_of(memory);
	struct rs_error *err = index_full(target, index);

	if (!err)
		err = index_dynamic(target, index);
	*full = &target->image[index].full;
	*dynamic = &target->image[index].dynamic;
	return err;
}

/** @param[out] ret NULL when module @p index has no symbol @p name. */
static struct rs_error *look_up(struct rs_target *target, size_t index,
				bool full, const char *name,
				const Elf64_Sym **ret)
{
	const struct rs_elf_image *image = &target->image[index];
	struct rs_error *err =
		full ? index_full(target, index) : index_dynamic(target, index);
	if (err)
		return err;
	*ret = rs_symbols_find(full ? &image->full : &image->dynamic, name);
	return NULL;
}

static bool is_wanted(const struct rs_memory *memory,
		      const struct rs_module *module, size_t index)
{
	return !module || module == &memory->module[index];
}

struct rs_error *
rs_memory_symbol(struct rs_memory *memory, const struct rs_module *module,
		 const char *name, uint64_t *address, uint64_t *size)
{
	struct rs_target *target = rs_target_of(memory);

	// First the dynamic symbols of every module, then the full tables:
	// these are larger, and only symbols private to a module are in them
	// alone.
	for (int full = 0; full < 2; full++) {
		for (size_t i = 0; i < memory->modules; i++) {
			const Elf64_Sym *sym = NULL;

			if (!is_wanted(memory, module, i))
				continue;
			struct rs_error *err =
				look_up(target, i, full, name, &sym);
			memory->no_memory |= err != NULL;
			if (err)
				return err;
			if (!sym)
				continue;
			*address = sym->st_value + memory->module[i].bias;
			if (size)
				*size = sym->st_size;
			return NULL;
		}
	}
	return rs_error_new(RS_ENOTFOUND, "%s: no symbol %s",
			    module ? module->path : target->name, name);
}

struct rs_error *
rs_memory_section(struct rs_memory *memory, const struct rs_module *module,
		  const char *name, uint64_t *address, uint64_t *size)
{
	struct rs_target *target = rs_target_of(memory);

	for (size_t i = 0; i < memory->modules; i++) {
		const struct rs_file *file = target->image[i].file;
		GElf_Shdr shdr;

		if (!is_wanted(memory, module, i) || !file ||
		    !find_section(file, name, 0, &shdr) ||
		    !(shdr.sh_flags & SHF_ALLOC))
			continue;
		*address = shdr.sh_addr + memory->module[i].bias;
		if (size)
			*size = shdr.sh_size;
		return NULL;
	}
	return rs_error_new(RS_ENOTFOUND, "%s: no section %s",
			    module ? module->path : target->name, name);
}

enum rs_debug_found
rs_memory_field(struct rs_memory *memory, const struct rs_module *module,
		const char *type, const char *field, struct rs_debug_field *ret)
{
	const struct rs_target *target = rs_target_of(memory);
	const struct rs_elf_image *image =
		&target->image[module - memory->module];
	const struct rs_buildid *id =
		image->id.size || !image->file ? &image->id : &image->file->id;
	const struct rs_debug_query query = {
		.path = module->path,
		.build_id = id->size ? id->byte : NULL,
		.build_id_size = id->size,
		.type = type,
		.field = field,
	};

	if (!target->options.find_field)
		return RS_DEBUG_ABSENT;
	return target->options.find_field(target->options.field_context, &query,
					  ret);
}
