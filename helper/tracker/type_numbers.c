// SPDX-License-Identifier: MIT
//
// Numbers of types. A number is taken back when its type is undescribed, and,
// once all are taken, from every type without objects: rs_track() sees that
// its type has lost its number, and numbers it again.
#include "tracker/type_numbers.h"
#include "tracker/arena.h"
#include "tracker/extensions.h"
#include "tracker/lock.h"
#include "tracker/slots.h"
#include "tracker/type_refused.h"

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

/** By a hash of the address of a type: the last index that one of those with
 * that hash got; 0: none. */
static uint32_t newest_index[1 << 12];
/** By index: the next of the same hash. */
static uint16_t next_index[RS_TYPES_MAX];
/** No index below is free. */
static uint32_t first_free = 1;

static uint32_t *newest_index_of(const struct rs_type *type)
{
	const uint64_t hash =
		((uint64_t)(uintptr_t)type >> 3) * UINT64_C(0x9E3779B97F4A7C15);

	return &newest_index[hash >> 52];
}

/** @return The index that @p type has; 0: none. */
static uint32_t find_index(const struct rs_type *type)
{
	uint32_t id = *newest_index_of(type);

	while (id && rs_type_by_id[id] != type)
		id = next_index[id];
	return id;
}

/** @return 0: all are taken. */
static uint32_t find_free_index(void)
{
	while (first_free < RS_TYPES_MAX && rs_type_by_id[first_free])
		first_free++;
	return first_free < RS_TYPES_MAX ? first_free : 0;
}

static void link_index(uint32_t id)
{
	uint32_t *newest = newest_index_of(rs_type_by_id[id]);

	next_index[id] = (uint16_t)*newest;
	__atomic_store_n(newest, id, __ATOMIC_RELAXED);
}

/** Does nothing for a stand-in, which nobody looks for. */
static void unlink_index(uint32_t id)
{
	uint32_t *newest = newest_index_of(rs_type_by_id[id]);
	uint32_t i = *newest;

	if (i == id) {
		__atomic_store_n(newest, next_index[id], __ATOMIC_RELAXED);
		return;
	}
	while (i && next_index[i] != id)
		i = next_index[i];
	if (i)
		next_index[i] = next_index[id];
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

	unlink_index(id);
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

static int has_id(uint64_t address, uint32_t entry, void *context)
{
	(void)address;
	return rs_entry_type(entry) == *(const uint32_t *)context ? -1 : 0;
}

/** A table that stays locked may have some. */
static bool has_objects(uint32_t id)
{
	struct rs_patience patience = RS_PATIENCE_COLLECT;

	return rs_slots_each(&patience, has_id, &id) != 0;
}

/**
 * Leave what is left of a type whose objects stay when it goes: its name, and
 * where the count is in @p layout, NULL when nobody knows any more.
 * Errors: RS_ENOMEM.
 */
static int put_stand_in(uint32_t id, const struct rs_type *layout)
{
	const char *name = rs_type_names[id];
	struct rs_type *stand_in = name ? rs_arena_get(RS_STAND_IN_LOG2) : NULL;

	_Static_assert(sizeof(*stand_in) <= 1 << RS_STAND_IN_LOG2, "fits");
	if (!stand_in)
		return RS_ENOMEM;
	if (layout)
		*stand_in = (struct rs_type){
			.size = layout->size,
			.count_offset = layout->count_offset,
			.count_width = layout->count_width,
			.count_shift = layout->count_shift,
			.count_bias = layout->count_bias,
		};
	stand_in->name = stand_in->name_copy = name;
	stand_in->flags = RS_TYPE_STAND_IN;
	stand_in->id = id;
	stand_in->reserved = stand_in;
	unlink_index(id);
	is_stand_in[id / 64] |= UINT64_C(1) << id % 64;
	RS_PUBLISH(&rs_type_by_id[id], stand_in);
	return 0;
}

/**
 * Take the index back that @p type had, if it has one, though it was never
 * numbered as it is now: its memory went, and is there anew. Objects from
 * before then have a stand-in: they may look otherwise.
 */
static int retire_former(const struct rs_type *type)
{
	const uint32_t id = find_index(type);

	if (rs_type_is_there(type) || !id)
		return 0;
	if (has_objects(id))
		return put_stand_in(id, NULL);
	free_index(id);
	return 0;
}

/** @return The index of @p type, which had none: a new one. 0: all are taken.
 */
static uint32_t give_index(struct rs_type *type)
{
	const uint32_t id = find_free_index();

	if (!id)
		return 0;
	RS_PUBLISH(&rs_type_names[id], copy_name(type->name));
	type->name_copy = rs_type_names[id];
	RS_PUBLISH(&type->reserved, (const void *)type); // while it is there
	RS_PUBLISH(&rs_type_by_id[id], type);
	link_index(id);
	if (id == rs_registry.types)
		RS_PUBLISH(&rs_registry.types, id + 1);
	return id;
}

static int number_locked(struct rs_type *type, uint32_t *ret)
{
	int rc = retire_former(type);

	if (rc)
		return rc;
	uint32_t id = find_index(type);
	if (!id)
		id = give_index(type);
	if (!id) {
		rc = reclaim();
		if (rc)
			return rc;
		id = give_index(type);
	}
	if (!id)
		return RS_ENOMEM;
	RS_PUBLISH(&type->id, id);
	*ret = id;
	return 0;
}

int rs_type_number(struct rs_type *type, uint32_t *id)
{
	// Two copies of the library may share a type; each has its own number.
	const uint32_t last =
		__atomic_load_n(newest_index_of(type), __ATOMIC_RELAXED);
	if (!type) {
		rs_type_refused("no description");
		return RS_EARGUMENT;
	}
	if (rs_type_is_there(type) && rs_type_has_id(type, last)) {
		RS_PUBLISH(&type->id, last);
		*id = last;
		return 0;
	}
	int rc = rs_type_check_noted(type, true);

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

static int undescribe_locked(struct rs_type *type)
{
	const uint32_t id = find_index(type);

	if (!id)
		return RS_ENOTFOUND;
	if (!has_objects(id))
		free_index(id);
	else if (put_stand_in(id, type))
		return RS_ENOMEM;
	RS_PUBLISH(&type->id, 0);
	type->name_copy = NULL;
	RS_PUBLISH(&type->reserved, NULL);
	return 0;
}

int rs_undescribe(struct rs_type *type)
{
	if (!type)
		return RS_ENOTFOUND;
	rs_lock(&rs_registry.lock);
	const bool extended = rs_extensions_remove(type);
	const int rc = undescribe_locked(type);
	rs_unlock(&rs_registry.lock);
	return rc == RS_ENOTFOUND && extended ? 0 : rc;
}

void rs_types_forget(void)
{
	const size_t n = rs_registry.types; // beyond, nothing was touched

	memset(rs_type_by_id, 0, n * sizeof(rs_type_by_id[0]));
	memset(rs_type_names, 0, n * sizeof(rs_type_names[0]));
	memset(newest_index, 0, sizeof(newest_index));
	memset(next_index, 0, n * sizeof(next_index[0]));
	memset(is_stand_in, 0, sizeof(is_stand_in));
	first_free = 1;
}
