// SPDX-License-Identifier: MIT
#include "tracker/garbage_list.h"
#include "refscope/refscope.h"
#include "refscope/registry.h"
#include "tracker/arena.h"
#include "tracker/lock.h"
#include "tracker/slots.h"
#include "tracker/snapshot.h"

#include <string.h>
#include <sys/mman.h>

/** Room for twice as many. The old list goes once the new one is published. */
static bool grow_garbage(void)
{
	const uint64_t old_room = rs_registry.garbage_room;
	const uint64_t room = old_room ? 2 * old_room : 512;
	const void **list = rs_arena_map(room * sizeof(*list));
	const void **old = rs_registry.garbage;

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
	int rc = 0;

	rs_lock(&rs_registry.lock);
	const uint64_t n = rs_registry.garbage_count;
	if (n == rs_registry.garbage_room && !grow_garbage())
		rc = RS_ENOMEM;
	if (!rc) {
		rs_registry.garbage[n] = object;
		RS_PUBLISH(&rs_registry.garbage_count, n + 1);
	}
	rs_unlock(&rs_registry.lock);
	return rc;
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
static void *take_last(void)
{
	void *object = NULL;

	rs_lock(&rs_registry.lock);
	const uint64_t n = rs_registry.garbage_count;
	if (n) {
		object = (void *)(uintptr_t)rs_registry.garbage[n - 1];
		RS_PUBLISH(&rs_registry.garbage_count, n - 1);
	}
	rs_unlock(&rs_registry.lock);
	return object;
}

void rs_garbage_clear(void)
{
	struct rs_visitor visitor = {0};
	void *object;

	while ((object = take_last())) {
		const uint32_t entry =
			rs_slots_get((uint64_t)(uintptr_t)object);
		// One that was untracked meanwhile is not ours any more; one
		// whose type is gone nobody can free.
		const struct rs_type *type =
			entry ? rs_entry_type_known(&visitor, entry) : NULL;

		if (type && type->release)
			type->release(object);
	}
	rs_visitor_fini(&visitor);
}
