// SPDX-License-Identifier: MIT
#include "little_memory.h"

#include "runtime/runtime.h"

static struct rs_refs refs;

static void fill(uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++)
		rs_refs_add(&refs, i + 1, RS_OWNED, RS_LABEL_INDEX, i);
}

static void check(uint32_t n)
{
	ck_assert_uint_eq(refs.n, n);
	for (uint32_t i = 0; i < n; i++)
		if (refs.target[i] != i + 1 || refs.kind[i] != RS_OWNED ||
		    refs.label[i].a != i ||
		    refs.label[i].kind != RS_LABEL_INDEX)
			ck_abort_msg("reference %u is lost", i);
}

START_TEST(what_is_added_stays)
{
	rs_ck_ok(rs_refs_init(&refs, true));
	fill(0, 300000);
	check(300000);
	ck_assert(!refs.incomplete);
	rs_refs_fini(&refs);
	rs_refs_fini(&refs);
}
END_TEST

#ifndef __SANITIZE_ADDRESS__
// Three arrays grow one after another; any may be the one that cannot.
START_TEST(what_was_there_stays_when_there_is_no_more_memory)
{
	uint32_t cap;

	rs_ck_ok(rs_refs_init(&refs, true));
	allow_more((size_t)(4 + _i) << 20);
	fill(0, refs.cap);
	while (rs_refs_grow(&refs))
		fill(refs.n, refs.cap);
	ck_assert(refs.incomplete);
	cap = refs.cap;
	check(cap);
	fill(cap, cap + 10);
	check(cap);
	for (uint32_t i = 0; i < cap; i++) {
		refs.target[i] = 0;
		refs.kind[i] = 0;
		refs.label[i].a = 0;
	}
	rs_refs_fini(&refs);
}
END_TEST
#endif

int main(void)
{
	Suite *suite = suite_create("refs");
	TCase *tc = tcase_create("refs");

	tcase_add_test(tc, what_is_added_stays);
#ifndef __SANITIZE_ADDRESS__
	tcase_add_loop_test(
		tc, what_was_there_stays_when_there_is_no_more_memory, 0, 24);
#endif
	suite_add_tcase(suite, tc);
	return rs_ck_run(suite);
}
