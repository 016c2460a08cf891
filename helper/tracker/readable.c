// SPDX-License-Identifier: MIT
#include "tracker/readable.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
	RS_PAGES = 1 << (RS_READABLE_BLOCK - RS_READABLE_PAGE), // of a block
	RS_FIRST_SLOTS = 1 << 10,
};

void rs_readable_fini(struct rs_readable *readable)
{
	rs_vec_fini(&readable->table);
	*readable = (struct rs_readable){0};
}

static char *page_at(uint64_t block, unsigned page)
{
	return (char *)(uintptr_t)((block << RS_READABLE_BLOCK) +
				   ((uint64_t)page << RS_READABLE_PAGE));
}

// Mapped or not, where process_vm_readv() is not allowed. What is mapped
// without the right to read it counts as readable.
static uint64_t ask_mincore(uint64_t block)
{
	unsigned char vec[RS_PAGES];
	uint64_t pages = 0;

	if (mincore(page_at(block, 0), (size_t)1 << RS_READABLE_BLOCK, vec) ==
	    0)
		return UINT64_MAX;
	for (unsigned i = 0; i < RS_PAGES; i++) {
		if (mincore(page_at(block, i), 1 << RS_READABLE_PAGE, vec) ==
			    0 ||
		    errno != ENOMEM)
			pages |= UINT64_C(1) << i;
	}
	return pages;
}

// A byte of each page, copied by the kernel, which stops at the first that it
// cannot read instead of raising a signal.
static uint64_t ask(uint64_t block)
{
	struct iovec from[RS_PAGES];
	char to[RS_PAGES];
	const pid_t pid = getpid();
	uint64_t pages = 0;

	for (unsigned i = 0; i < RS_PAGES; i++)
		from[i] = (struct iovec){page_at(block, i), 1};
	for (unsigned i = 0; i < RS_PAGES; i++) {
		const struct iovec into = {to, RS_PAGES - i};
		const ssize_t n = process_vm_readv(pid, &into, 1, from + i,
						   RS_PAGES - i, 0);

		if (n < 0 && errno != EFAULT)
			return ask_mincore(block);
		for (ssize_t k = 0; k < n; k++)
			pages |= UINT64_C(1) << (i + (unsigned)k);
		i += n > 0 ? (unsigned)n : 0; // the next one cannot be read
	}
	return pages;
}

static struct rs_known_block *
find(const struct rs_vec *table, uint32_t slots, uint64_t block)
{
	struct rs_known_block *known =
		rs_vec_items(table, struct rs_known_block);
	uint64_t i = block * UINT64_C(0x9E3779B97F4A7C15) >> 32;

	while (known[i &= slots - 1].block && known[i].block != block + 1)
		i++;
	return &known[i];
}

static bool grow(struct rs_readable *r)
{
	const uint32_t slots = r->slots ? 2 * r->slots : RS_FIRST_SLOTS;
	const struct rs_known_block *old =
		rs_vec_items(&r->table, struct rs_known_block);
	struct rs_vec table = {0};

	if (!rs_vec_push(&table, slots * sizeof(*old)))
		return false;
	for (uint32_t i = 0; i < r->slots; i++) {
		if (old[i].block)
			*find(&table, slots, old[i].block - 1) = old[i];
	}
	rs_vec_fini(&r->table);
	r->table = table;
	r->slots = slots;
	return true;
}

// The place of @p block in what is known: free, or it. NULL: out of memory.
static struct rs_known_block *place_of(struct rs_readable *r, uint64_t block)
{
	for (uint32_t i = 0; i < RS_READABLE_NEAR; i++) {
		if (!r->near[i].block || r->near[i].block == block + 1)
			return &r->near[i];
	}
	if (r->used >= r->slots / 2 && !r->no_memory)
		r->no_memory = !grow(r);
	return r->no_memory ? NULL : find(&r->table, r->slots, block);
}

static uint64_t pages_of(struct rs_readable *r, uint64_t block)
{
	struct rs_known_block *known = place_of(r, block);

	if (!known)
		return ask(block);
	if (!known->block) {
		*known = (struct rs_known_block){block + 1, ask(block)};
		r->used +=
			known >= r->near + RS_READABLE_NEAR || known < r->near;
	}
	return known->pages;
}

bool rs_readable_ask(struct rs_readable *r, uint64_t address, uint64_t size)
{
	if (!size)
		return true;
	if (address + size < address)
		return false;
	const uint64_t last = (address + size - 1) >> RS_READABLE_PAGE;

	for (uint64_t page = address >> RS_READABLE_PAGE; page <= last;) {
		const uint64_t block = page / RS_PAGES;

		r->pages = pages_of(r, block);
		r->block = block;
		for (; page <= last && page / RS_PAGES == block; page++) {
			if (!(r->pages >> page % RS_PAGES & 1))
				return false;
		}
	}
	return true;
}

bool rs_copy_readable(void *to, const void *from, size_t size)
{
	const struct iovec into = {to, size};
	const struct iovec out_of = {(void *)(uintptr_t)from, size};
	const ssize_t n = process_vm_readv(getpid(), &into, 1, &out_of, 1, 0);
	struct rs_readable readable = {0};

	if (n >= 0 || errno == EFAULT)
		return n == (ssize_t)size;
	const bool readable_now =
		rs_is_readable(&readable, (uint64_t)(uintptr_t)from, size);
	if (readable_now)
		memcpy(to, from, size);
	rs_readable_fini(&readable);
	return readable_now;
}
