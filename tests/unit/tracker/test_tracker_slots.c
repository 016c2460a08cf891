// SPDX-License-Identifier: MIT
#include "refscope/refscope.h"
#include "rs_check.h"
#include "tracker/slots.h"

#include <sys/mman.h>

// Tracking never touches the object: addresses need not be mapped.
static const uint64_t base = UINT64_C(0x123456780000);

static void *at(uint64_t offset)
{
	return (void *)(uintptr_t)(base + offset);
}

struct thing {
	long refs;
	struct thing *next;
};

static const struct rs_field fields[] = {RS_REF(struct thing, next)};
static struct rs_type thing_type =
	RS_TYPE("thing", struct thing, refs, fields, .flags = 0);
static struct rs_type other_type =
	RS_TYPE("other", struct thing, refs, fields, .flags = 0);

static int count_one(void *object, const struct rs_type *type, void *context)
{
	(void)object;
	(void)type;
	++*(size_t *)context;
	return 0;
}

static size_t tracked(void)
{
	size_t n = 0;

	ck_assert_int_eq(rs_each(count_one, &n), 0);
	return n;
}

START_TEST(tracked_object_is_known_until_untracked)
{
	ck_assert_ptr_null(rs_type_of(at(0)));
	ck_assert_int_eq(rs_track(at(0), &thing_type), 0);
	ck_assert_ptr_eq(rs_type_of(at(0)), &thing_type);
	ck_assert_ptr_null(rs_type_of(at(8)));
	ck_assert_int_eq(rs_untrack(at(0)), 0);
	ck_assert_ptr_null(rs_type_of(at(0)));
	ck_assert_int_eq(rs_untrack(at(0)), RS_ENOTFOUND);
}
END_TEST

START_TEST(tracking_again_changes_the_type_and_counts_once)
{
	ck_assert_int_eq(rs_track(at(16), &thing_type), 0);
	ck_assert_int_eq(rs_track(at(16), &other_type), 0);
	ck_assert_ptr_eq(rs_type_of(at(16)), &other_type);
	ck_assert_uint_eq(tracked(), 1);
}
END_TEST

START_TEST(addresses_that_no_object_has_are_refused)
{
	ck_assert_int_eq(rs_track(NULL, &thing_type), RS_EARGUMENT);
	ck_assert_int_eq(rs_track(at(4), &thing_type), RS_EARGUMENT);
	ck_assert_int_eq(
		rs_track((void *)(uintptr_t)(UINT64_C(1) << 48), &thing_type),
		RS_EARGUMENT);
	ck_assert_int_eq(rs_untrack(at(1)), RS_ENOTFOUND);
	ck_assert_uint_eq(tracked(), 0);
}
END_TEST

START_TEST(types_that_make_no_sense_are_refused)
{
	struct rs_type no_count = {.name = "x", .size = 16};
	struct rs_type count_outside = {
		.name = "x", .size = 16, .count_offset = 12, .count_width = 8};
	struct rs_type no_fields = {
		.name = "x", .size = 16, .count_width = 8, .fields = 2};

	ck_assert_int_eq(rs_track(at(0), NULL), RS_EARGUMENT);
	ck_assert_int_eq(rs_track(at(0), &no_count), RS_EARGUMENT);
	ck_assert_int_eq(rs_track(at(0), &count_outside), RS_EARGUMENT);
	ck_assert_int_eq(rs_track(at(0), &no_fields), RS_EARGUMENT);
}
END_TEST

START_TEST(a_region_holds_an_object_at_each_multiple_of_8)
{
	for (uint64_t i = 0; i < 65536; i += 8)
		ck_assert_int_eq(rs_track(at(i), &thing_type), 0);
	ck_assert_uint_eq(tracked(), 8192);
	for (uint64_t i = 0; i < 65536; i += 8)
		ck_assert_ptr_eq(rs_type_of(at(i)), &thing_type);
	for (uint64_t i = 0; i < 65536; i += 8)
		ck_assert_int_eq(rs_untrack(at(i)), 0);
	ck_assert_uint_eq(tracked(), 0);
}
END_TEST

// Dense at one end: all want the first slots of a small table.
START_TEST(crowded_neighbours_are_all_found)
{
	for (uint64_t i = 0; i < 600 * 8; i += 8)
		ck_assert_int_eq(rs_track(at(i), &thing_type), 0);
	for (uint64_t i = 0; i < 600 * 8; i += 16)
		ck_assert_int_eq(rs_untrack(at(i)), 0);
	for (uint64_t i = 0; i < 600 * 8; i += 8)
		ck_assert_int_eq(rs_type_of(at(i)) != NULL, i % 16 != 0);
}
END_TEST

static uint64_t next_random(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

#ifdef __SANITIZE_ADDRESS__ // each step costs ten times as much
enum { RS_STEPS = 200000 };
#else
enum { RS_STEPS = 2000000 };
#endif

// 40 regions in two leaves, sparse and dense by turns, against an array.
START_TEST(random_changes_agree_with_a_plain_array)
{
	enum { RS_PLACES = 40 * 8192 };
	unsigned char *is_in = calloc(RS_PLACES, 1);
	uint64_t x = 88172645463325252U;
	size_t n = 0;

	ck_assert_ptr_nonnull(is_in);
	for (int i = 0; i < RS_STEPS; i++) {
		const uint64_t r = next_random(&x);
		// Later steps drop more than they add.
		const bool add = (r >> 40) % RS_STEPS > (uint64_t)i;
		const size_t k = (size_t)(r % RS_PLACES);
		const uint64_t offset =
			k * 8 + (k >= RS_PLACES / 2 ? UINT64_C(1) << 33 : 0);

		if (add) {
			ck_assert_int_eq(rs_track(at(offset), &thing_type), 0);
			n += !is_in[k];
			is_in[k] = 1;
		} else {
			ck_assert_int_eq(rs_untrack(at(offset)),
					 is_in[k] ? 0 : RS_ENOTFOUND);
			n -= is_in[k];
			is_in[k] = 0;
		}
	}
	ck_assert_uint_eq(tracked(), n);
	for (size_t k = 0; k < RS_PLACES; k++)
		ck_assert_int_eq(
			rs_type_of(at(k * 8 + (k >= RS_PLACES / 2
						       ? UINT64_C(1) << 33
						       : 0))) != NULL,
			is_in[k]);
	free(is_in);
}
END_TEST

START_TEST(memory_is_used_again)
{
	for (int round = 0; round < 50; round++) {
		for (uint64_t i = 0; i < 1000; i++)
			ck_assert_int_eq(rs_track(at(i * 48), &thing_type), 0);
		for (uint64_t i = 0; i < 1000; i++)
			ck_assert_int_eq(rs_untrack(at(i * 48)), 0);
	}
	// One chunk and one leaf.
	ck_assert_uint_le(rs_registry.mapped,
			  (1 << 20) + sizeof(struct rs_leaf));
}
END_TEST

START_TEST(roots_are_added_renamed_and_removed)
{
	static void *slots[300];

	for (int i = 0; i < 300; i++)
		ck_assert_int_eq(rs_root_add(&slots[i], "slot"), 0);
	ck_assert_int_eq(rs_root_add_array(slots, 3, "again"), 0);
	for (int i = 0; i < 300; i++)
		ck_assert_int_eq(rs_root_remove(&slots[i]), 0);
	ck_assert_int_eq(rs_root_remove(&slots[0]), RS_ENOTFOUND);
	ck_assert_int_eq(rs_root_add(NULL, "x"), RS_EARGUMENT);
	ck_assert_int_eq(rs_root_add(slots, NULL), RS_EARGUMENT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("target_slots");
	TCase *tcase = tcase_create("slots");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, tracked_object_is_known_until_untracked);
	tcase_add_test(tcase, tracking_again_changes_the_type_and_counts_once);
	tcase_add_test(tcase, addresses_that_no_object_has_are_refused);
	tcase_add_test(tcase, types_that_make_no_sense_are_refused);
	tcase_add_test(tcase, a_region_holds_an_object_at_each_multiple_of_8);
	tcase_add_test(tcase, crowded_neighbours_are_all_found);
	tcase_add_test(tcase, random_changes_agree_with_a_plain_array);
	tcase_add_test(tcase, memory_is_used_again);
	tcase_add_test(tcase, roots_are_added_renamed_and_removed);
	suite_add_tcase(suite, tcase);
	return rs_ck_run(suite);
}
