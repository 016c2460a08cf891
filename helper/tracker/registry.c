// SPDX-License-Identifier: MIT
#include "refscope/registry.h"
#include "refscope/refscope.h"
#include "tracker/arena.h"
#include "tracker/gc_switches.h"
#include "tracker/lock.h"
#include "tracker/slots.h"

#include <pthread.h>
#include <string.h>

_Static_assert(sizeof(void *) == 8, "the registry is for 64-bit programs");
_Static_assert(sizeof(struct rs_field) == 32, "binary interface");
_Static_assert(sizeof(struct rs_type) == 88, "binary interface");
_Static_assert(sizeof(struct rs_region) == 16, "binary interface");

// Both are mostly pages that are never touched.
static struct rs_leaf *top[RS_TOP_SIZE];
static struct rs_type *type_by_id[RS_TYPES_MAX];

__attribute__((__section__(RS_REGISTRY_SECTION), __aligned__(64), __used__))
RS_PUBLIC struct rs_registry rs_registry = {
	.magic = RS_REGISTRY_MAGIC,
	.version = RS_REGISTRY_VERSION,
	.size = sizeof(struct rs_registry),
	.self = &rs_registry,
	.type_size = sizeof(struct rs_type),
	.field_size = sizeof(struct rs_field),
	.top = top,
	.type = type_by_id,
	.types = 1,
	.gc = {.threshold = 700},
};

static bool is_width(unsigned width)
{
	return width == 1 || width == 2 || width == 4 || width == 8;
}

static bool is_sound(const struct rs_type *type)
{
	return type && type->name && (type->field || !type->fields) &&
	       is_width(type->count_width) && type->count_shift < 64 &&
	       (uint64_t)type->count_offset + type->count_width <= type->size;
}

/** A core has what a program wrote, and seldom its constants. */
static const char *copy_name(const char *name)
{
	size_t size = strlen(name) + 1;
	unsigned log2 = RS_ARENA_MIN;

	while (log2 < 8 && size > (size_t)1 << log2)
		log2++;
	char *copy = rs_arena_get(log2);
	if (size > (size_t)1 << log2)
		size = (size_t)1 << log2;
	if (copy)
		memcpy(copy, name, size - 1); // the rest is zero
	return copy;
}

static int describe_locked(struct rs_type *type)
{
	const uint32_t id = rs_registry.types;

	if (type->id)
		return 0;
	if (id == RS_TYPES_MAX)
		return RS_ENOMEM;
	type->name_copy = copy_name(type->name);
	RS_PUBLISH(&rs_registry.type[id], type);
	RS_PUBLISH(&rs_registry.types, id + 1);
	RS_PUBLISH(&type->id, id);
	return 0;
}

int rs_describe(struct rs_type *type)
{
	if (!is_sound(type))
		return RS_EARGUMENT;
	rs_lock(&rs_registry.lock);
	const int rc = describe_locked(type);
	rs_unlock(&rs_registry.lock);
	return rc;
}

int rs_track(const void *object, struct rs_type *type)
{
	const uint64_t address = (uint64_t)(uintptr_t)object;
	bool added;

	if (!rs_slots_can_hold(address) || !type)
		return RS_EARGUMENT;
	uint32_t id = __atomic_load_n(&type->id, __ATOMIC_ACQUIRE);
	if (__builtin_expect(!id, 0)) {
		const int rc = rs_describe(type);
		if (rc)
			return rc;
		id = type->id;
	}
	// Before it is entered: its own references are not yet anybody's.
	if (__builtin_expect(rs_registry.gc.enabled != 0, 0))
		rs_gc_tracked();
	return rs_slots_put(address, id, &added);
}

int rs_untrack(const void *object)
{
	const uint64_t address = (uint64_t)(uintptr_t)object;

	if (!rs_slots_can_hold(address))
		return RS_ENOTFOUND;
	if (__builtin_expect(rs_registry.gc.enabled != 0, 0))
		rs_gc_untracked();
	return rs_slots_remove(address);
}

const struct rs_type *rs_type_of(const void *object)
{
	const uint32_t entry = rs_slots_get((uint64_t)(uintptr_t)object);

	return entry ? rs_registry.type[rs_entry_type(entry)] : NULL;
}

/** The first entry whose slot is @p slot; with NULL: one that is free. */
static struct rs_root_slot *find_root(const void *slot)
{
	for (struct rs_root_block *b = rs_registry.root; b; b = b->next) {
		for (int i = 0; i < RS_ROOT_BLOCK; i++) {
			if (b->item[i].slot == slot)
				return &b->item[i];
		}
	}
	return NULL;
}

static int root_add_locked(const void *slot, size_t count, const char *name)
{
	struct rs_root_slot *entry = find_root(slot);

	if (entry) { // named again: never a new name with the old count
		RS_PUBLISH(&entry->slot, NULL);
	} else if (!(entry = find_root(NULL))) {
		struct rs_root_block *block = rs_arena_get(12);

		_Static_assert(sizeof(*block) <= 1 << 12, "fits the arena's");
		if (!block)
			return RS_ENOMEM;
		block->next = rs_registry.root;
		RS_PUBLISH(&rs_registry.root, block);
		entry = &block->item[0];
	}
	entry->name = name;
	entry->count = count;
	RS_PUBLISH(&entry->slot, slot);
	return 0;
}

int rs_root_add_array(const void *slot, size_t count, const char *name)
{
	if (!slot || !name || !count)
		return RS_EARGUMENT;
	rs_lock(&rs_registry.lock);
	const int rc = root_add_locked(slot, count, name);
	rs_unlock(&rs_registry.lock);
	return rc;
}

int rs_root_add(const void *slot, const char *name)
{
	return rs_root_add_array(slot, 1, name);
}

int rs_root_remove(const void *slot)
{
	if (!slot)
		return RS_ENOTFOUND;
	rs_lock(&rs_registry.lock);
	struct rs_root_slot *entry = find_root(slot);
	if (entry)
		RS_PUBLISH(&entry->slot, NULL);
	rs_unlock(&rs_registry.lock);
	return entry ? 0 : RS_ENOTFOUND;
}

static struct rs_extension *find_extension(const void *python_type)
{
	struct rs_extension_block *b = rs_registry.extension;

	for (; b; b = b->next) {
		for (int i = 0; i < RS_EXTENSION_BLOCK; i++) {
			if (b->item[i].python_type == python_type)
				return &b->item[i];
		}
	}
	return NULL;
}

static int extension_locked(const void *python_type, struct rs_type *type)
{
	struct rs_extension *entry = find_extension(python_type);

	if (!entry)
		entry = find_extension(NULL);
	if (!entry) {
		struct rs_extension_block *block = rs_arena_get(11);

		_Static_assert(sizeof(*block) <= 1 << 11, "fits the arena's");
		if (!block)
			return RS_ENOMEM;
		block->next = rs_registry.extension;
		RS_PUBLISH(&rs_registry.extension, block);
		entry = &block->item[0];
	}
	RS_PUBLISH(&entry->description, type);
	RS_PUBLISH(&entry->python_type, python_type);
	return 0;
}

int rs_describe_extension(const void *python_type, struct rs_type *description)
{
	if (!python_type || !description || !description->name ||
	    (!description->field && description->fields))
		return RS_EARGUMENT;
	rs_lock(&rs_registry.lock);
	const int rc = extension_locked(python_type, description);
	rs_unlock(&rs_registry.lock);
	return rc;
}

/** The child of a fork has one thread, which is not in here. */
static void after_fork(void)
{
	rs_arena_reset();
	rs_unlock(&rs_registry.lock);
	rs_slots_reset();
}

__attribute__((__constructor__)) static void watch_forks(void)
{
	// Without it a child of a program with threads may find a lock taken.
	(void)pthread_atfork(NULL, NULL, after_fork);
}
