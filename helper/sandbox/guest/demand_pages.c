// SPDX-License-Identifier: MIT
#include "sandbox/guest/demand_pages.h"

#include "sandbox/guest/raw.h"

#include <sys/mman.h>

enum { RS_LAZY_PAGE = 4096, RS_LAZY_BITS = 64 };

static const struct rs_lazy_piece *
find(const struct rs_lazy *lazy, uint64_t address)
{
	uint64_t low = 0, high = lazy->pieces;

	while (low < high) {
		const uint64_t middle = low + (high - low) / 2;
		const struct rs_lazy_piece *p = &lazy->piece[middle];

		if (address < p->address)
			high = middle;
		else if (address - p->address < p->size)
			return p;
		else
			low = middle + 1;
	}
	return (void *)0;
}

static uint64_t
bit_of(const struct rs_lazy_piece *p, uint64_t address, uint64_t *mask)
{
	const uint64_t bit =
		p->grain + address / RS_LAZY_GRAIN - p->address / RS_LAZY_GRAIN;

	*mask = UINT64_C(1) << bit % RS_LAZY_BITS;
	return bit / RS_LAZY_BITS;
}

static int is_filled(const struct rs_lazy *lazy, const struct rs_lazy_piece *p,
		     uint64_t address)
{
	uint64_t mask;
	const uint64_t word = bit_of(p, address, &mask);

	return (((const uint64_t *)lazy->filled)[word] & mask) != 0;
}

static uint64_t floor_of(uint64_t address)
{
	return address & ~((uint64_t)RS_LAZY_GRAIN - 1);
}

static void mark(struct rs_lazy *lazy, const struct rs_lazy_piece *p,
		 uint64_t from, uint64_t to)
{
	for (uint64_t at = from; at < to; at = floor_of(at) + RS_LAZY_GRAIN) {
		uint64_t mask;
		const uint64_t word = bit_of(p, at, &mask);

		((uint64_t *)lazy->filled)[word] |= mask;
	}
}

static void copy(const struct rs_lazy_piece *p, uint64_t from, uint64_t to)
{
	const uint64_t end = p->address + p->bytes;
	uint64_t size = to < end ? to - from : end - from;
	uint64_t source = p->source + (from - p->address);

	if (from >= end)
		return;
	if (size > RS_LAZY_GRAIN) {
		rs_raw3(SYS_madvise, source & ~(uint64_t)(RS_LAZY_PAGE - 1),
			size + source % RS_LAZY_PAGE, MADV_POPULATE_READ);
		rs_raw3(SYS_madvise, from, size, MADV_POPULATE_WRITE);
	}
	__asm__ volatile("rep movsb"
			 : "+D"(from), "+S"(source), "+c"(size)
			 :
			 : "memory");
}

// The range is whole grains of the piece, none of them filled.
static long fill(struct rs_lazy *lazy, const struct rs_lazy_piece *p,
		 uint64_t from, uint64_t to)
{
	const uint64_t both = PROT_READ | PROT_WRITE;
	long rc;

	*(volatile uint64_t *)&lazy->to = to;
	*(volatile uint64_t *)&lazy->from = from;
	rc = rs_raw6(SYS_mmap, from, to - from, both,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE,
		     UINT32_MAX, 0);
	if (rc == (long)from) {
		if (to - from >= RS_LAZY_HUGE)
			rs_raw3(SYS_madvise, from, to - from, MADV_HUGEPAGE);
		copy(p, from, to);
		rc = p->prot == both
			     ? 0
			     : rs_raw3(SYS_mprotect, from, to - from, p->prot);
		if (rc)
			rs_raw3(SYS_munmap, from, to - from, 0);
		mark(lazy, p, from, to);
	}
	*(volatile uint64_t *)&lazy->from = 0;
	return rc;
}

// All grains of the piece that the range has a part of.
static long bring(struct rs_lazy *lazy, const struct rs_lazy_piece *p,
		  uint64_t from, uint64_t to)
{
	uint64_t at = floor_of(from), end = floor_of(to - 1) + RS_LAZY_GRAIN;
	uint64_t run = 0;
	long rc = 0;

	if (at < p->address)
		at = p->address;
	if (end > p->address + p->size)
		end = p->address + p->size;
	while (!rc && at < end) {
		const uint64_t next = floor_of(at) + RS_LAZY_GRAIN;
		const int skip = is_filled(lazy, p, at);

		if (!skip && !run)
			run = at;
		if (run && (skip || next >= end)) {
			rc = fill(lazy, p, run, skip ? at : end);
			run = 0;
		}
		at = next;
	}
	return rc;
}

// A few touches, as a call makes them, cost a few grains. More are a walk
// over all: in huge pages that takes a quarter of the time.
int rs_lazy_touch(struct rs_lazy *lazy, uint64_t address)
{
	const struct rs_lazy_piece *p = find(lazy, address);

	if (!p || is_filled(lazy, p, address))
		return 0;
	const uint64_t window =
		lazy->touches++ < RS_LAZY_SINGLE ? RS_LAZY_GRAIN : lazy->group;
	const uint64_t from = address & ~(window - 1);

	bring(lazy, p, from, from + window);
	return is_filled(lazy, p, address);
}

// The part of the range that is in the piece. @return whether there is one.
static int cut(const struct rs_lazy_piece *p, uint64_t *from, uint64_t *to)
{
	if (*from < p->address)
		*from = p->address;
	if (*to > p->address + p->size)
		*to = p->address + p->size;
	return *from < *to;
}

void rs_lazy_bring(struct rs_lazy *lazy, uint64_t from, uint64_t to)
{
	for (uint64_t i = 0; i < lazy->pieces; i++) {
		uint64_t low = from, high = to;

		if (cut(&lazy->piece[i], &low, &high))
			bring(lazy, &lazy->piece[i], low, high);
	}
}

void rs_lazy_forget(struct rs_lazy *lazy, uint64_t from, uint64_t to)
{
	for (uint64_t i = 0; i < lazy->pieces; i++) {
		const struct rs_lazy_piece *p = &lazy->piece[i];
		uint64_t low = from, high = to;

		if (!cut(p, &low, &high))
			continue;
		if (low > p->address && low % RS_LAZY_GRAIN)
			bring(lazy, p, low, low + 1);
		if (high < p->address + p->size && high % RS_LAZY_GRAIN)
			bring(lazy, p, high, high + 1);
		mark(lazy, p, low, high);
	}
}

void rs_lazy_give_up(struct rs_lazy *lazy)
{
	const struct rs_lazy_piece *p = find(lazy, lazy->from);

	rs_raw3(SYS_munmap, lazy->from, lazy->to - lazy->from, 0);
	// What comes to lie there is not ours to fill.
	if (p)
		mark(lazy, p, lazy->from, lazy->to);
	*(volatile uint64_t *)&lazy->from = 0;
}
