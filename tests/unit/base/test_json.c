// SPDX-License-Identifier: MIT
#include "base/json.h"

#include "rs_check.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

// The text so far must be @p want; ends the writer.
static void ck_text(struct rs_json *json, const char *want)
{
	char *text;

	rs_ck_ok(rs_json_take(json, &text));
	ck_assert_str_eq(text, want);
	free(text);
	rs_json_fini(json);
}

START_TEST(nothing_written_is_an_empty_text)
{
	struct rs_json json;

	rs_json_init(&json, -1);
	ck_text(&json, "");
}
END_TEST

START_TEST(commas_are_placed_by_the_writer)
{
	struct rs_json json;

	rs_json_init(&json, -1);
	rs_json_begin_object(&json);
	rs_json_key(&json, "empty");
	rs_json_begin_array(&json);
	rs_json_end_array(&json);
	rs_json_key(&json, "list");
	rs_json_begin_array(&json);
	rs_json_begin_object(&json);
	rs_json_end_object(&json);
	rs_json_uint(&json, 1);
	rs_json_begin_array(&json);
	rs_json_string(&json, ",");
	rs_json_string(&json, "");
	rs_json_null(&json);
	rs_json_end_array(&json);
	rs_json_bool(&json, true);
	rs_json_end_array(&json);
	rs_json_key_string(&json, "s", "{");
	rs_json_key_string(&json, "none", NULL);
	rs_json_key_uint(&json, "u", UINT64_MAX);
	rs_json_key_int(&json, "i", INT64_MIN);
	rs_json_key_int(&json, "z", 0);
	rs_json_key_bool(&json, "b", false);
	rs_json_key_address(&json, "a", 0x7f00deadbeef);
	rs_json_key_address(&json, "top", UINT64_MAX);
	rs_json_key_address(&json, "nil", 0);
	rs_json_end_object(&json);
	ck_text(&json,
		"{\"empty\":[],\"list\":[{},1,[\",\",\"\",null],true],"
		"\"s\":\"{\",\"none\":null,\"u\":18446744073709551615,"
		"\"i\":-9223372036854775808,\"z\":0,\"b\":false,"
		"\"a\":\"0x7f00deadbeef\",\"top\":\"0xffffffffffffffff\","
		"\"nil\":\"0x0\"}");
}
END_TEST

START_TEST(top_level_values_stand_on_lines_of_their_own)
{
	struct rs_json json;

	rs_json_init(&json, -1);
	rs_json_uint(&json, 1);
	rs_json_newline(&json);
	rs_json_begin_array(&json);
	rs_json_end_array(&json);
	rs_json_newline(&json);
	ck_text(&json, "1\n[]\n");
}
END_TEST

START_TEST(nesting_has_no_limit)
{
	struct rs_json json;
	char *text;

	rs_json_init(&json, -1);
	for (int i = 0; i < 1000; i++)
		rs_json_begin_array(&json);
	for (int i = 0; i < 1000; i++)
		rs_json_end_array(&json);
	rs_ck_ok(rs_json_take(&json, &text));
	ck_assert_uint_eq(strlen(text), 2000);
	ck_assert_ptr_null(strchr(text, ','));
	free(text);
}
END_TEST

static void ck_string(const char *bytes, size_t size, const char *want)
{
	struct rs_json json;

	rs_json_init(&json, -1);
	rs_json_stringn(&json, bytes, size);
	ck_text(&json, want);
}

START_TEST(strings_are_escaped)
{
	ck_string("a\"b\\c/", 6, "\"a\\\"b\\\\c/\"");
	ck_string("\b\f\n\r\t", 5, "\"\\b\\f\\n\\r\\t\"");
	ck_string("\0\x1f\x7f!", 4, "\"\\u0000\\u001f\\u007f!\"");
	ck_string("k\xc3\xa4se \xe2\x82\xac \xf0\x9f\x90\x8d", 14,
		  "\"k\xc3\xa4se \xe2\x82\xac \xf0\x9f\x90\x8d\"");
}
END_TEST

#define BAD "\xef\xbf\xbd"

START_TEST(what_is_not_utf8_is_replaced)
{
	ck_string("\xff", 1, "\"" BAD "\"");
	ck_string("a\x80z", 3, "\"a" BAD "z\"");
	ck_string("\xc0\xaf", 2, "\"" BAD BAD "\""); // overlong
	ck_string("\xe0\x80\x80", 3, "\"" BAD BAD BAD "\"");
	ck_string("\xf0\x8f\xbf\xbf", 4, "\"" BAD BAD BAD BAD "\"");
	ck_string("\xed\xa0\x80", 3, "\"" BAD BAD BAD "\""); // surrogate
	ck_string("\xf4\x90\x80\x80", 4, "\"" BAD BAD BAD BAD "\"");
	ck_string("\xc3", 1, "\"" BAD "\""); // cut short
	ck_string("\xe2\x82", 2, "\"" BAD BAD "\"");
	ck_string("\xf0\x9f\x90", 3, "\"" BAD BAD BAD "\"");
	ck_string("\xe2\x82\"", 3, "\"" BAD BAD "\\\"\"");
	ck_string("\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf", 10,
		  "\"\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf\"");
}
END_TEST

START_TEST(a_file_gets_every_line)
{
	char path[] = "/tmp/rs-json-XXXXXX";
	struct rs_json json;
	uint64_t lines = 0;
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	unlink(path);
	rs_json_init(&json, fd);
	for (uint64_t i = 0; i < 200000; i++) {
		rs_json_begin_array(&json);
		rs_json_uint(&json, 1000000 + i);
		rs_json_end_array(&json);
		rs_json_newline(&json);
	}
	rs_ck_ok(rs_json_finish(&json));
	ck_assert_uint_eq(json.written, 200000 * 10);
	rs_json_fini(&json);

	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	FILE *file = fdopen(fd, "r");
	char line[16];
	while (fgets(line, sizeof(line), file)) {
		char want[16];

		(void)snprintf(want, sizeof(want), "[%d]\n",
			       (int)(1000000 + lines));
		if (strcmp(line, want) != 0)
			ck_abort_msg("%s is not %s", line, want);
		lines++;
	}
	ck_assert_uint_eq(lines, 200000);
	ck_assert_int_eq(fclose(file), 0);
}
END_TEST

START_TEST(a_full_disk_is_told_at_the_end)
{
	struct rs_json json;
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	rs_json_init(&json, fd);
	for (int i = 0; i < 1000000; i++) {
		rs_json_uint(&json, 12345678);
		rs_json_newline(&json);
	}
	// What can no longer be written is not kept either.
	ck_assert_uint_lt(json.text.cap, 1 << 20);
	rs_ck_error(rs_json_finish(&json), RS_EIO, "No space left");
	rs_json_fini(&json);
	close(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("json");
	TCase *tcase = tcase_create("json");

	tcase_add_test(tcase, nothing_written_is_an_empty_text);
	tcase_add_test(tcase, commas_are_placed_by_the_writer);
	tcase_add_test(tcase, top_level_values_stand_on_lines_of_their_own);
	tcase_add_test(tcase, nesting_has_no_limit);
	tcase_add_test(tcase, strings_are_escaped);
	tcase_add_test(tcase, what_is_not_utf8_is_replaced);
	tcase_add_test(tcase, a_file_gets_every_line);
	tcase_add_test(tcase, a_full_disk_is_told_at_the_end);
	suite_add_tcase(suite, tcase);
	return rs_ck_run(suite);
}
