// SPDX-License-Identifier: MIT
//
// Heaps of malloc() whose chunks are not what malloc() writes.
#include "rs_check.h"

#include "roots/glibc.h"

#define RS_AT UINT64_C(0x10000)
#define RS_SIZE UINT64_C(4096)

static uint64_t word[512];

static uint64_t
read_words(void *context, uint64_t address, void *buf, uint64_t size)
{
	(void)context;
	memcpy(buf, (const char *)word + (address - RS_AT), size);
	return size;
}

// One heap, all of which is chunks.
static void open_heap(struct rs_glibc *ret)
{
	const struct rs_range range = {.start = RS_AT, .end = RS_AT + RS_SIZE};
	const struct rs_glibc_heap all = {RS_AT, RS_AT + RS_SIZE,
					  RS_AT + RS_SIZE};

	*ret = (struct rs_glibc){.found = true};
	rs_ck_ok(rs_memory_open_callback(read_words, NULL, &range, 1, NULL,
					 &ret->memory));
	rs_ck_ok(rs_addrmap_init(&ret->free));
	rs_ck_ok(rs_vec_append(&ret->heap, &all, sizeof(all)));
}

static struct rs_error *count(void *context, const struct rs_extent *block)
{
	(void)block;
	++*(unsigned *)context;
	return NULL;
}

// The second of two chunks has that size: only the first is known.
static void check_size(uint64_t size)
{
	struct rs_glibc glibc;
	struct rs_glibc_cursor cursor = {0};
	struct rs_vec idle = {0};
	struct rs_extent block;
	unsigned blocks = 0;

	word[1] = 0x20 | 1;
	word[5] = size;
	open_heap(&glibc);
	rs_ck_ok(rs_glibc_caches(&glibc));
	rs_ck_ok(rs_glibc_each(&glibc, NULL, count, &blocks));
	ck_assert_uint_eq(blocks, size & 1);
	rs_ck_ok(rs_glibc_idle(&glibc, &idle));
	ck_assert_uint_eq(rs_vec_count(&idle, struct rs_extent), !(size & 1));
	ck_assert_int_eq(rs_glibc_block(&glibc, &cursor, RS_AT + 256, &block),
			 RS_GLIBC_DAMAGED);
	rs_vec_fini(&idle);
	rs_memory_close(glibc.memory);
	rs_glibc_fini(&glibc);
}

START_TEST(a_size_that_no_chunk_has_ends_the_heap)
{
	check_size(0);
	check_size(0x18 | 1);
	check_size(0x28);
	check_size(RS_SIZE | 1);
	check_size(UINT64_MAX & ~UINT64_C(0x1f)); // 32 bytes back
	check_size((UINT64_MAX & ~UINT64_C(0x1f)) | 1);
	check_size((UINT64_C(1) << 63) | 1);
}
END_TEST

// Pages of zeros, but for the head of a block that mmap() gave.
struct mapped {
	uint64_t at, head[2];
};

static uint64_t
read_mapped(void *context, uint64_t address, void *buf, uint64_t size)
{
	const struct mapped *m = context;

	memset(buf, 0, size);
	if (m->at >= address && m->at + sizeof(m->head) <= address + size)
		memcpy((char *)buf + (m->at - address), m->head,
		       sizeof(m->head));
	return size;
}

static enum rs_glibc_kind kind_of_mapped(uint64_t pages, uint64_t in)
{
	const uint64_t size = pages * 4096;
	struct mapped m = {RS_AT, {0, size | 2}};
	const struct rs_range range = {.start = RS_AT, .end = RS_AT + size};
	struct rs_memory *memory = NULL;
	struct rs_extent block = {0};

	rs_ck_ok(rs_memory_open_callback(read_mapped, &m, &range, 1, NULL,
					 &memory));
	const enum rs_glibc_kind kind =
		rs_glibc_mapped(memory, RS_AT, RS_AT + in * 4096 + 64, &block);
	rs_memory_close(memory);
	if (kind == RS_GLIBC_USED) {
		ck_assert_uint_eq(block.start, RS_AT + 16);
		ck_assert_uint_eq(block.end, RS_AT + size);
	}
	return kind;
}

// What lies further in is in no block that is known, which is what is said of
// it: not that it is free.
START_TEST(a_large_block_is_known_as_far_as_is_searched)
{
	enum { RS_SEARCHED = 1 << 16 };

	ck_assert_int_eq(kind_of_mapped(4, 3), RS_GLIBC_USED);
	ck_assert_int_eq(kind_of_mapped(RS_SEARCHED + 1, RS_SEARCHED - 1),
			 RS_GLIBC_USED);
	ck_assert_int_eq(kind_of_mapped(RS_SEARCHED + 1, RS_SEARCHED),
			 RS_GLIBC_NONE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("glibc");
	TCase *tc = tcase_create("chunks");

	tcase_add_test(tc, a_size_that_no_chunk_has_ends_the_heap);
	tcase_add_test(tc, a_large_block_is_known_as_far_as_is_searched);
	tcase_set_timeout(tc, 60); // the machine may be busy
	suite_add_tcase(suite, tc);
	return rs_ck_run(suite);
}
