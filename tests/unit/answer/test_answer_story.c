// SPDX-License-Identifier: MIT
//
// The story's two leaks in a made-up heap: what each answer says of them.
#include "fake_runtime.h"
#include "json_check.h"

#include "refscope/engine.h"

static char *answer; // of the last question

static void setup(void)
{
	fake_setup();
	answer = NULL;
}

static void teardown(void)
{
	rs_text_free(answer);
	fake_teardown();
}

static void collect(const char *rules, uint64_t limit)
{
	rs_text_free(answer);
	rs_ck_ok(rs_answer_collect(fake_session, -1, rules, limit, &answer));
	ck_assert_msg(json_is_valid(answer), "%s", answer);
}

static void cycles(bool alive, uint64_t limit)
{
	rs_text_free(answer);
	rs_ck_ok(rs_answer_cycles(fake_session, alive, limit, &answer));
	ck_assert_msg(json_is_valid(answer), "%s", answer);
}

START_TEST(self_reference_leaves_2_unreachable_1_garbage)
{
	fake_story_self();
	fake_open(RS_RULES_27, false);
	collect(NULL, 0);
	rs_ck_json(answer, "unreachable", "2");
	rs_ck_json(answer, "uncollectable", "2");
	rs_ck_json(answer, "garbage", "1");
	rs_ck_json(answer, "generation", "2");
	rs_ck_json(answer, "rules", "\"2.7\"");
	rs_ck_json(answer, "collecting", "false");
	rs_ck_json(answer, "limited", "false");
	rs_ck_json(answer, "objects[0].type", "\"CGcLeak\"");
	rs_ck_json(answer, "objects[0].id", "\"0x100000\"");
	rs_ck_json(answer, "objects[0].why", "\"finalizer\"");
	rs_ck_json(answer, "objects[0].runtime", "\"cpython\"");
	rs_ck_json(answer, "objects[1].type", "\"dict\"");
	rs_ck_json(answer, "objects[1].why", "\"held by a finalizer\"");
	ck_assert_uint_eq(json_length(answer, "objects"), 2);
}
END_TEST

START_TEST(pair_lists_instances_before_dicts)
{
	fake_story_pair();
	fake_open(RS_RULES_27, false);
	collect(NULL, 0);
	rs_ck_json(answer, "unreachable", "4");
	rs_ck_json(answer, "garbage", "2");
	rs_ck_json(answer, "objects[0].type", "\"CGcLeakA\"");
	rs_ck_json(answer, "objects[1].type", "\"CGcLeakB\"");
	rs_ck_json(answer, "objects[2].type", "\"dict\"");
}
END_TEST

START_TEST(dicts_follow_their_instances_not_their_addresses)
{
	const unsigned dict_b = fake_object("dict", 1, RS_FAKE_TRACKED);
	const unsigned a = fake_object("A", 1, RS_FAKE_LEAK);
	const unsigned b = fake_object("B", 1, RS_FAKE_LEAK);
	const unsigned dict_a = fake_object("dict", 1, RS_FAKE_TRACKED);

	fake_ref(a, dict_a, RS_STRONG, RS_LABEL_DICT, NULL);
	fake_ref(b, dict_b, RS_STRONG, RS_LABEL_DICT, NULL);
	fake_ref(dict_a, b, RS_STRONG, RS_LABEL_KEY, "_b");
	fake_ref(dict_b, a, RS_STRONG, RS_LABEL_KEY, "_a");
	fake_open(RS_RULES_27, false);
	collect(NULL, 0);
	rs_ck_json(answer, "objects[0].type", "\"A\"");
	rs_ck_json(answer, "objects[1].type", "\"B\"");
	rs_ck_json(answer, "objects[2].id", "\"0x1000c0\"");
	rs_ck_json(answer, "objects[3].id", "\"0x100000\"");
	// The ring begins at an instance, though a dict lies lower.
	cycles(false, 0);
	rs_ck_json(answer, "cycles[0].path[0].object.type", "\"A\"");
	ck_assert_uint_eq(json_length(answer, "cycles[0].path"), 2);
}
END_TEST

START_TEST(a_long_ring_is_cut_short_unless_all_is_asked_for)
{
	enum { RS_LENGTH = 30 };
	unsigned first = 0;

	for (unsigned i = 0; i < RS_LENGTH; i++) {
		const unsigned n = fake_object("node", 1, RS_FAKE_TRACKED);
		first = i ? first : n;
	}
	for (unsigned i = 0; i < RS_LENGTH; i++)
		fake_ref(first + i, first + (i + 1) % RS_LENGTH, RS_STRONG,
			 RS_LABEL_ATTR, "next");
	fake_open(RS_RULES_34, false);
	cycles(false, 1);
	rs_ck_json(answer, "cycles[0].length", "30");
	rs_ck_json(answer, "cycles[0].cuts_total", "30");
	ck_assert_uint_eq(json_length(answer, "cycles[0].path"), 20);
	ck_assert_uint_eq(json_length(answer, "cycles[0].cuts"), 20);
	rs_ck_json(answer, "cycles[0].cuts[19].label", "\".next\"");
	rs_ck_json(answer, "limited", "true");
	cycles(false, 0);
	ck_assert_uint_eq(json_length(answer, "cycles[0].path"), RS_LENGTH);
	ck_assert_uint_eq(json_length(answer, "cycles[0].cuts"), RS_LENGTH);
	rs_ck_json(answer, "limited", "false");
}
END_TEST

START_TEST(collect_lists_as_many_as_asked_for)
{
	fake_story_pair();
	fake_open(RS_RULES_27, false);
	collect(NULL, 3);
	ck_assert_uint_eq(json_length(answer, "objects"), 3);
	rs_ck_json(answer, "limited", "true");
	rs_ck_json(answer, "unreachable", "4");
	collect(NULL, 4);
	rs_ck_json(answer, "limited", "false");
}
END_TEST

START_TEST(since_3_4_the_same_ring_is_freed)
{
	fake_story_pair();
	fake_open(RS_RULES_34, false);
	collect(NULL, 0);
	rs_ck_json(answer, "unreachable", "4");
	rs_ck_json(answer, "uncollectable", "0");
	rs_ck_json(answer, "garbage", "0");
	rs_ck_json(answer, "objects[0].why", "\"freed\"");
	// And by the older rules, for a what-if:
	collect("2.7", 0);
	rs_ck_json(answer, "uncollectable", "4");
	rs_ck_json(answer, "garbage", "2");
	rs_ck_json(answer, "rules", "\"2.7\"");
}
END_TEST

START_TEST(objects_of_a_running_frame_are_no_garbage)
{
	// `_b._a = _a` alone, inside the function: both are in use.
	const unsigned a = fake_instance("CGcLeakA", 2);
	const unsigned b = fake_instance("CGcLeakB", 1);

	fake_assign(b, "_a", a);
	fake_root(a, RS_ROOT_LOCAL, "local _a in f (x.py:3)");
	fake_root(b, RS_ROOT_LOCAL, "local _b in f (x.py:3)");
	fake_open(RS_RULES_27, false);
	collect(NULL, 0);
	rs_ck_json(answer, "unreachable", "0");
	rs_ck_json(answer, "garbage", "0");
	ck_assert_uint_eq(json_length(answer, "objects"), 0);
	cycles(false, 0);
	rs_ck_json(answer, "rings", "0");
}
END_TEST

START_TEST(collect_takes_the_generation_asked_for)
{
	fake_story_pair(); // in generation 1
	fake_open(RS_RULES_27, false);
	rs_ck_ok(rs_answer_collect(fake_session, 0, NULL, 0, &answer));
	rs_ck_json(answer, "unreachable", "0");
	rs_ck_json(answer, "generation", "0");
	rs_text_free(answer);
	rs_ck_ok(rs_answer_collect(fake_session, 1, NULL, 0, &answer));
	rs_ck_json(answer, "unreachable", "4");
}
END_TEST

START_TEST(collect_refuses_what_there_is_not)
{
	fake_story_self();
	fake_open(RS_RULES_27, false);
	rs_ck_error(rs_answer_collect(fake_session, 3, NULL, 0, &answer),
		    RS_EARGUMENT, "generation 3");
	rs_ck_error(rs_answer_collect(fake_session, -1, "3.9", 0, &answer),
		    RS_EARGUMENT, "\"3.9\"");
	ck_assert_ptr_null(answer);
}
END_TEST

START_TEST(saveall_counts_all_as_garbage)
{
	fake_story_pair();
	fake_open(RS_RULES_34, false);
	fake_runtime[0].gc_saveall = true;
	collect(NULL, 0);
	rs_ck_json(answer, "garbage", "4");
	rs_ck_json(answer, "uncollectable", "0");
	cycles(false, 0);
	ck_assert_ptr_nonnull(strstr(answer, "DEBUG_SAVEALL"));
}
END_TEST

START_TEST(tracked_graph_and_full_graph_collect_the_same)
{
	char *first;

	fake_story_self();
	fake_open(RS_RULES_27, false);
	collect(NULL, 0);
	first = answer;
	answer = NULL;
	fake_teardown();
	fake_open(RS_RULES_27, false);
	cycles(false, 0); // makes the full graph
	ck_assert(fake_session->has_all && !fake_session->has_tracked);
	collect(NULL, 0);
	ck_assert_str_eq(answer, first);
	rs_text_free(first);
}
END_TEST

START_TEST(ring_with_itself_folds_its_dict)
{
	fake_story_self();
	fake_open(RS_RULES_27, false);
	cycles(false, 0);
	rs_ck_json(answer, "rings", "1");
	rs_ck_json(answer, "objects", "2");
	rs_ck_json(answer, "cycles[0].objects", "2");
	// The text goes with the ring: nothing else holds it.
	rs_ck_json(answer, "cycles[0].bytes", "144");
	rs_ck_json(answer, "cycles[0].why",
		   "\"a finalizer: <CGcLeak 0x100000>\"");
	ck_assert_uint_eq(json_length(answer, "cycles[0].path"), 1);
	rs_ck_json(answer, "cycles[0].path[0].object.id", "\"0x100000\"");
	rs_ck_json(answer, "cycles[0].path[0].label", "\"._self\"");
	ck_assert_uint_eq(json_length(answer, "cycles[0].members"), 2);
	ck_assert_uint_eq(json_length(answer, "cycles[0].cuts"), 1);
	rs_ck_json(answer, "cycles[0].cuts[0].object.id", "\"0x100000\"");
	rs_ck_json(answer, "cycles[0].cuts[0].label", "\"._self\"");
	rs_ck_json(answer, "cycles[0].cuts[0].to", "\"0x100000\"");
	rs_ck_json(answer, "limited", "false");
}
END_TEST

START_TEST(pair_can_be_cut_at_exactly_the_two_assignments)
{
	fake_story_pair();
	fake_open(RS_RULES_27, false);
	cycles(false, 0);
	rs_ck_json(answer, "rings", "1");
	rs_ck_json(answer, "cycles[0].why",
		   "\"finalizers: <CGcLeakA 0x100000>, <CGcLeakB 0x100080>\"");
	ck_assert_uint_eq(json_length(answer, "cycles[0].path"), 2);
	rs_ck_json(answer, "cycles[0].path[0].object.type", "\"CGcLeakA\"");
	rs_ck_json(answer, "cycles[0].path[0].label", "\"._b\"");
	rs_ck_json(answer, "cycles[0].path[1].object.type", "\"CGcLeakB\"");
	rs_ck_json(answer, "cycles[0].path[1].label", "\"._a\"");
	ck_assert_uint_eq(json_length(answer, "cycles[0].cuts"), 2);
	rs_ck_json(answer, "cycles[0].cuts[0].label", "\"._b\"");
	rs_ck_json(answer, "cycles[0].cuts[0].to", "\"0x100080\"");
	rs_ck_json(answer, "cycles[0].cuts[1].label", "\"._a\"");
	rs_ck_json(answer, "cycles[0].cuts[1].to", "\"0x100000\"");
}
END_TEST

START_TEST(reference_held_twice_is_no_cut)
{
	fake_story_pair();
	fake_object_table[2].count++;
	fake_assign(0, "_again", 2);
	fake_open(RS_RULES_27, false);
	cycles(false, 0);
	ck_assert_uint_eq(json_length(answer, "cycles[0].cuts"), 1);
	rs_ck_json(answer, "cycles[0].cuts[0].label", "\"._a\"");
}
END_TEST

START_TEST(collectable_ring_says_the_collector_has_not_run)
{
	fake_story_pair();
	fake_open(RS_RULES_34, false);
	cycles(false, 0);
	rs_ck_json(answer, "cycles[0].why",
		   "\"it can be freed: the collector has not run\"");
	fake_runtime[0].gc_disabled = true;
	cycles(false, 0);
	ck_assert_ptr_nonnull(strstr(answer, "the collector is disabled"));
}
END_TEST

// After gc.collect() the list holds what could not be freed: no collection
// finds it again, and yet it is the same leak.
static void collected_before(void)
{
	fake_story_pair();
	const unsigned list = fake_object("list", 1, RS_FAKE_TRACKED);

	fake_ref(list, 0, RS_STRONG, RS_LABEL_INDEX, "0");
	fake_ref(list, 2, RS_STRONG, RS_LABEL_INDEX, "1");
	fake_object_table[0].count++;
	fake_object_table[2].count++;
	fake_root(list, RS_ROOT_MODULES, "gc.garbage");
	fake_garbage(0);
	fake_garbage(2);
}

START_TEST(ring_in_the_garbage_list_is_still_a_ring)
{
	collected_before();
	fake_open(RS_RULES_27, false);
	collect(NULL, 0);
	rs_ck_json(answer, "unreachable", "0");
	rs_ck_json(answer, "garbage", "2");
	cycles(false, 0);
	rs_ck_json(answer, "rings", "1");
	rs_ck_json(answer, "objects", "4");
	rs_ck_json(answer, "cycles[0].why",
		   "\"finalizers: <CGcLeakA 0x100000>, <CGcLeakB 0x100080>; "
		   "the garbage list holds it\"");
	ck_assert_uint_eq(json_length(answer, "cycles[0].cuts"), 2);
}
END_TEST

START_TEST(ring_that_a_local_holds_too_is_in_use)
{
	collected_before();
	fake_object_table[0].count++;
	fake_root(0, RS_ROOT_LOCAL, "local x in f (x.py:3)");
	fake_open(RS_RULES_27, false);
	cycles(false, 0);
	rs_ck_json(answer, "rings", "0");
	cycles(true, 0);
	rs_ck_json(answer, "rings", "1");
	rs_ck_json(answer, "cycles[0].why",
		   "\"it is in use: something outside holds it\"");
}
END_TEST

START_TEST(garbage_is_listed_in_order)
{
	static const char *const keys[] = {"total", "garbage[0].id",
					   "garbage[0].text", "limited", NULL};

	collected_before();
	fake_open(RS_RULES_27, false);
	rs_ck_ok(rs_answer_garbage(fake_session, 0, &answer));
	json_has(answer, keys);
	rs_ck_json(answer, "total", "2");
	rs_ck_json(answer, "garbage[1].type", "\"CGcLeakB\"");
	rs_text_free(answer);
	rs_ck_ok(rs_answer_garbage(fake_session, 1, &answer));
	ck_assert_uint_eq(json_length(answer, "garbage"), 1);
	rs_ck_json(answer, "limited", "true");
}
END_TEST

START_TEST(ring_across_runtimes_is_seen_by_no_collector)
{
	const unsigned py = fake_object("Handle", 1, RS_FAKE_TRACKED);
	const unsigned c =
		fake_object("node", 1, RS_FAKE_TRACKED | RS_FAKE_NATIVE);

	fake_ref(py, c, RS_OWNED, RS_LABEL_FIELD, "node");
	fake_ref(c, py, RS_STRONG, RS_LABEL_FIELD, "callback");
	fake_open(RS_RULES_34, true);
	collect(NULL, 0);
	rs_ck_json(answer, "unreachable", "0");
	cycles(false, 0);
	rs_ck_json(answer, "rings", "1");
	rs_ck_json(answer, "cycles[0].path[1].object.runtime", "\"native\"");
	ck_assert_ptr_nonnull(strstr(answer, "no collector sees all of it"));
}
END_TEST

START_TEST(frozen_and_untracked_rings_say_so)
{
	const unsigned a = fake_object("Frozen", 1, RS_FAKE_TRACKED | 3);
	const unsigned b = fake_object("Plain", 1, 0);

	fake_ref(a, a, RS_STRONG, RS_LABEL_ATTR, "me");
	fake_ref(b, b, RS_OWNED, RS_LABEL_FIELD, "me");
	fake_object("list", 1, RS_FAKE_TRACKED);
	fake_ref(2, b, RS_WEAK, RS_LABEL_INDEX, "0");
	fake_root(2, RS_ROOT_MODULES, "module m");
	fake_open(RS_RULES_34, false);
	cycles(false, 0);
	rs_ck_json(answer, "rings", "2");
	ck_assert_ptr_nonnull(strstr(answer, "gc.freeze() hid <Frozen 0x"));
	ck_assert_ptr_nonnull(
		strstr(answer, "<Plain 0x100040> is not tracked"));
}
END_TEST

START_TEST(largest_ring_comes_first)
{
	fake_story_pair();
	const unsigned big = fake_instance("Big", 1);

	fake_assign(big, "me", big);
	fake_object_table[big].size = 1000;
	fake_open(RS_RULES_27, false);
	cycles(false, 1);
	rs_ck_json(answer, "rings", "2");
	rs_ck_json(answer, "objects", "6");
	ck_assert_uint_eq(json_length(answer, "cycles"), 1);
	rs_ck_json(answer, "cycles[0].path[0].object.type", "\"Big\"");
	rs_ck_json(answer, "limited", "true");
}
END_TEST

START_TEST(show_tells_the_leaked_dict)
{
	static const char *const keys[] = {"object.id",
					   "object.type",
					   "object.count",
					   "object.size",
					   "object.gc",
					   "object.text",
					   "object.runtime",
					   "flags[0]",
					   "generation",
					   "unreachable",
					   "references[0].kind",
					   "references[0].label",
					   "references[0].object.id",
					   "total",
					   "limited",
					   NULL};

	fake_story_self();
	fake_object_table[2].text = "'##########'";
	fake_open(RS_RULES_27, false);
	rs_ck_ok(rs_answer_show(fake_session, fake_address(1), 0, &answer));
	json_has(answer, keys);
	rs_ck_json(answer, "object.type", "\"dict\"");
	rs_ck_json(answer, "generation", "1");
	rs_ck_json(answer, "unreachable", "true");
	rs_ck_json(answer, "references[0].label", "\"['_self']\"");
	rs_ck_json(answer, "references[1].label", "\"['_text']\"");
	rs_ck_json(answer, "references[1].object.text", "\"'##########'\"");
	rs_ck_json(answer, "references[1].object.gc", "\"none\"");
	rs_ck_json(answer, "total", "2");
	rs_text_free(answer);
	rs_ck_ok(rs_answer_show(fake_session, fake_address(2), 0, &answer));
	rs_ck_json(answer, "generation", "null");
	rs_ck_json(answer, "unreachable", "false");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("report_story");
	TCase *tc = tcase_create("story");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_long_ring_is_cut_short_unless_all_is_asked_for);
	tcase_add_test(tc, self_reference_leaves_2_unreachable_1_garbage);
	tcase_add_test(tc, pair_lists_instances_before_dicts);
	tcase_add_test(tc, dicts_follow_their_instances_not_their_addresses);
	tcase_add_test(tc, collect_lists_as_many_as_asked_for);
	tcase_add_test(tc, since_3_4_the_same_ring_is_freed);
	tcase_add_test(tc, objects_of_a_running_frame_are_no_garbage);
	tcase_add_test(tc, collect_takes_the_generation_asked_for);
	tcase_add_test(tc, collect_refuses_what_there_is_not);
	tcase_add_test(tc, saveall_counts_all_as_garbage);
	tcase_add_test(tc, tracked_graph_and_full_graph_collect_the_same);
	tcase_add_test(tc, ring_with_itself_folds_its_dict);
	tcase_add_test(tc, pair_can_be_cut_at_exactly_the_two_assignments);
	tcase_add_test(tc, reference_held_twice_is_no_cut);
	tcase_add_test(tc, collectable_ring_says_the_collector_has_not_run);
	tcase_add_test(tc, ring_in_the_garbage_list_is_still_a_ring);
	tcase_add_test(tc, ring_that_a_local_holds_too_is_in_use);
	tcase_add_test(tc, garbage_is_listed_in_order);
	tcase_add_test(tc, ring_across_runtimes_is_seen_by_no_collector);
	tcase_add_test(tc, frozen_and_untracked_rings_say_so);
	tcase_add_test(tc, largest_ring_comes_first);
	tcase_add_test(tc, show_tells_the_leaked_dict);
	suite_add_tcase(suite, tc);
	return rs_ck_run(suite);
}
