// SPDX-License-Identifier: MIT
#include "runtime/cpython/decode/types.h"

#include "base/cleanup.h"
#include "runtime/cpython/decode/chain.h"
#include "runtime/cpython/decode/decode.h"
#include "runtime/cpython/decode/members.h"
#include "runtime/cpython/decode/named.h"

#include <stdio.h>
#include <stdlib.h>

static uint64_t field(struct rs_cpython *py, uint64_t type, enum rs_field f)
{
	return rs_py_type_field(py, type, f);
}

static bool is_tuple(struct rs_cpython *py, uint64_t object)
{
	const uint64_t type = object ? rs_py_type(py, object) : 0;

	return type &&
	       (type == py->type_tuple ||
		(field(py, type, RS_F__typeobject__tp_flags) & RS_TPF_TUPLE));
}

/*
 * Whether the memory at @p type has what PyType_Ready() leaves in every type:
 * the flag, and a tuple of bases (which type_clear() leaves alone). A static
 * type of a mapped file may be not ready yet; then it has at least a name. Of
 * a type whose tuple is not in the target the rest must do.
 */
static bool has_shape(struct rs_cpython *py, uint64_t type)
{
	const uint64_t flags = field(py, type, RS_F__typeobject__tp_flags);
	const uint64_t basic = field(py, type, RS_F__typeobject__tp_basicsize);
	const uint64_t item = field(py, type, RS_F__typeobject__tp_itemsize);
	const uint64_t bases = field(py, type, RS_F__typeobject__tp_bases);

	if (basic > UINT32_MAX / 4 || item > UINT32_MAX / 4 ||
	    !field(py, type, RS_F__typeobject__tp_name))
		return false;
	if (!(flags & RS_TPF_READY))
		return rs_memory_module(py->base.memory, type) &&
		       rs_py_is_name(rs_py_type_name(py, type));
	if (!bases)
		return false;
	return is_tuple(py, bases) ||
	       (!rs_memory_at(py->base.memory, bases, py->header_size) &&
		rs_py_is_name(rs_py_type_name(py, type)));
}

/*
 * A word that happens to point where a word points to PyType_Type is no type:
 * it must look like one all over, and so must its type, and the type of that,
 * up to PyType_Type; those must be types of types. What it is called does not
 * matter: a class may be called anything.
 */
static bool is_type(struct rs_cpython *py, uint64_t type)
{
	const uint64_t size = (uint64_t)py->known->type_size;
	struct rs_py_chain chain = {0};
	bool meta = false;

	for (;; type = rs_py_type(py, type), meta = true) {
		if (type == py->type_type && type)
			return true;
		if (!type || (type & 7) || !rs_py_chain_step(&chain, type) ||
		    !rs_memory_at(py->base.memory, type, size) ||
		    !has_shape(py, type))
			return false;
		if (meta && !(field(py, type, RS_F__typeobject__tp_flags) &
			      RS_TPF_TYPE))
			return false;
	}
}

static struct rs_py_slot *
find_slot(const struct rs_py_types *known, uint64_t type)
{
	uint32_t i =
		(uint32_t)((type >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 32) &
		(known->slots - 1);

	while (known->table[i].address && known->table[i].address != type)
		i = (i + 1) & (known->slots - 1);
	return &known->table[i];
}

static bool grow(struct rs_py_types *known)
{
	const uint32_t slots = known->slots ? known->slots * 2 : 1024;
	struct rs_py_slot *old = known->table;
	const uint32_t n = known->slots;
	struct rs_py_slot *table = calloc(slots, sizeof(*table));

	if (!table)
		return false;
	known->table = table;
	known->slots = slots;
	for (uint32_t i = 0; i < n; i++)
		if (old[i].address)
			*find_slot(known, old[i].address) = old[i];
	free(old);
	return true;
}

const struct rs_py_type *rs_py_type_find(struct rs_cpython *py, uint64_t type)
{
	struct rs_py_types *known = py->known;
	const uint64_t h = (type >> 4) ^ (type >> 14);
	struct rs_py_slot *cache = &known->cache[h & (RS_PY_TYPE_CACHE - 1)];
	struct rs_py_slot *slot;

	if (!type || (type & 7))
		return NULL;
	slot = find_slot(known, type);
	if (slot->address) {
		*cache = *slot;
		return slot->type;
	}
	// What is no type is kept in the cache alone, or garbage would fill
	// the table.
	const struct rs_py_type *t =
		is_type(py, type) ? rs_py_learn(py, type) : NULL;
	if (t) {
		if (known->used * 2 >= known->slots && !grow(known)) {
			py->base.types->no_memory = true;
			return NULL;
		}
		slot = find_slot(known, type);
		slot->address = type;
		slot->type = t;
		known->used++;
	}
	// If memory ran out, try again the next time.
	if (!t && py->base.types->no_memory)
		return NULL;
	cache->address = type;
	cache->type = t;
	return t;
}

const struct rs_py_type *
rs_py_learned(const struct rs_cpython *py, uint64_t type)
{
	return find_slot(py->known, type)->type;
}

static void learn_offsets(struct rs_cpython *py, struct rs_py_types *k)
{
	k->ob_type = rs_py_off(py, RS_F__object__ob_type);
	k->ob_refcnt = rs_py_off(py, RS_F__object__ob_refcnt);
	if (py->head_size >= 16 && rs_py_minor(py) > 0)
		k->finalized = (rs_py_minor(py) >= 8 ? 8 : 16) -
			       (int32_t)py->head_size;
	k->ob_size = rs_py_off(py, RS_F_PyVarObject__ob_size);
	k->type_size = rs_py_off(py, RS_F__typeobject___size);
	k->list_item = rs_py_off(py, RS_F_PyListObject__ob_item);
	k->tuple_item = rs_py_off(py, RS_F_PyTupleObject__ob_item);
	k->keys_nentries = rs_py_off(py, RS_F__dictkeysobject__dk_nentries);
	k->keys_kind = rs_py_off(py, RS_F__dictkeysobject__dk_kind);
	k->keys_log2 = rs_py_off(py, RS_F__dictkeysobject__dk_log2_index_bytes);
	k->keys_size = rs_py_off(py, RS_F__dictkeysobject__dk_size);
	k->keys_lookup = rs_py_off(py, RS_F__dictkeysobject__dk_lookup);
	k->keys_indices = rs_py_off(py, RS_F__dictkeysobject__dk_indices);
	k->keys_header = rs_py_off(py, RS_F__dictkeysobject___size);
	k->ma_used = rs_py_off(py, RS_F_PyDictObject__ma_used);
	k->ma_keys = rs_py_off(py, RS_F_PyDictObject__ma_keys);
	k->ma_values = rs_py_off(py, RS_F_PyDictObject__ma_values);
	k->ma_table = rs_py_off(py, RS_F_PyDictObject__ma_table);
	k->ma_mask = rs_py_off(py, RS_F_PyDictObject__ma_mask);
	k->values_at = rs_py_off(py, RS_F__dictvalues__values);
	k->values_capacity = rs_py_off(py, RS_F__dictvalues__capacity);
	k->values_valid = rs_py_off(py, RS_F__dictvalues__valid);
	k->values_embedded = rs_py_off(py, RS_F__dictvalues__embedded);
	k->set_table = rs_py_off(py, RS_F_PySetObject__table);
	k->set_mask = rs_py_off(py, RS_F_PySetObject__mask);
	k->entry_key = rs_py_off(py, RS_F_setentry__key);
	k->entry_hash = rs_py_off(py, RS_F_setentry__hash);
	if (k->values_at < 0)
		k->values_at = 0;
	k->threaded_bits =
		(uint64_t)(int64_t)(rs_py_off(py, RS_F__object__ob_gc_bits) +
				    1);
	k->old = py->version >> 24 < 3;
}

struct rs_error *rs_py_types_open(struct rs_cpython *py)
{
	RS_AUTO_FREE struct rs_py_types *known = calloc(1, sizeof(*known));

	if (!known)
		return &rs_enomem;
	learn_offsets(py, known);
	if (known->ob_type < 0 || known->ob_size < 0 ||
	    (known->ob_refcnt < 0 && !known->threaded_bits) ||
	    known->type_size <= 0 || known->list_item < 0 ||
	    known->tuple_item < 0)
		return rs_error_new(
			RS_EBAD, "the layout of Python %s lacks object headers",
			py->version_text);
	if (!grow(known))
		return &rs_enomem;
	py->known = rs_take(&known);
	return NULL;
}

void rs_py_types_close(struct rs_cpython *py)
{
	struct rs_py_types *known = py->known;

	if (!known)
		return;
	struct rs_py_type **all =
		rs_vec_items(&known->all, struct rs_py_type *);
	for (size_t i = 0; i < rs_vec_count(&known->all, struct rs_py_type *);
	     i++)
		rs_py_type_free(all[i]);
	rs_vec_fini(&known->all);
	free(known->table);
	free(known);
	py->known = NULL;
}

/*
 * A type of the interpreter's own file stays as PyType_Ready() has left it. Any
 * other may be changed by the program, or gone with its library.
 */
static bool stays(const struct rs_cpython *py, const struct rs_py_type *t)
{
	const struct rs_module *own =
		rs_memory_module(py->base.memory, py->type_type);

	return own && (t->flags & RS_TPF_READY) && !(t->flags & RS_TPF_HEAP) &&
	       rs_memory_module(py->base.memory, t->address) == own;
}

void rs_py_types_forget(struct rs_cpython *py)
{
	struct rs_py_types *known = py->known;
	struct rs_py_type **all =
		rs_vec_items(&known->all, struct rs_py_type *);
	const size_t n = rs_vec_count(&known->all, struct rs_py_type *);
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (stays(py, all[i]))
			all[kept++] = all[i];
		else
			rs_py_type_free(all[i]);
	}
	known->all.used = kept * sizeof(struct rs_py_type *);
	memset(known->cache, 0, sizeof(known->cache));
	known->old_class = 0;
	if (kept == n)
		return;
	memset(known->table, 0, known->slots * sizeof(*known->table));
	known->used = (uint32_t)kept;
	for (size_t i = 0; i < kept; i++)
		*find_slot(known, all[i]->address) =
			(struct rs_py_slot){all[i]->address, all[i]};
}
