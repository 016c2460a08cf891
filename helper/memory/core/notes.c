// SPDX-License-Identifier: MIT
// The notes of a core file: threads, mapped files, auxiliary vector.
#include "memory/core/corefile.h"

/**
 * Byte offsets in struct elf_prstatus (up to pr_reg the same on both machines),
 * and indexes of registers in pr_reg. Source: Linux
 * include/uapi/linux/elfcore.h; x86-64 struct user_regs_struct, aarch64 struct
 * user_pt_regs.
 */
enum {
	RS_PRSTATUS_PID = 32,
	RS_PRSTATUS_REG = 112,
	RS_X86_RIP = 16,
	RS_X86_RSP = 19,
	RS_X86_FS_BASE = 21,
	RS_X86_REGS = 27,
	RS_ARM_SP = 31,
	RS_ARM_PC = 32,
	RS_ARM_REGS = 34,
	RS_MAX_THREADS = 1 << 20,
};

#ifndef NT_ARM_TLS
#define NT_ARM_TLS 0x401
#endif

static uint64_t word(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static struct rs_error *
read_prstatus(struct rs_target *target, const uint8_t *desc, size_t size)
{
	struct rs_memory *memory = &target->memory;
	const bool x86 = target->machine == EM_X86_64;
	const uint8_t *reg = desc + RS_PRSTATUS_REG;
	int32_t tid;

	if (size <
	    RS_PRSTATUS_REG + 8 * (size_t)(x86 ? RS_X86_REGS : RS_ARM_REGS))
		return NULL;
	if (memory->threads >= RS_MAX_THREADS) {
		rs_memory_gap(memory,
			      "%s: more than %d threads; the others are not "
			      "known",
			      target->name, RS_MAX_THREADS);
		return NULL;
	}
	struct rs_thread *thread = rs_array_push(
		&memory->thread, &memory->threads, sizeof(*thread));
	if (!thread)
		return &rs_enomem;
	memcpy(&tid, desc + RS_PRSTATUS_PID, sizeof(tid));
	thread->tid = tid;
	thread->pc = word(reg + 8 * (size_t)(x86 ? RS_X86_RIP : RS_ARM_PC));
	thread->sp = word(reg + 8 * (size_t)(x86 ? RS_X86_RSP : RS_ARM_SP));
	thread->regs = x86 ? RS_X86_REGS : RS_ARM_REGS;
	for (unsigned i = 0; i < thread->regs; i++)
		thread->reg[i] = word(reg + (size_t)8 * i);
	if (x86)
		thread->fs_base = word(reg + (size_t)8 * RS_X86_FS_BASE);
	return NULL;
}

/**
 * NT_FILE: count, page size, then count times start, end and offset in pages,
 * then count NUL-terminated names. Source: Linux fs/binfmt_elf.c
 * fill_files_note().
 */
static struct rs_error *
read_files(struct rs_target *target, const uint8_t *desc, size_t size)
{
	if (size < 16)
		return NULL;
	const uint64_t count = word(desc);
	const uint64_t page = word(desc + 8);
	if (count > (size - 16) / 24 || !page || (page & (page - 1)) ||
	    page > 1 << 30) {
		rs_memory_gap(
			&target->memory,
			"%s: its list of mapped files (NT_FILE) is damaged; executables and libraries are not known",
			target->name);
		return NULL;
	}

	const char *name = (const char *)desc + 16 + 24 * count;
	const char *end = (const char *)desc + size;
	for (uint64_t i = 0; i < count; i++) {
		const uint8_t *p = desc + 16 + 24 * i;
		const struct rs_map map = {
			.start = word(p),
			.end = word(p + 8),
			.offset = word(p + 16) * page,
		};
		const char *nul = memchr(name, 0, (size_t)(end - name));
		if (!nul) {
			rs_memory_gap(
				&target->memory,
				"%s: its list of mapped files (NT_FILE) ends before the last name; some executables and libraries are not known",
				target->name);
			return NULL;
		}
		if (word(p + 16) <= UINT64_MAX / page) {
			struct rs_error *err = rs_maps_add(
				target, &map, name, (size_t)(nul - name));
			if (err)
				return err;
		}
		name = nul + 1;
	}
	return NULL;
}

static struct rs_error *read_note(struct rs_target *target,
				  const GElf_Nhdr *nhdr, const char *name,
				  const uint8_t *desc)
{
	struct rs_memory *memory = &target->memory;
	const size_t size = nhdr->n_descsz;
	const bool core = nhdr->n_namesz >= 4 && !memcmp(name, "CORE", 4);

	if (core && nhdr->n_type == NT_PRSTATUS)
		return read_prstatus(target, desc, size);
	if (core && nhdr->n_type == NT_FILE)
		return read_files(target, desc, size);
	if (core && nhdr->n_type == NT_AUXV)
		return rs_target_set_auxv(target, desc, size);
	// The other notes of a thread follow its NT_PRSTATUS.
	if (!core && nhdr->n_type == NT_ARM_TLS && size >= 8 &&
	    target->machine == EM_AARCH64 && memory->threads)
		memory->thread[memory->threads - 1].fs_base = word(desc);
	return NULL;
}

struct rs_error *rs_notes_read(struct rs_target *target, Elf_Data *data)
{
	const char *buf = data->d_buf;
	GElf_Nhdr nhdr;
	size_t offset = 0;
	size_t name;
	size_t desc;

	while ((offset = gelf_getnote(data, offset, &nhdr, &name, &desc)) > 0) {
		struct rs_error *err = read_note(target, &nhdr, buf + name,
						 (const uint8_t *)buf + desc);
		if (err)
			return err;
	}
	return NULL;
}
