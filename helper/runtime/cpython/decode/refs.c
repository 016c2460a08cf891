// SPDX-License-Identifier: MIT
#include "runtime/cpython/decode/refs.h"

bool rs_py_refs_grow(struct rs_refs *refs, uint64_t more)
{
	if (more > UINT32_MAX - refs->n) { // no graph takes as many
		refs->incomplete = true;
		return false;
	}
	while (refs->cap - refs->n < more)
		if (!rs_refs_grow(refs))
			return false;
	return true;
}

// An array that is not contiguous in our memory, or that extends beyond
// readable memory: read it word by word, as far as possible.
static void array_slow(struct rs_cpython *py, uint64_t address, uint64_t count,
		       uint64_t first, enum rs_kind kind, uint32_t label,
		       struct rs_refs *refs)
{
	uint64_t value;

	for (uint64_t i = 0; i < count; i++) {
		if (!rs_memory_u64(py->base.memory, address + i * 8, &value)) {
			refs->incomplete = true;
			return;
		}
		rs_refs_add(refs, value, kind, label, first + i);
	}
}

static void add_array(const uint8_t *p, uint64_t count, uint64_t first,
		      enum rs_kind kind, uint32_t label, struct rs_refs *refs)
{
	if (!rs_py_reserve(refs, count))
		return;

	uint64_t *const target = refs->target + refs->n;
	uint32_t n = 0;

	if (refs->label)
		for (uint64_t i = 0; i < count; i++)
			if (rs_py_word(p + i * 8))
				refs->label[refs->n + n++] =
					(struct rs_label){first + i, label};
	// Branch-free: the word of an empty slot is overwritten.
	n = 0;
	for (uint64_t i = 0; i < count; i++) {
		const uint64_t value = rs_py_word(p + i * 8);
		target[n] = value;
		n += value != 0;
	}
	memset(refs->kind + refs->n, (int)kind, n);
	refs->n += n;
}

void rs_py_array_refs(struct rs_cpython *py, uint64_t address, uint64_t count,
		      uint64_t first, enum rs_kind kind, uint32_t label,
		      struct rs_refs *refs)
{
	if (count == 0)
		return;
	if (count > (uint64_t)RS_PY_ITEMS_MAX) {
		refs->incomplete = true;
		return;
	}
	const uint8_t *p = rs_memory_at(py->base.memory, address, count * 8);
	if (!p) {
		array_slow(py, address, count, first, kind, label, refs);
		return;
	}
	// In parts, so that room is made for what is there, not for empty
	// slots.
	while (count > RS_PY_DRAIN_STEP) {
		add_array(p, RS_PY_DRAIN_STEP, first, kind, label, refs);
		if (refs->drain)
			refs->drain(refs);
		p += RS_PY_DRAIN_STEP * 8;
		first += RS_PY_DRAIN_STEP;
		count -= RS_PY_DRAIN_STEP;
	}
	add_array(p, count, first, kind, label, refs);
}
