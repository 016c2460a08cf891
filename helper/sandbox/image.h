// SPDX-License-Identifier: MIT
/**
 * @file
 * An image: the memory of a core as a process again, jailed, for as long as
 * one question takes.
 *
 * An image is a plan, not a process. Each walk starts a process of its own
 * that has nothing of ours (no memory, no descriptor), is its own session,
 * can make no system call that touches anything outside it (seccomp, shut
 * before any code of the core runs), and is gone when the walk returns: ended
 * by itself, by us, with us, or by the kernel after its time.
 * No signal reaches the caller when it ends: a debugger that counts its
 * children does not learn of it.
 */
#ifndef RS_SANDBOX_IMAGE_H
#define RS_SANDBOX_IMAGE_H

#include "base/error.h"
#include "base/progress.h"
#include "memory/memory.h"
#include "sandbox/guest/guest.h"

struct rs_process_image;

struct rs_image_options {
	uint64_t fs_base; // thread pointer; 0: that of the core's first thread
	uint32_t object_ms; // processor time for one object; 0: 1000
	uint32_t total_ms; // for all; 0: 60000
	uint64_t stack; // to have room below, where the core leaves it; or 0
};

/**
 * Make a plan of @p memory, an open core of this machine's kind. Code comes
 * only from files whose build-id agrees with the core.
 *
 * @param memory Borrowed; must outlive the image.
 * @param options NULL: all defaults.
 * Errors: RS_ENOMEM; RS_EIO (a file changed or went since it was opened);
 * RS_EUNSUPPORTED (no core; another machine; this build has no probe).
 */
RS_MUST_CHECK struct rs_error *
rs_image_from_core(struct rs_memory *memory,
		   const struct rs_image_options *options,
		   struct rs_process_image **ret);
/** NULL is allowed. */
void rs_image_close(struct rs_process_image *image);

/** What to walk; see struct rs_guest_args. */
struct rs_image_question {
	const uint64_t *list; // heads of gc lists, or NULL
	size_t lists;
	uint64_t head_size;
	const uint64_t *object; // addresses to ask, when there are no lists
	size_t objects;
	const uint64_t *function; // [objects] whom to ask; NULL: their types
	uint64_t ob_type, tp_traverse, tp_flags, tp_is_gc, gc_flag;
	const struct rs_progress *progress; // may be NULL
};

/** What the types themselves said: flat arrays, numbers checked. */
struct rs_image_answer {
	uint64_t objects, edges;
	const uint64_t *object; // [objects] as listed
	const uint64_t *first; // [objects + 1] into edge[], ascending
	const uint64_t *edge; // [edges] addresses, as told, unchecked
	const struct rs_guest_fault *fault; // [faults]: tell no reference
	uint64_t faults, faults_total; // told, of all
	uint64_t lists_broken;
	uint64_t runs; // processes it took: 1 unless one was lost
	uint64_t ready_ns, walk_ns, cpu_ns; // to be ready; walking; both, CPU
	bool full; // more objects or references than the core has room for
	void *data; // private: mapping behind the arrays
	size_t size;
};

/**
 * Ask. An object whose function faults, hangs, or tries a system call tells
 * nothing and is among the faults; the rest is exact. A function that does so
 * again and again is not asked any more: its objects are all faults.
 *
 * Errors: RS_ENOMEM; RS_EIO; RS_EINTERRUPTED; RS_EUNSUPPORTED (the kernel
 * has no seccomp filters, or lets nothing be run from memory); RS_EBAD (the
 * image could not be made, or was lost too often: hostile or torn).
 */
RS_MUST_CHECK struct rs_error *
rs_image_walk(struct rs_process_image *image,
	      const struct rs_image_question *question,
	      struct rs_image_answer *ret);
/** A zeroed answer is allowed. */
void rs_image_answer_fini(struct rs_image_answer *answer);

#endif /* RS_SANDBOX_IMAGE_H */
