// SPDX-License-Identifier: MIT
/**
 * @file
 * Functions that the engine calls back while it works: to report progress, to
 * read the target, and to find files and fields of its structs.
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
 * Told now and then during long work.
 * @param phase What is being done: "reading objects".
 * @param total 0 when not known.
 * @return false to stop; the call then ends with RS_EINTERRUPTED.
 */
typedef bool (*rs_progress_fn)(void *context, const char *phase, uint64_t done,
			       uint64_t total);

/** Fetch @p size bytes at @p address into @p buf. @return bytes fetched. */
typedef uint64_t (*rs_read_fn)(void *context, uint64_t address, void *buf,
			       uint64_t size);

/** Where a file of the target is on this machine; NULL when unknown. */
typedef const char *(*rs_find_file_fn)(void *context, const char *path,
				       const uint8_t *build_id,
				       size_t build_id_size);

/** A field of a struct of the target's, to be looked up in debug information.
 */
struct rs_debug_query {
	const char *path; /**< File of the target; its build-id, or NULL, 0. */
	const uint8_t *build_id;
	size_t build_id_size;
	const char *type; /**< Tag of a struct or union, or a typedef's name. */
	/** "a.b": nested; members without a name are left out. NULL: none. */
	const char *field;
};

/** Where a field is, in bytes; with no field asked for, size alone is set. */
struct rs_debug_field {
	int64_t offset; /**< From the struct's start. */
	int64_t size; /**< Of an array: an element's. */
	int64_t count; /**< Elements of an array; -1: it is none. */
	int64_t bit; /**< Of a bit field: its first, from the struct's start. */
	int64_t width; /**< Of a bit field: how many bits; -1: it is none. */
	bool pointer;
};

enum rs_debug_found {
	RS_DEBUG_ABSENT = 0,
	RS_DEBUG_FOUND = 1,
	RS_DEBUG_STOP = -1, // interrupted: the call ends with RS_EINTERRUPTED
};

/**
 * Look @p query up in the debug information of that file of the target, or of
 * another that belongs to it (an extension module). Called some thousand times
 * while opening a CPython that no layout of its very release, which the engine
 * has, fits; never otherwise.
 */
typedef enum rs_debug_found (*rs_find_field_fn)(
	void *context, const struct rs_debug_query *query,
	struct rs_debug_field *ret);

/** A mapped range of a target, for rs_session_open_callback(). */
struct rs_range {
	uint64_t start, end;
	uint64_t file_offset;
	const char *path; /**< Mapped file, or NULL. */
	uint32_t prot; /**< PROT_READ | PROT_WRITE | PROT_EXEC. */
};

#ifdef __cplusplus
}
#endif

#endif /* REFSCOPE_CALLBACKS_H */
