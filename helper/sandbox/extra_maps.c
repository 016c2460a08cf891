// SPDX-License-Identifier: MIT
//
// What code that is called needs and reading does not: a stack that can grow,
// and data files of libc.
#include "memory/target.h"
#include "sandbox/plan_build.h"

#include <fcntl.h>
#include <sys/mman.h>

#define PAGE_MASK ((uint64_t)RS_PLAN_PAGE - 1)

const struct rs_plan_map *
rs_plan_map_at(const struct rs_process_image *image, uint64_t address)
{
	const struct rs_plan_map *map =
		rs_vec_items(&image->map, struct rs_plan_map);

	for (size_t i = rs_vec_count(&image->map, struct rs_plan_map); i-- > 0;)
		if (address - map[i].address < map[i].size)
			return &map[i];
	return NULL;
}

// The core has of a first thread's stack only what it had grown to.
struct rs_error *rs_plan_extra_stack(struct rs_process_image *image)
{
	const uint64_t stack = image->options.stack;
	const struct rs_plan_map *map =
		stack ? rs_plan_map_at(image, stack) : NULL;
	const uint64_t bottom = map ? map->address : 0;
	uint64_t size = RS_PLAN_STACK;

	// Below a thread's stack lies a guard page: then it is not free.
	while (size &&
	       (bottom < 2 * size ||
		!rs_plan_is_free(image, bottom - size - RS_PLAN_PAGE, bottom)))
		size = size / 2 & ~PAGE_MASK;
	if (!map || !size)
		return NULL;
	return rs_plan_add(image, &(struct rs_plan_map){
					  .address = bottom - size,
					  .size = size,
					  .fd = -1,
					  .kind = RS_PLAN_ZERO,
					  .prot = PROT_READ | PROT_WRITE,
				  });
}

// The core names the file: only where libc keeps such things.
static bool is_locale(const char *path)
{
	return path && !strncmp(path, "/usr/", 5) && !strstr(path, "/../") &&
	       (strstr(path, "/locale/") || strstr(path, "/gconv/"));
}

static struct rs_error *
add_file(struct rs_process_image *image, const struct rs_map *map)
{
	struct stat st;
	RS_AUTO_CLOSE int fd =
		open(map->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode) ||
	    (uint64_t)st.st_size < map->offset ||
	    ((uint64_t)st.st_size - map->offset + PAGE_MASK) / RS_PLAN_PAGE <
		    (map->end - map->start) / RS_PLAN_PAGE)
		return NULL;
	int *slot = rs_vec_push(&image->fd, sizeof(*slot));
	if (!slot)
		return &rs_enomem;
	*slot = rs_take_fd(&fd);
	return rs_plan_add(image, &(struct rs_plan_map){
					  .address = map->start,
					  .size = map->end - map->start,
					  .offset = map->offset,
					  .fd = *slot,
					  .kind = RS_PLAN_FILE,
					  .prot = PROT_READ,
				  });
}

struct rs_error *rs_plan_locales(struct rs_process_image *image)
{
	const struct rs_target *target = image->target;
	struct rs_error *err = NULL;

	for (size_t i = 0; !err && i < target->maps; i++) {
		const struct rs_map *map = &target->map[i];

		if (is_locale(map->path) && !map->deleted &&
		    !((map->start | map->end | map->offset) & PAGE_MASK) &&
		    map->start >= RS_PLAN_PAGE && map->end < RS_PLAN_TOP &&
		    !rs_plan_map_at(image, map->start))
			err = add_file(image, map);
	}
	return err;
}
