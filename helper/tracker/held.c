// SPDX-License-Identifier: MIT
#include "tracker/held.h"
#include "base/vec.h"
#include "refscope/registry.h"
#include "tracker/lock.h"
#include "tracker/slots.h"
#include "tracker/type_numbers.h"
#include "tracker/visit.h"

struct late {
	void *object;
	const struct rs_type *type;
};

/** struct late. Changed under rs_registry.lock. */
static struct rs_vec late;

static uint64_t address_of(const void *object)
{
	return (uint64_t)(uintptr_t)object;
}

void rs_held_take(const struct rs_type *type, void *object)
{
	// In this order: the child of a fork in between has a reference too
	// many, which is better than one too few.
	rs_count_hold(type, object);
	(void)rs_slots_mark(address_of(object), RS_ENTRY_HELD, true);
}

const struct rs_type *rs_held_type(const void *object)
{
	const uint32_t entry = rs_slots_get(address_of(object));

	return entry & RS_ENTRY_HELD ? rs_type_by_id[rs_entry_type(entry)]
				     : NULL;
}

const struct rs_type *rs_held_take_over(const void *object)
{
	const uint32_t entry =
		rs_slots_mark(address_of(object), RS_ENTRY_HELD, false);

	return entry & RS_ENTRY_HELD ? rs_type_by_id[rs_entry_type(entry)]
				     : NULL;
}

void rs_held_release(void *object)
{
	const struct rs_type *type = rs_held_take_over(object);

	if (type && type->release)
		type->release(object);
	else if (type && type->count_width && rs_count_read(type, object) > 1)
		rs_count_drop(type, object); // it was undescribed meanwhile
}

void rs_held_untracked(void *object, uint32_t entry)
{
	const struct rs_type *type = rs_type_by_id[rs_entry_type(entry)];

	// A type that was undescribed meanwhile has no way to release.
	if (!type || !type->count_width || rs_count_read(type, object) < 1)
		return;
	if (rs_count_read(type, object) > 1) {
		rs_count_drop(type, object);
		return;
	}
	rs_lock(&rs_registry.lock);
	struct late *l = rs_vec_push(&late, sizeof(*l));

	// Without memory the object stays, which does no harm.
	if (l)
		*l = (struct late){object, type};
	rs_unlock(&rs_registry.lock);
}

static bool take_last(struct late *ret)
{
	rs_lock(&rs_registry.lock);
	const size_t n = rs_vec_count(&late, struct late);

	if (n) {
		*ret = rs_vec_items(&late, struct late)[n - 1];
		late.used -= sizeof(*ret);
	} else {
		rs_vec_fini(&late);
	}
	rs_unlock(&rs_registry.lock);
	return n != 0;
}

void rs_held_release_late(void)
{
	struct late l;

	while (take_last(&l)) {
		// One that is tracked again may have another type.
		const struct rs_type *type = rs_type_of(l.object);

		if (!type)
			type = l.type;
		if (type->release)
			type->release(l.object);
	}
}
