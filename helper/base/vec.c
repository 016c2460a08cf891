// SPDX-License-Identifier: MIT
#include "base/vec.h"

#include "base/error.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

enum {
	// Sizes are rounded up to this; where pages are larger, the kernel
	// rounds up further.
	RS_PAGE = 4096,
	RS_HUGE = 2 << 20, // x86-64, and aarch64 with 4 KiB pages
	RS_HUGE_LEAST = 1 << 19, // bytes above which a huge page is worth it
	RS_VEC_FIRST = 64 * 1024, // first size; untouched pages cost nothing
};

// Larger sizes cannot be mapped, and a sum of two smaller ones cannot overflow.
#define RS_MOST (SIZE_MAX / 4)

static size_t round_up(size_t size, size_t unit)
{
	return (size + unit - 1) & ~(unit - 1);
}

// Large sizes are rounded up to whole huge pages, used or not. A rounded size
// stays as it is: what is advised or unmapped later is never more than what
// was mapped.
static size_t map_round(size_t size)
{
	return round_up(size, size <= RS_HUGE_LEAST ? RS_PAGE : RS_HUGE);
}

static void *map_anywhere(size_t size)
{
	void *block = mmap(NULL, size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return block == MAP_FAILED ? NULL : block;
}

static bool is_aligned(const void *block, size_t size)
{
	return size % RS_HUGE != 0 || (uintptr_t)block % RS_HUGE == 0;
}

// Map @p size bytes, a result of map_round(), aligned to a huge page if it is
// a multiple of one. Not every kernel aligns a large mapping by itself.
static void *map(size_t size)
{
	char *block = map_anywhere(size);

	if (!block || is_aligned(block, size))
		return block;
	char *larger = map_anywhere(size + RS_HUGE);
	if (!larger)
		return block; // usable, but without huge pages
	munmap(block, size);
	const size_t before = -(uintptr_t)larger % RS_HUGE;
	if (before)
		munmap(larger, before);
	munmap(larger + before + size, RS_HUGE - before);
	return larger + before;
}

#ifdef __SANITIZE_THREAD__
// ThreadSanitizer does not see mremap(): what stands where another thread's
// array was would seem to be that thread's.
static void *move(void *block, size_t size, size_t larger)
{
	void *moved = map(larger);

	if (!moved)
		return NULL;
	memcpy(moved, block, size);
	munmap(block, size);
	return moved;
}
#else
// Whether the process has a memory limit, which an old and a new copy of a
// large array at the same time might exceed.
static bool is_scarce(void)
{
	struct rlimit space;
	struct rlimit data;

	return getrlimit(RLIMIT_AS, &space) || getrlimit(RLIMIT_DATA, &data) ||
	       space.rlim_cur != RLIM_INFINITY ||
	       data.rlim_cur != RLIM_INFINITY;
}

// Grow a mapping. mremap() keeps huge pages only when both addresses are
// aligned to one.
static void *move(void *block, size_t size, size_t larger)
{
	void *moved = MAP_FAILED;
	void *to = NULL;

	if (is_aligned(block, larger))
		moved = mremap(block, size, larger, 0);
	if (moved == MAP_FAILED && larger % RS_HUGE == 0 && !is_scarce())
		to = map(larger);
	// If this fails, `to` is not unmapped: another thread may already have
	// mapped something there.
	if (to)
		moved = mremap(block, size, larger,
			       MREMAP_MAYMOVE | MREMAP_FIXED, to);
	if (moved == MAP_FAILED) // needs only the additional bytes
		moved = mremap(block, size, larger, MREMAP_MAYMOVE);
	return moved == MAP_FAILED ? NULL : moved;
}
#endif

void rs_vec_fini(struct rs_vec *vec)
{
	if (vec->data)
		munmap(vec->data, vec->cap);
	*vec = (struct rs_vec){0};
}

bool rs_vec_grow(struct rs_vec *vec, size_t more)
{
	assert(vec->used <= vec->cap);
	if (more > RS_MOST || vec->used + more > RS_MOST)
		return false;
	const size_t need = vec->used + more;
	if (vec->data && need <= vec->cap)
		return true;

	size_t cap = vec->cap ? vec->cap + vec->cap / 2 : RS_VEC_FIRST;
	cap = map_round(cap < need ? need : cap);
	void *data = vec->data ? move(vec->data, vec->cap, cap) : map(cap);
	if (!data)
		return false;
	vec->data = data;
	vec->cap = cap;
	rs_block_dense(data, cap, 1);
	return true;
}

void rs_vec_trim(struct rs_vec *vec)
{
	const size_t cap = round_up(vec->used, RS_HUGE);

	if (cap >= vec->cap)
		return;
	munmap((char *)vec->data + cap, vec->cap - cap);
	if (!cap)
		vec->data = NULL;
	vec->cap = cap;
}

struct rs_error *rs_vec_reserve(struct rs_vec *vec, size_t more)
{
	if (vec->cap - vec->used < more && !rs_vec_grow(vec, more))
		return &rs_enomem;
	return NULL;
}

// An empty block still has one page, so that only "no block" is NULL.
static size_t block_size(size_t count, size_t size)
{
	const size_t bytes = count * size;

	return bytes ? map_round(bytes) : RS_PAGE;
}

struct rs_error *rs_block_new(size_t count, size_t size, void *ret_pointer)
{
	if (size && count > RS_MOST / size)
		return &rs_enomem;
	void *block = map(block_size(count, size));
	if (!block)
		return &rs_enomem;
	// The out parameter may be a pointer to any object type.
	memcpy(ret_pointer, &block, sizeof(block));
	return NULL;
}

void rs_block_free(void *block, size_t count, size_t size)
{
	if (block)
		munmap(block, block_size(count, size));
}

void rs_block_dense(void *block, size_t count, size_t size)
{
	const size_t bytes = block_size(count, size);

	// Only a hint, so a failure does not matter.
	if (bytes >= RS_HUGE)
		(void)madvise(block, bytes, MADV_HUGEPAGE);
}

struct rs_error *rs_vec_make_room(struct rs_vec *vec, size_t most)
{
	assert(!vec->data);
	struct rs_error *err = rs_block_new(most, 1, &vec->data);

	if (!err)
		vec->cap = block_size(most, 1);
	return err;
}

struct rs_error *
rs_block_new_dense(size_t count, size_t size, void *ret_pointer)
{
	struct rs_error *err = rs_block_new(count, size, ret_pointer);
	void *block;

	if (err)
		return err;
	memcpy(&block, ret_pointer, sizeof(block));
	rs_block_dense(block, count, size);
	return NULL;
}

struct rs_error *rs_vec_to_block(struct rs_vec *vec, void *ret_pointer)
{
	const size_t size = block_size(vec->used, 1);
	void *block = vec->data;

	if (!block)
		return rs_block_new(0, 1, ret_pointer);
	if (size != vec->cap)
		block = mremap(vec->data, vec->cap, size, MREMAP_MAYMOVE);
	if (block == MAP_FAILED)
		return &rs_enomem;
	*vec = (struct rs_vec){0};
	memcpy(ret_pointer, &block, sizeof(block));
	return NULL;
}
