// SPDX-License-Identifier: MIT
#include "base/addrmap.h"

#include "rs_check.h"

#define TOP ((UINT64_C(1) << 48) - 8) // greatest address a map takes

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

// Without Check's own macros, which cost microseconds each.
static void add(struct rs_addrmap *map, uint64_t address)
{
	struct rs_error *err = rs_addrmap_add(map, address, NULL);

	if (err)
		ck_abort_msg("%s", rs_error_message(err));
}

START_TEST(an_empty_map_knows_nothing)
{
	struct rs_addrmap map;

	rs_ck_ok(rs_addrmap_init(&map));
	rs_ck_ok(rs_addrmap_seal(&map));
	ck_assert_uint_eq(map.count, 0);
	ck_assert_uint_eq(rs_addrmap_number(&map, 0x1000), RS_NONE);
	ck_assert_uint_eq(rs_addrmap_number(&map, UINT64_MAX - 7), RS_NONE);
	ck_assert_ptr_eq(rs_addrmap_slot(&map, UINT64_MAX - 7),
			 &rs_addrmap_no_cell);
	ck_assert_uint_eq(*rs_addrmap_slot(&map, 0x1000), 0);
	ck_assert_uint_eq(rs_addrmap_floor(&map, UINT64_MAX), 0);
	rs_addrmap_list(&map, NULL);
	rs_addrmap_fini(&map);
	rs_addrmap_fini(&map);
}
END_TEST

START_TEST(members_are_numbered_in_ascending_order)
{
	// Out of order, in far parts of the directory, at edges of chunks.
	static const uint64_t address[] = {
		TOP,	       0x7f0000000000, 0x1ffff8,
		0x200000,      0x555555554000, 0x555555554008,
		0x7effffffff8, 0x10,
	};
	static const uint64_t sorted[] = {
		0x10,		0x1ffff8,	0x200000,	0x7effffffff8,
		0x555555554000, 0x555555554008, 0x7f0000000000, TOP,
	};
	struct rs_addrmap map;
	uint64_t list[8];
	bool added;

	rs_ck_ok(rs_addrmap_init(&map));
	for (int i = 0; i < 8; i++) {
		rs_ck_ok(rs_addrmap_add(&map, address[i], &added));
		ck_assert(added);
		rs_ck_ok(rs_addrmap_add(&map, address[i], &added));
		ck_assert(!added);
	}
	rs_ck_ok(rs_addrmap_seal(&map));
	ck_assert_uint_eq(map.count, 8);
	rs_addrmap_list(&map, list);
	for (uint32_t i = 0; i < 8; i++) {
		ck_assert_uint_eq(list[i], sorted[i]);
		ck_assert_uint_eq(rs_addrmap_number(&map, sorted[i]), i);
		ck_assert_uint_eq(
			rs_addrmap_number_in(*rs_addrmap_slot(&map, sorted[i]),
					     sorted[i]),
			i);
		ck_assert(rs_addrmap_has(&map, sorted[i]));
		ck_assert_uint_eq(rs_addrmap_number(&map, sorted[i] + 1),
				  RS_NONE);
		ck_assert(!rs_addrmap_has(&map, sorted[i] + 4));
	}
	rs_addrmap_fini(&map);
}
END_TEST

START_TEST(only_aligned_user_addresses_can_be_members)
{
	struct rs_addrmap map;

	rs_ck_ok(rs_addrmap_init(&map));
	rs_ck_error(rs_addrmap_add(&map, 0x1004, NULL), RS_EBAD, "0x1004");
	rs_ck_error(rs_addrmap_add(&map, TOP + 8, NULL), RS_EBAD, "address");
	rs_ck_error(rs_addrmap_add(&map, UINT64_MAX - 7, NULL), RS_EBAD,
		    "0xfffffffffffffff8");
	ck_assert(!rs_addrmap_has(&map, TOP + 8));
	ck_assert_uint_eq(map.count, 0);
	rs_addrmap_fini(&map);
}
END_TEST

START_TEST(the_floor_is_the_member_at_or_before)
{
	struct rs_addrmap map;

	rs_ck_ok(rs_addrmap_init(&map));
	add(&map, 0x100100);
	add(&map, 0x100100 + (5 << 20));
	add(&map, 0x900000); // its chunk will be empty
	rs_addrmap_remove(&map, 0x900000);
	rs_addrmap_remove(&map, 0x900008); // never was in
	rs_ck_ok(rs_addrmap_seal(&map));
	ck_assert_uint_eq(map.count, 2);
	ck_assert_uint_eq(rs_addrmap_floor(&map, 0x1000ff), 0);
	ck_assert_uint_eq(rs_addrmap_floor(&map, 0x100100), 0x100100);
	ck_assert_uint_eq(rs_addrmap_floor(&map, 0x100107), 0x100100);
	ck_assert_uint_eq(rs_addrmap_floor(&map, 0x6000ff), 0x100100);
	ck_assert_uint_eq(rs_addrmap_floor(&map, 0x900000), 0x600100);
	ck_assert_uint_eq(rs_addrmap_floor(&map, UINT64_MAX), 0x600100);
	rs_addrmap_fini(&map);
}
END_TEST

START_TEST(adding_after_sealing_numbers_anew)
{
	struct rs_addrmap map;

	rs_ck_ok(rs_addrmap_init(&map));
	add(&map, 0x300000);
	rs_ck_ok(rs_addrmap_seal(&map));
	add(&map, 0x300000);
	ck_assert(map.sealed);
	add(&map, 0x200000);
	ck_assert(!map.sealed);
	rs_ck_ok(rs_addrmap_seal(&map));
	ck_assert_uint_eq(rs_addrmap_number(&map, 0x200000), 0);
	ck_assert_uint_eq(rs_addrmap_number(&map, 0x300000), 1);
	rs_addrmap_fini(&map);
}
END_TEST

START_TEST(a_quarter_million_random_members_agree_with_their_list)
{
	enum { RS_MEMBERS = 250000 };
	struct rs_addrmap map;
	uint64_t state = 88172645463325252;
	uint64_t *list = malloc(RS_MEMBERS * sizeof(*list));

	rs_ck_ok(rs_addrmap_init(&map));
	while (map.count < RS_MEMBERS) // within 100 chunks, dense and sparse
		add(&map,
		    0x7f1234000000 + (next_random(&state) % (100 << 17) << 3));
	rs_ck_ok(rs_addrmap_seal(&map));
	rs_addrmap_list(&map, list);
	for (uint32_t i = 0; i < RS_MEMBERS; i++) {
		const bool gap = i && list[i - 1] != list[i] - 8;

		if ((i && list[i - 1] >= list[i]) ||
		    rs_addrmap_number(&map, list[i]) != i)
			ck_abort_msg("member %u is out of order", i);
		if (gap && (rs_addrmap_number(&map, list[i] - 8) != RS_NONE ||
			    rs_addrmap_floor(&map, list[i] - 8) != list[i - 1]))
			ck_abort_msg("the gap before member %u is not", i);
	}
	free(list);
	rs_addrmap_fini(&map);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("addrmap");
	TCase *tcase = tcase_create("addrmap");

	tcase_add_test(tcase, an_empty_map_knows_nothing);
	tcase_add_test(tcase, members_are_numbered_in_ascending_order);
	tcase_add_test(tcase, only_aligned_user_addresses_can_be_members);
	tcase_add_test(tcase, the_floor_is_the_member_at_or_before);
	tcase_add_test(tcase, adding_after_sealing_numbers_anew);
	tcase_add_test(tcase,
		       a_quarter_million_random_members_agree_with_their_list);
	suite_add_tcase(suite, tcase);
	return rs_ck_run(suite);
}
