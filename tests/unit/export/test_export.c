// SPDX-License-Identifier: MIT
//
// The graph as files, over a made-up heap.
#include "fake_runtime.h"
#include "json_check.h"

#include "export/dot_escape.h"
#include "refscope/engine.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RS_FILE_MAX = 1 << 16 };

static char *answer; // of the last export
static char folder[] = "/tmp/refscope-export-XXXXXX";
static char path[64]; // of the file written
static char text[RS_FILE_MAX]; // its contents, with a NUL

static void setup(void)
{
	fake_setup();
	answer = NULL;
	memcpy(folder + sizeof(folder) - 7, "XXXXXX", 7);
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/out", folder);
}

static void teardown(void)
{
	rs_text_free(answer);
	fake_teardown();
	(void)unlink(path);
	// Nothing else is left there, not even after a failure.
	ck_assert_int_eq(rmdir(folder), 0);
}

static void load(void)
{
	FILE *file = fopen(path, "r");

	ck_assert_ptr_nonnull(file);
	text[fread(text, 1, RS_FILE_MAX - 1, file)] = '\0';
	(void)fclose(file);
}

// Cut off and return the next line of @p *rest.
static char *next_line(char **rest)
{
	char *line = *rest;
	char *end = strchr(line, '\n');

	ck_assert_msg(end != NULL, "no line in \"%s\"", line);
	*end = '\0';
	*rest = end + 1;
	ck_assert_msg(json_is_valid(line), "not JSON: %s", line);
	return line;
}

static void export_jsonl(bool labels)
{
	rs_text_free(answer);
	rs_ck_ok(rs_export_jsonl(fake_session, path, labels, &answer));
	ck_assert_msg(json_is_valid(answer), "%s", answer);
	load();
}

START_TEST(jsonl_is_version_1)
{
	char *rest = text;
	char *line;

	fake_story_self();
	fake_open(RS_RULES_27, false);
	export_jsonl(true);
	ck_assert_str_eq(next_line(&rest),
			 "{\"refscope\":1,\"runtime\":\"cpython\","
			 "\"version\":\"2.7.18\",\"source\":\"core\","
			 "\"objects\":3,\"references\":3,\"roots\":[],"
			 "\"findings\":[{\"kind\":\"dead-ring\","
			 "\"key\":\"dead-ring <CGcLeak>._self ->\","
			 "\"grade\":\"certain\",\"references\":0,"
			 "\"bytes\":144,\"evidence\":["
			 "\"a finalizer: <CGcLeak 0x100000>\","
			 "\"dropping <CGcLeak>._self frees it\"],"
			 "\"objects\":[\"0x100000\",\"0x100040\"]}],"
			 "\"method\":\"read\",\"not_traversed\":0,"
			 "\"learned\":\"read\",\"unasked\":0}");
	ck_assert_str_eq(next_line(&rest),
			 "{\"id\":\"0x100000\",\"type\":\"CGcLeak\","
			 "\"count\":1,\"size\":48,\"gc\":\"tracked\","
			 "\"unreachable\":true,\"garbage\":true,"
			 "\"unexplained\":0,\"evidence\":0,"
			 "\"out\":[[\"0x100040\",\"strong\",\".__dict__\"]]}");
	line = next_line(&rest);
	rs_ck_json(line, "unreachable", "true");
	rs_ck_json(line, "garbage", "false");
	rs_ck_json(line, "out[1][0]", "\"0x100080\"");
	rs_ck_json(line, "out[1][2]", "\"['_text']\"");
	line = next_line(&rest);
	rs_ck_json(line, "gc", "\"none\"");
	rs_ck_json(line, "unreachable", "false");
	ck_assert_uint_eq(json_length(line, "out"), 0);
	ck_assert_str_eq(rest, "");
}
END_TEST

START_TEST(jsonl_tells_what_it_wrote)
{
	struct stat st;
	char want[32];

	fake_story_pair();
	fake_open(RS_RULES_27, false);
	export_jsonl(true);
	ck_assert_int_eq(stat(path, &st), 0);
	(void)snprintf(want, sizeof(want), "%lld", (long long)st.st_size);
	rs_ck_json(answer, "bytes", want);
	rs_ck_json(answer, "objects", "4");
	rs_ck_json(answer, "references", "4");
	ck_assert_ptr_nonnull(json_at(answer, "file"));
}
END_TEST

START_TEST(jsonl_without_labels_has_two_elements)
{
	char *rest = text;

	fake_story_self();
	fake_open(RS_RULES_27, false);
	export_jsonl(false);
	next_line(&rest);
	rs_ck_json(next_line(&rest), "out", "[[\"0x100040\",\"strong\"]]");
}
END_TEST

START_TEST(jsonl_of_a_process_differs_in_the_source_only)
{
	static char core[RS_FILE_MAX];
	char *at;

	fake_story_pair();
	fake_open(RS_RULES_27, false);
	export_jsonl(true);
	memcpy(core, text, sizeof(core));
	fake_session->memory->is_core = false;
	export_jsonl(true);
	at = strstr(text, "\"live\"");
	ck_assert_ptr_nonnull(at);
	memcpy(at, "\"core\"", 6);
	ck_assert_str_eq(text, core);
}
END_TEST

START_TEST(jsonl_tells_a_reference_held_twice_twice)
{
	char *rest = text;

	fake_object("tuple", 1, RS_FAKE_TRACKED);
	fake_object("int", 0, RS_OBJ_IMMORTAL);
	fake_ref(0, 1, RS_STRONG, RS_LABEL_INDEX, "0");
	fake_ref(0, 1, RS_WEAK, RS_LABEL_INDEX, "1");
	fake_ref(0, 1, RS_STRONG, RS_LABEL_INDEX, "2");
	fake_open(RS_RULES_34, true);
	export_jsonl(true);
	rs_ck_json(next_line(&rest), "runtime", "\"cpython+native\"");
	rs_ck_json(next_line(&rest), "out",
		   "[[\"0x100040\",\"strong\",\"[0]\"],"
		   "[\"0x100040\",\"weak\",\"[1]\"],"
		   "[\"0x100040\",\"strong\",\"[2]\"]]");
	rs_ck_json(next_line(&rest), "count", "null");
}
END_TEST

START_TEST(jsonl_replaces_the_file_only_when_done)
{
	const int fd = open(path, O_WRONLY | O_CREAT, 0600);

	fake_story_self();
	fake_open(RS_RULES_27, false);
	ck_assert_int_eq(write(fd, "old", 3), 3);
	ck_assert_int_eq(close(fd), 0);
	ck_assert_int_eq(chmod(folder, 0700), 0);
	export_jsonl(false);
	ck_assert_ptr_null(strstr(text, "old"));
}
END_TEST

START_TEST(export_into_no_folder_is_an_io_error)
{
	fake_story_self();
	fake_open(RS_RULES_27, false);
	rs_ck_error(
		rs_export_jsonl(fake_session, "/nonexistent/x", true, &answer),
		RS_EIO, "/nonexistent/x: ");
	rs_ck_error(
		rs_export_dot(fake_session, "/nonexistent/x", 0, 0, 0, &answer),
		RS_EIO, "/nonexistent/x: ");
	// A folder in the way.
	rs_ck_error(rs_export_jsonl(fake_session, folder, true, &answer),
		    RS_EIO, folder);
	ck_assert_ptr_null(answer);
	ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(export_replaces_what_a_link_leads_to)
{
	struct stat st;
	char real[80];

	fake_story_self();
	fake_open(RS_RULES_27, false);
	(void)snprintf(real, sizeof(real), "%s/real", folder);
	ck_assert_int_eq(close(open(real, O_WRONLY | O_CREAT, 0600)), 0);
	ck_assert_int_eq(symlink(real, path), 0);
	export_jsonl(false);
	ck_assert_ptr_nonnull(strstr(text, "\"refscope\":1"));
	ck_assert_int_eq(lstat(path, &st), 0);
	ck_assert(S_ISLNK(st.st_mode));
	ck_assert_int_eq(unlink(real), 0);
}
END_TEST

START_TEST(export_into_a_pipe_leaves_the_pipe)
{
	struct stat st;
	ssize_t n;

	fake_story_self();
	fake_open(RS_RULES_27, false);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	const int fd = open(path, O_RDONLY | O_NONBLOCK);
	ck_assert_int_ge(fd, 0);
	rs_ck_ok(rs_export_jsonl(fake_session, path, false, &answer));
	n = read(fd, text, RS_FILE_MAX - 1);
	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	ck_assert_ptr_eq(strstr(text, "{\"refscope\":1"), text);
	ck_assert_int_eq(close(fd), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert(S_ISFIFO(st.st_mode));
}
END_TEST

static bool
stop_at_writing(void *context, const char *phase, uint64_t done, uint64_t total)
{
	(void)context;
	(void)done;
	(void)total;
	return strcmp(phase, "writing objects") != 0;
}

START_TEST(interrupted_export_leaves_no_file)
{
	fake_story_self();
	fake_open(RS_RULES_27, false);
	fake_session->progress.fn = stop_at_writing;
	rs_ck_error(rs_export_jsonl(fake_session, path, true, &answer),
		    RS_EINTERRUPTED, "writing objects");
	ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(dot_draws_the_garbage_in_colour)
{
	fake_story_self();
	fake_object_table[0].text = "a \"quote\" and a \\";
	fake_open(RS_RULES_27, false);
	rs_ck_ok(rs_export_dot(fake_session, path, 0, 0, 0, &answer));
	load();
	rs_ck_json(answer, "objects", "2");
	rs_ck_json(answer, "references", "2");
	rs_ck_json(answer, "limited", "false");
	ck_assert_str_eq(
		text,
		"digraph refscope {\n"
		"\tnode [shape=box, style=filled];\n"
		"\tn100000 [label=\"CGcLeak 0x100000\\n"
		"a \\\"quote\\\" and a \\\\\\ncount 1\", fillcolor=tomato];\n"
		"\tn100040 [label=\"dict 0x100040\\n<dict 0x100040>\\n"
		"count 1\", fillcolor=lightsalmon];\n"
		"\tn100000 -> n100040 [label=\".__dict__\", style=solid];\n"
		"\tn100040 -> n100000 [label=\"['_self']\", style=solid];\n"
		"}\n");
}
END_TEST

START_TEST(dot_draws_a_ring_across_runtimes)
{
	const unsigned py = fake_object("Handle", 1, RS_FAKE_TRACKED);
	const unsigned c =
		fake_object("node", 1, RS_FAKE_TRACKED | RS_FAKE_NATIVE);

	fake_ref(py, c, RS_OWNED, RS_LABEL_FIELD, "node");
	fake_ref(c, py, RS_STRONG, RS_LABEL_FIELD, "callback");
	fake_ref(py, fake_object("str", 1, 0), RS_STRONG, RS_LABEL_FIELD, "s");
	fake_open(RS_RULES_34, true);
	rs_ck_ok(rs_export_dot(fake_session, path, 0, 0, 0, &answer));
	load();
	rs_ck_json(answer, "objects", "2");
	rs_ck_json(answer, "references", "2");
	ck_assert_ptr_nonnull(strstr(text, "fillcolor=lightsalmon"));
	ck_assert_ptr_null(strstr(text, "fillcolor=white"));
}
END_TEST

START_TEST(dot_draws_around_an_object_to_a_depth)
{
	// 0 -> 1 -> 2 -> 3 -> 4
	for (unsigned i = 0; i < 5; i++)
		fake_object("node", 1, RS_FAKE_TRACKED);
	for (unsigned i = 0; i < 4; i++)
		fake_ref(i, i + 1, RS_STRONG, RS_LABEL_FIELD, "next");
	fake_open(RS_RULES_34, false);
	rs_ck_ok(rs_export_dot(fake_session, path, fake_address(2), 1, 0,
			       &answer));
	load();
	rs_ck_json(answer, "objects", "3");
	rs_ck_json(answer, "references", "2");
	ck_assert_ptr_nonnull(strstr(text, "penwidth=3"));
	ck_assert_ptr_null(strstr(text, "n100000"));
	rs_text_free(answer);
	rs_ck_ok(rs_export_dot(fake_session, path, fake_address(2), 9, 2,
			       &answer));
	rs_ck_json(answer, "objects", "2");
	rs_ck_json(answer, "limited", "true");
	rs_text_free(answer);
	answer = NULL;
	rs_ck_error(rs_export_dot(fake_session, path, 8, 1, 0, &answer),
		    RS_ENOTFOUND, "0x8");
}
END_TEST

START_TEST(dot_text_is_well_formed)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	rs_dot_escape("\xe4\xb8\xad\n\xff\xc0\x80\xed\xa0\x80z\xf0\x9f\x98\x80"
		      "\xe4\xb8",
		      file);
	(void)fclose(file);
	load();
	// The line feed, 0xff, two overlong, a surrogate's three; cut at the
	// end.
	ck_assert_str_eq(text, "\xe4\xb8\xad???????z\xf0\x9f\x98\x80\?\?");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("report_export");
	TCase *tc = tcase_create("files");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, jsonl_is_version_1);
	tcase_add_test(tc, jsonl_tells_what_it_wrote);
	tcase_add_test(tc, jsonl_without_labels_has_two_elements);
	tcase_add_test(tc, jsonl_of_a_process_differs_in_the_source_only);
	tcase_add_test(tc, jsonl_tells_a_reference_held_twice_twice);
	tcase_add_test(tc, jsonl_replaces_the_file_only_when_done);
	tcase_add_test(tc, export_into_no_folder_is_an_io_error);
	tcase_add_test(tc, export_replaces_what_a_link_leads_to);
	tcase_add_test(tc, export_into_a_pipe_leaves_the_pipe);
	tcase_add_test(tc, interrupted_export_leaves_no_file);
	tcase_add_test(tc, dot_draws_the_garbage_in_colour);
	tcase_add_test(tc, dot_draws_a_ring_across_runtimes);
	tcase_add_test(tc, dot_draws_around_an_object_to_a_depth);
	tcase_add_test(tc, dot_text_is_well_formed);
	suite_add_tcase(suite, tc);
	return rs_ck_run(suite);
}
