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

#include "runtime/cpython/decode/object_header.h"
#include "runtime/cpython/decode/refs.h"

enum { RS_PY_GUESS_MAX = 64 << 10 }; // bytes scanned for guesses in an object

/**
 * Whether the collector would untrack the tracked object at @p object, of type
 * @p t, before it looks for garbage (untrack.c: free-threaded builds).
 */
bool rs_py_untracks(struct rs_cpython *py, const struct rs_py_type *t,
		    uint64_t object);

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
void rs_py_executor_refs(struct rs_cpython *py, const struct rs_py_type *t,
			 uint64_t executor, struct rs_refs *refs);
void rs_py_code_executor_refs(struct rs_cpython *py, uint64_t code,
			      struct rs_refs *refs);
void rs_py_generator_refs(struct rs_cpython *py, const struct rs_py_type *t,
			  uint64_t generator, struct rs_refs *refs);

/** Whether @p module has a block that only its own C code knows. */
bool rs_py_module_guessed(struct rs_cpython *py, uint64_t module);

/** Words from @p start that lead to objects, as guesses labelled by offset. */
void rs_py_guess_refs(struct rs_cpython *py, const struct rs_py_type *skip,
		      uint64_t base, uint64_t start, uint64_t end,
		      struct rs_refs *refs);

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

/** sys.getsizeof() with the tables that belong to the object. */
uint64_t
rs_py_size(struct rs_cpython *py, const struct rs_py_type *t, uint64_t object);

/** Whether the old-style instance (2.7) has a __del__ in its class tree. */
bool rs_py_old_finalizer(struct rs_cpython *py, uint64_t instance);

/** Whether a suspended generator of 2.7 has a try block to finish. */
bool rs_py_generator_finalizer(struct rs_cpython *py, uint64_t generator);

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
