// SPDX-License-Identifier: MIT
#include "runtime/cpython/decode/named.h"
#include "runtime/cpython/state/discover.h"

#include <stdlib.h>

static const char pointer_prefix[] = "PyExc_";

static int by_address(const void *left, const void *right)
{
	const struct rs_py_named_type *a = left, *b = right;

	return a->address < b->address ? -1 : a->address > b->address;
}

// The address of @p symbol in the target, or 0.
static uint64_t find(const struct rs_cpython *py, const char *symbol)
{
	uint64_t at = rs_py_symbol(py, symbol);

	if (at &&
	    !strncmp(symbol, pointer_prefix, sizeof(pointer_prefix) - 1) &&
	    !rs_memory_u64(py->base.memory, at, &at))
		return 0;
	return at;
}

// A name that is not in the core may be in the table.
static bool is_lost(struct rs_cpython *py)
{
	const uint64_t at =
		rs_py_get(py, py->type_type, RS_F__typeobject__tp_name);

	return at && !rs_memory_at(py->base.memory, at, 1);
}

struct rs_error *rs_py_name_types(struct rs_cpython *py)
{
	const struct rs_py_type_name *row = rs_py_type_names;

	if (!is_lost(py))
		return NULL;
	for (; row->symbol; row++) {
		struct rs_py_named_type *slot;
		uint64_t address;

		// The last row of a symbol that is not for a later version.
		if (row->since > py->version ||
		    (row[1].symbol && !strcmp(row[1].symbol, row->symbol) &&
		     row[1].since <= py->version))
			continue;
		if (!(address = find(py, row->symbol)))
			continue;
		if (!(slot = rs_vec_push(&py->named, sizeof(*slot))))
			return &rs_enomem;
		*slot = (struct rs_py_named_type){address, row->name};
	}
	qsort(py->named.data, rs_vec_count(&py->named, struct rs_py_named_type),
	      sizeof(struct rs_py_named_type), by_address);
	return NULL;
}

const char *rs_py_type_named(const struct rs_cpython *py, uint64_t type)
{
	const struct rs_py_named_type key = {type, NULL};
	const struct rs_py_named_type *found;

	if (!py->named.used)
		return NULL;
	found = bsearch(&key, py->named.data,
			rs_vec_count(&py->named, struct rs_py_named_type),
			sizeof(key), by_address);
	return found ? found->name : NULL;
}
