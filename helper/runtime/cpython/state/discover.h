// SPDX-License-Identifier: MIT
/**
 * @file
 * The steps by which a CPython is found in a target. Internal to
 * runtime/cpython; each step fills fields of struct rs_cpython.
 */
#ifndef RS_CPYTHON_DISCOVER_H
#define RS_CPYTHON_DISCOVER_H

#include "runtime/cpython/cpython.h"

enum {
	RS_PY_MAX_THREADS = 1 << 16,
	RS_PY_MAX_FRAMES = 1 << 22, // of all threads
};

/** A thread state. */
struct rs_py_thread {
	uint64_t address; // PyThreadState
	uint32_t interpreter; // index
	int64_t tid; // of the kernel; 0 when not known
	uint64_t ident; // threading.get_ident()
	bool holds_gil;
};

/* --- version.c --- */

/**
 * Find the module that holds the interpreter and its version.
 * @param[out] found Whether there is one at all.
 * Errors: RS_EBAD (there, but its version is nowhere).
 */
RS_MUST_CHECK struct rs_error *
rs_py_find_version(struct rs_cpython *py, bool *found);

/** @return The address of symbol @p name in py->module, or 0. */
uint64_t rs_py_symbol(const struct rs_cpython *py, const char *name);

/** A run of bytes of the target that scans look at. */
struct rs_py_span {
	uint64_t address;
	const uint8_t *data;
	uint64_t size;
};

/**
 * Visit the readable static data of py->module: .data and .bss, and .rodata
 * with @p constants too; whole mappings where the file's sections are not
 * known. @p visit returns false to stop.
 */
void rs_py_static_data(const struct rs_cpython *py, bool constants,
		       bool (*visit)(void *context,
				     const struct rs_py_span *span),
		       void *context);

/* --- layout_choose.c --- */

/**
 * Choose the layout for py->version, hold it against the target and set
 * py->layout, py->head_size and the interpreters' lists with it.
 * In this order: the rows of that very release; debug information; the rows
 * of other releases. Where none fits, set py->base.unread and what
 * rs_py_outline() finds.
 * Errors: RS_EUNSUPPORTED (no row, or what disagrees); RS_ENOMEM;
 * RS_EINTERRUPTED.
 */
RS_MUST_CHECK struct rs_error *rs_py_choose_layout(struct rs_cpython *py);

/* --- layout_debug.c --- */

/**
 * Fill @p layout from debug information; what that does not have is -1. The
 * texts in it are those of @p py.
 * @param[out] found Whether there is any of this interpreter.
 * Errors: RS_EINTERRUPTED; RS_EBAD (damaged); RS_EUNSUPPORTED (not all of it).
 */
RS_MUST_CHECK struct rs_error *rs_py_debug_layout(const struct rs_cpython *py,
						  struct rs_layout *layout,
						  bool *found);

/** @return How many fields the newest release has that @p layout lacks, in
 * types that it has. */
unsigned rs_py_debug_lacks(const struct rs_layout *layout);

/* --- debug_offsets.c --- */

/** _Py_DebugOffsets has grown by release; these are its forms. */
enum rs_py_form {
	RS_PY_FORM_313,
	RS_PY_FORM_314,
	RS_PY_FORM_315,
	RS_PY_FORMS,
};

/** Where _Py_DebugOffsets has the offset of one of our fields. */
struct rs_py_published_offset {
	enum rs_field field;
	uint16_t at[RS_PY_FORMS]; // 0: nowhere
};

extern const struct rs_py_published_offset rs_py_published_offsets[];
extern const size_t rs_py_published_offsets_count;

/** Correct @p layout by the target's own _Py_DebugOffsets (3.13+). */
RS_MUST_CHECK struct rs_error *
rs_py_debug_offsets(struct rs_cpython *py, struct rs_layout *layout);

/**
 * Set what the target's own table tells in @p layout, and nothing else.
 * @return whether there is one whose form is known.
 */
bool rs_py_debug_offsets_alone(const struct rs_cpython *py,
			       struct rs_layout *layout);

/* --- layout_probe.c --- */

/**
 * Hold py->own_layout against what PyInterpreterState has where it has grown
 * in patch releases. Needs the interpreters.
 * @return whether it was corrected.
 */
bool rs_py_probe_layout(struct rs_cpython *py);

/* --- outline.c --- */

/**
 * For a CPython that no layout fits, for the reason @p why: find what its own
 * _Py_DebugOffsets (3.13+) leads to, which is its interpreters, threads and
 * frames. py->base.unread says that this is all, and why.
 * @param why Taken; returned when nothing can be had either.
 */
RS_MUST_CHECK struct rs_error *
rs_py_outline(struct rs_cpython *py, struct rs_error *why);

/* --- interpreters.c --- */

/**
 * Find the interpreters and their gc lists by py->layout.
 * Errors: RS_EBAD, with what does not fit.
 */
RS_MUST_CHECK struct rs_error *rs_py_find_interpreters(struct rs_cpython *py);

/**
 * Set the addresses and ids of py->interpreter, the main one first, by the
 * chain that begins with the one made last, as CPython has it.
 */
void rs_py_list_interpreters(struct rs_cpython *py, uint64_t newest);

/**
 * Leave out of py->interpreter those that do not @p fit, which may set what it
 * finds of each. Errors: that of @p fit for the main one, which has to fit,
 * and any but RS_EUNSUPPORTED.
 */
RS_MUST_CHECK struct rs_error *rs_py_keep_fitting(
	struct rs_cpython *py,
	struct rs_error *(*fit)(struct rs_cpython *py,
				struct rs_py_interpreter *interpreter));

/* --- wellknown.c --- */

/** The types, None, set dummy, subtype_traverse and lookdict. */
void rs_py_find_types(struct rs_cpython *py);
RS_MUST_CHECK struct rs_error *rs_py_find_functions(struct rs_cpython *py);

/* --- threads.c --- */

/** All thread states, struct rs_py_thread, appended. Errors: RS_ENOMEM. */
RS_MUST_CHECK struct rs_error *
rs_py_threads(struct rs_cpython *py, struct rs_vec *ret);

/** Say that a chain of @p what ("threads") leads back into itself. */
void rs_py_tell_loop(struct rs_cpython *py, const char *what);

/** @return The thread of the system that @p thread is; NULL: not known. */
const struct rs_thread *
rs_py_os_thread(const struct rs_cpython *py, const struct rs_py_thread *thread);

/** `thread 1234`. */
void rs_py_thread_text(const struct rs_py_thread *thread, char *buf,
		       size_t size);

/* --- frames.c, lines.c --- */

/** @return The line that @p frame is at, or 0. */
uint32_t
rs_py_frame_line(struct rs_cpython *py, const struct rs_py_frame *frame);

/* --- gcstate.c --- */

/** What the collector's own variables say; -1: not known. */
struct rs_py_gcstate {
	int enabled, collecting;
	int64_t debug;
	uint64_t garbage, callbacks; // list objects, 0 when not known
};

void rs_py_gcstate(struct rs_cpython *py, unsigned interpreter,
		   struct rs_py_gcstate *ret);

/**
 * Set the numbers of collections and of what they found, as gc.get_stats() has
 * them; RS_GC_UNKNOWN where there are none (gc_stats.c).
 */
void rs_py_generation_stats(struct rs_cpython *py, unsigned interpreter,
			    unsigned generation, struct rs_gc_generation *ret);

/** Set ret->collection, newest first: 3.15 keeps the last ones (gc_stats.c). */
void rs_py_last_collections(struct rs_cpython *py, unsigned interpreter,
			    struct rs_gc_info *ret);

/** What the gc.garbage of one interpreter holds, uint64_t, appended. */
RS_MUST_CHECK struct rs_error *rs_py_garbage_of(struct rs_cpython *py,
						unsigned interpreter,
						struct rs_vec *ret);

/**
 * Whether the x86-64 code that lies at @p at loads a variable of the same file
 * in its byte @p i; 7 more must be there. @param[out] ret Its address.
 */
bool rs_py_loads_from(const uint8_t *code, uint64_t at, unsigned i,
		      uint64_t *ret);

/* --- heap/deferred_counts.c, heap/find_threaded.c --- */

/** Set py->deferred_counts. Needs rs_py_types_open(). Errors: RS_ENOMEM. */
RS_MUST_CHECK struct rs_error *
rs_py_find_deferred_counts(struct rs_cpython *py);

/** rs_py_find() of a free-threaded build. */
RS_MUST_CHECK struct rs_error *
rs_py_find_threaded(struct rs_cpython *py, struct rs_found *found,
		    const struct rs_progress *progress);

/* --- heap/collecting_lists.c --- */

/**
 * Set py->collecting_list: lists of a collection at work. Needs
 * rs_py_types_open().
 * @return whether there was a stack to look at.
 */
bool rs_py_find_collecting_lists(struct rs_cpython *py);

/** Remember, and tell with the problems, that a collection is at work. */
void rs_py_was_collecting(struct rs_cpython *py);

/* --- interned.c --- */

/** Before 3.12: set the first interpreter's dict of interned strings. */
void rs_py_find_interned(struct rs_cpython *py);

/** The ops of the same names in runtime.h. */
RS_MUST_CHECK struct rs_error *
rs_py_find(struct rs_runtime *rt, struct rs_runtime *beside,
	   struct rs_found *found, const struct rs_progress *progress);
RS_MUST_CHECK struct rs_error *
rs_py_members(struct rs_runtime *rt, unsigned number, struct rs_found *found,
	      const struct rs_progress *progress);
int64_t rs_py_collector_id(struct rs_runtime *rt, unsigned number);
RS_MUST_CHECK struct rs_error *rs_py_sweep(struct rs_runtime *rt,
					   struct rs_addrmap *map,
					   const struct rs_progress *progress);
RS_MUST_CHECK struct rs_error *
rs_py_roots(struct rs_runtime *rt, struct rs_roots *roots);
RS_MUST_CHECK struct rs_error *
rs_py_info(struct rs_runtime *rt, struct rs_runtime_info *ret);
RS_MUST_CHECK struct rs_error *
rs_py_gc(struct rs_runtime *rt, unsigned number, struct rs_gc_info *ret);
RS_MUST_CHECK struct rs_error *
rs_py_garbage_lists(struct rs_runtime *rt, struct rs_vec *ret);
bool rs_py_is_namespace(struct rs_runtime *rt, uint32_t type);
bool rs_py_owner_name(struct rs_runtime *rt, uint64_t address, char *buf,
		      size_t size);
uint32_t
rs_py_size_in_place(struct rs_runtime *rt, uint32_t type, uint32_t size);
RS_MUST_CHECK struct rs_error *
rs_py_garbage(struct rs_runtime *rt, struct rs_vec *ret);

#endif /* RS_CPYTHON_DISCOVER_H */
