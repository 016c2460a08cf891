// SPDX-License-Identifier: MIT
#include "memory/target.h"

#include <stdlib.h>

static int by_start(const void *a, const void *b)
{
	const struct rs_map *x = a;
	const struct rs_map *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

void rs_maps_seal(struct rs_target *target)
{
	struct rs_map *map = target->map;
	size_t kept = 0;

	if (target->maps > 1)
		qsort(map, target->maps, sizeof(*map), by_start);
	for (size_t i = 0; i < target->maps; i++) {
		struct rs_map m = map[i];
		const uint64_t taken = kept ? map[kept - 1].end : 0;

		if (m.end <= taken)
			continue;
		if (m.start < taken) {
			m.offset += taken - m.start;
			m.start = taken;
		}
		map[kept++] = m;
	}
	target->maps = kept;
}

struct rs_error *rs_maps_add(struct rs_target *target, const struct rs_map *map,
			     const char *path, size_t path_size)
{
	static const char gone[] = " (deleted)";
	const size_t gone_size = sizeof(gone) - 1;

	if (map->end <= map->start)
		return NULL;
	if (target->maps >= RS_MAX_MAPS) {
		if (target->maps == RS_MAX_MAPS)
			rs_memory_gap(
				&target->memory,
				"%s: more than %d mappings; the others are ignored",
				target->name, RS_MAX_MAPS);
		return NULL;
	}
	struct rs_map *slot =
		rs_array_push(&target->map, &target->maps, sizeof(*slot));
	if (!slot)
		return &rs_enomem;
	*slot = *map;
	slot->path = NULL;
	if (!path_size || path[0] != '/')
		return NULL;
	if (path_size > gone_size &&
	    !memcmp(path + path_size - gone_size, gone, gone_size)) {
		slot->deleted = true;
		path_size -= gone_size;
	}
	slot->path = rs_target_text(target, path, path_size);
	return slot->path ? NULL : &rs_enomem;
}
