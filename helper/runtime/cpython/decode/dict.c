// SPDX-License-Identifier: MIT
#include "runtime/cpython/decode/dict.h"
#include "runtime/cpython/decode/decode.h"

// dk_kind of 3.11+.
enum { RS_KEYS_GENERAL = 0, RS_KEYS_SPLIT = 2 };

// 2.7: one array of (hash, key, value), mask + 1 of them.
static bool
open_27(struct rs_cpython *py, const uint8_t *p, struct rs_py_table *ret)
{
	const struct rs_py_types *k = py->known;
	const uint64_t table = rs_py_word(p + k->ma_table);
	const uint64_t mask = rs_py_word(p + k->ma_mask);

	if (mask >= (uint64_t)RS_PY_ITEMS_MAX || (mask & (mask + 1)))
		return false;
	ret->entries = mask + 1;
	ret->stride = 24;
	ret->key_at = 8;
	ret->value_at = 16;
	ret->general = true;
	ret->entry = rs_memory_at(py->base.memory, table, ret->entries * 24);
	return ret->entry != NULL;
}

// 3.6 to 3.10: indices of 1, 2, 4 or 8 bytes, then (hash, key, value).
static bool keys_36(struct rs_cpython *py, uint64_t keys, const uint8_t *p,
		    struct rs_py_table *ret)
{
	const struct rs_py_types *k = py->known;
	const uint64_t size = rs_py_word(p + k->keys_size);
	const uint64_t lookup = rs_py_word(p + k->keys_lookup);
	const uint64_t index = size <= 0xff	    ? 1
			       : size <= 0xffff	    ? 2
			       : size <= 0xffffffff ? 4
						    : 8;

	if (size > (uint64_t)RS_PY_ITEMS_MAX || ret->entries > size)
		return false;
	ret->stride = 24;
	ret->key_at = 8;
	ret->value_at = 16;
	ret->general = py->lookdict && lookup == py->lookdict;
	ret->entry =
		rs_memory_at(py->base.memory,
			     keys + (uint64_t)k->keys_indices + size * index,
			     ret->entries * 24);
	return ret->entry != NULL;
}

// 3.11 and later: sizes as logarithms; entries with str keys have no hash.
static bool keys_311(struct rs_cpython *py, uint64_t keys, const uint8_t *p,
		     struct rs_py_table *ret)
{
	const struct rs_py_types *k = py->known;
	const unsigned log2 = p[k->keys_log2];
	const unsigned kind = p[k->keys_kind];

	if (log2 > 40 || kind > RS_KEYS_SPLIT)
		return false;
	ret->general = kind == RS_KEYS_GENERAL;
	ret->shared = kind == RS_KEYS_SPLIT;
	ret->stride = ret->general ? 24 : 16;
	ret->key_at = ret->general ? 8 : 0;
	ret->value_at = ret->key_at + 8;
	ret->entry = rs_memory_at(py->base.memory,
				  keys + (uint64_t)k->keys_indices +
					  (UINT64_C(1) << log2),
				  ret->entries * ret->stride);
	return ret->entry != NULL;
}

bool rs_py_keys_open(struct rs_cpython *py, uint64_t keys,
		     struct rs_py_table *ret)
{
	const struct rs_py_types *k = py->known;
	const uint8_t *p;

	*ret = (struct rs_py_table){0};
	if (k->keys_header <= 0 || !keys || (keys & 7))
		return false;
	p = rs_memory_at(py->base.memory, keys, (uint64_t)k->keys_header);
	if (!p)
		return false;
	ret->entries = rs_py_word(p + k->keys_nentries);
	if (ret->entries > (uint64_t)RS_PY_ITEMS_MAX)
		return false;
	return k->keys_log2 >= 0 ? keys_311(py, keys, p, ret)
				 : keys_36(py, keys, p, ret);
}

// Values separate from their keys; from 3.13 on they have a capacity of their
// own.
static bool
open_split(struct rs_cpython *py, uint64_t values, struct rs_py_table *ret)
{
	const struct rs_py_types *k = py->known;
	const uint64_t at = values + (uint64_t)k->values_at;

	ret->shared = true;
	if (k->values_capacity >= 0) {
		const uint8_t *p = rs_memory_at(py->base.memory, values, 4);
		if (!p)
			return false;
		if (ret->entries > p[k->values_capacity])
			ret->entries = p[k->values_capacity];
		ret->embedded = p[k->values_embedded] == 1;
	}
	ret->values = rs_memory_at(py->base.memory, at, ret->entries * 8);
	return ret->values != NULL;
}

bool rs_py_table_open(struct rs_cpython *py, uint64_t dict,
		      struct rs_py_table *ret)
{
	const struct rs_py_types *k = py->known;
	const int32_t last = k->ma_values >= 0 ? k->ma_values : k->ma_table;
	const uint8_t *p = last < 0 ? NULL
				    : rs_memory_at(py->base.memory, dict,
						   (uint64_t)last + 8);

	*ret = (struct rs_py_table){0};
	if (!p)
		return false;
	if (k->ma_table >= 0) {
		ret->used = rs_py_word(p + k->ma_used);
		return open_27(py, p, ret);
	}
	const uint64_t values = rs_py_word(p + k->ma_values);
	if (!rs_py_keys_open(py, rs_py_word(p + k->ma_keys), ret))
		return false;
	ret->used = rs_py_word(p + k->ma_used);
	ret->shared = false;
	return values == 0 || open_split(py, values, ret);
}

// Append values and keys that are side by side; without labels.
static uint64_t add_some(const struct rs_py_table *table, enum rs_kind kind,
			 enum rs_kind of_key, struct rs_refs *refs)
{
	if (!rs_py_reserve(refs, table->entries * 2))
		return 0;
	const uint8_t *entry = table->entry + table->key_at;
	uint64_t *target = refs->target + refs->n;
	uint8_t *kinds = refs->kind + refs->n;
	uint64_t live = 0;
	uint32_t n = 0;

	for (uint64_t i = 0; i < table->entries; i++) {
		const uint64_t key = rs_py_word(entry);
		const uint64_t value = rs_py_word(entry + 8);

		entry += table->stride;
		if (!value)
			continue;
		target[n] = value;
		kinds[n++] = (uint8_t)kind;
		target[n] = key;
		kinds[n] = (uint8_t)of_key;
		n += key != 0;
		live++;
	}
	refs->n += n;
	return live;
}

static uint64_t add_entries(struct rs_py_table table, enum rs_kind kind,
			    enum rs_kind of_key, struct rs_refs *refs)
{
	uint64_t left = table.entries;
	uint64_t live = 0;

	while (refs->drain && left > RS_PY_DRAIN_STEP) {
		table.entries = RS_PY_DRAIN_STEP;
		live += add_some(&table, kind, of_key, refs);
		refs->drain(refs);
		table.entry += RS_PY_DRAIN_STEP * table.stride;
		left -= RS_PY_DRAIN_STEP;
	}
	table.entries = left;
	return live + add_some(&table, kind, of_key, refs);
}

// Append values whose keys belong to a class.
static uint64_t add_values(const struct rs_py_table *table, enum rs_kind kind,
			   struct rs_refs *refs)
{
	if (!rs_py_reserve(refs, table->entries))
		return 0;

	uint64_t *target = refs->target + refs->n;
	uint32_t n = 0;

	for (uint64_t i = 0; i < table->entries; i++) {
		const uint64_t value = rs_py_word(table->values + i * 8);
		target[n] = value;
		n += value != 0;
	}
	memset(refs->kind + refs->n, (int)kind, n);
	refs->n += n;
	return n;
}

static uint64_t add_labelled(const struct rs_py_table *table, enum rs_kind kind,
			     enum rs_kind of_key, struct rs_refs *refs)
{
	uint64_t live = 0;

	for (uint64_t i = 0; i < table->entries; i++) {
		const uint64_t value = rs_py_table_value(table, i);
		if (!value)
			continue;
		const uint64_t key = rs_py_table_key(table, i);
		live++;
		rs_refs_add(refs, value, kind, RS_LABEL_KEY, key);
		if (!table->shared)
			rs_refs_add(refs, key, of_key, RS_LABEL_IS_KEY, key);
	}
	return live;
}

/*
 * In 2.7 the key of a deleted entry is a str made for that, which is counted.
 * ma_fill, just before ma_used, counts such entries too.
 */
static void add_dummies(struct rs_cpython *py, uint64_t object,
			const struct rs_py_table *table, struct rs_refs *refs)
{
	const int32_t used_at = rs_py_off(py, RS_F_PyDictObject__ma_used);

	if (py->known->ma_table < 0 ||
	    rs_py_word_at(py, object + (uint64_t)used_at - 8) == table->used)
		return;
	for (uint64_t i = 0; i < table->entries; i++) {
		const uint64_t key = rs_py_table_key(table, i);

		if (key && !rs_py_table_value(table, i))
			rs_refs_add(refs, key, RS_OWNED, RS_LABEL_IS_KEY, key);
	}
}

/*
 * The traverse function does not visit the keys of a table with str keys only,
 * but the table owns them. Keys that the instances of a class share belong to
 * the class.
 */
void rs_py_dict_refs(struct rs_cpython *py, const struct rs_py_type *t,
		     uint64_t object, struct rs_refs *refs)
{
	const bool interned = rs_py_is_interned(py, object);
	const enum rs_kind kind =
		interned ? RS_WEAK : (enum rs_kind)t->body_kind;
	struct rs_py_table table;
	uint64_t live = 0;

	if (!rs_py_table_open(py, object, &table)) {
		refs->incomplete = true;
		return;
	}
	// In releases where the instance visits these values instead of the
	// dict.
	if (table.embedded && py->old_inline)
		return;
	const enum rs_kind of_key = table.general || interned ? kind : RS_OWNED;
	if (!refs->label && table.values)
		live = add_values(&table, kind, refs);
	else if (!refs->label)
		live = add_entries(table, kind, of_key, refs);
	else
		live = add_labelled(&table, kind, of_key, refs);
	add_dummies(py, object, &table, refs);
	// It is being changed at the stop.
	if (live != table.used)
		refs->incomplete = true;
}

bool rs_py_dict_each(struct rs_cpython *py, uint64_t dict,
		     bool (*visit)(void *context, uint64_t key, uint64_t value),
		     void *context)
{
	struct rs_py_table table;

	if (!(rs_py_flags_of(py, dict) & RS_TPF_DICT) ||
	    !rs_py_table_open(py, dict, &table))
		return false;
	for (uint64_t i = 0; i < table.entries; i++) {
		const uint64_t value = rs_py_table_value(&table, i);
		if (value && !visit(context, rs_py_table_key(&table, i), value))
			break;
	}
	return true;
}

// The text to look for.
struct wanted {
	struct rs_cpython *py;
	const char *key;
	uint64_t length, value;
};

static bool same_key(void *context, uint64_t key, uint64_t value)
{
	struct wanted *w = context;
	char text[512];

	// Compare lengths first; most keys need no look at their text.
	if ((uint64_t)rs_py_length(w->py, key) > w->length ||
	    !rs_py_string(w->py, key, text, sizeof(text)) ||
	    strcmp(text, w->key) != 0)
		return true;
	w->value = value;
	return false;
}

/** Where @p key of @p dict was found before, or another one's place. */
static uint32_t *
hint_of(const struct rs_cpython *py, uint64_t dict, const struct wanted *w)
{
	uint64_t h = dict >> 4;

	for (uint64_t i = 0; i < w->length; i++)
		h = h * 31 + (uint8_t)w->key[i];
	return &py->hint[h * UINT64_C(0x9e3779b97f4a7c15) >> 56];
}

uint64_t rs_py_dict_get(struct rs_cpython *py, uint64_t dict, const char *key)
{
	struct wanted w = {py, key, strlen(key), 0};
	struct rs_py_table t;

	if (!py->hint)
		return rs_py_dict_each(py, dict, same_key, &w) ? w.value : 0;
	// A dict has each key once: one that is found needs no other look.
	if (!(rs_py_flags_of(py, dict) & RS_TPF_DICT) ||
	    !rs_py_table_open(py, dict, &t))
		return 0;
	uint32_t *hint = hint_of(py, dict, &w);
	const uint64_t guess = *hint;
	if (guess < t.entries && rs_py_table_value(&t, guess) &&
	    !same_key(&w, rs_py_table_key(&t, guess),
		      rs_py_table_value(&t, guess)))
		return w.value;
	for (uint64_t i = 0; i < t.entries && !w.value; i++) {
		const uint64_t value = rs_py_table_value(&t, i);

		if (value && !same_key(&w, rs_py_table_key(&t, i), value))
			*hint = (uint32_t)i;
	}
	return w.value;
}
