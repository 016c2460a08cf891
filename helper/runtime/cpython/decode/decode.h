// SPDX-License-Identifier: MIT
/**
 * @file
 * Reading objects of single kinds. Internal to runtime/cpython.
 *
 * Nothing here trusts the target: every word is read through the memory,
 * every length is held against what is readable, every chain has a cap.
 */
#ifndef RS_CPYTHON_DECODE_H
#define RS_CPYTHON_DECODE_H

#include "runtime/cpython/decode/types.h"

enum {
	RS_PY_ITEMS_MAX = 1 << 28, // elements of one object
	RS_PY_PIECE = 4096, // of these between two drains (struct rs_refs)
	RS_PY_CHAIN_MAX = 1 << 24, // links of a chain
	RS_PY_GUESS_MAX = 64 << 10, // bytes scanned for guesses in one object
};

/** Entries of a dict, or the keys that instances of a class share. */
struct rs_py_table {
	const uint8_t *entry; // `entries` of `stride` bytes
	const uint8_t *values; // apart from the keys, or NULL
	uint64_t entries;
	uint64_t used; // live entries, as the dict counts them
	uint32_t stride, key_at, value_at;
	bool general; // keys of any type: the collector is told of them
	bool shared; // keys belong to a class
	bool embedded; // values are part of an instance
};

/** Look at the dict at @p dict. @return false when it is not readable. */
bool rs_py_table_open(struct rs_cpython *py, uint64_t dict,
		      struct rs_py_table *ret);

/**
 * Whether the collector would untrack the tracked object at @p object, of type
 * @p t, before it looks for garbage (untrack.c: free-threaded builds).
 */
bool rs_py_untracks(struct rs_cpython *py, const struct rs_py_type *t,
		    uint64_t object);

/** Look at the PyDictKeysObject at @p keys (3.6+). */
bool rs_py_keys_open(struct rs_cpython *py, uint64_t keys,
		     struct rs_py_table *ret);

static inline uint64_t rs_py_table_key(const struct rs_py_table *t, uint64_t i)
{
	return rs_py_word(t->entry + i * t->stride + t->key_at);
}

static inline uint64_t
rs_py_table_value(const struct rs_py_table *t, uint64_t i)
{
	return t->values ? rs_py_word(t->values + i * 8)
			 : rs_py_word(t->entry + i * t->stride + t->value_at);
}

/**
 * Walks a chain of links and notices when it bites its own tail: compares
 * each link with one kept from a power of two of steps ago (Brent).
 */
struct rs_py_chain {
	uint64_t kept, steps, turn;
};

/** @return false when @p link was seen before, or after too many. */
static inline bool rs_py_chain_step(struct rs_py_chain *chain, uint64_t link)
{
	if (link == chain->kept || chain->steps >= RS_PY_CHAIN_MAX)
		return false;
	if (chain->steps++ == chain->turn) {
		chain->kept = link;
		chain->turn = chain->turn * 2 + 1;
	}
	return true;
}

/** Append the references of a container of each kind. */
void rs_py_dict_refs(struct rs_cpython *py, const struct rs_py_type *t,
		     uint64_t object, struct rs_refs *refs);
void rs_py_special_refs(struct rs_cpython *py, const struct rs_py_type *t,
			uint64_t object, const uint8_t *body,
			struct rs_refs *refs);
void rs_py_instance_refs(struct rs_cpython *py, const struct rs_py_type *t,
			 uint64_t object, const uint8_t *body,
			 struct rs_refs *refs);
void rs_py_type_refs(struct rs_cpython *py, const struct rs_py_type *t,
		     uint64_t object, struct rs_refs *refs);
void rs_py_module_refs(struct rs_cpython *py, uint64_t module,
		       struct rs_refs *refs);
void rs_py_code_refs(struct rs_cpython *py, uint64_t code,
		     struct rs_refs *refs);
void rs_py_frame_refs(struct rs_cpython *py, uint64_t frame,
		      struct rs_refs *refs);
void rs_py_generator_refs(struct rs_cpython *py, const struct rs_py_type *t,
			  uint64_t generator, struct rs_refs *refs);

/** Whether @p module has a block that only its own C code knows. */
bool rs_py_module_guessed(struct rs_cpython *py, uint64_t module);

/** Words from @p start that lead to objects, as guesses labelled by offset. */
void rs_py_guess_refs(struct rs_cpython *py, const struct rs_py_type *skip,
		      uint64_t base, uint64_t start, uint64_t end,
		      struct rs_refs *refs);

/**
 * Append @p count pointers from @p address on, numbered from @p first, NULL
 * left out; sets refs->incomplete when some are unreadable.
 */
void rs_py_array_refs(struct rs_cpython *py, uint64_t address, uint64_t count,
		      uint64_t first, enum rs_kind kind, uint32_t label,
		      struct rs_refs *refs);

/** Slow path of rs_py_reserve(). */
bool rs_py_refs_grow(struct rs_refs *refs, uint64_t more);

/** Make room for @p more references; @return false, and tell, when not. */
static inline bool rs_py_reserve(struct rs_refs *refs, uint64_t more)
{
	return refs->cap - refs->n >= more || rs_py_refs_grow(refs, more);
}

/** The dict and subclasses of a type; 3.12+ keeps some in the interpreter. */
uint64_t rs_py_type_dict(struct rs_cpython *py, uint64_t type);
uint64_t rs_py_type_subclasses(struct rs_cpython *py, uint64_t type);

/**
 * The attributes of an instance: its dict (0 when there is none), or else its
 * inline values, `count` of them at the address `values`, named by `keys`.
 */
struct rs_py_attributes {
	uint64_t dict;
	uint64_t values, count, keys;
};

void rs_py_attributes(struct rs_cpython *py, const struct rs_py_type *t,
		      uint64_t object, struct rs_py_attributes *ret);

/** Value of an int. @return false when it is none or does not fit. */
bool rs_py_integer(struct rs_cpython *py, uint64_t object, int64_t *ret);

/** Bytes before an object of type @p t that are allocated with it. */
uint32_t rs_py_head_size(struct rs_cpython *py, const struct rs_py_type *t);

/** At least so many bytes the object takes itself, without head and tables. */
uint64_t rs_py_own_size(struct rs_cpython *py, const struct rs_py_type *t,
			uint64_t object);

/** Whether @p header, that of an object, has the count of a live one. */
bool rs_py_is_counted(struct rs_cpython *py, const uint8_t *header);

/** sys.getsizeof() with the tables that belong to the object. */
uint64_t
rs_py_size(struct rs_cpython *py, const struct rs_py_type *t, uint64_t object);

/** Whether the old-style instance (2.7) has a __del__ in its class tree. */
bool rs_py_old_finalizer(struct rs_cpython *py, uint64_t instance);

/** Whether a suspended generator of 2.7 has a try block to finish. */
bool rs_py_generator_finalizer(struct rs_cpython *py, uint64_t generator);

/** Whether type flags @p bits (RS_TPF_..) are set in the type of @p object. */
bool rs_py_is(struct rs_cpython *py, uint64_t object, uint64_t bits);

/** tp_flags of the type of @p object, read without learning the type. */
uint64_t rs_py_flags_of(struct rs_cpython *py, uint64_t object);

/**
 * The count of the free-threaded @p object, whose header is @p header.
 * @param[out] immortal Then it is UINT32_MAX.
 */
uint32_t rs_py_threaded_count(const struct rs_cpython *py, uint64_t object,
			      const uint8_t *header, bool *immortal);

/** ob_size of @p object, 0 when unreadable. */
int64_t rs_py_length(struct rs_cpython *py, uint64_t object);

/** Names of a frame's slots: locals, cells, free variables. */
struct rs_py_names {
	uint64_t tuple[3]; // in slot order
	uint64_t count[3];
	uint64_t kinds; // 3.11+: bytes object, a byte a slot
	uint64_t slots; // all of them
};

bool rs_py_names_open(struct rs_cpython *py, uint64_t code,
		      struct rs_py_names *ret);

/** Name of slot @p i and whether it is a cell's. */
uint64_t rs_py_names_at(struct rs_cpython *py, const struct rs_py_names *names,
			uint64_t i, bool *cell);

#endif /* RS_CPYTHON_DECODE_H */
