// SPDX-License-Identifier: MIT
#include "action/guest/caller.h"

#include <stdbool.h>

// What rs_find_garbage(), rs_walk() and rs_referrers() call for each object.
static int list(void *object, const void *type, void *context)
{
	struct rs_caller_tracker *t = context;
	uint64_t *const room = (void *)t->list;

	(void)type;
	if (t->listed < t->room)
		room[t->listed] = (uint64_t)object;
	__atomic_store_n(&t->listed, t->listed + 1, __ATOMIC_RELAXED);
	return __atomic_load_n(&t->stop, __ATOMIC_RELAXED) != 0;
}

typedef int (*visitor)(void *object, const void *type, void *context);

static int64_t call(struct rs_caller_tracker *t)
{
	void *const object = (void *)t->object;

	switch (t->call) {
	case RS_CALLER_COLLECT:
		return ((int64_t(*)(void))t->function)();
	case RS_CALLER_FIND:
		// 1: RS_FIND_READ_ONLY, so that it calls no traverse function.
		return ((int64_t(*)(uint32_t, visitor, void *))t->function)(
			1, list, t);
	default:
		return ((int (*)(const void *, visitor, void *))t->function)(
			object, list, t);
	}
}

void rs_caller_track(struct rs_caller_args *a)
{
	uint64_t fresh = RS_CALLER_NEW;

	if (!__atomic_compare_exchange_n(&a->state, &fresh, RS_CALLER_BEGUN,
					 false, __ATOMIC_SEQ_CST,
					 __ATOMIC_SEQ_CST))
		return;
	a->returned = call(&a->tracker);
	__atomic_store_n(&a->state, (uint64_t)RS_CALLER_DONE, __ATOMIC_SEQ_CST);
}
