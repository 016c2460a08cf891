// SPDX-License-Identifier: MIT
//
// Numbers of types. A number is taken back when its type is undescribed, and,
// once all are taken, from every type without objects: rs_track() sees that
// its type has lost its number, and numbers it again.
#include "tracker/type_numbers.h"
#include "tracker/arena.h"
#include "tracker/lock.h"
#include "tracker/slots.h"
#include "tracker/type_check.h"

#include <string.h>

struct rs_type *rs_type_by_id[RS_TYPES_MAX];
const char *rs_type_names[RS_TYPES_MAX];

enum {
	RS_NAME_LOG2_MAX = 8,
	RS_STAND_IN_LOG2 = 7, // of the block that has a struct rs_type
};

/** By index: whether the type is a stand-in of ours. */
static uint64_t is_stand_in[RS_TYPES_MAX / 64];

static unsigned name_log2(const char *name)
{
	unsigned log2 = RS_ARENA_MIN;

	while (log2 < RS_NAME_LOG2_MAX && strlen(name) >= (size_t)1 << log2)
		log2++;
	return log2;
}

/** A core has what a program wrote, and seldom its constants. */
static const char *copy_name(const char *name)
{
	const unsigned log2 = name_log2(name);
	char *copy = rs_arena_get(log2);

	if (copy)
		strncpy(copy, name, ((size_t)1 << log2) - 1);
	return copy;
}

/** Where a type's number was last, by a hash of its address: a plugin that is
 * loaded again at the same place has it back. May be wrong. */
static uint32_t last_index[1 << 12];
/** No index below is free. */
static uint32_t first_free = 1;

static uint32_t *last_index_of(const struct rs_type *type)
{
	const uint64_t hash =
		((uint64_t)(uintptr_t)type >> 3) * UINT64_C(0x9E3779B97F4A7C15);

	return &last_index[hash >> 52];
}

/** @return An index for @p type: that which it had, or a free one; 0: all are
 * taken. */
static uint32_t find_index(const struct rs_type *type)
{
	const uint32_t last = *last_index_of(type);

	if (rs_type_has_id(type, last))
		return last;
	while (first_free < RS_TYPES_MAX && rs_type_by_id[first_free])
		first_free++;
	return first_free < RS_TYPES_MAX ? first_free : 0;
}

struct used {
	uint64_t bit[RS_TYPES_MAX / 64];
};

static int mark_used(uint64_t address, uint32_t entry, void *context)
{
	struct used *used = context;
	const uint32_t id = rs_entry_type(entry);

	(void)address;
	used->bit[id / 64] |= UINT64_C(1) << id % 64;
	return 0;
}

static int find_used(struct used *used)
{
	struct rs_patience patience = RS_PATIENCE_COLLECT;

	*used = (struct used){0};
	return rs_slots_each(&patience, mark_used, used);
}

static bool has_stand_in(uint32_t id)
{
	return is_stand_in[id / 64] >> id % 64 & 1;
}

static void free_index(uint32_t id)
{
	char *name = (char *)(uintptr_t)rs_type_names[id];
	struct rs_type *type = rs_type_by_id[id];

	RS_PUBLISH(&rs_type_by_id[id], NULL);
	RS_PUBLISH(&rs_type_names[id], NULL);
	if (name)
		rs_arena_put(name, name_log2(name));
	if (has_stand_in(id))
		rs_arena_put(type, RS_STAND_IN_LOG2);
	is_stand_in[id / 64] &= ~(UINT64_C(1) << id % 64);
	if (id < first_free)
		first_free = id;
}

/** Take the numbers of all types without objects back. */
static int reclaim(void)
{
	struct used used;
	const int rc = find_used(&used);

	for (uint32_t id = 1; !rc && id < rs_registry.types; id++) {
		if (rs_type_by_id[id] && !(used.bit[id / 64] >> id % 64 & 1))
			free_index(id);
	}
	return rc;
}

static int number_locked(struct rs_type *type, uint32_t *ret)
{
	uint32_t id = type->id;

	if (!rs_type_has_id(type, id)) {
		id = find_index(type);
		if (!id) {
			const int rc = reclaim();
			if (rc)
				return rc;
			id = find_index(type);
		}
		if (!id)
			return RS_ENOMEM;
		if (!rs_type_by_id[id])
			RS_PUBLISH(&rs_type_names[id], copy_name(type->name));
		type->name_copy = rs_type_names[id];
		type->reserved = type; // while it is there
		RS_PUBLISH(&rs_type_by_id[id], type);
		if (id == rs_registry.types)
			RS_PUBLISH(&rs_registry.types, id + 1);
		RS_PUBLISH(&type->id, id);
		__atomic_store_n(last_index_of(type), id, __ATOMIC_RELAXED);
	}
	*ret = id;
	return 0;
}

/** For whoever looks with a debugger why a type has no objects. */
static void note_refused(const char *why)
{
	rs_lock(&rs_registry.lock);
	rs_registry.refused++;
	strncpy(rs_registry.refused_why, why, RS_REFUSED_SIZE - 1);
	rs_unlock(&rs_registry.lock);
}

static int check(const struct rs_type *type, bool counted)
{
	char why[RS_REFUSED_SIZE] = "";
	const int rc = rs_type_check_as(type, counted, why, sizeof(why));

	if (rc == RS_EARGUMENT)
		note_refused(why);
	return rc;
}

int rs_type_number(struct rs_type *type, uint32_t *id)
{
	// Two copies of the library may share a type; each has its own number.
	const uint32_t last =
		__atomic_load_n(last_index_of(type), __ATOMIC_RELAXED);
	if (!type) {
		note_refused("no description");
		return RS_EARGUMENT;
	}
	if (type->reserved == type && rs_type_has_id(type, last)) {
		RS_PUBLISH(&type->id, last);
		*id = last;
		return 0;
	}
	int rc = check(type, true);

	if (rc)
		return rc;
	rs_lock(&rs_registry.lock);
	rc = number_locked(type, id);
	rs_unlock(&rs_registry.lock);
	return rc;
}

int rs_describe(struct rs_type *type)
{
	uint32_t id;

	return rs_type_number(type, &id);
}

static int has_id(uint64_t address, uint32_t entry, void *context)
{
	(void)address;
	return rs_entry_type(entry) == *(const uint32_t *)context ? -1 : 0;
}

/** What is left of a type whose objects stay when it goes. */
static struct rs_type *make_stand_in(const struct rs_type *type, uint32_t id)
{
	const char *name = rs_type_names[id];
	struct rs_type *stand_in = name ? rs_arena_get(RS_STAND_IN_LOG2) : NULL;

	_Static_assert(sizeof(*stand_in) <= 1 << RS_STAND_IN_LOG2, "fits");
	if (stand_in)
		*stand_in = (struct rs_type){
			.name = name,
			.size = type->size,
			.count_offset = type->count_offset,
			.count_width = type->count_width,
			.count_shift = type->count_shift,
			.count_bias = type->count_bias,
			.flags = RS_TYPE_STAND_IN,
			.id = id,
			.name_copy = name,
			.reserved = stand_in,
		};
	return stand_in;
}

static int undescribe_locked(struct rs_type *type)
{
	struct rs_patience patience = RS_PATIENCE_COLLECT;
	uint32_t id = type->id;

	if (!rs_type_has_id(type, id))
		id = *last_index_of(type);
	if (!rs_type_has_id(type, id))
		return RS_ENOTFOUND;
	// A table that stays locked may have some: then they have a stand-in.
	if (rs_slots_each(&patience, has_id, &id)) {
		struct rs_type *stand_in = make_stand_in(type, id);

		if (!stand_in)
			return RS_ENOMEM;
		is_stand_in[id / 64] |= UINT64_C(1) << id % 64;
		RS_PUBLISH(&rs_type_by_id[id], stand_in);
	} else {
		free_index(id);
	}
	RS_PUBLISH(&type->id, 0);
	type->name_copy = NULL;
	type->reserved = NULL;
	return 0;
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
	if (!python_type)
		return RS_EARGUMENT;
	int rc = check(description, false);
	if (rc)
		return rc;
	rs_lock(&rs_registry.lock);
	rc = extension_locked(python_type, description);
	rs_unlock(&rs_registry.lock);
	return rc;
}

/** @return Whether there were any. */
static bool remove_extensions(const struct rs_type *type)
{
	struct rs_extension_block *b = rs_registry.extension;
	bool any = false;

	for (; b; b = b->next) {
		for (int i = 0; i < RS_EXTENSION_BLOCK; i++) {
			struct rs_extension *e = &b->item[i];

			if (!e->python_type || e->description != type)
				continue;
			RS_PUBLISH(&e->python_type, NULL);
			any = true;
		}
	}
	return any;
}

int rs_undescribe(struct rs_type *type)
{
	if (!type)
		return RS_ENOTFOUND;
	rs_lock(&rs_registry.lock);
	const bool extended = remove_extensions(type);
	const int rc = undescribe_locked(type);
	rs_unlock(&rs_registry.lock);
	return rc == RS_ENOTFOUND && extended ? 0 : rc;
}

void rs_types_forget(void)
{
	const size_t n = rs_registry.types; // beyond, nothing was touched

	memset(rs_type_by_id, 0, n * sizeof(rs_type_by_id[0]));
	memset(rs_type_names, 0, n * sizeof(rs_type_names[0]));
	memset(last_index, 0, sizeof(last_index));
	memset(is_stand_in, 0, sizeof(is_stand_in));
	first_free = 1;
}
