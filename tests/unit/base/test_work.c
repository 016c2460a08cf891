// SPDX-License-Identifier: MIT
#include "base/work.h"

#include "rs_check.h"

#include <stdatomic.h>

enum { RS_ITEMS = 1000, RS_FAILS = 500 };

static atomic_uint done[RS_ITEMS];
static atomic_uint most; // the highest number of a worker

static struct rs_error *count(void *context, unsigned worker, size_t item)
{
	unsigned known = atomic_load(&most);

	(void)context;
	while (known < worker &&
	       !atomic_compare_exchange_weak(&most, &known, worker))
		;
	atomic_fetch_add(&done[item], 1);
	return NULL;
}

static struct rs_error *end_at_one(void *context, unsigned worker, size_t item)
{
	rs_error_free(count(context, worker, item));
	return item == RS_FAILS ? rs_error_new(RS_EBAD, "item %zu", item)
				: NULL;
}

static bool
stop(void *context, const char *phase, uint64_t so_far, uint64_t total)
{
	(void)context;
	ck_assert_str_eq(phase, "counting");
	ck_assert_uint_eq(total, RS_ITEMS);
	ck_assert(so_far <= total);
	return false;
}

static void setup(void)
{
	for (size_t i = 0; i < RS_ITEMS; i++)
		atomic_store(&done[i], 0);
	atomic_store(&most, 0);
}

START_TEST(each_item_is_done_once)
{
	static const unsigned threads[] = {1, 2, 3, 8, RS_WORKERS_MOST};
	const struct rs_work work = {
		.items = RS_ITEMS,
		.workers = threads[_i],
		.item = count,
	};

	rs_ck_ok(rs_work_run(&work));
	for (size_t i = 0; i < RS_ITEMS; i++)
		ck_assert_uint_eq(atomic_load(&done[i]), 1);
	ck_assert_uint_lt(atomic_load(&most), threads[_i]);
}
END_TEST

START_TEST(nothing_to_do_is_nothing)
{
	const struct rs_work work = {.workers = 4, .item = end_at_one};

	rs_ck_ok(rs_work_run(&work));
	ck_assert_uint_eq(atomic_load(&done[0]), 0);
}
END_TEST

START_TEST(an_error_ends_it)
{
	const struct rs_work work = {
		.items = RS_ITEMS,
		.workers = (unsigned)_i,
		.item = end_at_one,
	};

	rs_ck_error(rs_work_run(&work), RS_EBAD, "item 500");
	for (size_t i = 0; i < RS_ITEMS; i++)
		ck_assert_uint_eq(atomic_load(&done[i]) > 1, 0);
	if (_i == 1)
		ck_assert_uint_eq(atomic_load(&done[RS_FAILS + 1]), 0);
}
END_TEST

START_TEST(it_can_be_interrupted)
{
	const struct rs_progress progress = {.fn = stop};
	const struct rs_work work = {
		.items = RS_ITEMS,
		.workers = (unsigned)_i,
		.item = count,
		.phase = "counting",
		.progress = &progress,
	};

	rs_ck_error(rs_work_run(&work), RS_EINTERRUPTED, "while counting");
}
END_TEST

START_TEST(as_many_as_there_are_processors)
{
	ck_assert_uint_ge(rs_work_threads(0), 1);
	ck_assert_uint_eq(rs_work_threads(1), 1);
	ck_assert_uint_eq(rs_work_threads(3), 3);
	ck_assert_uint_eq(rs_work_threads(1000), RS_WORKERS_MOST);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("work");
	TCase *tests = tcase_create("work");

	tcase_add_checked_fixture(tests, setup, NULL);
	tcase_add_loop_test(tests, each_item_is_done_once, 0, 5);
	tcase_add_test(tests, nothing_to_do_is_nothing);
	tcase_add_loop_test(tests, an_error_ends_it, 1, 4);
	tcase_add_loop_test(tests, it_can_be_interrupted, 1, 4);
	tcase_add_test(tests, as_many_as_there_are_processors);
	suite_add_tcase(suite, tests);
	return rs_ck_run(suite);
}
