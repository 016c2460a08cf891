// SPDX-License-Identifier: MIT
#include "roots/scan.h"

#include <inttypes.h>
#include <stdio.h>

struct rs_error *rs_scan_statics(struct rs_scan *scan)
{
	struct rs_memory *memory = scan->source->memory;
	const struct rs_place place = {.kind = RS_PLACE_STATIC};

	for (size_t i = 0; i < memory->modules; i++) {
		const struct rs_module *module = &memory->module[i];
		struct rs_extent data;
		bool missing = false;

		for (unsigned k = 0; rs_memory_data(memory, module, k, &data);
		     k++) {
			struct rs_error *err =
				rs_scan_range(scan, data, &place, &missing);
			if (err)
				return err;
		}
		if (missing)
			rs_memory_gap(memory,
				      "%s: not all of its variables can be "
				      "read; references in the rest are "
				      "unexplained",
				      module->path);
	}
	return NULL;
}
