// SPDX-License-Identifier: MIT
//
// Questions about one object, over a made-up heap.
#include "fake_runtime.h"
#include "json_check.h"

#include "base/cleanup.h"
#include "refscope/engine.h"

static char *answer; // of the last question

// 0 a list, held by local, a dict twice, a tuple as owned, a guess and a weak
// reference: named 4 of count 6. 5 a class all of them are made of.
static void setup(void)
{
	fake_setup();
	answer = NULL;
	const unsigned list = fake_object("list", 6, RS_FAKE_TRACKED);
	const unsigned dict = fake_object("dict", 1, RS_FAKE_TRACKED);
	const unsigned tuple = fake_object("tuple", 1, RS_FAKE_TRACKED);
	const unsigned odd = fake_object("Odd", 1, RS_OBJ_INEXACT);
	const unsigned ref = fake_object("weakref", 1, RS_FAKE_TRACKED);
	const unsigned class = fake_object("type", 9, RS_OBJ_IMMORTAL);

	fake_ref(dict, tuple, RS_STRONG, RS_LABEL_KEY, "t");
	fake_ref(dict, list, RS_STRONG, RS_LABEL_KEY, "a");
	fake_ref(dict, odd, RS_STRONG, RS_LABEL_KEY, "o");
	fake_ref(dict, list, RS_STRONG, RS_LABEL_KEY, "b");
	fake_ref(dict, ref, RS_STRONG, RS_LABEL_KEY, "r");
	fake_ref(tuple, list, RS_OWNED, RS_LABEL_INDEX, "0");
	fake_ref(odd, list, RS_GUESS, RS_LABEL_FIELD, "word");
	fake_ref(ref, list, RS_WEAK, RS_LABEL_FIELD, "wr_object");
	fake_ref(list, class, RS_STRONG, RS_LABEL_TYPE, NULL);
	fake_root(list, RS_ROOT_LOCAL, "local buf in f (x.py:3)");
	fake_root(dict, RS_ROOT_MODULES, "module m");
}

static void teardown(void)
{
	rs_text_free(answer);
	fake_teardown();
}

static void count(unsigned object, uint64_t limit)
{
	rs_text_free(answer);
	rs_ck_ok(rs_answer_count(fake_session, fake_address(object), limit,
				 &answer));
	ck_assert_msg(json_is_valid(answer), "%s", answer);
}

START_TEST(count_is_named_plus_evidence_plus_unexplained)
{
	fake_open(RS_RULES_34, false);
	count(0, 0);
	rs_ck_json(answer, "count", "6");
	rs_ck_json(answer, "named", "4");
	// The guess explains one.
	rs_ck_json(answer, "evidence", "1");
	rs_ck_json(answer, "words", "1");
	rs_ck_json(answer, "unexplained", "1");
	rs_ck_json(answer, "weak", "1");
	rs_ck_json(answer, "guesses", "1");
	rs_ck_json(answer, "shown", "5");
	rs_ck_json(answer, "limited", "false");
	rs_ck_json(answer, "object.type", "\"list\"");
}
END_TEST

START_TEST(count_names_each_holder_with_its_own_label)
{
	fake_open(RS_RULES_34, false);
	count(0, 0);
	ck_assert_uint_eq(json_length(answer, "holders"), 5);
	rs_ck_json(answer, "holders[0].kind", "\"root\"");
	rs_ck_json(answer, "holders[0].root", "\"local buf in f (x.py:3)\"");
	rs_ck_json(answer, "holders[0].slot", "\"0x5000\"");
	rs_ck_json(answer, "holders[1].kind", "\"strong\"");
	rs_ck_json(answer, "holders[1].label", "\"['a']\"");
	rs_ck_json(answer, "holders[1].object.type", "\"dict\"");
	rs_ck_json(answer, "holders[2].label", "\"['b']\"");
	rs_ck_json(answer, "holders[3].kind", "\"owned\"");
	rs_ck_json(answer, "holders[3].label", "\"[0]\"");
	rs_ck_json(answer, "holders[4].kind", "\"guess\"");
	rs_ck_json(answer, "holders[4].label", "\".word\"");
}
END_TEST

// Adds to the list's holders: a dict that is a module's, behind all its
// functions; a class's; an instance's; one that the interpreter has; nobody's.
static void hold_by_namespaces(void)
{
	static const char *const owner[] = {"<module 'os'>", "<class 'm.Foo'>",
					    NULL, NULL, NULL};
	unsigned dict[5];

	for (unsigned i = 0; i < 5; i++) {
		dict[i] = fake_object("dict", 1, RS_FAKE_TRACKED);
		fake_ref(dict[i], 0, RS_STRONG, RS_LABEL_KEY, "list");
	}
	for (unsigned i = 0; i < 150; i++)
		fake_ref(fake_object("function", 1, RS_FAKE_TRACKED), dict[0],
			 RS_STRONG, RS_LABEL_FIELD, "__globals__");
	for (unsigned i = 0; i < 3; i++) {
		const unsigned o = fake_object(i == 0	? "module"
					       : i == 1 ? "type"
							: "Node",
					       1, RS_FAKE_TRACKED);
		fake_object_table[o].text = owner[i];
		fake_ref(o, 5, RS_STRONG, RS_LABEL_TYPE, NULL);
		fake_ref(o, dict[i], RS_STRONG,
			 i ? RS_LABEL_DICT : RS_LABEL_FIELD,
			 i ? NULL : "__dict__");
	}
	fake_root(dict[3], RS_ROOT_INTERPRETER, "sys.modules");
	fake_root(dict[4], RS_ROOT_LOCAL, "local d in f (x.py:3)");
}

START_TEST(dict_says_whose_it_is)
{
	hold_by_namespaces();
	fake_open(RS_RULES_34, false);
	count(0, 0);
	rs_ck_json(answer, "holders[5].label", "\"['list']\"");
	rs_ck_json(answer, "holders[5].object.of", "\"module os\"");
	rs_ck_json(answer, "holders[6].object.of", "\"class m.Foo\"");
	rs_ck_json(answer, "holders[7].object.of", "\"Node 0x1028c0\"");
	rs_ck_json(answer, "holders[8].object.of", "\"sys.modules\"");
	rs_ck_json(answer, "holders[9].object.type", "\"dict\"");
	ck_assert_ptr_null(json_at(answer, "holders[9].object.of"));
	rs_ck_json(answer, "holders[1].object.of", "\"module m\"");
	ck_assert_ptr_null(json_at(answer, "object.of"));
	rs_text_free(answer);
	rs_ck_ok(rs_answer_show(fake_session, fake_address(6), 0, &answer));
	rs_ck_json(answer, "object.of", "\"module os\"");
}
END_TEST

// To ask who holds a dict is to read those who do, but not all of many.
START_TEST(whose_a_dict_is_costs_few_reads)
{
	hold_by_namespaces();
	fake_open(RS_RULES_34, false);
	count(0, 0);
	const unsigned before = fake_reads;
	count(0, 0);
	ck_assert_uint_le(fake_reads - before, 40);
}
END_TEST

START_TEST(count_says_when_it_shows_less)
{
	fake_open(RS_RULES_34, false);
	count(0, 2);
	ck_assert_uint_eq(json_length(answer, "holders"), 2);
	rs_ck_json(answer, "shown", "2");
	rs_ck_json(answer, "named", "4");
	rs_ck_json(answer, "limited", "true");
}
END_TEST

START_TEST(over_decref_is_negative)
{
	fake_object_table[2].count = 0;
	fake_open(RS_RULES_34, false);
	count(2, 0);
	rs_ck_json(answer, "unexplained", "-1");
}
END_TEST

START_TEST(immortal_count_says_nothing)
{
	int64_t n = 7;

	fake_open(RS_RULES_34, false);
	count(5, 0);
	rs_ck_json(answer, "count", "null");
	rs_ck_json(answer, "object.count", "null");
	rs_ck_json(answer, "unexplained", "0");
	rs_ck_ok(rs_number_count(fake_session, fake_address(5), &n));
	ck_assert_int_eq(n, -1);
}
END_TEST

START_TEST(numbers_agree_with_answers)
{
	const uint64_t list = fake_address(0);
	int64_t n = 0;

	fake_open(RS_RULES_34, false);
	rs_ck_ok(rs_number_count(fake_session, list, &n));
	ck_assert_int_eq(n, 6);
	// A condition on a count must not read the whole heap.
	ck_assert(!fake_session->has_all);
	ck_assert_uint_eq(fake_reads, 1);
	rs_ck_ok(rs_number_unexplained(fake_session, list, &n));
	ck_assert_int_eq(n, 1);
	rs_ck_ok(rs_number_count(fake_session, list, &n));
	ck_assert_int_eq(n, 6);
	rs_ck_ok(rs_number_reachable(fake_session, list, &n));
	ck_assert_int_eq(n, 2);
	rs_ck_ok(rs_number_garbage(fake_session, list, &n));
	ck_assert_int_eq(n, 0);
}
END_TEST

START_TEST(garbage_number_is_1_for_what_a_collection_finds)
{
	int64_t n = 0;

	fake_setup();
	fake_story_self();
	fake_open(RS_RULES_34, false);
	rs_ck_ok(rs_number_garbage(fake_session, fake_address(0), &n));
	ck_assert_int_eq(n, 1);
}
END_TEST

START_TEST(address_of_nothing_names_the_nearest_object)
{
	fake_open(RS_RULES_34, false);
	rs_ck_error(
		rs_answer_count(fake_session, fake_address(1) + 50, 0, &answer),
		RS_ENOTFOUND,
		"no object at 0x100072: it is mapped, but no collector tracks "
		"an object there, and no reference leads to it; "
		"the nearest object is <tuple 0x100080> (48 bytes), 14 bytes "
		"above");
	rs_ck_error(
		rs_answer_show(fake_session, fake_address(2) - 8, 0, &answer),
		RS_ENOTFOUND, "<tuple 0x100080> (48 bytes), 8 bytes above");
	rs_ck_error(
		rs_answer_why(fake_session, fake_address(5) + 48, 0, &answer),
		RS_ENOTFOUND, "<type 0x100140> (48 bytes), 48 bytes below");
	ck_assert_ptr_null(answer);
}
END_TEST

START_TEST(address_in_an_object_names_it)
{
	// With its table, which lies elsewhere.
	fake_object_table[0].size = 60;
	fake_open(RS_RULES_34, false);
	rs_ck_error(
		rs_answer_show(fake_session, fake_address(1) + 8, 0, &answer),
		RS_ENOTFOUND,
		"no object at 0x100048: it is inside <dict 0x100040> (8 bytes "
		"in); try that");
	rs_ck_error(
		rs_answer_why(fake_session, fake_address(2) + 47, 0, &answer),
		RS_ENOTFOUND, "inside <tuple 0x100080> (47 bytes in)");
	rs_ck_error(
		rs_answer_show(fake_session, fake_address(0) + 39, 0, &answer),
		RS_ENOTFOUND, "inside <list 0x100000> (39 bytes in)");
	rs_ck_error(
		rs_answer_show(fake_session, fake_address(0) + 41, 0, &answer),
		RS_ENOTFOUND, "the nearest object is");
	ck_assert_ptr_null(answer);
}
END_TEST

START_TEST(address_outside_the_target_is_not_mapped)
{
	int64_t n = 7;

	fake_open(RS_RULES_34, false);
	rs_ck_error(rs_answer_referrers(fake_session, 8, 1, 0, &answer),
		    RS_ENOTFOUND, "0x8: nothing readable is mapped there");
	rs_ck_error(rs_answer_reachable(fake_session, UINT64_MAX, 0, false, 0,
					&answer),
		    RS_ENOTFOUND, "0xffffffffffffffff");
	rs_ck_error(rs_number_count(fake_session, 1, &n), RS_ENOTFOUND,
		    "nothing readable");
	ck_assert_int_eq(n, 7);
}
END_TEST

START_TEST(referrers_are_a_tree_that_opens_each_object_once)
{
	fake_object_table[2].count++;
	fake_ref(0, 2, RS_STRONG, RS_LABEL_INDEX, "9"); // list -> tuple: a ring
	fake_open(RS_RULES_34, false);
	rs_ck_ok(rs_answer_referrers(fake_session, fake_address(0), 3, 0,
				     &answer));
	ck_assert_msg(json_is_valid(answer), "%s", answer);
	rs_ck_json(answer, "total", "6");
	rs_ck_json(answer, "limited", "false");
	ck_assert_uint_eq(json_length(answer, "referrers"), 6);
	rs_ck_json(answer, "referrers[0].kind", "\"root\"");
	rs_ck_json(answer, "referrers[1].label", "\"['a']\"");
	// The dict's own, then nothing more the second time.
	rs_ck_json(answer, "referrers[1].referrers[0].root", "\"module m\"");
	rs_ck_json(answer, "referrers[2].label", "\"['b']\"");
	rs_ck_json(answer, "referrers[2].seen", "true");
	rs_ck_json(answer, "referrers[3].object.type", "\"tuple\"");
	rs_ck_json(answer, "referrers[3].referrers[0].object.type", "\"list\"");
	rs_ck_json(answer, "referrers[3].referrers[0].label", "\"[9]\"");
	rs_ck_json(answer, "referrers[3].referrers[0].seen", "true");
	rs_ck_json(answer, "referrers[5].kind", "\"weak\"");
}
END_TEST

START_TEST(referrers_keep_to_the_depth_and_the_limit)
{
	fake_open(RS_RULES_34, false);
	rs_ck_ok(rs_answer_referrers(fake_session, fake_address(0), 1, 2,
				     &answer));
	ck_assert_uint_eq(json_length(answer, "referrers"), 2);
	rs_ck_json(answer, "total", "6");
	rs_ck_json(answer, "limited", "true");
	ck_assert_ptr_null(json_at(answer, "referrers[1].referrers"));
	rs_text_free(answer);
	rs_ck_ok(rs_answer_referrers(fake_session, fake_address(0), 1000, 0,
				     &answer));
	ck_assert(json_is_valid(answer));
	rs_ck_json(answer, "limited", "true"); // deeper than any tree goes
}
END_TEST

// 0 is held by 10, each of those by 10 others.
START_TEST(referrers_keep_the_whole_tree_to_its_limit)
{
	unsigned shown = 0;

	fake_setup();
	fake_object("list", 10, RS_FAKE_TRACKED);
	for (unsigned i = 0; i < 110; i++)
		fake_ref(fake_object("node", 1, RS_FAKE_TRACKED),
			 i < 10 ? 0 : (i - 10) / 10 + 1, RS_STRONG,
			 RS_LABEL_FIELD, "next");
	fake_open(RS_RULES_34, false);
	rs_ck_ok(rs_answer_referrers(fake_session, fake_address(0), 2, 0,
				     &answer));
	rs_ck_json(answer, "limited", "false");
	rs_ck_json(answer, "referrers[9].referrers[9].object.type", "\"node\"");
	rs_text_free(answer);
	// Lists of 10 are shorter than the limit; so much is not cut.
	rs_ck_ok(rs_answer_referrers(fake_session, fake_address(0), 2, 10,
				     &answer));
	rs_ck_json(answer, "limited", "false");
	rs_text_free(answer);
	fake_teardown();
	fake_setup();
	// Each is held by two.
	for (unsigned i = 0; i < 200; i++) {
		fake_object("node", 2, RS_FAKE_TRACKED);
		if (i)
			fake_ref(i, (i - 1) / 2, RS_STRONG, RS_LABEL_FIELD,
				 "next");
	}
	fake_open(RS_RULES_34, false);
	rs_ck_ok(rs_answer_referrers(fake_session, fake_address(0), 24, 2,
				     &answer));
	ck_assert_msg(json_is_valid(answer), "%s", answer);
	rs_ck_json(answer, "limited", "true");
	for (const char *p = answer; (p = strstr(p, "\"kind\"")); p++)
		shown++;
	ck_assert_uint_le(shown, 2 * 25 + 2);
	ck_assert_uint_ge(shown, 2 * 25);
	// All of the first level is there.
	ck_assert_uint_eq(json_length(answer, "referrers"), 2);
}
END_TEST

START_TEST(why_names_root_and_each_step)
{
	static const char *const keys[] = {"object.id",
					   "alive",
					   "paths[0].root",
					   "paths[0].kind",
					   "paths[0].steps[0].object.id",
					   "garbage",
					   "held",
					   "limited",
					   NULL};

	fake_open(RS_RULES_34, false);
	rs_ck_ok(rs_answer_why(fake_session, fake_address(2), 0, &answer));
	json_has(answer, keys);
	rs_ck_json(answer, "alive", "true");
	rs_ck_json(answer, "garbage", "false");
	ck_assert_uint_eq(json_length(answer, "paths"), 1);
	rs_ck_json(answer, "paths[0].root", "\"module m\"");
	rs_ck_json(answer, "paths[0].kind", "\"modules\"");
	rs_ck_json(answer, "paths[0].steps[0].object.type", "\"dict\"");
	rs_ck_json(answer, "paths[0].steps[0].label", "\"['t']\"");
	rs_ck_json(answer, "paths[0].steps[1].object.type", "\"tuple\"");
	ck_assert_ptr_null(json_at(answer, "paths[0].steps[1].label"));
	rs_text_free(answer);
	rs_ck_ok(rs_answer_why(fake_session, fake_address(0), 1, &answer));
	ck_assert_uint_eq(json_length(answer, "paths"), 1);
	rs_ck_json(answer, "paths[0].kind", "\"local\"");
	rs_ck_json(answer, "limited", "true");
}
END_TEST

START_TEST(why_tells_garbage_and_what_only_garbage_holds)
{
	fake_setup();
	fake_story_self();
	fake_open(RS_RULES_27, false);
	for (unsigned i = 0; i < 3; i++) { // instance, dict and its text
		rs_text_free(answer);
		rs_ck_ok(rs_answer_why(fake_session, fake_address(i), 0,
				       &answer));
		rs_ck_json(answer, "alive", "false");
		rs_ck_json(answer, "garbage", "true");
		ck_assert_uint_eq(json_length(answer, "paths"), 0);
	}
}
END_TEST

START_TEST(why_names_who_is_held_by_something_not_known)
{
	fake_setup();
	fake_story_self();
	fake_object_table[0].count += 2; // C code has it
	fake_open(RS_RULES_27, false);
	rs_ck_ok(rs_answer_why(fake_session, fake_address(2), 0, &answer));
	ck_assert_msg(json_is_valid(answer), "%s", answer);
	rs_ck_json(answer, "alive", "false");
	rs_ck_json(answer, "garbage", "false");
	ck_assert_uint_eq(json_length(answer, "held"), 1);
	rs_ck_json(answer, "held[0].object.type", "\"CGcLeak\"");
	rs_ck_json(answer, "held[0].unexplained", "2");
}
END_TEST

static bool
stop_at_holders(void *context, const char *phase, uint64_t done, uint64_t total)
{
	(void)context;
	(void)done;
	(void)total;
	return strcmp(phase, "looking for holders") != 0;
}

START_TEST(why_can_be_interrupted_on_the_way_back)
{
	fake_setup();
	fake_story_self();
	fake_object_table[0].count += 2;
	fake_open(RS_RULES_27, false);
	fake_session->progress.fn = stop_at_holders;
	rs_ck_error(rs_answer_why(fake_session, fake_address(2), 0, &answer),
		    RS_EINTERRUPTED, "interrupted");
	fake_session->progress.fn = NULL;
	rs_ck_ok(rs_answer_why(fake_session, fake_address(2), 0, &answer));
	rs_ck_json(answer, "held[0].unexplained", "2");
}
END_TEST

// A ring of two runtimes: each collector sees the other's half as held.
START_TEST(why_tells_a_ring_across_runtimes_as_garbage)
{
	fake_setup();
	const unsigned py = fake_object("Handle", 1, RS_FAKE_TRACKED);
	const unsigned c =
		fake_object("node", 1, RS_FAKE_TRACKED | RS_FAKE_NATIVE);
	const unsigned text = fake_object("str", 1, 0);

	fake_ref(py, c, RS_OWNED, RS_LABEL_FIELD, "node");
	fake_ref(py, text, RS_STRONG, RS_LABEL_FIELD, "text");
	fake_ref(c, py, RS_STRONG, RS_LABEL_FIELD, "callback");
	fake_open(RS_RULES_34, true);
	for (unsigned i = 0; i < 3; i++) {
		rs_text_free(answer);
		rs_ck_ok(rs_answer_why(fake_session, fake_address(i), 0,
				       &answer));
		rs_ck_json(answer, "alive", "false");
		rs_ck_json(answer, "garbage", "true");
		ck_assert_uint_eq(json_length(answer, "held"), 0);
	}
	rs_text_free(answer);
	rs_ck_ok(rs_answer_types(fake_session, "name", 0, &answer));
	rs_ck_json(answer, "types[0].type", "\"Handle\"");
	rs_ck_json(answer, "types[0].unreachable", "0");
	rs_ck_json(answer, "types[1].unreachable", "0");
	rs_ck_json(answer, "unseen", "2");
	rs_text_free(answer);
	rs_ck_ok(rs_answer_cycles(fake_session, false, 0, &answer));
	rs_ck_json(answer, "unseen", "2");
}
END_TEST

START_TEST(reachable_parts_retained_from_shared)
{
	static const char *const keys[] = {"object.id",
					   "objects",
					   "bytes",
					   "depth",
					   "retained.objects",
					   "retained.bytes",
					   "shared.objects",
					   "shared.bytes",
					   "types[0].type",
					   "types[0].bytes",
					   "types[0].objects",
					   "list",
					   "limited",
					   NULL};

	fake_open(RS_RULES_34, false);
	rs_ck_ok(rs_answer_reachable(fake_session, fake_address(1), 0, true, 0,
				     &answer));
	json_has(answer, keys);
	// The dict, its tuple, Odd and weakref go; the list and its class stay.
	rs_ck_json(answer, "objects", "6");
	rs_ck_json(answer, "bytes", "288");
	rs_ck_json(answer, "depth", "null");
	rs_ck_json(answer, "retained.objects", "4");
	rs_ck_json(answer, "shared.objects", "2");
	rs_ck_json(answer, "shared.bytes", "96");
	rs_ck_json(answer, "list[0].depth", "0");
	rs_ck_json(answer, "list[5].object.type", "\"type\"");
	rs_ck_json(answer, "list[5].depth", "2");
	rs_text_free(answer);
	rs_ck_ok(rs_answer_reachable(fake_session, fake_address(1), 1, false, 2,
				     &answer));
	rs_ck_json(answer, "objects", "5");
	rs_ck_json(answer, "depth", "1");
	ck_assert_uint_eq(json_length(answer, "types"), 2);
	ck_assert_uint_eq(json_length(answer, "list"), 0);
	rs_ck_json(answer, "limited", "true");
}
END_TEST

START_TEST(types_are_sorted_and_summed)
{
	static const char *const keys[] = {"objects",
					   "bytes",
					   "types[0].type",
					   "types[0].id",
					   "types[0].objects",
					   "types[0].bytes",
					   "types[0].unreachable",
					   "types[0].runtime",
					   "total",
					   "limited",
					   NULL};

	fake_object_table[2].size = 4096;
	fake_object_table[3].type = "dict";
	fake_open(RS_RULES_34, false);
	rs_ck_ok(rs_answer_types(fake_session, "count", 0, &answer));
	json_has(answer, keys);
	rs_ck_json(answer, "types[0].type", "\"dict\"");
	rs_ck_json(answer, "types[0].objects", "2");
	rs_ck_json(answer, "types[1].type", "\"list\""); // ties by name
	rs_ck_json(answer, "objects", "6");
	rs_ck_json(answer, "total", "5");
	rs_text_free(answer);
	rs_ck_ok(rs_answer_types(fake_session, "bytes", 1, &answer));
	rs_ck_json(answer, "types[0].type", "\"tuple\"");
	rs_ck_json(answer, "types[0].bytes", "4096");
	rs_ck_json(answer, "limited", "true");
	rs_text_free(answer);
	rs_ck_ok(rs_answer_types(fake_session, "name", 0, &answer));
	rs_ck_json(answer, "types[4].type", "\"weakref\"");
	rs_text_free(rs_take(&answer));
	rs_ck_error(rs_answer_types(fake_session, "age", 0, &answer),
		    RS_EARGUMENT, "\"age\"");
}
END_TEST

static void show(unsigned object)
{
	rs_text_free(answer);
	rs_ck_ok(
		rs_answer_show(fake_session, fake_address(object), 0, &answer));
	ck_assert_msg(json_is_valid(answer), "%s", answer);
}

// 1 shows memory of 0, 2 memory of nobody, 3 a mapping; 4 shows its own.
START_TEST(show_says_whose_memory_a_view_shows)
{
	fake_object_table[1].viewed =
		(struct rs_viewed){.bytes = 4096, .of = fake_address(0)};
	fake_object_table[2].viewed = (struct rs_viewed){.bytes = 24};
	fake_object_table[3].viewed =
		(struct rs_viewed){.bytes = UINT64_C(5) << 32, .mapped = true};
	fake_open(RS_RULES_34, false);
	show(1);
	rs_ck_json(answer, "views.bytes", "4096");
	rs_ck_json(answer, "views.object.type", "\"list\"");
	rs_ck_json(answer, "object.size", "48");
	show(2);
	rs_ck_json(answer, "views.object", "null");
	show(3);
	rs_ck_json(answer, "maps.bytes", "21474836480");
	ck_assert_ptr_null(json_at(answer, "views"));
	show(4);
	ck_assert_ptr_null(json_at(answer, "views"));
	ck_assert_ptr_null(json_at(answer, "maps"));
}
END_TEST

// Sizes of 4 GiB and more, above, at and below the last that needs no table.
START_TEST(sizes_have_64_bits)
{
	fake_object_table[1].size = UINT64_C(5) << 32;
	fake_object_table[2].size = UINT32_MAX;
	fake_object_table[4].size = UINT32_MAX - 1;
	fake_open(RS_RULES_34, false);
	count(1, 0);
	rs_ck_json(answer, "object.size", "21474836480");
	ck_assert_ptr_null(json_at(answer, "problems"));
	count(2, 0);
	rs_ck_json(answer, "object.size", "4294967295");
	count(4, 0);
	rs_ck_json(answer, "object.size", "4294967294");
	count(0, 0);
	rs_ck_json(answer, "object.size", "48");
	rs_text_free(answer);
	rs_ck_ok(rs_answer_types(fake_session, "bytes", 0, &answer));
	rs_ck_json(answer, "types[0].type", "\"dict\"");
	rs_ck_json(answer, "types[0].bytes", "21474836480");
	rs_ck_json(answer, "types[1].type", "\"tuple\"");
	rs_text_free(answer);
	rs_ck_ok(rs_answer_reachable(fake_session, fake_address(2), 0, false, 0,
				     &answer));
	rs_ck_json(answer, "bytes", "4294967391");
}
END_TEST

START_TEST(info_and_gc_have_their_members)
{
	static const char *const info[] = {"source",
					   "runtimes[0].name",
					   "runtimes[0].version",
					   "runtimes[0].gc.enabled",
					   "runtimes[1].name",
					   "objects",
					   "tracked",
					   "references",
					   "bytes",
					   "dropped",
					   "problems",
					   NULL};
	static const char *const gc[] = {"runtimes[0].name",
					 "runtimes[1].enabled", NULL};

	fake_open(RS_RULES_34, true);
	rs_ck_ok(rs_answer_gc(fake_session, &answer));
	json_has(answer, gc);
	ck_assert(!fake_session->has_all);
	rs_text_free(answer);
	rs_ck_ok(rs_answer_info(fake_session, &answer));
	json_has(answer, info);
	rs_ck_json(answer, "objects", "6");
	rs_ck_json(answer, "tracked", "4");
	rs_ck_json(answer, "references", "9");
	rs_ck_json(answer, "bytes", "288");
	rs_ck_json(answer, "source", "\"core fake\"");
}
END_TEST

START_TEST(resolve_asks_every_runtime)
{
	const unsigned n =
		fake_object("node", 0, RS_FAKE_TRACKED | RS_FAKE_NATIVE);

	fake_object_table[n].text = "pool.head";
	fake_open(RS_RULES_34, true);
	rs_ck_ok(rs_answer_resolve(fake_session, "pool.head", &answer));
	rs_ck_json(answer, "object.runtime", "\"native\"");
	rs_text_free(rs_take(&answer));
	rs_ck_error(rs_answer_resolve(fake_session, "x.y", &answer),
		    RS_ENOTFOUND, "cpython: no x.y");
	ck_assert_ptr_null(answer);
}
END_TEST

static bool
stop(void *context, const char *phase, uint64_t done, uint64_t total)
{
	(void)context;
	(void)phase;
	(void)done;
	(void)total;
	return false;
}

START_TEST(question_can_be_interrupted_and_asked_again)
{
	fake_open(RS_RULES_34, false);
	fake_session->progress.fn = stop;
	rs_ck_error(rs_answer_count(fake_session, fake_address(0), 0, &answer),
		    RS_EINTERRUPTED, "interrupted");
	fake_session->progress.fn = NULL;
	count(0, 0);
	rs_ck_json(answer, "named", "4");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("report_ledger");
	TCase *tc = tcase_create("object");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, count_is_named_plus_evidence_plus_unexplained);
	tcase_add_test(tc, count_names_each_holder_with_its_own_label);
	tcase_add_test(tc, count_says_when_it_shows_less);
	tcase_add_test(tc, dict_says_whose_it_is);
	tcase_add_test(tc, whose_a_dict_is_costs_few_reads);
	tcase_add_test(tc, over_decref_is_negative);
	tcase_add_test(tc, immortal_count_says_nothing);
	tcase_add_test(tc, numbers_agree_with_answers);
	tcase_add_test(tc, garbage_number_is_1_for_what_a_collection_finds);
	tcase_add_test(tc, address_of_nothing_names_the_nearest_object);
	tcase_add_test(tc, address_in_an_object_names_it);
	tcase_add_test(tc, address_outside_the_target_is_not_mapped);
	tcase_add_test(tc, referrers_are_a_tree_that_opens_each_object_once);
	tcase_add_test(tc, referrers_keep_to_the_depth_and_the_limit);
	tcase_add_test(tc, referrers_keep_the_whole_tree_to_its_limit);
	tcase_add_test(tc, why_names_root_and_each_step);
	tcase_add_test(tc, why_tells_garbage_and_what_only_garbage_holds);
	tcase_add_test(tc, why_names_who_is_held_by_something_not_known);
	tcase_add_test(tc, why_can_be_interrupted_on_the_way_back);
	tcase_add_test(tc, why_tells_a_ring_across_runtimes_as_garbage);
	tcase_add_test(tc, reachable_parts_retained_from_shared);
	tcase_add_test(tc, types_are_sorted_and_summed);
	tcase_add_test(tc, show_says_whose_memory_a_view_shows);
	tcase_add_test(tc, sizes_have_64_bits);
	tcase_add_test(tc, info_and_gc_have_their_members);
	tcase_add_test(tc, resolve_asks_every_runtime);
	tcase_add_test(tc, question_can_be_interrupted_and_asked_again);
	suite_add_tcase(suite, tc);
	return rs_ck_run(suite);
}
