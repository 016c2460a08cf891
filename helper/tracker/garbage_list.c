// SPDX-License-Identifier: MIT
#include "tracker/garbage_list.h"
#include "refscope/refscope.h"
#include "refscope/registry.h"
#include "tracker/arena.h"
#include "tracker/lock.h"
#include "tracker/slots.h"
#include "tracker/snapshot.h"
#include "tracker/type_numbers.h"

#include <string.h>
#include <sys/mman.h>

/** By which the reference to an object on the list is given back if the object
 * is not tracked any more. */
struct listed {
	const struct rs_type *type;
	uint32_t id;
};

/** struct listed, of each object of the list. */
static struct rs_vec listed;

/** Room for twice as many. The old list goes once the new one is published. */
static bool grow_garbage(void)
{
	const uint64_t old_room = rs_registry.garbage_room;
	const uint64_t room = old_room ? 2 * old_room : 512;
	const void **list = NULL;
	const void **old = rs_registry.garbage;

	if (!rs_tracker_code(
		    rs_vec_reserve(&listed, room * sizeof(struct listed))))
		list = rs_arena_map(room * sizeof(*list));
	if (!list)
		return false;
	if (old)
		memcpy(list, old, rs_registry.garbage_count * sizeof(*list));
	RS_PUBLISH(&rs_registry.garbage, list);
	rs_registry.garbage_room = room;
	if (old)
		munmap(old, old_room * sizeof(*old));
	return true;
}

int rs_garbage_add(const void *object)
{
	const uint32_t id =
		rs_entry_type(rs_slots_get((uint64_t)(uintptr_t)object));
	int rc = 0;

	rs_lock(&rs_registry.lock);
	const uint64_t n = rs_registry.garbage_count;
	if (n == rs_registry.garbage_room && !grow_garbage())
		rc = RS_ENOMEM;
	// The child of a fork may have found one more than the list has.
	listed.used = n * sizeof(struct listed);
	struct listed *l = rc ? NULL : rs_vec_push(&listed, sizeof(*l));
	if (l) {
		*l = (struct listed){rs_type_by_id[id], id};
		rs_registry.garbage[n] = object;
		RS_PUBLISH(&rs_registry.garbage_count, n + 1);
	}
	rs_unlock(&rs_registry.lock);
	return rc;
}

void rs_garbage_give_back(void)
{
	if (rs_registry.garbage)
		munmap(rs_registry.garbage,
		       rs_registry.garbage_room * sizeof(void *));
	rs_registry.garbage = NULL;
	rs_registry.garbage_room = 0;
	rs_vec_fini(&listed);
}

size_t rs_garbage_count(void)
{
	return __atomic_load_n(&rs_registry.garbage_count, __ATOMIC_ACQUIRE);
}

void *rs_garbage_at(size_t index)
{
	struct rs_patience patience = RS_PATIENCE_CALL;
	void *object = NULL;

	if (!rs_lock_try(&rs_registry.lock, &patience))
		return NULL;
	if (index < rs_registry.garbage_count)
		object = (void *)(uintptr_t)rs_registry.garbage[index];
	rs_unlock(&rs_registry.lock);
	return object;
}

/** @return The last object of the list, taken off it, or NULL. */
static void *take_last(struct listed *l)
{
	void *object = NULL;

	rs_lock(&rs_registry.lock);
	const uint64_t n = rs_registry.garbage_count;
	if (n) {
		object = (void *)(uintptr_t)rs_registry.garbage[n - 1];
		*l = rs_vec_items(&listed, struct listed)[n - 1];
		listed.used = (n - 1) * sizeof(*l);
		RS_PUBLISH(&rs_registry.garbage_count, n - 1);
	}
	rs_unlock(&rs_registry.lock);
	return object;
}

/** @return The type by which to release @p object; NULL when it is gone: then
 * nobody can. */
static const struct rs_type *
type_now(struct rs_visitor *visitor, const void *object, const struct listed *l)
{
	const uint32_t entry = rs_slots_get((uint64_t)(uintptr_t)object);

	// What the program's functions do may unload a type.
	visitor->known = (struct rs_known_type){0};
	rs_readable_fini(&visitor->readable);
	if (entry)
		return rs_entry_type_known(visitor, entry);
	// It was untracked meanwhile: the reference is still the list's.
	const struct rs_type *type = rs_entry_type_known(visitor, l->id);
	return type == l->type ? type : NULL;
}

void rs_garbage_clear(void)
{
	struct rs_visitor visitor = {0};
	struct listed l;
	void *object;

	while ((object = take_last(&l))) {
		const struct rs_type *type = type_now(&visitor, object, &l);

		if (type && type->release)
			type->release(object);
	}
	rs_visitor_fini(&visitor);
}
