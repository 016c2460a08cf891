// SPDX-License-Identifier: MIT
/**
 * @file
 * What is known about the CPython in the target, and the functions that the
 * folders of runtime/cpython offer to each other. Internal to runtime/cpython.
 *
 * open.c fills in struct rs_cpython by the steps in state/discover.h; the
 * decoders (decode/) and the walks over the heap (heap/) use it. Offsets come
 * from one row of the layout table (layout/).
 */
#ifndef RS_CPYTHON_CPYTHON_H
#define RS_CPYTHON_CPYTHON_H

#include "runtime/cpython/layout/layout.h"
#include "runtime/runtime.h"

/** Versions as PY_VERSION_HEX, such as 0x030b07f0; the last byte is ignored. */
#define RS_PY(major, minor) ((uint32_t)(major) << 24 | (uint32_t)(minor) << 16)
#define RS_PY3(major, minor, micro)                                            \
	(RS_PY(major, minor) | (uint32_t)(micro) << 8)

/** ob_gc_bits of free-threaded builds: CPython, pycore_gc.h of 3.13, 3.14. */
enum rs_py_gc_bit {
	RS_PY_BIT_TRACKED = 1,
	RS_PY_BIT_FINALIZED = 2,
	RS_PY_BIT_FROZEN = 8,
	RS_PY_BIT_DEFERRED = 64, // references from stacks are not counted
};

enum {
	RS_PY_INTERPRETERS = 250,
	RS_PY_GENERATIONS = 4,
	RS_PY_COLLECTING_LISTS = 16
};

/** An interpreter. Before 3.9 the first one has the collector of all. */
struct rs_py_interpreter {
	uint64_t address; // PyInterpreterState
	int64_t id; // in the program; before 3.7 its position in the list
	uint64_t gc; // _gc_runtime_state, 0 before 3.7
	// The dict of interned strings; 0: not known. Its references to mortal
	// strings, as key and as value, are not counted. Before 3.12 only the
	// first interpreter has it, once the arenas have been swept.
	uint64_t interned;
	// Heads of the collector's lists: youngest generation first, [3] is the
	// permanent generation; 0 if the version has no such list.
	uint64_t head[RS_PY_GENERATIONS];
};

/** The blocks that the allocator has allocated, as counted by the last sweep.
 */
struct rs_py_heap {
	bool swept;
	bool mimalloc; // not pymalloc: arenas are segments, and pools pages
	bool debug; // each block has guard bytes around it
	uint64_t arenas;
	uint64_t pools; // in use
	uint64_t blocks; // allocated: the sum of the next three
	uint64_t objects; // blocks with a live object
	uint64_t dead; // blocks with an object on a free list
	uint64_t other; // blocks with anything else: tables, buffers
	int64_t large; // too large for pools, from malloc(); -1: not known
	uint64_t torn; // pools whose count does not match their blocks
	uint64_t damaged; // pools that are unreadable or inconsistent
};

/** References that are not in the object's own count (free-threaded builds). */
struct rs_py_deferred_count {
	uint64_t object;
	int64_t count;
};

enum { RS_PY_HINTS = 256 };

struct rs_py_types; // types.h: what is known of each type met so far
struct rs_py_words; // heap/words.h: where its own memory is

/** A CPython in a target. */
struct rs_cpython {
	struct rs_runtime base; // first
	const struct rs_layout *layout; // own_layout, once chosen
	struct rs_layout *own_layout; // owned: the row, corrected by the target
	char layout_text[128]; // "layout" of rs_answer_info()
	uint32_t version; // PY_VERSION_HEX
	bool threaded; // --disable-gil
	bool debug; // --with-pydebug
	bool traced; // Py_TRACE_REFS, up to 3.12: links before each object
	char version_text[32]; // "3.11.7"
	char unread[512]; // the text of base.unread
	const struct rs_module *module; // the file with the interpreter
	uint64_t runtime; // &_PyRuntime, 0 before 3.7
	struct rs_py_interpreter interpreter[RS_PY_INTERPRETERS]; // main first
	unsigned interpreters;
	// The number of the newest ones that did not fit in the array.
	unsigned interpreters_left_out;
	unsigned interpreters_unfit; // being created, or damaged
	uint64_t interpreter_unfit; // address of the oldest of these
	// During a collection: its temporary lists, whose heads are on a C
	// stack.
	uint64_t collecting_list[RS_PY_COLLECTING_LISTS];
	unsigned collecting_lists;
	bool collecting_known; // whether base.gc_collecting is certain

	// Properties of this version that are not offsets.
	uint32_t head_size; // PyGC_Head: 16, 24, 32; 0 with --disable-gil
	uint32_t header_size; // PyObject in bytes: 16; 32 with TRACE_REFS
	bool refcount32; // 3.12+: low 32 bits count
	int64_t deferred; // --disable-gil: added to counts that are deferred
	struct rs_vec deferred_counts; // struct rs_py_deferred_count, by object
	// deferred_counts is complete; before, references from frames that are
	// not counted are RS_WEAK.
	bool deferred_known;
	uint64_t merge_queues_at; // in a thread's state; 0: not yet known
	bool incremental; // 3.14.0 to 3.14.4
	// The size that was read last lacks a table that is too long or cannot
	// be read.
	bool size_cut;
	// 3.13.0 to .12, 3.14.0 to .3: instances with a dict and inline values
	// visit only the values.
	bool old_inline;
	uint64_t generation_stride; // bytes

	// Well-known objects; 0 when not found.
	uint64_t type_type; // &PyType_Type
	struct rs_vec named; // struct rs_py_named_type; see named.h
	uint64_t type_dict, type_tuple, type_list, type_unicode, type_bytes;
	uint64_t type_long, type_float, type_bool, type_code, type_function;
	uint64_t type_frame, type_module, type_none, type_cfunction;
	uint64_t type_object, type_set, type_generator;
	uint64_t none; // &_Py_NoneStruct
	uint64_t set_dummy; // the key that marks a deleted entry of a set
	uint64_t set_dummy2; // 2.7: another candidate (that of dicts)
	uint64_t subtype_traverse; // tp_traverse of classes made in Python
	uint64_t lookdict; // 3.6 to 3.10: dk_lookup of dicts with any keys

	struct rs_py_types *known; // owned; types.c
	struct rs_py_words *words; // owned; heap/words.h; NULL until wanted
	// [RS_PY_HINTS] after rs_memory_renew(): where keys were found; owned
	// by the runtime that was opened. NULL: not used.
	uint32_t *hint;
	struct rs_py_heap heap;
};

/** @return The CPython that @p rt is. */
static inline struct rs_cpython *rs_cpython(struct rs_runtime *rt)
{
	return (struct rs_cpython *)rt; // base is first
}

/** @return The offset of @p field in bytes, or -1 when the version lacks it. */
static inline int32_t
rs_py_off(const struct rs_cpython *py, enum rs_field field)
{
	return py->layout->offset[field];
}

/** @return The word at @p address; 0 when unreadable. */
static inline uint64_t
rs_py_word_at(const struct rs_cpython *py, uint64_t address)
{
	uint64_t value = 0;

	return rs_memory_u64(py->base.memory, address, &value) ? value : 0;
}

/** The word @p at bytes behind the header of @p object; 0 when unreadable. */
static inline uint64_t
rs_py_body_word(const struct rs_cpython *py, uint64_t object, unsigned at)
{
	return rs_py_word_at(py, object + py->header_size + at);
}

/** Read the pointer in @p field of @p object; 0 when absent or unreadable. */
static inline uint64_t
rs_py_get(const struct rs_cpython *py, uint64_t object, enum rs_field field)
{
	uint64_t value = 0;
	const int32_t off = rs_py_off(py, field);

	if (off < 0 ||
	    !rs_memory_u64(py->base.memory, object + (uint64_t)off, &value))
		return 0;
	return value;
}

/** @return Whether @p dict is the one of the interned strings. */
static inline bool rs_py_is_interned(const struct rs_cpython *py, uint64_t dict)
{
	for (unsigned i = 0; i < py->interpreters; i++)
		if (py->interpreter[i].interned == dict)
			return true;
	return false;
}

/** Without the GIL: ob_gc_bits of @p object; 0 when unreadable. */
static inline uint8_t
rs_py_gc_bits(const struct rs_cpython *py, uint64_t object)
{
	const int32_t at = rs_py_off(py, RS_F__object__ob_gc_bits);
	const uint8_t *p =
		rs_memory_at(py->base.memory, object + (uint64_t)at, 1);

	return p ? *p : 0;
}

/** @return The type of @p object, or 0 when unreadable. */
static inline uint64_t rs_py_type(const struct rs_cpython *py, uint64_t object)
{
	return rs_py_get(py, object, RS_F__object__ob_type);
}

/* --- Offered by decode/ and text/ ---------------------------------------- */

/** To be called once, when the fields above are set. Errors: RS_ENOMEM;
 * RS_EBAD. */
RS_MUST_CHECK struct rs_error *rs_py_types_open(struct rs_cpython *py);
void rs_py_types_close(struct rs_cpython *py);
/** Forget each type that the program can have changed since it was learned. */
void rs_py_types_forget(struct rs_cpython *py);

/** Whether read() has to guess references of the object at @p address. Fast. */
bool rs_py_guesses(struct rs_cpython *py, uint64_t address);

/** The ops of the same names in runtime.h. */
enum rs_ending
rs_py_ending(struct rs_runtime *rt, uint64_t address, const char **what);
bool rs_py_is_object(struct rs_runtime *rt, uint64_t address);
void rs_py_freed_text(struct rs_runtime *rt, uint64_t address, char *buf,
		      size_t size);
void rs_py_read(struct rs_runtime *rt, uint64_t address, struct rs_row *row,
		bool want_size, struct rs_refs *refs);
void rs_py_prefetch(struct rs_runtime *rt, uint64_t address);
void rs_py_prefetch_tables(struct rs_runtime *rt, uint64_t address);
uint32_t rs_py_type_number(struct rs_runtime *rt, uint64_t type);
void rs_py_label(struct rs_runtime *rt, const struct rs_label *label, char *buf,
		 size_t size);
void rs_py_text(struct rs_runtime *rt, uint64_t address, char *buf,
		size_t size);
RS_MUST_CHECK struct rs_error *
rs_py_resolve(struct rs_runtime *rt, const char *name, uint64_t *ret);
RS_MUST_CHECK struct rs_error *
rs_py_complete(struct rs_runtime *rt, const char *text,
	       void (*visit)(void *context, const char *name), void *context);

/** @return tp_name of type @p type, borrowed, or NULL. */
const char *rs_py_type_name(struct rs_cpython *py, uint64_t type);

/**
 * Copy the text of a str (2.7: str or unicode) as UTF-8, cut at @p size - 1
 * bytes. @return false when @p object is not a readable string.
 */
bool rs_py_string(struct rs_cpython *py, uint64_t object, char *buf,
		  size_t size);

/**
 * Visit the live entries of a dict of any form, but for inline values.
 * @param visit Returns false to stop.
 * @return false if it is not a readable dict, or has too many entries.
 */
bool rs_py_dict_each(struct rs_cpython *py, uint64_t dict,
		     bool (*visit)(void *context, uint64_t key, uint64_t value),
		     void *context);

/** @return The value for the str @p key in @p dict, or 0. */
uint64_t rs_py_dict_get(struct rs_cpython *py, uint64_t dict, const char *key);

/** @return sys.modules of interpreter @p number, or 0 when not known. */
uint64_t rs_py_modules(struct rs_cpython *py, unsigned number);

/** The length and an item of a tuple; 0 when out of range or unreadable. */
uint64_t rs_py_tuple_size(struct rs_cpython *py, uint64_t tuple);
uint64_t rs_py_tuple_item(struct rs_cpython *py, uint64_t tuple, uint64_t i);

/**
 * Append what the interpreter frame (3.11 and later) at @p frame owns:
 * function, code, locals by name, value stack. For generators, frame objects
 * and roots.
 * @param executing The top of its stack is not known, so only read locals.
 */
void rs_py_iframe_refs(struct rs_cpython *py, uint64_t frame, bool executing,
		       struct rs_refs *refs);

/* --- Offered by heap/, roots/ and state/ --------------------------------- */

/** A frame of a thread, innermost first. */
struct rs_py_frame {
	uint64_t address; // PyFrameObject, or _PyInterpreterFrame from 3.11
	uint64_t code;
	uint32_t thread; // index of its thread
	bool executing; // the top of its value stack is not known
};

/**
 * Append all Python frames of all threads, struct rs_py_frame, without those
 * that only stand for C code.
 * Errors: RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *
rs_py_frames(struct rs_cpython *py, struct rs_vec *ret);

/** Write `f (x.py:3)` to @p buf, of @p size bytes with the NUL. The line is 0,
 * and names are `?`, when they are not known. */
void rs_py_frame_text(struct rs_cpython *py, const struct rs_py_frame *frame,
		      char *buf, size_t size);

#endif /* RS_CPYTHON_CPYTHON_H */
