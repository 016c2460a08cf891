// SPDX-License-Identifier: MIT
//
// Lists of C API calls for an image to work through. They use what every
// version from 2.7 to 3.15 exports, nothing else; 2.7 has other names for
// bytes.
#include "runtime/cpython/ask/python_call.h"
#include "runtime/cpython/state/discover.h"
#include "sandbox/guest/embed.h"

extern const char rs_eval_source[];
extern const char rs_eval_source_end[];
RS_EMBED("rs_eval_source", RS_EMBED_FILE(RS_EVAL_SOURCE));

enum {
	RS_CALL_WALL_FACTOR = 10, // wall time over processor time
	RS_FILE_INPUT = 257, // Source: CPython Include/compile.h, all versions
};

/** A list being written. The first failure is kept, the rest passed over. */
struct rs_py_script {
	struct rs_cpython *py;
	struct rs_image_call call;
	struct rs_error *err;
	uint64_t slot[5]; // places of words that functions fill in
	uint8_t fail; // where the steps for an exception will be
};

struct rs_py_arg {
	uint64_t value;
	uint8_t from;
};

#define V(x) ((struct rs_py_arg){(x), RS_CALL_VALUE})
#define R(x) ((struct rs_py_arg){(x), RS_CALL_RESULT})
#define P(x) ((struct rs_py_arg){(x), RS_CALL_PLACE})
#define W(x) ((struct rs_py_arg){(x), RS_CALL_WORD})
#define ARGS(...) ((const struct rs_py_arg[RS_CALL_ARGS]){__VA_ARGS__})

static bool is_2(const struct rs_py_script *s)
{
	return s->py->version < RS_PY(3, 0);
}

// Add a step; it goes on to the one after it, whatever comes of it.
static unsigned
add(struct rs_py_script *s, const char *name, const struct rs_py_arg *args)
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

// As add(), for a function that returns NULL when it raises.
static unsigned
need(struct rs_py_script *s, const char *name, const struct rs_py_arg *args)
{
	const unsigned n = add(s, name, args);

	s->call.step[n].if_zero = s->fail;
	return n;
}

// As add(), for a function that returns 0, or -1 when it raises.
static void
zero(struct rs_py_script *s, const char *name, const struct rs_py_arg *args)
{
	const unsigned n = add(s, name, args);

	s->call.step[n].flags |= RS_CALL_INT;
	s->call.step[n].next = s->fail;
}

static uint64_t place(struct rs_py_script *s, const void *bytes, size_t size)
{
	uint64_t at = 0;

	if (!s->err)
		s->err = rs_image_call_data(&s->call, bytes, size, &at);
	return at;
}

static struct rs_py_arg text(struct rs_py_script *s, const char *words)
{
	return P(place(s, words, strlen(words)));
}

// Copy the bytes object that is the result of step @p n to text @p number.
static void add_copy(struct rs_py_script *s, unsigned n, unsigned number)
{
	zero(s,
	     is_2(s) ? "PyString_AsStringAndSize" : "PyBytes_AsStringAndSize",
	     ARGS(R(n), P(s->slot[3]), P(s->slot[4])));
	(void)add(s, NULL, ARGS(W(s->slot[3]), W(s->slot[4]), V(number)));
}

// The same of a str. A lone surrogate in it becomes an escape.
static void add_copy_str(struct rs_py_script *s, unsigned n, unsigned number)
{
	if (!is_2(s))
		n = need(s, "PyUnicode_AsEncodedString",
			 ARGS(R(n), text(s, "utf-8"),
			      text(s, "backslashreplace")));
	add_copy(s, n, number);
}

// From here on what was raised, if something was, is told.
static void write_error(struct rs_py_script *s)
{
	unsigned n;

	if (!s->err && s->fail != s->call.steps) // what went before is wrong
		s->err = rs_error_new(RS_EUNSUPPORTED,
				      "refscope's plan of a call has %u steps, "
				      "not %u; please report this",
				      s->call.steps, s->fail);
	s->fail = RS_CALL_END;
	(void)need(s, "PyErr_Occurred", ARGS(V(0)));
	(void)add(s, "PyErr_Fetch",
		  ARGS(P(s->slot[0]), P(s->slot[1]), P(s->slot[2])));
	(void)add(s, "PyErr_NormalizeException",
		  ARGS(P(s->slot[0]), P(s->slot[1]), P(s->slot[2])));
	n = need(s, "PyObject_GetAttrString",
		 ARGS(W(s->slot[0]), text(s, "__name__")));
	add_copy_str(s, n, RS_RUN_ERROR);
	n = need(s, "PyObject_Str", ARGS(W(s->slot[1])));
	add_copy_str(s, n, RS_RUN_MESSAGE);
}

// Get the interpreter's lock, if nobody has it. A thread that has it may have
// been told to let go for another, which would never come: letting go then
// waits, for which it is stopped, but the wish is forgotten by then.
static void add_lock(struct rs_py_script *s, bool held)
{
	unsigned state;

	if (held) {
		state = add(s, "PyThreadState_Get", ARGS(V(0)));
		const unsigned n = add(s, "PyEval_SaveThread", ARGS(V(0)));
		s->call.step[n].flags |= RS_CALL_MAY_STOP;
		(void)add(s, "PyEval_RestoreThread", ARGS(R(state)));
	} else {
		(void)add(s, "PyGILState_Ensure", ARGS(V(0)));
	}
	// An exception that was on its way stays out of it.
	(void)add(s, "PyErr_Fetch",
		  ARGS(P(s->slot[0]), P(s->slot[1]), P(s->slot[2])));
}

static void write_repr(struct rs_py_script *s, uint64_t object)
{
	const unsigned n = need(s, "PyObject_Repr", ARGS(V(object)));

	add_copy_str(s, n, RS_RUN_VALUE);
	(void)add(s, "PyErr_Clear", ARGS(V(0)));
}

static void set(struct rs_py_script *s, unsigned dict, const char *key,
		struct rs_py_arg value)
{
	zero(s, "PyDict_SetItemString", ARGS(R(dict), text(s, key), value));
}

static void
write_eval(struct rs_py_script *s, const char *code, uint64_t object)
{
	static const char *const told[] = {"printed", "value", "error",
					   "message"};
	const uint64_t size = strlen(code);
	const uint64_t at = place(s, code, size);
	const uint64_t source =
		place(s, rs_eval_source,
		      (size_t)(rs_eval_source_end - rs_eval_source));
	const unsigned dict = need(s, "PyDict_New", ARGS(V(0)));
	const unsigned modules = need(s, "PyImport_GetModuleDict", ARGS(V(0)));
	unsigned n;

	set(s, dict, "modules", R(modules));
	n = need(s, "PyDict_GetItemString",
		 ARGS(R(modules),
		      text(s, is_2(s) ? "__builtin__" : "builtins")));
	set(s, dict, "__builtins__", R(n));
	n = need(s,
		 is_2(s) ? "PyString_FromStringAndSize"
			 : "PyBytes_FromStringAndSize",
		 ARGS(P(at), V(size)));
	set(s, dict, "code", R(n));
	if (object)
		set(s, dict, "obj", V(object));
	(void)need(s, "PyRun_StringFlags",
		   ARGS(P(source), V(RS_FILE_INPUT), R(dict), R(dict), V(0)));
	for (unsigned i = 0; i < sizeof(told) / sizeof(*told); i++) {
		n = add(s, "PyDict_GetItemString",
			ARGS(R(dict), text(s, told[i])));
		add_copy(s, n, i);
		s->call.step[n].if_zero = (uint8_t)s->call.steps;
	}
	(void)add(s, "PyErr_Clear", ARGS(V(0)));
}

// Write all twice: the first time tells where the steps for an exception are.
static void write_script(struct rs_py_script *s, bool held, const char *code,
			 uint64_t object)
{
	for (int i = 0; i < 2 && !s->err; i++) {
		rs_image_call_fini(&s->call);
		s->call.steps = 0;
		for (unsigned k = 0; k < sizeof(s->slot) / sizeof(*s->slot);
		     k++)
			s->slot[k] = place(s, NULL, sizeof(uint64_t));
		add_lock(s, held);
		if (code)
			write_eval(s, code, object);
		else
			write_repr(s, object);
		if (!i)
			s->fail = (uint8_t)s->call.steps;
	}
	write_error(s);
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

// Who runs the code: the thread that has the lock, or the first of them all.
static struct rs_error *
choose_thread(struct rs_cpython *py, const struct rs_thread **ret, bool *held)
{
	struct rs_vec threads = {0};
	struct rs_error *err = rs_py_threads(py, &threads);
	const struct rs_py_thread *thread =
		rs_vec_items(&threads, struct rs_py_thread);

	*ret = NULL;
	*held = false;
	// New ones come in front.
	for (size_t i = 0;
	     !err && !*held && i < rs_vec_count(&threads, struct rs_py_thread);
	     i++) {
		const struct rs_thread *own = rs_py_os_thread(py, &thread[i]);

		if (thread[i].holds_gil ||
		    (!thread[i].interpreter && (is_there(py, own) || !*ret)))
			*ret = own;
		*held = thread[i].holds_gil;
	}
	rs_vec_fini(&threads);
	if (!err && !is_there(py, *ret))
		err = no_thread(py, *ret);
	return err;
}

static struct rs_error *
run(struct rs_cpython *py, const char *code, uint64_t object,
    const struct rs_image_options *limits, const struct rs_progress *progress,
    struct rs_image_called *ret)
{
	struct rs_py_script s = {.py = py};
	struct rs_process_image *image = NULL;
	const struct rs_thread *thread = NULL;
	bool held = false;
	struct rs_error *err = choose_thread(py, &thread, &held);

	if (err || !thread)
		return err;
	const uint32_t most = UINT32_MAX / RS_CALL_WALL_FACTOR;
	const uint32_t ms = limits->object_ms < most ? limits->object_ms : most;
	const struct rs_image_options options = {
		.fs_base = thread->fs_base,
		.stack = thread->sp,
		.object_ms = ms,
		.total_ms = ms * RS_CALL_WALL_FACTOR,
		.memory = limits->memory,
		.run = true,
	};
	write_script(&s, held, code, object);
	s.call.stack = thread->sp;
	s.call.progress = progress;
	if (!(err = s.err))
		err = rs_image_from_core(py->base.memory, &options, &image);
	if (!err)
		err = rs_image_do_call(image, &s.call, ret);
	rs_image_close(image);
	rs_image_call_fini(&s.call);
	return err;
}

struct rs_error *
rs_py_run(struct rs_runtime *rt, const char *code, uint64_t object,
	  const struct rs_image_options *limits,
	  const struct rs_progress *progress, struct rs_image_called *ret)
{
	struct rs_cpython *py = rs_cpython(rt);

	if (py->threaded)
		return rs_error_new(RS_EUNSUPPORTED,
				    "CPython %s: code of a free-threaded build "
				    "cannot be run, because its other threads "
				    "may hold locks",
				    py->version_text);
	return run(py, code, object, limits, progress, ret);
}
