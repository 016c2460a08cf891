// SPDX-License-Identifier: MIT
#include "refscope/registry.h"
#include "refscope/refscope.h"
#include "tracker/arena.h"
#include "tracker/gc_switches.h"
#include "tracker/lock.h"
#include "tracker/slots.h"
#include "tracker/type_numbers.h"

#include <pthread.h>

_Static_assert(sizeof(void *) == 8, "the registry is for 64-bit programs");
_Static_assert(sizeof(struct rs_field) == 32, "binary interface");
_Static_assert(sizeof(struct rs_type) == 88, "binary interface");
_Static_assert(sizeof(struct rs_region) == 16, "binary interface");
_Static_assert(RS_REGISTRY_SIZE_MIN == 184, "binary interface");

static struct rs_leaf *top[RS_TOP_SIZE]; // mostly never touched

__attribute__((__section__(RS_REGISTRY_SECTION), __aligned__(64), __used__))
RS_PUBLIC struct rs_registry rs_registry = {
	.magic = RS_REGISTRY_MAGIC,
	.version = RS_REGISTRY_VERSION,
	.size = sizeof(struct rs_registry),
	.self = &rs_registry,
	.type_size = sizeof(struct rs_type),
	.field_size = sizeof(struct rs_field),
	.top = top,
	.type = rs_type_by_id,
	.types = 1,
	.gc = {.threshold = 700},
	.type_name = rs_type_names,
};

int rs_track(const void *object, struct rs_type *type)
{
	const uint64_t address = (uint64_t)(uintptr_t)object;
	bool added;

	if (!rs_slots_can_hold(address) || !type)
		return RS_EARGUMENT;
	uint32_t id = __atomic_load_n(&type->id, __ATOMIC_ACQUIRE);
	// Its number may have been given away since: it had no objects then.
	if (__builtin_expect(!rs_type_has_id(type, id), 0)) {
		const int rc = rs_type_number(type, &id);
		if (rc)
			return rc;
	}
	// Before it is entered: nobody else holds its references yet.
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

/** The child of a fork has one thread, which is not in here. */
static void after_fork(void)
{
	rs_arena_reset();
	rs_unlock(&rs_registry.lock);
	rs_slots_reset();
	rs_gc_reset();
}

__attribute__((__constructor__)) static void watch_forks(void)
{
	// Without it a child of a program with threads may find a lock taken.
	(void)pthread_atfork(NULL, NULL, after_fork);
}
