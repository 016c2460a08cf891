// SPDX-License-Identifier: MIT
/**
 * @file
 * The interface of a runtime (CPython, a C program with librefscope): turning
 * the bytes of a target into objects and references.
 *
 * A runtime finds the objects that its collectors track, reads an object and
 * its references, finds the roots, and describes all of these in words. It
 * stores nothing about single objects: the graph does that. Labels of
 * references are not stored at all; the object is read again when they are
 * needed.
 */
#ifndef RS_RUNTIME_RUNTIME_H
#define RS_RUNTIME_RUNTIME_H

#include "base/vec.h"
#include "graph/graph.h"
#include "memory/memory.h"
#include "memory/places.h"
#include "runtime/runtime_info.h"

/** What a label names, and the meaning of rs_label.a. */
enum rs_label_kind {
	RS_LABEL_NONE,
	RS_LABEL_FIELD, // a: const char * in this process: `.gi_frame`
	RS_LABEL_ATTR, // a: address of the name object: `.name`
	RS_LABEL_INDEX, // a: position: `[3]`
	RS_LABEL_FLAT, // a: position, rows one after the other: `.flat[3]`
	RS_LABEL_KEY, // a: address of the key object: `['key']`
	RS_LABEL_IS_KEY, // a: as above, but the reference is to the key itself
	RS_LABEL_MEMBER, // an element of a set: `{}`
	RS_LABEL_LOCAL, // a: address of the name object: `local buf`
	RS_LABEL_CELL, // a: same: `closure x`
	RS_LABEL_STACK, // a: position on a value stack: `stack 2`
	RS_LABEL_DICT, // an instance's own dict: `.__dict__`
	RS_LABEL_TYPE, // its type: `type`
	RS_LABEL_WORD, // a: offset of a guessed word: `+0x18`
	// a: private to the runtime that made it, whose label() decodes it
	RS_LABEL_PATH,
	RS_LABEL_TRAVERSE, // visited by a traverse callback: `(traverse)`
};

/** The name of a reference, not yet a text. */
struct rs_label {
	uint64_t a;
	uint32_t kind; // enum rs_label_kind
};

/** The references of an object. To be reused for the next one: set n to 0 and
 * incomplete to false. */
struct rs_refs {
	uint64_t *target; // [n] addresses
	uint8_t *kind; // [n] enum rs_kind
	struct rs_label *label; // [n]; NULL: labels are not wanted
	uint32_t n, cap;
	// Something was unreadable, or too large. Set by whoever fills it,
	// cleared by its owner with n.
	bool incomplete;
	bool no_memory; // some are missing: out of memory; never reset
	// What the object's type reports to the collector is known. read() may
	// leave out all but the weak references of weak reference objects.
	bool weak_only;
	struct rs_vec targets, kinds, labels; // storage of the arrays
	/**
	 * Optional, may be called by read() before it is done: consume the
	 * references gathered so far and set n to 0. This bounds the memory
	 * that huge objects need.
	 */
	void (*drain)(struct rs_refs *refs);
};

/** Make room. @return false when out of memory; sets incomplete. */
bool rs_refs_grow(struct rs_refs *refs);
/** Errors: RS_ENOMEM. */
RS_MUST_CHECK struct rs_error *rs_refs_init(struct rs_refs *refs, bool labels);
void rs_refs_fini(struct rs_refs *refs);

/** Append a reference; does nothing if @p target is 0. */
static inline void rs_refs_add(struct rs_refs *refs, uint64_t target,
			       enum rs_kind kind, uint32_t label, uint64_t a)
{
	if (!target)
		return;
	if (__builtin_expect(refs->n == refs->cap, 0) && !rs_refs_grow(refs))
		return;
	refs->target[refs->n] = target;
	refs->kind[refs->n] = (uint8_t)kind;
	if (refs->label)
		refs->label[refs->n] = (struct rs_label){a, label};
	refs->n++;
}

/** What read() returns about an object beside its references. */
struct rs_row {
	// Bytes, including tables outside the object, as sys.getsizeof().
	uint64_t size;
	// Without flag bits; from 0x7fffffff on saturated; UINT32_MAX when
	// immortal.
	uint32_t count;
	// Its count where that one has no room for it: below 0 (count is 0), or
	// of more than 32 bits (it is saturated). Else 0.
	int64_t wide_count;
	uint32_t type; // index in the session's table of types
	uint16_t flags; // enum rs_object_flag, without the generation
};

/** Memory that an object shows and does not own. */
struct rs_viewed {
	uint64_t bytes;
	uint64_t of; // address of the object that owns it; 0: none is known
	bool mapped; // it is a mapping of the target's (mmap), of no object
};

/** The objects that find() has found: two arrays of the same length. */
struct rs_found {
	struct rs_vec address; // uint64_t
	struct rs_vec mark; // uint16_t, enum rs_object_flag and the generation
};

/** Errors: RS_ENOMEM. */
RS_MUST_CHECK struct rs_error *
rs_found_add(struct rs_found *found, uint64_t address, uint16_t mark);
void rs_found_fini(struct rs_found *found);

/** The session's table of types. Rows do not move. */
struct rs_types {
	struct rs_vec row; // struct rs_type_row
	struct rs_vec text; // private: owned names
	// Memory ran out while a type was decoded, so that its objects may have
	// been read wrongly.
	bool no_memory;
};

/** Reserve address space for rows. Errors: RS_ENOMEM. */
RS_MUST_CHECK struct rs_error *rs_types_init(struct rs_types *types);

/** Errors: RS_ENOMEM when types->no_memory is set. */
RS_MUST_CHECK struct rs_error *rs_types_check(const struct rs_types *types);

/**
 * Append a type.
 * @param name Copied.
 * @param[out] ret Its index.
 * Errors: RS_ENOMEM; RS_EBAD (too many).
 */
RS_MUST_CHECK struct rs_error *rs_types_add(struct rs_types *types,
					    uint64_t address, const char *name,
					    uint8_t runtime, uint32_t *ret);
void rs_types_fini(struct rs_types *types);

/** A root that roots() has found; session/build_all.c sets root.target. */
struct rs_found_root {
	uint64_t target; // address
	struct rs_root root;
};
/** All roots. Arrays are owned. */
struct rs_roots {
	struct rs_vec root; // struct rs_found_root
	struct rs_vec text; // their names, NUL-terminated
};

/**
 * Append a root; does nothing if @p target is 0.
 * @param slot, kind, thread, frame See struct rs_root.
 * @param format Its name, as for printf(); cut at 255 bytes.
 * Errors: RS_ENOMEM.
 */
RS_MUST_CHECK RS_PRINTF(7, 8) struct rs_error *rs_roots_add(
	struct rs_roots *roots, uint64_t target, uint64_t slot,
	enum rs_root_kind kind, unsigned thread, uint32_t frame,
	const char *format, ...);

/** What a word in memory of a runtime belongs to. */
enum rs_word_kind {
	RS_WORD_DEAD, // free memory, a dead object, or a slot out of use
	RS_WORD_OBJECT, // an object, whose references read() reports
	RS_WORD_BLOCK, // a block in use without an object
};

enum { RS_EXTENSION_SKIP = -1 };

/** The texts that run() returns; NULL if there is none. */
enum rs_run_text {
	RS_RUN_PRINTED, // what was written to the standard streams
	RS_RUN_VALUE, // the value of an expression, or the description
	RS_RUN_ERROR, // class of the exception that ended it
	RS_RUN_MESSAGE, // that exception's message
};

/** A collection to be tried out: see rs_runtime_ops.rehearse. */
struct rs_rehearsal {
	int generation; // this and all younger
	int64_t interpreter; // its id; -1: the first
	// A reference to drop before it; no holder: none.
	uint64_t holder, target; // addresses
	struct rs_label label;
	const uint64_t *watch; // objects of which it is said whether they go
	size_t watches;
};

struct rs_runtime;
struct rs_process_image; // sandbox/image.h
struct rs_image_options;
struct rs_image_question;
struct rs_image_answer;
struct rs_image_called; // sandbox/image_call.h

/** What a collection does to an unreachable object before it counts. */
enum rs_ending {
	RS_ENDING_NONE, // nothing, or nothing that matters
	RS_ENDING_LETS_GO, // it lets go of all that it holds
	RS_ENDING_CODE, // code that can do anything to what it reaches
};

/** The operations of a runtime. Those that may be NULL say what that means. */
/** What stands in the way of dropping an attribute of an object by its name. */
enum rs_attribute_kind {
	RS_ATTRIBUTE_NONE, // its type has nothing of that name that would act
	RS_ATTRIBUTE_WORD, // its type takes it from a word of the object
	RS_ATTRIBUTE_SET, // C code of its type
	RS_ATTRIBUTE_FIXED, // C code, or a word, that is only read
	RS_ATTRIBUTE_CODE, // code of the program's: a property
};

struct rs_attribute {
	enum rs_attribute_kind kind;
	uint32_t offset; // of RS_ATTRIBUTE_WORD: in bytes
};

struct rs_collector_settings;

struct rs_runtime_ops {
	const char *name; // "cpython", "native"
	// A word for rs_answer_show() to add to the flags of objects, or NULL.
	const char *flag;
	// Whether a collection returns a number to the program, as
	// gc.collect() does.
	bool gc_returns;
	// Whether the references that query() finds are in addition to those
	// that read() finds in described fields, and confirm or replace only
	// its guesses.
	bool query_adds;

	/**
	 * Create a copy of the runtime for another thread, which reads the same
	 * core through @p memory and numbers types in @p types. It can only
	 * read objects and help find(), and must be freed before @p rt.
	 * Errors: RS_ENOMEM. NULL: not supported.
	 */
	struct rs_error *(*view)(struct rs_runtime *rt,
				 struct rs_memory *memory,
				 struct rs_types *types,
				 struct rs_runtime **ret);

	/**
	 * Find the objects in all lists of the collectors. Those for which
	 * read() would have to guess references are marked RS_OBJ_INEXACT.
	 *
	 * @param beside A view of @p rt for a second thread, or NULL.
	 * @param[out] found Appended.
	 * Errors: RS_ENOMEM; RS_EINTERRUPTED.
	 */
	struct rs_error *(*find)(struct rs_runtime *rt,
				 struct rs_runtime *beside,
				 struct rs_found *found,
				 const struct rs_progress *progress);

	/**
	 * Add to @p map, which contains what find() found, every other live
	 * object in the runtime's own allocator, even if nothing refers to it.
	 * Errors: RS_ENOMEM; RS_EINTERRUPTED. NULL: it has no such allocator.
	 */
	struct rs_error *(*sweep)(struct rs_runtime *rt, struct rs_addrmap *map,
				  const struct rs_progress *progress);

	/**
	 * Whether malloc() gave out @p block for an object that no collector
	 * tracks: it begins with what such an object begins with, and is as
	 * large as that needs.
	 * @return The address of the object; 0: none. NULL: it uses no
	 * malloc().
	 */
	uint64_t (*object_in)(struct rs_runtime *rt,
			      const struct rs_extent *block);

	/**
	 * Whether there is an object of this runtime at @p address, which may
	 * be any number. Called once for each target of a reference, so it
	 * must be cheap.
	 */
	bool (*is_object)(struct rs_runtime *rt, uint64_t address);

	/**
	 * Read one object. Of one that cannot be read completely, what can be
	 * is returned, with RS_OBJ_INEXACT in the flags.
	 *
	 * @param[out] row NULL: not wanted.
	 * @param want_size Whether to set row->size, which may need more reads.
	 * @param[out] refs References are appended, and incomplete is set if
	 *        some are missing. NULL: not wanted.
	 */
	void (*read)(struct rs_runtime *rt, uint64_t address,
		     struct rs_row *row, bool want_size, struct rs_refs *refs);

	/**
	 * Prefetch the object at @p address; and, once it is in the cache, the
	 * tables that it points to. NULL: not supported.
	 */
	void (*prefetch)(struct rs_runtime *rt, uint64_t address);
	void (*prefetch_tables)(struct rs_runtime *rt, uint64_t address);

	/**
	 * @return The index of the type at address @p type in the session's
	 *         table; 0 when there is no type. May be NULL if view() is.
	 */
	uint32_t (*type)(struct rs_runtime *rt, uint64_t type);

	/**
	 * Plan an image of the core in which the functions of types can
	 * traverse objects.
	 * @param[in,out] question The caller sets the lists and objects to
	 *        traverse; this sets the rest: addresses of functions and
	 *        offsets.
	 * @param[out] image To be closed by rs_image_close().
	 * Errors: as rs_image_from_core().
	 * NULL: objects of this runtime cannot be traversed like this.
	 */
	struct rs_error *(*image)(struct rs_runtime *rt,
				  const struct rs_image_options *options,
				  struct rs_image_question *question,
				  struct rs_process_image **image);

	/**
	 * Have the functions of the types report the references of all objects
	 * that query_objects() counts, in an image of a core. NULL: the types
	 * have none.
	 *
	 * @param options NULL: all defaults.
	 * @param[out] ret To be released by rs_image_answer_fini(). It has no
	 *        rows, and nothing was run, if no object has such a function.
	 * Errors: as rs_image_from_core() and rs_image_walk().
	 */
	struct rs_error *(*query)(struct rs_runtime *rt,
				  const struct rs_image_options *options,
				  const struct rs_progress *progress,
				  struct rs_image_answer *ret);

	/**
	 * The addresses in the core of the functions that an image calls for
	 * @p object: [0] its traverse function; [1] a function that is called
	 * first, to check whether the object takes part in collection
	 * (tp_is_gc). 0 if there is none. May be NULL if image() and query()
	 * are.
	 */
	void (*query_functions)(struct rs_runtime *rt, uint64_t object,
				uint64_t ret[2]);

	/** The number of objects for query(); NULL: all tracked ones. */
	uint64_t (*query_objects)(struct rs_runtime *rt);

	/**
	 * Run code of the target's in an image of a core: @p code, in which
	 * `obj` is @p object unless that is 0, or, with @p code NULL, what
	 * describes @p object. NULL: the runtime runs nothing.
	 *
	 * @param interpreter Its id, as in struct rs_interpreter; -1: any.
	 * @param limits Only object_ms (processor time) and memory are used.
	 * @param[out] ret With the texts of enum rs_run_text; to be released by
	 *        rs_image_called_fini().
	 * Errors: as rs_image_from_core() and rs_image_do_call();
	 * RS_EUNSUPPORTED.
	 */
	struct rs_error *(*run)(struct rs_runtime *rt, const char *code,
				uint64_t object, int64_t interpreter,
				const struct rs_image_options *limits,
				const struct rs_progress *progress,
				struct rs_image_called *ret);

	/**
	 * Have the target's own collector run in an image of a core, in which
	 * automatic collections are off. NULL: it cannot.
	 *
	 * @param limits As for run().
	 * @param[out] ret Texts as of run(); RS_RUN_VALUE is lines, as
	 *        runtime/cpython/ask/rehearse.py has them. To be released by
	 *        rs_image_called_fini().
	 * Errors: as run(); RS_EUNSUPPORTED (the reference cannot be dropped).
	 */
	struct rs_error *(*rehearse)(struct rs_runtime *rt,
				     const struct rs_rehearsal *what,
				     const struct rs_image_options *limits,
				     const struct rs_progress *progress,
				     struct rs_image_called *ret);

	/**
	 * Whether the result of a collection may depend on the references of
	 * any of the @p objects at the addresses @p object, which are marked
	 * RS_OBJ_INEXACT. NULL: it may.
	 */
	bool (*affects_collection)(struct rs_runtime *rt,
				   const uint64_t *object, size_t objects);

	/**
	 * A C extension can describe the C part of its objects, whose type is
	 * one of another runtime, at address @p type.
	 * @return That description, borrowed from @p rt, or NULL. To be called
	 *         once for each type, as it takes long.
	 * NULL: not supported, and extension_refs() may be NULL too.
	 */
	const void *(*extension_type)(struct rs_runtime *rt, uint64_t type);

	/**
	 * Append the references of the object at @p object according to
	 * @p description, a result of extension_type(). Their labels are
	 * RS_LABEL_FIELD with names owned by @p rt.
	 *
	 * References to objects of @p rt are RS_OWNED, because no traverse
	 * function of the other runtime visits them, and so are those that are
	 * described as owned; weak ones are RS_WEAK.
	 * @param strong The kind (enum rs_kind) of strong references to objects
	 *        of the other runtime; RS_EXTENSION_SKIP: leave them out, for
	 *        a decoder that finds these by itself.
	 */
	void (*extension_refs)(struct rs_runtime *rt, const void *description,
			       uint64_t object, int strong,
			       struct rs_refs *refs);

	/** Find all roots. Errors: RS_ENOMEM. */
	struct rs_error *(*roots)(struct rs_runtime *rt,
				  struct rs_roots *roots);

	/** Write a label as text (`.name`, `['key']`) to @p buf, of @p size
	 * bytes with the NUL. */
	void (*label)(struct rs_runtime *rt, const struct rs_label *label,
		      char *buf, size_t size);

	/**
	 * Write a short description of an object (`{'a': 1, ...}`,
	 * `<CGcLeak 0x7f..>`, `'text'`), made by reading, to @p buf: one line
	 * of at most @p size bytes with the NUL.
	 */
	void (*text)(struct rs_runtime *rt, uint64_t address, char *buf,
		     size_t size);

	/**
	 * What lies at @p address, where a reference leads that should lead to
	 * an object and does not: "a freed block, once a Station". May be NULL.
	 */
	void (*freed_text)(struct rs_runtime *rt, uint64_t address, char *buf,
			   size_t size);

	/**
	 * Version, threads and the like, for rs_answer_info().
	 * @param ret Zeroed; to be released by the caller, on error too.
	 * Errors: RS_ENOMEM.
	 */
	struct rs_error *(*info)(struct rs_runtime *rt,
				 struct rs_runtime_info *ret);

	/** The state of collector @p number. Errors: RS_ENOMEM. */
	struct rs_error *(*gc)(struct rs_runtime *rt, unsigned number,
			       struct rs_gc_info *ret);

	/**
	 * @param size As in row->size.
	 * @return How many of these bytes certainly follow the address of the
	 *         object, and are not in tables elsewhere. NULL: all.
	 */
	uint64_t (*own_size)(struct rs_runtime *rt, uint64_t address,
			     uint64_t size);

	/**
	 * What the first reference of objects in the variables of programs is
	 * called, as these start with a count of 1 which nothing holds ("static
	 * object"); not that of types. NULL: they start with 0.
	 */
	const char *static_object;

	/*
	 * For the search for words that hold references (roots/): NULL all, if
	 * the runtime has no memory of its own.
	 */

	/**
	 * @return How many bytes from @p object on are certainly the object's,
	 *         without tables elsewhere.
	 */
	uint64_t (*extent)(struct rs_runtime *rt, uint64_t object);

	/**
	 * Find the memory that is the runtime's own, and prepare for word_at().
	 * @param objects All objects, sealed; must stay until the runtime goes.
	 * @param[out] area Appended (struct rs_extent): where its allocators
	 *        put objects and tables.
	 * @param[out] frame Appended (struct rs_extent): value stacks of frames
	 *        being executed, of which read() and roots() cannot tell how
	 *        much is in use. They may be in objects.
	 * Errors: RS_ENOMEM; RS_EINTERRUPTED.
	 */
	struct rs_error *(*areas)(struct rs_runtime *rt,
				  const struct rs_addrmap *objects,
				  struct rs_vec *area, struct rs_vec *frame);

	/**
	 * What the word at @p slot belongs to, which is in one of the areas,
	 * but in no frame.
	 * @param[out] block The block of RS_WORD_BLOCK or RS_WORD_OBJECT.
	 */
	enum rs_word_kind (*word_at)(struct rs_runtime *rt, uint64_t slot,
				     struct rs_extent *block);

	/**
	 * Find the free blocks in the areas, after areas(): what can be
	 * allocated without more memory.
	 * @param[out] ret Appended (struct rs_extent).
	 * Errors: RS_ENOMEM. NULL: not known.
	 */
	struct rs_error *(*idle)(struct rs_runtime *rt, struct rs_vec *ret);

	/** Write what the frame is whose value stack has the word at @p slot:
	 * "value stack of f (x.py:3)". */
	void (*frame_text)(struct rs_runtime *rt, uint64_t slot, char *buf,
			   size_t size);

	/**
	 * Whether the word at @p slot of the object at @p object leads to a
	 * table whose references read() reports: the items of a list. Words
	 * of such tables are no evidence.
	 */
	bool (*is_table)(struct rs_runtime *rt, uint64_t object, uint64_t slot);

	/**
	 * Append the addresses of objects of which a collection drops a
	 * reference before it begins, one for each reference (uint64_t). NULL:
	 * none is. Errors: RS_ENOMEM.
	 */
	struct rs_error *(*released)(struct rs_runtime *rt, struct rs_vec *ret);

	/**
	 * Whether the object at @p address shows memory that is not its own
	 * and is no part of its size. NULL: none does.
	 */
	bool (*viewed)(struct rs_runtime *rt, uint64_t address,
		       struct rs_viewed *ret);

	/**
	 * The same runtime after rs_memory_renew(), for is_object(), read() of
	 * a row and resolve() alone; it borrows from @p rt. NULL: a target that
	 * has run has to be opened again.
	 * Errors: RS_ENOMEM; RS_EUNSUPPORTED (more of it depends on the stop).
	 */
	struct rs_error *(*renew)(struct rs_runtime *rt, struct rs_types *types,
				  struct rs_runtime **ret);

	/**
	 * Make what renew() returned as it was then, after another
	 * rs_memory_renew(), without what the run may have changed: types may
	 * have come and gone. Rows of types that were added stay. NULL: it has
	 * to be made anew.
	 */
	void (*again)(struct rs_runtime *now);

	/**
	 * Whether objects of type @p type can be the namespace of a module,
	 * class, function or other object: in CPython, dicts. NULL: none can.
	 */
	bool (*is_namespace)(struct rs_runtime *rt, uint32_t type);

	/**
	 * Whether a reference with @p label leads from an object to its own
	 * namespace. May be NULL if is_namespace() is.
	 */
	bool (*is_own_namespace)(struct rs_runtime *rt,
				 const struct rs_label *label);

	/**
	 * Whether the program cannot change a reference with @p label of an
	 * object of type @p type, which is an element of a tuple for instance.
	 * NULL: it can change all, apart from those whose labels say otherwise.
	 */
	bool (*is_fixed)(struct rs_runtime *rt, uint32_t type,
			 const struct rs_label *label);

	/**
	 * What the attribute @p name of objects of the type at @p type is,
	 * beside what is in their own dicts.
	 * @return false when it is not known. NULL: there are no attributes.
	 */
	bool (*attribute)(struct rs_runtime *rt, uint64_t type,
			  const char *name, struct rs_attribute *ret);

	/**
	 * Whether a method of the object at @p object is code of the program,
	 * of its class or, with "__hash__", of what it contains; true if that
	 * is not known. May be NULL if attribute() is.
	 */
	bool (*runs_code)(struct rs_runtime *rt, uint64_t object,
			  const char *method);

	/**
	 * The hash under which the dict or set at @p holder has the key at
	 * @p key. May be NULL if attribute() is.
	 * @return false when it has no such key, or keeps no hash of it since
	 *         that cannot change.
	 */
	bool (*stored_hash)(struct rs_runtime *rt, uint64_t holder,
			    uint64_t key, int64_t *ret);

	/** Write the str at @p address, the name of an attribute. @return false
	 * when it is none. May be NULL if attribute() is. */
	bool (*string)(struct rs_runtime *rt, uint64_t address, char *buf,
		       size_t size);

	/**
	 * Whether C code makes objects of type @p type with the flags @p flags
	 * once, as constants, and often keeps them in a variable that the
	 * compiler has removed. NULL: none is like that.
	 */
	bool (*is_constant)(struct rs_runtime *rt, uint32_t type,
			    uint16_t flags);

	/**
	 * What a collection does to an unreachable object at @p address,
	 * other than to call a finalizer of the program's, before it counts
	 * what it will free.
	 * @param[out] what What such objects are and what is done to them
	 *             ("generators, which are closed first"), static.
	 * May be NULL if gc_returns is false.
	 */
	enum rs_ending (*ending)(struct rs_runtime *rt, uint64_t address,
				 const char **what);

	/**
	 * What the object at @p address is as a holder, if that says why it
	 * holds: "traceback", "exception", "closure", "cache", "thread local";
	 * else NULL. Static. May be NULL.
	 */
	const char *(*holder_kind)(struct rs_runtime *rt, uint64_t address);

	/**
	 * Write the name of a namespace's owner (`module os`, `function f`).
	 * @return false when it has none. May be NULL if is_namespace() is.
	 */
	bool (*owner_name)(struct rs_runtime *rt, uint64_t address, char *buf,
			   size_t size);

	/**
	 * Write the name of the object at @p address, if objects like it have
	 * one: of a type `module.Class`, of a module `os`, of a function or
	 * method `Class.f`, of a frame `f (x.py:3)`.
	 * @return false when it has none. NULL: no object has.
	 */
	bool (*own_name)(struct rs_runtime *rt, uint64_t address, char *buf,
			 size_t size);

	/**
	 * Write the name of the module that defines the type at @p address:
	 * `pkg.mod`, `builtins`.
	 * @return false when it is not known. NULL: types have no modules.
	 */
	bool (*type_module)(struct rs_runtime *rt, uint64_t address, char *buf,
			    size_t size);

	/** Modules that are left out of their types' full names, up to NULL:
	 * `int`, not `builtins.int`. NULL: there are none. */
	const char *const *implied_modules;

	/**
	 * find() for the objects of collector @p number alone; and the number
	 * of its interpreter in the program. NULL if there is one collector.
	 * Errors: as find().
	 */
	struct rs_error *(*members)(struct rs_runtime *rt, unsigned number,
				    struct rs_found *found,
				    const struct rs_progress *progress);
	int64_t (*collector_id)(struct rs_runtime *rt, unsigned number);
	/** The path of the module to which collector @p number belongs,
	 * borrowed. NULL: collectors belong to interpreters. */
	const char *(*collector_name)(struct rs_runtime *rt, unsigned number);
	/** The settings of the collector that has the object at @p address,
	 * where each has its own. NULL: all have those of the runtime. */
	void (*collector_settings)(struct rs_runtime *rt, uint64_t address,
				   struct rs_collector_settings *ret);
	/** The rules of collector @p number. NULL: those of the runtime. */
	enum rs_rules (*collector_rules)(struct rs_runtime *rt,
					 unsigned number);

	/**
	 * Why a collector has no way to free the object at @p address, which
	 * is RS_OBJ_UNFREEABLE: "no clear". NULL where none is.
	 */
	const char *(*unfreeable)(struct rs_runtime *rt, uint64_t address);

	/**
	 * The number of objects read so far that were unreadable, freed or
	 * overwritten, and are treated as in use. NULL: not known.
	 */
	uint64_t (*unknown)(struct rs_runtime *rt);

	/** Append the addresses (uint64_t) in the garbage list. Errors:
	 * RS_ENOMEM. */
	struct rs_error *(*garbage)(struct rs_runtime *rt, struct rs_vec *ret);

	/**
	 * Append the addresses (uint64_t) of garbage lists that are themselves
	 * objects, such as gc.garbage: what only they refer to counts as
	 * garbage. NULL: they are not objects.
	 * Errors: RS_ENOMEM.
	 */
	struct rs_error *(*garbage_lists)(struct rs_runtime *rt,
					  struct rs_vec *ret);

	/**
	 * Find the object called @p name (`module.attr[key].attr`), by reading.
	 * @param[out] ret Its address.
	 * Errors: RS_ENOTFOUND; the message names the part that is missing.
	 */
	struct rs_error *(*resolve)(struct rs_runtime *rt, const char *name,
				    uint64_t *ret);

	/**
	 * Call @p visit with each name that begins with @p text, up to the end
	 * of the last part: `sys.modules` for `sys.mo`. Some may be said twice.
	 * What has no such names has none. NULL: none are known.
	 * Errors: RS_ENOMEM.
	 */
	struct rs_error *(*complete)(struct rs_runtime *rt, const char *text,
				     void (*visit)(void *context,
						   const char *name),
				     void *context);
	void (*free)(struct rs_runtime *rt);
};

/** Of one collector; see struct rs_runtime. */
struct rs_collector_settings {
	enum rs_rules rules;
	bool disabled, saveall;
};

/** The part that all runtimes have: the first member of each one's struct. */
struct rs_runtime {
	const struct rs_runtime_ops *ops;
	struct rs_memory *memory; // borrowed from the session
	struct rs_types *types; // borrowed from the session
	// The session's runtime with extension_type(), if there is another one;
	// else NULL. Set once all are open; borrowed.
	struct rs_runtime *extensions;
	uint8_t index; // in the session
	enum rs_rules rules; // of the target's own version
	const char *version; // "3.11.7"; owned by the runtime
	// Why its objects cannot be read, then only info() and free() are
	// called; NULL: they can.
	const char *unread;
	// The collector at the stop; false when not known. Set when opened.
	bool gc_disabled; // gc.disable(): it runs only when called
	bool gc_collecting; // a collection was running
	bool gc_saveall; // DEBUG_SAVEALL: garbage goes to the garbage list
	// Generation 1 is collected in increments that cannot be predicted.
	bool gc_increments;
	// It returns what it found, whatever finalizers do then.
	bool gc_returns_found;
	// It frees nothing, and returns 0, when an object lives on.
	bool gc_all_or_none;
	bool incomplete; // some of its objects could not be found
	unsigned collectors; // each with its own objects; 0 means 1
};

/**
 * Look for a runtime in @p memory.
 *
 * @param types The session's types, borrowed; the runtime adds its own.
 * @param index Of the runtime in the session.
 * @param[out] ret The runtime, to be freed by its ops->free(); NULL when it is
 *             not in the target (not an error). If its objects cannot be read,
 *             rs_runtime.unread says why.
 * Errors: RS_EUNSUPPORTED (an unknown version); RS_EBAD (it is there, but
 * damaged); RS_EINTERRUPTED; RS_ENOMEM.
 */
typedef struct rs_error *(*rs_runtime_open_fn)(struct rs_memory *memory,
					       struct rs_types *types,
					       uint8_t index,
					       struct rs_runtime **ret);

/** A kind of runtime. */
struct rs_runtime_kind {
	rs_runtime_open_fn open;
	const char *sign; // for the message that the target has "neither ..."
};

/** All kinds, in the order in which they are looked for. See registered.c. */
extern const struct rs_runtime_kind rs_runtime_kinds[];
extern const size_t rs_runtime_kinds_count;

#endif /* RS_RUNTIME_RUNTIME_H */
