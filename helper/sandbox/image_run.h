// SPDX-License-Identifier: MIT
/** @file One process of an image, from its start to its end (private). */
#ifndef RS_SANDBOX_IMAGE_RUN_H
#define RS_SANDBOX_IMAGE_RUN_H

#include "sandbox/plan_build.h"
#include "sandbox/spawn.h"

enum {
	RS_RUN_HEADER = 64 << 10, // of the shared memory, rs_shared in it
	RS_WALL_FACTOR = 10, // wall time over processor time: a busy machine
};
_Static_assert(sizeof(struct rs_shared) <= RS_RUN_HEADER, "it must fit");

/** A process of an image, and what is shared with it. */
struct rs_image_run {
	struct rs_process_image *image; // borrowed
	const struct rs_progress *progress; // may be NULL
	const char *phase; // reported with progress
	int fd, control_fd; // shared memory, control page; -1: none
	struct rs_shared *shared; // our view
	struct rs_control *control; // our view
	uint64_t size; // of shared
	uint64_t cpu_ns; // processor time that code of the core may take
	uint64_t stall_ns; // and for one object; UINT64_MAX: no such limit
	uint64_t deadline_ns; // CLOCK_MONOTONIC

	struct rs_plan plan; // where things are in the current image
	int exec_fd; // its executable
	struct rs_spawn_end end; // how it ended
	uint64_t ended_ns; // CLOCK_MONOTONIC
	bool stalled; // ended by us: one object took too long
	bool leaked; // it could not be ended: nothing may be unmapped
};

/** CLOCK_MONOTONIC. */
uint64_t rs_run_now(void);

/** @return What a promise of @p ms allows: that, and a tenth. In ns. */
uint64_t rs_run_cpu(uint32_t ms);

/**
 * Make @p size bytes of zeroed shared memory, and the control page.
 * Errors: RS_EIO; RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *
rs_run_share(struct rs_image_run *run, uint64_t size);

/** Make run->plan and the executable. To be followed by rs_run_go(). Errors: as
 * rs_plan_executable(). */
RS_MUST_CHECK struct rs_error *rs_run_plan(struct rs_image_run *run);

/**
 * Start, and wait until it has ended: by itself, at a limit, or at one that is
 * given in @p run. It is gone when this returns without error.
 *
 * @param[out] done Whether the guest says that it came to its end.
 * Errors: RS_EIO (also: a file changed meanwhile); RS_ENOMEM; RS_EINTERRUPTED;
 * RS_EBAD and RS_EUNSUPPORTED when no code of the core was run: known from the
 * control page, which such code cannot write.
 */
RS_MUST_CHECK struct rs_error *rs_run_go(struct rs_image_run *run, bool *done);

/** @return Processor time that code of the core took in this run, in ns. */
uint64_t rs_run_used(const struct rs_image_run *run);

/** @return The limit that ended the run, as an error; NULL: none did. Errors:
 * RS_EBAD; RS_EUNSUPPORTED (it could not be told how much memory is used). */
RS_MUST_CHECK struct rs_error *
rs_run_limit_error(const struct rs_image_run *run);

/** Close all but the view run->shared. */
void rs_run_fini(struct rs_image_run *run);

#endif /* RS_SANDBOX_IMAGE_RUN_H */
