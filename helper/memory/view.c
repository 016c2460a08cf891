// SPDX-License-Identifier: MIT
#include "memory/target.h"

#include "base/cleanup.h"

#include <assert.h>
#include <stdlib.h>

// A copy from malloc(), even if it is empty; NULL when out of memory.
static void *copy_of(const void *array, size_t count, size_t size)
{
	void *copy = malloc(count * size + 1);

	if (copy && count)
		memcpy(copy, array, count * size);
	return copy;
}

struct rs_error *
rs_memory_new_view(struct rs_memory *memory, struct rs_memory **ret)
{
	const struct rs_target *of = rs_target_of(memory);
	RS_AUTO_TARGET struct rs_target *target = NULL;
	struct rs_error *err = rs_target_new(memory->ops, NULL, &target);

	if (err)
		return err;
	assert(memory->is_core);
	target->name = of->name;
	target->page = of->page;
	target->machine = of->machine;
	target->memory.is_core = true;
	target->memory.segment = copy_of(memory->segment, memory->segments,
					 sizeof(*memory->segment));
	target->memory.module = copy_of(memory->module, memory->modules,
					sizeof(*memory->module));
	if (!target->memory.segment || !target->memory.module)
		return &rs_enomem;
	target->memory.segments = memory->segments;
	target->memory.modules = memory->modules;
	*ret = &((struct rs_target *)rs_take(&target))->memory;
	return NULL;
}
