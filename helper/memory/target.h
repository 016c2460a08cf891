// SPDX-License-Identifier: MIT
/**
 * @file
 * What the backends share. For helper/memory, and for helper/sandbox, which
 * rebuilds the process of a core from it.
 *
 * To open a target, a backend calls rs_target_new(), adds the mappings
 * (rs_maps_add()) and the segments (rs_segments_add() or
 * rs_copied_reserve()), sorts both (rs_maps_seal(), rs_segments_seal()), and
 * finally calls rs_modules_find() to find the ELF files among the mapped ones.
 */
#ifndef RS_MEMORY_TARGET_H
#define RS_MEMORY_TARGET_H

#include "base/cleanup.h"
#include "base/vec.h"
#include "memory/memory.h"

#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum {
	RS_COPY_SIZE = 1 << RS_COPY_SHIFT, // a chunk of a copied target
	// Of either kind; the last line then says that there are more.
	RS_MAX_PROBLEMS = 100,
	RS_MAX_MAPS = 1 << 20, // Linux allows 65,530 unless told otherwise
	RS_JOINED_HEADS = 1 << 12, // hash buckets
};

/** A mapping of the target, from /proc/PID/maps, NT_FILE or GDB. */
struct rs_map {
	uint64_t start, end;
	uint64_t offset; // in the file, in bytes
	uint64_t inode; // 0 when unknown
	const char *path; // owned by the target; NULL when not of a file
	uint8_t prot; // PROT_READ | PROT_WRITE | PROT_EXEC
	bool prot_known;
	bool deleted; // the file has been removed or replaced
};

/** A range of addresses that cannot be read, in a copied segment. */
struct rs_hole {
	uint64_t start, end;
};

/** Memory of ours to unmap when the target is closed. */
struct rs_mapping {
	void *data;
	size_t size;
};

/** Memory from malloc() to free when the target is closed: a list of them. */
struct rs_buffer {
	struct rs_buffer *next;
	uint64_t address; // of the bytes in the target; 0 for texts
	uint64_t size;
	char data[];
};

struct rs_target;
struct rs_elf_image;
struct rs_file;

/** The functions of a backend. */
struct rs_memory_ops {
	/** Read @p size bytes or as many as are readable from @p address on.
	 * @return the number read. */
	uint64_t (*fetch)(struct rs_target *target, uint64_t address, void *buf,
			  uint64_t size);
	void (*close)(struct rs_target *target); // may be NULL
};

/** An open target. Arrays and what they point to are owned. */
struct rs_target {
	struct rs_memory memory; // first: the part that higher floors see
	struct rs_memory_options options; // strings borrowed while opening
	const char *name; // "core FILE", "process 12": for messages
	uint64_t page; // bytes
	uint16_t machine; // EM_*; 0 when not known yet

	struct rs_map *map; // sorted by start
	size_t maps;
	struct rs_elf_image *image; // [memory.modules], in the same order
	struct rs_file **file; // files opened on disk
	size_t files;
	struct rs_mapping *mapping;
	size_t mappings;
	struct rs_buffer *text; // strings and the auxiliary vector
	// Copies of ranges that cross segments, hashed by address.
	struct rs_buffer *joined[RS_JOINED_HEADS];
	size_t joined_bytes;
	struct rs_hole *hole; // sorted by start
	size_t holes;
	uint32_t prefetch, max_prefetch; // chunks to copy at the next miss
	uint64_t *renewed; // see rs_memory_renew(); NULL: never

	// Of a live process:
	pid_t pid; // 0 for other targets
	int mem_fd; // /proc/PID/mem, or -1 to use process_vm_readv()
	bool gone; // it has ended, and problem[] says so
	// struct rs_extent: what was resident when it was opened. Reading makes
	// more of it so. Valid if resident_known.
	struct rs_vec resident;
	bool resident_known;
	const char *resident_why; // it is not known: a constant, or NULL
	// Of a callback:
	rs_read_fn read;
	void *context;
	// Of a core:
	struct rs_load *load; // its PT_LOADs, sorted by start
	size_t loads;
	const char *core_path; // all of the file is mapping[0]
	int core_fd; // -1: not a core
	struct stat core_stat; // when it was opened
	// Of a core or a live process:
	uint64_t entry_phdr; // AT_PHDR, an address in the main executable
};

/** @return The target that @p memory is the first member of. */
static inline struct rs_target *rs_target_of(struct rs_memory *memory)
{
	return (struct rs_target *)memory;
}

/**
 * Create a target without memory.
 * @param options Copied; NULL: none.
 * @param[out] ret To be closed by rs_memory_close(&ret->memory).
 * Errors: RS_ENOMEM; RS_EUNSUPPORTED (libelf).
 */
RS_MUST_CHECK struct rs_error *
rs_target_new(const struct rs_memory_ops *ops,
	      const struct rs_memory_options *options, struct rs_target **ret);

/** Scope guard that closes a target. */
void rs_cleanup_target(struct rs_target **slot);
#define RS_AUTO_TARGET RS_CLEANUP(rs_cleanup_target)

/**
 * Append a zeroed element to an array from malloc(), whose capacity is always
 * the power of two not below its count.
 *
 * @param array_pointer Address of the pointer to the array (NULL when empty).
 * @param size Of an element, in bytes.
 * @return The new element, or NULL when out of memory.
 */
void *rs_array_push(void *array_pointer, size_t *count, size_t size);

/** rs_memory_problem() for a target. */
RS_PRINTF(2, 3)
void rs_problem(struct rs_target *target, const char *format, ...);

/** @return A copy of @p size bytes and a NUL, owned by the target; NULL when
 * out of memory. */
const char *
rs_target_text(struct rs_target *target, const char *text, size_t size);

/**
 * Keep the auxiliary vector in memory->auxv, and use what it says: page size
 * and the address of the main executable's program headers.
 * @param auxv @p size bytes; copied. Errors: RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *
rs_target_set_auxv(struct rs_target *target, const void *auxv, size_t size);

/**
 * Give @p data to the target, which unmaps it when closed.
 * Errors: RS_ENOMEM; @p data is unmapped then.
 */
RS_MUST_CHECK struct rs_error *
rs_target_own_mapping(struct rs_target *target, void *data, size_t size);

/** Append a segment, in any order. Errors: RS_ENOMEM; RS_EBAD (too many). */
RS_MUST_CHECK struct rs_error *
rs_segments_add(struct rs_target *target, const struct rs_segment *segment);

/** Sort the segments, remove overlaps, and merge neighbours whose bytes are
 * contiguous in our memory too. */
void rs_segments_seal(struct rs_target *target);

/**
 * For a copied target: reserve address space for a copy of every readable
 * mapping and add it as segments, with nothing copied yet.
 * Errors: as rs_segments_add().
 */
RS_MUST_CHECK struct rs_error *rs_copied_reserve(struct rs_target *target);

/** Append the threads of a live process. Errors: RS_ENOMEM. */
RS_MUST_CHECK struct rs_error *rs_live_threads(struct rs_target *target);

/** Open /proc/PID/NAME of a live process. @return NULL with errno set. */
FILE *rs_live_file(const struct rs_target *target, const char *name);

/** Note what of a live process is resident: resident.c. To be called before its
 * memory is read. Errors: RS_ENOMEM. */
RS_MUST_CHECK struct rs_error *
rs_target_keep_resident(struct rs_target *target);

/** Copy the bytes of @p segment from address @p from to @p to, as far as that
 * was not done before. @return false when one of them cannot be read. */
bool rs_copied_load(struct rs_target *target, struct rs_segment *segment,
		    uint64_t from, uint64_t to);

/** The same after rs_memory_renew(). */
bool rs_copied_load_pages(struct rs_target *target, struct rs_segment *segment,
			  uint64_t from, uint64_t to);

/** rs_memory_read() for a few bytes: of a copied target, reads them without
 * copying the whole chunk. */
bool rs_target_peek(struct rs_target *target, uint64_t address, void *buf,
		    size_t size);

/** Sort the mappings and remove overlaps. */
void rs_maps_seal(struct rs_target *target);

/**
 * Append a mapping, in any order.
 *
 * @param map Copied, but for its path and `deleted`.
 * @param path @p path_size bytes. A " (deleted)" at the end is removed and sets
 *        `deleted`; if it does not begin with a slash, the mapping has no file.
 * Errors: RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *rs_maps_add(struct rs_target *target,
					   const struct rs_map *map,
					   const char *path, size_t path_size);

#endif /* RS_MEMORY_TARGET_H */
