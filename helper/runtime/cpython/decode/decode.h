// SPDX-License-Identifier: MIT
/**
 * @file Reading objects, by kind. Internal to runtime/cpython.
 *
 * The target is not trusted: every word is read through struct rs_memory, every
 * length is checked against what is readable, and every list has a limit.
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

/**
 * Append the references of the object, module, code, frame, executor or
 * generator at an address, one function for each kind. What cannot be read sets
 * refs->incomplete.
 * @param t Its type; body: its bytes behind the header, as many as the type
 * has. Borrowed.
 */
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

/** Whether @p module has C state whose layout only its own code knows. */
bool rs_py_module_guessed(struct rs_cpython *py, uint64_t module);

/**
 * Append what the frames of a suspended greenlet hold, if it is one, as owned
 * (roots/greenlet.c).
 */
void rs_py_greenlet_refs(struct rs_cpython *py, const struct rs_py_type *t,
			 uint64_t object, struct rs_refs *refs);

/**
 * Append the words between the addresses @p start and @p end that point to
 * objects, as guesses of the object at @p base.
 * @param skip Its type, whose known members are left out, or NULL.
 */
void rs_py_guess_refs(struct rs_cpython *py, const struct rs_py_type *skip,
		      uint64_t base, uint64_t start, uint64_t end,
		      struct rs_refs *refs);

/**
 * The addresses of the dict and subclasses of a type, 0: none; from 3.12 on
 * those of some types are in the interpreter.
 */
uint64_t rs_py_type_dict(struct rs_cpython *py, uint64_t type);
uint64_t rs_py_type_subclasses(struct rs_cpython *py, uint64_t type);

/**
 * The attributes of an instance: its dict (0 if there is none), or its inline
 * values, `count` of them at address `values`, whose names are in `keys`.
 */
struct rs_py_attributes {
	uint64_t dict;
	uint64_t values, count, keys;
};

/** Find them. All is 0 where nothing can be read. */
void rs_py_attributes(struct rs_cpython *py, const struct rs_py_type *t,
		      uint64_t object, struct rs_py_attributes *ret);

/** The value of an int. @return false when it is not an int or does not fit. */
bool rs_py_integer(struct rs_cpython *py, uint64_t object, int64_t *ret);

/** The bytes before an object of type @p t that belong to its block. */
uint32_t rs_py_head_size(struct rs_cpython *py, const struct rs_py_type *t);

/**
 * The least number of bytes of the object itself, without the collector's head
 * and without tables.
 */
uint64_t rs_py_own_size(struct rs_cpython *py, const struct rs_py_type *t,
			uint64_t object);

/**
 * The result of sys.getsizeof(), including tables that belong to the object.
 */
uint64_t
rs_py_size(struct rs_cpython *py, const struct rs_py_type *t, uint64_t object);

/**
 * What an old-style class (2.7), or the first base that has it, defines as
 * @p name; 0: none of them does.
 */
uint64_t
rs_py_old_class_get(struct rs_cpython *py, uint64_t class, const char *name);

/**
 * Whether the class of an old-style instance (2.7), or a base, has a __del__.
 */
bool rs_py_old_finalizer(struct rs_cpython *py, uint64_t instance);

/** Whether a suspended generator of 2.7 is inside a try block. */
bool rs_py_generator_finalizer(struct rs_cpython *py, uint64_t generator);

/** The names of the slots of a frame: locals, cells, free variables. */
struct rs_py_names {
	uint64_t tuple[3]; // addresses, in slot order
	uint64_t count[3];
	uint64_t kinds; // 3.11 and later: bytes object, one byte for each slot
	uint64_t slots; // number of slots
};

/** Of the code object at @p code. @return false when it is not readable. */
bool rs_py_names_open(struct rs_cpython *py, uint64_t code,
		      struct rs_py_names *ret);

/** @return The address of the name of slot @p i, 0 when unreadable; @p cell:
 * whether it contains a cell. */
uint64_t rs_py_names_at(struct rs_cpython *py, const struct rs_py_names *names,
			uint64_t i, bool *cell);

#endif /* RS_CPYTHON_DECODE_H */
