// SPDX-License-Identifier: MIT
#include "base/search.h"

#include "rs_check.h"

#include <stdint.h>

START_TEST(the_first_index_is_that_of_a_linear_search)
{
	static const uint64_t end[] = {3, 3, 7, 20, 20, 41};
	const size_t most = sizeof(end) / sizeof(*end);

	for (size_t n = 0; n <= most; n++) {
		for (uint64_t key = 0; key < 50; key++) {
			size_t want = 0;

			while (want < n && end[want] <= key)
				want++;
			ck_assert_uint_eq(RS_FIRST_INDEX(i, n, end[i] > key),
					  want);
		}
	}
}
END_TEST

START_TEST(an_empty_array_is_not_touched)
{
	const uint64_t *none = NULL;

	ck_assert_uint_eq(RS_FIRST_INDEX(i, 0, none[i] > 1), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("search");
	TCase *tcase = tcase_create("search");

	tcase_add_test(tcase, the_first_index_is_that_of_a_linear_search);
	tcase_add_test(tcase, an_empty_array_is_not_touched);
	suite_add_tcase(suite, tcase);
	return rs_ck_run(suite);
}
