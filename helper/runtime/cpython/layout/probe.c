// SPDX-License-Identifier: MIT
//
// Patch releases add fields in the middle of PyInterpreterState, which neither
// the row of another release nor _Py_DebugOffsets shows (3.14.4 did, before the
// heads of asyncio's tasks). The pointer to the state of the allocator can be
// recognised by its target. If it is not where it should be, it is searched
// nearby, and all later fields are moved with it.
#include "runtime/cpython/state/discover.h"

enum {
	RS_NEAR = 64, // bytes to search on both sides
	RS_SLOTS_MAX = 1 << 22, // of the table of arenas
};

// Whether there is a state of pymalloc, with a table of arenas, at @p address.
static bool is_state(const struct rs_cpython *py, uint64_t address)
{
	const int32_t slots_at =
		rs_py_off(py, RS_F__obmalloc_state__mgmt__maxarenas);
	const uint64_t table =
		rs_py_get(py, address, RS_F__obmalloc_state__mgmt__arenas);
	const int32_t entry = rs_py_off(py, RS_F_arena_object___size);
	uint32_t slots = 0;

	return table && !(table & 7) && !(address & 7) && entry > 0 &&
	       rs_memory_u32(py->base.memory, address + (uint64_t)slots_at,
			     &slots) &&
	       slots && slots <= RS_SLOTS_MAX &&
	       rs_memory_at(py->base.memory, table, slots * (uint64_t)entry) !=
		       NULL;
}

static bool leads_to_state(const struct rs_cpython *py, int32_t at)
{
	uint64_t state = 0;

	return rs_memory_u64(py->base.memory,
			     py->interpreter[0].address + (uint64_t)at,
			     &state) &&
	       state && is_state(py, state);
}

bool rs_py_probe_layout(struct rs_cpython *py)
{
	struct rs_layout *layout = py->own_layout;
	const int32_t expected = rs_py_off(py, RS_F__is__obmalloc);
	const int32_t asyncio = rs_py_off(py, RS_F__is__asyncio_tasks_head);
	const int32_t start = asyncio >= 0 ? asyncio : expected;
	const int end = (int)rs_struct_end(RS_F__is___size);
	int32_t by = 0;

	if (rs_py_off(py, RS_F__is__obmalloc__pointer) != 1 || py->threaded ||
	    expected < RS_NEAR || leads_to_state(py, expected))
		return false;
	for (int32_t step = 8; step <= RS_NEAR && !by; step += 8)
		by = leads_to_state(py, expected + step)   ? step
		     : leads_to_state(py, expected - step) ? -step
							   : 0;
	for (int f = RS_F__is___size; by && f < end; f++)
		if (layout->offset[f] >= start)
			layout->offset[f] += by;
	return by != 0;
}
