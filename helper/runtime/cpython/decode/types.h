// SPDX-License-Identifier: MIT
/**
 * @file
 * What is known of each type met so far. Internal to runtime/cpython.
 *
 * A type is learned once, when the first object of it is read: its chain of
 * bases is walked as CPython's subtype_traverse() walks it, and what that
 * would visit is written down as offsets. Reading an object is then one look
 * into a hash and a loop over offsets.
 */
#ifndef RS_CPYTHON_TYPES_H
#define RS_CPYTHON_TYPES_H

#include "runtime/cpython/cpython.h"
#include "runtime/runtime.h"

enum {
	RS_PY_TYPE_CACHE = 1024, // slots of the direct-mapped cache
	RS_PY_NAME_MAX = 1 << 20, // bytes of a type's name
	RS_PY_MEMBER_DEF = 40, // bytes of a PyMemberDef
};

/** tp_flags. */
#define RS_TPF_MANAGED_WEAKREF (UINT64_C(1) << 3)
#define RS_TPF_MANAGED_DICT (UINT64_C(1) << 4)
#define RS_TPF_INLINE_VALUES (UINT64_C(1) << 2)
#define RS_TPF_STATIC_BUILTIN (UINT64_C(1) << 1)
#define RS_TPF_HEAP (UINT64_C(1) << 9)
#define RS_TPF_READY (UINT64_C(1) << 12)
#define RS_TPF_GC (UINT64_C(1) << 14)
#define RS_TPF_INT (UINT64_C(1) << 23)
#define RS_TPF_LONG (UINT64_C(1) << 24)
#define RS_TPF_LIST (UINT64_C(1) << 25)
#define RS_TPF_TUPLE (UINT64_C(1) << 26)
#define RS_TPF_BYTES (UINT64_C(1) << 27)
#define RS_TPF_UNICODE (UINT64_C(1) << 28)
#define RS_TPF_DICT (UINT64_C(1) << 29)
#define RS_TPF_EXCEPTION (UINT64_C(1) << 30)
#define RS_TPF_TYPE (UINT64_C(1) << 31)

/** What of an object's body is not a reference at a fixed offset. */
enum rs_py_how {
	RS_PY_PLAIN, // nothing
	RS_PY_LIST,
	RS_PY_TUPLE,
	RS_PY_DICT,
	RS_PY_SET,
	RS_PY_ODICT,
	RS_PY_DEQUE,
	RS_PY_LRU_CACHE,
	RS_PY_LRU_LINK, // visited by its cache: visits nothing itself
	RS_PY_TYPE,
	RS_PY_MODULE,
	RS_PY_CODE,
	RS_PY_FRAME,
	RS_PY_GENERATOR,
	RS_PY_WEAKREF,
	RS_PY_TEE_DATA,
	RS_PY_HAMT_BITMAP,
	RS_PY_HAMT_ARRAY,
	RS_PY_HAMT_COLLISION,
	RS_PY_ELEMENT, // of ElementTree
	RS_PY_RING, // queue.SimpleQueue, 3.13+
	RS_PY_CAPSULE, // what is behind its pointer, 3.13+
	RS_PY_EXECUTOR, // of the JIT, 3.15
	RS_PY_DATETIME, // tzinfo behind a flag
	RS_PY_NDARRAY, // numpy.h
	RS_PY_DTYPE, // numpy.h
	RS_PY_UNKNOWN, // body of a C type that is in no table
};

/** Where an instance keeps its attributes. */
enum rs_py_dict {
	RS_PY_NO_DICT,
	RS_PY_DICT_AT, // a pointer at `dict_offset`
	RS_PY_DICT_END, // a pointer `dict_offset` before the end of the items
	RS_PY_DICT_311, // values at -32, dict at -24
	RS_PY_DICT_312, // a tagged word at -24
	RS_PY_DICT_313, // dict at -24 (-8), values inline at `values_offset`
};

/** A reference at a fixed offset. */
struct rs_py_member {
	const char *name; // borrowed
	int32_t offset; // from the object's address
	uint8_t kind; // enum rs_kind
};

/** What is known of a type: how its objects are read. Offsets are bytes. */
struct rs_py_type {
	uint64_t address;
	uint32_t index; // in the session's type table
	uint32_t basicsize, itemsize;
	uint16_t object_flags; // enum rs_object_flag of every instance
	uint8_t how; // enum rs_py_how
	uint8_t dict; // enum rs_py_dict
	uint8_t dict_kind; // enum rs_kind
	uint8_t type_kind; // of the reference to the type; RS_PY_NO_TYPE: none
	uint8_t size_rule; // of __sizeof__(); 0: none (size_rules.h)
	uint8_t body_kind; // of what `how` finds
	bool gc; // takes part in collection
	bool has_is_gc; // unless its tp_is_gc says no: then it has no head
	bool guessed; // reading some or all of its objects means guessing
	bool special; // an object's flags depend on more than its type
	uint32_t members;
	uint16_t before; // bytes to read before the object
	uint32_t span; // bytes to read from the object on
	uint32_t body_end; // where the part of the C base ends
	int32_t dict_offset, values_offset;
	uint32_t tuple_length; // of a struct sequence, hidden fields too; or 0
	struct rs_py_member *member; // owned
	uint64_t keys; // ht_cached_keys, or 0
	uint64_t keys_count; // entries in them
	uint64_t flags; // tp_flags
	uint64_t meta, base; // its own type; its C base (itself for a C type)
	uint64_t traverse; // tp_traverse of that base
	// What a C program said of the body, and how its references to Python
	// objects are reported; see extension_type() in runtime.h.
	const void *overlay;
	int overlay_kind;
	char *name; // owned
};

enum { RS_PY_NO_TYPE = 0xff };

/** A slot of a hash table of types. */
struct rs_py_slot {
	uint64_t address;
	const struct rs_py_type *type; // NULL: known to be none
};

/** All types met so far, and offsets. Owned by rs_cpython.known. */
struct rs_py_types {
	struct rs_py_slot cache[RS_PY_TYPE_CACHE];
	struct rs_py_slot *table; // open addressing, a power of two
	uint32_t slots, used;
	struct rs_vec all; // struct rs_py_type *
	uint64_t threaded_bits; // offset of ob_gc_bits + 1, 0: none

	// Offsets that every read needs, out of the layout.
	int32_t ob_type, ob_size, ob_refcnt, type_size;
	// The word before an object with a bit for a finalizer that has run,
	// counted from the object; 0: none.
	int32_t finalized;
	int32_t list_item, tuple_item;
	int32_t keys_nentries, keys_kind, keys_log2, keys_size, keys_lookup;
	int32_t keys_indices, keys_header;
	int32_t ma_used, ma_keys, ma_values, ma_table, ma_mask;
	int32_t values_at, values_capacity, values_valid, values_embedded;
	int32_t set_table, set_mask, entry_key, entry_hash;
	uint64_t old_class; // 2.7: the class looked at last,
	bool old_class_del; // and whether it has a __del__
	uint64_t old_dummy; // 2.7: key of a deleted entry of a set
	bool old; // 2.7
};

/**
 * Learn the type at @p type (learn.c). @return NULL without memory, with
 * types->no_memory set; rs_py_type_free() ends it.
 */
struct rs_py_type *rs_py_learn(struct rs_cpython *py, uint64_t type);
void rs_py_type_free(struct rs_py_type *t);

/** Whether @p text can be a type's name: not empty, no control characters. */
bool rs_py_is_name(const char *text);

/** Slow path of rs_py_known(): the table of all types; learns a new one.
 * Returns the same. */
const struct rs_py_type *rs_py_type_find(struct rs_cpython *py, uint64_t type);

/** @return What is known of the type at @p type, or NULL when it is none. */
static inline const struct rs_py_type *
rs_py_known(struct rs_cpython *py, uint64_t type)
{
	const uint64_t h = (type >> 4) ^ (type >> 14);
	const struct rs_py_slot *slot =
		&py->known->cache[h & (RS_PY_TYPE_CACHE - 1)];

	if (__builtin_expect(slot->address == type && type, 1))
		return slot->type;
	return rs_py_type_find(py, type);
}

/**
 * As rs_py_known(), but NULL too of a type that was not learned yet: reads
 * nothing and changes nothing.
 */
const struct rs_py_type *
rs_py_learned(const struct rs_cpython *py, uint64_t type);

/** As rs_py_learned(), but NULL too when nobody has asked for it lately. */
static inline const struct rs_py_type *
rs_py_met(const struct rs_cpython *py, uint64_t type)
{
	const uint64_t h = (type >> 4) ^ (type >> 14);
	const struct rs_py_slot *slot =
		&py->known->cache[h & (RS_PY_TYPE_CACHE - 1)];

	return slot->address == type ? slot->type : NULL;
}

/** @return The type of the object at @p object, or NULL. */
static inline const struct rs_py_type *
rs_py_known_of(struct rs_cpython *py, uint64_t object)
{
	uint64_t type;

	if (!rs_memory_u64(py->base.memory,
			   object + (uint64_t)py->known->ob_type, &type))
		return NULL;
	return rs_py_known(py, type);
}

/** @return The word in the 8 bytes at @p p, of this process, aligned or not. */
static inline uint64_t rs_py_word(const void *p)
{
	uint64_t value;

	memcpy(&value, p, sizeof(value));
	return value;
}

/** Version as 0 for 2.7 and the minor version for 3.x. */
static inline unsigned rs_py_minor(const struct rs_cpython *py)
{
	return py->version >> 24 < 3 ? 0 : py->version >> 16 & 0xff;
}

/** A field of the type object at @p type; 0 when unreadable. */
static inline uint64_t
rs_py_type_field(struct rs_cpython *py, uint64_t type, enum rs_field field)
{
	return rs_py_get(py, type, field);
}

#endif /* RS_CPYTHON_TYPES_H */
