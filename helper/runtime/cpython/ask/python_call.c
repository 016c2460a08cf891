// SPDX-License-Identifier: MIT
//
// repr() and code of the user, for an image of a core to run.
#include "runtime/cpython/ask/python_call.h"

#include "runtime/cpython/ask/python_script.h"
#include "sandbox/guest/embed.h"

extern const char rs_eval_source[];
extern const char rs_eval_source_end[];
RS_EMBED("rs_eval_source",
	 RS_EMBED_FILE(RS_OUTPUT_SOURCE) RS_EMBED_FILE(RS_EVAL_SOURCE));

/** What is run. */
struct py_call {
	const char *code; // NULL: repr(object)
	uint64_t object;
};

static void write_repr(struct rs_py_script *s, uint64_t object)
{
	const unsigned n = rs_script_need(s, "PyObject_Repr",
					  RS_SCRIPT_ARGS(RS_SCRIPT_V(object)));

	rs_script_copy_str(s, n, RS_RUN_VALUE);
	(void)rs_script_add(s, "PyErr_Clear", RS_SCRIPT_ARGS(RS_SCRIPT_V(0)));
}

static void
write_eval(struct rs_py_script *s, const char *code, uint64_t object)
{
	const uint64_t size = strlen(code);
	const uint64_t at = rs_script_place(s, code, size);
	const unsigned dict = rs_script_scope(s);
	const unsigned n = rs_script_need(
		s,
		rs_script_is_2(s) ? "PyString_FromStringAndSize"
				  : "PyBytes_FromStringAndSize",
		RS_SCRIPT_ARGS(RS_SCRIPT_P(at), RS_SCRIPT_V(size)));

	rs_script_set(s, dict, "code", RS_SCRIPT_R(n));
	if (object)
		rs_script_set(s, dict, "obj", RS_SCRIPT_V(object));
	rs_script_source(s, dict, rs_eval_source, rs_eval_source_end);
	rs_script_switch_on(s);
	rs_script_function(s, dict, "finish");
	rs_script_take(s, dict);
}

static void write_call(struct rs_py_script *s, const void *context)
{
	const struct py_call *call = context;

	if (call->code)
		write_eval(s, call->code, call->object);
	else
		write_repr(s, call->object);
}

struct rs_error *
rs_py_run(struct rs_runtime *rt, const char *code, uint64_t object,
	  int64_t interpreter, const struct rs_image_options *limits,
	  const struct rs_progress *progress, struct rs_image_called *ret)
{
	const struct py_call call = {code, object};
	const struct rs_py_script_options how = {
		.interpreter = interpreter,
		.write = write_call,
		.context = &call,
		.limits = limits,
		.progress = progress,
	};

	return rs_script_run(rs_cpython(rt), &how, ret);
}
