// SPDX-License-Identifier: MIT
/**
 * @file
 * For C programs that count references: tell what the objects look like,
 * and a debugger can say who holds what, and rings can be found and freed.
 *
 * Adopting it takes three steps:
 *
 *     static const struct rs_field node_field[] = {
 *             RS_REF(struct node, next),
 *             RS_ARRAY(struct node, child, children),
 *     };
 *     static struct rs_type node_type = RS_TYPE(
 *             "node", struct node, refs, node_field, .release = node_unref);
 *
 *     rs_track(node, &node_type);       when it is made and its fields are set
 *     rs_untrack(node);                 before its fields are torn down
 *     rs_root_add(&tree, "tree");       for each variable that should be named
 *
 * Objects need no header and no particular allocator; they are multiples of 8
 * below 2^48. Nothing here calls malloc: memory comes from mmap, so that a
 * debugger may call any function while the program is stopped in malloc.
 * Where a function gives an int it is 0 or a value of enum rs_code.
 *
 * Threads. Tracking, untracking, describing and roots may be used by all
 * threads at once. What reads the objects' fields (walks, rs_collect) needs
 * them to be still, as any reader of the program's own would. Nothing here
 * may be called from a signal handler.
 */
#ifndef REFSCOPE_REFSCOPE_H
#define REFSCOPE_REFSCOPE_H

#include "refscope/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** How a field holds what it points to. */
enum rs_hold {
	RS_HOLD_STRONG = 0, /**< Counted; the collector may take it away. */
	RS_HOLD_OWNED = 1, /**< Counted; the collector is to leave it alone. */
	RS_HOLD_WEAK = 2, /**< Not counted. */
};

enum rs_field_kind {
	RS_FIELD_INLINE = 0, /**< The elements are in the object, at offset. */
	RS_FIELD_POINTER = 1, /**< At offset is the address of the elements. */
	RS_FIELD_KEY =
		2, /**< A const char *: names this struct's references. */
	RS_FIELD_TEXT = 3, /**< A const char * to show; no reference. */
};

enum rs_field_flag {
	/** Leads to the object's own table of attributes, a part of itself. */
	RS_FIELD_DICT = 1,
};

struct rs_type;

/**
 * References in an object: one, or a row of them.
 *
 * Number of elements: read from the count at count_offset of the struct that
 * has the field; without a count (count_width 0) `length`, and 0 means 1.
 * Element: a pointer, or, when `of` is set, a struct of of->size bytes.
 */
struct rs_field {
	const char *name;
	const struct rs_type *of; /**< NULL: the elements are pointers. */
	uint32_t offset;
	uint32_t count_offset;
	uint32_t length;
	uint8_t kind; /**< enum rs_field_kind */
	uint8_t count_width; /**< 1, 2, 4 or 8 bytes; 0: no count. */
	uint8_t hold; /**< enum rs_hold */
	uint8_t flags; /**< enum rs_field_flag */
};

/** Told a reference. @return 0 to go on, else what the walk is to return. */
typedef int (*rs_visit_fn)(void *referent, void *context);

enum rs_type_flag {
	/** Its finalizer must not be called by the collector, whatever the
	   policy. */
	RS_TYPE_LEGACY = 1,
	/** A table of keyed structs: shown as {'key': value}. */
	RS_TYPE_DICT = 2,
};

/**
 * What the objects of a type look like. Must live, unchanged, as long as the
 * process: usually a static variable. Not const: the helper numbers it.
 *
 * The count is (value >> count_shift) + count_bias, the value being the
 * unsigned integer of count_width bytes at count_offset.
 */
struct rs_type {
	const char *name;
	const struct rs_field *field;
	uint32_t fields;
	uint32_t size; /**< Bytes, without flexible and pointed-to elements. */
	uint32_t count_offset;
	uint8_t count_width; /**< 1, 2, 4 or 8; 0: a struct inside others. */
	uint8_t count_shift;
	int16_t count_bias;
	uint32_t flags; /**< enum rs_type_flag */
	uint32_t id; /**< Private; 0 until the first use. */

	/** Last words before the object goes, or NULL. Owns the old trouble. */
	void (*finalize)(void *object);
	/** Drop the references that may be in a ring. NULL: by the fields. */
	int (*clear)(void *object);
	/**
	 * The program's own way to give back one reference, which frees the
	 * object with the last. NULL: the collector leaves it alone.
	 */
	void (*release)(void *object);
	/**
	 * Tell the strong references that the fields cannot; NULL: the fields
	 * tell all. A debugger that only reads cannot call it; in a core
	 * `refs verify` does, in a process apart.
	 */
	int (*traverse)(void *object, rs_visit_fn visit, void *context);
	const char *name_copy; /**< Private: for cores that lack constants. */
	const void *reserved;
};

#define RS_WIDTH_OF(type, member) ((uint8_t)sizeof(((type *)0)->member))

/** Any field: `RS_FIELD(struct x, parent, .hold = RS_HOLD_WEAK)`. */
#define RS_FIELD(type, member, ...)                                            \
	{                                                                      \
		.name = #member, .offset = offsetof(type, member), __VA_ARGS__ \
	}
#define RS_COUNT(type, counter)                                                \
	.count_offset = offsetof(type, counter),                               \
	.count_width = RS_WIDTH_OF(type, counter)

/** A pointer to one object. */
#define RS_REF(type, member) RS_FIELD(type, member, .kind = RS_FIELD_INLINE)
/** An array of pointers that is a member: `struct x *slot[4]`. */
#define RS_REFS(type, member)                                                  \
	RS_FIELD(type, member,                                                 \
		 .length = sizeof(((type *)0)->member) / sizeof(void *))
/** A pointer to an array of pointers, with a member that counts them. */
#define RS_ARRAY(type, member, counter)                                        \
	RS_FIELD(type, member, .kind = RS_FIELD_POINTER,                       \
		 RS_COUNT(type, counter))
/** The same, of structs that hold pointers. */
#define RS_ARRAY_OF(type, member, counter, description)                        \
	RS_FIELD(type, member, .kind = RS_FIELD_POINTER, .of = (description),  \
		 RS_COUNT(type, counter))
/** Pointers at the object's end, with a member that counts them. */
#define RS_FLEX(type, member, counter)                                         \
	RS_FIELD(type, member, RS_COUNT(type, counter))
/** The same, of structs that hold pointers. */
#define RS_FLEX_OF(type, member, counter, description)                         \
	RS_FIELD(type, member, .of = (description), RS_COUNT(type, counter))
/** A struct that is a member, with a description of its own. */
#define RS_STRUCT(type, member, description)                                   \
	RS_FIELD(type, member, .of = (description))
/** The name under which the other references of this struct are held. */
#define RS_KEY(type, member) RS_FIELD(type, member, .kind = RS_FIELD_KEY)
/** Text that says what the object is. */
#define RS_TEXT(type, member) RS_FIELD(type, member, .kind = RS_FIELD_TEXT)

/**
 * A counted type. @p counter is the member that counts, @p field_array an
 * array of struct rs_field; then any further members of struct rs_type.
 */
#define RS_TYPE(type_name, type, counter, field_array, ...)                    \
	{                                                                      \
		.name = (type_name), .field = (field_array),                   \
		.fields = sizeof(field_array) / sizeof((field_array)[0]),      \
		.size = sizeof(type), .count_offset = offsetof(type, counter), \
		.count_width = RS_WIDTH_OF(type, counter), __VA_ARGS__         \
	}
/** A struct inside others: the `of` of a field, or part of an extension. */
#define RS_PART(type_name, type, field_array)                                  \
	{                                                                      \
		.name = (type_name), .field = (field_array),                   \
		.fields = sizeof(field_array) / sizeof((field_array)[0]),      \
		.size = sizeof(type),                                          \
	}

/* --- The registry. --- */

/**
 * Make @p object known. Its count and fields must be in order. An object that
 * is known already gets the new type.
 *
 * Errors: RS_ENOMEM; RS_EARGUMENT when it is NULL, no multiple of 8 or not
 * below 2^48, or the type makes no sense.
 */
RS_PUBLIC int rs_track(const void *object, struct rs_type *type);

/** Forget @p object, before it is torn down. Errors: RS_ENOTFOUND. */
RS_PUBLIC int rs_untrack(const void *object);

/**
 * @return The type of a tracked object, or NULL. Waits for a thread that
 *         tracks: a debugger asks with rs_count() first.
 */
RS_PUBLIC const struct rs_type *rs_type_of(const void *object);

/** Number @p type before its first object. Errors: as rs_track(). */
RS_PUBLIC int rs_describe(struct rs_type *type);

/**
 * Say what the C part of a Python object holds: @p python_type is the
 * address of its PyTypeObject, and the fields of @p description lie at
 * offsets from the PyObject. Its pointers to tracked objects and whatever it
 * calls RS_HOLD_OWNED become known; a PyObject that the type's tp_traverse
 * visits need not be described, and is not told twice if it is.
 * Errors: RS_ENOMEM; RS_EARGUMENT.
 */
RS_PUBLIC int
rs_describe_extension(const void *python_type, struct rs_type *description);

/**
 * Name a variable that holds a reference: @p slot is its address. It need not
 * be set yet. For reading only: to the collector whatever is counted and not
 * held by a tracked object is held from outside, named or not.
 * Errors: RS_ENOMEM; RS_EARGUMENT.
 */
RS_PUBLIC int rs_root_add(const void *slot, const char *name);
/** The same for @p count variables in a row: name[0], name[1], .. */
RS_PUBLIC int
rs_root_add_array(const void *slot, size_t count, const char *name);
/** Errors: RS_ENOTFOUND. */
RS_PUBLIC int rs_root_remove(const void *slot);

/* --- Walks. --- */

/** Told an object. @return 0 to go on, else what the walk is to return. */
typedef int (*rs_object_fn)(void *object, const struct rs_type *type,
			    void *context);

/**
 * Tell every tracked object that can be reached from @p from over counted
 * references, itself included, nearest first.
 *
 * @return 0, what @p fn returned, or RS_ENOMEM; RS_ENOTFOUND when @p from is
 *         not tracked; RS_EBUSY when a thread is stopped while it tracks.
 */
RS_PUBLIC int rs_walk(const void *from, rs_object_fn fn, void *context);
/**
 * Tell every tracked object that holds @p object, once a reference. @p fn may
 * track, but must not free what it was not yet told.
 */
RS_PUBLIC int rs_referrers(const void *object, rs_object_fn fn, void *context);
/** Tell every tracked object, by address. @p fn as for rs_referrers(). */
RS_PUBLIC int rs_each(rs_object_fn fn, void *context);
/**
 * @return The decoded reference count of a tracked object; -1: not tracked;
 *         -RS_EBUSY when a thread is stopped while it tracks.
 */
RS_PUBLIC int64_t rs_count(const void *object);

/* --- The collector. --- */

enum rs_gc_policy {
	/** A ring with a finalizer in it goes to the garbage list. */
	RS_GC_KEEP = 0,
	/**
	 * Finalizers run once, then the ring is freed (as in PEP 442), unless
	 * they made it reachable again. A program's own release() must then
	 * not run a finalizer for which rs_is_finalized() is true.
	 */
	RS_GC_FINALIZE = 1,
};

enum rs_gc_debug {
	RS_GC_DEBUG_STATS = 1, /**< Totals of each collection. */
	RS_GC_DEBUG_COLLECTABLE = 2, /**< Name what is freed. */
	RS_GC_DEBUG_UNCOLLECTABLE = 4, /**< Name what is kept. */
	RS_GC_DEBUG_OBJECTS = 16, /**< Needed by the two above, as in 2.7. */
	RS_GC_DEBUG_SAVEALL = 32, /**< Free nothing: all to the garbage list. */
	RS_GC_DEBUG_LEAK = 2 | 4 | 16 | 32,
};

/**
 * Find the rings that only hold themselves and free them: each object's
 * references are cleared and its release() does the rest, so what frees an
 * object must allow NULL in its fields.
 *
 * Every collection is a full one. Other threads must leave the objects alone
 * for its duration.
 *
 * Lines on stderr, when asked for: `gc: uncollectable <CGcLeak 0x7f..>`.
 * @return Objects found unreachable, freed or kept; a negated enum rs_code
 *         when it could not be done; 0 when a collection is under way.
 */
RS_PUBLIC int64_t rs_collect(void);

/** Collect on rs_track(), once there are enough new objects. Off at first. */
RS_PUBLIC void rs_gc_enable(void);
RS_PUBLIC void rs_gc_disable(void);
RS_PUBLIC bool rs_gc_is_enabled(void);

/**
 * Collect after @p objects more were tracked than untracked (700 at first)
 * and they are a quarter of what survived last time, so that the work stays
 * linear in the objects made. 0: never.
 */
RS_PUBLIC void rs_gc_set_threshold(uint64_t objects);
RS_PUBLIC uint64_t rs_gc_threshold(void);

RS_PUBLIC void rs_gc_set_debug(uint32_t flags);
RS_PUBLIC uint32_t rs_gc_debug(void);
RS_PUBLIC void rs_gc_set_policy(enum rs_gc_policy policy);

/** Whether the collector has run the finalizer of a tracked object. */
RS_PUBLIC bool rs_is_finalized(const void *object);

/**
 * What could not be freed. The list counts one reference of each. To free
 * them: cut the ring in an order that is safe, then rs_garbage_clear().
 */
RS_PUBLIC size_t rs_garbage_count(void);
/** @return Borrowed, or NULL past the end. */
RS_PUBLIC void *rs_garbage_at(size_t index);
RS_PUBLIC void rs_garbage_clear(void);

#ifdef __cplusplus
}
#endif

#endif /* REFSCOPE_REFSCOPE_H */
