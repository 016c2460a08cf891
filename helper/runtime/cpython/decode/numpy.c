// SPDX-License-Identifier: MIT
#include "runtime/cpython/decode/numpy.h"

#include "runtime/cpython/decode/chain.h"
#include "runtime/cpython/decode/decode.h"

enum {
	// PyArrayObject_fields, behind the header.
	RS_A_DATA = 0,
	RS_A_ND = 8, // int
	RS_A_DIMENSIONS = 16,
	RS_A_BASE = 32,
	RS_A_DESCR = 40,
	RS_A_FLAGS = 48, // int
	RS_A_LEAST = 64, // numpy 1.7; 1.20 and 1.22 added a word each
	RS_A_MOST = 80,
	// PyArray_Descr, behind the header, as in all releases.
	RS_D_TYPE = 0,
	RS_D_FLAGS_1 = 11, // char
	RS_D_NUMBER = 12, // int
			  // numpy 1
	RS_D1_ELSIZE = 16, // int
	RS_D1_SUBARRAY = 24,
	RS_D1_FIELDS = 32,
	RS_D1_NAMES = 40,
	RS_D1_METADATA = 56,
	RS_D1_SIZE = 80,
	// numpy 2; what only the types of numpy 1 have is behind the rest.
	RS_D2_FLAGS = 16,
	RS_D2_ELSIZE = 24,
	RS_D2_METADATA = 40,
	RS_D2_SUBARRAY = 72,
	RS_D2_FIELDS = 80,
	RS_D2_NAMES = 88,
	RS_D2_SIZE = 72,
	RS_D2_STRING = 2056, // the number of StringDType; after it: of others
	RS_D2_NA_OBJECT = 72, // of StringDType

	RS_NPY_C_CONTIGUOUS = 1,
	RS_NPY_OWNDATA = 4,
	RS_NPY_OBJECT = 17,
	RS_NPY_ITEM_REFCOUNT = 1, // items have objects in them
	RS_NPY_DIMENSIONS = 64,

	RS_NPY_DEPTH = 8, // of structured types in structured types
	RS_NPY_SLOTS = 256, // objects in one item
	RS_NPY_NAME = 256,
};

// Where the objects are in an item.
struct slots {
	uint64_t at[RS_NPY_SLOTS];
	unsigned n;
	bool incomplete;
};

// A dtype, of either form.
struct dtype {
	uint64_t itemsize;
	uint64_t subarray, fields, names, metadata;
	uint32_t number;
	bool has_objects;
	uint64_t na_object;
	bool is_new; // and has fields of its own, which are not known
};

static uint32_t half(struct rs_cpython *py, uint64_t object, unsigned at)
{
	uint32_t value = 0;

	return rs_memory_u32(py->base.memory, object + py->header_size + at,
			     &value)
		       ? value
		       : 0;
}

// The body of the type that is called @p name, from @p type on to its bases.
static uint64_t body_of(struct rs_cpython *py, uint64_t type, const char *name)
{
	struct rs_py_chain chain = {0};

	while (type && rs_py_chain_step(&chain, type)) {
		const char *own = rs_py_type_name(py, type);

		if (own && strcmp(own, name) == 0)
			return rs_py_type_field(
				       py, type,
				       RS_F__typeobject__tp_basicsize) -
			       py->header_size;
		type = rs_py_type_field(py, type, RS_F__typeobject__tp_base);
	}
	return 0;
}

bool rs_py_numpy_fits(struct rs_cpython *py, uint64_t base)
{
	const uint64_t array = body_of(py, base, "numpy.ndarray");
	const uint64_t dtype = body_of(py, base, "numpy.dtype");

	return (array >= RS_A_LEAST && array <= RS_A_MOST) ||
	       dtype == RS_D1_SIZE || dtype == RS_D2_SIZE;
}

static bool dtype_open(struct rs_cpython *py, uint64_t at, struct dtype *ret)
{
	const uint64_t body = body_of(py, rs_py_type(py, at), "numpy.dtype");

	*ret = (struct dtype){.number = half(py, at, RS_D_NUMBER)};
	if (body == RS_D1_SIZE) {
		ret->itemsize = half(py, at, RS_D1_ELSIZE);
		ret->subarray = rs_py_body_word(py, at, RS_D1_SUBARRAY);
		ret->fields = rs_py_body_word(py, at, RS_D1_FIELDS);
		ret->names = rs_py_body_word(py, at, RS_D1_NAMES);
		ret->metadata = rs_py_body_word(py, at, RS_D1_METADATA);
		ret->has_objects = half(py, at, RS_D_FLAGS_1 - 3) >> 24 &
				   RS_NPY_ITEM_REFCOUNT;
		return true;
	}
	if (body != RS_D2_SIZE)
		return false;
	ret->itemsize = rs_py_body_word(py, at, RS_D2_ELSIZE);
	ret->metadata = rs_py_body_word(py, at, RS_D2_METADATA);
	ret->has_objects =
		rs_py_body_word(py, at, RS_D2_FLAGS) & RS_NPY_ITEM_REFCOUNT;
	ret->is_new = ret->number > RS_D2_STRING; // or -1
	if (ret->number == RS_D2_STRING)
		ret->na_object = rs_py_body_word(py, at, RS_D2_NA_OBJECT);
	if (ret->number >= RS_D2_STRING)
		return true;
	ret->subarray = rs_py_body_word(py, at, RS_D2_SUBARRAY);
	ret->fields = rs_py_body_word(py, at, RS_D2_FIELDS);
	ret->names = rs_py_body_word(py, at, RS_D2_NAMES);
	return true;
}

uint64_t rs_py_dtype_itemsize(struct rs_cpython *py, uint64_t dtype)
{
	struct dtype d;

	return dtype_open(py, dtype, &d) && d.itemsize <= INT32_MAX ? d.itemsize
								    : 0;
}

void rs_py_dtype_refs(struct rs_cpython *py, uint64_t dtype,
		      struct rs_refs *refs)
{
	struct dtype d;

	if (!dtype_open(py, dtype, &d)) {
		refs->incomplete = true;
		return;
	}
	// That of a built-in one is set by the C initializer, and not counted.
	rs_refs_add(refs, rs_py_body_word(py, dtype, RS_D_TYPE),
		    rs_memory_module(py->base.memory, dtype) ? RS_WEAK
							     : RS_OWNED,
		    RS_LABEL_FIELD, (uintptr_t) "type");
	rs_refs_add(refs, d.fields, RS_OWNED, RS_LABEL_FIELD,
		    (uintptr_t) "fields");
	rs_refs_add(refs, d.names, RS_OWNED, RS_LABEL_FIELD,
		    (uintptr_t) "names");
	rs_refs_add(refs, d.metadata, RS_OWNED, RS_LABEL_FIELD,
		    (uintptr_t) "metadata");
	rs_refs_add(refs, d.na_object, RS_OWNED, RS_LABEL_FIELD,
		    (uintptr_t) "na_object");
	refs->incomplete |= d.is_new;
	if (!d.subarray)
		return;
	rs_refs_add(refs, rs_py_word_at(py, d.subarray), RS_OWNED,
		    RS_LABEL_FIELD, (uintptr_t) "base");
	rs_refs_add(refs, rs_py_word_at(py, d.subarray + 8), RS_OWNED,
		    RS_LABEL_FIELD, (uintptr_t) "shape");
}

static void find_slots(struct rs_cpython *py, uint64_t dtype, uint64_t at,
		       unsigned depth, struct slots *slots);

static void array_slots(struct rs_cpython *py, const struct dtype *d,
			uint64_t at, unsigned depth, struct slots *slots)
{
	const uint64_t base = rs_py_word_at(py, d->subarray);
	const uint64_t size = rs_py_dtype_itemsize(py, base);

	if (!size || d->itemsize / size > RS_NPY_SLOTS) {
		slots->incomplete = true;
		return;
	}
	for (uint64_t i = 0; i < d->itemsize / size; i++)
		find_slots(py, base, at + i * size, depth + 1, slots);
}

// A dict of tuples: the dtype of a field, its offset, perhaps a title.
static void field_slots(struct rs_cpython *py, const struct dtype *d,
			uint64_t at, unsigned depth, struct slots *slots)
{
	const uint64_t items = (uint64_t)py->known->tuple_item;
	const int64_t n = rs_py_length(py, d->names);

	for (int64_t i = 0; i < n && !slots->incomplete; i++) {
		char name[RS_NPY_NAME];
		int64_t offset = 0;
		const uint64_t key = rs_py_word_at(
			py, d->names + items + (uint64_t)i * sizeof(uint64_t));
		const uint64_t field =
			rs_py_string(py, key, name, sizeof(name))
				? rs_py_dict_get(py, d->fields, name)
				: 0;

		if (!field ||
		    !rs_py_integer(py, rs_py_word_at(py, field + items + 8),
				   &offset) ||
		    offset < 0 || offset > INT32_MAX) {
			slots->incomplete = true;
			return;
		}
		find_slots(py, rs_py_word_at(py, field + items),
			   at + (uint64_t)offset, depth + 1, slots);
	}
}

static void find_slots(struct rs_cpython *py, uint64_t dtype, uint64_t at,
		       unsigned depth, struct slots *slots)
{
	struct dtype d;

	if (depth > RS_NPY_DEPTH || slots->n == RS_NPY_SLOTS ||
	    !dtype_open(py, dtype, &d)) {
		slots->incomplete = true;
		return;
	}
	if (d.number == RS_NPY_OBJECT)
		slots->at[slots->n++] = at;
	else if (d.has_objects && d.subarray)
		array_slots(py, &d, at, depth, slots);
	else if (d.has_objects && rs_py_type(py, d.names) == py->type_tuple)
		field_slots(py, &d, at, depth, slots);
	else if (d.has_objects && d.number != RS_D2_STRING) // text, no objects
		slots->incomplete = true;
}

// @return The number of items, or UINT64_MAX when that makes no sense.
static uint64_t items_of(struct rs_cpython *py, uint64_t array)
{
	const uint64_t dimensions = rs_py_body_word(py, array, RS_A_DIMENSIONS);
	const uint32_t nd = half(py, array, RS_A_ND);
	uint64_t n = 1;

	if (nd > RS_NPY_DIMENSIONS)
		return UINT64_MAX;
	for (uint32_t i = 0; i < nd; i++) {
		uint64_t size;

		if (!rs_memory_u64(py->base.memory,
				   dimensions + i * sizeof(size), &size) ||
		    (size && n > (uint64_t)RS_PY_ITEMS_MAX / size))
			return UINT64_MAX;
		n *= size;
	}
	return n;
}

static uint64_t bytes_of(struct rs_cpython *py, uint64_t array)
{
	const uint64_t n = items_of(py, array);
	const uint64_t size = rs_py_dtype_itemsize(
		py, rs_py_body_word(py, array, RS_A_DESCR));

	return n == UINT64_MAX ? 0 : n * size;
}

static bool owns_items(struct rs_cpython *py, uint64_t array)
{
	return half(py, array, RS_A_FLAGS) & RS_NPY_OWNDATA;
}

void rs_py_ndarray_refs(struct rs_cpython *py, uint64_t array,
			struct rs_refs *refs)
{
	const uint64_t descr = rs_py_body_word(py, array, RS_A_DESCR);
	const uint64_t n = owns_items(py, array) ? items_of(py, array) : 0;
	const uint64_t data = rs_py_body_word(py, array, RS_A_DATA);
	const bool in_order = half(py, array, RS_A_FLAGS) & RS_NPY_C_CONTIGUOUS;
	const enum rs_label_kind label = half(py, array, RS_A_ND) == 1
						 ? RS_LABEL_INDEX
					 : in_order ? RS_LABEL_FLAT
						    : RS_LABEL_MEMBER;
	struct slots slots = {0};
	struct dtype d;

	if (!n || n == UINT64_MAX || !dtype_open(py, descr, &d)) {
		refs->incomplete |= n != 0;
		return;
	}
	if (d.number == RS_NPY_OBJECT) {
		rs_py_array_refs(py, data, n, 0, RS_OWNED, label, refs);
		return;
	}
	if (!d.has_objects)
		return;
	find_slots(py, descr, 0, 0, &slots);
	refs->incomplete |= slots.incomplete;
	for (uint64_t i = 0; i < n && !refs->incomplete; i++) {
		for (unsigned s = 0; s < slots.n; s++) {
			uint64_t value = 0;
			const uint64_t at = data + i * d.itemsize + slots.at[s];

			if (!rs_memory_u64(py->base.memory, at, &value))
				refs->incomplete = true;
			rs_refs_add(refs, value, RS_OWNED, label, i);
		}
		if (refs->drain && i % RS_PY_DRAIN_STEP == 0)
			refs->drain(refs);
	}
}

uint64_t rs_py_ndarray_size(struct rs_cpython *py, uint64_t array)
{
	const uint32_t nd = half(py, array, RS_A_ND);

	if (nd > RS_NPY_DIMENSIONS)
		return 0;
	return nd * UINT64_C(2) * sizeof(uint64_t) +
	       (owns_items(py, array) ? bytes_of(py, array) : 0);
}

bool rs_py_ndarray_view(struct rs_cpython *py, uint64_t array, uint64_t *bytes,
			uint64_t *of)
{
	if (owns_items(py, array))
		return false;
	*bytes = bytes_of(py, array);
	*of = rs_py_body_word(py, array, RS_A_BASE);
	return true;
}
