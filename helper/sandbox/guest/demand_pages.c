// SPDX-License-Identifier: MIT
#include "sandbox/guest/demand_pages.h"

#include "sandbox/guest/raw.h"

#include <sys/mman.h>

enum { RS_DEMAND_PAGE = 4096, RS_DEMAND_BITS = 64 };

// A word at any address.
typedef uint64_t rs_any_word __attribute__((__aligned__(1), __may_alias__));

static const struct rs_demand_piece *
find(const struct rs_demand *demand, uint64_t address)
{
	uint64_t low = 0, high = demand->pieces;

	while (low < high) {
		const uint64_t middle = low + (high - low) / 2;
		const struct rs_demand_piece *p = &demand->piece[middle];

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
bit_of(const struct rs_demand_piece *p, uint64_t address, uint64_t *mask)
{
	const uint64_t bit = p->grain + address / RS_DEMAND_GRAIN -
			     p->address / RS_DEMAND_GRAIN;

	*mask = UINT64_C(1) << bit % RS_DEMAND_BITS;
	return bit / RS_DEMAND_BITS;
}

static int is_filled(const struct rs_demand *demand,
		     const struct rs_demand_piece *p, uint64_t address)
{
	uint64_t mask;
	const uint64_t word = bit_of(p, address, &mask);

	return (((const uint64_t *)demand->filled)[word] & mask) != 0;
}

static uint64_t floor_of(uint64_t address)
{
	return address & ~((uint64_t)RS_DEMAND_GRAIN - 1);
}

static void mark(struct rs_demand *demand, const struct rs_demand_piece *p,
		 uint64_t from, uint64_t to)
{
	for (uint64_t at = from; at < to; at = floor_of(at) + RS_DEMAND_GRAIN) {
		uint64_t mask;
		const uint64_t word = bit_of(p, at, &mask);

		((uint64_t *)demand->filled)[word] |= mask;
	}
}

static void copy_bytes(uint64_t to, uint64_t from, uint64_t size)
{
	__asm__ volatile("rep movsb"
			 : "+D"(to), "+S"(from), "+c"(size)
			 :
			 : "memory");
}

static int is_zero(uint64_t at, uint64_t size)
{
	uint64_t i = 0;

	for (; i + sizeof(uint64_t) <= size; i += sizeof(uint64_t))
		if (*(const volatile rs_any_word *)(at + i))
			return 0;
	for (; i < size; i++)
		if (*(const volatile uint8_t *)(at + i))
			return 0;
	return 1;
}

// Fresh memory is zero as holes of the file are: only what differs is written
// to, and becomes the image's own.
static void copy_data(uint64_t to, uint64_t from, uint64_t size)
{
	for (uint64_t i = 0; i < size; i += RS_DEMAND_PAGE) {
		const uint64_t n =
			size - i < RS_DEMAND_PAGE ? size - i : RS_DEMAND_PAGE;

		if (!is_zero(from + i, n))
			copy_bytes(to + i, from + i, n);
	}
}

static void copy(const struct rs_demand *demand,
		 const struct rs_demand_piece *p, uint64_t from, uint64_t to)
{
	const uint64_t end = p->address + p->bytes;
	const uint64_t size = to < end ? to - from : end - from;
	const uint64_t source = p->source + (from - p->address);

	if (from >= end)
		return;
	if (demand->sparse) {
		copy_data(from, source, size);
		return;
	}
	if (size > RS_DEMAND_GRAIN) {
		rs_raw3(SYS_madvise, source & ~(uint64_t)(RS_DEMAND_PAGE - 1),
			size + source % RS_DEMAND_PAGE, MADV_POPULATE_READ);
		rs_raw3(SYS_madvise, from, size, MADV_POPULATE_WRITE);
	}
	copy_bytes(from, source, size);
}

// The range is whole grains of the piece, none of them filled.
static long fill(struct rs_demand *demand, const struct rs_demand_piece *p,
		 uint64_t from, uint64_t to)
{
	const uint64_t both = PROT_READ | PROT_WRITE;
	long rc;

	*(volatile uint64_t *)&demand->to = to;
	*(volatile uint64_t *)&demand->from = from;
	rc = rs_raw6(SYS_mmap, from, to - from, both,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE,
		     UINT32_MAX, 0);
	if (rc == (long)from) {
		if (to - from >= RS_DEMAND_HUGE && !demand->sparse)
			rs_raw3(SYS_madvise, from, to - from, MADV_HUGEPAGE);
		copy(demand, p, from, to);
		rc = p->prot == both
			     ? 0
			     : rs_raw3(SYS_mprotect, from, to - from, p->prot);
		if (rc)
			rs_raw3(SYS_munmap, from, to - from, 0);
		mark(demand, p, from, to);
	}
	*(volatile uint64_t *)&demand->from = 0;
	return rc;
}

// All grains of the piece that the range has a part of.
static long bring(struct rs_demand *demand, const struct rs_demand_piece *p,
		  uint64_t from, uint64_t to)
{
	uint64_t at = floor_of(from), end = floor_of(to - 1) + RS_DEMAND_GRAIN;
	uint64_t run = 0;
	long rc = 0;

	if (at < p->address)
		at = p->address;
	if (end > p->address + p->size)
		end = p->address + p->size;
	while (!rc && at < end) {
		const uint64_t next = floor_of(at) + RS_DEMAND_GRAIN;
		const int skip = is_filled(demand, p, at);

		if (!skip && !run)
			run = at;
		if (run && (skip || next >= end)) {
			rc = fill(demand, p, run, skip ? at : end);
			run = 0;
		}
		at = next;
	}
	return rc;
}

// A few touches, as a call makes them, cost a few grains. More are a walk
// over all: in huge pages that takes a quarter of the time.
int rs_demand_touch(struct rs_demand *demand, uint64_t address)
{
	const struct rs_demand_piece *p = find(demand, address);

	if (!p || is_filled(demand, p, address))
		return 0;
	const uint64_t window = demand->touches++ < RS_DEMAND_SINGLE
					? RS_DEMAND_GRAIN
					: demand->group;
	const uint64_t from = address & ~(window - 1);

	bring(demand, p, from, from + window);
	return is_filled(demand, p, address);
}

// The part of the range that is in the piece. @return whether there is one.
static int cut(const struct rs_demand_piece *p, uint64_t *from, uint64_t *to)
{
	if (*from < p->address)
		*from = p->address;
	if (*to > p->address + p->size)
		*to = p->address + p->size;
	return *from < *to;
}

void rs_demand_bring(struct rs_demand *demand, uint64_t from, uint64_t to)
{
	for (uint64_t i = 0; i < demand->pieces; i++) {
		uint64_t low = from, high = to;

		if (cut(&demand->piece[i], &low, &high))
			bring(demand, &demand->piece[i], low, high);
	}
}

void rs_demand_forget(struct rs_demand *demand, uint64_t from, uint64_t to)
{
	for (uint64_t i = 0; i < demand->pieces; i++) {
		const struct rs_demand_piece *p = &demand->piece[i];
		uint64_t low = from, high = to;

		if (!cut(p, &low, &high))
			continue;
		if (low > p->address && low % RS_DEMAND_GRAIN)
			bring(demand, p, low, low + 1);
		if (high < p->address + p->size && high % RS_DEMAND_GRAIN)
			bring(demand, p, high, high + 1);
		mark(demand, p, low, high);
	}
}

void rs_demand_give_up(struct rs_demand *demand)
{
	const struct rs_demand_piece *p = find(demand, demand->from);

	rs_raw3(SYS_munmap, demand->from, demand->to - demand->from, 0);
	// What comes to lie there is not ours to fill.
	if (p)
		mark(demand, p, demand->from, demand->to);
	*(volatile uint64_t *)&demand->from = 0;
}
