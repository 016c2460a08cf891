// SPDX-License-Identifier: MIT
/**
 * @file
 * What is known of one CPython in the target. Internal to runtime/cpython.
 *
 * Made by discover.c (where things are) and used by the decoders (what an
 * object refers to). Offsets come from one row of the layout table.
 */
#ifndef RS_CPYTHON_CPYTHON_H
#define RS_CPYTHON_CPYTHON_H

#include "runtime/cpython/layout/layout.h"
#include "runtime/runtime.h"

/** Versions as PY_VERSION_HEX without the last byte's meaning: 0x030b07f0. */
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

/** One interpreter (or, before 3.9, the one collector of all of them). */
struct rs_py_interpreter {
	uint64_t address; // PyInterpreterState
	int64_t id; // as its program knows it; its place before 3.7
	uint64_t gc; // _gc_runtime_state, 0 before 3.7
	// The dict of interned strings; 0: not known. Its references to mortal
	// ones, two each, are not counted. Before 3.12 the first has it, once
	// the arenas are swept.
	uint64_t interned;
	// Heads of the lists, youngest first, [3] the permanent generation;
	// 0 where the version has none.
	uint64_t head[RS_PY_GENERATIONS];
};

/** What the allocator has handed out, as the last sweep counted it. */
struct rs_py_heap {
	bool swept;
	bool mimalloc; // not pymalloc: arenas are segments then, pools pages
	bool debug; // with guards around each block
	uint64_t arenas;
	uint64_t pools; // in use
	uint64_t blocks; // handed out: the sum of the next three
	uint64_t objects; // that hold a live object
	uint64_t dead; // that hold an object on a free list
	uint64_t other; // that hold anything else: tables, buffers
	int64_t large; // handed out by malloc for being large; -1: not known
	uint64_t torn; // pools whose count is not that of their blocks
	uint64_t damaged; // pools that cannot be read or make no sense
};

/** References that are counted elsewhere than in the object. */
struct rs_py_deferred_count {
	uint64_t object;
	int64_t count;
};

struct rs_py_types; // types.h: what is known of each type met so far

struct rs_cpython {
	struct rs_runtime base; // first
	const struct rs_layout *layout; // own_layout, once chosen
	struct rs_layout *own_layout; // owned: the row, corrected by the target
	char layout_text[128]; // which row, and what confirmed it
	uint32_t version; // PY_VERSION_HEX
	bool threaded; // --disable-gil
	bool debug; // --with-pydebug
	bool traced; // Py_TRACE_REFS, up to 3.12: links before each object
	char version_text[32]; // "3.11.7"
	char unread[512]; // what base.unread says
	const struct rs_module *module; // that holds the interpreter
	uint64_t runtime; // &_PyRuntime, 0 before 3.7
	struct rs_py_interpreter interpreter[RS_PY_INTERPRETERS]; // main first
	unsigned interpreters;
	unsigned interpreters_left_out; // the newest, for want of place
	unsigned interpreters_unfit; // that are being made, or damaged
	uint64_t interpreter_unfit; // the oldest of them
	// Lists that a collection at work has its finds on; heads on C stacks.
	uint64_t collecting_list[RS_PY_COLLECTING_LISTS];
	unsigned collecting_lists;
	bool collecting_known; // whether base.gc_collecting is certain

	// Shapes that are no offsets.
	uint32_t head_size; // PyGC_Head: 16, 24, 32; 0 with --disable-gil
	uint32_t header_size; // PyObject in bytes: 16; 32 with TRACE_REFS
	bool refcount32; // 3.12+: low 32 bits count
	int64_t deferred; // --disable-gil: added to counts that are deferred
	struct rs_vec deferred_counts; // struct rs_py_deferred_count, by object
	bool deferred_known; // until then what frames defer is RS_WEAK
	bool incremental; // 3.14.0 to 3.14.4
	bool old_inline; // 3.13.0-12, 3.14.0-3: inline values beside a dict
	uint64_t generation_stride; // bytes

	// Well-known objects; 0 when not found.
	uint64_t type_type; // &PyType_Type
	struct rs_vec named; // struct rs_py_named_type; see named.h
	uint64_t type_dict, type_tuple, type_list, type_unicode, type_bytes;
	uint64_t type_long, type_float, type_bool, type_code, type_function;
	uint64_t type_frame, type_module, type_none, type_cfunction;
	uint64_t type_object, type_set, type_generator;
	uint64_t none; // &_Py_NoneStruct
	uint64_t set_dummy; // the deleted entry of sets
	uint64_t set_dummy2; // 2.7: another that it may be (the one of dicts)
	uint64_t subtype_traverse; // tp_traverse of a class made in Python
	uint64_t lookdict; // 3.6-3.10: dk_lookup of a dict with any keys

	struct rs_py_types *known; // owned; types.c
	struct rs_py_heap heap;
};

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

/** @return The type of @p object, or 0 when unreadable. */
static inline uint64_t rs_py_type(const struct rs_cpython *py, uint64_t object)
{
	return rs_py_get(py, object, RS_F__object__ob_type);
}

/* --- Offered by the decoders (types.c, decode.c, text.c, resolve.c) ------ */

/** Once, when the fields above are known. Errors: RS_ENOMEM; RS_EBAD. */
RS_MUST_CHECK struct rs_error *rs_py_types_open(struct rs_cpython *py);
void rs_py_types_close(struct rs_cpython *py);

/** The ops of the same names in runtime.h. */
bool rs_py_is_object(struct rs_runtime *rt, uint64_t address);
void rs_py_freed_text(struct rs_runtime *rt, uint64_t address, char *buf,
		      size_t size);
void rs_py_read(struct rs_runtime *rt, uint64_t address, struct rs_row *row,
		bool want_size, struct rs_refs *refs);
/** Whether reading the object at @p address means guessing. Cheap. */
bool rs_py_guesses(struct rs_cpython *py, uint64_t address);
void rs_py_prefetch(struct rs_runtime *rt, uint64_t address);
void rs_py_prefetch_tables(struct rs_runtime *rt, uint64_t address);
uint32_t rs_py_type_number(struct rs_runtime *rt, uint64_t type);
void rs_py_label(struct rs_runtime *rt, const struct rs_label *label, char *buf,
		 size_t size);
void rs_py_text(struct rs_runtime *rt, uint64_t address, char *buf,
		size_t size);
RS_MUST_CHECK struct rs_error *
rs_py_resolve(struct rs_runtime *rt, const char *name, uint64_t *ret);

/** @return tp_name of type @p type, borrowed, or NULL. */
const char *rs_py_type_name(struct rs_cpython *py, uint64_t type);

/**
 * Text of a str (2.7: str or unicode) as UTF-8, cut at @p size - 1 bytes.
 * @return false when @p object is no readable string.
 */
bool rs_py_string(struct rs_cpython *py, uint64_t object, char *buf,
		  size_t size);

/**
 * Visit the live entries of a dict of any form, inline values excepted.
 * @p visit returns false to stop. Capped; @return false if it is no readable
 * dict or a cap was hit.
 */
bool rs_py_dict_each(struct rs_cpython *py, uint64_t dict,
		     bool (*visit)(void *context, uint64_t key, uint64_t value),
		     void *context);

/** @return The value under the text @p key in @p dict, or 0. */
uint64_t rs_py_dict_get(struct rs_cpython *py, uint64_t dict, const char *key);

/** @return sys.modules of interpreter @p number, or 0 when not known. */
uint64_t rs_py_modules(struct rs_cpython *py, unsigned number);

/** Length and item of a tuple; 0 when out of range or unreadable. */
uint64_t rs_py_tuple_size(struct rs_cpython *py, uint64_t tuple);
uint64_t rs_py_tuple_item(struct rs_cpython *py, uint64_t tuple, uint64_t i);

/**
 * Append what a 3.11+ interpreter frame at @p frame owns, labelled: function,
 * code, locals by name, stack. For generators, frame objects and roots.
 * @param executing Its stack's top is not known: read locals only.
 */
void rs_py_iframe_refs(struct rs_cpython *py, uint64_t frame, bool executing,
		       struct rs_refs *refs);

/* --- Offered by discovery (discover.c, frames.c, gcstate.c, roots.c) ----- */

/** A frame of a thread, innermost first. */
struct rs_py_frame {
	uint64_t address; // PyFrameObject, or _PyInterpreterFrame from 3.11
	uint64_t code;
	uint32_t thread; // index of its thread
	bool executing; // value stack unknown
};

/** All Python frames of all threads, struct rs_py_frame, shims left out. */
RS_MUST_CHECK struct rs_error *
rs_py_frames(struct rs_cpython *py, struct rs_vec *ret);

/** `f (x.py:3)` for a code object and where it is; @p line 0: not told. */
void rs_py_frame_text(struct rs_cpython *py, const struct rs_py_frame *frame,
		      char *buf, size_t size);

#endif /* RS_CPYTHON_CPYTHON_H */
