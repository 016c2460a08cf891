// SPDX-License-Identifier: MIT
/**
 * @file
 * An image: the memory of a core as a process again, jailed, for as long as
 * one question takes. README.md has the threat model.
 *
 * An image is a plan, not a process. Each walk or call starts a process of its
 * own that has nothing of ours (no memory, no descriptor), is its own session,
 * can make no system call that reaches outside of it (seccomp, in force before
 * any code of the core runs), is held to its limits from outside, and is gone
 * when the call returns. No signal reaches the caller when it ends: a debugger
 * that counts its children does not notice it.
 */
#ifndef RS_SANDBOX_IMAGE_H
#define RS_SANDBOX_IMAGE_H

#include "base/error.h"
#include "base/progress.h"
#include "memory/memory.h"
#include "sandbox/guest/guest.h"

struct rs_process_image;

/** Which limit made the supervisor end the image. */
enum rs_limit {
	RS_LIMIT_NONE,
	RS_LIMIT_CPU,
	RS_LIMIT_MEMORY,
	RS_LIMIT_WALL,
	RS_LIMIT_BLIND, // its memory could not be watched: no /proc/PID/status
};

struct rs_image_options {
	uint64_t fs_base; // thread pointer; 0: that of the core's first thread
	uint32_t object_ms; // processor time for one object or call; 0: 1000
	uint32_t total_ms; // processor time for all of a walk; 0: 60000
	uint64_t stack; // make room to grow below this address, or 0
	/**
	 * Bytes that an image may make its own: what it writes, anonymous
	 * memory, results. 0: a quarter of the free memory, at most 1 GiB.
	 * At least RS_IMAGE_MEMORY_MIN. Bytes of the core that have to be
	 * copied, because no page of its file can be mapped, come on top; each
	 * byte of the file is copied at most once.
	 */
	uint64_t memory;
	/**
	 * Consent to run any code of the core. Without it code comes only from
	 * files whose build-id agrees, no byte of the core is executable, and a
	 * walk calls only functions that such a file defines.
	 */
	bool run;
};

enum { RS_IMAGE_MEMORY_MIN = 16 << 20 };

/** @return What rs_image_options.memory comes to here now, in bytes. */
uint64_t rs_image_memory(uint64_t memory);

/**
 * Make a plan of @p memory, an open core for this kind of machine.
 *
 * @param memory Borrowed; must outlive the image.
 * @param options NULL: all defaults.
 * Errors: RS_ENOMEM; RS_EIO (a file changed or went since it was opened);
 * RS_EBAD (program headers that map the same bytes again and again);
 * RS_EUNSUPPORTED (no core; another machine; this build has no guest code).
 */
RS_MUST_CHECK struct rs_error *
rs_image_from_core(struct rs_memory *memory,
		   const struct rs_image_options *options,
		   struct rs_process_image **ret);
/** NULL is allowed. */
void rs_image_close(struct rs_process_image *image);

/**
 * Say that a walk will meet @p function[]. A hint that saves a second run:
 * which functions may be called does not depend on it. Errors: RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *rs_image_expect(struct rs_process_image *image,
					       const uint64_t *function,
					       size_t n);

/** What to walk; see struct rs_guest_args. */
struct rs_image_question {
	const uint64_t *list; // heads of gc lists, or NULL
	size_t lists;
	uint64_t head_size;
	const uint64_t *object; // addresses, when there are no lists
	size_t objects;
	// [objects] function to call for each; NULL: tp_traverse of its type.
	const uint64_t *function;
	uint64_t ob_type, tp_traverse, tp_flags, tp_is_gc, gc_flag;
	const struct rs_progress *progress; // may be NULL
};

/**
 * What the functions reported: flat arrays. Checked: first[] ascends and ends
 * at `edges`; object[] is as it was given, or, for lists, holds no address
 * twice in a row; each fault is of an object in object[] and that row is empty;
 * times and processor time are the kernel's. Not checkable: whether a function
 * told the truth about references.
 */
struct rs_image_answer {
	uint64_t objects, edges;
	const uint64_t *object; // [objects] as given, or in order of the lists
	const uint64_t *first; // [objects + 1] into edge[], ascending
	const uint64_t *edge; // [edges] addresses, unchecked
	// [objects] not 0: the type's tp_is_gc says that the object takes no
	// part in collection. NULL: types were not asked that.
	const uint8_t *apart;
	const struct rs_guest_fault *fault; // [faults]: their rows are empty
	uint64_t faults, faults_total; // named; of all
	/**
	 * Objects whose function was not called for want of consent (see
	 * rs_image_options.run); their rows are empty. Which those are,
	 * rs_image_answer_refused() tells by the function.
	 */
	uint64_t refused;
	uint64_t lists_broken;
	uint64_t runs; // processes it took: 1 unless one was lost
	uint64_t ready_ns, walk_ns; // wall time until ready; of the walk
	uint64_t cpu_ns; // processor time of all runs, by the kernel
	uint32_t missing; // enum rs_wall: second walls not to be had here
	bool full; // more objects or references than the core has room for
	void *data; // private: mapping behind the arrays
	size_t size;
	uint64_t *allowed; // private: hash table of functions that were called
	uint64_t allowed_mask;
};

/**
 * Walk. An object whose function faults, hangs, or tries a system call has an
 * empty row and is among the faults; all other rows are what the functions
 * reported. A function that fails again and again is not called any more: its
 * objects are all faults.
 *
 * Errors: RS_ENOMEM; RS_EIO (also: a file changed meanwhile); RS_EINTERRUPTED;
 * RS_EUNSUPPORTED (the kernel has no seccomp filters, or does not let anything
 * run from memory); RS_EBAD (the image could not be made, exceeded a limit,
 * wrote results that cannot be, or was lost too often: hostile or torn).
 */
RS_MUST_CHECK struct rs_error *
rs_image_walk(struct rs_process_image *image,
	      const struct rs_image_question *question,
	      struct rs_image_answer *ret);
/** A zeroed answer is allowed. */
void rs_image_answer_fini(struct rs_image_answer *answer);

/** @return Whether @p function could not be called for want of consent. */
bool rs_image_answer_refused(const struct rs_image_answer *answer,
			     uint64_t function);

/**
 * Which second walls @p missing names, in words: "network namespace, ...".
 * At most @p size bytes with NUL; empty when none is missing.
 */
void rs_image_missing_text(uint32_t missing, char *buf, size_t size);

#endif /* RS_SANDBOX_IMAGE_H */
