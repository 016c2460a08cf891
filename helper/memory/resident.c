// SPDX-License-Identifier: MIT
#include "memory/places.h"
#include "memory/target.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum {
	RS_ENTRIES = 4096, // of the page map, read at once
	RS_PRESENT = 63, // bit of an entry: the page is in memory
};

// More than this is not looked through: the page map has 8 bytes a page.
#define RS_MAPPED_MOST (UINT64_C(64) << 30)

static struct rs_error *add(struct rs_vec *ret, uint64_t start, uint64_t end)
{
	struct rs_extent *last = rs_vec_items(ret, struct rs_extent);
	const size_t n = rs_vec_count(ret, struct rs_extent);
	const struct rs_extent extent = {start, end};

	if (n && last[n - 1].end == start) {
		last[n - 1].end = end;
		return NULL;
	}
	return rs_vec_append(ret, &extent, sizeof(extent));
}

static struct rs_error *
add_core(const struct rs_memory *memory, struct rs_vec *ret)
{
	struct rs_error *err = NULL;

	for (size_t i = 0; i < memory->segments && !err; i++)
		if (!memory->segment[i].from_file)
			err = add(ret, memory->segment[i].start,
				  memory->segment[i].end);
	return err;
}

// @return false when the page map cannot be read.
static bool add_pages(int fd, uint64_t page, uint64_t start, uint64_t end,
		      struct rs_vec *ret, struct rs_error **err)
{
	uint64_t entry[RS_ENTRIES];

	while (start < end) {
		const uint64_t left = (end - start) / page;
		const size_t n = left < RS_ENTRIES ? (size_t)left : RS_ENTRIES;
		const ssize_t got =
			pread(fd, entry, n * sizeof(*entry),
			      (off_t)(start / page * sizeof(*entry)));

		if (got != (ssize_t)(n * sizeof(*entry)) || !n)
			return false;
		for (size_t i = 0; i < n && !*err; i++, start += page)
			if (entry[i] >> RS_PRESENT)
				*err = add(ret, start, start + page);
	}
	return true;
}

static bool
add_process(struct rs_target *target, struct rs_vec *ret, struct rs_error **err)
{
	const struct rs_memory *memory = &target->memory;
	char path[64];
	uint64_t mapped = 0;

	for (size_t i = 0; i < memory->segments; i++)
		mapped += memory->segment[i].end - memory->segment[i].start;
	target->resident_why = "too much is mapped to look which of it is in "
			       "memory";
	if (mapped > RS_MAPPED_MOST)
		return false;
	(void)snprintf(path, sizeof(path), "/proc/%d/pagemap",
		       (int)target->pid);
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool known = fd >= 0;
	target->resident_why = "its page map cannot be read";
	for (size_t i = 0; i < memory->segments && known && !*err; i++)
		known = add_pages(fd, target->page, memory->segment[i].start,
				  memory->segment[i].end, ret, err);
	if (fd >= 0)
		close(fd);
	return known;
}

struct rs_error *rs_target_keep_resident(struct rs_target *target)
{
	struct rs_error *err = NULL;

	target->resident_known = add_process(target, &target->resident, &err);
	return err;
}

struct rs_error *
rs_memory_resident(struct rs_memory *memory, struct rs_vec *ret, bool *known)
{
	const struct rs_target *target = rs_target_of(memory);

	*known = memory->is_core || target->resident_known;
	if (!*known && target->resident_why)
		rs_memory_problem(memory,
				  "%s: %s; what its memory is used for is not "
				  "added up",
				  target->name, target->resident_why);
	return memory->is_core ? add_core(memory, ret)
			       : rs_vec_append(ret, target->resident.data,
					       target->resident.used);
}
