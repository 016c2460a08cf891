// SPDX-License-Identifier: MIT
#include "tracker/arena.h"
#include "tracker/lock.h"

#include "refscope/registry.h"

#include <string.h>
#include <sys/mman.h>

enum {
	RS_SMALL_CHUNK = 1 << 18,
	RS_CHUNK = 4 << 20,
	RS_HUGE_PAGE = 2 << 20,
	RS_SMALL_CHUNKS = 8, // before a program counts as a large one
};

struct free_block {
	struct free_block *next;
};

/** At the start of each. */
struct chunk {
	struct chunk *older;
	size_t size;
};

enum { RS_CHUNK_HEAD = 32 }; // bytes; keeps blocks multiples of 32

static struct {
	uint32_t lock;
	char *next, *end; // the unused rest of the newest chunk
	struct chunk *newest;
	unsigned chunks;
	struct free_block *free[RS_ARENA_MAX + 1];
} arena;

void *rs_arena_map(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	__atomic_fetch_add(&rs_registry.mapped, size, __ATOMIC_RELAXED);
	return p;
}

/**
 * A chunk for large programs: in huge pages where the system has them, since
 * objects that are dropped in no order would miss the TLB each time.
 */
static char *large_chunk(void)
{
	char *p = rs_arena_map(RS_CHUNK + RS_HUGE_PAGE);

	if (!p)
		return NULL;
	char *chunk = (char *)(((uintptr_t)p + RS_HUGE_PAGE - 1) &
			       ~(uintptr_t)(RS_HUGE_PAGE - 1));
	const size_t before = (size_t)(chunk - p);
	if (before)
		munmap(p, before);
	if (before < RS_HUGE_PAGE)
		munmap(chunk + RS_CHUNK, RS_HUGE_PAGE - before);
	__atomic_fetch_sub(&rs_registry.mapped, RS_HUGE_PAGE, __ATOMIC_RELAXED);
	(void)madvise(chunk, RS_CHUNK, MADV_HUGEPAGE); // a wish
	return chunk;
}

static struct free_block *from_chunk(size_t size)
{
	if ((size_t)(arena.end - arena.next) < size) {
		const bool small = arena.chunks < RS_SMALL_CHUNKS;
		char *chunk =
			small ? rs_arena_map(RS_SMALL_CHUNK) : large_chunk();

		if (!chunk)
			return NULL;
		struct chunk *head = (struct chunk *)(void *)chunk;

		arena.chunks++;
		head->older = arena.newest;
		head->size = small ? RS_SMALL_CHUNK : RS_CHUNK;
		arena.newest = head;
		arena.next = chunk + RS_CHUNK_HEAD;
		arena.end = chunk + head->size;
	}
	struct free_block *block = (struct free_block *)(void *)arena.next;
	arena.next += size;
	return block;
}

void *rs_arena_get(unsigned log2)
{
	const size_t size = (size_t)1 << log2;

	rs_lock(&arena.lock);
	struct free_block *block = arena.free[log2];
	const bool used = block != NULL;
	if (used)
		arena.free[log2] = block->next;
	else
		block = from_chunk(size);
	rs_unlock(&arena.lock);
	if (used)
		memset(block, 0, size);
	return block;
}

void rs_arena_put(void *block, unsigned log2)
{
	struct free_block *const b = block;

	if (!b)
		return;
	rs_lock(&arena.lock);
	b->next = arena.free[log2];
	arena.free[log2] = b;
	rs_unlock(&arena.lock);
}

void rs_arena_give_back(void)
{
	while (arena.newest) {
		struct chunk *chunk = arena.newest;

		arena.newest = chunk->older;
		munmap(chunk, chunk->size);
	}
	memset(&arena, 0, sizeof(arena));
}

void rs_arena_reset(void)
{
	// A thread that is no more was in here: what it left of its chunk may
	// be half noted.
	if (arena.lock)
		arena.next = arena.end = NULL;
	rs_unlock(&arena.lock);
}
