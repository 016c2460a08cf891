// SPDX-License-Identifier: MIT
#include "refscope/registry.h"
#include "tracker/garbage_list.h"
#include "tracker/gc_switches.h"
#include "tracker/held.h"
#include "tracker/lock.h"
#include "tracker/slots.h"
#include "tracker/snapshot.h"
#include "tracker/visit.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/*
 * Phases, and what is true after each:
 * - judge: each tracked object is in use; or unreachable and to be freed; or
 *   unreachable and kept, because of a finalizer that must not run or because
 *   there is no way to free it.
 * - hold: we hold a reference of each object to be freed, so that none goes
 *   while code of the program runs.
 * - finalize (RS_GC_FINALIZE): finalizers ran once; a second trial, in which
 *   our own references do not count, finds what is still unreachable.
 * - clear: those refer to nothing any more that could be in a ring.
 * - release: our references are gone, and with them the objects.
 * What is in use or kept is not written to, but for the one reference that the
 * garbage list takes of what a finalizer keeps.
 */

struct doomed {
	void *object;
	const struct rs_type *type;
	bool unfreeable;
};

/** A reference that was taken out of an object. */
struct dropped {
	void *object;
	const struct rs_type *type;
};

struct collection {
	struct rs_vec freed; // void *, held
	struct rs_vec kept; // struct doomed, those with a finalizer first
	struct rs_visitor visitor; // of the clear phase
	struct rs_vec dropped; // struct dropped, of the object being cleared
	uint64_t garbage; // of kept, those with a finalizer
	struct rs_patience patience;
};

static void say(const char *text, int length)
{
	// Without a stderr the lines are lost.
	if (length > 0 && write(STDERR_FILENO, text, (size_t)length) < 0)
		return;
}

static void say_object(const char *what, const char *type, const void *object,
		       const char *why)
{
	char line[192];

	say(line, snprintf(line, sizeof(line), "gc: %s <%.100s %p>%s%s\n", what,
			   type, object, why ? ": " : "", why ? why : ""));
}

/** As in CPython 2.7, which names objects only when two flags are set. */
static bool wants(uint32_t flag)
{
	return (rs_registry.gc.debug & flag) &&
	       (rs_registry.gc.debug & RS_GC_DEBUG_OBJECTS);
}

static int keep(struct collection *c, const struct rs_snapshot *s,
		const struct rs_collect_result *v, enum rs_fate fate)
{
	for (uint32_t i = 0; i < v->objects; i++) {
		if (v->fate[i] != fate)
			continue;
		struct doomed *d = rs_vec_push(&c->kept, sizeof(*d));
		if (!d)
			return RS_ENOMEM;
		d->object = rs_snapshot_object(s, i);
		d->type = rs_snapshot_type(s, i);
		d->unfreeable = s->graph.flags[i] & RS_OBJ_UNFREEABLE;
	}
	return 0;
}

static int keep_all(struct collection *c, const struct rs_snapshot *s,
		    const struct rs_collect_result *v)
{
	int rc = keep(c, s, v, RS_FATE_FINALIZER);

	c->garbage = v->garbage;
	if (!rc)
		rc = keep(c, s, v, RS_FATE_UNFREEABLE);
	return rc ? rc : keep(c, s, v, RS_FATE_KEPT);
}

static int
judge(struct collection *c, struct rs_snapshot *s, struct rs_collect_result *v)
{
	const struct rs_snapshot_options options = {0};

	return rs_snapshot_judge(&options, &c->patience, s, v);
}

/** Take a reference of each object to be freed. On error none is held. */
static int hold_freed(struct collection *c, const struct rs_snapshot *s,
		      const struct rs_collect_result *v)
{
	const size_t n = (size_t)(v->unreachable - v->uncollectable);

	if (n && rs_tracker_code(rs_vec_reserve(&c->freed, n * sizeof(void *))))
		return RS_ENOMEM;
	for (uint32_t i = 0; i < v->objects; i++) {
		if (v->fate[i] != RS_FATE_FREED)
			continue;
		void **slot = rs_vec_push(&c->freed, sizeof(*slot));
		if (!slot)
			return RS_ENOMEM;
		*slot = rs_snapshot_object(s, i);
		rs_held_take(rs_snapshot_type(s, i), *slot);
	}
	return 0;
}

/** Release those from number @p first on, and take them off the list. */
static void release_from(struct rs_vec *held, size_t first)
{
	void **object = rs_vec_items(held, void *);
	const size_t n = rs_vec_count(held, void *);

	for (size_t i = first; i < n; i++)
		rs_held_release(object[i]);
	held->used = first * sizeof(void *);
}

/** Release the references that clearing took out of an object. */
static void release_dropped(struct rs_vec *dropped)
{
	const struct dropped *d = rs_vec_items(dropped, const struct dropped);
	const size_t n = rs_vec_count(dropped, struct dropped);

	// Whether tracked or not by now: the object is still referred to.
	for (size_t i = 0; i < n; i++)
		d[i].type->release(d[i].object);
	dropped->used = 0;
}

/** @return Whether any finalizer ran. */
static bool finalize(const struct rs_vec *freed)
{
	void **object = rs_vec_items(freed, void *);
	const size_t n = rs_vec_count(freed, void *);
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		// One that another's finalizer untracked is not ours any more.
		const struct rs_type *type = rs_held_type(object[i]);

		if (!type || !type->finalize || rs_is_finalized(object[i]))
			continue;
		(void)rs_slots_mark((uint64_t)(uintptr_t)object[i],
				    RS_ENTRY_FINALIZED, true);
		type->finalize(object[i]);
		any = true;
	}
	return any;
}

/**
 * Release those that the finalizers made reachable again; all of them when
 * that cannot be found out.
 */
static int drop_resurrected(struct collection *c)
{
	struct rs_vec *freed = &c->freed;
	void **object = rs_vec_items(freed, void *);
	const size_t n = rs_vec_count(freed, void *);
	struct rs_snapshot s;
	struct rs_collect_result v;
	size_t still = 0;
	int rc = judge(c, &s, &v);

	if (rc) {
		release_from(freed, 0);
		return rc;
	}
	// Those to keep to the front, the others behind them.
	for (size_t i = 0; i < n; i++) {
		void *const o = object[i];
		const uint32_t number =
			rs_graph_find(&s.graph, (uint64_t)(uintptr_t)o);

		if (number == RS_NONE || v.fate[number] != RS_FATE_FREED ||
		    !rs_held_type(o))
			continue;
		object[i] = object[still];
		object[still++] = o;
	}
	rs_collect_result_fini(&v);
	rs_snapshot_fini(&s);
	release_from(freed, still);
	return 0;
}

/** Empty one word of an object; its reference goes when no word of the object
 * is looked at any more: releasing may change where its words are. */
static int clear_slot(void **slot, unsigned hold, void *context)
{
	struct collection *c = context;
	void *const referent = *slot;

	if (hold != RS_HOLD_STRONG || !referent)
		return 0;
	// What is not tracked, or cannot be released, cannot be in a ring; its
	// owner frees it.
	const uint32_t entry = rs_slots_get((uint64_t)(uintptr_t)referent);
	const struct rs_type *type =
		entry ? rs_entry_type_known(&c->visitor, entry) : NULL;
	if (!type || !type->release)
		return 0;
	struct dropped *dropped = rs_vec_push(&c->dropped, sizeof(*dropped));
	if (!dropped)
		return RS_ENOMEM;
	*dropped = (struct dropped){referent, type};
	*slot = NULL;
	return 0;
}

static void clear(struct collection *c, void *object)
{
	const struct rs_type *type = rs_held_type(object);

	if (!type)
		return;
	if (type->clear) {
		(void)type->clear(object);
		return;
	}
	// Another type may have the number by now.
	c->visitor.known = (struct rs_known_type){0};
	// Without memory some words stay as they are: a ring that is found
	// again.
	(void)rs_visit_slots(&c->visitor, type, object, clear_slot, c);
	release_dropped(&c->dropped);
}

static void free_all(struct collection *c)
{
	void **object = rs_vec_items(&c->freed, void *);
	const size_t n = rs_vec_count(&c->freed, void *);

	for (size_t i = 0; i < n; i++)
		clear(c, object[i]);
	for (size_t i = 0; i < n; i++)
		rs_held_release(object[i]);
	rs_held_release_late();
}

static int save_all(const struct rs_vec *freed)
{
	void **object = rs_vec_items(freed, void *);
	const size_t n = rs_vec_count(freed, void *);
	int rc = 0;

	for (size_t i = 0; i < n; i++) {
		if (!rc && rs_held_type(object[i])) {
			rc = rs_garbage_add(object[i]); // takes our reference
			if (!rc)
				(void)rs_held_take_over(object[i]);
		}
		rs_held_release(object[i]); // those that did not get there
	}
	return rc;
}

static void name_freed(const struct rs_vec *freed)
{
	void **object = rs_vec_items(freed, void *);
	const size_t n = rs_vec_count(freed, void *);

	for (size_t i = 0; i < n; i++) {
		const struct rs_type *type = rs_type_of(object[i]);

		say_object("collectable", type ? type->name : "?", object[i],
			   NULL);
	}
}

/** What was freed, or its finalizers, may have taken kept ones with it: judge
 * again. */
static int keep_again(struct collection *c)
{
	struct rs_snapshot s;
	struct rs_collect_result v;
	int rc = judge(c, &s, &v);

	if (rc)
		return rc;
	c->kept.used = 0;
	rc = keep_all(c, &s, &v);
	rs_collect_result_fini(&v);
	rs_snapshot_fini(&s);
	return rc;
}

static const char *unfreeable(const struct doomed *d)
{
	const char *why = rs_type_unfreeable(d->type);

	return !d->unfreeable ? NULL : why ? why : "constant count";
}

/** Whether no finalizer has freed it meanwhile. */
static bool is_there(const struct doomed *d)
{
	return rs_type_of(d->object) == d->type;
}

static int list_kept(const struct collection *c, bool save)
{
	const struct doomed *d = rs_vec_items(&c->kept, const struct doomed);
	const size_t n = rs_vec_count(&c->kept, struct doomed);
	int rc = 0;

	for (size_t i = 0; i < n; i++) {
		if (wants(RS_GC_DEBUG_UNCOLLECTABLE) && is_there(&d[i]))
			say_object("uncollectable", d[i].type->name,
				   d[i].object, unfreeable(&d[i]));
	}
	for (size_t i = 0; i < n && !rc; i++) {
		if (i >= c->garbage && !save)
			break;
		// Of an unfreeable one nobody could give the reference back.
		if (d[i].unfreeable || !is_there(&d[i]))
			continue;
		rs_count_hold(d[i].type, d[i].object);
		rc = rs_garbage_add(d[i].object);
		if (rc)
			rs_count_drop(d[i].type, d[i].object);
	}
	return rc;
}

/** Find, and hold what is to be freed. */
static int prepare(struct collection *c, uint64_t *objects)
{
	struct rs_snapshot s;
	struct rs_collect_result v;
	int rc = judge(c, &s, &v);

	if (rc)
		return rc;
	*objects = v.objects;
	rc = keep_all(c, &s, &v);
	if (!rc)
		rc = hold_freed(c, &s, &v);
	rs_collect_result_fini(&v);
	rs_snapshot_fini(&s);
	return rc;
}

/** @return Unreachable objects, or a negated code. */
static int64_t run(struct collection *c)
{
	struct rs_gc_state *gc = &rs_registry.gc;
	const bool save = (gc->debug & RS_GC_DEBUG_SAVEALL) != 0;
	uint64_t objects;
	int rc = prepare(c, &objects);

	if (rc)
		return -rc;
	const bool ran = gc->policy == RS_GC_FINALIZE && finalize(&c->freed);
	if (ran && (rc = drop_resurrected(c)))
		return -rc;
	const uint64_t freed = rs_vec_count(&c->freed, void *);
	if (wants(RS_GC_DEBUG_COLLECTABLE))
		name_freed(&c->freed);
	if (save)
		rc = save_all(&c->freed);
	else
		free_all(c);
	if (!rc && (freed || ran) && c->kept.used && !save)
		rc = keep_again(c);
	if (!rc)
		rc = list_kept(c, save);

	const uint64_t kept = rs_vec_count(&c->kept, struct doomed);
	gc->collections++;
	gc->collected += freed;
	gc->uncollectable += kept;
	gc->survivors = objects - freed;
	__atomic_store_n(&gc->pending, 0, __ATOMIC_RELAXED);
	return rc ? -rc : (int64_t)(freed + kept);
}

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t run_with_totals(struct collection *c)
{
	char line[160];
	const int64_t start = now();

	say(line,
	    snprintf(line, sizeof(line), "gc: collecting generation 2...\n"));
	const int64_t n = run(c);
	const int64_t us = (now() - start) / 100000;
	if (n > 0)
		say(line,
		    snprintf(line, sizeof(line),
			     "gc: done, %lld unreachable, %zu uncollectable, "
			     "%lld.%04llds elapsed.\n",
			     (long long)n,
			     rs_vec_count(&c->kept, struct doomed),
			     (long long)(us / 10000), (long long)(us % 10000)));
	else
		say(line,
		    snprintf(line, sizeof(line),
			     "gc: done, %lld.%04llds elapsed.\n",
			     (long long)(us / 10000), (long long)(us % 10000)));
	return n;
}

/** The thread that set collecting, while is_collector_known. */
static pthread_t collector;
static bool is_collector_known;

static void end_collection(void)
{
	// A fork between the next thread's setting collecting and its saying
	// who it is must not find the name of the one before.
	__atomic_store_n(&is_collector_known, false, __ATOMIC_RELAXED);
	rs_unlock(&rs_registry.gc.collecting);
}

int64_t rs_collect(void)
{
	struct collection c = {.patience = RS_PATIENCE_COLLECT};
	int64_t n;

	if (!rs_lock_grab(&rs_registry.gc.collecting))
		return 0;
	collector = pthread_self();
	__atomic_store_n(&is_collector_known, true, __ATOMIC_RELEASE);
	// The garbage list needs it: found out now, nothing is half done.
	if (!rs_lock_try(&rs_registry.lock, &c.patience)) {
		end_collection();
		return -RS_EBUSY;
	}
	rs_unlock(&rs_registry.lock);
	if (rs_registry.gc.debug & RS_GC_DEBUG_STATS)
		n = run_with_totals(&c);
	else
		n = run(&c);
	rs_held_release_late(); // of finalizers, when no more was done
	rs_vec_fini(&c.freed);
	rs_vec_fini(&c.kept);
	rs_vec_fini(&c.dropped);
	rs_visitor_fini(&c.visitor);
	end_collection();
	return n;
}

void rs_gc_reset(void)
{
	if (rs_registry.gc.collecting &&
	    (!is_collector_known || !pthread_equal(collector, pthread_self())))
		end_collection();
}

int64_t rs_find_garbage(uint32_t flags, rs_object_fn fn, void *context)
{
	const struct rs_snapshot_options options = {
		.no_callbacks = flags & RS_FIND_READ_ONLY,
	};
	struct rs_patience patience = RS_PATIENCE_CALL;
	struct rs_snapshot s;
	struct rs_collect_result v;

	// Objects that a collection is freeing have one reference too many.
	if (__atomic_load_n(&rs_registry.gc.collecting, __ATOMIC_ACQUIRE))
		return -RS_EBUSY;
	const int rc = rs_snapshot_judge(&options, &patience, &s, &v);
	if (rc)
		return -rc;
	const int64_t found = (int64_t)v.unreachable;
	int go_on = 0;
	for (uint32_t i = 0; fn && i < v.objects && !go_on; i++) {
		if (v.fate[i] >= RS_FATE_FREED)
			go_on = fn(rs_snapshot_object(&s, i),
				   rs_snapshot_type(&s, i), context);
	}
	rs_collect_result_fini(&v);
	rs_snapshot_fini(&s);
	return found;
}
