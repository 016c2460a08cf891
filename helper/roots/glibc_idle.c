// SPDX-License-Identifier: MIT
#include "roots/glibc.h"

static struct rs_error *add_heap(const struct rs_glibc *glibc,
				 const struct rs_glibc_heap *heap,
				 struct rs_vec *ret)
{
	uint64_t at = heap->start;
	struct rs_error *err = NULL;

	while (at < heap->top && !err) {
		const uint64_t size =
			rs_glibc_word(glibc, at + 8) & ~UINT64_C(7);

		if (size < 32 || (size & 15) || size > heap->end - at)
			return NULL; // damaged: what follows is not known
		const bool used = rs_glibc_word(glibc, at + size + 8) & 1;
		if (!used || rs_addrmap_has(&glibc->free, at))
			err = rs_extent_append(ret, at, at + size);
		at += size;
	}
	return err ? err : rs_extent_append(ret, heap->top, heap->end);
}

struct rs_error *rs_glibc_idle(const struct rs_glibc *glibc, struct rs_vec *ret)
{
	const struct rs_glibc_heap *heap =
		rs_vec_items(&glibc->heap, struct rs_glibc_heap);
	const size_t n = rs_vec_count(&glibc->heap, struct rs_glibc_heap);
	struct rs_error *err = NULL;

	for (size_t i = 0; i < n && !err; i++)
		err = add_heap(glibc, &heap[i], ret);
	return err;
}
