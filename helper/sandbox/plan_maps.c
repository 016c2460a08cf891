// SPDX-License-Identifier: MIT
//
// What the image maps: exactly the bytes that reading sees too. Each segment
// of the memory is a piece of the core or of a file that was checked.
#include "memory/core/corefile.h"
#include "memory/elf/file.h"
#include "sandbox/plan_build.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#define PAGE_MASK ((uint64_t)RS_PLAN_PAGE - 1)

enum {
	RS_MAPS_MAX = 60000, // Linux allows 65530 in a process, ours included
	RS_SLACK = 64 << 20, // that a core's parts may share
	RS_STEP_SHIFT = 40, // between places tried for the guest_base
};

static struct rs_error *open_same(struct rs_process_image *image,
				  const char *path, const struct stat *as,
				  int *ret)
{
	struct stat st;

	RS_AUTO_CLOSE int fd =
		open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st))
		return rs_error_new(RS_EIO, "%s: %s", path, strerror(errno));
	if (!rs_file_is_same(&st, as) || rs_file_is_rewritten(&st, as))
		return rs_error_new(RS_EIO,
				    "%s: changed since it was opened: "
				    "open the core again",
				    path);
	int *slot = rs_vec_push(&image->fd, sizeof(*slot));
	if (!slot)
		return &rs_enomem;
	*ret = *slot = rs_take_fd(&fd);
	return NULL;
}

/** Descriptors of the files opened so far. */
struct rs_opened {
	int core;
	int *file; // [target->files] descriptor + 1; 0: not yet
};

// Which file the bytes of @p segment are of. @p fd -1: none.
static struct rs_error *
source_of(struct rs_process_image *image, struct rs_opened *opened,
	  const struct rs_segment *segment, int *fd, uint64_t *offset)
{
	struct rs_target *target = image->target;
	const uint8_t *core = target->mapping[0].data;
	const struct rs_module *module;

	*fd = -1;
	if (segment->data >= core &&
	    segment->data < core + target->mapping[0].size) {
		*fd = opened->core;
		*offset = (uint64_t)(segment->data - core);
		return NULL;
	}
	module = rs_memory_module(&target->memory, segment->start);
	if (!module || !module->checked)
		return NULL; // not to be run
	for (size_t i = 0; i < target->files; i++) {
		const struct rs_file *file = target->file[i];
		struct rs_error *err;

		if (segment->data < file->data ||
		    segment->data >= file->data + file->size)
			continue;
		if (!opened->file[i]) {
			if ((err = open_same(image, file->path, &file->stat,
					     fd)))
				return err;
			opened->file[i] = *fd + 1;
		}
		*fd = opened->file[i] - 1;
		*offset = (uint64_t)(segment->data - file->data);
	}
	return NULL;
}

static struct rs_error *add_segment(struct rs_process_image *image,
				    const struct rs_segment *segment, int fd,
				    uint64_t offset, uint64_t *copied)
{
	const uint64_t size =
		(segment->end - segment->start + PAGE_MASK) & ~PAGE_MASK;
	const bool aligned = !(offset & PAGE_MASK);
	struct rs_plan_map *map;

	if ((segment->start & PAGE_MASK) || segment->start < RS_PLAN_PAGE ||
	    segment->start >= RS_PLAN_TOP ||
	    size > RS_PLAN_TOP - segment->start) {
		if (segment->start < RS_PLAN_TOP)
			rs_memory_problem(&image->target->memory,
					  "memory at %#llx is at no page; it "
					  "is not in the image",
					  (unsigned long long)segment->start);
		return NULL; // above: the vsyscall page
	}
	if (!aligned)
		*copied += size;
	if (!(map = rs_vec_push(&image->map, sizeof(*map))))
		return &rs_enomem;
	*map = (struct rs_plan_map){
		.address = segment->start,
		.size = size,
		.offset = offset,
		.fd = fd,
		.kind = aligned ? RS_PLAN_FILE : RS_PLAN_COPY,
		.prot = segment->prot ? segment->prot : PROT_READ,
	};
	image->bytes += size;
	return NULL;
}

static struct rs_error *
add_segments(struct rs_process_image *image, struct rs_opened *opened)
{
	const struct rs_memory *memory = &image->target->memory;
	uint64_t copied = 0;

	for (size_t i = 0; i < memory->segments; i++) {
		const struct rs_segment *s = &memory->segment[i];
		uint64_t offset = 0;
		int fd = -1;
		struct rs_error *err =
			source_of(image, opened, s, &fd, &offset);

		if (!err && fd >= 0)
			err = add_segment(image, s, fd, offset, &copied);
		if (err)
			return err;
	}
	if (rs_vec_count(&image->map, struct rs_plan_map) > RS_MAPS_MAX)
		return rs_error_new(RS_EUNSUPPORTED,
				    "%s: too many pieces of memory to make a "
				    "process of",
				    image->target->name);
	// Only a core made to hurt has the same bytes in many places.
	if (copied > image->target->mapping[0].size + RS_SLACK)
		return rs_error_new(RS_EBAD,
				    "%s: its parts overlap in the file: it is "
				    "not made a process",
				    image->target->name);
	return NULL;
}

struct rs_error *rs_plan_maps(struct rs_process_image *image)
{
	struct rs_target *target = image->target;
	struct rs_opened opened = {.core = -1};
	struct rs_error *err;

	RS_AUTO_FREE int *files = calloc(target->files + 1, sizeof(*files));
	if (!files)
		return &rs_enomem;
	opened.file = files;
	err = open_same(image, target->core_path, &target->core_stat,
			&opened.core);
	if (!err)
		err = add_segments(image, &opened);
	if (err)
		return err;
	image->core_fd = opened.core;
	rs_plan_demand_choose(image);
	return NULL;
}

static bool overlaps(uint64_t from, uint64_t to, uint64_t start, uint64_t end)
{
	return start < to && end > from;
}

bool rs_plan_is_free(const struct rs_process_image *image, uint64_t from,
		     uint64_t to)
{
	const struct rs_target *t = image->target;

	for (size_t i = 0; i < t->loads; i++)
		if (overlaps(from, to, t->load[i].start, t->load[i].end))
			return false;
	for (size_t i = 0; i < t->maps; i++)
		if (overlaps(from, to, t->map[i].start, t->map[i].end))
			return false;
	for (size_t i = 0; i < t->memory.segments; i++)
		if (overlaps(from, to, t->memory.segment[i].start,
			     t->memory.segment[i].end))
			return false;
	return true;
}

// The kernel puts the stack of a new process near the top: stay away.
struct rs_error *rs_plan_guest_base(const struct rs_process_image *image,
				    uint64_t size, uint64_t *ret)
{
	const uint64_t step = UINT64_C(1) << RS_STEP_SHIFT;

	for (uint64_t at = step; at + size < RS_PLAN_TOP - 2 * step; at += step)
		if (rs_plan_is_free(image, at, at + size)) {
			*ret = at;
			return NULL;
		}
	return rs_error_new(RS_EUNSUPPORTED,
			    "%s: its memory leaves no room of %llu bytes",
			    image->target->name, (unsigned long long)size);
}
