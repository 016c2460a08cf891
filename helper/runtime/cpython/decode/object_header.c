// SPDX-License-Identifier: MIT
#include "runtime/cpython/decode/decode.h"

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

bool rs_py_is_object(struct rs_runtime *rt, uint64_t address)
{
	struct rs_cpython *py = rs_cpython(rt);
	const uint8_t *p;

	if (!address || (address & 7))
		return false;
	p = rs_memory_at(rt->memory, address, py->header_size);
	if (!p)
		return false;
	return rs_py_known(py, rs_py_word(p + py->known->ob_type)) &&
	       rs_py_is_counted(py, p);
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
