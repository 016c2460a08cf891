// SPDX-License-Identifier: MIT
//
// Finding the dict of interned strings. Up to 3.11 it is a static variable,
// without a symbol in stripped files. It is the largest dict to which static
// data points and in which each key is a str and is also its value. (A program
// may have others, such as the table of quotes in 2.7's tokenize, to which a
// cache in static data may point.) Its references are not counted.
#include "runtime/cpython/state/discover.h"

enum { RS_ENTRIES_LOOKED_AT = 64, RS_ENTRIES_MIN = 16 };

struct search {
	struct rs_cpython *py;
	uint64_t best, used; // the largest dict so far, and its entries
};

struct look {
	struct rs_cpython *py;
	unsigned same;
	bool other;
};

static bool visit_entry(void *context, uint64_t key, uint64_t value)
{
	struct look *look = context;
	const struct rs_cpython *py = look->py;
	const uint64_t type =
		py->version < RS_PY(3, 0) ? py->type_bytes : py->type_unicode;

	look->other = key != value || rs_py_type(py, key) != type;
	look->same += !look->other;
	return !look->other && look->same < RS_ENTRIES_LOOKED_AT;
}

static bool is_own_values(struct rs_cpython *py, uint64_t dict)
{
	struct look look = {.py = py};

	(void)rs_py_dict_each(py, dict, visit_entry, &look);
	return !look.other && look.same >= RS_ENTRIES_MIN;
}

static bool visit_span(void *context, const struct rs_py_span *span)
{
	struct search *search = context;
	struct rs_cpython *py = search->py;

	for (uint64_t i = -span->address & 7; i + 8 <= span->size; i += 8) {
		uint64_t value;

		memcpy(&value, span->data + i, sizeof(value));
		if (!value || (value & 7) ||
		    rs_py_type(py, value) != py->type_dict)
			continue;
		const uint64_t used =
			rs_py_get(py, value, RS_F_PyDictObject__ma_used);
		if (used <= search->used || !is_own_values(py, value))
			continue;
		search->best = value;
		search->used = used;
	}
	return true;
}

void rs_py_find_interned(struct rs_cpython *py)
{
	struct search search = {.py = py};

	if (py->version >= RS_PY(3, 12) || py->interpreter[0].interned)
		return;
	rs_py_static_data(py, false, visit_span, &search);
	py->interpreter[0].interned = search.best;
}
