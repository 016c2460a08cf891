// SPDX-License-Identifier: MIT
/**
 * @file
 * For C and C++ programs that count references: describe the objects, and a
 * debugger can say who holds what, and reference cycles can be found and freed.
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
 * Objects need no header and no particular allocator; their addresses are
 * multiples of 8 below 2^48. Nothing here calls malloc: memory comes from mmap.
 * Where a function returns an int it is 0 or a value of enum rs_code.
 *
 * Languages. The macros compile as C11 and later and as C++11 and later, with
 * gcc and clang. In C++ they expand to calls of constexpr functions, so that a
 * static description is initialised before anything runs. Further members
 * (`.release = f`) are given as in C, in the order of struct rs_field or struct
 * rs_type; before C++20 they are an extension of the compilers, which warn of
 * it when asked to be pedantic (-Wno-c++20-designator in clang, -Wno-pedantic
 * in gcc).
 *
 * Threads. Tracking, untracking, describing and roots may be used by all
 * threads at once. What reads the objects' fields (walks, rs_collect()) needs
 * other threads to leave the objects alone, as any reader of the program's own
 * would. No function of this header may be called from a signal handler.
 *
 * Counts. An object whose count is 0 or less while it is tracked is being torn
 * down, or is not yet held by anybody: it counts as in use, with all that it
 * holds. The same goes for an object that cannot be read.
 *
 * Debuggers. A debugger may call, in a stopped program, the functions marked
 * "Debugger: yes", wherever the program stopped, in malloc too: they call
 * neither malloc nor, unless they say so, code of the program, and change
 * nothing. Where the stopped program holds a lock that they need they return
 * RS_EBUSY (or what they say) after 20 ms of waiting in all, by the clock.
 * The others may wait for the stopped thread for ever.
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
	RS_HOLD_STRONG = 0, /**< Counted; the collector may clear it. */
	RS_HOLD_OWNED = 1, /**< Counted; the collector leaves it alone. */
	RS_HOLD_WEAK = 2, /**< Not counted. */
};

enum rs_field_kind {
	RS_FIELD_INLINE = 0, /**< The elements are in the object, at offset. */
	RS_FIELD_POINTER = 1, /**< At offset is the address of the elements. */
	/** A const char *: names the other references of this struct. */
	RS_FIELD_KEY = 2,
	RS_FIELD_TEXT = 3, /**< A const char * to show; no reference. */
};

enum rs_field_flag {
	/** Leads to the object's own table of attributes, a part of itself. */
	RS_FIELD_DICT = 1,
};

struct rs_type;

/**
 * References in an object: one, or an array of them.
 *
 * Number of elements: read from the count at count_offset of the struct that
 * has the field; without a count (count_width 0) `length`, and 0 means 1.
 * Element: a pointer, or, when `of` is set, a struct of of->size bytes. A
 * struct may have fields with structs of their own, to any depth, and may lead
 * to structs of its own type (a list of nodes that are parts of one object);
 * one that was visited already is not visited again.
 */
struct rs_field {
	const char *name;
	const struct rs_type *of; /**< NULL: the elements are pointers. */
	uint32_t offset; /**< Bytes; a multiple of 8 unless `of` is set. */
	uint32_t count_offset; /**< Bytes; a multiple of count_width. */
	uint32_t length;
	uint8_t kind; /**< enum rs_field_kind */
	uint8_t count_width; /**< 1, 2, 4 or 8 bytes; 0: no count. */
	uint8_t hold; /**< enum rs_hold */
	uint8_t flags; /**< enum rs_field_flag */
};

/**
 * Called for one reference; @p referent may be NULL or untracked, which are
 * ignored. @return 0 to go on; else the traverse callback returns that at once.
 */
typedef int (*rs_visit_fn)(void *referent, void *context);

enum rs_type_flag {
	/** The collector must never call its finalizer, whatever the policy. */
	RS_TYPE_LEGACY = 1,
	/** A table of keyed structs: shown as {'key': value}. */
	RS_TYPE_DICT = 2,
	/** Private: the stand-in for a type that was undescribed while objects
	   of it were tracked. */
	RS_TYPE_STAND_IN = 4,
};

/**
 * What the objects of a type look like. Must stay unchanged until
 * rs_undescribe(): usually a static variable. Not const: `id` is set.
 *
 * The count is (value >> count_shift) + count_bias, the value being the
 * unsigned integer of count_width bytes at count_offset. A value of 4 or 8
 * bytes whose top bit is set is taken for a negative one.
 *
 * The collector frees an object only if it can: the type has `release`; with
 * `traverse` it also has `clear`; the count is one that can be raised (a shift
 * that leaves no bit to count with makes it a constant; nor is it at its
 * maximum). What cannot be freed is uncollectable, with all that it holds, and
 * is not changed.
 */
struct rs_type {
	const char *name;
	const struct rs_field *field; /**< Array of `fields`. */
	uint32_t fields;
	uint32_t size; /**< Bytes, without flexible and pointed-to elements. */
	uint32_t count_offset; /**< A multiple of count_width. */
	uint8_t count_width; /**< 1, 2, 4 or 8; 0: a struct inside others. */
	uint8_t count_shift; /**< Bits below the count, 0 to 63. */
	int16_t count_bias;
	uint32_t flags; /**< enum rs_type_flag */
	uint32_t id; /**< Private; 0 until the first use. */

	/**
	 * Called once before the object is released by the collector, or
	 * NULL. Under RS_GC_KEEP a cycle that contains one is uncollectable.
	 * It may untrack objects, its own too: the collector then leaves them,
	 * and gives back the reference that it holds of each object that it
	 * frees.
	 */
	void (*finalize)(void *object);
	/**
	 * Release the references that may be in a cycle and set them to NULL;
	 * the result is ignored. NULL: the collector does it by the fields.
	 */
	int (*clear)(void *object);
	/**
	 * The program's own way to release one reference, which frees the
	 * object with the last. NULL: the collector cannot free it.
	 */
	void (*release)(void *object);
	/**
	 * Visit the strong references that the fields do not describe; NULL:
	 * the fields describe all. Must only read. A debugger that reads
	 * memory cannot call it: it calls it in a separate process made from
	 * a core, and otherwise says how many objects it could not read.
	 */
	int (*traverse)(void *object, rs_visit_fn visit, void *context);
	const char *name_copy; /**< Private: for cores that lack constants. */
	const void *reserved; /**< Private: its own address. */
};

#ifdef __cplusplus
}

/*
 * What a program gives to the macros of this header (`.release = f`) leaves the
 * other members out, and that as C++20 does: no reason for warnings. They are
 * ours, and so is the pragma that leaves them out.
 */
#pragma GCC system_header

/*
 * With a value of its own a member is not missing to clang 18 and later. C++11
 * has no such thing: -Wno-missing-designated-field-initializers there.
 */
#if __cplusplus >= 201402L
#define RS_OR_ZERO                                                             \
	{                                                                      \
	}
#else
#define RS_OR_ZERO
#endif

/* C++: what follows the fixed arguments of RS_FIELD() and RS_TYPE(). */
struct rs_field_rest {
	const struct rs_type *of RS_OR_ZERO;
	uint32_t count_offset RS_OR_ZERO;
	uint32_t length RS_OR_ZERO;
	uint8_t kind RS_OR_ZERO;
	uint8_t count_width RS_OR_ZERO;
	uint8_t hold RS_OR_ZERO;
	uint8_t flags RS_OR_ZERO;
};
struct rs_type_rest {
	uint8_t count_shift RS_OR_ZERO;
	int16_t count_bias RS_OR_ZERO;
	uint32_t flags RS_OR_ZERO;
	void (*finalize)(void *object) RS_OR_ZERO;
	int (*clear)(void *object) RS_OR_ZERO;
	void (*release)(void *object) RS_OR_ZERO;
	int (*traverse)(void *object, rs_visit_fn visit,
			void *context) RS_OR_ZERO;
};
constexpr rs_field
rs_field_make(const char *name, size_t offset, rs_field_rest rest)
{
	return rs_field{name,
			rest.of,
			static_cast<uint32_t>(offset),
			rest.count_offset,
			rest.length,
			rest.kind,
			rest.count_width,
			rest.hold,
			rest.flags};
}
constexpr rs_type rs_type_make(const char *name, const rs_field *field,
			       size_t fields, size_t size, size_t count_offset,
			       size_t count_width, rs_type_rest rest)
{
	return rs_type{name,
		       field,
		       static_cast<uint32_t>(fields),
		       static_cast<uint32_t>(size),
		       static_cast<uint32_t>(count_offset),
		       static_cast<uint8_t>(count_width),
		       rest.count_shift,
		       rest.count_bias,
		       rest.flags,
		       0,
		       rest.finalize,
		       rest.clear,
		       rest.release,
		       rest.traverse,
		       nullptr,
		       nullptr};
}
#define RS_WIDTH_OF(type, member)                                              \
	(static_cast<uint8_t>(sizeof(static_cast<type *>(nullptr)->member)))
#define RS_LENGTH_OF(type, member)                                             \
	(static_cast<uint32_t>(sizeof(static_cast<type *>(nullptr)->member) /  \
			       sizeof(void *)))
#define RS_OFFSET_OF(type, member)                                             \
	(static_cast<uint32_t>(offsetof(type, member)))
/* A field with all its members. */
#define RS_FIELD_ALL(type, member, of, count_offset, length, kind, width,      \
		     hold)                                                     \
	rs_field_make(#member, offsetof(type, member),                         \
		      rs_field_rest{(of), (count_offset), (length), (kind),    \
				    (width), (hold), 0})
#define RS_FIELD_WITH(type, member, ...)                                       \
	rs_field_make(#member, offsetof(type, member),                         \
		      rs_field_rest{__VA_ARGS__})
#define RS_TYPE_WITH(type_name, type, counter, field_array, ...)               \
	rs_type_make((type_name), (field_array),                               \
		     sizeof(field_array) / sizeof((field_array)[0]),           \
		     sizeof(type), offsetof(type, counter),                    \
		     RS_WIDTH_OF(type, counter), rs_type_rest{__VA_ARGS__})
#define RS_PART(type_name, type, field_array)                                  \
	rs_type_make(                                                          \
		(type_name), (field_array),                                    \
		sizeof(field_array) / sizeof((field_array)[0]), sizeof(type),  \
		0, 0,                                                          \
		rs_type_rest{0, 0, 0, nullptr, nullptr, nullptr, nullptr})
#else
#define RS_WIDTH_OF(type, member) ((uint8_t)sizeof(((type *)0)->member))
#define RS_LENGTH_OF(type, member)                                             \
	((uint32_t)(sizeof(((type *)0)->member) / sizeof(void *)))
#define RS_OFFSET_OF(type, member) ((uint32_t)offsetof(type, member))
#define RS_FIELD_ALL(type, member, of_, count_offset_, length_, kind_, width,  \
		     hold_)                                                    \
	{                                                                      \
		.name = #member, .of = (of_),                                  \
		.offset = RS_OFFSET_OF(type, member),                          \
		.count_offset = (count_offset_), .length = (length_),          \
		.kind = (kind_), .count_width = (width), .hold = (hold_)       \
	}
#define RS_FIELD_WITH(type, member, ...)                                       \
	{                                                                      \
		.name = #member, .offset = RS_OFFSET_OF(type, member),         \
		__VA_ARGS__                                                    \
	}
#define RS_TYPE_WITH(type_name, type, counter, field_array, ...)               \
	{                                                                      \
		.name = (type_name), .field = (field_array),                   \
		.fields = sizeof(field_array) / sizeof((field_array)[0]),      \
		.size = sizeof(type), RS_COUNT(type, counter), __VA_ARGS__     \
	}
#define RS_PART(type_name, type, field_array)                                  \
	{                                                                      \
		.name = (type_name), .field = (field_array),                   \
		.fields = sizeof(field_array) / sizeof((field_array)[0]),      \
		.size = sizeof(type)                                           \
	}
#endif

/** Of RS_FIELD() and struct rs_type: where the count is. */
#define RS_COUNT(type, counter)                                                \
	.count_offset = RS_OFFSET_OF(type, counter),                           \
	.count_width = RS_WIDTH_OF(type, counter)

/**
 * Any field: RS_FIELD(type, member, further members of struct rs_field...), as
 * `RS_FIELD(struct x, parent, .hold = RS_HOLD_WEAK)`.
 */
#define RS_FIELD(type, ...) RS_FIELD_WITH(type, __VA_ARGS__, )
/** A pointer to one object. */
#define RS_REF(type, member)                                                   \
	RS_FIELD_ALL(type, member, NULL, 0, 0, RS_FIELD_INLINE, 0,             \
		     RS_HOLD_STRONG)
/** A pointer that is not counted. */
#define RS_WEAK_REF(type, member)                                              \
	RS_FIELD_ALL(type, member, NULL, 0, 0, RS_FIELD_INLINE, 0, RS_HOLD_WEAK)
/** A pointer that is counted and that the collector leaves alone. */
#define RS_OWNED_REF(type, member)                                             \
	RS_FIELD_ALL(type, member, NULL, 0, 0, RS_FIELD_INLINE, 0,             \
		     RS_HOLD_OWNED)
/** An array of pointers that is a member: `struct x *slot[4]`. */
#define RS_REFS(type, member)                                                  \
	RS_FIELD_ALL(type, member, NULL, 0, RS_LENGTH_OF(type, member),        \
		     RS_FIELD_INLINE, 0, RS_HOLD_STRONG)
/** A pointer to an array of pointers, with a member that counts them. */
#define RS_ARRAY(type, member, counter) RS_ARRAY_OF(type, member, counter, NULL)
/** The same, of structs that hold pointers. */
#define RS_ARRAY_OF(type, member, counter, description)                        \
	RS_FIELD_ALL(type, member, description, RS_OFFSET_OF(type, counter),   \
		     0, RS_FIELD_POINTER, RS_WIDTH_OF(type, counter),          \
		     RS_HOLD_STRONG)
/** Pointers at the object's end, with a member that counts them. */
#define RS_FLEX(type, member, counter) RS_FLEX_OF(type, member, counter, NULL)
/** The same, of structs that hold pointers. */
#define RS_FLEX_OF(type, member, counter, description)                         \
	RS_FIELD_ALL(type, member, description, RS_OFFSET_OF(type, counter),   \
		     0, RS_FIELD_INLINE, RS_WIDTH_OF(type, counter),           \
		     RS_HOLD_STRONG)
/** A struct that is a member, with a description of its own. */
#define RS_STRUCT(type, member, description)                                   \
	RS_FIELD_ALL(type, member, description, 0, 0, RS_FIELD_INLINE, 0,      \
		     RS_HOLD_STRONG)
/** A pointer to one such struct, or NULL: to a list of them, if it has one. */
#define RS_POINTER_TO(type, member, description)                               \
	RS_FIELD_ALL(type, member, description, 0, 0, RS_FIELD_POINTER, 0,     \
		     RS_HOLD_STRONG)
/** The name under which the other references of this struct are held. */
#define RS_KEY(type, member)                                                   \
	RS_FIELD_ALL(type, member, NULL, 0, 0, RS_FIELD_KEY, 0, RS_HOLD_STRONG)
/** Text that says what the object is. */
#define RS_TEXT(type, member)                                                  \
	RS_FIELD_ALL(type, member, NULL, 0, 0, RS_FIELD_TEXT, 0, RS_HOLD_STRONG)

/**
 * A counted type: RS_TYPE(name, type, counter, field_array, further members of
 * struct rs_type...). `counter` is the member that counts, `field_array` an
 * array of struct rs_field.
 */
#define RS_TYPE(type_name, type, counter, ...)                                 \
	RS_TYPE_WITH(type_name, type, counter, __VA_ARGS__, )

/*
 * RS_PART(name, type, field_array): a struct inside others: the `of` of a
 * field, or what rs_describe_extension() is given.
 */

#ifdef __cplusplus
extern "C" {
#endif

/* --- The registry. --- */

/**
 * Track @p object; its count and fields must be set. An object that is tracked
 * already gets the new type.
 *
 * With automatic collections on (rs_gc_enable()) this may run a collection,
 * before the object is tracked: the counts and fields of all tracked objects
 * must be right then.
 *
 * Errors: RS_ENOMEM (also when RS_TYPES_MAX - 1 types have objects);
 * RS_EARGUMENT when @p object is NULL, no multiple of 8 or not below 2^48, or
 * the description is wrong: rs_type_check() says why.
 * Debugger: no.
 */
RS_PUBLIC int rs_track(const void *object, struct rs_type *type);

/**
 * Stop tracking @p object, before it is torn down. Errors: RS_ENOTFOUND.
 * Debugger: no.
 */
RS_PUBLIC int rs_untrack(const void *object);

/**
 * @return The type of a tracked object, or NULL. Borrowed.
 * Debugger: no, it may wait for a stopped thread; rs_count() does not.
 */
RS_PUBLIC const struct rs_type *rs_type_of(const void *object);

/**
 * Register @p type before its first object is tracked; rs_track() does it
 * otherwise. Errors: RS_ENOMEM; RS_EARGUMENT: the description is wrong.
 * Debugger: no.
 */
RS_PUBLIC int rs_describe(struct rs_type *type);

/**
 * Forget @p type, before the memory that contains it is unmapped: in the
 * destructor of a plugin that is unloaded. Its `id` may then be given to
 * another type.
 * Objects that are still tracked keep their type's name; nothing else of them
 * is known any more, so they count as in use, until they are untracked.
 * rs_describe_extension() is undone for descriptions that are @p type.
 *
 * A type that was unloaded without this is recognised where it can be; its `id`
 * is given to another type only when all RS_TYPES_MAX - 1 are taken and it has
 * no objects. When a plugin is loaded in its place, with a type at the same
 * address, objects from before are of the type that is gone.
 *
 * Errors: RS_ENOTFOUND when it was not described; RS_ENOMEM (objects are still
 * tracked and the name finds no memory: nothing was done).
 * Debugger: no.
 */
RS_PUBLIC int rs_undescribe(struct rs_type *type);

/**
 * Check the description of objects, and of their parts, as rs_describe() does.
 *
 * @param reason Gets one line: which field, and what is wrong; "" if nothing
 *        is. May be NULL.
 * @param size Bytes of @p reason.
 * Errors: RS_EARGUMENT; RS_ENOMEM.
 * Debugger: yes.
 */
RS_PUBLIC int
rs_type_check(const struct rs_type *type, char *reason, size_t size);

/**
 * Say what the C part of a Python object holds: @p python_type is the
 * address of its PyTypeObject, and the fields of @p description lie at
 * offsets from the PyObject. Its pointers to tracked objects and what it
 * calls RS_HOLD_OWNED become known; a PyObject that the type's tp_traverse
 * visits need not be described, and is not counted twice if it is.
 * Errors: RS_ENOMEM; RS_EARGUMENT.
 * Debugger: no.
 */
RS_PUBLIC int
rs_describe_extension(const void *python_type, struct rs_type *description);

/**
 * Name a variable that holds a reference: @p slot is its address. It need not
 * be set yet. For reading only: to the collector whatever is counted and not
 * held by a tracked object is held from outside, named or not.
 *
 * @param name Borrowed, until the root is removed.
 * Errors: RS_ENOMEM; RS_EARGUMENT.
 * Debugger: no.
 */
RS_PUBLIC int rs_root_add(const void *slot, const char *name);
/** The same for @p count variables in a row: name[0], name[1], .. */
RS_PUBLIC int
rs_root_add_array(const void *slot, size_t count, const char *name);
/** Errors: RS_ENOTFOUND. Debugger: no. */
RS_PUBLIC int rs_root_remove(const void *slot);

/* --- Walks. They only read, and call traverse callbacks. --- */

/** Called for an object. @return 0 to go on; else the walk returns that. */
typedef int (*rs_object_fn)(void *object, const struct rs_type *type,
			    void *context);

/**
 * Call @p fn for every tracked object that can be reached from @p from over
 * counted references, itself included, nearest first. A type whose memory is
 * gone is passed to it as one with the name "?", here and below.
 *
 * @return 0, what @p fn returned, or RS_ENOMEM; RS_ENOTFOUND when @p from is
 *         not tracked; RS_EBUSY; RS_EBAD when objects were reached that cannot
 *         be read (they were passed to @p fn, what they hold was not).
 * Debugger: yes; it calls traverse callbacks.
 */
RS_PUBLIC int rs_walk(const void *from, rs_object_fn fn, void *context);
/**
 * Call @p fn for every tracked object that holds @p object, once for each
 * reference. @p fn may track, but must not free what it was not yet given.
 * @return As rs_walk(), but never RS_ENOTFOUND.
 * Debugger: yes; it calls traverse callbacks.
 */
RS_PUBLIC int rs_referrers(const void *object, rs_object_fn fn, void *context);
/**
 * Call @p fn for every tracked object, in no particular order; as for
 * rs_referrers().
 * Debugger: yes.
 */
RS_PUBLIC int rs_each(rs_object_fn fn, void *context);
/**
 * @return The decoded reference count of a tracked object, 0 when it is
 *         negative; -1: not tracked; -RS_EBUSY; -RS_EBAD: its memory cannot be
 *         read.
 * Debugger: yes.
 */
RS_PUBLIC int64_t rs_count(const void *object);

/* --- The collector. --- */

enum rs_gc_policy {
	/** A cycle with a finalizer in it goes to the garbage list. */
	RS_GC_KEEP = 0,
	/**
	 * Finalizers run once, then the cycle is freed (as in PEP 442), unless
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
	/** Free nothing: all that could be freed goes to the garbage list. */
	RS_GC_DEBUG_SAVEALL = 32,
	RS_GC_DEBUG_LEAK = 2 | 4 | 16 | 32,
};

/**
 * Find the reference cycles that only hold themselves and free them: each
 * object's references are cleared and its release() does the rest, so what
 * frees an object must allow NULL in its fields.
 *
 * All are cleared before the first is freed, and they are freed in no
 * particular order: a release() that frees its object may touch others only by
 * references that the object still has.
 *
 * What is not freed is not changed, but for the one reference that the garbage
 * list holds of what is put there.
 *
 * Every collection is a full one. Other threads must leave the objects alone
 * for its duration.
 *
 * Lines on stderr, when asked for: `gc: uncollectable <CGcLeak 0x7f..>`, with
 * `: no clear` or `: no release` behind it where that is the reason.
 * @return Objects found unreachable, freed or kept; a negated enum rs_code
 *         when it could not be done; 0 when a collection is under way.
 * Debugger: no. The program's release functions run, which may need a lock
 * that the stopped program holds, malloc's among them. Use rs_find_garbage()
 * to look, and rs_collect_later() to collect.
 */
RS_PUBLIC int64_t rs_collect(void);

enum rs_find_flag {
	/** Call no traverse callback: objects whose types have one, and what
	   they hold, count as in use. */
	RS_FIND_READ_ONLY = 1,
};

/**
 * What rs_collect() would find unreachable now. Frees and changes nothing.
 *
 * @param flags enum rs_find_flag.
 * @param fn Called for each object found, by address; NULL: only count. It
 *        must not change anything. @p context goes to it.
 * @return The number of objects found; a negated enum rs_code: -RS_ENOMEM;
 *         -RS_EBUSY, also while rs_collect() is under way. What @p fn
 *         returned other than 0 ends the call, which then returns the number
 *         of objects found all the same.
 * Debugger: yes; it calls traverse callbacks unless told not to.
 */
RS_PUBLIC int64_t rs_find_garbage(uint32_t flags, rs_object_fn fn,
				  void *context);

/**
 * Have rs_collect() run at the next rs_track() of any thread, which is where
 * automatic collections run.
 * Debugger: yes; it sets one bit.
 */
RS_PUBLIC void rs_collect_later(void);

/** Collect on rs_track(), once there are enough new objects. Off at first.
 * Debugger: yes, these and the settings below. */
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

/**
 * Whether the collector has run the finalizer of a tracked object.
 * Debugger: no.
 */
RS_PUBLIC bool rs_is_finalized(const void *object);

/**
 * What a finalizer kept from being freed. The list counts one reference of
 * each, also of one that was untracked since. To free them: cut the cycle in an
 * order that is safe, then rs_garbage_clear().
 * Debugger: rs_garbage_count() and rs_garbage_at() yes, rs_garbage_clear() no.
 */
RS_PUBLIC size_t rs_garbage_count(void);
/** @return Borrowed; NULL past the end, or where a stopped thread has the list.
 */
RS_PUBLIC void *rs_garbage_at(size_t index);
RS_PUBLIC void rs_garbage_clear(void);

#ifdef __cplusplus
}
#endif

#endif /* REFSCOPE_REFSCOPE_H */
