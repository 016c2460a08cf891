// SPDX-License-Identifier: MIT
//
// What is copied only when it is touched: of a core whose parts lie at no
// multiple of a page, as GDB writes it, nearly all.
#include "sandbox/guest/demand_pages.h"

#include "sandbox/plan_build.h"

enum {
	// A piece may become a mapping more, a group one, a grain two; all
	// must be within what RS_MAPS_MAX leaves of the 65530 of Linux.
	RS_PIECES_MAX = 1024,
	RS_GROUPS_MAX = 2048,
	RS_WORD_BITS = 64,
};

// @return How many.
static size_t choose(struct rs_process_image *image, uint64_t smallest)
{
	struct rs_plan_map *map = rs_vec_items(&image->map, struct rs_plan_map);
	size_t n = 0;

	for (size_t i = 0; i < rs_vec_count(&image->map, struct rs_plan_map);
	     i++) {
		if (map[i].kind != RS_PLAN_COPY &&
		    map[i].kind != RS_PLAN_DEMAND)
			continue;
		map[i].kind = RS_PLAN_COPY;
		if (map[i].size < smallest || map[i].fd != image->core_fd)
			continue;
		map[i].kind = RS_PLAN_DEMAND;
		n++;
	}
	return n;
}

void rs_plan_demand_choose(struct rs_process_image *image)
{
	uint64_t smallest = RS_DEMAND_GRAIN;

	while (choose(image, smallest) > RS_PIECES_MAX)
		smallest *= 2;
}

struct rs_demand_sums {
	uint64_t pieces, grains, bytes;
};

static struct rs_demand_sums count(const struct rs_process_image *image)
{
	const struct rs_plan_map *map =
		rs_vec_items(&image->map, struct rs_plan_map);
	struct rs_demand_sums all = {0};

	for (size_t i = 0; i < rs_vec_count(&image->map, struct rs_plan_map);
	     i++) {
		if (map[i].kind != RS_PLAN_DEMAND)
			continue;
		all.pieces++;
		all.grains += rs_demand_grains(map[i].address, map[i].size);
		all.bytes += map[i].size;
	}
	return all;
}

size_t rs_plan_demand_size(const struct rs_process_image *image)
{
	const uint64_t pieces = count(image).pieces;

	return pieces ? sizeof(struct rs_demand) +
				pieces * sizeof(struct rs_demand_piece)
		      : 0;
}

size_t rs_plan_demand_bits(const struct rs_process_image *image)
{
	return (count(image).grains + RS_WORD_BITS - 1) / RS_WORD_BITS *
	       sizeof(uint64_t);
}

// The file may end within the last page.
static uint64_t
bytes_of(const struct rs_process_image *image, const struct rs_plan_map *map)
{
	const uint64_t file = image->target->mapping[0].size;
	const uint64_t left = map->offset < file ? file - map->offset : 0;

	return map->size < left ? map->size : left;
}

void rs_plan_demand_write(const struct rs_process_image *image, uint64_t source,
			  uint64_t filled, struct rs_demand *ret)
{
	const struct rs_plan_map *map =
		rs_vec_items(&image->map, struct rs_plan_map);
	uint64_t grain = 0;

	*ret = (struct rs_demand){.group = RS_DEMAND_HUGE,
				  .filled = filled,
				  .sparse = image->sparse};
	while (count(image).bytes / ret->group >= RS_GROUPS_MAX)
		ret->group *= 2;
	for (size_t i = 0; i < rs_vec_count(&image->map, struct rs_plan_map);
	     i++) {
		if (map[i].kind != RS_PLAN_DEMAND)
			continue;
		ret->piece[ret->pieces++] = (struct rs_demand_piece){
			.address = map[i].address,
			.size = map[i].size,
			.source = source + map[i].offset,
			.bytes = bytes_of(image, &map[i]),
			.grain = grain,
			.prot = map[i].prot,
		};
		grain += rs_demand_grains(map[i].address, map[i].size);
	}
}
