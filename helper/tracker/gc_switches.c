// SPDX-License-Identifier: MIT
#include "tracker/gc_switches.h"
#include "refscope/refscope.h"
#include "refscope/registry.h"
#include "tracker/arena.h"
#include "tracker/garbage_list.h"
#include "tracker/lock.h"

#include <string.h>
#include <sys/mman.h>

static struct rs_gc_state *const gc = &rs_registry.gc;

void rs_gc_enable(void)
{
	__atomic_fetch_or(&gc->enabled, RS_GC_ENABLED, __ATOMIC_RELAXED);
}

void rs_gc_disable(void)
{
	__atomic_fetch_and(&gc->enabled, ~(uint32_t)RS_GC_ENABLED,
			   __ATOMIC_RELAXED);
}

bool rs_gc_is_enabled(void)
{
	return gc->enabled & RS_GC_ENABLED;
}

void rs_collect_later(void)
{
	__atomic_fetch_or(&gc->enabled, RS_GC_WANTED, __ATOMIC_RELAXED);
}

void rs_gc_set_threshold(uint64_t objects)
{
	gc->threshold = objects;
}

uint64_t rs_gc_threshold(void)
{
	return gc->threshold;
}

void rs_gc_set_debug(uint32_t flags)
{
	gc->debug = flags;
}

uint32_t rs_gc_debug(void)
{
	return gc->debug;
}

void rs_gc_set_policy(enum rs_gc_policy policy)
{
	gc->policy = policy;
}

void rs_gc_tracked(void)
{
	if (__atomic_load_n(&gc->enabled, __ATOMIC_RELAXED) & RS_GC_WANTED &&
	    __atomic_fetch_and(&gc->enabled, ~(uint32_t)RS_GC_WANTED,
			       __ATOMIC_RELAXED) &
		    RS_GC_WANTED) {
		(void)rs_collect();
		return;
	}
	const uint64_t pending =
		__atomic_add_fetch(&gc->pending, 1, __ATOMIC_RELAXED);

	if (gc->threshold && pending > gc->threshold &&
	    pending > gc->survivors / 4)
		(void)rs_collect();
}

void rs_gc_untracked(void)
{
	uint64_t pending = __atomic_load_n(&gc->pending, __ATOMIC_RELAXED);

	// Objects from before the last collection must not make it negative.
	while (pending && !__atomic_compare_exchange_n(
				  &gc->pending, &pending, pending - 1, true,
				  __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

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
	void *object;

	while ((object = take_last())) {
		const struct rs_type *type = rs_type_of(object);

		// One that was untracked meanwhile is not ours any more.
		if (type && type->release)
			type->release(object);
	}
}
