// SPDX-License-Identifier: MIT
//
// RS_ACT_LATER: as rs_collect_later(), which sets one bit. The program collects
// where it next tracks an object, and clears the bit.
#include "action/live/act.h"

static uint64_t enabled_at(const struct rs_act *a)
{
	return a->gc + offsetof(struct rs_gc_state, enabled);
}

static struct rs_error *unreadable(const struct rs_act *a)
{
	return rs_act_cannot(a, "its memory cannot be read");
}

// All threads are stopped, and each of them changes the word at once.
static struct rs_error *set_wanted(const struct rs_act *a, bool on, bool *was)
{
	uint32_t word;

	if (!rs_act_get(a, enabled_at(a), &word, sizeof(word)))
		return unreadable(a);
	*was = word & RS_GC_WANTED;
	word = on ? word | RS_GC_WANTED : word & ~(uint32_t)RS_GC_WANTED;
	return rs_act_put(a, enabled_at(a), &word, sizeof(word))
		       ? NULL
		       : rs_act_cannot(a, "its memory cannot be written");
}

struct rs_error *
rs_act_later_begin(struct rs_session *session, struct rs_act *a)
{
	struct rs_native_registry *registry;
	struct rs_error *err = rs_act_registry(session, a->registry, &registry);
	bool was;

	if (err)
		return err;
	a->gc = registry->address + offsetof(struct rs_registry, gc);
	if (!rs_act_get(a, a->gc, &a->was, sizeof(a->was)))
		return unreadable(a);
	return set_wanted(a, true, &was);
}

struct rs_error *rs_act_later_look(struct rs_act *a, struct rs_act_result *ret)
{
	struct rs_gc_state now;

	if (!rs_act_get(a, a->gc, &now, sizeof(now)))
		return unreadable(a);
	const bool begun = !(now.enabled & RS_GC_WANTED);
	const uint64_t more = now.collections - a->was.collections;
	// One that is running may not have added all of its numbers yet; a
	// next one may have begun once that was seen to be over.
	if (begun && more > now.collecting)
		__atomic_store_n(&a->done, true, __ATOMIC_RELAXED);
	const bool done = __atomic_load_n(&a->done, __ATOMIC_RELAXED);
	ret->state = a->cancelled ? RS_ACT_CANCELLED
		     : done	  ? RS_ACT_DONE
		     : begun	  ? RS_ACT_BEGUN
				  : RS_ACT_NEW;
	// Of all collections since, if there was another one.
	if (done)
		ret->returned =
			(int64_t)(now.collected - a->was.collected +
				  now.uncollectable - a->was.uncollectable);
	ret->left = ret->ran = done;
	return NULL;
}

struct rs_error *rs_act_later_cancel(struct rs_act *a, bool *ret)
{
	struct rs_error *err = NULL;

	// What the program wanted itself stays.
	*ret = true;
	if (!(a->was.enabled & RS_GC_WANTED))
		err = set_wanted(a, false, ret);
	a->cancelled = !err && *ret;
	return err;
}
