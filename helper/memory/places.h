// SPDX-License-Identifier: MIT
/**
 * @file
 * Where an address of a module is: its writable segments, and the names of
 * variables by address.
 */
#ifndef RS_MEMORY_PLACES_H
#define RS_MEMORY_PLACES_H

#include "base/vec.h"
#include "memory/memory.h"

/** A range of addresses of the target. */
struct rs_extent {
	uint64_t start, end;
};

/** Append the range to @p to (struct rs_extent), unless it is empty. Errors:
 * RS_ENOMEM. */
RS_MUST_CHECK static inline struct rs_error *
rs_extent_append(struct rs_vec *to, uint64_t start, uint64_t end)
{
	const struct rs_extent extent = {start, end};

	return start < end ? rs_vec_append(to, &extent, sizeof(extent)) : NULL;
}

/**
 * The @p index-th writable PT_LOAD of @p module, its .bss included, without the
 * part that is read-only once the module is relocated (PT_GNU_RELRO).
 *
 * @param[out] file_end Where the part ends that begins as what the file has;
 * from there on (.bss) it begins as zeros. May be NULL.
 * @return false when there are not so many, or its headers are not known.
 */
bool rs_memory_data(const struct rs_memory *memory,
		    const struct rs_module *module, unsigned index,
		    struct rs_extent *ret, uint64_t *file_end);

/**
 * The variable at @p address, from .symtab of the module's file, else from
 * .dynsym.
 *
 * @param[out] name Borrowed from the file or from @p memory.
 * @param[out] offset Bytes from the variable's start.
 * @return false when no symbol covers the address, or memory ran out.
 */
bool rs_memory_symbol_at(struct rs_memory *memory,
			 const struct rs_module *module, uint64_t address,
			 const char **name, uint64_t *offset);

/** As above, for the section of the module's file that contains @p address:
 * ".bss". */
bool rs_memory_section_at(const struct rs_memory *memory,
			  const struct rs_module *module, uint64_t address,
			  const char **name, uint64_t *offset);

/** @return Bytes of the thread-local variables of @p module (PT_TLS), rounded
 * up to their alignment. */
uint64_t rs_memory_tls_size(const struct rs_memory *memory,
			    const struct rs_module *module);

/** @return The file of which @p address is a mapping, as the target names it,
 * or NULL. Borrowed. */
const char *rs_memory_file_at(const struct rs_memory *memory, uint64_t address);

/** The first mapping of a file that ends above @p address. @return false when
 * there is none. */
bool rs_memory_next_file(const struct rs_memory *memory, uint64_t address,
			 struct rs_extent *ret);

/**
 * Go over what a sparse core has no data for: zeros. Looking at each page of a
 * hole takes time that the file's size on disk does not show.
 *
 * @return The first address from @p address on, in its segment and not above
 * @p end, for which the core has data, or where they end. @p address of other
 * targets, and where it cannot be told.
 */
uint64_t
rs_memory_skip_hole(struct rs_memory *memory, uint64_t address, uint64_t end);

/**
 * What of the target's memory is there: of a core what is in it, of a live
 * process the pages that are resident, those of files too.
 *
 * @param[out] ret struct rs_extent, ascending and disjoint, appended.
 * @param[out] known false: it cannot be told (another target, no permission, or
 *        more than 64 GiB are mapped).
 * Errors: RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *
rs_memory_resident(struct rs_memory *memory, struct rs_vec *ret, bool *known);

#endif /* RS_MEMORY_PLACES_H */
