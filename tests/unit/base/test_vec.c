// SPDX-License-Identifier: MIT
#include "base/vec.h"

#include "little_memory.h"

#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define RS_HUGE ((size_t)2 << 20)

static bool awry; // what mmap() gives is not aligned to a huge page

#ifndef __SANITIZE_ADDRESS__
// In the place of libc's, as kernels do it that do not align by themselves.
void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
	const bool apart = awry && !addr && len % RS_HUGE == 0;
	char *p = (char *)syscall(SYS_mmap, addr, apart ? len + RS_HUGE : len,
				  prot, flags, fd, offset);

	if (!apart || p == MAP_FAILED)
		return p;
	const size_t before = -(uintptr_t)p % RS_HUGE;
	const size_t skip = (before + 4096) % RS_HUGE;
	if (skip)
		munmap(p, skip);
	munmap(p + skip + len, RS_HUGE - skip);
	return p + skip;
}
#endif

START_TEST(pushed_bytes_survive_growth)
{
	struct rs_vec vec = {0};

	for (uint32_t i = 0; i < 1000000; i++) {
		uint32_t *slot = rs_vec_push(&vec, sizeof(*slot));

		if (!slot)
			ck_abort_msg("out of memory at %u", i);
		*slot = i * 7;
	}
	ck_assert_uint_eq(rs_vec_count(&vec, uint32_t), 1000000);
	for (uint32_t i = 0; i < 1000000; i++)
		if (rs_vec_items(&vec, uint32_t)[i] != i * 7)
			ck_abort_msg("element %u is lost", i);
	rs_vec_fini(&vec);
	ck_assert_ptr_null(vec.data);
	ck_assert_uint_eq(vec.used, 0);
	rs_vec_fini(&vec);
}
END_TEST

START_TEST(a_reserved_array_does_not_move)
{
	struct rs_vec vec = {0};

	rs_ck_ok(rs_vec_reserve(&vec, 5000000));
	const void *data = vec.data;
	ck_assert_uint_eq(vec.used, 0);
	ck_assert_uint_ge(vec.cap, 5000000);
	for (int i = 0; i < 5000000 / 8; i++)
		(void)rs_vec_push(&vec, 8);
	ck_assert_uint_eq(vec.used, 5000000);
	ck_assert_ptr_eq(vec.data, data);
	rs_vec_fini(&vec);
}
END_TEST

START_TEST(room_that_is_not_used_costs_nothing_and_stays)
{
	struct rs_vec vec = {0};

	const size_t before = bytes_mapped(true);
	rs_ck_ok(rs_vec_make_room(&vec, (size_t)1 << 32));
	const void *data = vec.data;
	for (uint32_t i = 0; i < 100000; i++)
		*(uint32_t *)rs_vec_push(&vec, sizeof(i)) = i;
	ck_assert_ptr_eq(vec.data, data);
	ck_assert_uint_ge(vec.cap, (size_t)1 << 32);
	ck_assert_uint_lt(bytes_mapped(true) - before, RS_HUGE);
	rs_vec_trim(&vec);
	ck_assert_ptr_eq(vec.data, data);
	ck_assert_uint_lt(vec.cap, (size_t)1 << 23);
	ck_assert_uint_eq(((const uint32_t *)data)[99999], 99999);
	vec.used = 0;
	rs_vec_trim(&vec);
	ck_assert_ptr_null(vec.data);
	ck_assert_ptr_nonnull(rs_vec_push(&vec, 4));
	rs_vec_fini(&vec);
}
END_TEST

START_TEST(a_size_beyond_memory_is_out_of_memory)
{
	struct rs_vec vec = {0};
	void *block = &vec;

	rs_ck_error(rs_vec_reserve(&vec, SIZE_MAX), RS_ENOMEM, "memory");
	rs_ck_error(rs_vec_reserve(&vec, SIZE_MAX / 4), RS_ENOMEM, "memory");
	ck_assert_ptr_null(rs_vec_push(&vec, SIZE_MAX - 5));
	ck_assert_ptr_nonnull(rs_vec_push(&vec, 100));
	ck_assert_ptr_null(rs_vec_push(&vec, SIZE_MAX - 5));
	ck_assert_uint_eq(vec.used, 100);
	rs_vec_fini(&vec);

	rs_ck_error(rs_block_new(SIZE_MAX / 2, 4, &block), RS_ENOMEM, "memory");
	rs_ck_error(rs_block_new((size_t)1 << 40, (size_t)1 << 30, &block),
		    RS_ENOMEM, "memory");
	ck_assert_ptr_eq(block, &vec);
}
END_TEST

START_TEST(a_block_is_zeroed_and_may_be_empty)
{
	uint64_t *block;

	rs_ck_ok(rs_block_new(100000, sizeof(*block), &block));
	rs_block_dense(block, 100000, sizeof(*block));
	for (int i = 0; i < 100000; i++)
		if (block[i])
			ck_abort_msg("word %d is not zero", i);
	rs_block_free(block, 100000, sizeof(*block));

	rs_ck_ok(rs_block_new(0, sizeof(*block), &block));
	ck_assert_ptr_nonnull(block);
	rs_block_free(block, 0, sizeof(*block));
	rs_block_free(NULL, 5, 5);
}
END_TEST

static bool at_a_huge_page(const void *data)
{
	return (uintptr_t)data % RS_HUGE == 0;
}

START_TEST(what_is_large_starts_at_a_huge_page)
{
	struct rs_vec vec[2] = {0};
	uint64_t *block;

	awry = _i;
	// In turns, so that neither can grow where it is.
	for (uint32_t i = 0; i < 1000000; i++) {
		for (int k = 0; k < 2; k++) {
			uint32_t *slot = rs_vec_push(&vec[k], sizeof(*slot));

			if (!slot)
				ck_abort_msg("out of memory at %u", i);
			*slot = i + (uint32_t)k;
		}
	}
	for (int k = 0; k < 2; k++) {
		ck_assert(at_a_huge_page(vec[k].data));
		for (uint32_t i = 0; i < 1000000; i++)
			if (rs_vec_items(&vec[k], uint32_t)[i] !=
			    i + (uint32_t)k)
				ck_abort_msg("element %u is lost", i);
	}
	for (size_t n = 200000; n < 1000000; n += 77777) {
		rs_ck_ok(rs_block_new_dense(n, sizeof(*block), &block));
		ck_assert(at_a_huge_page(block));
		block[n - 1] = 1;
		rs_block_free(block, n, sizeof(*block));
	}
	rs_ck_ok(rs_vec_to_block(&vec[0], &block));
	ck_assert(at_a_huge_page(block));
	rs_block_free(block, 4000000, 1);
	rs_vec_fini(&vec[1]);
}
END_TEST

// Each test is a process, so the limit ends with it.
START_TEST(without_room_for_aligning_it_grows_all_the_same)
{
#ifndef __SANITIZE_ADDRESS__
	struct rs_vec vec = {0};

	awry = true;
	allow_more(64 << 20);
	// More than half: there is no room for both the old and the new.
	while (vec.used < 44 << 20) {
		uint64_t *slot = rs_vec_push(&vec, sizeof(*slot));

		if (!slot)
			ck_abort_msg("out of memory at %zu", vec.used);
		*slot = vec.used;
	}
	while (rs_vec_push(&vec, 1 << 20))
		;
	ck_assert(vec.data != NULL);
	for (size_t i = 0; i < (44 << 20) / sizeof(uint64_t); i++)
		if (rs_vec_items(&vec, uint64_t)[i] !=
		    (i + 1) * sizeof(uint64_t))
			ck_abort_msg("word %zu is lost", i);
	rs_vec_fini(&vec);
#endif
}
END_TEST

START_TEST(an_empty_push_is_not_out_of_memory)
{
	struct rs_vec vec = {0};

	ck_assert_ptr_nonnull(rs_vec_push(&vec, 0));
	rs_ck_ok(rs_vec_append(&vec, NULL, 0));
	ck_assert_uint_eq(vec.used, 0);
	rs_vec_fini(&vec);
}
END_TEST

START_TEST(appended_bytes_are_a_copy)
{
	struct rs_vec vec = {0};

	for (uint32_t i = 0; i < 100000; i++)
		rs_ck_ok(rs_vec_append(&vec, &i, sizeof(i)));
	ck_assert_uint_eq(rs_vec_count(&vec, uint32_t), 100000);
	for (uint32_t i = 0; i < 100000; i++)
		if (rs_vec_items(&vec, uint32_t)[i] != i)
			ck_abort_msg("element %u is lost", i);
	rs_vec_fini(&vec);
}
END_TEST

START_TEST(an_array_becomes_a_block_of_its_size)
{
	struct rs_vec vec = {0};
	uint32_t *block;

	for (uint32_t i = 0; i < 100001; i++)
		*(uint32_t *)rs_vec_push(&vec, sizeof(i)) = i;
	rs_ck_ok(rs_vec_to_block(&vec, &block));
	ck_assert_ptr_null(vec.data);
	ck_assert_uint_eq(vec.used + vec.cap, 0);
	for (uint32_t i = 0; i < 100001; i++)
		if (block[i] != i)
			ck_abort_msg("element %u is lost", i);
	rs_block_free(block, 100001, sizeof(*block));

	rs_ck_ok(rs_vec_to_block(&vec, &block));
	ck_assert_ptr_nonnull(block);
	rs_block_free(block, 0, 1);
}
END_TEST

// Else what is advised or unmapped by that size reaches into what lies behind.
START_TEST(a_size_rounded_up_is_not_rounded_up_again)
{
	for (size_t need = 1 << 18; need <= (size_t)3 << 20; need += 1000) {
		struct rs_vec vec = {0};
		struct rs_vec again = {0};

		rs_ck_ok(rs_vec_reserve(&vec, need));
		rs_ck_ok(rs_vec_reserve(&again, vec.cap));
		ck_assert_msg(vec.cap == again.cap, "%zu: %zu, then %zu", need,
			      vec.cap, again.cap);
		rs_vec_fini(&vec);
		rs_vec_fini(&again);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("vec");
	TCase *tcase = tcase_create("vec");

	tcase_add_test(tcase, pushed_bytes_survive_growth);
	tcase_add_test(tcase, a_reserved_array_does_not_move);
	tcase_add_test(tcase, room_that_is_not_used_costs_nothing_and_stays);
	tcase_add_test(tcase, a_size_beyond_memory_is_out_of_memory);
	tcase_add_test(tcase, a_block_is_zeroed_and_may_be_empty);
	tcase_add_loop_test(tcase, what_is_large_starts_at_a_huge_page, 0, 2);
	tcase_add_test(tcase, without_room_for_aligning_it_grows_all_the_same);
	tcase_add_test(tcase, an_empty_push_is_not_out_of_memory);
	tcase_add_test(tcase, a_size_rounded_up_is_not_rounded_up_again);
	tcase_add_test(tcase, appended_bytes_are_a_copy);
	tcase_add_test(tcase, an_array_becomes_a_block_of_its_size);
	suite_add_tcase(suite, tcase);
	return rs_ck_run(suite);
}
