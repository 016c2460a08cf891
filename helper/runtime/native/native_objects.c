// SPDX-License-Identifier: MIT
#include "runtime/native/native.h"

enum {
	RS_MAX_LEAVES = RS_TOP_SIZE,
	RS_REGIONS_AT_ONCE = 256, // a page of them
};

struct found_entry {
	uint64_t address;
	uint32_t value; // as in rs_native.entry
};

struct loader {
	struct rs_native *native;
	size_t registry;
	struct rs_vec found; // struct found_entry
};

static struct rs_error *
load_entry(struct loader *loader, uint64_t base, uint32_t entry)
{
	struct rs_native *native = loader->native;
	const size_t r = loader->registry;
	struct rs_native_registry *registry = &rs_native_registry(native)[r];
	const uint32_t id = rs_entry_type(entry);
	const uint64_t address = base + rs_entry_offset(entry);
	bool added;

	if (!id || id >= registry->raw.types || !registry->by_id[id]) {
		native->incomplete = true;
		return NULL;
	}
	struct rs_error *err = rs_addrmap_add(&native->map, address, &added);
	// Seen before: the stop came while it was moved to another slot. Or it
	// is tracked by two copies of the library: then the first one has it.
	if (err || !added)
		return err;
	struct found_entry *f = rs_vec_push(&loader->found, sizeof(*f));
	if (!f)
		return &rs_enomem;
	registry->tracked++;
	f->address = address;
	f->value = id | (uint32_t)r << 16 |
		   (entry & RS_ENTRY_FINALIZED ? RS_NATIVE_FINALIZED : 0);
	return NULL;
}

static struct rs_error *
load_table(struct loader *loader, uint64_t base, uint64_t table)
{
	const unsigned log2 = (unsigned)(table & RS_TABLE_LOG);
	const uint64_t address = table & ~(uint64_t)RS_TABLE_LOG;
	struct rs_native *native = loader->native;

	if (log2 < RS_TABLE_MIN || log2 > RS_TABLE_MAX) {
		native->incomplete = true;
		return NULL;
	}
	const uint64_t slots = UINT64_C(1) << log2;
	const char *data = rs_memory_at(native->base.memory, address,
					slots * sizeof(uint32_t));
	if (!data) {
		native->incomplete = true;
		return NULL;
	}
	for (uint64_t i = 0; i < slots; i++) {
		struct rs_error *err;
		uint32_t entry;

		memcpy(&entry, data + i * sizeof(entry), sizeof(entry));
		if (entry && (err = load_entry(loader, base, entry)))
			return err;
	}
	return NULL;
}

static struct rs_error *
load_leaf(struct loader *loader, uint64_t leaf, uint64_t base)
{
	struct rs_memory *memory = loader->native->base.memory;
	struct rs_native_registry *registry =
		&rs_native_registry(loader->native)[loader->registry];
	const uint64_t regions = leaf + offsetof(struct rs_leaf, region);

	for (uint64_t i = 0; i < RS_LEAF_SIZE; i += RS_REGIONS_AT_ONCE) {
		const struct rs_region *page =
			rs_memory_at(memory, regions + i * sizeof(*page),
				     RS_REGIONS_AT_ONCE * sizeof(*page));
		if (!page) {
			loader->native->incomplete = true;
			continue;
		}
		for (uint64_t k = 0; k < RS_REGIONS_AT_ONCE; k++) {
			struct rs_region region;
			struct rs_error *err;

			memcpy(&region, page + k, sizeof(region));
			registry->locked += region.lock != 0;
			if (!region.table)
				continue;
			err = load_table(loader,
					 base + ((i + k) << RS_REGION_SHIFT),
					 region.table);
			if (err)
				return err;
		}
	}
	return NULL;
}

static struct rs_error *load_registry(struct loader *loader)
{
	struct rs_native *native = loader->native;
	struct rs_memory *memory = native->base.memory;
	uint64_t leaf = (uint64_t)(uintptr_t)rs_native_registry(
				native)[loader->registry]
				.raw.leaf;

	uint64_t seen[RS_MAX_LEAVES / 64] = {0}; // by base: a ring ends

	while (leaf) {
		uint64_t head[2]; // next, base
		struct rs_error *err;

		if (!rs_memory_read(memory, leaf, head, sizeof(head)) ||
		    head[1] >> RS_ADDRESS_BITS ||
		    head[1] & ((UINT64_C(1) << RS_LEAF_SHIFT) - 1)) {
			native->incomplete = true;
			return NULL;
		}
		const uint64_t number = head[1] >> RS_LEAF_SHIFT;
		if (seen[number / 64] >> number % 64 & 1) {
			native->incomplete = true;
			return NULL;
		}
		seen[number / 64] |= UINT64_C(1) << number % 64;
		err = load_leaf(loader, leaf, head[1]);
		if (err)
			return err;
		leaf = head[0];
	}
	return NULL;
}

static struct rs_error *number(struct loader *loader)
{
	struct rs_native *native = loader->native;
	const struct found_entry *f =
		rs_vec_items(&loader->found, struct found_entry);
	const size_t n = rs_vec_count(&loader->found, struct found_entry);
	struct rs_error *err = rs_addrmap_seal(&native->map);

	if (!err)
		err = rs_block_new(n, sizeof(*native->entry), &native->entry);
	if (!err)
		err = rs_block_new(n, 1, &native->health);
	for (size_t i = 0; !err && i < n; i++)
		native->entry[rs_addrmap_number(&native->map, f[i].address)] =
			f[i].value;
	return err;
}

struct rs_error *rs_native_objects_load(struct rs_native *native)
{
	struct loader loader = {.native = native};
	struct rs_error *err = rs_addrmap_init(&native->map);

	for (size_t r = 0; !err && r < rs_native_registries(native); r++) {
		loader.registry = r;
		err = load_registry(&loader);
	}
	if (!err)
		err = number(&loader);
	rs_vec_fini(&loader.found);
	return err;
}

const struct rs_native_type *rs_native_type_at(const struct rs_native *native,
					       uint64_t address,
					       bool *finalized)
{
	const uint32_t n = rs_addrmap_number(&native->map, address);

	if (n == RS_NONE)
		return NULL;
	const uint32_t e = native->entry[n];
	if (finalized)
		*finalized = (e & RS_NATIVE_FINALIZED) != 0;
	return rs_native_entry_is(native, e);
}

static uint16_t mark_of(const struct rs_native *native, uint32_t i)
{
	const struct rs_native_type *type =
		rs_native_entry_is(native, native->entry[i]);
	unsigned mark = RS_OBJ_TRACKED | RS_OBJ_GC;

	// Reading cannot call what visits its other references.
	if (type->raw.traverse && !type->unknown)
		mark |= RS_OBJ_INEXACT;
	return (uint16_t)mark;
}

/** Those of registry @p number; -1: of all. */
static struct rs_error *find(struct rs_native *native, int64_t number,
			     struct rs_found *found,
			     const struct rs_progress *progress)
{
	const uint32_t n = native->map.count;
	uint64_t *address;
	struct rs_error *err = rs_block_new(n, sizeof(*address), &address);

	if (err)
		return err;
	rs_addrmap_list(&native->map, address);
	for (uint32_t i = 0; !err && i < n; i++) {
		const uint32_t r = rs_native_entry_registry(native->entry[i]);

		if (i % 65536 == 0)
			err = rs_progress_tick(progress,
					       "finding native objects", i, n);
		if (!err && (number < 0 || r == number))
			err = rs_found_add(found, address[i],
					   mark_of(native, i));
	}
	rs_block_free(address, n, sizeof(*address));
	return err;
}

struct rs_error *
rs_native_find(struct rs_runtime *rt, struct rs_runtime *beside,
	       struct rs_found *found, const struct rs_progress *progress)
{
	(void)beside;
	return find(rs_native_of(rt), -1, found, progress);
}

struct rs_error *rs_native_members(struct rs_runtime *rt, unsigned number,
				   struct rs_found *found,
				   const struct rs_progress *progress)
{
	return find(rs_native_of(rt), number, found, progress);
}

bool rs_native_is_object(struct rs_runtime *rt, uint64_t address)
{
	return rs_addrmap_has(&rs_native_of(rt)->map, address);
}

void rs_native_prefetch(struct rs_runtime *rt, uint64_t address)
{
	rs_memory_prefetch(rt->memory, address);
}
