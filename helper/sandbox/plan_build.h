// SPDX-License-Identifier: MIT
/** @file From a core to a plan to an executable (private to sandbox). */
#ifndef RS_SANDBOX_PLAN_BUILD_H
#define RS_SANDBOX_PLAN_BUILD_H

#include "base/cleanup.h"
#include "base/vec.h"
#include "memory/elf/file.h"
#include "memory/target.h"
#include "sandbox/image.h"
#include "sandbox/plan.h"

extern const uint8_t rs_loader_code[];
extern const uint8_t rs_loader_code_end[];

/** A file that is mapped into the image, and what it was when opened. */
struct rs_plan_file {
	const char *path; // borrowed
	struct stat stat;
	int fd; // owned by rs_process_image.fd
};

/** An image before it is started: what it is to consist of. */
struct rs_process_image {
	struct rs_target *target; // borrowed
	struct rs_image_options options; // no member is 0 any more
	struct rs_vec map; // struct rs_plan_map; later ones replace earlier
	struct rs_vec fd; // int: every file that map names; owned
	struct rs_vec file; // struct rs_plan_file: those that must not change
	// Functions that a walk may call: a hash table as in guest.h; NULL:
	// all.
	uint64_t *allowed;
	uint64_t allowed_mask; // slots - 1
	uint64_t allowed_count;
	struct rs_vec starts; // struct rs_function_starts: of files looked at
	int core_fd; // one of fd
	uint64_t bytes; // of the core and of files, each counted once
	uint64_t space; // address space that the maps take
	uint64_t copied; // bytes of those that cannot be mapped, without holes
	uint64_t extents; // of the core's file, looked at for that
	bool sparse; // the core's file has holes
	uint64_t fs_base;
	struct rs_plan_mm mm;
	uint64_t auxv[2 * RS_PLAN_AUXV];
};

/** @return Bytes: a quarter of the free memory, at most 1 GiB. */
uint64_t rs_plan_default_memory(void);

/**
 * Fill in map, fd, file, bytes, space and copied.
 * Errors: RS_ENOMEM; RS_EIO (a file changed or went since it was opened);
 * RS_EBAD (the same bytes again and again); RS_EUNSUPPORTED (too many maps).
 */
RS_MUST_CHECK struct rs_error *rs_plan_maps(struct rs_process_image *image);

/**
 * Map the code of every file whose build-id agrees, over whatever the core has
 * in its place: without options.run the only memory that is executable.
 * Errors: RS_ENOMEM; RS_EIO and RS_EUNSUPPORTED as rs_plan_maps().
 */
RS_MUST_CHECK struct rs_error *rs_plan_code(struct rs_process_image *image);

/**
 * Open the file behind @p file, once.
 * @param[out] fd Its descriptor, owned by @p image.
 * Errors: RS_ENOMEM; RS_EIO (it cannot be opened, or is not the same any more).
 */
RS_MUST_CHECK struct rs_error *rs_plan_open(struct rs_process_image *image,
					    const struct rs_file *file,
					    int *fd);

/** Errors: RS_EIO when any file that is mapped was changed since. */
RS_MUST_CHECK struct rs_error *
rs_plan_unchanged(const struct rs_process_image *image);

/** Append a copy of @p map. Errors: RS_ENOMEM; RS_EUNSUPPORTED (more than a
 * process can have). */
RS_MUST_CHECK struct rs_error *
rs_plan_add(struct rs_process_image *image, const struct rs_plan_map *map);

/** @return The map that has @p address, borrowed until another is added. */
const struct rs_plan_map *
rs_plan_map_at(const struct rs_process_image *image, uint64_t address);

/** Fill in mm and auxv, as far as the core tells, and add the vdso's data.
 * Errors: as rs_plan_add(). */
RS_MUST_CHECK struct rs_error *rs_plan_auxv(struct rs_process_image *image);

/** Whether the process of the core had nothing there. */
bool rs_plan_is_free(const struct rs_process_image *image, uint64_t from,
		     uint64_t to);

/** Add memory below the mapping that options.stack is in, if that is set.
 * Errors: as rs_plan_add(). */
RS_MUST_CHECK struct rs_error *
rs_plan_extra_stack(struct rs_process_image *image);

/**
 * Add the locale files that libc had mapped, read-only: code needs them and no
 * core has them. Files that are not there are left out.
 * Errors: as rs_plan_add().
 */
RS_MUST_CHECK struct rs_error *rs_plan_locales(struct rs_process_image *image);

/**
 * Find @p size bytes that the core leaves free.
 * @param[out] ret Their address, of a page.
 * Errors: RS_EUNSUPPORTED (there are none).
 */
RS_MUST_CHECK struct rs_error *
rs_plan_guest_base(const struct rs_process_image *image, uint64_t size,
		   uint64_t *ret);

/** What an executable shares with the host, and how long it may run. */
struct rs_plan_shared {
	int control_fd;
	int fd; // of the results
	uint64_t size; // of the results
	uint64_t cpu_ns;
};

/**
 * Make the executable, as a file in memory.
 *
 * @param[out] head Its plan: where things will be in the image.
 * @param[out] ret Its descriptor, to be closed by the caller.
 * Errors: RS_ENOMEM; RS_EIO; RS_EUNSUPPORTED.
 */
RS_MUST_CHECK struct rs_error *
rs_plan_executable(const struct rs_process_image *image,
		   const struct rs_plan_shared *share, struct rs_plan *head,
		   int *ret);

/** Have large pieces that must be copied be copied on first access. */
void rs_plan_demand_choose(struct rs_process_image *image);

/** Bytes of the table of RS_PLAN_DEMAND maps; 0: there are none. */
size_t rs_plan_demand_size(const struct rs_process_image *image);
/** Bytes of its bits. */
size_t rs_plan_demand_bits(const struct rs_process_image *image);

/**
 * Write that table.
 *
 * @param source Where the image will have the core's file.
 * @param filled Where it will have the bits, zeroed.
 */
void rs_plan_demand_write(const struct rs_process_image *image, uint64_t source,
			  uint64_t filled, struct rs_demand *ret);

#endif /* RS_SANDBOX_PLAN_BUILD_H */
