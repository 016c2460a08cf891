// SPDX-License-Identifier: MIT
#include "graph/doubts.h"
#include "graph_maker.h"

static const struct rs_collect_options FULL_27 = {.generation = 2,
						  .rules = RS_RULES_27};
static const struct rs_collect_options FULL_34 = {.generation = 2,
						  .rules = RS_RULES_34};

static void ck_totals(const struct rs_graph *graph,
		      const struct rs_collect_options *options,
		      uint64_t unreachable, uint64_t uncollectable,
		      uint64_t garbage)
{
	struct rs_collect_result result;

	rs_ck_ok(rs_graph_collect(graph, options, NULL, &result));
	ck_assert_uint_eq(result.objects, graph->objects);
	ck_assert_uint_eq(result.unreachable, unreachable);
	ck_assert_uint_eq(result.uncollectable, uncollectable);
	ck_assert_uint_eq(result.garbage, garbage);
	rs_collect_result_fini(&result);
}

START_TEST(no_objects_are_no_garbage)
{
	struct rs_maker maker;

	rs_maker_init(&maker, 0);
	ck_totals(rs_maker_finish(&maker), &FULL_27, 0, 0, 0);
	rs_maker_fini(&maker);
}
END_TEST

// An instance with a finalizer whose dict refers back to it.
START_TEST(a_self_ring_with_a_finalizer_is_two_unreachable_and_one_garbage)
{
	struct rs_maker maker;

	rs_maker_init(&maker, 2);
	rs_maker_edge(&maker, 0, 1, RS_STRONG);
	rs_maker_edge(&maker, 1, 0, RS_STRONG);
	maker.flags[0] |= RS_OBJ_FINALIZER | RS_OBJ_INSTANCE;
	struct rs_graph *graph = rs_maker_finish(&maker);
	ck_totals(graph, &FULL_27, 2, 2, 1);
	ck_totals(graph, &FULL_34, 2, 0, 0);
	rs_maker_fini(&maker);
}
END_TEST

// A and B refer to each other through their dicts; both have finalizers.
static void make_pair(struct rs_maker *maker, bool a_to_b, bool b_to_a)
{
	rs_maker_init(maker, 4);
	rs_maker_edge(maker, 0, 1, RS_STRONG);
	rs_maker_edge(maker, 2, 3, RS_STRONG);
	if (a_to_b)
		rs_maker_edge(maker, 1, 2, RS_STRONG);
	if (b_to_a)
		rs_maker_edge(maker, 3, 0, RS_STRONG);
	maker->flags[0] |= RS_OBJ_FINALIZER;
	maker->flags[2] |= RS_OBJ_FINALIZER;
}

START_TEST(a_pair_of_finalizers_is_four_unreachable_and_two_garbage)
{
	struct rs_maker maker;

	make_pair(&maker, true, true);
	struct rs_graph *graph = rs_maker_finish(&maker);
	ck_totals(graph, &FULL_27, 4, 4, 2);
	ck_totals(graph, &FULL_34, 4, 0, 0);
	rs_maker_fini(&maker);
}
END_TEST

// While the rest of the program still holds A, and with one reference gone,
// nothing is unreachable: counting alone does the work.
START_TEST(a_broken_ring_is_no_garbage)
{
	for (int broken = 0; broken < 3; broken++) {
		struct rs_maker maker;

		make_pair(&maker, broken != 0, broken != 1);
		rs_maker_hold(&maker, broken == 0 ? 2 : 0, 1);
		if (broken == 0)
			rs_maker_hold(&maker, 0, 1);
		ck_totals(rs_maker_finish(&maker), &FULL_27, 0, 0, 0);
		rs_maker_fini(&maker);
	}
}
END_TEST

START_TEST(only_what_a_finalizer_reaches_is_kept)
{
	struct rs_maker maker;
	struct rs_collect_result result;

	// 0 <-> 1 (finalizer) -> 2 <-> 3; 4 <-> 5 -> 1.
	rs_maker_init(&maker, 6);
	rs_maker_edge(&maker, 0, 1, RS_STRONG);
	rs_maker_edge(&maker, 1, 0, RS_STRONG);
	rs_maker_edge(&maker, 1, 2, RS_STRONG);
	rs_maker_edge(&maker, 2, 3, RS_STRONG);
	rs_maker_edge(&maker, 3, 2, RS_STRONG);
	rs_maker_edge(&maker, 4, 5, RS_STRONG);
	rs_maker_edge(&maker, 5, 4, RS_STRONG);
	rs_maker_edge(&maker, 5, 1, RS_STRONG);
	maker.flags[1] |= RS_OBJ_FINALIZER;
	rs_ck_ok(rs_graph_collect(rs_maker_finish(&maker), &FULL_27, NULL,
				  &result));
	static const uint8_t want[] = {
		RS_FATE_KEPT, RS_FATE_FINALIZER, RS_FATE_KEPT,
		RS_FATE_KEPT, RS_FATE_FREED,	 RS_FATE_FREED,
	};
	ck_assert_mem_eq(result.fate, want, sizeof(want));
	ck_assert_uint_eq(result.unreachable, 6);
	ck_assert_uint_eq(result.uncollectable, 4);
	ck_assert_uint_eq(result.garbage, 1);
	rs_collect_result_fini(&result);
	rs_maker_fini(&maker);
}
END_TEST

START_TEST(what_cannot_be_freed_is_kept_with_what_it_holds)
{
	static const uint8_t want[] = {RS_FATE_KEPT, RS_FATE_UNFREEABLE,
				       RS_FATE_KEPT, RS_FATE_FREED};
	const struct rs_collect_options *const rules[] = {&FULL_27, &FULL_34};

	// 0 <-> 1 (unfreeable, with a finalizer) -> 2; 3 holds itself.
	for (int i = 0; i < 2; i++) {
		struct rs_maker maker;
		struct rs_collect_result result;

		rs_maker_init(&maker, 4);
		rs_maker_edge(&maker, 0, 1, RS_STRONG);
		rs_maker_edge(&maker, 1, 0, RS_STRONG);
		rs_maker_edge(&maker, 1, 2, RS_STRONG);
		rs_maker_edge(&maker, 3, 3, RS_STRONG);
		maker.flags[1] |= RS_OBJ_FINALIZER | RS_OBJ_UNFREEABLE;
		rs_ck_ok(rs_graph_collect(rs_maker_finish(&maker), rules[i],
					  NULL, &result));
		ck_assert_mem_eq(result.fate, want, sizeof(want));
		ck_assert_uint_eq(result.unreachable, 4);
		ck_assert_uint_eq(result.uncollectable, 3);
		ck_assert_uint_eq(result.garbage, 0);
		rs_collect_result_fini(&result);
		rs_maker_fini(&maker);
	}
}
END_TEST

// An object in the middle of its release: it holds the rest of its list.
START_TEST(an_object_with_count_0_is_in_use)
{
	struct rs_maker maker;
	struct rs_graph *graph;
	struct rs_collect_result result;
	const struct rs_collect_options full = {.generation = 2,
						.rules = RS_RULES_27};

	rs_maker_init(&maker, 4);
	for (uint32_t i = 0; i < 3; i++)
		rs_maker_edge(&maker, i, i + 1, RS_STRONG);
	graph = rs_maker_finish(&maker);
	graph->count[0] = 0;
	rs_ck_ok(rs_graph_collect(graph, &full, NULL, &result));
	ck_assert_uint_eq(result.unreachable, 0);
	rs_collect_result_fini(&result);
	graph->flags[0] |= RS_OBJ_DEFERRED; // a reference that is not counted
	rs_ck_ok(rs_graph_collect(graph, &full, NULL, &result));
	ck_assert_uint_eq(result.unreachable, 4);
	rs_collect_result_fini(&result);
	rs_maker_fini(&maker);
}
END_TEST

START_TEST(a_young_collection_leaves_older_and_frozen_objects_alone)
{
	struct rs_maker maker;

	// Four self-rings, one in each generation and one frozen.
	rs_maker_init(&maker, 4);
	for (uint32_t i = 0; i < 4; i++) {
		rs_maker_edge(&maker, i, i, RS_STRONG);
		maker.flags[i] = (uint16_t)(RS_OBJ_GC | RS_OBJ_TRACKED | i);
	}
	struct rs_graph *graph = rs_maker_finish(&maker);
	for (int generation = 0; generation < 4; generation++) {
		const struct rs_collect_options options = {
			.generation = generation, .rules = RS_RULES_27};
		const int found = generation < 3 ? generation + 1 : 3;

		ck_totals(graph, &options, (uint64_t)found, 0, 0);
	}
	rs_maker_fini(&maker);
}
END_TEST

START_TEST(references_that_traverse_does_not_visit_keep_alive)
{
	static const enum rs_kind kind[] = {RS_OWNED, RS_GUESS};

	for (int k = 0; k < 2; k++) {
		struct rs_maker maker;

		rs_maker_init(&maker, 2);
		rs_maker_edge(&maker, 0, 1, RS_STRONG);
		rs_maker_edge(&maker, 1, 0, kind[k]);
		// A guess is no part of the count the maker tells.
		rs_maker_hold(&maker, 0, kind[k] == RS_GUESS);
		ck_totals(rs_maker_finish(&maker), &FULL_27, 0, 0, 0);
		rs_maker_fini(&maker);
	}
}
END_TEST

START_TEST(weak_references_do_not)
{
	struct rs_maker maker;

	rs_maker_init(&maker, 3);
	rs_maker_edge(&maker, 0, 0, RS_STRONG);
	rs_maker_edge(&maker, 1, 0, RS_WEAK);
	rs_maker_hold(&maker, 1, 1);
	rs_maker_edge(&maker, 2, 0, RS_GUESS);
	rs_maker_hold(&maker, 2, 1);
	ck_totals(rs_maker_finish(&maker), &FULL_27, 1, 0, 0);
	rs_maker_fini(&maker);
}
END_TEST

// A ring and a count that goes far, each with a reference that is dropped.
START_TEST(references_that_a_collection_drops_first_do_not_hold)
{
	static const uint32_t released[] = {0, 2};
	struct rs_maker maker;
	struct rs_graph *graph;

	rs_maker_init(&maker, 4);
	rs_maker_edge(&maker, 0, 1, RS_STRONG);
	rs_maker_edge(&maker, 1, 0, RS_STRONG);
	rs_maker_edge(&maker, 2, 3, RS_STRONG);
	for (unsigned i = 0; i < 300; i++)
		rs_maker_edge(&maker, 3, 2, RS_STRONG);
	graph = rs_maker_finish(&maker);
	graph->count[0]++;
	graph->count[2]++;
	ck_totals(graph, &FULL_27, 0, 0, 0);
	rs_ck_ok(rs_vec_append(&graph->released, released, sizeof(released)));
	ck_totals(graph, &FULL_27, 4, 0, 0);
	rs_maker_fini(&maker);
}
END_TEST

START_TEST(a_count_below_the_references_found_survives)
{
	struct rs_maker maker;

	rs_maker_init(&maker, 2);
	rs_maker_edge(&maker, 0, 1, RS_STRONG);
	rs_maker_edge(&maker, 1, 0, RS_STRONG);
	rs_maker_edge(&maker, 1, 0, RS_STRONG);
	struct rs_graph *graph = rs_maker_finish(&maker);
	graph->count[0] = 1;
	ck_totals(graph, &FULL_27, 0, 0, 0);
	rs_maker_fini(&maker);
}
END_TEST

START_TEST(immortal_and_saturated_counts_survive)
{
	for (int saturated = 0; saturated < 3; saturated++) {
		struct rs_maker maker;

		rs_maker_init(&maker, 2);
		rs_maker_edge(&maker, 0, 1, RS_STRONG);
		rs_maker_edge(&maker, 1, 0, RS_STRONG);
		if (!saturated)
			maker.flags[1] |= RS_OBJ_IMMORTAL;
		struct rs_graph *graph = rs_maker_finish(&maker);
		if (saturated)
			graph->count[1] =
				saturated == 1 ? UINT32_MAX : INT32_MAX;
		ck_totals(graph, &FULL_27, 0, 0, 0);
		rs_maker_fini(&maker);
	}
}
END_TEST

// A count of 0 on an object that is still there: stopped while it was freed,
// with what it alone holds.
START_TEST(what_is_being_freed_is_no_garbage)
{
	for (uint8_t runtime = 0; runtime < 3; runtime++) {
		const struct rs_collect_options options = {
			.generation = 2,
			.rules = RS_RULES_34,
			.runtime = runtime,
		};
		struct rs_maker maker;

		rs_maker_init(&maker, 2);
		rs_maker_edge(&maker, 0, 1, RS_STRONG);
		maker.runtime[0] = maker.runtime[1] = runtime;
		struct rs_graph *graph = rs_maker_finish(&maker);
		ck_assert_uint_eq(graph->count[0], 0);
		ck_totals(graph, &options, 0, 0, 0);
		rs_maker_fini(&maker);
	}
}
END_TEST

// More references than a byte counts, all from inside, one too many, or one
// too few for the count; and the largest that a byte does count.
START_TEST(large_counts_are_exact)
{
	for (uint32_t refs = 238; refs < 262; refs++) {
		for (int more = -1; more <= 1; more++) {
			struct rs_maker maker;

			rs_maker_init(&maker, 2);
			rs_maker_edge(&maker, 0, 1, RS_STRONG);
			for (uint32_t k = 0; k < refs; k++)
				rs_maker_edge(&maker, 1, 0, RS_STRONG);
			struct rs_graph *graph = rs_maker_finish(&maker);
			graph->count[0] += (uint32_t)more;
			ck_totals(graph, &FULL_34, more ? 0 : 2, 0, 0);
			rs_maker_fini(&maker);
		}
	}
}
END_TEST

START_TEST(each_runtime_collects_its_own_objects)
{
	struct rs_maker maker;

	// A ring of each of three runtimes, and one across two of them.
	rs_maker_init(&maker, 5);
	rs_maker_edge(&maker, 0, 0, RS_STRONG);
	rs_maker_edge(&maker, 1, 1, RS_STRONG);
	rs_maker_edge(&maker, 2, 3, RS_STRONG);
	rs_maker_edge(&maker, 3, 2, RS_STRONG);
	rs_maker_edge(&maker, 4, 4, RS_STRONG);
	maker.runtime[0] = maker.runtime[2] = 1;
	maker.runtime[4] = 2;
	struct rs_graph *graph = rs_maker_finish(&maker);
	for (uint8_t runtime = 1; runtime < 3; runtime++) {
		const struct rs_collect_options other = {
			.generation = 2,
			.rules = RS_RULES_34,
			.runtime = runtime,
		};
		ck_totals(graph, &other, 1, 0, 0);
	}
	ck_totals(graph, &FULL_34, 1, 0, 0);
	rs_maker_fini(&maker);
}
END_TEST

START_TEST(an_interrupted_collection_returns_nothing)
{
	struct rs_maker maker;
	struct rs_collect_result result = {0};

	rs_maker_init(&maker, 1);
	rs_ck_error(rs_graph_collect(rs_maker_finish(&maker), &FULL_27,
				     RS_MAKER_STOP, &result),
		    RS_EINTERRUPTED, "collecting");
	ck_assert_ptr_null(result.fate);
	rs_maker_fini(&maker);
}
END_TEST

// The same by the words of the definition, quadratic and more.
struct naive {
	const struct rs_graph *graph;
	bool member[RS_MAKER_OBJECTS];
	uint8_t fate[RS_MAKER_OBJECTS];
};

// Give @p fate to members of fate @p of that a member of @p by refers to.
static void spread(struct naive *naive, uint8_t by, uint8_t of, uint8_t fate)
{
	const struct rs_graph *graph = naive->graph;

	for (bool changed = true; changed;) {
		changed = false;
		for (uint32_t i = 0; i < graph->objects; i++) {
			for (uint32_t e = graph->out_start[i];
			     e < graph->out_start[i + 1]; e++) {
				const uint32_t t =
					rs_edge_target(graph->out[e]);
				const bool from = naive->fate[i] == by ||
						  naive->fate[i] == fate;

				if (rs_edge_kind(graph->out[e]) != RS_STRONG ||
				    !from || naive->fate[t] != of)
					continue;
				naive->fate[t] = fate;
				changed = true;
			}
		}
	}
}

static bool held_from_outside(const struct naive *naive, uint32_t i)
{
	const struct rs_graph *graph = naive->graph;
	uint32_t inside = 0;

	for (uint32_t s = 0; s < graph->objects; s++)
		for (uint32_t e = graph->out_start[s];
		     naive->member[s] && e < graph->out_start[s + 1]; e++)
			inside += graph->out[e] == rs_edge(i, RS_STRONG);
	// A count of 0 is no garbage but what is being freed.
	return (graph->flags[i] & RS_OBJ_IMMORTAL) ||
	       inside != graph->count[i] || !graph->count[i];
}

static void
judge_naively(struct naive *naive, const struct rs_collect_options *options)
{
	const struct rs_graph *graph = naive->graph;
	const uint16_t flag = options->rules == RS_RULES_27 ? RS_OBJ_FINALIZER
							    : RS_OBJ_LEGACY;

	for (uint32_t i = 0; i < graph->objects; i++) {
		const uint16_t flags = graph->flags[i];
		const bool own = rs_graph_runtime(graph, i) == options->runtime;

		naive->member[i] = (flags & RS_OBJ_TRACKED) && own &&
				   (flags & 3) <= options->generation &&
				   (flags & 3) < 3;
		naive->fate[i] =
			naive->member[i] ? RS_FATE_FREED : RS_FATE_OUTSIDE;
	}
	for (uint32_t i = 0; i < graph->objects; i++)
		if (naive->member[i] && held_from_outside(naive, i))
			naive->fate[i] = RS_FATE_REACHABLE;
	spread(naive, RS_FATE_REACHABLE, RS_FATE_FREED, RS_FATE_REACHABLE);
	for (uint32_t i = 0; i < graph->objects; i++)
		if (naive->fate[i] == RS_FATE_FREED) {
			if (graph->flags[i] & RS_OBJ_UNFREEABLE)
				naive->fate[i] = RS_FATE_UNFREEABLE;
			else if (graph->flags[i] & flag)
				naive->fate[i] = RS_FATE_FINALIZER;
		}
	spread(naive, RS_FATE_FINALIZER, RS_FATE_FREED, RS_FATE_KEPT);
	spread(naive, RS_FATE_UNFREEABLE, RS_FATE_FREED, RS_FATE_KEPT);
}

// A ring in each group, and one through both: no collector sees all of that.
START_TEST(each_collector_sees_the_objects_of_its_group_alone)
{
	static const uint8_t group[] = {0, 1, 0, 1};
	struct rs_maker maker;

	rs_maker_init(&maker, 4);
	rs_maker_edge(&maker, 0, 0, RS_STRONG);
	rs_maker_edge(&maker, 1, 1, RS_STRONG);
	rs_maker_edge(&maker, 2, 3, RS_STRONG);
	rs_maker_edge(&maker, 3, 2, RS_STRONG);
	struct rs_graph *graph = rs_maker_finish(&maker);
	ck_totals(graph, &FULL_34, 4, 0, 0);
	for (uint8_t which = 0; which < 3; which++) {
		const struct rs_collect_options options = {
			.generation = 2,
			.rules = RS_RULES_34,
			.group = group,
			.which = which,
		};
		ck_totals(graph, &options, which < 2, 0, 0);
	}
	rs_maker_fini(&maker);
}
END_TEST

START_TEST(chance_graphs_agree_with_the_definition)
{
	uint64_t garbage = 0;

	for (uint64_t seed = 0; seed < 10000; seed++) {
		const struct rs_collect_options options = {
			.generation = (int)(seed % 4) ? 2 : (int)(seed / 4 % 3),
			.rules = seed % 3 ? RS_RULES_27 : RS_RULES_34,
			.runtime = seed % 16 == 15};
		struct rs_maker maker;
		struct rs_collect_result result;
		struct naive naive = {
			.graph = rs_maker_chance(&maker, seed),
		};
		struct rs_error *err =
			rs_graph_collect(naive.graph, &options, NULL, &result);

		if (err)
			ck_abort_msg("%s", rs_error_message(err));
		judge_naively(&naive, &options);
		if (memcmp(result.fate, naive.fate, maker.objects) != 0)
			ck_abort_msg("seed %d: fates differ", (int)seed);
		garbage += result.uncollectable;
		rs_collect_result_fini(&result);
		rs_maker_fini(&maker);
	}
	ck_assert_uint_gt(garbage, 1000); // or the graphs are too tame
}
END_TEST

static void ck_doubts(const struct rs_graph *graph, uint64_t least,
		      uint64_t found, uint64_t most)
{
	struct rs_collect_result result;
	uint64_t held = 0;

	rs_ck_ok(rs_graph_collect(graph, &FULL_34, NULL, &result));
	ck_assert_uint_eq(result.least, result.unreachable);
	rs_ck_ok(rs_graph_doubts(graph, &FULL_34, true, NULL, &result));
	ck_assert_uint_eq(result.least, least);
	ck_assert_uint_eq(result.unreachable, found);
	ck_assert_uint_eq(result.most, most);
	for (uint32_t i = 0; result.held && i < result.objects; i++)
		held += result.held[i];
	ck_assert_uint_eq(held, found - least);
	rs_collect_result_fini(&result);
}

// A ring 0 -> 1 -> 0, from which 2 hangs.
static void make_ring(struct rs_maker *maker, enum rs_kind kind)
{
	rs_maker_init(maker, 3);
	rs_maker_edge(maker, 0, 1, kind);
	rs_maker_edge(maker, 1, 0, RS_STRONG);
	rs_maker_edge(maker, 1, 2, RS_STRONG);
}

START_TEST(what_is_assumed_and_guessed_gives_bounds)
{
	struct rs_maker maker;

	make_ring(&maker, RS_STRONG);
	ck_doubts(rs_maker_finish(&maker), 3, 3, 3);
	maker.graph.flags[0] |= RS_OBJ_INEXACT;
	ck_doubts(&maker.graph, 3, 3, 3);
	maker.graph.flags[0] |= RS_OBJ_ASSUMED;
	ck_doubts(&maker.graph, 0, 3, 3);
	rs_maker_fini(&maker);

	make_ring(&maker, RS_GUESS);
	ck_doubts(rs_maker_finish(&maker), 0, 0, 0);
	maker.graph.flags[0] |= RS_OBJ_INEXACT;
	maker.graph.count[1] = 1;
	ck_doubts(&maker.graph, 0, 0, 3);
	maker.graph.flags[0] |= RS_OBJ_UNTRACKS;
	ck_doubts(&maker.graph, 0, 0, 3);
	rs_maker_fini(&maker);

	// Of what hangs from a ring only the rest is in doubt.
	make_ring(&maker, RS_STRONG);
	rs_maker_finish(&maker);
	maker.graph.flags[2] |= RS_OBJ_INEXACT | RS_OBJ_ASSUMED;
	ck_doubts(&maker.graph, 3, 3, 3);
	rs_maker_fini(&maker);
}
END_TEST

START_TEST(a_guess_too_many_makes_nothing_reachable)
{
	struct rs_maker maker;

	make_ring(&maker, RS_STRONG);
	rs_maker_edge(&maker, 2, 0, RS_GUESS); // not counted
	rs_maker_finish(&maker);
	maker.graph.flags[2] |= RS_OBJ_INEXACT;
	ck_doubts(&maker.graph, 3, 3, 3);
	rs_maker_fini(&maker);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("graph_collect");
	TCase *tcase = tcase_create("collect");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, no_objects_are_no_garbage);
	tcase_add_test(
		tcase,
		a_self_ring_with_a_finalizer_is_two_unreachable_and_one_garbage);
	tcase_add_test(
		tcase,
		a_pair_of_finalizers_is_four_unreachable_and_two_garbage);
	tcase_add_test(tcase, a_broken_ring_is_no_garbage);
	tcase_add_test(tcase, only_what_a_finalizer_reaches_is_kept);
	tcase_add_test(tcase, what_cannot_be_freed_is_kept_with_what_it_holds);
	tcase_add_test(tcase, an_object_with_count_0_is_in_use);
	tcase_add_test(
		tcase,
		a_young_collection_leaves_older_and_frozen_objects_alone);
	tcase_add_test(tcase,
		       references_that_traverse_does_not_visit_keep_alive);
	tcase_add_test(tcase, weak_references_do_not);
	tcase_add_test(tcase,
		       references_that_a_collection_drops_first_do_not_hold);
	tcase_add_test(tcase, a_count_below_the_references_found_survives);
	tcase_add_test(tcase, immortal_and_saturated_counts_survive);
	tcase_add_test(tcase, what_is_being_freed_is_no_garbage);
	tcase_add_test(tcase, large_counts_are_exact);
	tcase_add_test(tcase, each_runtime_collects_its_own_objects);
	tcase_add_test(tcase, an_interrupted_collection_returns_nothing);
	tcase_add_test(tcase,
		       each_collector_sees_the_objects_of_its_group_alone);
	tcase_add_test(tcase, chance_graphs_agree_with_the_definition);
	tcase_add_test(tcase, what_is_assumed_and_guessed_gives_bounds);
	tcase_add_test(tcase, a_guess_too_many_makes_nothing_reachable);
	suite_add_tcase(suite, tcase);
	return rs_ck_run(suite);
}
