// SPDX-License-Identifier: MIT
/**
 * @file
 * Have an image call functions of the core, in order, and bring text back.
 *
 * Each call gets an image of its own: what the functions did to its memory is
 * gone with it. They run on the stack of the core's thread, below the part in
 * use, so that code that checks its stack pointer against the thread's limits
 * runs too.
 */
#ifndef RS_SANDBOX_IMAGE_CALL_H
#define RS_SANDBOX_IMAGE_CALL_H

#include "base/vec.h"
#include "sandbox/guest/guest_call.h"
#include "sandbox/image.h"

enum {
	RS_CALL_DATA = 1 << 20, // bytes of constants and words
	RS_CALL_TEXT = 1 << 20, // of a text; more is counted and left behind
};

/** The list in the making. Zeroed: empty. End with rs_image_call_fini(). */
struct rs_image_call {
	struct rs_guest_step step[RS_CALL_STEPS];
	unsigned steps;
	struct rs_vec data; // what offsets (RS_CALL_PLACE) lead to
	uint64_t stack; // one past it: of the thread of the image's fs_base
	const struct rs_progress *progress; // may be NULL
};

/**
 * Put @p size bytes, zeros with @p bytes NULL, and a NUL into the data.
 * @param[out] ret Offset for RS_CALL_PLACE, a multiple of 8.
 * Errors: RS_ENOMEM; RS_EARGUMENT (more than RS_CALL_DATA in all).
 */
RS_MUST_CHECK struct rs_error *rs_image_call_data(struct rs_image_call *call,
						  const void *bytes,
						  size_t size, uint64_t *ret);
void rs_image_call_fini(struct rs_image_call *call);

enum rs_call_end {
	RS_CALL_DONE, // the list came to an end
	RS_CALL_STOPPED, // a step faulted, took too long, or tried a call
	RS_CALL_LEFT, // the process ended itself
	RS_CALL_LOST, // a signal ended it
	RS_CALL_LIMIT, // it exceeded a limit
};

/** What came of it. End with rs_image_called_fini(). */
struct rs_image_called {
	enum rs_call_end end;
	unsigned at; // the step that it did last
	struct rs_guest_fault fault; // RS_CALL_STOPPED; object is not set
	uint32_t limit; // RS_CALL_LIMIT: enum rs_limit
	uint64_t memory; // bytes that were allowed
	uint32_t missing; // enum rs_wall: second walls not to be had here
	int status; // RS_CALL_LEFT: exit status; RS_CALL_LOST: signal
	bool stack_full; // RS_CALL_STOPPED: at the end of its stack
	const char *text[RS_CALL_TEXTS]; // NULL: there is none
	uint64_t size[RS_CALL_TEXTS]; // bytes of text[] that are here
	uint64_t whole[RS_CALL_TEXTS]; // bytes that there were
	uint64_t ready_ns, run_ns, cpu_ns; // by the host's and kernel's clocks
	void *data; // private: mapping behind the texts
	size_t mapped;
};

/**
 * Call. Processor time for all is the image's options.object_ms and a tenth,
 * wall time its options.total_ms. The image is made with options.run: calling
 * is running code of the core.
 *
 * Errors: as rs_image_walk(), but what the code of the core did is in @p ret.
 */
RS_MUST_CHECK struct rs_error *
rs_image_do_call(struct rs_process_image *image,
		 const struct rs_image_call *call, struct rs_image_called *ret);
/** A zeroed struct is allowed. */
void rs_image_called_fini(struct rs_image_called *called);

#endif /* RS_SANDBOX_IMAGE_CALL_H */
