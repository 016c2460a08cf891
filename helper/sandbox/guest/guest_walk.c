// SPDX-License-Identifier: MIT
#include "sandbox/guest/guard.h"

#include "sandbox/guest/demand_pages.h"
#include "sandbox/guest/raw.h"

#include <signal.h>
#include <sys/mman.h>

enum {
	RS_PAGE = 4096,
	RS_AHEAD = 64 * RS_PAGE, // bytes of edges made ready at a time
	RS_MANY = 4096, // objects from which that pays
};

typedef int (*rs_visit)(void *object, void *context);
typedef int (*rs_traverse)(void *object, rs_visit visit, void *context);
typedef int (*rs_is_gc)(void *object);

struct rs_walk {
	struct rs_guest_args *args;
	uint64_t *object, *first, *edge;
	uint64_t object_now;
	uint64_t function_now; // to ask it; 0: its type's
	uint64_t node, next; // on a list; 0: not known
	uint64_t edges, stop; // used, and where this object's must end
	uint64_t ready; // bytes of edge[] that are; ~0: none need be
	uint64_t flooded; // the object at hand reported too many
	uint64_t called; // the function called for it
	uint64_t skipped; // it was not, for it had failed too often
	uint64_t refused; // it was not, for it is not allowed
	uint64_t allowed; // the function that was found to be so last, or 0
	uint64_t stack; // for the guarded call when there is no guard
	volatile uint8_t *apart; // where to say so of the object at hand, or 0
};

static uint64_t word(uint64_t address)
{
	return *(const volatile uint64_t *)address;
}

static int visit(void *object, void *context)
{
	struct rs_walk *w = context;

	if (w->edges >= w->stop) {
		w->flooded = 1;
		return 1;
	}
	w->edge[w->edges++] = (uint64_t)object;
	return 0;
}

// Populate the pages before they are written to: a fault for each costs more
// than all else that is done to the page. A hint.
static void make_ready(uint64_t address, uint64_t size)
{
	const uint64_t from = address & ~(uint64_t)(RS_PAGE - 1);

	rs_raw3(SYS_madvise, from, address + size - from, MADV_POPULATE_WRITE);
}

static void make_edges_ready(struct rs_walk *w)
{
	const uint64_t used = 8 * w->edges, most = 8 * w->args->max_edges;
	const uint64_t size = most - used < RS_AHEAD ? most - used : RS_AHEAD;

	make_ready((uint64_t)w->edge + used, size);
	w->ready = used + size;
}

static struct rs_guest_failing *
failing(struct rs_guest_args *a, uint64_t function)
{
	for (uint64_t i = 0; i < a->failings && i < RS_GUEST_FAILING; i++)
		if (a->failing[i].function == function)
			return &a->failing[i];
	return (void *)0;
}

// The host judges functions that are met for the first time, after the run.
static void want(struct rs_guest_args *a, uint64_t function)
{
	for (uint64_t i = 0; i < a->wanteds && i < RS_GUEST_WANTED; i++)
		if (a->wanted[i] == function)
			return;
	if (a->wanteds < RS_GUEST_WANTED)
		a->wanted[a->wanteds++] = function;
}

static int is_allowed(struct rs_walk *w, uint64_t function)
{
	const uint64_t *table = (const uint64_t *)w->args->allowed;

	if (function == w->allowed)
		return 1;
	if (!table ||
	    table[rs_guest_slot(table, w->args->allowed_mask, function)]) {
		w->allowed = function;
		return 1;
	}
	w->refused = 1;
	want(w->args, function);
	return 0;
}

// @return Whether @p function may be called for the object at hand.
static int may_call(struct rs_walk *w, uint64_t function)
{
	const struct rs_guest_failing *f;

	if (!is_allowed(w, function))
		return 0;
	f = failing(w->args, function);
	w->called = function;
	w->skipped =
		f && f->failed >= RS_GUEST_PATIENCE && f->failed > f->worked;
	return !w->skipped;
}

static void remember(struct rs_walk *w, long failed)
{
	struct rs_guest_args *a = w->args;
	struct rs_guest_failing *f = failing(a, w->called);

	if (!failed) {
		if (f && !w->skipped)
			f->worked++;
		return;
	}
	if (!f && a->failings < RS_GUEST_FAILING && w->called) {
		f = &a->failing[a->failings++];
		*f = (struct rs_guest_failing){.function = w->called};
	}
	if (f)
		f->failed += failed == SIGPROF ? RS_GUEST_HANG_WEIGHT : 1;
}

// As the collector does it. Anything here may fault.
static void walk_one(void *context)
{
	struct rs_walk *w = context;
	const struct rs_guest_args *a = w->args;
	const uint64_t object = w->object_now;

	if (w->function_now) {
		if (may_call(w, w->function_now))
			(void)((rs_traverse)w->function_now)((void *)object,
							     visit, w);
		return;
	}
	// The low bits of a list's links are the collector's.
	if (w->node)
		w->next = word(w->node) & ~UINT64_C(3);
	const uint64_t type = word(object + a->ob_type);
	const rs_traverse traverse = (rs_traverse)word(type + a->tp_traverse);
	const rs_is_gc is_gc = (rs_is_gc)word(type + a->tp_is_gc);

	if (!traverse || !(word(type + a->tp_flags) & a->gc_flag))
		return;
	if (w->apart && is_gc) {
		if (!may_call(w, (uint64_t)is_gc))
			return;
		*w->apart = !is_gc((void *)object);
	}
	if (may_call(w, (uint64_t)traverse))
		(void)traverse((void *)object, visit, w);
}

static void add_fault(struct rs_walk *w, int signal)
{
	struct rs_guest_args *a = w->args;

	if (a->faults < RS_GUEST_FAULTS)
		a->fault[a->faults] = (struct rs_guest_fault){
			.object = w->object_now,
			.signal = signal,
		};
	a->faults++;
}

static uint64_t *stack_slot(struct rs_walk *w)
{
	struct rs_guard *guard = (struct rs_guard *)w->args->altstack;

	return guard ? &guard->stack : &w->stack;
}

// The references of object number a->rows, which is w->object_now. An object
// whose function did not return has none.
static void walk_object(struct rs_walk *w)
{
	struct rs_guest_args *a = w->args;
	const uint64_t before = w->edges;
	const uint64_t room = a->max_edges - before;

	w->stop =
		before + (room < a->max_edges_each ? room : a->max_edges_each);
	w->flooded = 0;
	w->called = 0;
	w->skipped = 0;
	w->refused = 0;
	if (8 * w->edges + RS_PAGE > w->ready && w->ready < 8 * a->max_edges)
		make_edges_ready(w);
	if (w->node) // given objects stand there already
		w->object[a->rows] = w->object_now;
	*(volatile uint64_t *)&a->current = a->rows;
	const long failed = rs_guard_call(walk_one, w, stack_slot(w));
	a->refused += w->refused;
	if (a->failings || failed)
		remember(w, failed);
	if (!failed && (w->flooded || w->skipped))
		add_fault(w, w->skipped ? RS_GUEST_SKIPPED : 0);
	if (w->flooded && w->stop == a->max_edges)
		a->full = 1;
	if (failed || w->flooded)
		w->edges = before;
	a->edges = w->edges;
	w->first[++a->rows] = w->edges;
}

static void read_link(void *context)
{
	struct rs_walk *w = context;

	w->next = word(w->node) & ~UINT64_C(3);
}

// Go past a node whose object an earlier run has walked.
static void pass(struct rs_walk *w, uint64_t node)
{
	w->node = node;
	w->next = 0;
	*(volatile uint64_t *)&w->args->current = UINT64_MAX;
	(void)rs_guard_call(read_link, w, stack_slot(w));
}

static void walk_list(struct rs_walk *w, uint64_t head, uint64_t *passed)
{
	const struct rs_guest_args *a = w->args;

	pass(w, head);
	while (w->next && w->next != head) {
		if ((*passed)++ < a->start) {
			pass(w, w->next);
			continue;
		}
		w->node = w->next;
		w->next = 0;
		w->object_now = w->node + a->head_size;
		if (a->rows >= a->max_objects) {
			w->args->full = 1;
			return;
		}
		walk_object(w);
	}
	if (w->next != head)
		w->args->lists_broken++;
}

// So many objects are nearly everywhere: copy whole groups from the start.
static void expect_all(struct rs_guest_args *a)
{
	struct rs_demand *demand = (struct rs_demand *)a->demand;

	if (demand && (a->lists || a->objects > RS_DEMAND_SINGLE))
		demand->touches = RS_DEMAND_SINGLE;
}

static long walk(struct rs_guest_args *a)
{
	struct rs_walk w = {
		.args = a,
		.object = (uint64_t *)a->object,
		.first = (uint64_t *)a->first,
		.edge = (uint64_t *)a->edge,
		.edges = a->edges,
		.ready = UINT64_MAX,
	};
	const uint64_t given = a->lists ? 0 : a->objects;
	uint64_t passed = 0;

	expect_all(a);
	if (a->lists || given > RS_MANY)
		w.ready = 0;
	if (given > RS_MANY)
		make_ready(a->first, 8 * (given + 1));
	if (given > RS_MANY && a->apart)
		make_ready(a->apart, given);
	if (!a->start)
		w.first[0] = 0;
	for (uint64_t i = 0; i < a->lists && !a->full; i++)
		walk_list(&w, word(a->list + 8 * i), &passed);
	w.node = 0;
	for (uint64_t i = a->start; i < given && !a->full; i++) {
		w.object_now = w.object[i];
		w.function_now = a->function ? word(a->function + 8 * i) : 0;
		w.apart = a->apart ? (uint8_t *)a->apart + i : (uint8_t *)0;
		if (w.apart)
			*w.apart = 0;
		if (i + 8 < given)
			__builtin_prefetch((const void *)w.object[i + 8]);
		walk_object(&w);
	}
	a->objects = a->rows;
	return 0;
}

long rs_entry(long op, struct rs_guest_args *args);

__attribute__((__section__(".text.entry"))) long
rs_entry(long op, struct rs_guest_args *args)
{
	if (op == RS_GUEST_GUARD)
		return rs_guard_open(args);
	if (op == RS_GUEST_CALL)
		return rs_guest_do_call(args);
	return op == RS_GUEST_WALK ? walk(args) : -1;
}
