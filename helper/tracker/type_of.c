// SPDX-License-Identifier: MIT
#include "refscope/refscope.h"
#include "tracker/slots.h"
#include "tracker/type_numbers.h"

const struct rs_type *rs_type_of(const void *object)
{
	const uint32_t entry = rs_slots_get((uint64_t)(uintptr_t)object);

	return entry ? rs_type_by_id[rs_entry_type(entry)] : NULL;
}
