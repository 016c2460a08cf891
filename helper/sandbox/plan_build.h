// SPDX-License-Identifier: MIT
/** @file From a core to a plan to an executable (private to revive). */
#ifndef RS_SANDBOX_PLAN_BUILD_H
#define RS_SANDBOX_PLAN_BUILD_H

#include "base/cleanup.h"
#include "base/vec.h"
#include "memory/target.h"
#include "sandbox/image.h"
#include "sandbox/plan.h"

extern const uint8_t rs_loader_code[];
extern const uint8_t rs_loader_code_end[];

struct rs_process_image {
	struct rs_target *target; // borrowed
	struct rs_image_options options;
	struct rs_vec map; // struct rs_plan_map, by address
	struct rs_vec fd; // int: every file that map names; owned
	int core_fd; // one of them
	uint64_t bytes; // that the core's process had readable
	uint64_t fs_base;
	struct rs_plan_mm mm;
	uint64_t auxv[2 * RS_PLAN_AUXV];
};

/** Fill in map, fd and bytes. */
RS_MUST_CHECK struct rs_error *rs_plan_maps(struct rs_process_image *image);

/** @return The map that has @p address, borrowed until another is added. */
const struct rs_plan_map *
rs_plan_map_at(const struct rs_process_image *image, uint64_t address);

/** Fill in mm and auxv, as far as the core tells, and add the vdso's data. */
RS_MUST_CHECK struct rs_error *rs_plan_auxv(struct rs_process_image *image);

/** Whether the process of the core had nothing there. */
bool rs_plan_is_free(const struct rs_process_image *image, uint64_t from,
		     uint64_t to);

/** Add memory below the mapping that options.stack is in, if that is set. */
RS_MUST_CHECK struct rs_error *
rs_plan_extra_stack(struct rs_process_image *image);

/**
 * Add what libc had mapped of locales, to read only: code needs it, and no
 * core has it. Files that are not there are left out.
 */
RS_MUST_CHECK struct rs_error *rs_plan_locales(struct rs_process_image *image);

/**
 * Find @p size bytes that the core leaves free.
 * Errors: RS_EUNSUPPORTED.
 */
RS_MUST_CHECK struct rs_error *
rs_plan_guest_base(const struct rs_process_image *image, uint64_t size,
		   uint64_t *ret);

/**
 * Make the executable, as a file in memory.
 *
 * @param shared_fd Becomes the plan's.
 * @param[out] guest_base Where the image will have its own things.
 * @param[out] shared Where it will have the shared memory.
 */
RS_MUST_CHECK struct rs_error *
rs_plan_executable(const struct rs_process_image *image, int shared_fd,
		   uint64_t shared_size, struct rs_plan *head, int *ret);

/** Let large pieces that would have to be copied be so when touched. */
void rs_plan_demand_choose(struct rs_process_image *image);

/** Bytes of a table of what map[] has of RS_PLAN_DEMAND; 0: it has nothing. */
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
