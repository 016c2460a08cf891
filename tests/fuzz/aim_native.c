// SPDX-License-Identifier: MIT
#include "aim.h"
#include "runtime/native/native.h"

void rs_aim_at_native(struct rs_session *s, const struct rs_graph *graph)
{
	const struct rs_native *native =
		rs_native_of(rs_session_runtime_named(s, "native"));
	const struct rs_native_registry *first = rs_native_registry(native);
	const struct rs_registry *r = &first->raw;

	rs_aim_add(s->memory, RS_LISTS, first->address, sizeof(*r));
	rs_aim_add(s->memory, RS_LISTS, (uint64_t)(uintptr_t)r->leaf, 16);
	for (uint32_t i = 0; i < graph->objects; i++) {
		const uint64_t address = graph->address[i];
		const uint64_t type = graph->type_row[graph->type[i]].address;
		const uint64_t region =
			(uint64_t)(uintptr_t)r->leaf +
			offsetof(struct rs_leaf, region) +
			(address >> RS_REGION_SHIFT & (RS_LEAF_SIZE - 1)) *
				sizeof(struct rs_region);

		rs_aim_add(s->memory, RS_LISTS, region,
			   sizeof(struct rs_region));
		rs_aim_add(s->memory, RS_LISTS, address, 24);
		rs_aim_add(s->memory, RS_TYPES, type, sizeof(struct rs_type));
		rs_aim_add(s->memory, RS_TYPES,
			   type + offsetof(struct rs_type, traverse), 8);
	}
}
