// SPDX-License-Identifier: MIT
/**
 * @file
 * A runtime turns bytes into objects and references.
 *
 * It finds the objects that a collector knows, reads one object's row and
 * references, names the roots, and says in words what it read. It stores
 * nothing about single objects: the graph does, and labels are made again
 * when somebody asks.
 */
#ifndef RS_RUNTIME_RUNTIME_H
#define RS_RUNTIME_RUNTIME_H

#include "base/vec.h"
#include "graph/graph.h"
#include "memory/memory.h"
#include "runtime/runtime_info.h"

enum rs_label_kind {
	RS_LABEL_NONE,
	RS_LABEL_FIELD, // a: const char * in this process: `.gi_frame`
	RS_LABEL_ATTR, // a: address of the name object: `.name`
	RS_LABEL_INDEX, // a: position: `[3]`
	RS_LABEL_KEY, // a: address of the key object: `['key']`
	RS_LABEL_IS_KEY, // a: as above; the reference is to the key itself
	RS_LABEL_MEMBER, // a set's element: `{}`
	RS_LABEL_LOCAL, // a: address of the name object: `local buf`
	RS_LABEL_CELL, // a: same: `closure x`
	RS_LABEL_STACK, // a: position on a value stack: `stack 2`
	RS_LABEL_DICT, // an instance's own dict: `.__dict__`
	RS_LABEL_TYPE, // its type: `type`
	RS_LABEL_WORD, // a: offset of a guessed word: `+0x18`
	// a: private to the runtime that made it, which puts it into words
	RS_LABEL_PATH,
	RS_LABEL_TRAVERSE, // only a callback knows where: `(traverse)`
};

struct rs_label {
	uint64_t a;
	uint32_t kind; // enum rs_label_kind
};

/** References of one object, as a runtime tells them. Reused: clear `n`. */
struct rs_refs {
	uint64_t *target; // addresses
	uint8_t *kind; // enum rs_kind
	struct rs_label *label; // NULL: nobody wants labels
	uint32_t n, cap;
	bool incomplete; // something was unreadable or a cap was hit
	bool no_memory; // some are left out for want of it; stays set
	struct rs_vec targets, kinds, labels; // what the arrays lie in
	/**
	 * Takes all that is there, of an object whose references are told in
	 * part so far, and clears `n`: for whom the whole of a long row would
	 * be too much at once. NULL: wants all of it.
	 */
	void (*drain)(struct rs_refs *refs);
};

/** Grow; @return false when out of memory (then incomplete is set). */
bool rs_refs_grow(struct rs_refs *refs);
RS_MUST_CHECK struct rs_error *rs_refs_init(struct rs_refs *refs, bool labels);
void rs_refs_fini(struct rs_refs *refs);

/** Tell one reference. NULL targets are ignored. */
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

/** What a runtime says of one object beside its references. */
struct rs_row {
	uint64_t size; // bytes: with its out-of-line tables, as sys.getsizeof
	uint32_t count; // decoded, saturating; UINT32_MAX when immortal
	uint32_t type; // index in the session's type table
	uint16_t flags; // enum rs_object_flag, less the generation
};

/** Collects the objects that find() tells. */
struct rs_found {
	struct rs_vec address; // uint64_t
	struct rs_vec mark; // uint16_t: RS_OBJ_TRACKED | generation and such
};

RS_MUST_CHECK struct rs_error *
rs_found_add(struct rs_found *found, uint64_t address, uint16_t mark);
void rs_found_fini(struct rs_found *found);

/** The session's types. Names live as long as the table. */
struct rs_types {
	struct rs_vec row; // struct rs_type_row
	struct rs_vec text; // private: blocks of names
	// A type could not be learned: what is told of its objects is wrong.
	bool no_memory;
};

/** Make room for rows. Errors: RS_ENOMEM. */
RS_MUST_CHECK struct rs_error *rs_types_init(struct rs_types *types);

/** Errors: RS_ENOMEM when that kept any type from being learned. */
RS_MUST_CHECK struct rs_error *rs_types_check(const struct rs_types *types);

/** Append a type; copies @p name. Errors: RS_ENOMEM. */
RS_MUST_CHECK struct rs_error *rs_types_add(struct rs_types *types,
					    uint64_t address, const char *name,
					    uint8_t runtime, uint32_t *ret);
void rs_types_fini(struct rs_types *types);

/** Collects the roots; resolved to object numbers by the builder. */
struct rs_found_root {
	uint64_t target; // address
	struct rs_root root; // target not yet filled in
};
struct rs_roots {
	struct rs_vec root; // struct rs_found_root
	struct rs_vec text; // names
};

/** Append a root named by printf words. */
RS_MUST_CHECK RS_PRINTF(7, 8) struct rs_error *rs_roots_add(
	struct rs_roots *roots, uint64_t target, uint64_t slot,
	enum rs_root_kind kind, unsigned thread, uint32_t frame,
	const char *format, ...);

enum { RS_EXTENSION_SKIP = -1 };

/** Texts that run() brings back; those that there are not are NULL. */
enum rs_run_text {
	RS_RUN_PRINTED, // what was written to the standard streams
	RS_RUN_VALUE, // the value of an expression, or the description
	RS_RUN_ERROR, // class of the exception that ended it
	RS_RUN_MESSAGE, // that exception's message
};

struct rs_runtime;
struct rs_process_image; // sandbox/image.h
struct rs_image_options;
struct rs_image_question;
struct rs_image_answer;
struct rs_image_called; // sandbox/image_call.h

struct rs_runtime_ops {
	const char *name; // "cpython", "native"
	// What rs_answer_show() has among the flags of its objects, or NULL.
	const char *flag;
	// Whether what query() reports comes on top of what fields say, and is
	// to be held against the guesses of reading alone.
	bool query_adds;

	/**
	 * The same runtime for another thread, which reads the same core
	 * through @p memory and numbers types in @p types. To be freed before
	 * @p rt. It can read objects, no more. May be NULL: all is left to one
	 * thread. Errors: RS_ENOMEM.
	 */
	struct rs_error *(*view)(struct rs_runtime *rt,
				 struct rs_memory *memory,
				 struct rs_types *types,
				 struct rs_runtime **ret);

	/**
	 * Tell every object on a collector's list. Marked RS_OBJ_INEXACT: one
	 * at whose references read() would guess.
	 *
	 * @param beside A view of @p rt for a second thread, or NULL.
	 */
	struct rs_error *(*find)(struct rs_runtime *rt,
				 struct rs_runtime *beside,
				 struct rs_found *found,
				 const struct rs_progress *progress);

	/**
	 * Add to @p map, which holds what find() told, every other live object
	 * in the runtime's own allocator, whether anything refers to it or
	 * not. May be NULL.
	 */
	struct rs_error *(*sweep)(struct rs_runtime *rt, struct rs_addrmap *map,
				  const struct rs_progress *progress);

	/**
	 * Whether @p address holds an object of this runtime. Must be cheap
	 * and must never be fooled into reading outside the target. Called
	 * once for each address that a reference leads to.
	 */
	bool (*is_object)(struct rs_runtime *rt, uint64_t address);

	/**
	 * Read one object. @p row or @p refs may be NULL when not wanted.
	 * row->size may cost extra reads: it is filled only when
	 * @p want_size. An object that cannot be read is told as far as
	 * possible with RS_OBJ_INEXACT.
	 */
	void (*read)(struct rs_runtime *rt, uint64_t address,
		     struct rs_row *row, bool want_size, struct rs_refs *refs);

	/**
	 * Start fetching the lines of the object at @p address itself and,
	 * some objects later when those have come, of the tables that it
	 * points at. Hints: never fail, never read much. May be NULL.
	 */
	void (*prefetch)(struct rs_runtime *rt, uint64_t address);
	void (*prefetch_tables)(struct rs_runtime *rt, uint64_t address);

	/**
	 * The number of the type at @p type in the session's table, as in
	 * row->type; 0 (any) when it is none. May be NULL where view()
	 * is.
	 */
	uint32_t (*type)(struct rs_runtime *rt, uint64_t type);

	/**
	 * Plan an image of the core in which objects' types can be asked, and
	 * say where they are told: all but lists and objects of @p question,
	 * of which the objects are set before, for who asks each of its own.
	 * @p image is rs_image_close()'d by the caller. NULL: types of this
	 * runtime cannot be asked.
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
	 * @param[out] ret rs_image_answer_fini()'d by the caller; no rows, and
	 *        nothing was run, when no object has such a function.
	 * Errors: as rs_image_from_core() and rs_image_walk().
	 */
	struct rs_error *(*query)(struct rs_runtime *rt,
				  const struct rs_image_options *options,
				  const struct rs_progress *progress,
				  struct rs_image_answer *ret);

	/**
	 * The functions that query() or an image calls for @p object, as the
	 * core has them: its traverse function, and what is asked first whether
	 * the object takes part in collection; 0 for each that there is not.
	 * NULL where image() and query() are.
	 */
	void (*query_functions)(struct rs_runtime *rt, uint64_t object,
				uint64_t ret[2]);

	/** How many there are; NULL: all that are tracked. */
	uint64_t (*query_objects)(struct rs_runtime *rt);

	/**
	 * Run code of the target's in an image of a core: @p code, in which
	 * `obj` is @p object unless that is 0, or, with @p code NULL, what
	 * describes @p object. NULL: the runtime runs nothing.
	 *
	 * @param limits object_ms, the processor time that it may take, and
	 *        memory; nothing else of it counts.
	 * @param[out] ret Its texts are those of enum rs_run_text;
	 *        rs_image_called_fini() ends it.
	 * Errors: as rs_image_from_core() and rs_image_do_call();
	 * RS_EUNSUPPORTED.
	 */
	struct rs_error *(*run)(struct rs_runtime *rt, const char *code,
				uint64_t object,
				const struct rs_image_options *limits,
				const struct rs_progress *progress,
				struct rs_image_called *ret);

	/**
	 * Whether what a collection would find may depend on the references
	 * of any of @p object, marked RS_OBJ_INEXACT. NULL: it may.
	 */
	bool (*affects_collection)(struct rs_runtime *rt,
				   const uint64_t *object, size_t objects);

	/**
	 * What an extension in C said about the C part of its objects, whose
	 * type is of another runtime and lies at @p type. NULL when it said
	 * nothing. Borrowed from @p rt. Ask once for each type and keep it.
	 * May be NULL, and so may extension_refs() then.
	 */
	const void *(*extension_type)(struct rs_runtime *rt, uint64_t type);

	/**
	 * Append the references that @p description, which extension_type()
	 * gave, says of the object at @p object. Labels are RS_LABEL_FIELD of
	 * names that live as long as @p rt.
	 *
	 * References to objects of @p rt are RS_OWNED, since no traverse
	 * function reports them to the other runtime's collector; so is what
	 * the description calls owned; weak ones are RS_WEAK.
	 * @param strong Kind (enum rs_kind) of strong references to objects of
	 *        the other runtime; RS_EXTENSION_SKIP leaves them out, for a
	 *        decoder that knows the object's body reports those itself.
	 */
	void (*extension_refs)(struct rs_runtime *rt, const void *description,
			       uint64_t object, int strong,
			       struct rs_refs *refs);

	/** Tell every reference from outside the objects. */
	struct rs_error *(*roots)(struct rs_runtime *rt,
				  struct rs_roots *roots);

	/** `.name`, `['key']`: label in words, at most @p size bytes with NUL.
	 */
	void (*label)(struct rs_runtime *rt, const struct rs_label *label,
		      char *buf, size_t size);

	/**
	 * The object in a few words: `{'a': 1, ...}`, `<CGcLeak 0x7f..>`,
	 * `'text'`. Reads only; never runs repr. One line, at most @p size.
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
	 * @param ret Zeroed; ended by the caller, on error too.
	 * Errors: RS_ENOMEM.
	 */
	struct rs_error *(*info)(struct rs_runtime *rt,
				 struct rs_runtime_info *ret);

	/** The state of collector @p number. Errors: RS_ENOMEM. */
	struct rs_error *(*gc)(struct rs_runtime *rt, unsigned number,
			       struct rs_gc_info *ret);

	/**
	 * The bytes at the address of an object of type @p type (row->type)
	 * that are its own for certain, of @p size in all, which has the
	 * tables that some types keep elsewhere. NULL: all.
	 */
	uint32_t (*own_size)(struct rs_runtime *rt, uint32_t type,
			     uint32_t size);

	/**
	 * Whether objects of type @p type are namespaces, each of which may
	 * be the own one of a module, class, function or other object.
	 * NULL: none is.
	 */
	bool (*is_namespace)(struct rs_runtime *rt, uint32_t type);

	/**
	 * `module os`, `function f`: what the owner of a namespace is called.
	 * @return false when it has no name of its own. May be NULL where
	 *         is_namespace() is.
	 */
	bool (*owner_name)(struct rs_runtime *rt, uint64_t address, char *buf,
			   size_t size);

	/**
	 * Tell what find() tells of the objects of collector @p number alone,
	 * and the number that the program knows its interpreter by. NULL where
	 * there is but one collector.
	 */
	struct rs_error *(*members)(struct rs_runtime *rt, unsigned number,
				    struct rs_found *found,
				    const struct rs_progress *progress);
	int64_t (*collector_id)(struct rs_runtime *rt, unsigned number);
	/** Of collectors that are no interpreters': what each is of, the path
	 * of a module; borrowed. NULL: they are interpreters'. */
	const char *(*collector_name)(struct rs_runtime *rt, unsigned number);

	/**
	 * Why a collector has no way to free the object at @p address, which
	 * is RS_OBJ_UNFREEABLE: "no clear". NULL where none is.
	 */
	const char *(*unfreeable)(struct rs_runtime *rt, uint64_t address);

	/**
	 * How many of the objects read so far are not what they should be
	 * (unreadable, freed, overwritten), so that they are taken as in use.
	 * NULL: this is not known.
	 */
	uint64_t (*unknown)(struct rs_runtime *rt);

	/** Addresses in gc.garbage or the helper's garbage list, uint64_t. */
	struct rs_error *(*garbage)(struct rs_runtime *rt, struct rs_vec *ret);

	/**
	 * Append the addresses (uint64_t) of the objects that are garbage
	 * lists themselves: their references keep nothing in use. NULL: the
	 * lists are no objects.
	 */
	struct rs_error *(*garbage_lists)(struct rs_runtime *rt,
					  struct rs_vec *ret);

	/**
	 * The object that @p name means (`module.attr[key].attr`), by reading.
	 * Errors: RS_ENOTFOUND, with the part that is not there.
	 */
	struct rs_error *(*resolve)(struct rs_runtime *rt, const char *name,
				    uint64_t *ret);
	void (*free)(struct rs_runtime *rt);
};

/** Embedded first in each runtime. */
struct rs_runtime {
	const struct rs_runtime_ops *ops;
	struct rs_memory *memory; // borrowed from the session
	struct rs_types *types; // borrowed from the session
	// The session's runtime with extension_type(), for what C extensions
	// said of their objects of this one; NULL when there is none. Set when
	// all are open.
	struct rs_runtime *extensions;
	uint8_t index; // in the session
	enum rs_rules rules; // of the target's own version
	const char *version; // "3.11.7"; owned by the runtime
	// Why none of its objects can be read; NULL: they can. Of such a
	// runtime info() and free() alone are called.
	const char *unread;
	// Of the collector at the stop; false when not known. Set at open.
	bool gc_disabled; // gc.disable(): it runs only when called
	bool gc_collecting; // it was at work
	bool gc_saveall; // DEBUG_SAVEALL: all that it finds goes to the garbage
	bool gc_increments; // generation 1 is collected in parts it alone knows
	bool incomplete; // some of its objects could not be found
	unsigned collectors; // each with objects of its own; 0 is as 1
};

/**
 * Look for one runtime in @p memory.
 *
 * @param types The session's types; rows that are added have runtime @p index.
 * @param[out] ret The runtime, or NULL when it is not in the target (no error).
 *             One whose objects cannot be read says so: see unread.
 * Errors: RS_EUNSUPPORTED (a version not known); RS_EBAD (there, unreadable);
 * RS_EINTERRUPTED; RS_ENOMEM.
 */
typedef struct rs_error *(*rs_runtime_open_fn)(struct rs_memory *memory,
					       struct rs_types *types,
					       uint8_t index,
					       struct rs_runtime **ret);

/** A runtime that the engine knows. */
struct rs_runtime_kind {
	rs_runtime_open_fn open;
	const char *sign; // what it is known by, for "found in it neither ..."
};

/** All of them, in the order in which they are looked for: registered.c. */
extern const struct rs_runtime_kind rs_runtime_kinds[];
extern const size_t rs_runtime_kinds_count;

#endif /* RS_RUNTIME_RUNTIME_H */
