// SPDX-License-Identifier: MIT
#include "runtime/cpython/decode/decode.h"
#include "runtime/cpython/decode/dict.h"
#include "runtime/cpython/decode/size_rules.h"
#include "runtime/cpython/state/discover.h"

#define RS_PY_BYTES_MAX (INT64_C(1) << 47) // of an object: an address space

// Bytes of the keys of a dict (3.6+), as sys.getsizeof() counts them.
static uint64_t keys_size(struct rs_cpython *py, uint64_t keys)
{
	const struct rs_py_types *k = py->known;
	const uint8_t *p = k->keys_header > 0
				   ? rs_memory_at(py->base.memory, keys,
						  (uint64_t)k->keys_header)
				   : NULL;
	uint64_t size, index, stride = 24;

	if (!p)
		return 0;
	if (k->keys_log2 >= 0) {
		const int32_t at =
			rs_py_off(py, RS_F__dictkeysobject__dk_log2_size);
		if (at < 0 || p[at] > 40 || p[k->keys_log2] > 44)
			return 0;
		size = UINT64_C(1) << p[at];
		index = UINT64_C(1) << p[k->keys_log2];
		stride = p[k->keys_kind] ? 16 : 24;
	} else {
		size = rs_py_word(p + k->keys_size);
		if (size > (uint64_t)RS_PY_ITEMS_MAX)
			return 0;
		index = size * (size <= 0xff	     ? 1
				: size <= 0xffff     ? 2
				: size <= 0xffffffff ? 4
						     : 8);
	}
	return (uint64_t)k->keys_header + index + (size << 1) / 3 * stride;
}

static uint64_t dict_size(struct rs_cpython *py, uint64_t object)
{
	const struct rs_py_types *k = py->known;
	const uint64_t keys = rs_py_get(py, object, RS_F_PyDictObject__ma_keys);
	const uint64_t counted =
		rs_py_get(py, keys, RS_F__dictkeysobject__dk_refcnt);
	const uint64_t values =
		rs_py_get(py, object, RS_F_PyDictObject__ma_values);
	struct rs_py_table table;

	if (k->ma_table >= 0) {
		const uint64_t at =
			rs_py_get(py, object, RS_F_PyDictObject__ma_table);
		const uint64_t mask =
			rs_py_get(py, object, RS_F_PyDictObject__ma_mask);
		const bool small =
			at ==
			object + (uint64_t)rs_py_off(
					 py, RS_F_PyDictObject__ma_smalltable);
		return small || mask > (uint64_t)RS_PY_ITEMS_MAX
			       ? 0
			       : (mask + 1) * 24;
	}
	// Keys that others have too belong to the class, or to all empty dicts.
	const uint64_t own = counted == 1 ? keys_size(py, keys) : 0;
	if (!values)
		return own;
	if (!rs_py_keys_open(py, keys, &table))
		return 0;
	const uint64_t usable =
		rs_py_get(py, keys, RS_F__dictkeysobject__dk_usable);
	return usable < (uint64_t)RS_PY_ITEMS_MAX
		       ? (table.entries + usable) * 8 + own
		       : 0;
}

static uint64_t set_size(struct rs_cpython *py, uint64_t object)
{
	const int32_t small = rs_py_off(py, RS_F_PySetObject__smalltable);
	const uint64_t mask = rs_py_get(py, object, RS_F_PySetObject__mask);

	if (rs_py_get(py, object, RS_F_PySetObject__table) ==
		    object + (uint64_t)small ||
	    mask > (uint64_t)RS_PY_ITEMS_MAX)
		return 0;
	return (mask + 1) * 16;
}

// Text that is not compact stands in a block of its own.
static bool is_compact(struct rs_cpython *py, uint64_t object)
{
	const int32_t bit =
		rs_py_off(py, RS_F_PyASCIIObject__state__compact__bit);
	uint32_t state = 0;

	return bit >= 0 &&
	       rs_memory_u32(py->base.memory, object + (uint64_t)(bit / 32 * 4),
			     &state) &&
	       (state >> bit % 32 & 1);
}

// The UTF-8 form that a str keeps once somebody has wanted it.
static uint64_t utf8_size(struct rs_cpython *py, uint64_t object)
{
	const uint64_t length =
		rs_py_get(py, object, RS_F_PyCompactUnicodeObject__utf8_length);

	return rs_py_get(py, object, RS_F_PyCompactUnicodeObject__utf8) &&
			       length < RS_PY_ITEMS_MAX
		       ? length + 1
		       : 0;
}

// Up to 3.11 a str may have a copy in wchar_t, at @p data when that is its own.
static uint64_t wide_size(struct rs_cpython *py, uint64_t object, uint64_t data,
			  uint64_t length)
{
	const uint64_t wide = rs_py_get(py, object, RS_F_PyASCIIObject__wstr);

	return wide && wide != data && length < RS_PY_ITEMS_MAX
		       ? (length + 1) * sizeof(uint32_t)
		       : 0;
}

// @param buffers With the UTF-8 and the wide form of the text, which some
// strings keep in memory of their own.
static uint64_t string_size(struct rs_cpython *py, const struct rs_py_type *t,
			    uint64_t object, bool buffers)
{
	const int32_t ascii_size = rs_py_off(py, RS_F_PyASCIIObject___size);
	const int32_t compact =
		rs_py_off(py, RS_F_PyCompactUnicodeObject___size);
	const int32_t kind_bit =
		rs_py_off(py, RS_F_PyASCIIObject__state__kind__bit);
	const int32_t ascii_bit =
		rs_py_off(py, RS_F_PyASCIIObject__state__ascii__bit);
	uint32_t state = 0;

	if (py->known->old) { // 2.7 takes any unicode for one of its own type
		const uint64_t length =
			rs_py_get(py, object, RS_F_PyUnicodeObject__length);
		return (uint64_t)rs_py_off(py, RS_F_PyUnicodeObject___size) +
		       (length < (uint64_t)RS_PY_ITEMS_MAX ? (length + 1) * 4
							   : 0);
	}
	const uint64_t length =
		rs_py_get(py, object, RS_F_PyASCIIObject__length);
	if (kind_bit < 0 || ascii_bit < 0 ||
	    !rs_memory_u32(py->base.memory,
			   object + (uint64_t)(kind_bit / 32 * 4), &state) ||
	    length > INT64_MAX / 8)
		return t->basicsize;
	const uint64_t kind = state >> kind_bit % 32 & 7;
	if (!is_compact(py, object))
		return (uint64_t)rs_py_off(py, RS_F_PyUnicodeObject___size) +
		       (length + 1) * kind;
	const bool ascii = state >> ascii_bit % 32 & 1;
	const uint64_t head = (uint64_t)(ascii ? ascii_size : compact);
	const uint64_t place = head + (length + 1) * (ascii ? 1 : kind);

	if (!buffers)
		return place;
	if (ascii)
		return place + wide_size(py, object, object + head, length);
	return place + utf8_size(py, object) +
	       wide_size(py, object, object + head,
			 rs_py_get(py, object,
				   RS_F_PyCompactUnicodeObject__wstr_length));
}

// What an int's items are: digits; 3.12+ counts them in the tag.
static uint64_t
int_size(struct rs_cpython *py, const struct rs_py_type *t, uint64_t object)
{
	int32_t at = rs_py_off(py, RS_F__longobject__long_value__ob_digit);
	uint64_t digits;

	if (at < 0)
		at = rs_py_off(py, RS_F__longobject__ob_digit);
	if (rs_py_off(py, RS_F__longobject__long_value__lv_tag) >= 0) {
		digits = rs_py_get(py, object,
				   RS_F__longobject__long_value__lv_tag) >>
			 3;
	} else {
		const int64_t size = rs_py_length(py, object);
		digits = size < 0 ? 0 - (uint64_t)size : (uint64_t)size;
	}
	if (digits > (uint64_t)RS_PY_ITEMS_MAX)
		return t->basicsize;
	if (!digits && rs_py_minor(py) >= 11)
		digits = 1; // that of 0 is there
	// A class of its own adds a dict, which is not counted.
	return (uint64_t)at + digits * t->itemsize;
}

uint32_t rs_py_head_size(struct rs_cpython *py, const struct rs_py_type *t)
{
	const unsigned minor = rs_py_minor(py);
	const uint32_t size = t->gc ? py->head_size : 0;
	uint64_t pre = 0;

	if (minor == 11)
		pre = t->flags & RS_TPF_MANAGED_DICT;
	else if (minor >= 12)
		pre = t->flags & (RS_TPF_MANAGED_DICT | RS_TPF_MANAGED_WEAKREF);
	return size + (pre ? 16 : 0);
}

static uint64_t
table_size(struct rs_cpython *py, const struct rs_py_type *t, uint64_t object)
{
	uint64_t n;

	switch (t->how) {
	case RS_PY_LIST:
		n = rs_py_get(py, object, RS_F_PyListObject__allocated);
		return n > (uint64_t)RS_PY_ITEMS_MAX ? 0 : n * 8;
	case RS_PY_DICT:
	case RS_PY_ODICT:
		return dict_size(py, object);
	case RS_PY_SET:
		return set_size(py, object);
	case RS_PY_TYPE:
		n = rs_py_get(py, object, RS_F__heaptypeobject__ht_cached_keys);
		if (!(rs_py_get(py, object, RS_F__typeobject__tp_flags) &
		      RS_TPF_HEAP))
			return 0;
		return n ? keys_size(py, n) : 0;
	default:
		return 0;
	}
}

// Frames and generators of 3.11 and later have items and no length: a pointer
// is in its place.
static bool has_length(const struct rs_cpython *py, const struct rs_py_type *t)
{
	return py->version < RS_PY(3, 11) ||
	       (t->how != RS_PY_FRAME && t->how != RS_PY_GENERATOR);
}

// Items that stand in the object itself.
static uint64_t
item_size(struct rs_cpython *py, const struct rs_py_type *t, uint64_t object)
{
	int64_t n;

	if (!t->itemsize || t->how == RS_PY_TYPE || !has_length(py, t))
		return 0;
	n = rs_py_length(py, object);
	if (n < -RS_PY_BYTES_MAX || n > RS_PY_BYTES_MAX)
		return 0;
	n = n < 0 ? -n : n;
	return n <= RS_PY_BYTES_MAX / t->itemsize ? (uint64_t)n * t->itemsize
						  : 0;
}

uint64_t rs_py_own_size(struct rs_cpython *py, const struct rs_py_type *t,
			uint64_t object)
{
	if (t->flags & RS_TPF_UNICODE)
		return is_compact(py, object)
			       ? string_size(py, t, object, false)
			       : t->basicsize;
	if (t->flags & RS_TPF_LONG)
		return int_size(py, t, object);
	// Of what else has items, not all have a length.
	if (t->how == RS_PY_TUPLE || (t->flags & RS_TPF_BYTES))
		return t->basicsize + item_size(py, t, object);
	return t->basicsize;
}

uint64_t
rs_py_size_in_place(struct rs_runtime *rt, uint64_t address, uint64_t size)
{
	struct rs_cpython *py = rs_cpython(rt);
	const struct rs_py_type *t = rs_py_known_of(py, address);

	if (!t)
		return size;
	const uint64_t head = rs_py_head_size(py, t);
	const bool rest_is_here =
		t->how == RS_PY_GENERATOR ||
		(t->how == RS_PY_FRAME && py->version < RS_PY(3, 11)) ||
		(t->how == RS_PY_CODE && py->version >= RS_PY(3, 11));
	uint64_t own = rs_py_own_size(py, t, address);
	if (rest_is_here && size > head)
		own = size - head;
	else if (own == t->basicsize && !t->size_rule)
		own += item_size(py, t, address);
	return own < size ? own : size;
}

uint64_t
rs_py_size(struct rs_cpython *py, const struct rs_py_type *t, uint64_t object)
{
	const uint64_t head = rs_py_head_size(py, t);

	if (t->flags & RS_TPF_UNICODE)
		return head + string_size(py, t, object, true);
	if (t->flags & RS_TPF_LONG) // 2.7 counts what a class of its own adds
		return head + (py->known->old
				       ? t->basicsize + item_size(py, t, object)
				       : int_size(py, t, object));
	if (t->how == RS_PY_TYPE) {
		const bool heap =
			rs_py_get(py, object, RS_F__typeobject__tp_flags) &
			RS_TPF_HEAP;
		// A static type is a bare PyTypeObject without a head, which
		// sys.getsizeof() counted all the same in 3.11 and 3.12.
		const unsigned minor = rs_py_minor(py);
		const uint64_t bare = (minor ? (uint64_t)py->known->type_size
					     : t->basicsize) +
				      (minor == 11 || minor == 12 ? head : 0);
		// 2.7 counts the descriptions of slots, as of any object.
		const uint64_t items =
			minor ? 0
			      : (uint64_t)rs_py_length(py, object) *
					t->itemsize;
		if (heap && t->size_rule)
			return head + t->basicsize +
			       rs_py_size_by_rule(py, t, object);
		return heap ? head + t->basicsize + table_size(py, t, object) +
				       (items < RS_PY_ITEMS_MAX ? items : 0)
			    : bare;
	}
	// 2.7 takes any str for one of its own type.
	if (py->known->old && (t->flags & RS_TPF_BYTES))
		return head +
		       (uint64_t)rs_py_off(py, RS_F_PyStringObject__ob_sval) +
		       1 + item_size(py, t, object);
	if (t->size_rule)
		return head + t->basicsize + table_size(py, t, object) +
		       rs_py_size_by_rule(py, t, object);
	return head + t->basicsize + item_size(py, t, object) +
	       table_size(py, t, object);
}
