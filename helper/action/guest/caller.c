// SPDX-License-Identifier: MIT
#include "action/guest/caller.h"

#include "sandbox/guest/raw.h"

#include <stdbool.h>

typedef uint64_t object; // address of a Python object

// The first byte of the code. It never returns: all registers come out of the
// frame.
__asm__(".pushsection .text.entry,\"ax\"\n"
	"call rs_caller_enter\n"
	"mov %rax, %rsp\n"
	"mov $15, %eax\n" // rt_sigreturn
	"syscall\n"
	"ud2\n"
	".popsection\n");

#define RS_CALLED(a, which, result, ...)                                       \
	((result(*)(__VA_ARGS__))(a)->function[RS_CALLER_##which])

static void drop(const struct rs_caller_args *a, object o)
{
	if (o)
		RS_CALLED(a, DROP, void, object)(o);
}

// Borrowed by sys.modules: the program may never have imported it. Not by way
// of builtins.__import__, which may be the program's.
static object gc_module(const struct rs_caller_args *a)
{
	static const char name[] = "gc";
	const object modules = RS_CALLED(a, MODULES, object, void)();
	const object found = modules ? RS_CALLED(a, ITEM, object, object,
						 const char *)(modules, name)
				     : 0;

	if (found)
		return found;
	const object made = RS_CALLED(a, IMPORT, object, const char *, object,
				      object, object, int)(name, 0, 0, 0, 0);
	drop(a, made);
	return made;
}

static object
attribute(const struct rs_caller_args *a, object of, const char *name)
{
	return RS_CALLED(a, ATTRIBUTE, object, object, const char *)(of, name);
}

static int64_t garbage(const struct rs_caller_args *a, object gc)
{
	const object list = attribute(a, gc, "garbage");
	const int64_t size =
		list ? RS_CALLED(a, SIZE, int64_t, object)(list) : -1;

	drop(a, list);
	return size;
}

// @return The arguments as a tuple; 0: it raised.
static object arguments(const struct rs_caller_args *a)
{
	const object tuple =
		RS_CALLED(a, TUPLE, object, int64_t)((int64_t)a->args);

	for (uint64_t i = 0; tuple && i < a->args; i++) {
		const object n = RS_CALLED(a, FROM, object, int64_t)(a->arg[i]);

		if (!n || RS_CALLED(a, SET, int, object, int64_t,
				    object)(tuple, (int64_t)i, n)) {
			drop(a, tuple);
			return 0;
		}
	}
	return tuple;
}

static void forget_error(struct rs_caller_args *a, bool keep)
{
	object error[3] = {0};

	RS_CALLED(a, FETCH, void, object *, object *, object *)
	(&error[0], &error[1], &error[2]);
	if (keep)
		a->error = error[0];
	for (int i = 0; i < 3; i++)
		drop(a, error[i]);
}

// A program may put a function of its own in the module, which can do anything.
static bool is_own(const struct rs_caller_args *a, object method)
{
	const object type = RS_CALLED(a, TYPE, object, object)(method);

	drop(a, type);
	return type == a->builtin;
}

// @return Whether it did not raise.
static bool call_drop(const struct rs_caller_args *a)
{
	const struct rs_caller_drop *d = &a->drop;

	if (!d->type)
		return RS_CALLED(a, EMPTY, int, object, object)(d->hold[0],
								0) == 0;
	const object method = attribute(a, d->type, d->method);
	const object tuple =
		method ? RS_CALLED(a, BUILD, object, const char *, ...)(
				 d->format, d->arg[0], d->arg[1], d->arg[2])
		       : 0;
	const object result = tuple ? RS_CALLED(a, CALL, object, object,
						object)(method, tuple)
				    : 0;

	drop(a, result);
	drop(a, tuple);
	drop(a, method);
	return result;
}

// The low half of its reference count, which is just before its type; with
// Py_TRACE_REFS two words are in front of both.
static uint32_t count(const struct rs_caller_args *a, object o)
{
	const volatile uint64_t *word = (void *)o;
	const object type = RS_CALLED(a, TYPE, object, object)(o);

	drop(a, type);
	return (uint32_t)(word[1] == type ? word[0] : word[2]);
}

// Else another key may be found, which equals it.
static bool has_same_hash(struct rs_caller_args *a)
{
	struct rs_caller_drop *d = &a->drop;

	if (!d->has_hash)
		return true;
	const int64_t hash = RS_CALLED(a, HASH, int64_t, object)(d->key);
	d->moved = hash != -1 && hash != d->hash;
	return hash == d->hash;
}

// What is called may leave it where it is: a key that is not found any more, a
// method of the program's.
static bool drop_reference(struct rs_caller_args *a)
{
	const object target = a->drop.hold[1];

	if (!has_same_hash(a))
		return false;
	const uint32_t before = count(a, target);

	return call_drop(a) && (int32_t)(count(a, target) - before) < 0;
}

static void hold(const struct rs_caller_args *a)
{
	for (int i = 0; i < RS_CALLER_ARGS; i++)
		RS_CALLED(a, HOLD, void, object)(a->drop.hold[i]);
}

static void let_go(struct rs_caller_args *a)
{
	for (int i = 0; i < RS_CALLER_ARGS; i++) {
		const object o = a->drop.hold[i];

		a->drop.hold[i] = 0;
		drop(a, o);
	}
}

// @return Whether it did not raise.
static bool call_method(struct rs_caller_args *a, object method)
{
	const object tuple = method ? arguments(a) : 0;
	const object result = tuple ? RS_CALLED(a, CALL, object, object,
						object)(method, tuple)
				    : 0;

	if (result) {
		a->returned = RS_CALLED(a, AS, int64_t, object)(result);
		if (a->returned == -1)
			forget_error(a, false); // None, for instance
	}
	drop(a, result);
	drop(a, tuple);
	return result;
}

// With what was held let go of before the call.
static enum rs_caller_state drop_and_call(struct rs_caller_args *a, object gc)
{
	const object method = attribute(a, gc, a->name);

	if (method && !is_own(a, method)) {
		drop(a, method);
		return RS_CALLER_REPLACED;
	}
	if (method && a->drop.wanted)
		a->drop.done = drop_reference(a);
	let_go(a);
	const bool goes_on = method && (!a->drop.wanted || a->drop.done);
	const bool done = goes_on && call_method(a, method);
	drop(a, method);
	return done ? RS_CALLER_DONE : RS_CALLER_RAISED;
}

static enum rs_caller_state
clear_garbage(const struct rs_caller_args *a, object gc)
{
	const object list = attribute(a, gc, "garbage");
	const bool done =
		list && RS_CALLED(a, SLICE, int, object, int64_t, int64_t,
				  object)(list, 0, INT64_MAX, 0) == 0;

	drop(a, list);
	return done ? RS_CALLER_DONE : RS_CALLER_RAISED;
}

// With the interpreter's lock. An exception that is on its way stays.
static void work(struct rs_caller_args *a)
{
	uint64_t fresh = RS_CALLER_NEW;
	object error[3] = {0};

	if (!__atomic_compare_exchange_n(&a->state, &fresh, RS_CALLER_BEGUN,
					 false, __ATOMIC_SEQ_CST,
					 __ATOMIC_SEQ_CST))
		return;
	RS_CALLED(a, FETCH, void, object *, object *, object *)
	(&error[0], &error[1], &error[2]);
	hold(a);
	const object gc = gc_module(a);
	enum rs_caller_state end = RS_CALLER_RAISED;
	if (gc) {
		a->garbage_before = garbage(a, gc);
		end = a->name[0] ? drop_and_call(a, gc) : clear_garbage(a, gc);
		if (end == RS_CALLER_DONE)
			a->garbage_after = garbage(a, gc);
	}
	let_go(a);
	forget_error(a, end != RS_CALLER_DONE);
	RS_CALLED(a, RESTORE, void, object, object, object)
	(error[0], error[1], error[2]);
	__atomic_store_n(&a->state, (uint64_t)end, __ATOMIC_SEQ_CST);
}

// In the main thread, with the interpreter's lock.
static int pending(void *args)
{
	struct rs_caller_args *a = args;

	work(a);
	__atomic_store_n(&a->ran, 1, __ATOMIC_SEQ_CST);
	return 0;
}

// Taking the lock of an interpreter that ends would end the thread.
static bool is_ending(const struct rs_caller_args *a)
{
	return a->finalizing && ((int (*)(void))a->finalizing)();
}

// @return The stack pointer at which rt_sigreturn finds the frame.
__attribute__((used)) static uint64_t
rs_caller_enter(uint64_t op, struct rs_caller_args *a)
{
	struct rs_caller_frame *frame = (void *)a->frame;

	(void)rs_raw3(SYS_sigaltstack, 0, (uint64_t)frame->stack, 0);
	if (op == RS_CALLER_TRACKER) {
		rs_caller_track(a);
	} else if (op == RS_CALLER_PENDING) {
		a->queued = RS_CALLED(a, ADD, int, int (*)(void *),
				      void *)(pending, a);
	} else if (is_ending(a)) {
		a->state = RS_CALLER_CANCELLED;
	} else {
		const int state = RS_CALLED(a, ENSURE, int, void)();

		work(a);
		RS_CALLED(a, RELEASE, void, int)(state);
	}
	__atomic_store_n(&a->left, 1, __ATOMIC_SEQ_CST);
	return a->frame;
}
