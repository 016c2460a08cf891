// SPDX-License-Identifier: MIT
#include "runtime/cpython/ask/python_script.h"

enum {
	RS_CALL_WALL_FACTOR = 10, // wall time over processor time
	RS_THRESHOLDS = 3, // generations that have one
};

unsigned rs_script_add(struct rs_py_script *s, const char *name,
		       const struct rs_py_arg *args)
{
	const unsigned n = s->call.steps;
	struct rs_guest_step *step = &s->call.step[n];

	if (s->err || n + 1 >= RS_CALL_STEPS)
		return 0;
	*step = (struct rs_guest_step){
		.if_zero = (uint8_t)(n + 1),
		.next = (uint8_t)(n + 1),
	};
	for (unsigned i = 0; i < RS_CALL_ARGS; i++) {
		step->arg[i] = args[i].value;
		step->from[i] = args[i].from;
	}
	if (name && !(step->function = rs_py_symbol(s->py, name)))
		s->err = rs_error_new(RS_EUNSUPPORTED,
				      "CPython %s: no code can be run, because "
				      "no symbol %s was found to call",
				      s->py->version_text, name);
	s->call.steps++;
	return n;
}

unsigned rs_script_need(struct rs_py_script *s, const char *name,
			const struct rs_py_arg *args)
{
	const unsigned n = rs_script_add(s, name, args);

	s->call.step[n].if_zero = s->fail;
	return n;
}

void rs_script_zero(struct rs_py_script *s, const char *name,
		    const struct rs_py_arg *args)
{
	const unsigned n = rs_script_add(s, name, args);

	s->call.step[n].flags |= RS_CALL_INT;
	s->call.step[n].next = s->fail;
}

uint64_t rs_script_place(struct rs_py_script *s, const void *bytes, size_t size)
{
	uint64_t at = 0;

	if (!s->err)
		s->err = rs_image_call_data(&s->call, bytes, size, &at);
	return at;
}

struct rs_py_arg rs_script_text(struct rs_py_script *s, const char *words)
{
	return RS_SCRIPT_P(rs_script_place(s, words, strlen(words)));
}

void rs_script_copy(struct rs_py_script *s, unsigned n, unsigned number)
{
	rs_script_zero(s,
		       rs_script_is_2(s) ? "PyString_AsStringAndSize"
					 : "PyBytes_AsStringAndSize",
		       RS_SCRIPT_ARGS(RS_SCRIPT_R(n), RS_SCRIPT_P(s->slot[3]),
				      RS_SCRIPT_P(s->slot[4])));
	(void)rs_script_add(s, NULL,
			    RS_SCRIPT_ARGS(RS_SCRIPT_W(s->slot[3]),
					   RS_SCRIPT_W(s->slot[4]),
					   RS_SCRIPT_V(number)));
}

void rs_script_copy_str(struct rs_py_script *s, unsigned n, unsigned number)
{
	if (!rs_script_is_2(s))
		n = rs_script_need(
			s, "PyUnicode_AsEncodedString",
			RS_SCRIPT_ARGS(RS_SCRIPT_R(n),
				       rs_script_text(s, "utf-8"),
				       rs_script_text(s, "backslashreplace")));
	rs_script_copy(s, n, number);
}

// From here on what was raised, if something was, is copied out.
static void write_error(struct rs_py_script *s)
{
	unsigned n;

	if (!s->err && s->fail != s->call.steps) // what went before is wrong
		s->err = rs_error_new(RS_EUNSUPPORTED,
				      "refscope's plan of a call has %u steps, "
				      "not %u; please report this",
				      s->call.steps, s->fail);
	s->fail = RS_CALL_END;
	(void)rs_script_need(s, "PyErr_Occurred",
			     RS_SCRIPT_ARGS(RS_SCRIPT_V(0)));
	(void)rs_script_add(s, "PyErr_Fetch",
			    RS_SCRIPT_ARGS(RS_SCRIPT_P(s->slot[0]),
					   RS_SCRIPT_P(s->slot[1]),
					   RS_SCRIPT_P(s->slot[2])));
	(void)rs_script_add(s, "PyErr_NormalizeException",
			    RS_SCRIPT_ARGS(RS_SCRIPT_P(s->slot[0]),
					   RS_SCRIPT_P(s->slot[1]),
					   RS_SCRIPT_P(s->slot[2])));
	n = rs_script_need(s, "PyObject_GetAttrString",
			   RS_SCRIPT_ARGS(RS_SCRIPT_W(s->slot[0]),
					  rs_script_text(s, "__name__")));
	rs_script_copy_str(s, n, RS_RUN_ERROR);
	n = rs_script_need(s, "PyObject_Str",
			   RS_SCRIPT_ARGS(RS_SCRIPT_W(s->slot[1])));
	rs_script_copy_str(s, n, RS_RUN_MESSAGE);
}

// Who runs it, and how it comes to have the interpreter's lock.
struct runner {
	const struct rs_thread *own; // registers
	bool held; // the thread has the lock
	uint64_t enter; // the thread state to take it for; 0: any of its own
	unsigned interpreter; // the index of the one in which it runs
};

// Get the interpreter's lock, if nobody has it. A thread that has it may have
// been told to let go for another, which would never come: letting go then
// waits, for which it is stopped, but the wish is forgotten by then.
static void add_lock(struct rs_py_script *s, const struct runner *who)
{
	unsigned state;

	if (who->held) {
		state = rs_script_add(s, "PyThreadState_Get",
				      RS_SCRIPT_ARGS(RS_SCRIPT_V(0)));
		const unsigned n = rs_script_add(
			s, "PyEval_SaveThread", RS_SCRIPT_ARGS(RS_SCRIPT_V(0)));
		s->call.step[n].flags |= RS_CALL_MAY_STOP;
		(void)rs_script_add(s, "PyEval_RestoreThread",
				    RS_SCRIPT_ARGS(RS_SCRIPT_R(state)));
		if (who->enter)
			(void)rs_script_add(
				s, "PyThreadState_Swap",
				RS_SCRIPT_ARGS(RS_SCRIPT_V(who->enter)));
	} else if (who->enter) {
		(void)rs_script_add(s, "PyEval_RestoreThread",
				    RS_SCRIPT_ARGS(RS_SCRIPT_V(who->enter)));
	} else {
		(void)rs_script_add(s, "PyGILState_Ensure",
				    RS_SCRIPT_ARGS(RS_SCRIPT_V(0)));
	}
	// An exception that was on its way stays out of it.
	(void)rs_script_add(s, "PyErr_Fetch",
			    RS_SCRIPT_ARGS(RS_SCRIPT_P(s->slot[0]),
					   RS_SCRIPT_P(s->slot[1]),
					   RS_SCRIPT_P(s->slot[2])));
}

void rs_script_store(struct rs_py_script *s, uint64_t address, uint64_t value,
		     unsigned bytes)
{
	const unsigned n = rs_script_add(s, NULL,
					 RS_SCRIPT_ARGS(RS_SCRIPT_V(address),
							RS_SCRIPT_V(value),
							RS_SCRIPT_V(bytes)));

	s->call.step[n].flags |= RS_CALL_STORE;
}

static uint64_t
in_generation(const struct rs_py_script *s, uint64_t head, enum rs_field f)
{
	return head + (uint64_t)rs_py_off(s->py, f);
}

// Two ways, since one that is due already asks only for either: generations are
// never full, and it is off.
static void add_switched_off(struct rs_py_script *s,
			     const struct rs_py_interpreter *of,
			     uint64_t enabled_at)
{
	for (unsigned g = 0; g < RS_THRESHOLDS && of->head[g]; g++)
		rs_script_store(s,
				in_generation(s, of->head[g],
					      RS_F_gc_generation__threshold),
				INT32_MAX, sizeof(int32_t));
	if (enabled_at)
		rs_script_store(s, enabled_at, 0, sizeof(int32_t));
}

// Generations are never full: far below their counts, from which gc.get_count()
// is made right in eval.py. From 3.14 on one that is due asks only whether it
// is enabled.
static void add_delay(struct rs_py_script *s,
		      const struct rs_py_interpreter *of, uint64_t enabled_at)
{
	uint32_t enabled = 0;

	for (unsigned g = 0; g < RS_THRESHOLDS && of->head[g]; g++) {
		const uint64_t at = in_generation(s, of->head[g],
						  RS_F_gc_generation__count);
		uint32_t count = 0;

		(void)rs_memory_u32(s->py->base.memory, at, &count);
		rs_script_store(s, at, count + (uint32_t)(INT32_MIN / 2),
				sizeof(int32_t));
	}
	if (s->py->version < RS_PY(3, 14) || !enabled_at ||
	    !rs_memory_u32(s->py->base.memory, enabled_at, &enabled) ||
	    !enabled)
		return;
	rs_script_store(s, enabled_at, 0, sizeof(int32_t));
	s->enabled_at = enabled_at;
}

void rs_script_switch_on(struct rs_py_script *s)
{
	if (s->enabled_at)
		rs_script_store(s, s->enabled_at, 1, sizeof(int32_t));
}

// No allocation starts a collection from here on.
static void add_no_collections(struct rs_py_script *s, unsigned interpreter,
			       bool switched_off)
{
	// One for all, where there is but one.
	const unsigned i = s->py->base.collectors > 1 ? interpreter : 0;
	const uint64_t enabled_at = rs_py_gc_enabled_at(s->py, i);

	if (switched_off)
		add_switched_off(s, &s->py->interpreter[i], enabled_at);
	else
		add_delay(s, &s->py->interpreter[i], enabled_at);
}

void rs_script_set(struct rs_py_script *s, unsigned dict, const char *key,
		   struct rs_py_arg value)
{
	rs_script_zero(s, "PyDict_SetItemString",
		       RS_SCRIPT_ARGS(RS_SCRIPT_R(dict), rs_script_text(s, key),
				      value));
}

unsigned rs_script_scope(struct rs_py_script *s)
{
	const unsigned dict =
		rs_script_need(s, "PyDict_New", RS_SCRIPT_ARGS(RS_SCRIPT_V(0)));
	const unsigned modules = rs_script_need(s, "PyImport_GetModuleDict",
						RS_SCRIPT_ARGS(RS_SCRIPT_V(0)));

	rs_script_set(s, dict, "modules", RS_SCRIPT_R(modules));
	const unsigned n = rs_script_need(
		s, "PyDict_GetItemString",
		RS_SCRIPT_ARGS(RS_SCRIPT_R(modules),
			       rs_script_text(s, rs_script_is_2(s)
							 ? "__builtin__"
							 : "builtins")));
	rs_script_set(s, dict, "__builtins__", RS_SCRIPT_R(n));
	return dict;
}

void rs_script_source(struct rs_py_script *s, unsigned dict, const char *source,
		      const char *end)
{
	const uint64_t at = rs_script_place(s, source, (size_t)(end - source));

	(void)rs_script_need(s, "PyRun_StringFlags",
			     RS_SCRIPT_ARGS(RS_SCRIPT_P(at),
					    RS_SCRIPT_V(RS_SCRIPT_FILE_INPUT),
					    RS_SCRIPT_R(dict),
					    RS_SCRIPT_R(dict), RS_SCRIPT_V(0)));
}

void rs_script_function(struct rs_py_script *s, unsigned dict, const char *name)
{
	const unsigned n = rs_script_need(
		s, "PyDict_GetItemString",
		RS_SCRIPT_ARGS(RS_SCRIPT_R(dict), rs_script_text(s, name)));

	(void)rs_script_need(s, "PyObject_CallObject",
			     RS_SCRIPT_ARGS(RS_SCRIPT_R(n), RS_SCRIPT_V(0)));
}

void rs_script_take(struct rs_py_script *s, unsigned dict)
{
	static const char *const taken[] = {"printed", "value", "error",
					    "message"};

	for (unsigned i = 0; i < sizeof(taken) / sizeof(*taken); i++) {
		const unsigned n = rs_script_add(
			s, "PyDict_GetItemString",
			RS_SCRIPT_ARGS(RS_SCRIPT_R(dict),
				       rs_script_text(s, taken[i])));
		rs_script_copy(s, n, i);
		s->call.step[n].if_zero = (uint8_t)s->call.steps;
	}
	(void)rs_script_add(s, "PyErr_Clear", RS_SCRIPT_ARGS(RS_SCRIPT_V(0)));
}

// Each thread's block begins with its own address. GDB's gcore has lost
// stacks with their threads' blocks, and left zeros.
// Source: glibc sysdeps/x86_64/nptl/tls.h, musl arch/x86_64: tcb, self.
static bool is_there(const struct rs_cpython *py, const struct rs_thread *own)
{
	uint64_t self = 0;

	return own && own->fs_base && own->sp &&
	       rs_memory_u64(py->base.memory, own->fs_base, &self) &&
	       self == own->fs_base;
}

static struct rs_error *
no_thread(const struct rs_cpython *py, const struct rs_thread *own)
{
	if (!own || !own->fs_base)
		return rs_error_new(RS_EUNSUPPORTED,
				    "CPython %s: the registers of the thread "
				    "that would run its code are not known",
				    py->version_text);
	return rs_error_new(RS_EUNSUPPORTED,
			    "CPython %s: the core lacks the memory of thread "
			    "%lld, which would run its code; gcore may leave "
			    "stacks out, a core that the kernel writes has "
			    "them",
			    py->version_text, (long long)own->tid);
}

static struct rs_error *
no_interpreter(const struct rs_cpython *py, int64_t wanted)
{
	return rs_error_new(RS_ENOTFOUND,
			    "CPython %s: there is no interpreter %lld with a "
			    "thread (refs info lists them)",
			    py->version_text, (long long)wanted);
}

static bool is_wanted(const struct rs_cpython *py,
		      const struct rs_py_thread *thread, int64_t interpreter)
{
	if (interpreter < 0)
		return !thread->interpreter;
	return py->interpreter[thread->interpreter].id == interpreter;
}

// Whether the thread has the lock that the wanted interpreter needs.
static bool has_its_lock(const struct rs_cpython *py,
			 const struct rs_py_thread *thread, int64_t interpreter)
{
	uint64_t gil = 0;

	if (!thread->holds_gil)
		return false;
	if (interpreter < 0 || py->version < RS_PY(3, 12))
		return true;
	for (unsigned i = 0; i < py->interpreters; i++)
		if (py->interpreter[i].id == interpreter)
			gil = rs_py_get(py, py->interpreter[i].address,
					RS_F__is__ceval__gil);
	return gil == rs_py_get(py,
				py->interpreter[thread->interpreter].address,
				RS_F__is__ceval__gil);
}

// The thread that has the lock, or the first of them all. With an interpreter
// that is wanted: a thread of it; while one of another has their lock, that
// one, which then changes to it.
static struct rs_error *choose_among(struct rs_cpython *py,
				     const struct rs_vec *threads,
				     int64_t interpreter, struct runner *ret)
{
	const struct rs_py_thread *thread =
		rs_vec_items(threads, struct rs_py_thread);
	const struct rs_thread *first = NULL;
	uint64_t enter = 0;

	// New ones come in front.
	for (size_t i = 0; i < rs_vec_count(threads, struct rs_py_thread);
	     i++) {
		const struct rs_thread *own = rs_py_os_thread(py, &thread[i]);
		const bool wanted = is_wanted(py, &thread[i], interpreter);
		const bool holds = has_its_lock(py, &thread[i], interpreter);

		if (wanted && (is_there(py, own) || !enter)) {
			enter = thread[i].address;
			first = own;
			ret->interpreter = thread[i].interpreter;
		}
		if (!holds)
			continue;
		ret->own = own;
		ret->held = true;
		if (!wanted && interpreter >= 0)
			continue;
		ret->interpreter = thread[i].interpreter;
		return NULL;
	}
	if (!enter)
		return no_interpreter(py, interpreter < 0 ? 0 : interpreter);
	if (!ret->held)
		ret->own = first;
	if (ret->held || interpreter > 0)
		ret->enter = enter;
	return NULL;
}

static struct rs_error *
choose_thread(struct rs_cpython *py, int64_t interpreter, struct runner *ret)
{
	struct rs_vec threads = {0};
	struct rs_error *err = rs_py_threads(py, &threads);

	*ret = (struct runner){0};
	if (!err)
		err = choose_among(py, &threads, interpreter, ret);
	rs_vec_fini(&threads);
	if (!err && !is_there(py, ret->own))
		err = no_thread(py, ret->own);
	return err;
}

// Write all twice: the first time tells where the steps for an exception are.
static void write_script(struct rs_py_script *s, const struct runner *who,
			 const struct rs_py_script_options *how)
{
	for (int i = 0; i < 2 && !s->err; i++) {
		rs_image_call_fini(&s->call);
		s->call.steps = 0;
		for (unsigned k = 0; k < sizeof(s->slot) / sizeof(*s->slot);
		     k++)
			s->slot[k] = rs_script_place(s, NULL, sizeof(uint64_t));
		add_no_collections(s, who->interpreter, how->switched_off);
		add_lock(s, who);
		how->write(s, how->context);
		if (!i)
			s->fail = (uint8_t)s->call.steps;
	}
	write_error(s);
}

static struct rs_error *run(struct rs_py_script *s, const struct runner *who,
			    const struct rs_py_script_options *how,
			    struct rs_image_called *ret)
{
	const struct rs_image_options *limits = how->limits;
	const uint32_t most = UINT32_MAX / RS_CALL_WALL_FACTOR;
	const uint32_t ms = limits->object_ms < most ? limits->object_ms : most;
	const struct rs_image_options options = {
		.fs_base = who->own->fs_base,
		.stack = who->own->sp,
		.object_ms = ms,
		.total_ms = ms * RS_CALL_WALL_FACTOR,
		.memory = limits->memory,
		.run = true,
	};
	struct rs_process_image *image = NULL;
	struct rs_error *err;

	write_script(s, who, how);
	s->call.stack = who->own->sp;
	s->call.progress = how->progress;
	if (!(err = s->err))
		err = rs_image_from_core(s->py->base.memory, &options, &image);
	if (!err)
		err = rs_image_do_call(image, &s->call, ret);
	rs_image_close(image);
	return err;
}

struct rs_error *rs_script_run(struct rs_cpython *py,
			       const struct rs_py_script_options *how,
			       struct rs_image_called *ret)
{
	struct rs_py_script s = {.py = py};
	struct runner who;

	if (py->threaded)
		return rs_error_new(RS_EUNSUPPORTED,
				    "CPython %s: code of a free-threaded build "
				    "cannot be run, because its other threads "
				    "may hold locks",
				    py->version_text);
	struct rs_error *err = choose_thread(py, how->interpreter, &who);
	if (!err && who.own)
		err = run(&s, &who, how, ret);
	rs_image_call_fini(&s.call);
	return err;
}
