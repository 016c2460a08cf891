// SPDX-License-Identifier: MIT
#include "base/addrmap.h"

#include "base/error.h"
#include "base/search.h"

#include <assert.h>

enum {
	RS_DIR_SIZE = 1 << RS_DIR_SHIFT,
	// A chunk has 32 KiB + 16 bytes, so 191 of them fill 6 MiB, three
	// huge pages, almost exactly.
	RS_SLAB_CHUNKS = 191,
	RS_MEMBERS_MOST = 1 << 30,
};

const uint64_t rs_addrmap_no_cell;

struct rs_error *rs_addrmap_init(struct rs_addrmap *map)
{
	*map = (struct rs_addrmap){0};
	return rs_block_new(RS_DIR_SIZE, sizeof(*map->dir), &map->dir);
}

void rs_addrmap_fini(struct rs_addrmap *map)
{
	for (size_t i = 0; map->dir && i < RS_DIR_SIZE; i++)
		rs_block_free(map->dir[i], RS_DIR_SIZE, sizeof(**map->dir));
	rs_block_free(map->dir, RS_DIR_SIZE, sizeof(*map->dir));

	struct rs_chunk **slab = rs_vec_items(&map->slab, struct rs_chunk *);
	for (size_t i = 0; i < rs_vec_count(&map->slab, *slab); i++)
		rs_block_free(slab[i], RS_SLAB_CHUNKS, sizeof(**slab));
	rs_vec_fini(&map->slab);
	rs_vec_fini(&map->chunk);
	*map = (struct rs_addrmap){0};
}

// A zeroed chunk from the newest slab, or NULL when out of memory.
static struct rs_chunk *new_chunk(struct rs_addrmap *map)
{
	// map->chunk lists every chunk, so its length gives the position of
	// the next one in its slab.
	const size_t n = rs_vec_count(&map->chunk, struct rs_chunk *);
	struct rs_error *err = rs_vec_reserve(&map->chunk, sizeof(void *));

	if (!err && n % RS_SLAB_CHUNKS == 0) {
		struct rs_chunk *slab;

		err = rs_vec_reserve(&map->slab, sizeof(void *));
		if (!err)
			err = rs_block_new(RS_SLAB_CHUNKS, sizeof(*slab),
					   &slab);
		// Look-ups are random accesses: with 4 KiB pages each would
		// miss the TLB as well as the cache.
		if (!err)
			rs_block_dense(slab, RS_SLAB_CHUNKS, sizeof(*slab));
		if (!err)
			*(struct rs_chunk **)rs_vec_push(&map->slab,
							 sizeof(slab)) = slab;
	}
	if (err) {
		rs_error_free(err);
		return NULL;
	}
	struct rs_chunk *chunk =
		rs_vec_items(&map->slab, struct rs_chunk *)[n / RS_SLAB_CHUNKS];
	chunk += n % RS_SLAB_CHUNKS;
	*(struct rs_chunk **)rs_vec_push(&map->chunk, sizeof(chunk)) = chunk;
	return chunk;
}

static struct rs_chunk *chunk_for(struct rs_addrmap *map, uint64_t address)
{
	struct rs_chunk *chunk = rs_addrmap_chunk(map, address);
	if (chunk)
		return chunk;

	const uint64_t n = address >> RS_CHUNK_SHIFT;
	struct rs_chunk ***leaf = &map->dir[n >> RS_DIR_SHIFT];
	if (!*leaf) {
		struct rs_error *err =
			rs_block_new(RS_DIR_SIZE, sizeof(**leaf), leaf);
		if (err) {
			rs_error_free(err);
			return NULL;
		}
	}
	chunk = new_chunk(map);
	if (!chunk)
		return NULL;
	chunk->base = n << RS_CHUNK_SHIFT;
	(*leaf)[n & (RS_DIR_SIZE - 1)] = chunk;
	return chunk;
}

struct rs_error *
rs_addrmap_add(struct rs_addrmap *map, uint64_t address, bool *added)
{
	if (!rs_addrmap_takes(address))
		return rs_error_new(RS_EBAD,
				    "0x%llx cannot be an object's address: it "
				    "is not a multiple of 8 below 2^48",
				    (unsigned long long)address);
	struct rs_chunk *chunk = chunk_for(map, address);
	if (!chunk)
		return &rs_enomem;

	uint64_t *cell = &chunk->cell[rs_addrmap_cell(address)];
	const uint32_t bit = rs_addrmap_bit(address);
	const bool is_new = !(*cell & bit);
	if (is_new && map->count == UINT32_MAX)
		return rs_error_new(RS_EBAD, "more than %u objects",
				    UINT32_MAX);
	*cell |= bit;
	chunk->pages |= UINT64_C(1) << (address >> RS_PAGE_SHIFT & 63);
	map->count += is_new;
	if (is_new)
		map->sealed = false;
	if (added)
		*added = is_new;
	return NULL;
}

void rs_addrmap_remove(struct rs_addrmap *map, uint64_t address)
{
	assert(!map->sealed);
	if (!rs_addrmap_has(map, address))
		return;
	rs_addrmap_chunk(map, address)->cell[rs_addrmap_cell(address)] &=
		~(uint64_t)rs_addrmap_bit(address);
	map->count--;
}

// List the chunks again in the order of the directory, which is by address.
static void sort_chunks(struct rs_addrmap *map)
{
	struct rs_chunk **chunk = rs_vec_items(&map->chunk, struct rs_chunk *);
	size_t n = 0;

	for (size_t i = 0; i < RS_DIR_SIZE; i++) {
		struct rs_chunk **leaf = map->dir[i];

		for (size_t j = 0; leaf && j < RS_DIR_SIZE; j++)
			if (leaf[j])
				chunk[n++] = leaf[j];
	}
	assert(n == rs_vec_count(&map->chunk, *chunk));
}

static uint32_t rank_chunk(struct rs_chunk *chunk, uint32_t before)
{
	for (size_t i = 0; i < RS_CHUNK_CELLS; i++) {
		const uint32_t bits = (uint32_t)chunk->cell[i];

		chunk->cell[i] = (uint64_t)before << 32 | bits;
		before += rs_popcount(bits);
	}
	return before;
}

struct rs_error *rs_addrmap_seal(struct rs_addrmap *map)
{
	if (map->sealed)
		return NULL;
	if (map->count > RS_MEMBERS_MOST)
		return rs_error_new(RS_EBAD,
				    "%u objects, more than the limit of %d",
				    map->count, RS_MEMBERS_MOST);
	sort_chunks(map);

	struct rs_chunk **chunk = rs_vec_items(&map->chunk, struct rs_chunk *);
	const size_t chunks = rs_vec_count(&map->chunk, *chunk);
	uint32_t before = 0;
	for (size_t i = 0; i < chunks; i++)
		before = rank_chunk(chunk[i], before);
	assert(before == map->count);
	map->sealed = true;
	return NULL;
}

void rs_addrmap_list(const struct rs_addrmap *map, uint64_t *ret)
{
	assert(map->sealed);
	struct rs_chunk **chunk = rs_vec_items(&map->chunk, struct rs_chunk *);
	const size_t chunks = rs_vec_count(&map->chunk, *chunk);

	for (size_t i = 0; i < chunks; i++) {
		for (uint64_t k = 0; k < RS_CHUNK_CELLS; k++) {
			const uint64_t at = chunk[i]->base + (k << 8);
			uint32_t bits = (uint32_t)chunk[i]->cell[k];

			for (; bits; bits &= bits - 1)
				*ret++ = at +
					 ((uint64_t)__builtin_ctz(bits) << 3);
		}
	}
}

// The greatest member of @p chunk not above @p address.
static uint64_t chunk_floor(const struct rs_chunk *chunk, uint64_t address)
{
	uint64_t k = rs_addrmap_cell(address);
	const uint32_t bit = rs_addrmap_bit(address);
	uint32_t bits = (uint32_t)chunk->cell[k] & (bit | (bit - 1));

	while (!bits && k)
		bits = (uint32_t)chunk->cell[--k];
	if (!bits)
		return 0;
	return chunk->base + (k << 8) +
	       ((31 - (uint64_t)__builtin_clz(bits)) << 3);
}

uint64_t rs_addrmap_floor(const struct rs_addrmap *map, uint64_t address)
{
	assert(map->sealed);
	struct rs_chunk **chunk = rs_vec_items(&map->chunk, struct rs_chunk *);
	const size_t chunks = rs_vec_count(&map->chunk, *chunk);
	size_t above = RS_FIRST_INDEX(i, chunks, chunk[i]->base > address);

	// Downwards from the last chunk that begins at or below the address:
	// it may have no member that low.
	while (above--) {
		const uint64_t last =
			chunk[above]->base + (1U << RS_CHUNK_SHIFT) - 1;
		const uint64_t found = chunk_floor(
			chunk[above], address < last ? address : last);

		if (found)
			return found;
	}
	return 0;
}
