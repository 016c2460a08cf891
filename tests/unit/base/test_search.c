// SPDX-License-Identifier: MIT
#include "base/search.h"

#include "rs_check.h"

#include <stdint.h>

static size_t search(const uint64_t *end, size_t n, uint64_t key)
{
	return RS_FIRST_INDEX(i, n, end[i] > key);
}

static size_t search_linearly(const uint64_t *end, size_t n, uint64_t key)
{
	size_t i = 0;

	while (i < n && end[i] <= key)
		i++;
	return i;
}

START_TEST(the_first_index_is_that_of_a_linear_search)
{
	static const uint64_t end[] = {3, 3, 7, 20, 20, 41};
	const size_t most = sizeof(end) / sizeof(*end);

	for (size_t n = 0; n <= most; n++)
		for (uint64_t key = 0; key < 50; key++)
			ck_assert_uint_eq(search(end, n, key),
					  search_linearly(end, n, key));
}
END_TEST

START_TEST(an_empty_array_is_not_touched)
{
	ck_assert_uint_eq(search(NULL, 0, 1), 0);
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
