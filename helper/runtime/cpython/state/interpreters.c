// SPDX-License-Identifier: MIT
//
// Finding the interpreters and the lists of their collectors: in 3.7 and later
// from _PyRuntime; before, from the current thread, or, if no thread is
// running, from a word of static data that points to what must be an
// interpreter.
#include "runtime/cpython/decode/chain.h"
#include "runtime/cpython/decode/decode.h"
#include "runtime/cpython/heap/mimalloc.h"
#include "runtime/cpython/state/discover.h"

enum {
	RS_LISTS = 3,
	RS_HEADS_TRIED = 64,
	RS_CHECKED = 64, // objects to examine to decide whether the heaps are
			 // understood
	RS_CHAIN_MAX = 1 << 16,
};

static bool is_interpreter(const struct rs_cpython *py, uint64_t address)
{
	uint64_t thread, modules;

	if (!address || (address & 7))
		return false;
	modules = rs_py_get(py, address, RS_F__is__modules);
	if (!modules || rs_py_type(py, modules) != py->type_dict)
		return false;
	thread = rs_py_get(py, address, RS_F__is__tstate_head);
	return thread && rs_py_get(py, thread, RS_F__ts__interp) == address;
}

static unsigned chain_length(const struct rs_cpython *py, uint64_t interpreter)
{
	unsigned n = 0;

	while (n < RS_PY_INTERPRETERS && is_interpreter(py, interpreter)) {
		n++;
		interpreter = rs_py_get(py, interpreter, RS_F__is__next);
	}
	return n;
}

struct old_scan {
	const struct rs_cpython *py;
	uint64_t best;
	unsigned length;
};

static bool visit_old(void *context, const struct rs_py_span *span)
{
	struct old_scan *scan = context;

	for (uint64_t i = -span->address & 7; i + 8 <= span->size; i += 8) {
		uint64_t value;
		unsigned n;

		memcpy(&value, span->data + i, sizeof(value));
		if (!value || (value & 7))
			continue;
		n = chain_length(scan->py, value);
		if (n > scan->length) {
			scan->length = n;
			scan->best = value;
		}
	}
	return true;
}

// 2.7, 3.6: interp_head is a local symbol. It points to the newest interpreter,
// the first of the list, so it is the word that begins the longest list.
static uint64_t find_old(const struct rs_cpython *py)
{
	struct old_scan scan = {.py = py};
	uint64_t thread, interpreter;

	rs_py_static_data(py, false, visit_old, &scan);
	if (scan.best)
		return scan.best;
	thread = rs_py_word_at(py, rs_py_symbol(py, "_PyThreadState_Current"));
	interpreter = thread ? rs_py_get(py, thread, RS_F__ts__interp) : 0;
	return is_interpreter(py, interpreter) ? interpreter : 0;
}

// Whether there may be a list with its head at @p head: its first member points
// back.
static bool is_list(const struct rs_cpython *py, uint64_t head)
{
	const uint64_t next = rs_py_word_at(py, head) & ~UINT64_C(3);

	if (!next || (next & 7 & ~UINT64_C(4)))
		return false;
	// From 3.8 on the pointers back are overwritten during a collection.
	return py->version >= RS_PY(3, 8) ||
	       rs_py_word_at(py, next + 8) == head;
}

// Whether the type of its type is "type", or has "type" as its type.
static bool looks_like_object(const struct rs_cpython *py, uint64_t address)
{
	uint64_t type = rs_py_type(py, address);

	for (int step = 0; type && step < 4; step++) {
		const uint64_t meta = rs_py_type(py, type);

		if (meta == py->type_type)
			return true;
		type = meta;
	}
	return false;
}

static bool head_size_fits(const struct rs_cpython *py, uint64_t head)
{
	const uint64_t next = rs_py_word_at(py, head) & ~UINT64_C(3);

	// An empty list is no evidence.
	return next == head || looks_like_object(py, next + py->head_size);
}

static struct rs_error *
misfit(const struct rs_cpython *py, const char *what, uint64_t address)
{
	return rs_error_new(RS_EUNSUPPORTED,
			    "CPython %s does not have the layout of %s: no %s "
			    "at 0x%llx",
			    py->version_text, py->layout->source, what,
			    (unsigned long long)address);
}

static struct rs_error *set_lists(struct rs_cpython *py,
				  struct rs_py_interpreter *interpreter,
				  uint64_t first)
{
	for (unsigned i = 0; i < RS_LISTS; i++) {
		const uint64_t head = first + i * py->generation_stride;

		if (!is_list(py, head))
			return misfit(py, "list of a generation", head);
		if (!head_size_fits(py, head))
			return misfit(py, "object in a list", head);
		interpreter->head[i] = head;
	}
	return NULL;
}

// generation0 points to the first list. In Debian's 3.13 that is 4 bytes
// earlier than in CPython's sources (gchead-alignment.diff).
static struct rs_error *
set_gc(struct rs_cpython *py, struct rs_py_interpreter *interpreter)
{
	const uint64_t gc = interpreter->gc;
	const int32_t permanent =
		rs_py_off(py, RS_F__gc_runtime_state__permanent_generation);
	uint64_t first = gc + (uint64_t)rs_py_off(
				      py, RS_F__gc_runtime_state__generations);
	struct rs_error *err;

	if (rs_py_off(py, RS_F__gc_runtime_state__generation0) >= 0) {
		const uint64_t stated =
			rs_py_get(py, gc, RS_F__gc_runtime_state__generation0);

		if (stated < gc || stated > gc + RS_HEADS_TRIED)
			return misfit(py, "collector", gc);
		if (stated != first && py->version < RS_PY(3, 13))
			return misfit(py, "generation", first);
		first = stated;
	}
	if ((err = set_lists(py, interpreter, first)))
		return err;
	if (permanent >= 0 && is_list(py, gc + (uint64_t)permanent))
		interpreter->head[RS_LISTS] = gc + (uint64_t)permanent;
	return NULL;
}

// In 3.14 the array had another name while the collector was incremental; its
// offset is the same.
static void name_generations(struct rs_cpython *py)
{
	int32_t *generations =
		&py->own_layout->offset[RS_F__gc_runtime_state__generations];

	if (*generations < 0)
		*generations = 24;
}

static struct rs_error *set_old_gc(struct rs_cpython *py)
{
	const uint64_t first =
		rs_py_word_at(py, rs_py_symbol(py, "_PyGC_generation0"));
	struct rs_error *err;

	if (!first)
		return misfit(py, "_PyGC_generation0", 0);
	err = set_lists(py, &py->interpreter[0], first);
	if (!err || py->version >= RS_PY(3, 0))
		return err;
	// Before 2.7.15 the generations were aligned to 16 bytes.
	rs_error_free(err);
	py->generation_stride = 48;
	return set_lists(py, &py->interpreter[0], first);
}

struct heap_check {
	const struct rs_cpython *py;
	unsigned objects, others;
};

static bool check_block(void *context, const struct rs_py_mi_block *block)
{
	struct heap_check *check = context;
	const struct rs_cpython *py = check->py;

	if (rs_py_gc_bits(py, block->object) & RS_PY_BIT_TRACKED) {
		if (looks_like_object(py, block->object))
			check->objects++;
		else
			check->others++;
	}
	return check->objects + check->others < RS_CHECKED;
}

// mimalloc changed within 3.14: with the wrong layout, the blocks of its heaps
// contain no objects, or no blocks are found.
static struct rs_error *check_heaps(const struct rs_cpython *py)
{
	struct heap_check check = {.py = py};
	struct rs_error *err = NULL;

	if (rs_py_mi_is_known(py))
		err = rs_py_mi_each(py, 1U << RS_PY_MI_GC, check_block, &check,
				    NULL, NULL);
	if (err)
		return err;
	if (check.objects > check.others)
		return NULL;
	return rs_error_new(
		RS_EUNSUPPORTED,
		"CPython %s does not have the layout of %s: no heap "
		"of mimalloc contains objects",
		py->version_text, py->layout->source);
}

static uint64_t first_interpreter(const struct rs_cpython *py)
{
	if (!py->runtime)
		return find_old(py);
	return rs_py_get(py, py->runtime,
			 RS_F_pyruntimestate__interpreters__head);
}

// Whether @p address is among the first @p n of the chain.
static bool is_before(const struct rs_cpython *py, uint64_t newest, unsigned n,
		      uint64_t address)
{
	for (; n && newest != address; n--)
		newest = rs_py_get(py, newest, RS_F__is__next);
	return n != 0;
}

// Of a list that contains a cycle, those up to the first repetition.
static unsigned count_loop(struct rs_cpython *py, uint64_t newest)
{
	uint64_t address = newest;
	unsigned n = 0;

	rs_py_tell_loop(py, "interpreters");
	for (; n < RS_PY_INTERPRETERS && !is_before(py, newest, n, address);
	     n++)
		address = rs_py_get(py, address, RS_F__is__next);
	return n;
}

static unsigned count_chain(struct rs_cpython *py, uint64_t newest)
{
	struct rs_py_chain chain = {0};
	uint64_t address = newest;
	unsigned n = 0;

	for (; address && n < RS_CHAIN_MAX; n++) {
		if (!rs_py_chain_step(&chain, address))
			return count_loop(py, newest);
		address = rs_py_get(py, address, RS_F__is__next);
	}
	return n;
}

void rs_py_list_interpreters(struct rs_cpython *py, uint64_t newest)
{
	const unsigned all = count_chain(py, newest);
	const unsigned n = all < RS_PY_INTERPRETERS ? all : RS_PY_INTERPRETERS;

	memset(py->interpreter, 0, sizeof(py->interpreter));
	py->interpreters = n;
	py->interpreters_left_out = all - n;
	py->interpreters_unfit = 0;
	for (unsigned i = all; i-- > 0;) {
		if (i < n) {
			py->interpreter[i].address = newest;
			py->interpreter[i].id = i;
			if (rs_py_off(py, RS_F__is__id) >= 0)
				py->interpreter[i].id = (int64_t)rs_py_get(
					py, newest, RS_F__is__id);
		}
		newest = rs_py_get(py, newest, RS_F__is__next);
	}
}

// From 3.9 on each interpreter has its own collector; before, the first entry
// has the one of all.
static struct rs_error *
find_collector(struct rs_cpython *py, struct rs_py_interpreter *interpreter)
{
	const uint64_t address = interpreter->address;

	interpreter->interned = rs_py_get(
		py, address, RS_F__is__cached_objects__interned_strings);
	if (py->version >= RS_PY(3, 9))
		interpreter->gc =
			address + (uint64_t)rs_py_off(py, RS_F__is__gc);
	else if (py->runtime &&
		 interpreter->address == py->interpreter[0].address)
		interpreter->gc =
			py->runtime +
			(uint64_t)rs_py_off(py, RS_F_pyruntimestate__gc);
	return interpreter->gc && !py->threaded ? set_gc(py, interpreter)
						: NULL;
}

static void leave_out(struct rs_cpython *py, uint64_t address)
{
	if (!py->interpreters_unfit++)
		py->interpreter_unfit = address;
}

// The layout is right if the main interpreter matches it; another one that does
// not is being created or is damaged, and is ignored.
struct rs_error *rs_py_keep_fitting(
	struct rs_cpython *py,
	struct rs_error *(*fit)(struct rs_cpython *py,
				struct rs_py_interpreter *interpreter))
{
	unsigned kept = 0;

	for (unsigned i = 0; i < py->interpreters; i++) {
		struct rs_py_interpreter one = py->interpreter[i];
		struct rs_error *err = fit(py, &one);

		if (err && (i == 0 || rs_error_code(err) != RS_EUNSUPPORTED))
			return err;
		if (err)
			leave_out(py, one.address);
		else
			py->interpreter[kept++] = one;
		rs_error_free(err);
	}
	py->interpreters = kept;
	return NULL;
}

struct rs_error *rs_py_find_interpreters(struct rs_cpython *py)
{
	struct rs_error *err;

	if (py->runtime)
		name_generations(py);
	rs_py_list_interpreters(py, first_interpreter(py));
	if ((err = rs_py_keep_fitting(py, find_collector)))
		return err;
	if (!py->interpreters)
		return rs_error_new(
			RS_EBAD,
			"CPython %s in %s has no interpreter: it has "
			"not been started, or was finalized",
			py->version_text, py->module->path);
	if (py->threaded)
		return check_heaps(py);
	return py->runtime ? NULL : set_old_gc(py);
}
