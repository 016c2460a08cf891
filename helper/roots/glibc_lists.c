// SPDX-License-Identifier: MIT
#include "roots/glibc.h"

enum { RS_LIST_MAX = 1 << 28 }; // chunks of one list: 8 GiB of the smallest

static bool is_readable(const struct rs_glibc *glibc, uint64_t address)
{
	return !(address & 7) && address >> 47 == 0 &&
	       rs_memory_at(glibc->memory, address, 16);
}

// From 2.32 on a link is combined with the page number of where it stands.
static uint64_t next_of(const struct rs_glibc *glibc, uint64_t at)
{
	uint64_t word = 0;

	if (!rs_memory_u64(glibc->memory, at, &word))
		return 0;
	const uint64_t mixed = word ^ at >> 12;
	if (!word || !mixed)
		return 0;
	return !(mixed & 15) && is_readable(glibc, mixed) ? mixed : word;
}

struct rs_error *
rs_glibc_add_list(struct rs_glibc *glibc, uint64_t first, bool chunks)
{
	bool added = true;
	uint64_t at = first;
	unsigned i = 0;

	for (; at && added && i < RS_LIST_MAX; i++) {
		struct rs_error *err;

		if ((at & 15) || !is_readable(glibc, at))
			break;
		err = rs_addrmap_add(&glibc->free, at - 16, &added);
		if (err)
			return err;
		at = next_of(glibc, at);
		if (at && chunks)
			at += 16;
	}
	if (i == RS_LIST_MAX)
		rs_memory_gap(
			glibc->memory,
			"malloc() has a list of more than %d free blocks; "
			"words in the others are taken for evidence",
			RS_LIST_MAX);
	return NULL;
}
