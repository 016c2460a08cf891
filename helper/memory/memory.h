// SPDX-License-Identifier: MIT
/**
 * @file
 * Reading the memory of a target: a core file, a live process, or anything that
 * GDB can read. Its executables, libraries, symbols and threads too.
 *
 * Every kind of target (backend) turns an address into a pointer without a copy
 * per object. A core file is mapped. The memory of a live process or behind a
 * callback is copied on first use, in chunks of 1 MiB, into a reserved mapping
 * of the same size. A pointer stays valid, and the bytes behind it unchanged,
 * until rs_memory_close().
 *
 * Nothing here writes to the target or runs code in it. One thread at a time
 * may use a struct rs_memory; rs_memory_new_view() makes another one.
 */
#ifndef RS_MEMORY_MEMORY_H
#define RS_MEMORY_MEMORY_H

#include "base/error.h"
#include "refscope/callbacks.h"

#include <stdbool.h>
#include <string.h>
#include <sys/types.h>

enum {
	RS_SEGMENT_HINTS = 256,
	RS_COPY_SHIFT = 20, // chunks of a copied target have 1 MiB
	RS_REGISTERS = 34, // most that a machine has
	RS_COPY_WHOLE = 1, // state of a chunk copied without unreadable pages
};

/** A range of target addresses whose bytes are contiguous in our memory too. */
struct rs_segment {
	uint64_t start; // first address
	uint64_t end; // one past the last readable address
	const uint8_t *data; // the byte at start; borrowed from a mapping
	// Owned; the state of each chunk of a copied target; NULL when all
	// bytes are present.
	uint8_t *loaded;
	uint32_t missing; // chunks not yet copied
	uint8_t prot; // PROT_READ | PROT_WRITE | PROT_EXEC; 0: not known
	bool from_file; // bytes come from a file on disk, not the target
};

/** An executable or shared library of the target. */
struct rs_module {
	const char *path; // as the target names it; owned by the memory
	const char *file; // where it was found on this machine, or NULL
	uint64_t start, end; // lowest mapped address, one past the highest
	uint64_t bias; // add to an address in the file to get that in memory
	bool checked; // the build-ids in the target and in the file are equal
};

/** @return The part of @p path behind the last slash. Borrowed from it. */
static inline const char *rs_base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/** A thread, as it was when the target stopped. */
struct rs_thread {
	int64_t tid;
	uint64_t pc, sp, fs_base; // 0 when unknown
	// [regs] the general registers, in the order of the kernel's struct
	// user_regs_struct (x86-64) or user_pt_regs (aarch64); 0: not known
	uint64_t reg[RS_REGISTERS];
	unsigned regs;
	// The system call in which it waits (x86-64), and its first argument;
	// less than 0: none, or not known.
	int64_t call;
	uint64_t call_argument;
	// Of the processor's time it has had, and how long ago it started, in
	// ms; less than 0: not known.
	int64_t ran_ms, age_ms;
};

struct rs_memory_ops;

struct rs_memory {
	struct rs_segment *segment; // sorted by start, not overlapping
	size_t segments;
	// Index of the segment last used for (address >> 20) % 256.
	uint32_t hint[RS_SEGMENT_HINTS];
	struct rs_module *module; // sorted by start
	size_t modules;
	struct rs_thread *thread; // empty when they are not known
	size_t threads;
	// The auxiliary vector that the kernel gave the program at its start:
	// pairs of 64-bit words (type, value), owned. NULL when not known.
	const void *auxv;
	size_t auxv_size; // bytes
	char **problem; // one line for each thing that could not be read
	size_t problems;
	// Those of them that may make answers wrong; borrowed from problem[].
	const char **gap;
	size_t gaps;
	// The line of problem[] about a file that is not on this machine, that
	// of the executable if it is missing; NULL when none is.
	const char *missing;
	// The line of problem[] about a core that is truncated, or NULL.
	const char *truncated;
	// A look-up failed because memory ran out, so "not found" may be wrong.
	// Never reset.
	bool no_memory;
	bool is_core;
	bool big_steps; // each chunk costs a round trip to a remote target
	const struct rs_memory_ops *ops; // backend; private to helper/memory
};

/** How to open a target. All members may be zero. */
struct rs_memory_options {
	// Executable on this machine; NULL: the one that the target names.
	const char *exec;
	const char *sysroot; // prefix for the target's paths, or NULL
	/** Return where a mapped file is on this machine, or NULL; borrowed.
	 * Called first. */
	const char *(*find_file)(void *context, const char *path,
				 const uint8_t *build_id, size_t build_id_size);
	void *context;
	/** The same, called last, for a file with a build-id that was not found
	 * anywhere else: may download it. */
	const char *(*fetch_file)(void *context, const char *path,
				  const uint8_t *build_id,
				  size_t build_id_size);
	void *fetch_context;
	/** Looks up fields in debug information; may be NULL. See callbacks.h.
	 */
	rs_find_field_fn find_field;
	void *field_context;
};

/**
 * Open a core file, written by the kernel or by gcore. Of a truncated one
 * everything that is there can be read, and problem[] says that it is
 * truncated.
 *
 * Pages of mapped files that the core lacks are read from the files on disk, if
 * these have the same build-id; otherwise they cannot be read, and problem[]
 * says why. A file whose build-id cannot be compared (it has none, or the core
 * lacks the page with it) is used if its program headers, or at least the
 * addresses at which it is mapped, match the core; problem[] says so.
 *
 * @param[out] ret To be closed by rs_memory_close().
 * Errors: RS_ENOMEM; RS_EIO; RS_EBAD (not an ELF file, not a core, contains no
 * memory); RS_EUNSUPPORTED (32-bit, big-endian, neither x86-64 nor aarch64).
 */
RS_MUST_CHECK struct rs_error *
rs_memory_open_core(const char *path, const struct rs_memory_options *options,
		    struct rs_memory **ret);

/**
 * Open the live process @p pid, which must be stopped and stay stopped. It is
 * read with process_vm_readv() or /proc/PID/mem. Of each thread's registers
 * only pc and sp are available without ptrace().
 *
 * Errors: RS_ENOMEM; RS_EIO (no such process; no permission, then the message
 * says what to try); RS_EARGUMENT (not a process id); RS_EUNSUPPORTED as for a
 * core.
 */
RS_MUST_CHECK struct rs_error *
rs_memory_open_live(pid_t pid, const struct rs_memory_options *options,
		    struct rs_memory **ret);

/**
 * Open a target whose memory is read by calling @p read: any target of GDB.
 *
 * @param context Passed to @p read.
 * @param range The mapped ranges, in any order; copied. Protection 0 means
 *        unknown; a range that is known to lack PROT_READ is not read.
 * Errors: RS_ENOMEM; RS_EBAD (no readable range); RS_EUNSUPPORTED.
 */
RS_MUST_CHECK struct rs_error *
rs_memory_open_callback(rs_read_fn read, void *context,
			const struct rs_range *range, size_t ranges,
			const struct rs_memory_options *options,
			struct rs_memory **ret);

/**
 * Check that the files in use, the core and those of its modules, have not
 * changed since they were opened. One system call for each.
 *
 * Errors: RS_EIO when one has changed or a read from disk failed; whatever was
 * read since it was opened may then be wrong.
 */
RS_MUST_CHECK struct rs_error *rs_memory_check(struct rs_memory *memory);

/**
 * Create a second struct for the same core, for use by another thread. The
 * mapped bytes are shared; the state that reading changes is separate. It has
 * the segments and the list of modules, but neither threads nor files, and
 * symbols and sections must not be looked up in it.
 *
 * @param memory Of a core; must be closed after the view.
 * Errors: RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *
rs_memory_new_view(struct rs_memory *memory, struct rs_memory **ret);

/**
 * Add a line to problem[], unless it contains the same one. When out of memory
 * the line is dropped.
 */
RS_PRINTF(2, 3)
void rs_memory_problem(struct rs_memory *memory, const char *format, ...);

/**
 * As rs_memory_problem(), for what answers are incomplete or wrong because of:
 * a limit that was reached, a list or table that is damaged, memory that is not
 * in the target. Every answer repeats these lines. Like the others they are
 * limited in number, but not displaced by them.
 */
RS_PRINTF(2, 3)
void rs_memory_gap(struct rs_memory *memory, const char *format, ...);

/**
 * The target has run: forget what was copied of it. From now on single pages
 * are copied when they are needed, which is for a few objects, not for all.
 * Mappings stay those of the opening. Pointers into it stay valid; what they
 * point to changes.
 * Errors: RS_EUNSUPPORTED (a core, which does not run); RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *rs_memory_renew(struct rs_memory *memory);

/** Free @p memory and everything borrowed from it. NULL is allowed. */
void rs_memory_close(struct rs_memory *memory);

/** @return The index of the segment that contains @p address, or
 * memory->segments when none does. */
size_t rs_segments_index(const struct rs_memory *memory, uint64_t address);

/** Slow path of rs_memory_at(): another segment, or bytes not yet copied.
 * Returns the same. */
const void *
rs_memory_find(struct rs_memory *memory, uint64_t address, uint64_t size);

/** Whether @p size bytes at @p offset are known to be present. False also for
 * more than the size of a chunk, unless all of the segment is. */
static inline bool
rs_segment_has(const struct rs_segment *segment, uint64_t offset, uint64_t size)
{
	const uint8_t *loaded = segment->loaded;

	if (__builtin_expect(!loaded, 1))
		return true;
	return size - 1 < 1U << RS_COPY_SHIFT &&
	       loaded[offset >> RS_COPY_SHIFT] == RS_COPY_WHOLE &&
	       loaded[(offset + size - 1) >> RS_COPY_SHIFT] == RS_COPY_WHOLE;
}

/**
 * @return A pointer to the @p size bytes of the target at @p address, borrowed,
 *         or NULL when any of them cannot be read. Aligned only if @p address
 *         is and the target aligned it.
 */
static inline const void *
rs_memory_at(struct rs_memory *memory, uint64_t address, uint64_t size)
{
	const uint32_t h = memory->hint[(address >> RS_COPY_SHIFT) &
					(RS_SEGMENT_HINTS - 1)];
	const struct rs_segment *s = &memory->segment[h];

	if (h < memory->segments && address >= s->start &&
	    size <= s->end - s->start &&
	    address - s->start <= s->end - s->start - size &&
	    rs_segment_has(s, address - s->start, size))
		return s->data + (address - s->start);
	return rs_memory_find(memory, address, size);
}

/**
 * Prefetch the cache line of @p address, if the hint for it names its segment.
 * Always inlined: gcc 12 considers a function that only prefetches to be
 * without effect and removes the calls.
 */
__attribute__((__always_inline__)) static inline void
rs_memory_prefetch(struct rs_memory *memory, uint64_t address)
{
	const uint32_t h = memory->hint[(address >> RS_COPY_SHIFT) &
					(RS_SEGMENT_HINTS - 1)];
	const struct rs_segment *s = &memory->segment[h];

	if (h < memory->segments && address >= s->start && address < s->end &&
	    rs_segment_has(s, address - s->start, 1))
		__builtin_prefetch(s->data + (address - s->start));
}

/** Copy @p size bytes, also from several segments. @return false when any of
 * them cannot be read; @p buf is undefined then. */
bool rs_memory_read(struct rs_memory *memory, uint64_t address, void *buf,
		    size_t size);

/** Read an aligned or unaligned word. @return false when it cannot be read;
 * @p ret is unchanged then. */
static inline bool
rs_memory_u64(struct rs_memory *memory, uint64_t address, uint64_t *ret)
{
	const void *p = rs_memory_at(memory, address, sizeof(*ret));
	if (p)
		memcpy(ret, p, sizeof(*ret));
	return p != NULL;
}

/** As rs_memory_u64(). */
static inline bool
rs_memory_u32(struct rs_memory *memory, uint64_t address, uint32_t *ret)
{
	const void *p = rs_memory_at(memory, address, sizeof(*ret));
	if (p)
		memcpy(ret, p, sizeof(*ret));
	return p != NULL;
}

/**
 * @return The NUL-terminated string at @p address, borrowed, or NULL when it
 *         cannot be read or is longer than @p max bytes.
 */
const char *
rs_memory_text(struct rs_memory *memory, uint64_t address, size_t max);

/**
 * The address of symbol @p name, from .dynsym of any module, else from .symtab.
 *
 * @param module A module of @p memory, or NULL for the first that defines it.
 * @param[out] size In bytes, 0 when unknown. May be NULL.
 * Errors: RS_ENOTFOUND; RS_ENOMEM (which also sets memory->no_memory).
 */
RS_MUST_CHECK struct rs_error *
rs_memory_symbol(struct rs_memory *memory, const struct rs_module *module,
		 const char *name, uint64_t *address, uint64_t *size);

/** The address and size of a section that is loaded, according to the module's
 * file on disk; parameters as rs_memory_symbol(). Errors: RS_ENOTFOUND. */
RS_MUST_CHECK struct rs_error *
rs_memory_section(struct rs_memory *memory, const struct rs_module *module,
		  const char *name, uint64_t *address, uint64_t *size);

/**
 * Look up a field of a struct in the debug information of @p module, by calling
 * options.find_field.
 *
 * @param field "a.b" for nested ones; NULL to get only the size of the struct.
 * @return RS_DEBUG_ABSENT also when there is no options.find_field.
 */
enum rs_debug_found rs_memory_field(struct rs_memory *memory,
				    const struct rs_module *module,
				    const char *type, const char *field,
				    struct rs_debug_field *ret);

/** @return The module that contains @p address, or NULL. */
const struct rs_module *
rs_memory_module(const struct rs_memory *memory, uint64_t address);

/** Where the time of a target is from. */
enum rs_clock {
	RS_CLOCK_UNKNOWN, // a remote target, or a core from before the last
			  // boot
	RS_CLOCK_NOW, // a live process of this machine
	RS_CLOCK_CORE_FILE, // when the core's file was last written
};

/**
 * The target's CLOCK_MONOTONIC at the moment that is looked at, in ns. Of a
 * core only its file's time says when that was, and only if it was written on
 * this machine since the last boot.
 */
enum rs_clock rs_memory_clock(const struct rs_memory *memory, int64_t *ret);

#endif /* RS_MEMORY_MEMORY_H */
