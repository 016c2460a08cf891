// SPDX-License-Identifier: MIT
//
// References that are not in objects: fields of interpreters and threads,
// frames that are being executed, and static C variables.
//
// Only counted references are roots. These fields are left out because they are
// not counted: pyexitmodule, callable_cache, common_consts and objreduce
// (borrowed), slice_cache (an object that has been freed), delete_later
// (objects about to be freed).
#include "runtime/cpython/roots/roots.h"

#include <stdio.h>

static const struct rs_py_root_field interpreter_fields[] = {
	{RS_F__is__modules, "sys.modules"},
	{RS_F__is__imports__modules, "sys.modules"},
	{RS_F__is__modules_reloading, "modules being reloaded"},
	{RS_F__is__modules_by_index, "modules by index"},
	{RS_F__is__imports__modules_by_index, "modules by index"},
	{RS_F__is__sysdict, "sys.__dict__"},
	{RS_F__is__sysdict_copy, "first copy of sys.__dict__"},
	{RS_F__is__builtins, "builtins.__dict__"},
	{RS_F__is__builtins_copy, "first copy of builtins.__dict__"},
	{RS_F__is__importlib, "importlib"},
	{RS_F__is__imports__importlib, "importlib"},
	{RS_F__is__import_func, "__import__"},
	{RS_F__is__imports__import_func, "__import__"},
	{RS_F__is__imports__lazy_import_func, "__lazy_import__"},
	{RS_F__is__imports__lazy_imports_filter, "filter of lazy imports"},
	{RS_F__is__imports__lazy_modules, "sys.lazy_modules"},
	{RS_F__is__imports__lazy_pending_submodules,
	 "submodules of lazy imports"},
	{RS_F__is__codec_search_path, "codec search functions"},
	{RS_F__is__codecs__search_path, "codec search functions"},
	{RS_F__is__codec_search_cache, "codec cache"},
	{RS_F__is__codecs__search_cache, "codec cache"},
	{RS_F__is__codec_error_registry, "codec error handlers"},
	{RS_F__is__codecs__error_registry, "codec error handlers"},
	{RS_F__is__dict, "dict for extensions"},
	{RS_F__is__before_forkers, "os.register_at_fork(before)"},
	{RS_F__is__after_forkers_parent,
	 "os.register_at_fork(after_in_parent)"},
	{RS_F__is__after_forkers_child, "os.register_at_fork(after_in_child)"},
	{RS_F__is__audit_hooks, "sys.addaudithook"},
	{RS_F__is__warnings__filters, "warnings.filters"},
	{RS_F__is__warnings__once_registry, "warnings.onceregistry"},
	{RS_F__is__warnings__default_action, "warnings.defaultaction"},
	{RS_F__is__warnings__context, "warnings context"},
	{RS_F__is__exc_state__errnomap, "exceptions by errno"},
	{RS_F__is__exc_state__PyExc_ExceptionGroup, "ExceptionGroup"},
	{RS_F__is__unicode__empty_string, "empty str"},
	{RS_F__is__cached_objects__interned_strings, "interned strings"},
	{RS_F__is__cached_objects__str_replace_inf, "cached str"},
	{RS_F__is__cached_objects__type_slots_pname, "cached name of a slot"},
	{RS_F__is__cached_objects__generic_type, "typing.Generic"},
	{RS_F__is__cached_objects__typevar_type, "typing.TypeVar"},
	{RS_F__is__cached_objects__typevartuple_type, "typing.TypeVarTuple"},
	{RS_F__is__cached_objects__paramspec_type, "typing.ParamSpec"},
	{RS_F__is__cached_objects__paramspecargs_type, "typing.ParamSpecArgs"},
	{RS_F__is__cached_objects__paramspeckwargs_type,
	 "typing.ParamSpecKwargs"},
	{RS_F__is__cached_objects__constevaluator_type,
	 "typing constevaluator"},
	{RS_F__is__cached_objects__dict_descriptor, "descriptor of __dict__"},
	{RS_F__is__cached_objects__weakref_descriptor,
	 "descriptor of __weakref__"},
};

// In 3.7 they are in _PyRuntime.
static const struct rs_py_root_field runtime_fields[] = {
	{RS_F_pyruntimestate__warnings__filters, "warnings.filters"},
	{RS_F_pyruntimestate__warnings__once_registry, "warnings.onceregistry"},
	{RS_F_pyruntimestate__warnings__default_action,
	 "warnings.defaultaction"},
};

// Arrays of objects that are created once: one reference to each.
static const struct {
	enum rs_field field, count;
	const char *name;
} interpreter_arrays[] = {
	{RS_F__is__small_ints, RS_F__is__small_ints__count, "small int"},
	{RS_F__is__unicode__latin1, RS_F__is__unicode__latin1__count,
	 "one-character str"},
	{RS_F__is__bytes__characters, RS_F__is__bytes__characters__count,
	 "one-byte bytes"},
};

static const struct rs_py_root_field thread_fields[] = {
	{RS_F__ts__dict, "dict"},
	{RS_F__ts__curexc_type, "raised exception's type"},
	{RS_F__ts__curexc_value, "raised exception"},
	{RS_F__ts__curexc_traceback, "raised exception's traceback"},
	{RS_F__ts__current_exception, "raised exception"},
	{RS_F__ts__exc_type, "handled exception's type"},
	{RS_F__ts__exc_value, "handled exception"},
	{RS_F__ts__exc_traceback, "handled exception's traceback"},
	{RS_F__ts__exc_state__exc_type, "handled exception's type"},
	{RS_F__ts__exc_state__exc_value, "handled exception"},
	{RS_F__ts__exc_state__exc_traceback, "handled exception's traceback"},
	{RS_F__ts__async_exc, "exception to raise in it"},
	{RS_F__ts__c_profileobj, "profile function"},
	{RS_F__ts__c_traceobj, "trace function"},
	{RS_F__ts__coroutine_wrapper, "coroutine wrapper"},
	{RS_F__ts__async_gen_firstiter, "asyncgen first iteration hook"},
	{RS_F__ts__async_gen_finalizer, "asyncgen finalizer hook"},
	{RS_F__ts__context, "context"},
	{RS_F__ts__on_delete_data, "lock that its end releases"},
	{RS_F__ts__threading_local_key, "key of its threading.local data"},
	{RS_F__ts__threading_local_sentinel, "threading.local sentinel"},
	{RS_F__PyThreadStateImpl__lazy_imports, "lazy imports being resolved"},
};

// With several interpreters, add which one it is.
static void interpreter_name(const struct rs_py_roots *r, unsigned i,
			     const char *what, char *buf, size_t size)
{
	if (r->py->interpreters > 1)
		(void)snprintf(buf, size, "%s of interpreter %lld", what,
			       (long long)r->py->interpreter[i].id);
	else
		(void)snprintf(buf, size, "%s", what);
}

static struct rs_error *
add_fields(struct rs_py_roots *r, uint64_t base, unsigned interpreter,
	   const struct rs_py_root_field *field, size_t fields)
{
	char name[RS_PY_ROOT_TEXT];
	struct rs_error *err = NULL;

	for (size_t i = 0; !err && i < fields; i++) {
		const int32_t at = rs_py_off(r->py, field[i].field);

		if (at < 0)
			continue;
		interpreter_name(r, interpreter, field[i].name, name,
				 sizeof(name));
		err = rs_py_root_add(r, base + (uint64_t)at,
				     RS_ROOT_INTERPRETER, name);
	}
	return err;
}

static struct rs_error *
add_arrays(struct rs_py_roots *r, uint64_t interpreter, unsigned number)
{
	struct rs_error *err = NULL;

	for (size_t i = 0;
	     i < sizeof(interpreter_arrays) / sizeof(*interpreter_arrays);
	     i++) {
		const int32_t at =
			rs_py_off(r->py, interpreter_arrays[i].field);
		const int32_t count =
			rs_py_off(r->py, interpreter_arrays[i].count);
		char name[RS_PY_ROOT_TEXT];

		interpreter_name(r, number, interpreter_arrays[i].name, name,
				 sizeof(name));
		for (int32_t k = 0; at >= 0 && k < count && !err; k++)
			err = rs_py_root_add(
				r, interpreter + (uint64_t)at + 8 * (uint64_t)k,
				RS_ROOT_INTERPRETER, name);
	}
	return err;
}

// 3.10 to 3.13: a C array of pointers to {func, args, kwargs}; 3.14: a list.
static struct rs_error *add_atexit(struct rs_py_roots *r, uint64_t interpreter)
{
	static const enum rs_field parts[] = {RS_F_atexit_callback__func,
					      RS_F_atexit_callback__args,
					      RS_F_atexit_callback__kwargs};
	struct rs_cpython *py = r->py;
	const int32_t at = rs_py_off(py, RS_F__is__atexit__callbacks);
	const int32_t count_at = rs_py_off(py, RS_F__is__atexit__ncallbacks);
	uint32_t count = 0;
	struct rs_error *err = NULL;

	if (at < 0)
		return NULL;
	if (py->version >= RS_PY(3, 14))
		return rs_py_root_add(r, interpreter + (uint64_t)at,
				      RS_ROOT_INTERPRETER, "atexit callbacks");
	const uint64_t array =
		rs_py_get(py, interpreter, RS_F__is__atexit__callbacks);
	if (count_at < 0 || !array ||
	    !rs_memory_u32(py->base.memory, interpreter + (uint64_t)count_at,
			   &count))
		return NULL;
	if (count > RS_PY_MAX_CALLBACKS) {
		rs_memory_gap(py->base.memory,
			      "CPython %s: its number of atexit callbacks, %u, "
			      "is damaged; references from them are missing",
			      py->version_text, count);
		return NULL;
	}
	for (uint32_t i = 0; i < count && !err; i++) {
		uint64_t callback = 0;

		if (!rs_memory_u64(py->base.memory, array + 8 * (uint64_t)i,
				   &callback) ||
		    !callback)
			continue;
		for (size_t k = 0; k < 3 && !err; k++)
			err = rs_py_root_add(
				r, callback + (uint64_t)rs_py_off(py, parts[k]),
				RS_ROOT_INTERPRETER, "atexit callback");
	}
	return err;
}

static struct rs_error *add_gc(struct rs_py_roots *r, unsigned interpreter)
{
	struct rs_cpython *py = r->py;
	struct rs_py_gcstate state;
	char name[RS_PY_ROOT_TEXT];
	struct rs_error *err;

	rs_py_gcstate(py, interpreter, &state);
	// The address of the old static variables is not known, and not needed.
	interpreter_name(r, interpreter, "gc.garbage", name, sizeof(name));
	err = rs_roots_add(r->roots, state.garbage, 0, RS_ROOT_INTERPRETER, 0,
			   RS_NONE, "%s", name);
	interpreter_name(r, interpreter, "gc.callbacks", name, sizeof(name));
	if (!err && state.callbacks)
		err = rs_roots_add(r->roots, state.callbacks, 0,
				   RS_ROOT_INTERPRETER, 0, RS_NONE, "%s", name);
	return err;
}

static struct rs_error *
add_monitoring(struct rs_py_roots *r, uint64_t at, unsigned interpreter)
{
	char callback[RS_PY_ROOT_TEXT], tool[RS_PY_ROOT_TEXT];

	interpreter_name(r, interpreter, "sys.monitoring callback", callback,
			 sizeof(callback));
	interpreter_name(r, interpreter, "name of a sys.monitoring tool", tool,
			 sizeof(tool));
	return rs_py_monitoring_roots(r, at, callback, tool);
}

static struct rs_error *add_interpreters(struct rs_py_roots *r)
{
	struct rs_error *err = NULL;

	if (r->py->runtime)
		err = add_fields(r, r->py->runtime, 0, runtime_fields,
				 sizeof(runtime_fields) /
					 sizeof(*runtime_fields));
	for (unsigned i = 0; i < r->py->interpreters && !err; i++) {
		const uint64_t at = r->py->interpreter[i].address;

		if ((err = add_fields(r, at, i, interpreter_fields,
				      sizeof(interpreter_fields) /
					      sizeof(*interpreter_fields))) ||
		    (err = add_arrays(r, at, i)) || (err = add_atexit(r, at)) ||
		    (err = add_gc(r, i)) || (err = add_monitoring(r, at, i)))
			return err;
	}
	return err;
}

static struct rs_error *
add_thread(struct rs_py_roots *r, const struct rs_py_thread *thread)
{
	char who[64], name[RS_PY_ROOT_TEXT];
	struct rs_error *err = NULL;

	rs_py_thread_text(thread, who, sizeof(who));
	for (size_t i = 0; i < sizeof(thread_fields) / sizeof(*thread_fields);
	     i++) {
		const int32_t at = rs_py_off(r->py, thread_fields[i].field);

		if (at < 0)
			continue;
		(void)snprintf(name, sizeof(name), "%s: %s", who,
			       thread_fields[i].name);
		err = rs_py_root_add(r, thread->address + (uint64_t)at,
				     RS_ROOT_THREAD, name);
		if (err)
			break;
	}
	return err;
}

// Write `f (x.py:3)`, the line that @p thread executes, the n-th of all.
static void
place_of(struct rs_cpython *py, uint32_t thread, char *buf, size_t size)
{
	struct rs_vec frames = {0};
	struct rs_error *err = rs_py_frames(py, &frames);
	const struct rs_py_frame *frame =
		rs_vec_items(&frames, struct rs_py_frame);
	const size_t n = err ? 0 : rs_vec_count(&frames, struct rs_py_frame);
	char function[128];

	(void)snprintf(buf, size, "no Python code");
	for (size_t i = 0; i < n; i++) {
		if (frame[i].thread != thread)
			continue;
		if (!rs_py_string(py,
				  rs_py_get(py, frame[i].code,
					    RS_F_PyCodeObject__co_name),
				  function, sizeof(function)))
			(void)snprintf(function, sizeof(function), "?");
		const uint32_t line = rs_py_frame_line(py, &frame[i]);
		if (line)
			(void)snprintf(buf, size, "%s, line %u", function,
				       line);
		else
			(void)snprintf(buf, size, "%s, line ?", function);
		break;
	}
	rs_error_free(err);
	rs_vec_fini(&frames);
}

// Write `, waits in futex, for 12 s`, as far as it is known.
static void wait_text(struct rs_cpython *py, const struct rs_py_thread *thread,
		      char *buf, size_t size)
{
	enum { RS_NS = 1000000000, RS_MS = 1000000 };
	struct rs_py_wait wait;
	int n = 0;

	*buf = 0;
	rs_py_wait(py, thread, &wait);
	if (wait.name)
		n = snprintf(buf, size, ", waits in %s", wait.name);
	else if (wait.call >= 0)
		n = snprintf(buf, size, ", waits in system call %lld",
			     (long long)wait.call);
	if (wait.for_ns >= 0 && n > 0 && (size_t)n < size)
		(void)snprintf(buf + n, size - (size_t)n, ", for %lld.%03lld s",
			       (long long)(wait.for_ns / RS_NS),
			       (long long)(wait.for_ns % RS_NS / RS_MS));
}

// Objects that nothing else may hold, until the thread goes on.
static struct rs_error *
add_merge_queue(struct rs_py_roots *r, const struct rs_py_thread *thread)
{
	struct rs_vec slots = {0};
	struct rs_error *err = rs_py_merge_queue(r->py, thread, &slots);
	const uint64_t *slot = rs_vec_items(&slots, uint64_t);
	const size_t n = rs_vec_count(&slots, uint64_t);
	char who[64], place[192], wait[96], name[RS_PY_ROOT_TEXT];

	if (n && !err) {
		rs_py_thread_text(thread, who, sizeof(who));
		place_of(r->py, r->thread, place, sizeof(place));
		wait_text(r->py, thread, wait, sizeof(wait));
		(void)snprintf(name, sizeof(name),
			       "%s: merge queue (%zu objects wait until it "
			       "goes on; it is in %s%s)",
			       who, n, place, wait);
	}
	for (size_t i = 0; i < n && !err; i++)
		err = rs_py_root_add(r, slot[i], RS_ROOT_THREAD, name);
	rs_vec_fini(&slots);
	return err;
}

static struct rs_error *add_threads(struct rs_py_roots *r)
{
	struct rs_vec threads = {0};
	struct rs_error *err = rs_py_threads(r->py, &threads);
	const struct rs_py_thread *thread =
		rs_vec_items(&threads, struct rs_py_thread);
	const size_t n = rs_vec_count(&threads, struct rs_py_thread);

	for (size_t i = 0; i < n && !err; i++) {
		r->thread = (unsigned)i;
		err = add_thread(r, &thread[i]);
		if (!err)
			err = add_merge_queue(r, &thread[i]);
	}
	rs_vec_fini(&threads);
	return err;
}

struct rs_error *rs_py_roots(struct rs_runtime *rt, struct rs_roots *roots)
{
	struct rs_py_roots r = {.py = rs_cpython(rt), .roots = roots};
	struct rs_error *err;

	if ((err = add_interpreters(&r)) || (err = add_threads(&r)) ||
	    (err = rs_py_frame_roots(&r)))
		return err;
	return rs_py_static_roots(&r);
}
