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
	RS_PRSTATUS_UTIME = 48, // struct timeval, and then pr_stime
	RS_PRSTATUS_REG = 112,
	RS_X86_RAX = 10,
	RS_X86_RDI = 14,
	RS_X86_ORIG_RAX = 15,
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

// The system call that was interrupted when the thread stopped. Source: Linux
// include/linux/errno.h and include/uapi/asm-generic/errno-base.h; a thread
// that did not come from a system call has -1 in orig_rax.
static void find_call(struct rs_thread *thread)
{
	static const int interrupted[] = {
		-4, // EINTR
		-512, // ERESTARTSYS
		-513, // ERESTARTNOINTR
		-514, // ERESTARTNOHAND
		-516, // ERESTART_RESTARTBLOCK
	};
	const int64_t result = (int64_t)thread->reg[RS_X86_RAX];

	for (size_t i = 0; i < sizeof(interrupted) / sizeof(*interrupted); i++)
		if (result == interrupted[i])
			thread->call = (int64_t)thread->reg[RS_X86_ORIG_RAX];
	thread->call_argument = thread->reg[RS_X86_RDI];
}

// The kernel fills this in, gcore leaves zeros.
static int64_t read_ran_ms(const uint8_t *desc)
{
	const uint8_t *time = desc + RS_PRSTATUS_UTIME;
	const uint64_t seconds = word(time) + word(time + 16);
	const uint64_t micro = word(time + 8) + word(time + 24);

	if (seconds > UINT32_MAX || micro > UINT32_MAX || !(seconds | micro))
		return -1;
	return (int64_t)(seconds * 1000 + micro / 1000);
}

static void read_thread(const uint8_t *desc, bool x86, struct rs_thread *thread)
{
	const uint8_t *reg = desc + RS_PRSTATUS_REG;
	int32_t tid;

	memcpy(&tid, desc + RS_PRSTATUS_PID, sizeof(tid));
	thread->tid = tid;
	thread->pc = word(reg + 8 * (size_t)(x86 ? RS_X86_RIP : RS_ARM_PC));
	thread->sp = word(reg + 8 * (size_t)(x86 ? RS_X86_RSP : RS_ARM_SP));
	thread->regs = x86 ? RS_X86_REGS : RS_ARM_REGS;
	for (unsigned i = 0; i < thread->regs; i++)
		thread->reg[i] = word(reg + (size_t)8 * i);
	thread->call = -1;
	thread->ran_ms = read_ran_ms(desc);
	thread->age_ms = -1;
	if (!x86)
		return;
	find_call(thread);
	thread->fs_base = thread->reg[RS_X86_FS_BASE];
}

static struct rs_error *
read_prstatus(struct rs_target *target, const uint8_t *desc, size_t size)
{
	struct rs_memory *memory = &target->memory;
	const bool x86 = target->machine == EM_X86_64;

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
	read_thread(desc, x86, thread);
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
