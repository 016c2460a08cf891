// SPDX-License-Identifier: MIT
#include "runtime/cpython/decode/decode.h"

#include <stdio.h>

uint64_t rs_py_flags_of(struct rs_cpython *py, uint64_t object)
{
	const uint64_t type = rs_py_type(py, object);

	return type ? rs_py_get(py, type, RS_F__typeobject__tp_flags) : 0;
}

bool rs_py_is(struct rs_cpython *py, uint64_t object, uint64_t bits)
{
	return (rs_py_flags_of(py, object) & bits) == bits;
}

int64_t rs_py_length(struct rs_cpython *py, uint64_t object)
{
	uint64_t value = 0;

	rs_memory_u64(py->base.memory, object + (uint64_t)py->known->ob_size,
		      &value);
	return (int64_t)value;
}

/*
 * From 3.12 on the bits above the count are nothing (3.14: overflow and
 * flags); those of an address mean a link on a free list or no object at all.
 */
bool rs_py_is_counted(struct rs_cpython *py, const uint8_t *p)
{
	const int32_t at = rs_py_off(py, RS_F__object__ob_refcnt);
	const uint64_t word = py->known->threaded_bits ? 0 : rs_py_word(p + at);
	bool immortal;

	if (py->known->threaded_bits)
		return rs_py_threaded_count(py, 0, p, &immortal) != 0 ||
		       p[py->known->threaded_bits - 1] & RS_PY_BIT_DEFERRED;
	if (!py->refcount32)
		return word > 0 && word < UINT64_C(1) << 40;
	if (rs_py_off(py, RS_F__object__ob_overflow) >= 0)
		return (uint32_t)word && !(word >> 32 & 0xffff) &&
		       word >> 48 < 256;
	return word && !(word >> 32);
}

int64_t
rs_py_wide_count(struct rs_cpython *py, uint64_t object, const uint8_t *header)
{
	if (py->known->threaded_bits || py->refcount32)
		return 0;
	const int64_t count =
		(int64_t)rs_py_word(header + py->known->ob_refcnt);
	return count < 0 || (count >= UINT32_MAX &&
			     !rs_py_is_frozen(py, object, count))
		       ? count
		       : 0;
}

bool rs_py_is_linked(struct rs_cpython *py, uint64_t object, const uint8_t *p)
{
	const uint32_t size = py->head_size;
	const uint64_t head = object - size;
	const uint64_t mask = ~UINT64_C(3);
	const uint64_t next = rs_py_word(p - size) & mask;
	const uint64_t previous = rs_py_word(p - size + 8) & mask;
	uint64_t back = 0;
	uint64_t forth = 0;

	return next && previous &&
	       rs_memory_u64(py->base.memory, next + 8, &back) &&
	       (back & mask) == head &&
	       rs_memory_u64(py->base.memory, previous, &forth) &&
	       (forth & mask) == head;
}

bool rs_py_is_untracked(const struct rs_cpython *py, const uint8_t *p)
{
	enum { RS_UNTRACKED = -2 }; // gc_refs before 3.8
	const uint8_t *head = p - py->head_size;

	if (py->version >= RS_PY(3, 8))
		return !(rs_py_word(head) & ~UINT64_C(3)) &&
		       !(rs_py_word(head + 8) & ~UINT64_C(3));
	const int64_t refs = (int64_t)rs_py_word(head + 16);
	return (py->version < RS_PY(3, 4) ? refs : refs >> 1) == RS_UNTRACKED;
}

/*
 * Whether what stands before the object at @p object is what the collector
 * writes there. Stale words in a buffer can look like a count and a type, but
 * hardly like this as well. What has no head, or may have none, has nothing to
 * say; nor has one while a collection is at work, which keeps counts in heads.
 */
static bool has_sane_head(struct rs_cpython *py, const struct rs_py_type *t,
			  uint64_t object)
{
	if (!t->gc || t->has_is_gc || !py->head_size || py->base.gc_collecting)
		return true;
	const uint8_t *p = rs_memory_at(py->base.memory, object - py->head_size,
					py->head_size + py->header_size);
	if (!p)
		return true;
	p += py->head_size;
	return rs_py_is_untracked(py, p) || rs_py_is_linked(py, object, p) ||
	       rs_memory_module(py->base.memory, object);
}

// A static object is one whatever its count: None that was released once too
// often is still None. Of a block of the heap, 0 says that it was freed.
static bool
is_static_count(struct rs_cpython *py, uint64_t object, const uint8_t *p)
{
	enum { RS_FAR_BELOW = 1 << 30 };
	int64_t count;

	if (py->known->threaded_bits ||
	    !rs_memory_module(py->base.memory, object))
		return false;
	if (py->refcount32)
		return !rs_py_word(p + py->known->ob_refcnt);
	count = (int64_t)rs_py_word(p + py->known->ob_refcnt);
	return count <= 0 && count > -RS_FAR_BELOW;
}

static const struct rs_py_type *
type_of(struct rs_cpython *py, uint64_t address, const uint8_t **header)
{
	if (!address || (address & 7))
		return NULL;
	*header = rs_memory_at(py->base.memory, address, py->header_size);
	return *header ? rs_py_known(py,
				     rs_py_word(*header + py->known->ob_type))
		       : NULL;
}

bool rs_py_has_header(struct rs_cpython *py, uint64_t address)
{
	const uint8_t *p = NULL;

	return type_of(py, address, &p) && rs_py_is_counted(py, p);
}

bool rs_py_is_object(struct rs_runtime *rt, uint64_t address)
{
	struct rs_cpython *py = rs_cpython(rt);
	const uint8_t *p = NULL;
	const struct rs_py_type *t = type_of(py, address, &p);

	if (!t)
		return false;
	return rs_py_is_counted(py, p) ? has_sane_head(py, t, address)
				       : is_static_count(py, address, p);
}

// pymalloc and malloc write into the first words of a freed block; the type
// comes after those of pymalloc.
void rs_py_freed_text(struct rs_runtime *rt, uint64_t address, char *buf,
		      size_t size)
{
	struct rs_cpython *py = rs_cpython(rt);
	const uint8_t *p = rs_memory_at(rt->memory, address, py->header_size);
	const struct rs_py_type *t =
		p ? rs_py_known(py, rs_py_word(p + py->known->ob_type)) : NULL;

	if (!p)
		(void)snprintf(buf, size, "memory that is not in the target");
	else if (t)
		(void)snprintf(buf, size, "a freed object, once a %.100s",
			       t->name);
	else
		(void)snprintf(buf, size, "memory that holds no object");
}

static int64_t deferred_count(const struct rs_cpython *py, uint64_t object)
{
	const struct rs_py_deferred_count *item =
		rs_vec_items(&py->deferred_counts, struct rs_py_deferred_count);
	size_t low = 0;
	size_t high =
		rs_vec_count(&py->deferred_counts, struct rs_py_deferred_count);

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (item[middle].object == object)
			return item[middle].count;
		if (item[middle].object < object)
			low = middle + 1;
		else
			high = middle;
	}
	return 0;
}

/*
 * One whose count is deferred has more, so that only a collection can find it
 * unused: references that nobody has, which the collector subtracts.
 */
uint32_t rs_py_threaded_count(const struct rs_cpython *py, uint64_t object,
			      const uint8_t *header, bool *immortal)
{
	const int32_t shared_at = rs_py_off(py, RS_F__object__ob_ref_shared);
	uint32_t local;

	memcpy(&local, header + rs_py_off(py, RS_F__object__ob_ref_local),
	       sizeof(local));
	*immortal = local == UINT32_MAX;
	const int64_t shared = (int64_t)rs_py_word(header + shared_at) >> 2;
	int64_t sum = shared + local;
	if (header[rs_py_off(py, RS_F__object__ob_gc_bits)] &
	    RS_PY_BIT_DEFERRED)
		sum += deferred_count(py, object) - py->deferred;
	if (*immortal || sum < 0)
		return *immortal ? UINT32_MAX : 0;
	return sum < UINT32_MAX ? (uint32_t)sum : UINT32_MAX - 1;
}
