// SPDX-License-Identifier: MIT
#include "memory/places.h"
#include "memory/target.h"

#include <errno.h>
#include <unistd.h>

uint64_t
rs_memory_skip_hole(struct rs_memory *memory, uint64_t address, uint64_t end)
{
	const struct rs_target *target = rs_target_of(memory);
	const size_t at = rs_segments_index(memory, address);

	if (!memory->is_core || target->core_fd < 0 || at >= memory->segments)
		return address;
	const struct rs_segment *s = &memory->segment[at];
	const struct rs_mapping *core = &target->mapping[0];
	const uint8_t *data = core->data;

	if (address < s->start || address >= s->end || s->from_file ||
	    s->data < data || s->data >= data + core->size)
		return address;
	const uint64_t offset =
		(uint64_t)(s->data - data) + (address - s->start);
	const uint64_t last = s->end < end ? s->end : end;
	const off_t next = lseek(target->core_fd, (off_t)offset, SEEK_DATA);

	if (next < 0)
		return errno == ENXIO ? last : address;
	return (uint64_t)next - offset < last - address
		       ? address + ((uint64_t)next - offset)
		       : last;
}
