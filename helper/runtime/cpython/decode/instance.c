// SPDX-License-Identifier: MIT
#include "runtime/cpython/decode/decode.h"
#include "runtime/cpython/decode/dict.h"

// The word at `offset` from the object, from the bytes that were read.
static uint64_t near_word(const uint8_t *body, int32_t offset)
{
	return rs_py_word(body + offset);
}

static void of_313(struct rs_cpython *py, const struct rs_py_type *t,
		   uint64_t object, const uint8_t *body,
		   struct rs_py_attributes *ret)
{
	const struct rs_py_types *k = py->known;
	const uint64_t inside = object + (uint64_t)t->values_offset;
	const uint8_t *p;

	ret->dict = near_word(body, t->dict_offset);
	if (!t->values_offset || (ret->dict && !py->old_inline))
		return;
	p = rs_memory_at(py->base.memory, inside, (uint64_t)k->values_at);
	if (!p || p[k->values_valid] != 1)
		return;
	ret->values = inside + (uint64_t)k->values_at;
	ret->count = p[k->values_capacity];
	ret->keys = t->keys;
}

static void of_body(struct rs_cpython *py, const struct rs_py_type *t,
		    uint64_t object, const uint8_t *body,
		    struct rs_py_attributes *ret)
{
	uint64_t word;
	int64_t items;

	*ret = (struct rs_py_attributes){0};
	switch (t->dict) {
	case RS_PY_DICT_AT:
		rs_memory_u64(py->base.memory,
			      object + (uint64_t)t->dict_offset, &ret->dict);
		break;
	case RS_PY_DICT_END:
		items = rs_py_length(py, object);
		if (items < -RS_PY_ITEMS_MAX || items > RS_PY_ITEMS_MAX)
			break;
		items = items < 0 ? -items : items;
		word = t->basicsize + (uint64_t)items * t->itemsize;
		word = (word + 7) & ~UINT64_C(7);
		rs_memory_u64(py->base.memory,
			      object + word + (uint64_t)t->dict_offset,
			      &ret->dict);
		break;
	case RS_PY_DICT_311:
		ret->values = near_word(body, -32);
		ret->dict = ret->values ? 0 : near_word(body, -24);
		ret->count = t->keys_count;
		ret->keys = t->keys;
		break;
	case RS_PY_DICT_312:
		word = near_word(body, -24);
		if (word & 1) {
			ret->values = word + 1;
			ret->count = t->keys_count;
			ret->keys = t->keys;
		} else {
			ret->dict = word;
		}
		break;
	case RS_PY_DICT_313:
		of_313(py, t, object, body, ret);
		break;
	default:
		break;
	}
}

void rs_py_attributes(struct rs_cpython *py, const struct rs_py_type *t,
		      uint64_t object, struct rs_py_attributes *ret)
{
	const uint8_t *p = rs_memory_at(py->base.memory, object - t->before,
					(uint64_t)t->before + t->span);

	*ret = (struct rs_py_attributes){0};
	if (p)
		of_body(py, t, object, p + t->before, ret);
}

// Append values in or beside the instance, whose names are the keys of the
// class.
static void value_refs(struct rs_cpython *py, const struct rs_py_type *t,
		       const struct rs_py_attributes *at, struct rs_refs *refs)
{
	const enum rs_kind kind = (enum rs_kind)t->dict_kind;
	const uint32_t first = refs->n;
	struct rs_py_table table;

	rs_py_array_refs(py, at->values, at->count, 0, kind, RS_LABEL_ATTR,
			 refs);
	if (!refs->label)
		return;
	if (!rs_py_keys_open(py, at->keys, &table))
		table.entries = 0;
	for (uint32_t i = first; i < refs->n; i++) {
		struct rs_label *label = &refs->label[i];
		const uint64_t key = label->a < table.entries
					     ? rs_py_table_key(&table, label->a)
					     : 0;

		if (!key)
			label->kind = RS_LABEL_INDEX;
		else
			label->a = key;
	}
}

void rs_py_instance_refs(struct rs_cpython *py, const struct rs_py_type *t,
			 uint64_t object, const uint8_t *body,
			 struct rs_refs *refs)
{
	struct rs_py_attributes at;

	of_body(py, t, object, body, &at);
	if (!at.values) {
		rs_refs_add(refs, at.dict, (enum rs_kind)t->dict_kind,
			    RS_LABEL_DICT, 0);
		return;
	}
	// The releases in which an instance with a dict visits its values do
	// not visit the dict.
	rs_refs_add(refs, at.dict, RS_OWNED, RS_LABEL_DICT, 0);
	value_refs(py, t, &at, refs);
}
