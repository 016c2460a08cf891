// SPDX-License-Identifier: MIT
/**
 * @file
 * What every backend of the memory shares (private to helper/memory).
 *
 * A backend fills in what is mapped (rs_map), adds segments, seals them and
 * then lets rs_modules_find() tell the ELF images among the mapped files.
 */
#ifndef RS_MEMORY_TARGET_H
#define RS_MEMORY_TARGET_H

#include "base/cleanup.h"
#include "memory/memory.h"

#include <sys/mman.h>
#include <sys/stat.h>

enum {
	RS_COPY_SIZE = 1 << RS_COPY_SHIFT, // a chunk of a copied target
	RS_MAX_PROBLEMS = 100, // then one line says that there are more
	RS_MAX_MAPS = 1 << 20,
	RS_MAX_MODULES = 1 << 12,
	RS_JOINED_HEADS = 1 << 12,
};

/** A mapping of the target, as /proc/PID/maps or NT_FILE tells it. */
struct rs_map {
	uint64_t start, end;
	uint64_t offset; // in the file
	uint64_t inode; // 0 when unknown
	const char *path; // owned by the target; NULL when there is no file
	uint8_t prot;
	bool prot_known;
	bool deleted; // the path no longer names this file
};

/** Unreadable bytes inside a copied segment. */
struct rs_hole {
	uint64_t start, end;
};

/** Something to unmap at the end. */
struct rs_mapping {
	void *data;
	size_t size;
};

/** A piece of malloc'ed memory that lives as long as the target. */
struct rs_piece {
	struct rs_piece *next;
	uint64_t address, size; // of a range put together; 0 for texts
	char data[];
};

struct rs_target;
struct rs_elf_image;
struct rs_file;

/** What differs between backends. */
struct rs_memory_ops {
	/** Read from the start. @return bytes read; less at an unreadable one.
	 */
	uint64_t (*fetch)(struct rs_target *target, uint64_t address, void *buf,
			  uint64_t size);
	void (*close)(struct rs_target *target); // may be NULL
};

struct rs_target {
	struct rs_memory memory; // first: what the floors above see
	struct rs_memory_options options; // strings borrowed while opening
	const char *name; // "core F", "process 12": begins messages
	uint64_t page;
	uint16_t machine; // EM_*; 0 when not known yet

	struct rs_map *map; // sorted by start
	size_t maps;
	struct rs_elf_image *image; // one a module, in its order
	struct rs_file **file; // files opened on disk
	size_t files;
	struct rs_mapping *mapping;
	size_t mappings;
	struct rs_piece *text;
	struct rs_piece *joined[RS_JOINED_HEADS]; // by address
	size_t joined_bytes;
	struct rs_hole *hole; // sorted by start
	size_t holes;
	uint32_t ahead, max_ahead; // chunks to copy at the next miss

	// The backend's own.
	pid_t pid;
	int mem_fd;
	bool gone; // the process ended under us, and that was told
	rs_read_fn read;
	void *context;
	uint64_t entry_phdr; // AT_PHDR: lies in the main executable
	struct rs_load *load; // PT_LOADs of a core, sorted by start
	size_t loads;
	const char *core_path; // its file; mapping[0] is all of it
	int core_fd; // the same, still open; -1: there is none
	struct stat core_stat; // as it was when opened
};

static inline struct rs_target *rs_target_of(struct rs_memory *memory)
{
	return (struct rs_target *)memory;
}

RS_MUST_CHECK struct rs_error *
rs_target_new(const struct rs_memory_ops *ops,
	      const struct rs_memory_options *options, struct rs_target **ret);

/** Guard: rs_memory_close() of what @p slot holds. */
static inline void rs_cleanup_target(struct rs_target **slot)
{
	if (*slot)
		rs_memory_close(&(*slot)->memory);
}
#define RS_AUTO_TARGET RS_CLEANUP(rs_cleanup_target)

/**
 * Room for one more element in a malloc'ed array whose capacity is the power
 * of two not below its count. @return the new element, zeroed, or NULL.
 */
void *rs_array_push(void *array_pointer, size_t *count, size_t size);

/** Remember a line for problem[]. Out of memory loses the line, not more. */
RS_PRINTF(2, 3)
void rs_problem(struct rs_target *target, const char *format, ...);

/** Copy @p size bytes and a NUL; lives as long as the target. NULL: no memory.
 */
const char *
rs_target_text(struct rs_target *target, const char *text, size_t size);

/** Let rs_memory_close() unmap @p data; unmaps at once on failure. */
RS_MUST_CHECK struct rs_error *
rs_target_own_mapping(struct rs_target *target, void *data, size_t size);

/** Append to the segments; their order is restored by rs_segments_seal(). */
RS_MUST_CHECK struct rs_error *
rs_segments_add(struct rs_target *target, const struct rs_segment *segment);

/** Sort, clip what overlaps, and merge what is contiguous on both sides. */
void rs_segments_seal(struct rs_target *target);

/** @return The index of the segment that holds @p address, or segments. */
size_t rs_segments_index(const struct rs_memory *memory, uint64_t address);

/**
 * Reserve room for a copy of every mapping that can be read and add it as
 * segments of which nothing is there yet.
 */
RS_MUST_CHECK struct rs_error *rs_lazy_reserve(struct rs_target *target);

/** Have the bytes of @p segment from @p from to @p to. @return false:
 * unreadable. */
bool rs_lazy_load(struct rs_target *target, struct rs_segment *segment,
		  uint64_t from, uint64_t to);

/** Copy @p size bytes without loading whole chunks for them. */
bool rs_target_peek(struct rs_target *target, uint64_t address, void *buf,
		    size_t size);

/** Sort the mappings and take away what overlaps. */
void rs_maps_seal(struct rs_target *target);

/**
 * Append a mapping. A path ending in " (deleted)" loses that; one that does
 * not begin with a slash counts as no file.
 */
RS_MUST_CHECK struct rs_error *rs_maps_add(struct rs_target *target,
					   const struct rs_map *map,
					   const char *path, size_t path_size);

#endif /* RS_MEMORY_TARGET_H */
