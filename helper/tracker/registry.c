// SPDX-License-Identifier: MIT
#include "refscope/registry.h"
#include "refscope/refscope.h"
#include "tracker/arena.h"
#include "tracker/garbage_list.h"
#include "tracker/gc_switches.h"
#include "tracker/held.h"
#include "tracker/lock.h"
#include "tracker/slots.h"
#include "tracker/type_numbers.h"

#include <link.h>
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/mman.h>

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
		uint32_t number; // not id, which then lives in a register
		const int rc = rs_type_number(type, &number);
		if (rc)
			return rc;
		id = number;
	}
	// Before it is entered: nobody else holds its references yet.
	if (__builtin_expect(rs_registry.gc.enabled != 0, 0))
		rs_gc_tracked();
	const int rc = rs_slots_put(address, id, &added);

	// One that got another type is no new object.
	if (__builtin_expect(rs_registry.gc.enabled != 0, 0) && (rc || !added))
		rs_gc_untracked();
	return rc;
}

int rs_untrack(const void *object)
{
	const uint64_t address = (uint64_t)(uintptr_t)object;

	if (!rs_slots_can_hold(address))
		return RS_ENOTFOUND;
	const uint32_t entry = rs_slots_remove(address);

	if (!entry)
		return RS_ENOTFOUND;
	if (__builtin_expect(rs_registry.gc.enabled != 0, 0))
		rs_gc_untracked();
	if (__builtin_expect((entry & RS_ENTRY_HELD) != 0, 0))
		rs_held_untracked((void *)(uintptr_t)object, entry);
	return 0;
}

static bool is_in_program(const void *object)
{
	const ElfW(Phdr) *phdr = (const void *)getauxval(AT_PHDR);
	const size_t n = getauxval(AT_PHNUM);
	const uint64_t address = (uint64_t)(uintptr_t)object;
	uint64_t bias = 0;

	for (size_t i = 0; i < n; i++) {
		if (phdr[i].p_type == PT_PHDR)
			bias = (uint64_t)(uintptr_t)phdr - phdr[i].p_vaddr;
	}
	for (size_t i = 0; i < n; i++) {
		if (phdr[i].p_type == PT_LOAD &&
		    address - bias - phdr[i].p_vaddr < phdr[i].p_memsz)
			return true;
	}
	return false;
}

static bool is_in_use(void)
{
	if (rs_registry.lock || rs_registry.gc.collecting ||
	    rs_registry.garbage_count)
		return true;
	for (struct rs_leaf *l = rs_registry.leaf; l; l = l->next) {
		for (uint32_t i = 0; i < RS_LEAF_SIZE; i++) {
			if (l->region[i].used || l->region[i].lock)
				return true;
		}
	}
	return false;
}

/**
 * A plugin with a copy of the library is unloaded: its tables would stay for
 * ever. Not when anything is tracked, nor in the program itself, whose threads
 * may go on while it exits.
 */
__attribute__((__destructor__)) static void give_back(void)
{
	if (is_in_program(&rs_registry) || is_in_use())
		return;
	for (struct rs_leaf *l = rs_registry.leaf; l;) {
		struct rs_leaf *next = l->next;

		top[l->base >> RS_LEAF_SHIFT] = NULL;
		munmap(l, sizeof(*l));
		l = next;
	}
	rs_registry.leaf = NULL;
	rs_registry.root = NULL;
	rs_registry.extension = NULL;
	rs_garbage_give_back();
	rs_types_forget();
	rs_registry.types = 1;
	rs_arena_give_back();
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
