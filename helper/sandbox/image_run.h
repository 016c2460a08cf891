// SPDX-License-Identifier: MIT
/** @file One process of an image, from its start to its end (private). */
#ifndef RS_SANDBOX_IMAGE_RUN_H
#define RS_SANDBOX_IMAGE_RUN_H

#include "sandbox/plan_build.h"

enum { RS_RUN_HEADER = 64 << 10 }; // of the shared memory, rs_shared in it
_Static_assert(sizeof(struct rs_shared) <= RS_RUN_HEADER, "it must fit");

struct rs_image_run {
	struct rs_process_image *image; // borrowed
	const struct rs_progress *progress; // may be NULL
	const char *phase; // that progress is told
	int fd; // the shared memory; -1: none
	struct rs_shared *shared; // our view
	uint64_t size; // of it
	uint64_t deadline_ns; // CLOCK_MONOTONIC
	uint64_t stall_ns; // that one object may take, of wall time

	struct rs_plan plan; // where things are in the image at hand
	int exec_fd; // its executable
	int status; // how it ended, as wait() tells it
	bool killed; // by us, for taking too long
};

/** CLOCK_MONOTONIC. */
uint64_t rs_run_now(void);

/**
 * Make @p size bytes of zeroed shared memory: run->fd, run->shared.
 * Errors: RS_EIO; RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *
rs_run_share(struct rs_image_run *run, uint64_t size);

/** Make run->plan and the executable. To be followed by rs_run_go(). */
RS_MUST_CHECK struct rs_error *rs_run_plan(struct rs_image_run *run);

/**
 * Start, wait until it has ended or had its time, and end it.
 *
 * @param[out] done Whether the probe came to its end; otherwise it ended in
 *        the midst of what it was called for: run->status, run->killed.
 * Errors: RS_EIO; RS_ENOMEM; RS_EINTERRUPTED; RS_EBAD and RS_EUNSUPPORTED when
 * it did not come so far as to run code of the core.
 */
RS_MUST_CHECK struct rs_error *rs_run_go(struct rs_image_run *run, bool *done);

/** Let go of all but the view run->shared. */
void rs_run_fini(struct rs_image_run *run);

#endif /* RS_SANDBOX_IMAGE_RUN_H */
