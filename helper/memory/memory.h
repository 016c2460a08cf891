// SPDX-License-Identifier: MIT
/**
 * @file
 * The bytes of a target, whatever it is: a core file, a live process, or
 * anything that GDB can read.
 *
 * Once open, every backend answers "address to pointer" without a copy per
 * object: a core is mapped; a live process or a callback is copied in chunks
 * of 1 MiB, on first touch, into a reserved mapping of the same shape. A
 * pointer stays valid, and its bytes the same, until rs_memory_close().
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
	RS_COPY_SHIFT = 20, // a target that is copied is copied by 1 MiB
	RS_COPY_WHOLE = 1, // state of a chunk that is there without holes
};

/** A run of target addresses that is contiguous on this side too. */
struct rs_segment {
	uint64_t start; // first address
	uint64_t end; // one past the last readable address
	const uint8_t *data; // bytes of start; borrowed from a mapping
	uint8_t *loaded; // one byte a chunk of 1 MiB; NULL: all is there
	uint32_t missing; // chunks not yet copied
	uint8_t prot; // PROT_READ | PROT_WRITE | PROT_EXEC; 0: not known
	bool from_file; // bytes come from a file on disk, not the target
};

/** One mapped file of the target: an executable or a shared object. */
struct rs_module {
	const char *path; // as the target names it; owned by the memory
	const char *file; // where it was found on this machine, or NULL
	uint64_t start, end; // lowest and highest mapped address
	uint64_t bias; // add to a symbol's value
	bool checked; // build-ids of target and file agree
};

/** A thread at the stop. */
struct rs_thread {
	int64_t tid;
	uint64_t pc, sp, fs_base; // 0 when unknown
};

struct rs_memory_ops;

struct rs_memory {
	struct rs_segment *segment; // sorted by start, not overlapping
	size_t segments;
	uint32_t hint[RS_SEGMENT_HINTS]; // segment last used for address >> 20
	struct rs_module *module;
	size_t modules;
	struct rs_thread *thread; // empty when the backend cannot say
	size_t threads;
	char **problem; // what could not be read, a line each
	size_t problems;
	// The problem of a file that is not on this machine: the executable's
	// if that is one; NULL when none is.
	const char *missing;
	bool no_memory; // a name was not found for want of it; stays set
	bool is_core;
	bool big_steps; // a chunk costs a round trip (remote target)
	const struct rs_memory_ops *ops; // backend; private to helper/memory
};

/** How to open. A zeroed struct is fine. */
struct rs_memory_options {
	const char
		*exec; // executable on disk, or NULL to take the target's word
	const char *sysroot; // prefix for the target's paths, or NULL
	/** Where a mapped file is on this machine: NULL if unknown. Borrowed.
	 */
	const char *(*find_file)(void *context, const char *path,
				 const uint8_t *build_id, size_t build_id_size);
	void *context;
	/** Asked last, for a file with a build-id that no place has. */
	const char *(*fetch_file)(void *context, const char *path,
				  const uint8_t *build_id,
				  size_t build_id_size);
	void *fetch_context;
	/** Where fields of structs are; may be NULL. See engine.h. */
	rs_find_field_fn find_field;
	void *field_context;
};

/**
 * Open a core file (kernel's or gcore's; a truncated one too, as far as it
 * goes, with a line in problem[]).
 *
 * Pages that the core lacks come from the mapped files on disk, when the
 * build-ids agree; otherwise they are unreadable and problem[] says why. A
 * file that cannot be checked so (no build-id, or the core has not the page
 * with it) is used when its headers, or at least the places where it is
 * mapped, agree with the core, and problem[] says that too.
 * Errors: RS_ENOMEM; RS_EIO; RS_EBAD (not an ELF, not a core, no memory in
 * it); RS_EUNSUPPORTED (32 bits, big-endian, neither x86-64 nor aarch64).
 */
RS_MUST_CHECK struct rs_error *
rs_memory_open_core(const char *path, const struct rs_memory_options *options,
		    struct rs_memory **ret);

/**
 * Open the live process @p pid, which must be stopped and stay so. Reads
 * with process_vm_readv(), writes nothing.
 * Of a thread's registers only pc and sp can be had without ptrace.
 * Errors: RS_ENOMEM; RS_EIO (no such process, not permitted: the message says
 * what to try); RS_EARGUMENT; RS_EUNSUPPORTED as for a core.
 */
RS_MUST_CHECK struct rs_error *
rs_memory_open_live(pid_t pid, const struct rs_memory_options *options,
		    struct rs_memory **ret);

/**
 * Open memory that @p read fetches (any GDB target).
 *
 * @param range What is mapped; need not be sorted; copied. Protection 0 means
 *        that it is not known; a range without PROT_READ is not read.
 * Errors: RS_ENOMEM; RS_EBAD (nothing readable is mapped); RS_EUNSUPPORTED.
 */
RS_MUST_CHECK struct rs_error *
rs_memory_open_callback(rs_read_fn read, void *context,
			const struct rs_range *range, size_t ranges,
			const struct rs_memory_options *options,
			struct rs_memory **ret);

/**
 * Whether the files that were opened, a core's own and those of its modules,
 * are still what they were. Costs a system call for each.
 *
 * Errors: RS_EIO when it was changed, or a disk did not give what it should;
 * what was read since it was opened may then be wrong.
 */
RS_MUST_CHECK struct rs_error *rs_memory_check(struct rs_memory *memory);

/**
 * The same core for another thread: the bytes are shared and mapped once, what
 * looking at them writes is the view's own. It knows segments and modules, and
 * no symbols. To be closed before @p memory, which must be a core's.
 *
 * Errors: RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *
rs_memory_new_view(struct rs_memory *memory, struct rs_memory **ret);

/**
 * Remember a line for problem[], unless it is there already. Out of memory
 * loses the line, not more.
 */
RS_PRINTF(2, 3)
void rs_memory_problem(struct rs_memory *memory, const char *format, ...);

/** NULL is allowed. Every pointer got from @p memory dies. */
void rs_memory_close(struct rs_memory *memory);

/** Slow path of rs_memory_at(): other segment, or bytes not yet copied. */
const void *
rs_memory_find(struct rs_memory *memory, uint64_t address, uint64_t size);

/** Whether @p size bytes at @p offset are here; at most a chunk's length. */
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
 * @return @p size bytes of the target at @p address, or NULL when any of them
 *         cannot be read. Not aligned on this side unless it is there.
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
 * Start fetching the cache line of @p address, if that costs nothing to find
 * out. Inlined always: gcc 12 takes a function that only prefetches for one
 * without effect and drops calls of it.
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

/** Copy, across segments too. @return false when any byte cannot be read. */
bool rs_memory_read(struct rs_memory *memory, uint64_t address, void *buf,
		    size_t size);

static inline bool
rs_memory_u64(struct rs_memory *memory, uint64_t address, uint64_t *ret)
{
	const void *p = rs_memory_at(memory, address, sizeof(*ret));
	if (p)
		memcpy(ret, p, sizeof(*ret));
	return p != NULL;
}

static inline bool
rs_memory_u32(struct rs_memory *memory, uint64_t address, uint32_t *ret)
{
	const void *p = rs_memory_at(memory, address, sizeof(*ret));
	if (p)
		memcpy(ret, p, sizeof(*ret));
	return p != NULL;
}

/**
 * @return The NUL-terminated text at @p address, borrowed, or NULL when it is
 *         unreadable or longer than @p max bytes.
 */
const char *
rs_memory_text(struct rs_memory *memory, uint64_t address, size_t max);

/**
 * The address of the dynamic or (if the file has one) full symbol @p name.
 *
 * @param module A module of @p memory, or NULL for the first that defines it.
 * @param[out] size Bytes, 0 when unknown. May be NULL.
 * Errors: RS_ENOTFOUND.
 */
RS_MUST_CHECK struct rs_error *
rs_memory_symbol(struct rs_memory *memory, const struct rs_module *module,
		 const char *name, uint64_t *address, uint64_t *size);

/** A section by name; from the file on disk. Errors: RS_ENOTFOUND. */
RS_MUST_CHECK struct rs_error *
rs_memory_section(struct rs_memory *memory, const struct rs_module *module,
		  const char *name, uint64_t *address, uint64_t *size);

/**
 * Where a field of a struct that @p module knows is, by options.find_field.
 *
 * @param field NULL: of the struct only the size is wanted.
 * @return RS_DEBUG_ABSENT without options.find_field too.
 */
enum rs_debug_found rs_memory_field(struct rs_memory *memory,
				    const struct rs_module *module,
				    const char *type, const char *field,
				    struct rs_debug_field *ret);

/** @return The module that @p address lies in, or NULL. */
const struct rs_module *
rs_memory_module(const struct rs_memory *memory, uint64_t address);

#endif /* RS_MEMORY_MEMORY_H */
