// SPDX-License-Identifier: MIT
/**
 * @file
 * The runtime of C programs that link librefscope (internal).
 *
 * All it knows was written by the target: descriptions may be nonsense,
 * counts may be wild, lists may be rings. Everything is read once, at open,
 * into structures of this side; objects alone are read when asked for.
 */
#ifndef RS_RUNTIME_NATIVE_H
#define RS_RUNTIME_NATIVE_H

#include "refscope/refscope.h"
#include "refscope/registry.h"
#include "runtime/runtime.h"

enum {
	RS_NATIVE_REGISTRIES = 16, // modules with a static librefscope each
	RS_NATIVE_FIELDS = 1024, // of a type
	RS_NATIVE_DESCRIPTIONS = 1 << 17,
	RS_NATIVE_NAME = 256, // bytes of a name
	RS_NATIVE_BLOCKS = 1 << 16, // of a list of roots or extensions
	RS_NATIVE_ROOT_WORDS = 1 << 20, // of one root
	RS_NATIVE_ELEMENTS = 1 << 28, // of one array
	RS_NATIVE_GARBAGE = 1 << 26,
	RS_NATIVE_NESTING = 8, // structs in structs
};

struct rs_native_type;

struct rs_native_field {
	char *name; // owned
	const struct rs_native_type *of; // NULL: the elements are pointers
	struct rs_field raw;
	uint32_t memo_parent, memo_path; // last answer of rs_native_path()
};

struct rs_native_type {
	uint64_t address; // of the description
	uint32_t row; // in the session's types; RS_NONE for parts of others
	char *name; // owned
	struct rs_native_field *field; // owned
	uint32_t fields;
	struct rs_type raw; // pointers in it are the target's
	uint16_t flags; // enum rs_object_flag that all its objects have
	const struct rs_native_field *key; // RS_FIELD_KEY, or NULL
};

/** A field inside a field: what a label names. Path 0 is none. */
struct rs_native_path {
	const struct rs_native_field *field;
	uint32_t parent;
	char *text; // `rows[].cell` once asked for; owned
};

struct rs_native {
	struct rs_runtime base;
	struct rs_registry registry[RS_NATIVE_REGISTRIES];
	uint64_t at[RS_NATIVE_REGISTRIES];
	struct rs_native_type **by_id[RS_NATIVE_REGISTRIES]; // [types], owned
	size_t registries;
	struct rs_vec type; // struct rs_native_type *, owned; index: numbers
	uint32_t *bucket; // hash of addresses to index in type, plus 1
	struct rs_vec path; // struct rs_native_path
	struct rs_vec extension; // struct rs_native_extension
	struct rs_addrmap map; // tracked objects
	uint32_t *entry; // by number: index in type | RS_NATIVE_FINALIZED
	bool incomplete; // parts of a registry were unreadable
};

#define RS_NATIVE_FINALIZED (UINT32_C(1) << 31)

struct rs_native_extension {
	uint64_t python_type;
	const struct rs_native_type *description;
};

static inline struct rs_native *rs_native_of(struct rs_runtime *rt)
{
	return (struct rs_native *)rt; // base is its first member
}

/**
 * The description at @p address, read once.
 * @param is_object Objects have it as their type: give it a row.
 * Errors: RS_ENOMEM; RS_EBAD beyond RS_NATIVE_DESCRIPTIONS.
 */
RS_MUST_CHECK struct rs_error *
rs_native_type_load(struct rs_native *native, uint64_t address, bool is_object,
		    const struct rs_native_type **ret);
/** Load the types of registry @p r, by id. */
RS_MUST_CHECK struct rs_error *
rs_native_types_load(struct rs_native *native, size_t r);
void rs_native_types_free(struct rs_native *native);

/** Fill map and entry from all registries. */
RS_MUST_CHECK struct rs_error *rs_native_objects_load(struct rs_native *native);

/** @return The type of the tracked object at @p address, or NULL. */
const struct rs_native_type *rs_native_type_at(const struct rs_native *native,
					       uint64_t address,
					       bool *finalized);

enum { RS_OVERLAY_NONE = -2 };

/** Load what the programs said about Python objects. */
RS_MUST_CHECK struct rs_error *
rs_native_overlays_load(struct rs_native *native);

/** @return The path of @p field in @p parent; 0 when out of memory. */
uint32_t rs_native_path(struct rs_native *native, uint32_t parent,
			struct rs_native_field *field);

/**
 * Tell the references that @p type describes in the object at @p address.
 * @param python RS_OVERLAY_NONE, or that it is a Python object and how its
 *        strong references to such are told; see extension_refs().
 * @param[out] bytes Bytes of arrays and flexible ends; may be NULL.
 */
void rs_native_references(struct rs_native *native,
			  const struct rs_native_type *type, uint64_t address,
			  int python, struct rs_refs *refs, uint64_t *bytes);

void rs_native_paths_free(struct rs_native *native);

/**
 * Write the words of path @p path: `a.rows[3].cell`.
 * @param index Of the outermost array's element, plus 1; 0: none.
 */
void rs_native_path_text(const struct rs_native *native, uint32_t path,
			 uint64_t index, char *buf, size_t size);

/** Number of elements of @p field of the struct at @p base. @return false:
 * unreadable. */
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
struct rs_error *rs_native_garbage(struct rs_runtime *rt, struct rs_vec *ret);
struct rs_error *
rs_native_resolve(struct rs_runtime *rt, const char *name, uint64_t *ret);

/** Told a root's word. @return NULL to go on. */
typedef struct rs_error *(*rs_native_root_fn)(void *context, uint64_t slot,
					      uint64_t target,
					      const char *name);
/** Tell each word of each declared root that is not NULL; names as `tree[2]`.
 */
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

/** @return How many objects of a native runtime have a traverse callback. */
uint64_t rs_native_callbacks(struct rs_runtime *rt);

#endif /* RS_RUNTIME_NATIVE_H */
