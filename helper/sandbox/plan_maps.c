// SPDX-License-Identifier: MIT
//
// What the image maps: exactly the bytes that reading sees too. Each segment
// of the memory is a piece of the core or of a file whose build-id agrees.
#include "memory/core/corefile.h"
#include "sandbox/plan_build.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define RS_MEMORY_MOST (UINT64_C(1) << 30)
#define PAGE_MASK ((uint64_t)RS_PLAN_PAGE - 1)

enum {
	RS_MAPS_MAX = 60000, // Linux allows 65530 in a process, ours included
	RS_SLACK = 64 << 20, // bytes that may be mapped at two addresses
	RS_STEP_SHIFT = 40, // between places tried for guest_base
	RS_MEMORY_SHARE = 4, // of the free memory, by default
	RS_BLOCK_SIZE = 512, // of st_blocks
	RS_EXTENTS_MAX = 1 << 18, // of a core's file: what lies beyond is none
	RS_LINE = 128,
};

uint64_t rs_plan_default_memory(void)
{
	FILE *info = fopen("/proc/meminfo", "re");
	uint64_t share = RS_MEMORY_MOST;
	char line[RS_LINE];

	while (info && fgets(line, sizeof(line), info))
		if (!strncmp(line, "MemAvailable:", 13))
			share = (strtoull(line + 13, NULL, 10) << 10) /
				RS_MEMORY_SHARE;
	if (info)
		(void)fclose(info);
	return share < RS_MEMORY_MOST ? share : RS_MEMORY_MOST;
}

static struct rs_error *has_changed(const char *path)
{
	return rs_error_new(RS_EIO,
			    "%s: changed since it was opened; open the core "
			    "again",
			    path);
}

// Takes over @p fd_slot's descriptor.
static struct rs_error *keep_file(struct rs_process_image *image, int *fd_slot,
				  const char *path, const struct stat *as)
{
	struct stat st;

	if (fstat(*fd_slot, &st))
		return rs_error_new(RS_EIO, "%s: %s", path, strerror(errno));
	if (!rs_file_is_same(&st, as) || rs_file_is_rewritten(&st, as))
		return has_changed(path);
	struct rs_plan_file *file = rs_vec_push(&image->file, sizeof(*file));
	int *slot = file ? rs_vec_push(&image->fd, sizeof(*slot)) : NULL;
	if (!slot)
		return &rs_enomem;
	*file = (struct rs_plan_file){
		.path = path, .stat = *as, .fd = *fd_slot};
	*slot = rs_take_fd(fd_slot);
	return NULL;
}

// By the descriptor that the core was opened with: its name may lead to
// another file by now.
static struct rs_error *open_core(struct rs_process_image *image)
{
	const struct rs_target *target = image->target;
	RS_AUTO_CLOSE int fd = fcntl(target->core_fd, F_DUPFD_CLOEXEC, 0);

	image->core_fd = fd;
	if (fd < 0)
		return rs_error_new(RS_EIO, "%s: %s", target->name,
				    strerror(errno));
	image->sparse = (uint64_t)target->core_stat.st_blocks * RS_BLOCK_SIZE <
			(uint64_t)target->core_stat.st_size;
	return keep_file(image, &fd, target->core_path, &target->core_stat);
}

struct rs_error *rs_plan_open(struct rs_process_image *image,
			      const struct rs_file *file, int *ret)
{
	const struct rs_plan_file *known =
		rs_vec_items(&image->file, struct rs_plan_file);

	for (size_t i = 0; i < rs_vec_count(&image->file, struct rs_plan_file);
	     i++)
		if (known[i].path == file->path) {
			*ret = known[i].fd;
			return NULL;
		}
	RS_AUTO_CLOSE int fd =
		open(file->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	const int number = fd;
	if (fd < 0)
		return rs_error_new(RS_EIO, "%s: %s", file->path,
				    strerror(errno));
	struct rs_error *err = keep_file(image, &fd, file->path, &file->stat);
	if (!err)
		*ret = number;
	return err;
}

struct rs_error *rs_plan_unchanged(const struct rs_process_image *image)
{
	const struct rs_plan_file *file =
		rs_vec_items(&image->file, struct rs_plan_file);
	struct stat now;

	for (size_t i = 0; i < rs_vec_count(&image->file, struct rs_plan_file);
	     i++)
		if (fstat(file[i].fd, &now) ||
		    rs_file_is_rewritten(&now, &file[i].stat))
			return has_changed(file[i].path);
	return NULL;
}

struct rs_error *
rs_plan_add(struct rs_process_image *image, const struct rs_plan_map *map)
{
	struct rs_plan_map *slot = rs_vec_push(&image->map, sizeof(*slot));

	if (!slot)
		return &rs_enomem;
	*slot = *map;
	image->space += map->size;
	if (rs_vec_count(&image->map, struct rs_plan_map) > RS_MAPS_MAX)
		return rs_error_new(RS_EUNSUPPORTED,
				    "%s: its code cannot be run: a process "
				    "rebuilt from it would need more than %d "
				    "mappings",
				    image->target->name, RS_MAPS_MAX);
	return NULL;
}

// Which file the bytes of @p segment are of. @p fd -1: none.
static struct rs_error *source_of(struct rs_process_image *image,
				  const struct rs_segment *segment, int *fd,
				  uint64_t *offset)
{
	struct rs_target *target = image->target;
	const uint8_t *core = target->mapping[0].data;
	const struct rs_module *module;

	*fd = -1;
	if (segment->data >= core &&
	    segment->data < core + target->mapping[0].size) {
		*fd = image->core_fd;
		*offset = (uint64_t)(segment->data - core);
		return NULL;
	}
	module = rs_memory_module(&target->memory, segment->start);
	if (!module || !module->checked)
		return NULL; // its build-id does not agree: not mapped
	for (size_t i = 0; i < target->files; i++) {
		const struct rs_file *file = target->file[i];

		if (segment->data < file->data ||
		    segment->data >= file->data + file->size)
			continue;
		*offset = (uint64_t)(segment->data - file->data);
		return rs_plan_open(image, file, fd);
	}
	return NULL;
}

// Bytes of the core's file that are not in holes: those cost its author
// nothing, so they are no memory to give to it.
static uint64_t
data_within(struct rs_process_image *image, uint64_t begin, uint64_t end)
{
	uint64_t bytes = 0;

	if (!image->sparse)
		return end - begin;
	while (begin < end && image->extents++ < RS_EXTENTS_MAX) {
		const off_t data =
			lseek(image->core_fd, (off_t)begin, SEEK_DATA);
		const off_t hole =
			data < 0 ? -1 : lseek(image->core_fd, data, SEEK_HOLE);

		if (hole < 0 || (uint64_t)data >= end)
			break;
		begin = (uint64_t)hole < end ? (uint64_t)hole : end;
		bytes += begin - (uint64_t)data;
	}
	return bytes;
}

static struct rs_error *add_segment(struct rs_process_image *image,
				    const struct rs_segment *segment, int fd,
				    uint64_t offset)
{
	const uint64_t size =
		(segment->end - segment->start + PAGE_MASK) & ~PAGE_MASK;
	const bool aligned = !(offset & PAGE_MASK);
	const uint16_t prot = segment->prot ? segment->prot : PROT_READ;
	// Without consent only rs_plan_code() maps what can be executed.
	const uint16_t allowed =
		image->options.run ? prot : prot & (uint16_t)~PROT_EXEC;

	if ((segment->start & PAGE_MASK) || segment->start < RS_PLAN_PAGE ||
	    segment->start >= RS_PLAN_TOP ||
	    size > RS_PLAN_TOP - segment->start) {
		if (segment->start < RS_PLAN_TOP)
			rs_memory_problem(&image->target->memory,
					  "the segment at %#llx does not begin "
					  "at a page; code of the core cannot "
					  "use it",
					  (unsigned long long)segment->start);
		return NULL; // above: the vsyscall page
	}
	image->bytes += segment->end - segment->start;
	if (!aligned)
		image->copied +=
			fd == image->core_fd
				? data_within(image, offset, offset + size)
				: size;
	return rs_plan_add(
		image, &(struct rs_plan_map){
			       .address = segment->start,
			       .size = size,
			       .offset = offset,
			       .fd = fd,
			       .kind = aligned ? RS_PLAN_FILE : RS_PLAN_COPY,
			       .prot = allowed ? allowed : PROT_READ,
		       });
}

/** Bytes of the core's file that a segment of memory is. */
struct rs_extent {
	uint64_t begin, end;
};

static int by_begin(const void *a, const void *b)
{
	const struct rs_extent *x = a, *y = b;

	return (x->begin > y->begin) - (x->begin < y->begin);
}

static uint64_t count_aliased(struct rs_extent *extent, size_t n)
{
	uint64_t end = 0, aliased = 0;

	if (n)
		qsort(extent, n, sizeof(*extent), by_begin);
	for (size_t i = 0; i < n; i++) {
		const uint64_t last = extent[i].end < end ? extent[i].end : end;

		if (extent[i].begin < last)
			aliased += last - extent[i].begin;
		end = extent[i].end > end ? extent[i].end : end;
	}
	return aliased;
}

// Program headers that map the same bytes again and again would let a small
// file fill all memory. A process that was dumped has each byte once.
static struct rs_error *count_once(struct rs_process_image *image)
{
	const struct rs_target *target = image->target;
	const struct rs_memory *memory = &target->memory;
	const uint8_t *core = target->mapping[0].data;
	struct rs_extent *extent =
		calloc(memory->segments + 1, sizeof(*extent));
	size_t n = 0;

	if (!extent)
		return &rs_enomem;
	for (size_t i = 0; i < memory->segments; i++) {
		const struct rs_segment *s = &memory->segment[i];

		if (s->data < core || s->data >= core + target->mapping[0].size)
			continue;
		extent[n].begin = (uint64_t)(s->data - core);
		extent[n].end = extent[n].begin + (s->end - s->start);
		n++;
	}
	const uint64_t aliased = count_aliased(extent, n);
	free(extent);
	if (aliased > RS_SLACK)
		return rs_error_new(
			RS_EBAD,
			"%s: its code is not run: its program headers map "
			"%llu bytes of the file at more than one address",
			target->name, (unsigned long long)aliased);
	image->bytes -= aliased;
	return NULL;
}

struct rs_error *rs_plan_maps(struct rs_process_image *image)
{
	const struct rs_memory *memory = &image->target->memory;
	struct rs_error *err = open_core(image);

	for (size_t i = 0; !err && i < memory->segments; i++) {
		const struct rs_segment *s = &memory->segment[i];
		uint64_t offset = 0;
		int fd = -1;

		err = source_of(image, s, &fd, &offset);
		if (!err && fd >= 0)
			err = add_segment(image, s, fd, offset);
	}
	if (!err)
		err = count_once(image);
	if (!err)
		rs_plan_demand_choose(image);
	return err;
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
			    "%s: its code cannot be run: its addresses leave "
			    "no gap of %llu bytes for what runs it",
			    image->target->name, (unsigned long long)size);
}
