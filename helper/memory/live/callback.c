// SPDX-License-Identifier: MIT
// A target whose memory GDB, or another caller, reads for us.
#include "memory/elf/modules.h"

static uint64_t
fetch(struct rs_target *target, uint64_t address, void *buf, uint64_t size)
{
	const uint64_t n = target->read(target->context, address, buf, size);

	return n < size ? n : size;
}

static const struct rs_memory_ops callback_ops = {.fetch = fetch};

struct rs_error *
rs_memory_open_callback(rs_read_fn read, void *context,
			const struct rs_range *range, size_t ranges,
			const struct rs_memory_options *options,
			struct rs_memory **ret)
{
	RS_AUTO_TARGET struct rs_target *target = NULL;
	struct rs_error *err = rs_target_new(&callback_ops, options, &target);
	if (err)
		return err;
	target->read = read;
	target->context = context;
	target->memory.big_steps = true;

	for (size_t i = 0; i < ranges; i++) {
		const char *path = range[i].path;
		const struct rs_map map = {
			.start = range[i].start,
			.end = range[i].end,
			.offset = range[i].file_offset,
			.prot = (uint8_t)range[i].prot,
			// Not every target of GDB knows the protection.
			.prot_known = range[i].prot != 0,
		};
		err = rs_maps_add(target, &map, path, path ? strlen(path) : 0);
		if (err)
			return err;
	}
	rs_maps_seal(target);
	err = rs_copied_reserve(target);
	if (err)
		return err;
	if (!target->memory.segments)
		return rs_error_new(RS_EBAD,
				    "the target reports no readable memory; "
				    "see \"info proc mappings\"");
	err = rs_modules_find(target);
	if (err)
		return err;
	*ret = &((struct rs_target *)rs_take(&target))->memory;
	return NULL;
}
