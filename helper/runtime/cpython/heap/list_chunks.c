// SPDX-License-Identifier: MIT
//
// Cutting lists into chunks. A list is cut at heads (PyGC_Head) that are found
// at random places in the mappings in which members have been seen. A head is
// recognised by its neighbours pointing back to it.
#include "runtime/cpython/heap/list_chunks.h"
#include "runtime/cpython/decode/object_header.h"

#include <sys/mman.h>

enum {
	RS_PLACES_MAX = 4 * RS_CUTS_MAX, // places to search for cuts
	RS_SEED = 4096, // members to walk to see where members are
	RS_SEED_STEP = 32, // of these, one in so many is used
	RS_REGION_MIN = 256 << 10, // bytes of the smallest arena
	RS_REGIONS_MAX = 256,
	RS_WINDOW = 2048, // bytes to search at each place
};

struct cutting {
	struct rs_list_chunks *chunks;
	struct rs_cpython *py;
	struct rs_memory *memory;
	struct {
		uint64_t start, end;
	} region[RS_REGIONS_MAX]; // mappings in which members have been seen
	unsigned regions;
};

void rs_chunks_add(struct rs_list_chunks *p, uint64_t start, int8_t generation)
{
	unsigned i = rs_chunks_slot(start);

	if (p->chunks == RS_CHUNKS_MAX || rs_chunks_at(p, start) != RS_NOWHERE)
		return;
	p->chunk[p->chunks] = (struct rs_list_chunk){
		.start = start,
		.next = start,
		.end = RS_NOWHERE,
		.generation = generation,
	};
	while (p->slot[i])
		i = (i + 1) % RS_SLOTS;
	p->slot[i] = (uint16_t)++p->chunks;
}

static void see(struct cutting *c, uint64_t address)
{
	const size_t at = rs_segments_index(c->memory, address);

	for (unsigned i = 0; i < c->regions; i++)
		if (address - c->region[i].start <
		    c->region[i].end - c->region[i].start)
			return;
	if (at == c->memory->segments || c->regions == RS_REGIONS_MAX)
		return;
	c->region[c->regions].start = c->memory->segment[at].start;
	c->region[c->regions++].end = c->memory->segment[at].end;
}

// Find the mappings that contain members. A core is mapped, so looking anywhere
// is free; other targets would be copied, so only mappings with some of the
// first members are used.
// @return Whether any list is worth cutting.
static bool find_regions(struct cutting *c)
{
	bool long_list = false;

	for (unsigned i = 0; i < c->chunks->lists; i++) {
		uint64_t at =
			rs_head_next(c->memory, c->chunks->chunk[i].start);
		unsigned n = 0;

		for (; at && at != c->chunks->chunk[i].start && n < RS_SEED;
		     n++) {
			if (n % RS_SEED_STEP == 0)
				see(c, at);
			at = rs_head_next(c->memory, at);
		}
		long_list |= n == RS_SEED;
	}
	for (size_t i = 0; long_list && i < c->memory->segments; i++) {
		const struct rs_segment *s = &c->memory->segment[i];

		if (!s->loaded && !s->from_file && (s->prot & PROT_WRITE) &&
		    s->end - s->start >= RS_REGION_MIN)
			see(c, s->start);
	}
	return long_list;
}

// A member points to two others that both point back.
static bool is_member(const struct cutting *c, uint64_t head)
{
	uint64_t next, previous, back;

	if (!rs_memory_u64(c->memory, head, &next) || (next & 7) ||
	    !rs_memory_u64(c->memory, head + 8, &previous) || !next ||
	    next == head || !(previous &= ~RS_NOT_POINTER))
		return false;
	if (rs_head_next(c->memory, previous) != head ||
	    !rs_memory_u64(c->memory, next + 8, &back) ||
	    (back & ~RS_NOT_POINTER) != head)
		return false;
	return rs_py_has_header(c->py, head + c->py->head_size);
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void cut_near(struct cutting *c, uint64_t address)
{
	address &= ~UINT64_C(15);
	for (uint64_t a = address; a < address + RS_WINDOW; a += 16) {
		uint64_t word = 0;

		// Most words are obviously not part of a head.
		if (!rs_memory_u64(c->memory, a, &word))
			return;
		if ((word & 7) || word >> 47 || word < RS_WINDOW ||
		    !is_member(c, a))
			continue;
		rs_chunks_add(c->chunks, a, -1);
		return;
	}
}

// The seed is fixed, so that the cuts are the same every time.
static void add_cuts(struct cutting *c)
{
	uint64_t random = UINT64_C(0x243f6a8885a308d3), total = 0;

	for (unsigned i = 0; i < c->regions; i++)
		total += c->region[i].end - c->region[i].start;
	for (unsigned i = 0; total && i < RS_PLACES_MAX; i++) {
		uint64_t at = next_random(&random) % total;
		unsigned r = 0;

		if (c->chunks->chunks == c->chunks->lists + RS_CUTS_MAX)
			return;
		while (at >= c->region[r].end - c->region[r].start) {
			at -= c->region[r].end - c->region[r].start;
			r++;
		}
		cut_near(c, c->region[r].start + at);
	}
}

void rs_chunks_cut(struct rs_list_chunks *p, struct rs_cpython *py)
{
	struct cutting c = {.chunks = p, .py = py, .memory = py->base.memory};

	// Each random place in a remote target would cost a round trip.
	if (!c.memory->big_steps && find_regions(&c))
		add_cuts(&c);
}
