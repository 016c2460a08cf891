// SPDX-License-Identifier: MIT
#include "base/vec.h"

#include "base/error.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>

enum {
	RS_PAGE = 4096, // least unit of a mapping; larger pages round up alone
	RS_VEC_FIRST = 64 * 1024, // untouched pages cost nothing
	RS_VEC_HUGE = 8 << 20, // from here on huge pages waste little
};

// Sizes beyond this cannot be mapped anyway; sums below it cannot overflow.
#define RS_MOST (SIZE_MAX / 4)

static size_t page_round(size_t size)
{
	return (size + RS_PAGE - 1) & ~(size_t)(RS_PAGE - 1);
}

static void *map(size_t size)
{
	void *block = mmap(NULL, size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return block == MAP_FAILED ? NULL : block;
}

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
	const size_t need = page_round(vec->used + more);
	if (need <= vec->cap)
		return true;

	size_t cap = vec->cap ? vec->cap + vec->cap / 2 : RS_VEC_FIRST;
	cap = page_round(cap < need ? need : cap);
	void *data = vec->data
			     ? mremap(vec->data, vec->cap, cap, MREMAP_MAYMOVE)
			     : map(cap);
	if (!data || data == MAP_FAILED)
		return false;
	vec->data = data;
	vec->cap = cap;
	if (cap >= RS_VEC_HUGE)
		rs_block_dense(data, cap, 1);
	return true;
}

struct rs_error *rs_vec_reserve(struct rs_vec *vec, size_t more)
{
	if (vec->cap - vec->used < more && !rs_vec_grow(vec, more))
		return &rs_enomem;
	return NULL;
}

// An empty block still has a page, so that NULL always means "none".
static size_t block_size(size_t count, size_t size)
{
	const size_t bytes = count * size;

	return bytes ? page_round(bytes) : RS_PAGE;
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
	// A hint: where the kernel cannot follow it nothing is lost.
	(void)madvise(block, block_size(count, size), MADV_HUGEPAGE);
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
