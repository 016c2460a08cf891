// SPDX-License-Identifier: MIT
//
// Finding the objects and functions with which the decoders compare. Types have
// symbols even in stripped files. subtype_traverse() and lookdict() are local
// functions; their addresses are taken from objects that use them.
#include "runtime/cpython/heap/mimalloc.h"
#include "runtime/cpython/state/discover.h"

enum {
	RS_SEARCH_MAX = 200000, // most objects to examine
	RS_VOTES = 64,
	RS_CANDIDATES = 16,
	RS_DUMMY_SIZE = 11, // of "<dummy key>"
};
#define TPFLAGS_HEAPTYPE (UINT64_C(1) << 9)

struct search {
	struct rs_cpython *py;
	unsigned votes, looked;
	struct {
		uint64_t traverse;
		unsigned votes;
	} candidate[RS_CANDIDATES];
	uint64_t dict; // the dict whose keys are visited
	int depth;
};

static void
find_type(const struct rs_cpython *py, const char *symbol, uint64_t *ret)
{
	*ret = rs_py_symbol(py, symbol);
}

// 2.7: static words that point to the str "<dummy key>": that of dicts and that
// of sets, each created with the first dict or set.
static bool visit_dummy(void *context, const struct rs_py_span *span)
{
	struct rs_cpython *py = context;
	const uint64_t text_at =
		(uint64_t)rs_py_off(py, RS_F_PyStringObject__ob_sval);

	for (uint64_t i = -span->address & 7; i + 8 <= span->size; i += 8) {
		uint64_t value;
		const char *text;

		memcpy(&value, span->data + i, sizeof(value));
		if (!value || (value & 7) ||
		    rs_py_type(py, value) != py->type_bytes)
			continue;
		text = rs_memory_at(py->base.memory, value + text_at,
				    RS_DUMMY_SIZE + 1);
		if (!text ||
		    memcmp(text, "<dummy key>", RS_DUMMY_SIZE + 1) != 0)
			continue;
		if (!py->set_dummy)
			py->set_dummy = value;
		else if (py->set_dummy != value)
			py->set_dummy2 = value;
	}
	return true;
}

static void find_dummy(struct rs_cpython *py)
{
	uint64_t symbol = rs_py_symbol(py, "_PySet_Dummy");

	if (py->version < RS_PY(3, 0))
		rs_py_static_data(py, false, visit_dummy, py);
	else if (symbol &&
		 !rs_memory_u64(py->base.memory, symbol, &py->set_dummy))
		py->set_dummy = 0;
}

void rs_py_find_types(struct rs_cpython *py)
{
	const bool old = py->version < RS_PY(3, 0);

	find_type(py, "PyDict_Type", &py->type_dict);
	find_type(py, "PyTuple_Type", &py->type_tuple);
	find_type(py, "PyList_Type", &py->type_list);
	find_type(py, "PySet_Type", &py->type_set);
	find_type(py, "PyUnicode_Type", &py->type_unicode);
	find_type(py, old ? "PyString_Type" : "PyBytes_Type", &py->type_bytes);
	find_type(py, old ? "PyInt_Type" : "PyLong_Type", &py->type_long);
	find_type(py, "PyFloat_Type", &py->type_float);
	find_type(py, "PyBool_Type", &py->type_bool);
	find_type(py, "PyCode_Type", &py->type_code);
	find_type(py, "PyFunction_Type", &py->type_function);
	find_type(py, "PyFrame_Type", &py->type_frame);
	find_type(py, "PyModule_Type", &py->type_module);
	find_type(py, "PyCFunction_Type", &py->type_cfunction);
	find_type(py, "PyBaseObject_Type", &py->type_object);
	find_type(py, "PyGen_Type", &py->type_generator);
	find_type(py, "_Py_NoneStruct", &py->none);
}

// The function is the interpreter's own. A type that an extension made has one
// of the extension's, and a program can have more of those than classes.
static bool is_of_interpreter(const struct rs_cpython *py, uint64_t function)
{
	return !py->module ||
	       (py->module->start <= function && function < py->module->end);
}

static void vote(struct search *search, uint64_t type)
{
	struct rs_cpython *py = search->py;
	const uint64_t flags = rs_py_get(py, type, RS_F__typeobject__tp_flags);
	const uint64_t traverse =
		rs_py_get(py, type, RS_F__typeobject__tp_traverse);

	if (!(flags & TPFLAGS_HEAPTYPE) || !traverse ||
	    !is_of_interpreter(py, traverse))
		return;
	for (unsigned i = 0; i < RS_CANDIDATES; i++) {
		if (search->candidate[i].votes &&
		    search->candidate[i].traverse != traverse)
			continue;
		search->candidate[i].traverse = traverse;
		search->candidate[i].votes++;
		search->votes++;
		return;
	}
}

static void find_lookdict(struct search *search, uint64_t dict);

static bool visit_key(void *context, uint64_t key, uint64_t value)
{
	struct search *search = context;
	struct rs_cpython *py = search->py;

	if (rs_py_type(py, key) != py->type_unicode) {
		const uint64_t keys =
			rs_py_get(py, search->dict, RS_F_PyDictObject__ma_keys);
		py->lookdict =
			rs_py_get(py, keys, RS_F__dictkeysobject__dk_lookup);
		return false;
	}
	// Dicts without tracked values (errno.errorcode) are on no list, but
	// referred to by other dicts.
	if (!search->depth && rs_py_type(py, value) == py->type_dict) {
		const uint64_t dict = search->dict;

		search->depth++;
		find_lookdict(search, value);
		search->depth--;
		search->dict = dict;
	}
	return !py->lookdict;
}

// A dict with a key that is not a str uses the general function.
static void find_lookdict(struct search *search, uint64_t dict)
{
	search->dict = dict;
	(void)rs_py_dict_each(search->py, dict, visit_key, search);
}

static void look_at(struct search *search, uint64_t object)
{
	struct rs_cpython *py = search->py;
	const uint64_t type = rs_py_type(py, object);

	if (type == py->type_type && search->votes < RS_VOTES)
		vote(search, object);
	else if (type == py->type_dict && !py->lookdict &&
		 rs_py_off(py, RS_F__dictkeysobject__dk_lookup) >= 0)
		find_lookdict(search, object);
}

static bool done(const struct search *search)
{
	const struct rs_cpython *py = search->py;

	return search->votes >= RS_VOTES &&
	       (py->lookdict ||
		rs_py_off(py, RS_F__dictkeysobject__dk_lookup) < 0);
}

static void search_list(struct search *search, uint64_t head)
{
	struct rs_cpython *py = search->py;
	uint64_t next = head;

	while (search->looked++ < RS_SEARCH_MAX && !done(search) &&
	       rs_memory_u64(py->base.memory, next, &next)) {
		next &= ~UINT64_C(3);
		if (!next || next == head)
			break;
		look_at(search, next + py->head_size);
	}
}

static bool visit_block(void *context, const struct rs_py_mi_block *block)
{
	struct search *search = context;

	if (rs_py_gc_bits(search->py, block->object) & RS_PY_BIT_TRACKED)
		look_at(search, block->object);
	return search->looked++ < RS_SEARCH_MAX && !done(search);
}

static struct rs_error *search_all(struct search *search)
{
	const struct rs_cpython *py = search->py;

	if (py->threaded)
		return rs_py_mi_each(py,
				     1U << RS_PY_MI_GC | 1U << RS_PY_MI_GC_PRE,
				     visit_block, search, NULL, NULL);
	// The oldest objects first: those created at start-up.
	for (int g = RS_PY_GENERATIONS - 1; g >= 0; g--)
		for (unsigned i = 0; i < py->interpreters; i++)
			if (py->interpreter[i].head[g])
				search_list(search, py->interpreter[i].head[g]);
	return NULL;
}

struct rs_error *rs_py_find_functions(struct rs_cpython *py)
{
	struct search search = {.py = py};
	struct rs_error *err;
	unsigned best = 0;

	find_dummy(py);
	py->subtype_traverse = rs_py_symbol(py, "subtype_traverse");
	if (rs_py_off(py, RS_F__dictkeysobject__dk_lookup) >= 0)
		py->lookdict = rs_py_symbol(py, "lookdict");
	err = search_all(&search);
	if (search.looked >= RS_SEARCH_MAX && !py->subtype_traverse &&
	    !search.votes)
		rs_memory_gap(py->base.memory,
			      "CPython %s: no class made in Python among the "
			      "first %d objects; references of instances are "
			      "guesses",
			      py->version_text, RS_SEARCH_MAX);
	if (err || py->subtype_traverse)
		return err;
	// Nearly all classes are made in Python; those made in C are different.
	for (unsigned i = 0; i < RS_CANDIDATES; i++) {
		if (search.candidate[i].votes <= best)
			continue;
		best = search.candidate[i].votes;
		py->subtype_traverse = search.candidate[i].traverse;
	}
	return NULL;
}
