// SPDX-License-Identifier: MIT
#include "tracker/gc_switches.h"
#include "refscope/refscope.h"
#include "refscope/registry.h"

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
