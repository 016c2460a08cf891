// SPDX-License-Identifier: MIT
// Finding the file of a module on this machine, and whether it is the same
// build.
#include "memory/elf/modules.h"

#include <stdio.h>

enum rs_match {
	RS_DIFFERS,
	RS_PLAUSIBLE, // no build-id to compare; the layout is the same
	RS_SAME_BUILD,
};

/** The best candidate so far. */
struct rs_search {
	struct rs_target *target; // borrowed
	const struct rs_module *module;
	const struct rs_elf_image *image;
	const struct rs_file *other; // a file of another build, or NULL
	const struct rs_file *found; // or NULL
	enum rs_match match; // of found
};

/** Open @p path, or return the file if it is already open. @p ret is NULL when
 * it is not a readable ELF file. */
static struct rs_error *
open_once(struct rs_target *target, const char *path, struct rs_file **ret)
{
	*ret = NULL;
	for (size_t i = 0; i < target->files; i++)
		if (!strcmp(target->file[i]->path, path)) {
			*ret = target->file[i];
			return NULL;
		}

	struct rs_file *file = NULL;
	struct rs_error *err = rs_file_open(path, &file);
	if (err && rs_error_code(err) == RS_ENOMEM)
		return err;
	rs_error_free(err);
	if (!file)
		return NULL;
	struct rs_file **slot =
		rs_array_push(&target->file, &target->files, sizeof(void *));
	if (!slot) {
		rs_file_close(file);
		return &rs_enomem;
	}
	*ret = *slot = file;
	return NULL;
}

/** Whether the target's ELF headers and those of @p file have the same PT_LOADs
 * and dynamic section. */
static bool
headers_agree(const struct rs_elf_image *image, const struct rs_file *file)
{
	const GElf_Ehdr *a = &image->ehdr;
	const GElf_Ehdr *b = &file->ehdr;

	if (a->e_type != b->e_type || a->e_machine != b->e_machine ||
	    a->e_entry != b->e_entry || a->e_phnum != b->e_phnum)
		return false;
	for (int i = 0; i < a->e_phnum; i++) {
		GElf_Phdr x;
		GElf_Phdr y;
		if (!gelf_getphdr(image->elf, i, &x) ||
		    !gelf_getphdr(file->elf, i, &y))
			return false;
		// rs_headers_read() has changed the offsets of notes.
		if (x.p_type != PT_LOAD && x.p_type != PT_DYNAMIC)
			continue;
		if (x.p_type != y.p_type || x.p_offset != y.p_offset ||
		    x.p_vaddr != y.p_vaddr || x.p_filesz != y.p_filesz ||
		    x.p_memsz != y.p_memsz)
			return false;
	}
	return true;
}

/**
 * Whether a PT_LOAD of @p file puts file offset @p offset at @p address.
 * @param[in,out] bias Address in memory less that in the file; UINT64_MAX: any,
 *                and set to the one found.
 */
static bool is_loaded_at(const struct rs_file *file, uint64_t offset,
			 uint64_t address, uint64_t page, uint64_t *bias)
{
	for (int i = 0; i < file->ehdr.e_phnum; i++) {
		GElf_Phdr phdr;
		if (!gelf_getphdr(file->elf, i, &phdr) ||
		    phdr.p_type != PT_LOAD)
			continue;
		const uint64_t from = phdr.p_offset & ~(page - 1);
		if (offset < from || offset - from >= phdr.p_filesz + page)
			continue;
		const uint64_t b =
			address - offset - (phdr.p_vaddr - phdr.p_offset);
		if (*bias != UINT64_MAX && b != *bias)
			continue;
		*bias = b;
		return true;
	}
	return false;
}

/**
 * Whether all mappings of the module are where the loader would have mapped
 * this file. Used when the core does not contain the headers of the module.
 */
static bool
layout_agrees(const struct rs_search *search, const struct rs_file *file)
{
	const struct rs_target *target = search->target;
	const struct rs_module *m = search->module;
	uint64_t bias = UINT64_MAX;

	for (size_t i = 0; i < target->maps; i++) {
		const struct rs_map *map = &target->map[i];
		if (map->start < m->start || map->end > m->end || !map->path ||
		    strcmp(map->path, m->path) != 0)
			continue;
		if (map->offset >= file->size ||
		    !is_loaded_at(file, map->offset, map->start, target->page,
				  &bias))
			return false;
	}
	for (int i = 0; i < file->ehdr.e_phnum; i++) {
		GElf_Phdr phdr;
		if (gelf_getphdr(file->elf, i, &phdr) &&
		    phdr.p_type == PT_LOAD && phdr.p_filesz &&
		    bias + phdr.p_vaddr + phdr.p_filesz > m->end)
			return false;
	}
	return bias != UINT64_MAX;
}

static enum rs_match
compare(const struct rs_search *search, const struct rs_file *file)
{
	const struct rs_elf_image *image = search->image;

	if (file->ehdr.e_type != ET_EXEC && file->ehdr.e_type != ET_DYN)
		return RS_DIFFERS;
	if (image->id.size)
		return rs_buildid_equal(&image->id, &file->id) ? RS_SAME_BUILD
							       : RS_DIFFERS;
	if (image->elf && !headers_agree(image, file))
		return RS_DIFFERS;
	if (image->elf && image->inode && image->inode == file->stat.st_ino)
		return RS_SAME_BUILD;
	if (!image->elf && !layout_agrees(search, file))
		return RS_DIFFERS;
	return RS_PLAUSIBLE;
}

static struct rs_error *try(struct rs_search *search, const char *path)
{
	struct rs_file *file = NULL;

	if (!path || search->match == RS_SAME_BUILD)
		return NULL;
	struct rs_error *err = open_once(search->target, path, &file);
	if (err || !file)
		return err;
	const enum rs_match match = compare(search, file);
	if (match == RS_DIFFERS)
		search->other = file;
	if (match > search->match) {
		search->found = file;
		search->match = match;
	}
	return NULL;
}

static struct rs_error *
try_under(struct rs_search *search, const char *root, const char *path)
{
	RS_AUTO_FREE char *full = NULL;

	if (asprintf(&full, "%s%s", root, path) < 0) {
		full = NULL;
		return &rs_enomem;
	}
	return try(search, full);
}

/** Try the links in /proc of a live process: they lead to its files even when
 * those were deleted, or are in another mount namespace. */
static struct rs_error *try_proc(struct rs_search *search)
{
	const struct rs_module *m = search->module;
	char root[64];
	char link[96];

	(void)snprintf(root, sizeof(root), "/proc/%d/root",
		       (int)search->target->pid);
	struct rs_error *err = try_under(search, root, m->path);
	if (err || !search->image->deleted)
		return err;
	const uint64_t end = m->start + search->image->low_size;
	(void)snprintf(link, sizeof(link), "/proc/%d/map_files/%llx-%llx",
		       (int)search->target->pid, (unsigned long long)m->start,
		       (unsigned long long)end);
	err = try(search, link);
	if (err)
		return err;
	(void)snprintf(link, sizeof(link), "/proc/%d/exe",
		       (int)search->target->pid);
	return try(search, link);
}

// The executable that the user gave belongs to the module with the same
// build-id; if the module's is not known, to the one that the kernel started.
static struct rs_error *try_given(struct rs_search *search)
{
	const char *path = search->target->options.exec;
	const struct rs_elf_image *image = search->image;
	struct rs_file *exec = NULL;
	struct rs_error *err;

	if (!path)
		return NULL;
	err = open_once(search->target, path, &exec);
	if (!err && exec &&
	    (image->id.size ? rs_buildid_equal(&image->id, &exec->id)
			    : image->is_main))
		err = try(search, path);
	return err;
}

// Fetch the file by its build-id. The vDSO has no path, and no file.
static struct rs_error *try_fetched(struct rs_search *search)
{
	const struct rs_memory_options *o = &search->target->options;
	const struct rs_buildid *id = &search->image->id;
	const char *path = search->module->path;

	if (!o->fetch_file || !id->size || *path != '/' ||
	    search->match == RS_SAME_BUILD)
		return NULL;
	return try(search,
		   o->fetch_file(o->fetch_context, path, id->byte, id->size));
}

static struct rs_error *try_all(struct rs_search *search)
{
	struct rs_target *target = search->target;
	const struct rs_memory_options *o = &target->options;
	const struct rs_elf_image *image = search->image;
	const char *path = search->module->path;
	struct rs_error *err = NULL;

	if (o->find_file)
		err = try(search, o->find_file(o->context, path, image->id.byte,
					       image->id.size));
	if (!err && o->sysroot)
		err = try_under(search, o->sysroot, path);
	if (!err)
		err = try(search, path);
	if (!err && target->pid)
		err = try_proc(search);
	if (!err)
		err = try_given(search);
	return err ? err : try_fetched(search);
}

// Add a line to problem[] unless the same build was found.
static void report(const struct rs_search *search)
{
	struct rs_target *target = search->target;
	const char *path = search->module->path;
	const struct rs_elf_image *image = search->image;
	const size_t before = target->memory.problems;

	if (search->match == RS_SAME_BUILD)
		return;
	if (search->match == RS_PLAUSIBLE) {
		rs_problem(
			target,
			"%s: using %s, though there is no build-id to compare: its %s the target's",
			path, search->found->path,
			image->elf ? "program headers match"
				   : "layout matches");
		return;
	}
	if (search->other) {
		rs_problem(
			target,
			"%s: not using %s, which is another build: its build-id is %s, the target's is %s",
			path, search->other->path,
			rs_buildid_text(&search->other->id).text,
			rs_buildid_text(&image->id).text);
	} else if (target->memory.is_core) {
		rs_problem(
			target,
			"%s: not found on this machine (build-id %s); its pages that are not in the core cannot be read",
			path,
			image->elf ? rs_buildid_text(&image->id).text
				   : "not known");
	}
	if (target->memory.problems > before &&
	    (image->is_main || !target->memory.missing))
		target->memory.missing = target->memory.problem[before];
}

struct rs_error *rs_locate(struct rs_target *target, size_t index)
{
	struct rs_module *module = &target->memory.module[index];
	struct rs_elf_image *image = &target->image[index];
	struct rs_search search = {
		.target = target, .module = module, .image = image};

	struct rs_error *err = try_all(&search);
	if (err)
		return err;
	// Otherwise nothing suggests that the mapped file is an ELF file.
	if (image->elf || search.found || image->is_main)
		report(&search);
	if (!search.found)
		return NULL;
	module->file = search.found->path;
	module->checked = search.match == RS_SAME_BUILD;
	image->file = search.found;
	return NULL;
}

struct rs_error *rs_locate_check_exec(struct rs_target *target)
{
	const char *path = target->options.exec;
	const struct rs_module *ran = NULL;
	struct rs_buildid ran_id = {0};
	struct rs_file *exec = NULL;

	if (!path)
		return NULL;
	struct rs_error *err = open_once(target, path, &exec);
	if (err)
		return err;
	if (!exec) {
		rs_problem(target,
			   "%s: not used: it is not a readable ELF executable",
			   path);
		return NULL;
	}
	for (size_t i = 0; i < target->memory.modules; i++) {
		const struct rs_elf_image *image = &target->image[i];
		if (image->file == exec ||
		    (exec->id.size && rs_buildid_equal(&image->id, &exec->id)))
			return NULL;
		// Without is_main the first module is the best guess.
		if (image->is_main || !ran) {
			ran = &target->memory.module[i];
			ran_id = image->id;
		}
	}
	if (!ran)
		return NULL;
	rs_problem(
		target,
		"%s (build-id %s) is not used: the target ran %s (build-id %s)",
		path, rs_buildid_text(&exec->id).text, ran->path,
		rs_buildid_text(&ran_id).text);
	return NULL;
}
