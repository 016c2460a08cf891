// SPDX-License-Identifier: MIT
#include "runtime/cpython/open.h"

#include "base/cleanup.h"
#include "runtime/cpython/ask/ask.h"
#include "runtime/cpython/ask/python_call.h"
#include "runtime/cpython/ask/rehearse_call.h"
#include "runtime/cpython/decode/named.h"
#include "runtime/cpython/heap/words.h"
#include "runtime/cpython/state/discover.h"

enum { RS_DEBUG_SAVEALL = 32 };

// Source: CPython 3.14 Include/internal/pycore_object.h, _Py_REF_DEFERRED.
#define RS_DEFERRED_314 (INT64_MAX / 8)

static void free_python(struct rs_runtime *rt)
{
	struct rs_cpython *py = rs_cpython(rt);

	if (!py)
		return;
	rs_py_words_free(py->words);
	rs_py_types_close(py);
	rs_vec_fini(&py->deferred_counts);
	rs_vec_fini(&py->named);
	free(py->own_layout);
	free(py->hint);
	free(py);
}

static void cleanup_python(struct rs_cpython **slot)
{
	if (*slot)
		free_python(&(*slot)->base);
}

static void free_view(struct rs_runtime *rt)
{
	rs_py_types_close(rs_cpython(rt));
	free(rt);
}

// Set the fields of @p py that reading objects needs.
static const struct rs_runtime_ops view_ops = {
	.name = "cpython",
	.read = rs_py_read,
	.prefetch = rs_py_prefetch,
	.prefetch_tables = rs_py_prefetch_tables,
	.free = free_view,
};

// What opening has found is borrowed from @p rt; types are decoded again.
static struct rs_error *
view_python(struct rs_runtime *rt, struct rs_memory *memory,
	    struct rs_types *types, struct rs_runtime **ret)
{
	struct rs_cpython *view = malloc(sizeof(*view));
	struct rs_error *err;

	if (!view)
		return &rs_enomem;
	*view = *rs_cpython(rt);
	view->base.ops = &view_ops;
	view->base.memory = memory;
	view->base.types = types;
	view->known = NULL;
	view->words = NULL;
	err = rs_py_types_open(view);
	if (err)
		free(view);
	else
		*ret = &view->base;
	return err;
}

static const struct rs_runtime_ops now_ops = {
	.name = "cpython",
	.is_object = rs_py_is_object,
	.read = rs_py_read,
	.resolve = rs_py_resolve,
	.free = free_view,
};

static void again_python(struct rs_runtime *rt)
{
	rs_py_types_forget(rs_cpython(rt));
}

static struct rs_error *renew_python(struct rs_runtime *rt,
				     struct rs_types *types,
				     struct rs_runtime **ret)
{
	struct rs_cpython *py = rs_cpython(rt);
	struct rs_error *err;

	if (!py->head_size)
		return rs_error_new(RS_EUNSUPPORTED,
				    "without the GIL counts depend on more "
				    "than the object");
	if (!py->hint)
		py->hint = calloc(RS_PY_HINTS, sizeof(*py->hint));
	if (!py->hint)
		return &rs_enomem;
	err = view_python(rt, rt->memory, types, ret);
	if (!err)
		(*ret)->ops = &now_ops;
	return err;
}

static const char *const implied_modules[] = {"builtins", "__builtin__", NULL};

static const struct rs_runtime_ops ops = {
	.name = "cpython",
	.gc_returns = true,
	.view = view_python,
	.renew = renew_python,
	.again = again_python,
	.find = rs_py_find,
	.members = rs_py_members,
	.collector_id = rs_py_collector_id,
	.sweep = rs_py_sweep,
	.object_in = rs_py_object_in,
	.is_object = rs_py_is_object,
	.freed_text = rs_py_freed_text,
	.read = rs_py_read,
	.prefetch = rs_py_prefetch,
	.prefetch_tables = rs_py_prefetch_tables,
	.type = rs_py_type_number,
	.image = rs_py_image,
	.affects_collection = rs_py_affects_collection,
	.roots = rs_py_roots,
	.label = rs_py_label,
	.text = rs_py_text,
	.info = rs_py_info,
	.gc = rs_py_gc,
	.garbage = rs_py_garbage,
	.garbage_lists = rs_py_garbage_lists,
	.own_size = rs_py_size_in_place,
	.viewed = rs_py_viewed,
	.static_object = "static object",
	.extent = rs_py_extent,
	.areas = rs_py_areas,
	.word_at = rs_py_word_kind,
	.idle = rs_py_idle,
	.frame_text = rs_py_frame_word_text,
	.is_table = rs_py_is_table,
	.released = rs_py_released,
	.is_namespace = rs_py_is_namespace,
	.is_own_namespace = rs_py_is_own_namespace,
	.is_fixed = rs_py_is_fixed,
	.attribute = rs_py_attribute,
	.runs_code = rs_py_runs_code,
	.stored_hash = rs_py_stored_hash,
	.string = rs_py_name_string,
	.is_constant = rs_py_is_constant,
	.ending = rs_py_ending,
	.holder_kind = rs_py_holder_kind,
	.owner_name = rs_py_owner_name,
	.own_name = rs_py_own_name,
	.type_module = rs_py_type_module,
	.implied_modules = implied_modules,
	.query = rs_py_ask,
	.query_functions = rs_py_query_functions,
	.run = rs_py_run,
	.rehearse = rs_py_rehearse,
	.resolve = rs_py_resolve,
	.complete = rs_py_complete,
	.free = free_python,
};

// Whether it is Debian's 3.13, whose lists are 4 bytes earlier than in
// CPython's sources. Free-threaded builds, which have no lists, it has none.
static bool is_debians(const struct rs_cpython *py)
{
	const struct rs_py_interpreter *first = &py->interpreter[0];

	return first->gc &&
	       (!first->head[0] ||
		(first->head[0] - first->gc) % sizeof(uint64_t) != 0);
}

// Debian builds on the day of its changelog's newest entry (in UTC), and that
// of 3.13.5-2+deb13u3, which brought the change, is this one.
enum { RS_DEBIAN_CHANGED = 20260613 };

// Fixed in 3.13.13 and 3.14.4: gh-130327. Debian's 3.13.5 has it as well, from
// that update on; one whose day is not known is taken for the newer.
static bool has_old_inline(const struct rs_cpython *py)
{
	const uint32_t v = py->version;

	if (v >= RS_PY3(3, 13, 5) && v < RS_PY(3, 14) && !py->threaded &&
	    is_debians(py)) {
		const uint32_t built = rs_py_build_date(py);

		if (!built || built >= RS_DEBIAN_CHANGED)
			return false;
	}
	return (v >= RS_PY(3, 13) && v < RS_PY3(3, 13, 13)) ||
	       (v >= RS_PY(3, 14) && v < RS_PY3(3, 14, 4));
}

static void set_shapes(struct rs_cpython *py)
{
	const uint32_t v = py->version;
	uint64_t type = 0;

	py->refcount32 = v >= RS_PY(3, 12);
	py->deferred = v < RS_PY(3, 14) ? 1 : RS_DEFERRED_314;
	py->old_inline = has_old_inline(py);
	// Up to 3.8 one collector tracks the objects of all interpreters.
	py->base.collectors =
		v >= RS_PY(3, 9) && !py->threaded ? py->interpreters : 1;
	py->base.gc_increments = py->incremental;
	py->base.gc_returns_found =
		py->version >= RS_PY(3, 0) && py->version < RS_PY(3, 7);
	py->base.gc_all_or_none = v >= RS_PY(3, 7) && v < RS_PY(3, 9);
	py->base.rules = v < RS_PY(3, 4) ? RS_RULES_27 : RS_RULES_34;
	if (rs_memory_u64(
		    py->base.memory,
		    py->none + (uint64_t)rs_py_off(py, RS_F__object__ob_type),
		    &type))
		py->type_none = type;
}

static void set_collector(struct rs_cpython *py)
{
	bool known = py->runtime != 0;

	for (unsigned i = 0; i < py->interpreters; i++) {
		struct rs_py_gcstate state;

		rs_py_gcstate(py, i, &state);
		py->base.gc_disabled |= state.enabled == 0;
		py->base.gc_collecting |= state.collecting == 1;
		py->base.gc_saveall |=
			state.debug > 0 && (state.debug & RS_DEBUG_SAVEALL);
	}
	// Before 3.7 no variable says that it is running.
	if ((!known || py->base.gc_collecting) && !py->threaded)
		known |= rs_py_find_collecting_lists(py);
	py->base.gc_collecting |= py->collecting_lists != 0;
	py->collecting_known = known;
	if (py->base.gc_collecting)
		rs_py_was_collecting(py);
}

static void tell_left_out(struct rs_cpython *py)
{
	if (py->interpreters_left_out)
		rs_memory_gap(py->base.memory,
			      "CPython %s has %u interpreters: the %u "
			      "newest are ignored",
			      py->version_text,
			      py->interpreters + py->interpreters_unfit +
				      py->interpreters_left_out,
			      py->interpreters_left_out);
	if (py->interpreters_unfit)
		rs_memory_gap(
			py->base.memory,
			"CPython %s: ignored, because it is being created or "
			"is damaged: the interpreter at 0x%llx%s",
			py->version_text,
			(unsigned long long)py->interpreter_unfit,
			py->interpreters_unfit > 1 ? ", and others" : "");
}

struct rs_error *rs_cpython_open(struct rs_memory *memory,
				 struct rs_types *types, uint8_t index,
				 struct rs_runtime **ret)
{
	RS_CLEANUP(cleanup_python)
	struct rs_cpython *py = calloc(1, sizeof(*py));
	bool found = false;
	struct rs_error *err;

	if (!py)
		return &rs_enomem;
	py->base = (struct rs_runtime){
		.ops = &ops, .memory = memory, .types = types, .index = index};
	if ((err = rs_py_find_version(py, &found)))
		return err;
	if (!found) {
		*ret = NULL;
		return NULL;
	}
	rs_py_find_types(py);
	if ((err = rs_py_choose_layout(py)))
		return err;
	py->base.version = py->version_text;
	tell_left_out(py);
	if (py->base.unread) {
		*ret = &((struct rs_cpython *)rs_take(&py))->base;
		return NULL;
	}
	set_shapes(py);
	if ((err = rs_py_name_types(py)) || (err = rs_py_types_open(py)) ||
	    (err = rs_py_find_functions(py)) ||
	    (err = rs_py_find_deferred_counts(py)))
		return err;
	set_collector(py);
	*ret = &((struct rs_cpython *)rs_take(&py))->base;
	return NULL;
}
