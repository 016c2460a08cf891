// SPDX-License-Identifier: MIT
#include "runtime/cpython/ask/rehearse_call.h"

#include "base/cleanup.h"
#include "runtime/cpython/ask/python_script.h"
#include "sandbox/guest/embed.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

extern const char rs_rehearse_source[];
extern const char rs_rehearse_source_end[];
RS_EMBED("rs_rehearse_source",
	 RS_EMBED_FILE(RS_OUTPUT_SOURCE) RS_EMBED_FILE(RS_REHEARSE_SOURCE));

enum { RS_ADDRESS_TEXT = 20 }; // bytes of " 0x7f.." in text

struct rehearse_call {
	const struct rs_rehearsal *what;
	const char *drop; // for rehearse.py
	char *watch; // owned
	char generation[16];
	char place[256]; // an index, or the name of a field
	bool cell; // it is the contents of a cell
};

static const char *drop_word(const struct rs_rehearsal *what)
{
	if (!what->holder)
		return "";
	switch (what->label.kind) {
	case RS_LABEL_ATTR:
		return "attribute";
	case RS_LABEL_KEY:
		return "key";
	case RS_LABEL_INDEX:
		return "index";
	case RS_LABEL_MEMBER:
		return "member";
	case RS_LABEL_FIELD:
		return "field";
	case RS_LABEL_DICT:
		return "dict";
	default:
		return NULL;
	}
}

static void set_bytes(struct rs_py_script *s, unsigned dict, const char *key,
		      const char *text)
{
	const unsigned n =
		rs_script_need(s,
			       rs_script_is_2(s) ? "PyString_FromStringAndSize"
						 : "PyBytes_FromStringAndSize",
			       RS_SCRIPT_ARGS(rs_script_text(s, text),
					      RS_SCRIPT_V(strlen(text))));

	rs_script_set(s, dict, key, RS_SCRIPT_R(n));
}

static void write_call(struct rs_py_script *s, const void *context)
{
	const struct rehearse_call *call = context;
	const struct rs_rehearsal *what = call->what;
	const unsigned dict = rs_script_scope(s);
	const uint32_t kind = what->label.kind;

	set_bytes(s, dict, "generation", call->generation);
	set_bytes(s, dict, "what", call->drop);
	set_bytes(s, dict, "place", call->place);
	set_bytes(s, dict, "watch", call->watch);
	if (what->holder && !call->cell)
		rs_script_set(s, dict, "holder", RS_SCRIPT_V(what->holder));
	if (what->holder && kind == RS_LABEL_MEMBER)
		rs_script_set(s, dict, "target", RS_SCRIPT_V(what->target));
	if (what->holder && (kind == RS_LABEL_ATTR || kind == RS_LABEL_KEY))
		rs_script_set(s, dict, "key", RS_SCRIPT_V(what->label.a));
	rs_script_source(s, dict, rs_rehearse_source, rs_rehearse_source_end);
	// Before 3.7 code in Python cannot do this.
	if (call->cell)
		rs_script_zero(s, "PyCell_Set",
			       RS_SCRIPT_ARGS(RS_SCRIPT_V(what->holder),
					      RS_SCRIPT_V(0)));
	rs_script_function(s, dict, "finish");
	rs_script_take(s, dict);
}

// The name without its dot, for a field.
static void set_place(struct rs_runtime *rt, struct rehearse_call *call)
{
	const struct rs_label *label = &call->what->label;
	char text[sizeof(call->place)] = "";

	if (!call->what->holder || label->kind == RS_LABEL_INDEX) {
		(void)snprintf(call->place, sizeof(call->place), "%" PRIu64,
			       label->a);
		return;
	}
	if (label->kind != RS_LABEL_FIELD)
		return;
	rt->ops->label(rt, label, text, sizeof(text));
	(void)snprintf(call->place, sizeof(call->place), "%s",
		       text[0] == '.' ? text + 1 : text);
	call->cell = strcmp(call->place, "cell_contents") == 0;
	if (call->cell)
		call->drop = "";
}

static struct rs_error *write_watch(struct rehearse_call *call)
{
	const struct rs_rehearsal *what = call->what;
	size_t used = 0;

	call->watch = malloc(what->watches * RS_ADDRESS_TEXT + 1);
	if (!call->watch)
		return &rs_enomem;
	call->watch[0] = '\0';
	for (size_t i = 0; i < what->watches; i++)
		used += (size_t)snprintf(call->watch + used, RS_ADDRESS_TEXT,
					 " %" PRIx64, what->watch[i]);
	return NULL;
}

// By the collector's own variable: what heads of objects hold may be left from
// an earlier collection.
static bool is_collecting(struct rs_cpython *py)
{
	for (unsigned i = 0; i < py->interpreters; i++) {
		struct rs_py_gcstate state;

		rs_py_gcstate(py, i, &state);
		if (state.collecting == 1)
			return true;
	}
	return false;
}

static struct rs_error *cannot_drop(const struct rs_rehearsal *what)
{
	switch (what->label.kind) {
	case RS_LABEL_LOCAL:
	case RS_LABEL_CELL:
	case RS_LABEL_STACK:
		return rs_error_new(RS_EUNSUPPORTED,
				    "this is a variable of code that is being "
				    "executed, or is suspended, and only that "
				    "code can drop it");
	default:
		return rs_error_new(RS_EUNSUPPORTED,
				    "this reference is part of the C state of "
				    "its holder, and only code of that type "
				    "can drop it");
	}
}

struct rs_error *
rs_py_rehearse(struct rs_runtime *rt, const struct rs_rehearsal *what,
	       const struct rs_image_options *limits,
	       const struct rs_progress *progress, struct rs_image_called *ret)
{
	struct rehearse_call call = {.what = what, .drop = drop_word(what)};
	const struct rs_py_script_options how = {
		.interpreter = what->interpreter,
		.switched_off = true,
		.write = write_call,
		.context = &call,
		.limits = limits,
		.progress = progress,
	};

	if (!call.drop)
		return cannot_drop(what);
	// Before 3.7 that is known only from what the collector then does.
	if (is_collecting(rs_cpython(rt)))
		return rs_error_new(RS_EUNSUPPORTED,
				    "CPython %s: the process was stopped "
				    "within a collection, which cannot be "
				    "begun anew",
				    rt->version);
	struct rs_error *err = write_watch(&call);
	if (err)
		return err;
	(void)snprintf(call.generation, sizeof(call.generation), "%d",
		       what->generation);
	set_place(rt, &call);
	err = rs_script_run(rs_cpython(rt), &how, ret);
	free(call.watch);
	return err;
}
