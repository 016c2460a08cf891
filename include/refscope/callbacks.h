// SPDX-License-Identifier: MIT
/**
 * @file
 * Functions of the caller's that the engine calls: to report progress, to read
 * the target, to find files, and to look up fields of structs.
 */
#ifndef REFSCOPE_CALLBACKS_H
#define REFSCOPE_CALLBACKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Called repeatedly during long work.
 * @param phase What is being done: "reading objects".
 * @param done, total Units of work; total is 0 when not known.
 * @return false to stop: the call to the engine returns RS_EINTERRUPTED.
 */
typedef bool (*rs_progress_fn)(void *context, const char *phase, uint64_t done,
			       uint64_t total);

/** Read @p size bytes of the target at @p address into @p buf, or as many as
 * can be read from there on. @return the number of bytes read. */
typedef uint64_t (*rs_read_fn)(void *context, uint64_t address, void *buf,
			       uint64_t size);

/**
 * Find a file of the target on this machine.
 * @param path In the target.
 * @param build_id NULL when it is not known.
 * @return Its path, valid until the session is closed, or NULL. The engine
 *         checks the build-id itself.
 */
typedef const char *(*rs_find_file_fn)(void *context, const char *path,
				       const uint8_t *build_id,
				       size_t build_id_size);

/** Which field of which struct to look up in debug information. */
struct rs_debug_query {
	const char *path; /**< File of the target. */
	const uint8_t *build_id; /**< Of that file; NULL when not known. */
	size_t build_id_size;
	const char
		*type; /**< Tag of a struct or union, or name of a typedef. */
	/** "a.b" for nested fields; unnamed members do not appear in it. NULL:
	 * only the size of the struct is wanted. */
	const char *field;
};

/** A field; sizes and offsets in bytes. Without a field in the query only size,
 * that of the struct, is set. */
struct rs_debug_field {
	int64_t offset; /**< From the start of the struct. */
	int64_t size; /**< Of an array: that of an element. */
	int64_t count; /**< Elements of an array; -1: not an array. */
	int64_t bit; /**< Of a bit field: first bit, from the struct's start. */
	int64_t width; /**< Of a bit field: bits; -1: not a bit field. */
	bool pointer;
};

enum rs_debug_found {
	RS_DEBUG_ABSENT = 0,
	RS_DEBUG_FOUND = 1,
	RS_DEBUG_STOP = -1, /**< Stop: the engine returns RS_EINTERRUPTED. */
};

/**
 * Look up @p query in the debug information of the file that it names, or of
 * one that belongs to it (an extension module). Called some thousand times when
 * a CPython is opened whose release the engine has no layout of, and at no
 * other time.
 */
typedef enum rs_debug_found (*rs_find_field_fn)(
	void *context, const struct rs_debug_query *query,
	struct rs_debug_field *ret);

/** A mapped range of a target, for rs_session_open_callback(). */
struct rs_range {
	uint64_t start, end; /**< First address, one past the last. */
	uint64_t file_offset; /**< In bytes. */
	const char *path; /**< Mapped file, or NULL. */
	uint32_t prot; /**< PROT_READ | PROT_WRITE | PROT_EXEC; 0: unknown. */
};

#ifdef __cplusplus
}
#endif

#endif /* REFSCOPE_CALLBACKS_H */
