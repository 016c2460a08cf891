// SPDX-License-Identifier: MIT
//
// Any number of runtimes: the core of a program with objects of CPython and of
// the C library, and a third runtime, whose objects this test makes up. A word
// of the core is changed so that the reference of a native object leads to one
// of them, and that one refers to a Python object:
//
//     Handle --handle--> native "ring" --peer--> thing --> Handle
//
// where Handle has a second holder, a dict, that the native object holds too.
#include "fake_runtime.h"
#include "json_check.h"
#include "kernel_core.h"
#include "python_core.h"
#include "refscope/engine.h"
#include "session/session.h"

#define RS_MIXED RS_FIXTURES "/mixed"

enum {
	RS_PEER = 24, // offset of struct native.peer in fixtures/native/mixed.c
	RS_MIXED_THING = 0, // number of the made-up object in the ring
	RS_HELD_THING, // and of one that a root holds
};

static struct python_core target = {.directory = "/tmp/rs-third-XXXXXX"};
static uint64_t handle, native; // addresses in the core
static struct rs_session *session;
static char *answer;

static void run_mixed(void)
{
	ck_assert_ptr_nonnull(mkdtemp(target.directory));
	const pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (!pid) {
		kernel_core_allow();
		if (!chdir(target.directory))
			execl(RS_MIXED, RS_MIXED, "--abort", NULL);
		_exit(127);
	}
	kernel_core_wait(pid, target.directory, target.core,
			 sizeof(target.core));
}

static const char *type_of(const struct rs_graph *g, uint32_t number)
{
	return g->type_row[g->type[number]].name;
}

// Of the two Handles the one that a dict holds, and its native object.
static void find_ring(struct rs_graph *g)
{
	rs_ck_ok(rs_graph_reverse(g, NULL));
	for (uint32_t i = 0; i < g->objects; i++) {
		if (strcmp(type_of(g, i), "mixed.Handle") != 0)
			continue;
		for (uint32_t h = g->in_start[i]; h < g->in_start[i + 1]; h++)
			if (!strcmp(type_of(g, rs_edge_target(g->in[h])),
				    "dict"))
				handle = g->address[i];
	}
	ck_assert_uint_ne(handle, 0);
	const uint32_t h = rs_graph_find(g, handle);
	for (uint32_t e = g->out_start[h]; e < g->out_start[h + 1]; e++)
		if (!strcmp(type_of(g, rs_edge_target(g->out[e])), "native"))
			native = g->address[rs_edge_target(g->out[e])];
	ck_assert_uint_ne(native, 0);
}

static void plant(void)
{
	const uint64_t thing = fake_address(RS_MIXED_THING);
	const uint32_t count = 2;

	python_core_write(&target, native + RS_PEER, &thing, sizeof(thing));
	python_core_write(&target, handle, &count, sizeof(count));
}

static void set_up(void)
{
	struct rs_graph *graph = NULL;

	run_mixed();
	rs_ck_ok(rs_session_open_core(target.core, NULL, &session));
	rs_ck_ok(rs_session_graph(session, &graph));
	find_ring(graph);
	rs_session_close(session);
	plant();
}

static void clean_up(void)
{
	python_core_remove(&target);
}

static void open_three(void)
{
	struct rs_memory *memory = NULL;
	struct rs_runtime_kind kind[8] = {0};
	size_t kinds = 0;

	fake_setup();
	ck_assert_uint_eq(fake_object("thing", 1, RS_FAKE_TRACKED),
			  RS_MIXED_THING);
	fake_object("thing", 1, RS_FAKE_TRACKED);
	fake_object_table[RS_HELD_THING].text = "held thing";
	fake_ref_outside(RS_MIXED_THING, handle, "holds");
	fake_root(RS_HELD_THING, RS_ROOT_NATIVE, "a root of the third");
	for (; kinds < rs_runtime_kinds_count; kinds++)
		kind[kinds] = rs_runtime_kinds[kinds];
	kind[kinds++] = (struct rs_runtime_kind){fake_open_third, "things"};
	rs_ck_ok(rs_memory_open_core(target.core, NULL, &memory));
	rs_ck_ok(rs_session_open_memory(memory, "core three", NULL, kind, kinds,
					&session));
	ck_assert_uint_eq(session->runtimes, 3);
}

static void shut(void)
{
	rs_text_free(answer);
	answer = NULL;
	rs_session_close(session);
	session = NULL;
}

#define ASK(call)                                                              \
	do {                                                                   \
		rs_text_free(answer);                                          \
		answer = NULL;                                                 \
		rs_ck_ok(call);                                                \
	} while (0)

START_TEST(each_object_is_of_its_own_runtime)
{
	struct rs_graph *graph = NULL;
	struct rs_graph *tracked = NULL;

	ASK(rs_answer_info(session, &answer));
	rs_ck_json(answer, "runtimes[0].name", "\"cpython\"");
	rs_ck_json(answer, "runtimes[1].name", "\"native\"");
	rs_ck_json(answer, "runtimes[2].name", "\"fake\"");
	rs_ck_ok(rs_session_tracked(session, &tracked));
	rs_ck_ok(rs_session_graph(session, &graph));
	ck_assert(rs_graph_is_sound(graph));
	for (uint32_t i = 0; i < graph->objects; i++)
		ck_assert_uint_eq(rs_graph_runtime(graph, i),
				  graph->type_row[graph->type[i]].runtime);
	ck_assert_str_eq(
		rs_session_runtime(session, graph, rs_graph_find(graph, handle))
			->ops->name,
		"cpython");
	ASK(rs_answer_gc(session, &answer));
	rs_ck_json(answer, "runtimes[2].enabled", "true");
}
END_TEST

START_TEST(tracked_objects_are_told_apart_without_the_whole_graph)
{
	struct rs_graph *g = NULL;
	uint32_t of[3] = {0};

	rs_ck_ok(rs_session_tracked(session, &g));
	ck_assert(g->tracked_only);
	for (uint32_t i = 0; i < g->objects; i++)
		of[rs_graph_runtime(g, i)]++;
	ck_assert_uint_gt(of[0], 1000);
	ck_assert_uint_eq(of[1], 3);
	ck_assert_uint_eq(of[2], 2);
}
END_TEST

START_TEST(references_lead_from_each_runtime_to_the_next)
{
	ASK(rs_answer_count(session, handle, 0, &answer));
	rs_ck_json(answer, "count", "2");
	rs_ck_json(answer, "unexplained", "0");
	ck_assert_ptr_nonnull(strstr(answer, "\"label\":\".holds\""));
	ASK(rs_answer_count(session, fake_address(RS_MIXED_THING), 0, &answer));
	rs_ck_json(answer, "named", "1");
	rs_ck_json(answer, "unexplained", "0");
	rs_ck_json(answer, "holders[0].object.runtime", "\"native\"");
	rs_ck_json(answer, "holders[0].label", "\".peer\"");
	ASK(rs_answer_show(session, fake_address(RS_MIXED_THING), 0, &answer));
	rs_ck_json(answer, "references[0].object.runtime", "\"cpython\"");
	ASK(rs_answer_reachable(session, native, 0, true, 0, &answer));
	ck_assert_ptr_nonnull(strstr(answer, "\"type\":\"thing\""));
	ck_assert_ptr_nonnull(strstr(answer, "\"type\":\"mixed.Handle\""));
	ASK(rs_answer_referrers(session, handle, 3, 0, &answer));
	ck_assert_ptr_nonnull(strstr(answer, "\"type\":\"thing\""));
	ck_assert_ptr_nonnull(strstr(answer, "\"type\":\"native\""));
}
END_TEST

START_TEST(ring_through_three_runtimes_is_found)
{
	int64_t number = 0;

	ASK(rs_answer_cycles(session, false, 0, &answer));
	rs_ck_json(answer, "rings", "1");
	rs_ck_json(answer, "cycles[0].objects", "4");
	rs_ck_json(answer, "cycles[0].why",
		   "\"no collector sees all of it: some of its objects are "
		   "of cpython, others of fake\"");
	ASK(rs_answer_collect(session, -1, NULL, 0, &answer));
	rs_ck_json(answer, "unreachable", "0");
	rs_ck_ok(rs_number_garbage(session, handle, &number));
	ck_assert_int_eq(number, 0);
	rs_ck_ok(rs_number_unexplained(session, handle, &number));
	ck_assert_int_eq(number, 0);
	rs_ck_ok(rs_number_count(session, handle, &number));
	ck_assert_int_eq(number, 2);
	ASK(rs_answer_garbage(session, 0, &answer));
	rs_ck_json(answer, "total", "0");
}
END_TEST

START_TEST(roots_names_and_types_are_those_of_all)
{
	const uint64_t held = fake_address(RS_HELD_THING);

	ASK(rs_answer_why(session, held, 0, &answer));
	rs_ck_json(answer, "paths[0].root", "\"a root of the third\"");
	ASK(rs_answer_resolve(session, "held thing", &answer));
	rs_ck_json(answer, "object.runtime", "\"fake\"");
	ASK(rs_answer_resolve(session, "sys.modules", &answer));
	rs_ck_json(answer, "object.runtime", "\"cpython\"");
	ASK(rs_answer_resolve(session, "kept", &answer));
	rs_ck_json(answer, "object.runtime", "\"native\"");
	ASK(rs_answer_types(session, "name", 0, &answer));
	ck_assert_ptr_nonnull(strstr(answer, "\"type\":\"thing\""));
	ck_assert_ptr_nonnull(strstr(answer, "\"runtime\":\"fake\""));
}
END_TEST

START_TEST(code_runs_only_where_a_runtime_runs_it)
{
	ASK(rs_answer_verify(session, 0, &answer));
	rs_ck_json(answer, "runtimes[0].name", "\"cpython\"");
	ASK(rs_answer_repr(session, handle, 0, 0, &answer));
	ck_assert_ptr_nonnull(strstr(answer, "mixed.Handle object"));
	rs_ck_error(rs_answer_repr(session, fake_address(RS_HELD_THING), 0, 0,
				   &answer),
		    RS_ENOTFOUND, "");
	ASK(rs_answer_eval(session, "6 * 7", 0, -1, 0, 0, &answer));
	rs_ck_json(answer, "value", "\"42\"");
}
END_TEST

START_TEST(exports_have_all_three)
{
	char path[64];
	char line[256] = "";

	(void)snprintf(path, sizeof(path), "%s/x.jsonl", target.directory);
	ASK(rs_export_jsonl(session, path, true, &answer));
	FILE *file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), file));
	(void)fclose(file);
	ck_assert_ptr_nonnull(
		strstr(line, "\"runtime\":\"cpython+native+fake\""));
	unlink(path);
	(void)snprintf(path, sizeof(path), "%s/x.dot", target.directory);
	ASK(rs_export_dot(session, path, handle, 2, 0, &answer));
	unlink(path);
}
END_TEST

static void add_cases(Suite *suite)
{
	TCase *tcase = tcase_create("three");

	tcase_set_timeout(tcase, 60);
	tcase_add_unchecked_fixture(tcase, set_up, clean_up);
	tcase_add_checked_fixture(tcase, open_three, shut);
	tcase_add_test(tcase, each_object_is_of_its_own_runtime);
	tcase_add_test(tcase,
		       tracked_objects_are_told_apart_without_the_whole_graph);
	tcase_add_test(tcase, references_lead_from_each_runtime_to_the_next);
	tcase_add_test(tcase, ring_through_three_runtimes_is_found);
	tcase_add_test(tcase, roots_names_and_types_are_those_of_all);
	tcase_add_test(tcase, code_runs_only_where_a_runtime_runs_it);
	tcase_add_test(tcase, exports_have_all_three);
	suite_add_tcase(suite, tcase);
}

int main(void)
{
	return kernel_core_main(
		"third_runtime",
		access(RS_MIXED, X_OK) ? "no fixture that embeds Python" : NULL,
		add_cases);
}
