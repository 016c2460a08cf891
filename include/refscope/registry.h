// SPDX-License-Identifier: MIT
/**
 * @file
 * What librefscope keeps in the memory of a program, for a debugger to read.
 *
 * This is a binary interface between a program and an engine that may be of
 * different releases: members keep their offsets and meanings within a version,
 * and new ones are added at the end of struct rs_registry, whose `size` says
 * whether they are there. All of it can be read at any instruction of the
 * program: each change becomes visible by one aligned store of at most 8 bytes,
 * after everything that it leads to was written.
 *
 * A process has a registry for each copy of the library: one in a program that
 * links the static library, one in each plugin that does, one for those that
 * share the shared one. Each has objects and a collector of its own.
 *
 * How objects are kept. Addresses below 2^48 are split in three:
 *
 *     47        32 31        16 15         0
 *     [   top    ] [   leaf   ] [  region  ]
 *
 * A region is 64 KiB of addresses with a small table of its own: one word of
 * 32 bits an object (rs_entry_*()), open addressing, a power of two of slots.
 * The preferred slot of an object is its offset in the region, scaled down, so
 * neighbours in memory are neighbours in the table; a table of 2^13 slots has
 * one for each multiple of 8. An object that is being moved to another slot
 * may for an instant be seen twice, never not at all.
 */
#ifndef REFSCOPE_REGISTRY_H
#define REFSCOPE_REGISTRY_H

#include "refscope/error.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** With the NUL 16 bytes: what a scan of writable memory looks for. */
#define RS_REGISTRY_MAGIC "refscope native"
/** The registry is alone in this section and is the symbol rs_registry. */
#define RS_REGISTRY_SECTION ".refscope"

enum {
	RS_REGISTRY_VERSION = 1,
	RS_REGION_SHIFT = 16, // a region covers 64 KiB
	RS_LEAF_SHIFT = 32, // a leaf covers 4 GiB
	RS_ADDRESS_BITS = 48,
	RS_TOP_SIZE = 1 << (RS_ADDRESS_BITS - RS_LEAF_SHIFT),
	RS_LEAF_SIZE = 1 << (RS_LEAF_SHIFT - RS_REGION_SHIFT),
	RS_TABLE_MIN = 3, // a table has 2^3 to 2^13 slots
	RS_TABLE_MAX = 13,
	RS_TABLE_LOG = 31, // bits of rs_region.table that hold the logarithm
	RS_TYPES_MAX = 1 << 16, // index 0 is no type
	RS_ROOT_BLOCK = 127,
	RS_EXTENSION_BLOCK = 127,
	RS_REFUSED_SIZE = 192,
};

/** 64 KiB of addresses. A zeroed struct holds no object. */
struct rs_region {
	uint64_t table; /**< Address of the slots | log2 of their number. */
	uint32_t used; /**< Objects; exact only while lock is 0. */
	uint32_t lock; /**< Not 0: a thread is changing the table. */
};

/** 4 GiB of addresses. Never taken away again. */
struct rs_leaf {
	struct rs_leaf *next; /**< The one made before it, or NULL. */
	uint64_t base; /**< First address covered. */
	struct rs_region region[RS_LEAF_SIZE];
};

/** A named place outside all objects that holds references. */
struct rs_root_slot {
	const void *slot; /**< The first word; NULL: entry not in use. */
	const char *name;
	uint64_t count; /**< Words. */
};

struct rs_root_block {
	struct rs_root_block *next;
	struct rs_root_slot item[RS_ROOT_BLOCK];
};

struct rs_type; /* refscope/refscope.h */

/** What the C part of a Python object holds. */
struct rs_extension {
	const void *python_type; /**< NULL: entry not in use. */
	const struct rs_type *description;
};

struct rs_extension_block {
	struct rs_extension_block *next;
	struct rs_extension item[RS_EXTENSION_BLOCK];
};

/** Bits of rs_gc_state.enabled. */
enum {
	RS_GC_ENABLED = 1, /**< Collect on tracking. */
	RS_GC_WANTED = 2, /**< rs_collect_later(): collect at the next one. */
};

/** One collector: its settings and what it did. */
struct rs_gc_state {
	uint32_t enabled; /**< RS_GC_ENABLED, RS_GC_WANTED */
	uint32_t collecting; /**< Not 0: rs_collect() is under way. */
	uint32_t debug; /**< enum rs_gc_debug */
	uint32_t policy; /**< enum rs_gc_policy */
	uint64_t threshold;
	uint64_t pending; /**< Tracked less untracked, while enabled. */
	uint64_t survivors; /**< Objects after the last collection. */
	uint64_t collections;
	uint64_t collected;
	uint64_t uncollectable;
};

struct rs_registry {
	char magic[16];
	uint32_t version;
	uint32_t size; /**< Of this struct, in bytes; the members beyond it are
			* missing. */
	const struct rs_registry *self; /**< A copy elsewhere is no registry. */
	uint32_t type_size; /**< sizeof(struct rs_type), struct rs_field. */
	uint32_t field_size;
	struct rs_leaf **top; /**< RS_TOP_SIZE leaves, by address. */
	struct rs_leaf *leaf; /**< The one made last. */
	/** By index, from 1; NULL: the index is free. In a process that has
	   unloaded plugins it may lead to memory that is gone; the type is
	   there if its `reserved` is its own address. */
	struct rs_type **type;
	uint32_t types; /**< All indices are below. */
	uint32_t lock; /**< Not 0: types, roots or extensions are changing. */
	struct rs_root_block *root;
	struct rs_extension_block *extension;
	const void **garbage; /**< Uncollectable objects, each counted once. */
	uint64_t garbage_count;
	uint64_t garbage_room;
	struct rs_gc_state gc;
	uint64_t mapped; /**< Bytes that the library mapped for its tables. */
	/* From here on since 0.2: see size. */
	/** By index: copies of the types' names, which outlive them; NULL where
	   there was no memory. */
	const char **type_name;
	uint64_t refused; /**< Descriptions that were wrong. */
	/** The last of them: `node.next: offset 1000 is ...`, ends with NUL. */
	char refused_why[RS_REFUSED_SIZE];
};

/** Bytes of struct rs_registry in 0.1: the least that is one. */
#define RS_REGISTRY_SIZE_MIN offsetof(struct rs_registry, type_name)

extern RS_PUBLIC struct rs_registry rs_registry;

/*
 * An entry: bits 31..19 the offset in the region in units of 8, bit 18 zero,
 * bit 17 (since 0.2) the collection under way holds a reference of the object,
 * bit 16 the finalizer has run, bits 15..0 the index of the type.
 * An entry of 0 is an empty slot.
 */
#define RS_ENTRY_FINALIZED (UINT32_C(1) << 16)
#define RS_ENTRY_HELD (UINT32_C(1) << 17)

static inline uint32_t rs_entry_make(uint64_t address, uint32_t type)
{
	return (uint32_t)(address >> 3 & 0x1fff) << 19 | type;
}
static inline uint32_t rs_entry_offset(uint32_t entry)
{
	return entry >> 19 << 3;
}
static inline uint32_t rs_entry_type(uint32_t entry)
{
	return entry & 0xffff;
}
/** The preferred slot of an object at @p offset of its region. */
static inline uint32_t rs_entry_home(uint32_t offset, unsigned log2_slots)
{
	return (offset & 0xffff) >> (RS_REGION_SHIFT - log2_slots);
}

#ifdef __cplusplus
}
#endif

#endif /* REFSCOPE_REGISTRY_H */
