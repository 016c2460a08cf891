// SPDX-License-Identifier: MIT
/**
 * @file
 * The steps in which a CPython is found in a target, file by file. Each sets
 * fields of struct rs_cpython. Internal to runtime/cpython.
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
 * Find the module that contains the interpreter, and its version.
 * @param[out] found Whether there is one.
 * Errors: RS_EBAD (there is one, but its version cannot be found).
 */
RS_MUST_CHECK struct rs_error *
rs_py_find_version(struct rs_cpython *py, bool *found);

/** @return The address of symbol @p name in py->module, or 0. */
uint64_t rs_py_symbol(const struct rs_cpython *py, const char *name);

/** A range of the target to scan. */
struct rs_py_span {
	uint64_t address;
	const uint8_t *data;
	uint64_t size;
};

/**
 * Visit the readable static data of py->module: .data, .bss and, with
 * @p constants, .rodata; whole mappings if the sections of the file are not
 * known. @p visit returns false to stop.
 */
void rs_py_static_data(const struct rs_cpython *py, bool constants,
		       bool (*visit)(void *context,
				     const struct rs_py_span *span),
		       void *context);

/** The day on which the interpreter was built, by what sys.version is made of,
 * as 20260810; 0 if that is not found. */
uint32_t rs_py_build_date(const struct rs_cpython *py);

/** The same of a text as sys.version, of release @p version ("3.13.5"). */
uint32_t rs_py_parse_build_date(const char *text, const char *version);

/* --- layout/choose.c --- */

/**
 * Choose the layout for py->version, check it against the target, and set
 * py->layout, py->head_size and the lists of the interpreters. Tried in this
 * order: the rows of the same release; debug information; the rows of other
 * releases. If none fits, set py->base.unread and what rs_py_outline() finds.
 * Errors: RS_EUNSUPPORTED (no row, or the first mismatch); RS_EBAD (a core that
 * was cut); RS_ENOMEM; RS_EINTERRUPTED.
 */
RS_MUST_CHECK struct rs_error *rs_py_choose_layout(struct rs_cpython *py);

/** Report the layout of py->own_layout as a problem if there was no build to
 * hold it against, as its source then says. */
void rs_py_tell_untried(struct rs_cpython *py);

/* --- layout/dwarf.c --- */

/**
 * Fill @p layout from debug information; fields that it lacks are -1. Strings
 * in it are borrowed from @p py.
 * @param[out] found Whether there is debug information of this interpreter.
 * Errors: RS_EINTERRUPTED; RS_EBAD (damaged); RS_EUNSUPPORTED (it is
 * incomplete).
 */
RS_MUST_CHECK struct rs_error *rs_py_debug_layout(const struct rs_cpython *py,
						  struct rs_layout *layout,
						  bool *found);

/**
 * @return How many fields of structs in @p layout the newest release has and @p
 * layout lacks.
 */
unsigned rs_py_debug_lacks(const struct rs_layout *layout);

/* --- layout/debug_offsets.c --- */

/** The forms of _Py_DebugOffsets, which grows from release to release. */
enum rs_py_form {
	RS_PY_FORM_313,
	RS_PY_FORM_314,
	RS_PY_FORM_315,
	RS_PY_FORMS,
};

/** Where _Py_DebugOffsets contains the offset of one of our fields. */
struct rs_py_published_offset {
	enum rs_field field;
	uint16_t at[RS_PY_FORMS]; // byte offset in each form; 0: not there
};

extern const struct rs_py_published_offset rs_py_published_offsets[];
extern const size_t rs_py_published_offsets_count;

/** Correct @p layout by the target's own _Py_DebugOffsets (3.13 and later), if
 * it can be read. Errors: RS_ENOMEM. */
RS_MUST_CHECK struct rs_error *
rs_py_debug_offsets(struct rs_cpython *py, struct rs_layout *layout);

/**
 * Set only those fields of @p layout that the target's own _Py_DebugOffsets
 * contains.
 * @return false if there is none, or its form is not known.
 */
bool rs_py_debug_offsets_alone(const struct rs_cpython *py,
			       struct rs_layout *layout);

/* --- layout/probe.c --- */

/**
 * Check py->own_layout where patch releases have added fields to
 * PyInterpreterState, and correct it. Needs the interpreters.
 * @return Whether it was corrected.
 */
bool rs_py_probe_layout(struct rs_cpython *py);

/* --- outline.c --- */

/**
 * For a CPython that no layout fits: find its interpreters, threads and frames
 * by its own _Py_DebugOffsets (3.13 and later), and set py->base.unread.
 * @param why The reason why no layout fits: owned by this, and freed.
 * Errors: @p why itself, if nothing can be found.
 */
RS_MUST_CHECK struct rs_error *
rs_py_outline(struct rs_cpython *py, struct rs_error *why);

/* --- interpreters.c --- */

/**
 * Find the interpreters and the lists of their collectors, according to
 * py->layout.
 * Errors: RS_EUNSUPPORTED, with what does not match the layout; RS_EBAD (it has
 * no interpreter); RS_ENOMEM; RS_EINTERRUPTED.
 */
RS_MUST_CHECK struct rs_error *rs_py_find_interpreters(struct rs_cpython *py);

/**
 * Set addresses and ids in py->interpreter, the main one first, from CPython's
 * list, which begins with the newest one.
 */
void rs_py_list_interpreters(struct rs_cpython *py, uint64_t newest);

/**
 * Remove from py->interpreter those for which @p fit fails; it may also set
 * fields of each.
 * Errors: that of @p fit for the main interpreter, which must succeed, and any
 * other than RS_EUNSUPPORTED.
 */
RS_MUST_CHECK struct rs_error *rs_py_keep_fitting(
	struct rs_cpython *py,
	struct rs_error *(*fit)(struct rs_cpython *py,
				struct rs_py_interpreter *interpreter));

/* --- heap/wellknown.c --- */

/** Find types, None, the dummy key of sets. */
void rs_py_find_types(struct rs_cpython *py);
/** Then subtype_traverse and lookdict. Errors: RS_ENOMEM; RS_EINTERRUPTED. */
RS_MUST_CHECK struct rs_error *rs_py_find_functions(struct rs_cpython *py);

/* --- threads.c --- */

/** Append all thread states, struct rs_py_thread. Errors: RS_ENOMEM. */
RS_MUST_CHECK struct rs_error *
rs_py_threads(struct rs_cpython *py, struct rs_vec *ret);

/** Report a list of @p what ("threads") that contains a cycle as a problem. */
void rs_py_tell_loop(struct rs_cpython *py, const char *what);

/** @return The operating system's thread of @p thread; NULL: not known. */
const struct rs_thread *
rs_py_os_thread(const struct rs_cpython *py, const struct rs_py_thread *thread);

/** Write `thread 1234`. */
void rs_py_thread_text(const struct rs_py_thread *thread, char *buf,
		       size_t size);

/* --- decode/frames.c, decode/lines.c --- */

/** @return The line number at which @p frame is, or 0: the table of lines
 * cannot be read, or is too large. */
uint32_t
rs_py_frame_line(struct rs_cpython *py, const struct rs_py_frame *frame);

/* --- gcstate.c --- */

/** The variables of the collector; -1: not known. */
struct rs_py_gcstate {
	int enabled, collecting;
	int64_t debug;
	uint64_t garbage, callbacks; // list objects, 0 when not known
};

/** Read those of the interpreter with this index. */
void rs_py_gcstate(struct rs_cpython *py, unsigned interpreter,
		   struct rs_py_gcstate *ret);

/** @return The address of the int that says whether the collector of an
 *          interpreter is enabled; 0: not known. */
uint64_t rs_py_gc_enabled_at(struct rs_cpython *py, unsigned interpreter);

/**
 * Set collections, collected and uncollectable, as gc.get_stats() returns them;
 * RS_GC_UNKNOWN if the version has none (gc_stats.c).
 */
void rs_py_generation_stats(struct rs_cpython *py, unsigned interpreter,
			    unsigned generation, struct rs_gc_generation *ret);

/** Set ret->collection, newest first: 3.15 keeps the last ones (gc_stats.c). */
void rs_py_last_collections(struct rs_cpython *py, unsigned interpreter,
			    struct rs_gc_info *ret);

/** Append the addresses (uint64_t) in the gc.garbage of an interpreter, given
 * by its index. Errors: RS_ENOMEM. */
RS_MUST_CHECK struct rs_error *rs_py_garbage_of(struct rs_cpython *py,
						unsigned interpreter,
						struct rs_vec *ret);

/**
 * Whether byte @p i of x86-64 @p code, which is at address @p at, begins an
 * instruction that loads a variable of the same file. There must be 7 more
 * bytes.
 * @param[out] ret The address of the variable.
 */
bool rs_py_loads_from(const uint8_t *code, uint64_t at, unsigned i,
		      uint64_t *ret);

/* --- heap/deferred_counts.c, heap/find_threaded.c --- */

/** Set py->deferred_counts. Needs rs_py_types_open(). Errors: RS_ENOMEM. */
RS_MUST_CHECK struct rs_error *
rs_py_find_deferred_counts(struct rs_cpython *py);

/** rs_py_find() of a free-threaded build. Errors: RS_ENOMEM; RS_EINTERRUPTED.
 */
RS_MUST_CHECK struct rs_error *
rs_py_find_threaded(struct rs_cpython *py, struct rs_found *found,
		    const struct rs_progress *progress);

/* --- heap/collecting_lists.c --- */

/**
 * Set py->collecting_list: the lists of a running collection. Needs
 * rs_py_types_open().
 * @return Whether there was a stack to search.
 */
bool rs_py_find_collecting_lists(struct rs_cpython *py);

/** Record, and report as a problem, that a collection was running. */
void rs_py_was_collecting(struct rs_cpython *py);

/* --- heap/interned.c --- */

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
const char *rs_py_holder_kind(struct rs_runtime *rt, uint64_t address);
uint64_t rs_py_object_in(struct rs_runtime *rt, const struct rs_extent *block);
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
bool rs_py_is_own_namespace(struct rs_runtime *rt,
			    const struct rs_label *label);
bool rs_py_is_fixed(struct rs_runtime *rt, uint32_t type,
		    const struct rs_label *label);
bool rs_py_is_constant(struct rs_runtime *rt, uint32_t type, uint16_t flags);
bool rs_py_attribute(struct rs_runtime *rt, uint64_t type, const char *name,
		     struct rs_attribute *ret);
bool rs_py_runs_code(struct rs_runtime *rt, uint64_t object,
		     const char *method);
bool rs_py_stored_hash(struct rs_runtime *rt, uint64_t holder, uint64_t key,
		       int64_t *ret);
bool rs_py_name_string(struct rs_runtime *rt, uint64_t address, char *buf,
		       size_t size);
bool rs_py_own_name(struct rs_runtime *rt, uint64_t address, char *buf,
		    size_t size);
bool rs_py_owner_name(struct rs_runtime *rt, uint64_t address, char *buf,
		      size_t size);
bool rs_py_type_module(struct rs_runtime *rt, uint64_t address, char *buf,
		       size_t size);
uint64_t
rs_py_size_in_place(struct rs_runtime *rt, uint64_t address, uint64_t size);
bool rs_py_viewed(struct rs_runtime *rt, uint64_t address,
		  struct rs_viewed *ret);
RS_MUST_CHECK struct rs_error *
rs_py_garbage(struct rs_runtime *rt, struct rs_vec *ret);
RS_MUST_CHECK struct rs_error *
rs_py_released(struct rs_runtime *rt, struct rs_vec *ret);

/**
 * The objects whose counts @p thread has to merge (free-threaded builds).
 * @param ret uint64_t: the addresses of the words that hold them.
 * Errors: RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *
rs_py_merge_queue(struct rs_cpython *py, const struct rs_py_thread *thread,
		  struct rs_vec *ret);

/* --- waits.c --- */

/** The system call in which a thread was when the target stopped. */
struct rs_py_wait {
	int64_t call; // its number; less than 0: none, or not known
	const char *name; // static; NULL: not one in which threads wait
	// For how long it has waited for a lock of the interpreter's kind, in
	// ns; less than 0: not known. By rs_memory_clock().
	int64_t for_ns;
	int64_t ran_ms, age_ms; // see struct rs_thread
};

void rs_py_wait(struct rs_cpython *py, const struct rs_py_thread *thread,
		struct rs_py_wait *ret);

#endif /* RS_CPYTHON_DISCOVER_H */
