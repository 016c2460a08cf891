// SPDX-License-Identifier: MIT
/**
 * @file
 * The runtime of C programs that link librefscope (internal).
 *
 * All it knows was written by the target: descriptions may be nonsense,
 * counts may be wild, lists may be rings. Registries and descriptions are read
 * once, at open, into structures of this side; objects are read when they are
 * needed.
 */
#ifndef RS_RUNTIME_NATIVE_H
#define RS_RUNTIME_NATIVE_H

#include "refscope/refscope.h"
#include "refscope/registry.h"
#include "runtime/runtime.h"

enum {
	RS_NATIVE_REGISTRIES = 255, // modules with a static librefscope each
	RS_NATIVE_FIELDS = 1024, // of a type
	RS_NATIVE_DESCRIPTIONS = 1 << 17,
	RS_NATIVE_NAME = 256, // bytes of a name
	RS_NATIVE_BLOCKS = 1 << 16, // of a list of roots or extensions
	RS_NATIVE_ROOT_WORDS = 1 << 20, // of one root
	RS_NATIVE_GARBAGE = 1 << 26,
	RS_NATIVE_UNKNOWN_NAMED = 8, // objects that get a line in "problems"
};

struct rs_native_type;

/** Whether what an object's memory says can be relied on, or why not. */
enum rs_native_health {
	RS_NATIVE_SOUND,
	RS_NATIVE_HUGE_COUNT, // it can, but for the count: immortal, or wrong
	RS_NATIVE_UNREADABLE, // not, or not all of it, in the target's memory
	RS_NATIVE_NO_TYPE, // its type was unloaded, or cannot be read
	RS_NATIVE_FREED, // its memory is in a free block of malloc
	RS_NATIVE_SMALL_BLOCK, // it lies in a block too small for it
	RS_NATIVE_OVERWRITTEN, // a huge count, and a pointer to nowhere
	RS_NATIVE_WILD_ARRAY, // a field leads to an array that is not there
};

/** A described field of a C struct. */
struct rs_native_field {
	char *name; // owned
	const struct rs_native_type *of; // NULL: the elements are pointers
	struct rs_field raw;
	uint32_t memo_parent, memo_path; // last result of rs_native_path()
};

/** A described type. */
struct rs_native_type {
	uint64_t address; // of the description
	uint32_t number; // index in rs_native.type
	uint32_t row; // in the session's types; RS_NONE for parts of others
	char *name; // owned
	struct rs_native_field *field; // owned
	uint32_t fields;
	struct rs_type raw; // pointers in it are the target's
	uint16_t flags; // enum rs_object_flag that all its objects have
	const struct rs_native_field *key; // RS_FIELD_KEY, or NULL
	bool unknown; // gone, or unreadable: so is what its objects hold
	bool damaged; // some fields make no sense and are left out
	bool visited, on_path; // private: looking for structs in themselves
	bool is_malloced; // its objects have the malloc headers of their size
};

/** A field inside a field: what a label names. Path 0 is none. */
struct rs_native_path {
	const struct rs_native_field *field;
	uint32_t parent;
	bool repeats; // leads to structs of its own kind: a list
	char *text; // `rows[].cell` once needed; owned
};

/** A registry of the target. */
struct rs_native_registry {
	struct rs_registry raw; // what an older one lacks is 0
	uint64_t address;
	const char *module; // path, borrowed from the memory; NULL: none
	struct rs_native_type **by_id; // [raw.types], owned; NULL: not in use
	uint32_t tracked; // objects
	uint32_t locked; // regions whose table a thread was changing
};

enum { RS_NATIVE_TYPES_OF_ONE = 1 << 16 };

/** Of rs_native.entry: the index of the type, of the registry, and a bit. */
#define RS_NATIVE_FINALIZED (UINT32_C(1) << 31)
static inline uint32_t rs_native_entry_type(uint32_t entry)
{
	return entry & 0xffff;
}
static inline uint32_t rs_native_entry_registry(uint32_t entry)
{
	return entry >> 16 & 0x7fff;
}

struct rs_native_reader; // native_read.c

/** The runtime. Arrays are owned. */
struct rs_native {
	struct rs_runtime base;
	struct rs_vec registry; // struct rs_native_registry
	struct rs_vec left_out; // registries that cannot be read: native_open.c
	struct rs_vec type; // struct rs_native_type *, owned; index: numbers
	uint32_t *bucket; // hash of addresses to index in type, plus 1
	struct rs_vec path; // struct rs_native_path
	struct rs_vec extension; // struct rs_native_extension
	struct rs_addrmap map; // tracked objects
	uint32_t *entry; // [map.count] see RS_NATIVE_FINALIZED
	uint8_t *health; // [map.count] enum rs_native_health, as far as read
	uint64_t unknown; // of health: not to be relied on
	uint64_t huge; // of health: RS_NATIVE_HUGE_COUNT
	uint64_t words; // see rs_native_words()
	struct rs_native_reader *reader; // owned
	struct rs_vec callback; // uint64_t: of the image's question
	bool incomplete; // parts of a registry were unreadable
};

/** What a C program said of a Python type; by the address of that type. */
struct rs_native_extension {
	uint64_t python_type;
	const struct rs_native_type *description;
};

/** @return How many registries there are. */
static inline size_t rs_native_registries(const struct rs_native *native)
{
	return rs_vec_count(&native->registry, struct rs_native_registry);
}
/** @return The first of them: [rs_native_registries()]. Borrowed. */
static inline struct rs_native_registry *
rs_native_registry(const struct rs_native *native)
{
	return rs_vec_items(&native->registry, struct rs_native_registry);
}

/** @return The type of the object with @p entry (rs_native.entry). Borrowed. */
static inline const struct rs_native_type *
rs_native_entry_is(const struct rs_native *native, uint32_t entry)
{
	return rs_native_registry(native)[rs_native_entry_registry(entry)]
		.by_id[rs_native_entry_type(entry)];
}

/** @return The native runtime that @p rt is. */
static inline struct rs_native *rs_native_of(struct rs_runtime *rt)
{
	return (struct rs_native *)rt; // base is its first member
}

/**
 * The description at @p address, read once, without its fields' parts: those
 * are there after rs_native_parts_load().
 * Errors: RS_ENOMEM; RS_EBAD beyond RS_NATIVE_DESCRIPTIONS.
 */
RS_MUST_CHECK struct rs_error *rs_native_type_load(struct rs_native *native,
						   uint64_t address,
						   struct rs_native_type **ret);
/**
 * The name at @p address of the target. One that does not fit is cut and ends
 * with "...".
 * @param[out] ret Memory for a name that is cut.
 * @return It, borrowed from the memory or from @p ret; NULL: unreadable.
 */
const char *rs_native_name(struct rs_native *native, const char *address,
			   char ret[RS_NATIVE_NAME]);
/** Load what the descriptions loaded so far lead to, to any depth. Errors: as
 * rs_native_type_load(). */
RS_MUST_CHECK struct rs_error *rs_native_parts_load(struct rs_native *native);
/** Load the types of registry @p r, by id, and give them rows. Errors: as
 * rs_native_type_load(); RS_EBAD (too many types). */
RS_MUST_CHECK struct rs_error *
rs_native_types_load(struct rs_native *native, size_t r);
void rs_native_types_free(struct rs_native *native);

/** Fill map and entry from all registries. Errors: RS_ENOMEM; RS_EBAD (too many
 * objects). */
RS_MUST_CHECK struct rs_error *rs_native_objects_load(struct rs_native *native);

/**
 * @param[out] finalized Whether its finalizer was called; may be NULL.
 * @return The type of the tracked object at @p address, borrowed, or NULL.
 */
const struct rs_native_type *rs_native_type_at(const struct rs_native *native,
					       uint64_t address,
					       bool *finalized);

enum { RS_OVERLAY_NONE = -2 };

/** Load what the programs said about Python objects. Errors: as
 * rs_native_type_load(). */
RS_MUST_CHECK struct rs_error *
rs_native_overlays_load(struct rs_native *native);

/** @return Why the collector cannot free objects of @p type: "no clear", "no
 * release", static; NULL: it can. */
const char *rs_native_unfreeable(const struct rs_native_type *type);

/** @return The path of @p field in @p parent; 0 when out of memory. */
uint32_t rs_native_path(struct rs_native *native, uint32_t parent,
			struct rs_native_field *field);

/**
 * Report the references that @p type describes in the object at @p address.
 * @param python RS_OVERLAY_NONE, or that it is a Python object and which kind
 *        its strong references to such have; see extension_refs().
 * @param refs NULL: only the bytes are wanted. Sets refs->incomplete where
 *        something could not be read; never clears it.
 * @param[out] bytes Bytes of arrays and flexible ends; may be NULL.
 * @return What was found out about the object's memory on the way.
 */
enum rs_native_health
rs_native_references(struct rs_native *native,
		     const struct rs_native_type *type, uint64_t address,
		     int python, struct rs_refs *refs, uint64_t *bytes);

/** Errors: RS_ENOMEM. */
RS_MUST_CHECK struct rs_error *rs_native_reader_new(struct rs_native *native);
void rs_native_reader_free(struct rs_native *native);

/**
 * What the memory of tracked object number @p i says about its state, without
 * following its fields.
 */
enum rs_native_health rs_native_check(struct rs_native *native, uint32_t i,
				      const struct rs_native_type *type,
				      uint64_t address);
/** Note that of object @p i nothing can be relied on: once in "problems". */
void rs_native_note_unknown(struct rs_native *native, uint32_t i,
			    uint64_t address, enum rs_native_health health);
/** Note that object @p i has @p count references: once in "problems". */
void rs_native_note_huge(struct rs_native *native, uint32_t i, uint64_t address,
			 uint32_t count);
/** Find out which types' objects lie in blocks of malloc of their own. */
void rs_native_learn_blocks(struct rs_native *native);
/** @return The decoded count of @p value; negative: see struct rs_type. */
int64_t rs_native_decode_count(const struct rs_type *raw, uint64_t value);
/** Read 1 to 8 bytes. @return false: unreadable. */
bool rs_native_read_width(struct rs_memory *memory, uint64_t address,
			  unsigned width, uint64_t *ret);
/** @return How many words the target has: no object is made of more structs,
 * none has more references. */
uint64_t rs_native_words(struct rs_native *native);
/** @return `freed` and such: why an object is unknown, in a few words, static.
 */
const char *rs_native_health_text(enum rs_native_health health);

void rs_native_paths_free(struct rs_native *native);

/**
 * Write the words of path @p path: `a.rows[3].cell`.
 * @param index Of the outermost array's element, plus 1; 0: none.
 */
void rs_native_path_text(const struct rs_native *native, uint32_t path,
			 uint64_t index, char *buf, size_t size);

/** Number of elements of @p field of the struct at @p base, and the first.
 * @return false: unreadable. */
bool rs_native_elements(struct rs_native *native,
			const struct rs_native_field *field, uint64_t base,
			uint64_t *first, uint64_t *count);

/** The operations of struct rs_runtime_ops. */
struct rs_error *
rs_native_find(struct rs_runtime *rt, struct rs_runtime *beside,
	       struct rs_found *found, const struct rs_progress *progress);
bool rs_native_is_object(struct rs_runtime *rt, uint64_t address);
void rs_native_read(struct rs_runtime *rt, uint64_t address, struct rs_row *row,
		    bool want_size, struct rs_refs *refs);
void rs_native_prefetch(struct rs_runtime *rt, uint64_t address);
struct rs_error *rs_native_roots(struct rs_runtime *rt, struct rs_roots *roots);
void rs_native_label(struct rs_runtime *rt, const struct rs_label *label,
		     char *buf, size_t size);
void rs_native_text(struct rs_runtime *rt, uint64_t address, char *buf,
		    size_t size);
struct rs_error *
rs_native_info(struct rs_runtime *rt, struct rs_runtime_info *ret);
struct rs_error *
rs_native_gc(struct rs_runtime *rt, unsigned number, struct rs_gc_info *ret);
bool rs_native_is_namespace(struct rs_runtime *rt, uint32_t type);
bool rs_native_is_own_namespace(struct rs_runtime *rt,
				const struct rs_label *label);
struct rs_error *rs_native_garbage(struct rs_runtime *rt, struct rs_vec *ret);
struct rs_error *
rs_native_resolve(struct rs_runtime *rt, const char *name, uint64_t *ret);
RS_MUST_CHECK struct rs_error *
rs_native_complete(struct rs_runtime *rt, const char *text,
		   void (*visit)(void *context, const char *name),
		   void *context);

/** Called with a word of a root: its address, the object that it leads to, and
 * its name, borrowed. Errors: any; the first ends the visit. */
typedef struct rs_error *(*rs_native_root_fn)(void *context, uint64_t slot,
					      uint64_t target,
					      const char *name);
/** Call @p fn for each word of each declared root that is not NULL; names are
 * `tree[2]`. Errors: those of @p fn. */
RS_MUST_CHECK struct rs_error *rs_native_each_root(struct rs_native *native,
						   rs_native_root_fn fn,
						   void *context);

/** The ops extension_type and extension_refs of a native runtime. */
const void *rs_native_overlay(struct rs_runtime *rt, uint64_t type_address);
void rs_native_overlay_refs(struct rs_runtime *rt, const void *description,
			    uint64_t object, int strong, struct rs_refs *refs);

struct rs_image_options; // sandbox/image.h
struct rs_image_answer;

/**
 * Call the traverse callback of every native object whose type has one: what
 * it reports comes on top of what the fields say and reading sees.
 *
 * @param rt A native runtime.
 * @param[out] ret Rows by address, an edge of 0 left as reported; no rows, and
 *        nothing was run, when no type has a callback.
 * Errors: as rs_image_from_core() and rs_image_walk().
 */
RS_MUST_CHECK struct rs_error *
rs_native_ask(struct rs_runtime *rt, const struct rs_image_options *options,
	      const struct rs_progress *progress, struct rs_image_answer *ret);

struct rs_image_question;
struct rs_process_image;
/** The op image: the callbacks of question->object, which is set. */
RS_MUST_CHECK struct rs_error *
rs_native_image(struct rs_runtime *rt, const struct rs_image_options *options,
		struct rs_image_question *question,
		struct rs_process_image **image);
/** The ops of these names: a collector is a registry. */
RS_MUST_CHECK struct rs_error *
rs_native_members(struct rs_runtime *rt, unsigned number,
		  struct rs_found *found, const struct rs_progress *progress);
int64_t rs_native_collector_id(struct rs_runtime *rt, unsigned number);
const char *rs_native_collector_name(struct rs_runtime *rt, unsigned number);
enum rs_rules rs_native_collector_rules(struct rs_runtime *rt, unsigned number);
void rs_native_collector_settings(struct rs_runtime *rt, uint64_t address,
				  struct rs_collector_settings *ret);
const char *rs_native_why_unfreeable(struct rs_runtime *rt, uint64_t address);
uint64_t rs_native_unknown(struct rs_runtime *rt);

/** @return How many objects of a native runtime have a traverse callback. */
uint64_t rs_native_callbacks(struct rs_runtime *rt);

/** The op query_functions (runtime.h) of a native runtime. */
void rs_native_query_functions(struct rs_runtime *rt, uint64_t object,
			       uint64_t ret[2]);

#endif /* RS_RUNTIME_NATIVE_H */
