// SPDX-License-Identifier: MIT
//
// What a type told of an object, merged into what was read of it.
#include "rs_check.h"

#include "session/exact_answer.h"

#include <stdarg.h>

enum { RS_A = 0x100, RS_B = 0x200, RS_C = 0x300, RS_D = 0x400 };
enum { RS_ROWS = 4, RS_EDGES = 16 };

static uint64_t object[RS_ROWS], first[RS_ROWS + 1], edge[RS_EDGES];
static struct rs_guest_fault fault[RS_ROWS];
static struct rs_image_answer answer;
static struct rs_exact_answer asked;
static struct rs_refs refs;

// The next object told all of these; 0 ends them.
static void told(uint64_t address, ...)
{
	va_list list;

	object[answer.objects++] = address;
	va_start(list, address);
	for (int t = va_arg(list, int); t; t = va_arg(list, int))
		edge[answer.edges++] = (uint64_t)t;
	va_end(list);
	first[answer.objects] = answer.edges;
}

static void stopped_at(uint64_t address)
{
	fault[answer.faults++] = (struct rs_guest_fault){.object = address};
	answer.faults_total++;
}

static void take(uint64_t wanted)
{
	rs_ck_ok(rs_exact_answer_take(&asked, &answer, wanted));
}

static void read_one(uint64_t target, enum rs_kind kind)
{
	rs_refs_add(&refs, target, kind, RS_LABEL_WORD, target);
}

// Reference @p i is that; labelled as it was read, or not at all.
static void check(uint32_t i, uint64_t target, enum rs_kind kind, bool label)
{
	ck_assert_uint_lt(i, refs.n);
	ck_assert_uint_eq(refs.target[i], target);
	ck_assert_uint_eq(refs.kind[i], kind);
	ck_assert_uint_eq(refs.label[i].kind,
			  label ? RS_LABEL_WORD : RS_LABEL_NONE);
	if (label)
		ck_assert_uint_eq(refs.label[i].a, target);
}

static void set_up(void)
{
	memset(first, 0, sizeof(first));
	answer = (struct rs_image_answer){
		.object = object,
		.first = first,
		.edge = edge,
		.fault = fault,
	};
	asked = (struct rs_exact_answer){0};
	rs_ck_ok(rs_refs_init(&refs, true));
}

static void clean_up(void)
{
	rs_exact_answer_fini(&asked);
	rs_refs_fini(&refs);
}

START_TEST(what_reading_knows_too_keeps_its_order_and_its_name)
{
	told(RS_A, RS_B, RS_C, RS_B, 0);
	take(1);
	read_one(RS_B, RS_STRONG);
	read_one(RS_D, RS_OWNED);
	read_one(RS_C, RS_STRONG);
	read_one(RS_B, RS_STRONG);
	rs_exact_answer_merge(&asked, 0, &refs);
	ck_assert_uint_eq(refs.n, 4);
	check(0, RS_B, RS_STRONG, true);
	check(1, RS_D, RS_OWNED, true);
	check(2, RS_C, RS_STRONG, true);
	check(3, RS_B, RS_STRONG, true);
}
END_TEST

START_TEST(a_guess_stays_one_unless_it_was_told)
{
	told(RS_A, RS_C, 0);
	told(RS_B, RS_C, 0);
	take(2);
	read_one(RS_B, RS_GUESS);
	read_one(RS_C, RS_STRONG);
	rs_exact_answer_merge(&asked, 0, &refs);
	ck_assert_uint_eq(refs.n, 2);
	check(0, RS_B, RS_GUESS, true);
	check(1, RS_C, RS_STRONG, true);

	refs.n = 0;
	read_one(RS_B, RS_GUESS);
	read_one(RS_C, RS_GUESS);
	refs.incomplete = true;
	rs_exact_answer_merge(&asked, 1, &refs);
	ck_assert_uint_eq(refs.n, 2);
	check(0, RS_B, RS_GUESS, true);
	check(1, RS_C, RS_STRONG, true);
	ck_assert(!refs.incomplete);
}
END_TEST

START_TEST(as_many_are_strong_as_were_told)
{
	told(RS_A, RS_D, RS_C, RS_B, RS_B, RS_B, 0);
	take(1);
	read_one(RS_C, RS_STRONG);
	read_one(RS_C, RS_STRONG); // not told: still owned
	read_one(RS_B, RS_STRONG); // two too few
	rs_exact_answer_merge(&asked, 0, &refs);
	ck_assert_uint_eq(refs.n, 6);
	check(0, RS_C, RS_STRONG, true);
	check(1, RS_C, RS_OWNED, true);
	check(2, RS_B, RS_STRONG, true);
	check(3, RS_B, RS_STRONG, false);
	check(4, RS_B, RS_STRONG, false);
	check(5, RS_D, RS_STRONG, false);
}
END_TEST

START_TEST(what_is_not_told_to_the_collector_stays_as_read)
{
	told(RS_A, RS_B, RS_C, RS_D, 0);
	take(1);
	read_one(RS_D, RS_WEAK); // told, so it was wrong
	read_one(RS_B, RS_OWNED); // another than the strong one
	read_one(RS_C, RS_WEAK); // no strong one: that is it
	read_one(RS_B, RS_STRONG);
	read_one(RS_A, RS_WEAK);
	rs_exact_answer_merge(&asked, 0, &refs);
	ck_assert_uint_eq(refs.n, 5);
	check(0, RS_D, RS_STRONG, true);
	check(1, RS_B, RS_OWNED, true);
	check(2, RS_C, RS_STRONG, true);
	check(3, RS_B, RS_STRONG, true);
	check(4, RS_A, RS_WEAK, true);
}
END_TEST

START_TEST(an_object_that_told_nothing_has_nothing_strong)
{
	told(RS_A, 0);
	take(1);
	read_one(RS_B, RS_STRONG);
	read_one(RS_C, RS_GUESS);
	read_one(RS_D, RS_OWNED);
	rs_exact_answer_merge(&asked, 0, &refs);
	ck_assert_uint_eq(refs.n, 3);
	check(0, RS_B, RS_OWNED, true);
	check(1, RS_C, RS_GUESS, true);
	check(2, RS_D, RS_OWNED, true);
}
END_TEST

START_TEST(flags_are_settled_by_what_was_told)
{
	static const uint8_t apart[] = {0, 1};
	const uint16_t doubts =
		RS_OBJ_INEXACT | RS_OBJ_ASSUMED | RS_OBJ_UNTRACKS;

	told(RS_A, RS_C, 0);
	told(RS_B, RS_C, 0);
	answer.apart = apart;
	take(2);
	ck_assert_uint_eq(rs_exact_answer_flags(&asked, 0, RS_OBJ_GC | doubts),
			  RS_OBJ_GC);
	// Nobody guessed: that it is untracked first is known.
	ck_assert_uint_eq(rs_exact_answer_flags(&asked, 0, RS_OBJ_UNTRACKS),
			  RS_OBJ_UNTRACKS);
	ck_assert_uint_eq(rs_exact_answer_flags(&asked, 1, RS_OBJ_GC | doubts),
			  RS_OBJ_GC | RS_OBJ_UNTRACKS);
	ck_assert_uint_eq(rs_exact_answer_flags(&asked, 1, RS_OBJ_GC),
			  RS_OBJ_GC | RS_OBJ_UNTRACKS);
}
END_TEST

START_TEST(a_stopped_function_is_not_believed)
{
	uint64_t row;

	told(RS_A, RS_C, 0);
	told(RS_B, 0);
	told(RS_C, RS_D, RS_D, 0);
	stopped_at(RS_B);
	take(4); // and RS_D was not reached at all
	ck_assert_uint_eq(asked.objects, 2);
	ck_assert_uint_eq(asked.references, 3);
	ck_assert_uint_eq(asked.not_traversed, 2);
	ck_assert(rs_exact_answer_find(&asked, RS_A, &row));
	ck_assert_uint_eq(row, 0);
	ck_assert(!rs_exact_answer_find(&asked, RS_B, &row));
	ck_assert(rs_exact_answer_find(&asked, RS_C, &row));
	ck_assert_uint_eq(row, 2);
	ck_assert(!rs_exact_answer_find(&asked, RS_D, &row));
	row = 0;
	ck_assert(!rs_exact_answer_next(&asked, RS_A - 8, &row));
	ck_assert(rs_exact_answer_next(&asked, RS_A, &row));
	ck_assert(!rs_exact_answer_next(&asked, RS_B, &row));
	ck_assert(rs_exact_answer_next(&asked, RS_C, &row));
	ck_assert(!rs_exact_answer_next(&asked, RS_D, &row));
}
END_TEST

START_TEST(one_without_references_may_be_a_fault_without_a_name)
{
	uint64_t row;

	told(RS_A, RS_C, 0);
	told(RS_B, 0);
	told(RS_C, 0);
	stopped_at(RS_B);
	answer.faults_total = 2;
	take(3);
	ck_assert_uint_eq(asked.objects, 1);
	ck_assert_uint_eq(asked.not_traversed, 2);
	ck_assert(!rs_exact_answer_find(&asked, RS_C, &row));
}
END_TEST

START_TEST(nobody_asked_nobody_told)
{
	uint64_t row;

	ck_assert(!rs_exact_answer_find(&asked, RS_A, &row));
	row = 0;
	ck_assert(!rs_exact_answer_next(&asked, RS_A, &row));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("asked");
	TCase *tc = tcase_create("merge");

	tcase_add_checked_fixture(tc, set_up, clean_up);
	tcase_add_test(tc, what_reading_knows_too_keeps_its_order_and_its_name);
	tcase_add_test(tc, a_guess_stays_one_unless_it_was_told);
	tcase_add_test(tc, as_many_are_strong_as_were_told);
	tcase_add_test(tc, what_is_not_told_to_the_collector_stays_as_read);
	tcase_add_test(tc, an_object_that_told_nothing_has_nothing_strong);
	tcase_add_test(tc, flags_are_settled_by_what_was_told);
	tcase_add_test(tc, a_stopped_function_is_not_believed);
	tcase_add_test(tc,
		       one_without_references_may_be_a_fault_without_a_name);
	tcase_add_test(tc, nobody_asked_nobody_told);
	suite_add_tcase(suite, tc);
	return rs_ck_run(suite);
}
