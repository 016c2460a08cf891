// SPDX-License-Identifier: MIT
#include "runtime/cpython/decode/chain.h"
#include "runtime/cpython/decode/decode.h"
#include "runtime/cpython/decode/numpy.h"

static void list_refs(struct rs_cpython *py, const struct rs_py_type *t,
		      const uint8_t *body, struct rs_refs *refs)
{
	const struct rs_py_types *k = py->known;
	const int64_t size = (int64_t)rs_py_word(body + k->ob_size);

	if (size < 0) {
		refs->incomplete = true;
		return;
	}
	rs_py_array_refs(py, rs_py_word(body + k->list_item), (uint64_t)size, 0,
			 (enum rs_kind)t->body_kind, RS_LABEL_INDEX, refs);
}

static void tuple_refs(struct rs_cpython *py, const struct rs_py_type *t,
		       uint64_t object, const uint8_t *body,
		       struct rs_refs *refs)
{
	const struct rs_py_types *k = py->known;
	int64_t size = (int64_t)rs_py_word(body + k->ob_size);

	if (t->tuple_length)
		size = t->tuple_length;
	if (size < 0) {
		refs->incomplete = true;
		return;
	}
	rs_py_array_refs(py, object + (uint64_t)k->tuple_item, (uint64_t)size,
			 0, (enum rs_kind)t->body_kind, RS_LABEL_INDEX, refs);
}

// Find the key that marks deleted entries of sets. In 3.x it is recognised by a
// hash that no object has; in 2.7 by a special str, which is not that of dicts.
static bool
is_dummy(struct rs_cpython *py, uint64_t key, uint64_t hash, bool some)
{
	struct rs_py_types *k = py->known;
	char text[16];

	if (!k->old)
		return hash == UINT64_MAX || (key == py->set_dummy && key);
	if (!some)
		return false;
	if (k->old_dummy)
		return key == k->old_dummy;
	if (!rs_py_string(py, key, text, sizeof(text)) ||
	    strcmp(text, "<dummy key>") != 0)
		return false;
	k->old_dummy = key;
	return true;
}

static void set_refs(struct rs_cpython *py, const struct rs_py_type *t,
		     const uint8_t *body, struct rs_refs *refs)
{
	const struct rs_py_types *k = py->known;
	const enum rs_kind kind = (enum rs_kind)t->body_kind;
	const uint64_t mask = rs_py_word(body + k->set_mask);
	const int32_t fill_at = rs_py_off(py, RS_F_PySetObject__fill);
	const int32_t used_at = rs_py_off(py, RS_F_PySetObject__used);
	const bool dummies =
		fill_at < 0 || used_at < 0 ||
		rs_py_word(body + fill_at) != rs_py_word(body + used_at);
	const uint8_t *p = NULL;

	if (mask < (uint64_t)RS_PY_ITEMS_MAX)
		p = rs_memory_at(py->base.memory,
				 rs_py_word(body + k->set_table),
				 (mask + 1) * 16);
	if (!p) {
		refs->incomplete = true;
		return;
	}
	for (uint64_t i = 0; i <= mask; i++) {
		const uint64_t key = rs_py_word(p + i * 16 + k->entry_key);
		const uint64_t hash = rs_py_word(p + i * 16 + k->entry_hash);
		if (key && !is_dummy(py, key, hash, dummies))
			rs_refs_add(refs, key, kind, RS_LABEL_MEMBER, key);
		else if (key && k->old) // counted, but not visited
			rs_refs_add(refs, key, RS_OWNED, RS_LABEL_MEMBER, key);
	}
}

static void deque_refs(struct rs_cpython *py, const struct rs_py_type *t,
		       uint64_t object, struct rs_refs *refs)
{
	const uint64_t last =
		rs_py_get(py, object, RS_F_dequeobject__rightblock);
	const uint64_t right =
		rs_py_get(py, object, RS_F_dequeobject__rightindex);
	const uint64_t per_block =
		(uint64_t)rs_py_off(py, RS_F_BLOCK__data__count);
	uint64_t block = rs_py_get(py, object, RS_F_dequeobject__leftblock);
	uint64_t left = rs_py_get(py, object, RS_F_dequeobject__leftindex);
	struct rs_py_chain chain = {0};
	uint64_t index = 0;

	while (block && per_block <= 4096) {
		const uint64_t high = block == last ? right + 1 : per_block;

		if (!rs_py_chain_step(&chain, block) || left > per_block ||
		    high > per_block)
			break;
		if (high > left)
			rs_py_array_refs(py,
					 block +
						 (uint64_t)rs_py_off(
							 py, RS_F_BLOCK__data) +
						 left * 8,
					 high - left, index,
					 (enum rs_kind)t->body_kind,
					 RS_LABEL_INDEX, refs);
		if (block == last || refs->incomplete)
			return;
		index += high - left;
		left = 0;
		block = rs_py_get(py, block, RS_F_BLOCK__rightlink);
	}
	refs->incomplete = true;
}

// The keys in order: each node owns a reference to its key.
static void odict_refs(struct rs_cpython *py, const struct rs_py_type *t,
		       uint64_t object, struct rs_refs *refs)
{
	uint64_t node = rs_py_get(py, object, RS_F__odictobject__od_first);
	struct rs_py_chain chain = {0};

	rs_py_dict_refs(py, t, object, refs);
	while (node) {
		const uint64_t key = rs_py_get(py, node, RS_F__odictnode__key);

		if (!rs_py_chain_step(&chain, node) || !key) {
			refs->incomplete = true;
			return;
		}
		rs_refs_add(refs, key, (enum rs_kind)t->body_kind,
			    RS_LABEL_IS_KEY, key);
		node = rs_py_get(py, node, RS_F__odictnode__next);
	}
}

// A circular list of links: 3.6 visits the links, later versions visit what the
// links refer to, and from 3.10 on also their type.
static void lru_refs(struct rs_cpython *py, const struct rs_py_type *t,
		     uint64_t object, struct rs_refs *refs)
{
	const enum rs_kind kind = (enum rs_kind)t->body_kind;
	const int32_t root_at = rs_py_off(py, RS_F_lru_cache_object__root);
	const uint64_t root = object + (uint64_t)root_at;
	const unsigned minor = rs_py_minor(py);
	struct rs_py_chain chain = {0};
	uint64_t link = 0;

	if (root_at >= 0)
		link = rs_py_get(py, root, RS_F_lru_list_elem__next);
	for (uint64_t i = 0; link && link != root; i++) {
		if (!rs_py_chain_step(&chain, link)) {
			refs->incomplete = true;
			return;
		}
		rs_refs_add(refs, link, minor < 7 ? kind : RS_OWNED,
			    RS_LABEL_INDEX, i);
		if (minor >= 7) {
			const uint64_t key =
				rs_py_get(py, link, RS_F_lru_list_elem__key);
			rs_refs_add(refs, key, kind, RS_LABEL_IS_KEY, key);
			rs_refs_add(
				refs,
				rs_py_get(py, link, RS_F_lru_list_elem__result),
				kind, RS_LABEL_KEY, key);
		}
		if (minor >= 10)
			rs_refs_add(refs, rs_py_type(py, link), kind,
				    RS_LABEL_TYPE, 0);
		link = rs_py_get(py, link, RS_F_lru_list_elem__next);
	}
}

// A block of items that the iterators of tee() share.
static void tee_data_refs(struct rs_cpython *py, const struct rs_py_type *t,
			  uint64_t object, struct rs_refs *refs)
{
	const int32_t at = rs_py_off(py, RS_F_teedataobject__numread);
	const int32_t values = rs_py_off(py, RS_F_teedataobject__values);
	uint32_t read = 0;

	if (at < 0 || values < 0 ||
	    !rs_memory_u32(py->base.memory, object + (uint64_t)at, &read) ||
	    read > 4096) {
		refs->incomplete = true;
		return;
	}
	rs_py_array_refs(py, object + (uint64_t)values, read, 0,
			 (enum rs_kind)t->body_kind, RS_LABEL_INDEX, refs);
}

// Nodes of the trees of contexts: an array in the object.
static void hamt_refs(struct rs_cpython *py, const struct rs_py_type *t,
		      uint64_t object, struct rs_refs *refs)
{
	enum rs_field field = RS_F_PyHamtNode_Array__a_array;
	uint64_t count = 32;

	if (t->how != RS_PY_HAMT_ARRAY) {
		count = (uint64_t)rs_py_length(py, object);
		field = t->how == RS_PY_HAMT_BITMAP
				? RS_F_PyHamtNode_Bitmap__b_array
				: RS_F_PyHamtNode_Collision__c_array;
	}
	if (count > 4096 || rs_py_off(py, field) < 0) {
		refs->incomplete = true;
		return;
	}
	rs_py_array_refs(py, object + (uint64_t)rs_py_off(py, field), count, 0,
			 (enum rs_kind)t->body_kind, RS_LABEL_INDEX, refs);
}

// An element of ElementTree: text and tail have a tag in bit 0; attributes and
// children are in a separate block.
static void element_refs(struct rs_cpython *py, const struct rs_py_type *t,
			 uint64_t object, struct rs_refs *refs)
{
	const enum rs_kind kind = (enum rs_kind)t->body_kind;
	const uint64_t extra = rs_py_get(py, object, RS_F_ElementObject__extra);

	rs_refs_add(refs,
		    rs_py_get(py, object, RS_F_ElementObject__text) &
			    ~UINT64_C(1),
		    kind, RS_LABEL_FIELD, (uintptr_t) "text");
	rs_refs_add(refs,
		    rs_py_get(py, object, RS_F_ElementObject__tail) &
			    ~UINT64_C(1),
		    kind, RS_LABEL_FIELD, (uintptr_t) "tail");
	if (!extra)
		return;
	rs_refs_add(refs, rs_py_get(py, extra, RS_F_ElementObjectExtra__attrib),
		    kind, RS_LABEL_FIELD, (uintptr_t) "attrib");
	rs_py_array_refs(
		py, rs_py_get(py, extra, RS_F_ElementObjectExtra__children),
		rs_py_get(py, extra, RS_F_ElementObjectExtra__length), 0, kind,
		RS_LABEL_INDEX, refs);
}

// queue.SimpleQueue: a ring buffer of capacity items from `get` to `put`.
static void ring_refs(struct rs_cpython *py, const struct rs_py_type *t,
		      uint64_t object, struct rs_refs *refs)
{
	const uint64_t at = object + py->header_size + 8;
	const uint8_t *p = rs_memory_at(py->base.memory, at, 40);

	if (!p) {
		refs->incomplete = true;
		return;
	}
	const uint64_t get = rs_py_word(p + 8);
	const uint64_t items = rs_py_word(p + 16);
	const uint64_t capacity = rs_py_word(p + 24);
	const uint64_t count = rs_py_word(p + 32);
	if (count > capacity || get > capacity ||
	    capacity > (uint64_t)RS_PY_ITEMS_MAX) {
		refs->incomplete = true;
		return;
	}
	const uint64_t tail = capacity - get < count ? capacity - get : count;
	const enum rs_kind kind = (enum rs_kind)t->body_kind;
	rs_py_array_refs(py, items + get * 8, tail, 0, kind, RS_LABEL_INDEX,
			 refs);
	rs_py_array_refs(py, items, count - tail, tail, kind, RS_LABEL_INDEX,
			 refs);
}

// tzinfo exists only if the byte after the hash is set.
static void datetime_refs(struct rs_cpython *py, const struct rs_py_type *t,
			  uint64_t object, struct rs_refs *refs)
{
	const uint64_t at = object + py->header_size + 8;
	const uint8_t *has = rs_memory_at(py->base.memory, at, 1);
	// time: 6 bytes of data; datetime: 10; then a byte, then alignment.
	const uint64_t tz = at + (t->basicsize > py->header_size + 24 ? 16 : 8);
	uint64_t value;

	if (has && *has == 1 && rs_memory_u64(py->base.memory, tz, &value))
		rs_refs_add(refs, value, (enum rs_kind)t->body_kind,
			    RS_LABEL_FIELD, (uintptr_t) "tzinfo");
}

static void
weak_refs(struct rs_cpython *py, uint64_t object, struct rs_refs *refs)
{
	const uint64_t to =
		rs_py_get(py, object, RS_F__PyWeakReference__wr_object);

	if (to != py->none)
		rs_refs_add(refs, to, RS_WEAK, RS_LABEL_FIELD,
			    (uintptr_t) "wr_object");
}

// From 3.13 on a capsule can visit what its pointer refers to. Two in the
// standard library do: each visits the first word there, a type.
static void
capsule_refs(struct rs_cpython *py, uint64_t object, struct rs_refs *refs)
{
	static const char *const telling[] = {"_socket.CAPI", "_curses._C_API"};
	const uint64_t at = rs_py_get(py, object, RS_F_PyCapsule__pointer);
	const char *name =
		rs_memory_text(py->base.memory,
			       rs_py_get(py, object, RS_F_PyCapsule__name), 64);
	uint64_t value;

	if (!name || !rs_py_get(py, object, RS_F_PyCapsule__traverse_func) ||
	    !rs_memory_u64(py->base.memory, at, &value))
		return;
	for (size_t i = 0; i < sizeof(telling) / sizeof(*telling); i++)
		if (strcmp(name, telling[i]) == 0)
			rs_refs_add(refs, value, RS_STRONG, RS_LABEL_FIELD,
				    (uintptr_t) "pointer");
}

static void rare_refs(struct rs_cpython *py, const struct rs_py_type *t,
		      uint64_t object, struct rs_refs *refs)
{
	switch (t->how) {
	case RS_PY_TEE_DATA:
		tee_data_refs(py, t, object, refs);
		break;
	case RS_PY_HAMT_BITMAP:
	case RS_PY_HAMT_ARRAY:
	case RS_PY_HAMT_COLLISION:
		hamt_refs(py, t, object, refs);
		break;
	case RS_PY_ELEMENT:
		element_refs(py, t, object, refs);
		break;
	case RS_PY_RING:
		ring_refs(py, t, object, refs);
		break;
	case RS_PY_EXECUTOR:
		rs_py_executor_refs(py, t, object, refs);
		break;
	case RS_PY_DATETIME:
		datetime_refs(py, t, object, refs);
		break;
	case RS_PY_LRU_CACHE:
		lru_refs(py, t, object, refs);
		break;
	case RS_PY_CAPSULE:
		capsule_refs(py, object, refs);
		break;
	case RS_PY_NDARRAY:
		rs_py_ndarray_refs(py, object, refs);
		break;
	case RS_PY_DTYPE:
		rs_py_dtype_refs(py, object, refs);
		break;
	case RS_PY_UNKNOWN:
		rs_py_guess_refs(py, t, object, object + py->header_size,
				 object + t->body_end, refs);
		rs_py_greenlet_refs(py, t, object, refs);
		break;
	default:
		break;
	}
}

void rs_py_special_refs(struct rs_cpython *py, const struct rs_py_type *t,
			uint64_t object, const uint8_t *body,
			struct rs_refs *refs)
{
	switch (t->how) {
	case RS_PY_LIST:
		list_refs(py, t, body, refs);
		break;
	case RS_PY_TUPLE:
		tuple_refs(py, t, object, body, refs);
		break;
	case RS_PY_DICT:
		rs_py_dict_refs(py, t, object, refs);
		break;
	case RS_PY_SET:
		set_refs(py, t, body, refs);
		break;
	case RS_PY_ODICT:
		odict_refs(py, t, object, refs);
		break;
	case RS_PY_DEQUE:
		deque_refs(py, t, object, refs);
		break;
	case RS_PY_TYPE:
		rs_py_type_refs(py, t, object, refs);
		break;
	case RS_PY_MODULE:
		rs_py_module_refs(py, object, refs);
		break;
	case RS_PY_CODE:
		rs_py_code_refs(py, object, refs);
		break;
	case RS_PY_FRAME:
		rs_py_frame_refs(py, object, refs);
		break;
	case RS_PY_GENERATOR:
		rs_py_generator_refs(py, t, object, refs);
		break;
	case RS_PY_WEAKREF:
		weak_refs(py, object, refs);
		break;
	default:
		rare_refs(py, t, object, refs);
		break;
	}
}
