// SPDX-License-Identifier: MIT
#include "graph_maker.h"

#define numbers(vec) rs_vec_items(vec, uint32_t)
#define count_of(vec) rs_vec_count(vec, uint32_t)

static bool contains(const struct rs_vec *vec, uint32_t object)
{
	for (size_t k = 0; k < count_of(vec); k++)
		if (numbers(vec)[k] == object)
			return true;
	return false;
}

START_TEST(the_way_back_lists_every_reference_once)
{
	struct rs_maker maker;

	rs_maker_init(&maker, 3);
	rs_maker_edge(&maker, 2, 0, RS_STRONG);
	rs_maker_edge(&maker, 1, 0, RS_WEAK);
	rs_maker_edge(&maker, 2, 0, RS_STRONG);
	rs_maker_edge(&maker, 0, 0, RS_OWNED);
	rs_maker_edge(&maker, 0, 2, RS_GUESS);
	struct rs_graph *graph = rs_maker_finish(&maker);
	rs_ck_ok(rs_graph_reverse(graph, NULL));
	static const uint32_t start[] = {0, 4, 4, 5};
	const uint32_t in[] = {
		rs_edge(0, RS_OWNED),  rs_edge(1, RS_WEAK),
		rs_edge(2, RS_STRONG), rs_edge(2, RS_STRONG),
		rs_edge(0, RS_GUESS),
	};
	ck_assert_mem_eq(graph->in_start, start, sizeof(start));
	ck_assert_mem_eq(graph->in, in, sizeof(in));
	const uint32_t *before = graph->in;
	rs_ck_ok(rs_graph_reverse(graph, RS_MAKER_STOP)); // no work
	ck_assert_ptr_eq(graph->in, before);
	rs_maker_fini(&maker);
}
END_TEST

START_TEST(an_interrupted_reversal_leaves_the_graph_as_it_was)
{
	struct rs_maker maker;

	rs_maker_init(&maker, 1);
	rs_maker_edge(&maker, 0, 0, RS_STRONG);
	struct rs_graph *graph = rs_maker_finish(&maker);
	rs_ck_error(rs_graph_reverse(graph, RS_MAKER_STOP), RS_EINTERRUPTED,
		    "interrupted");
	ck_assert_ptr_null(graph->in);
	ck_assert_ptr_null(graph->in_start);
	rs_maker_fini(&maker);
}
END_TEST

START_TEST(an_empty_graph_can_be_reversed_and_tallied)
{
	struct rs_maker maker;
	struct rs_tally tally[RS_MAKER_TYPES];

	rs_maker_init(&maker, 0);
	struct rs_graph *graph = rs_maker_finish(&maker);
	rs_ck_ok(rs_graph_reverse(graph, NULL));
	rs_graph_types(graph, NULL, tally);
	ck_assert_uint_eq(tally[0].objects, 0);
	rs_maker_fini(&maker);
}
END_TEST

// 0 -> 1 -> 2 -> 3 -> 0, 1 -> 3, 2 ~> 4 (weak), 3 => 5 (owned).
static struct rs_graph *make_walk(struct rs_maker *maker)
{
	rs_maker_init(maker, 6);
	rs_maker_edge(maker, 0, 1, RS_STRONG);
	rs_maker_edge(maker, 1, 2, RS_STRONG);
	rs_maker_edge(maker, 1, 3, RS_STRONG);
	rs_maker_edge(maker, 2, 3, RS_STRONG);
	rs_maker_edge(maker, 2, 4, RS_WEAK);
	rs_maker_edge(maker, 3, 0, RS_STRONG);
	rs_maker_edge(maker, 3, 5, RS_OWNED);
	return rs_maker_finish(maker);
}

START_TEST(reachable_objects_come_level_by_level)
{
	static const uint32_t objects[] = {0, 1, 2, 3, 5};
	static const uint32_t levels[] = {0, 1, 2, 2, 3};
	struct rs_maker maker;
	struct rs_vec list = {0};
	struct rs_vec level = {0};
	struct rs_graph *graph = make_walk(&maker);

	rs_ck_ok(rs_graph_reachable(graph, 0, UINT32_MAX, NULL, &list, &level));
	ck_assert_uint_eq(count_of(&list), 5);
	ck_assert_uint_eq(count_of(&level), 5);
	ck_assert_mem_eq(list.data, objects, sizeof(objects));
	ck_assert_mem_eq(level.data, levels, sizeof(levels));

	// Appended, to a depth, without levels.
	rs_ck_ok(rs_graph_reachable(graph, 0, 2, NULL, &list, NULL));
	ck_assert_uint_eq(count_of(&list), 5 + 4);
	ck_assert_mem_eq(numbers(&list) + 5, objects, 4 * sizeof(*objects));
	rs_ck_ok(rs_graph_reachable(graph, 4, 0, NULL, &list, NULL));
	ck_assert_uint_eq(count_of(&list), 5 + 4 + 1);
	rs_vec_fini(&list);
	rs_vec_fini(&level);
	rs_maker_fini(&maker);
}
END_TEST

START_TEST(an_interrupted_walk_appends_nothing)
{
	struct rs_maker maker;
	struct rs_vec list = {0};
	struct rs_vec level = {0};
	struct rs_graph *graph = make_walk(&maker);

	*(uint32_t *)rs_vec_push(&list, sizeof(uint32_t)) = 0;
	rs_ck_error(
		rs_graph_reachable(graph, 0, 9, RS_MAKER_STOP, &list, &level),
		RS_EINTERRUPTED, "references");
	rs_ck_error(rs_graph_retained(graph, 0, numbers(&list), 1,
				      RS_MAKER_STOP, &list),
		    RS_EINTERRUPTED, "retained");
	rs_ck_ok(rs_graph_reverse(graph, NULL));
	rs_ck_error(rs_graph_paths(graph, 0, 1, RS_MAKER_STOP, &list, &level),
		    RS_EINTERRUPTED, "roots");
	ck_assert_uint_eq(count_of(&list), 1);
	ck_assert_uint_eq(count_of(&level), 0);
	rs_vec_fini(&list);
	rs_vec_fini(&level);
	rs_maker_fini(&maker);
}
END_TEST

START_TEST(retained_is_what_nobody_else_holds)
{
	static const uint32_t want[] = {0, 1, 5};
	struct rs_maker maker;
	struct rs_vec list = {0};
	struct rs_vec retained = {0};

	// 0 (held twice) -> 1 -> 2 (held) -> 3, 0 -> 4 (immortal), 0 -> 5.
	// 2 refers back to 0, which does not make 1 or 5 shared.
	rs_maker_init(&maker, 6);
	rs_maker_hold(&maker, 0, 2);
	rs_maker_edge(&maker, 0, 1, RS_STRONG);
	rs_maker_edge(&maker, 1, 2, RS_STRONG);
	rs_maker_hold(&maker, 2, 1);
	rs_maker_edge(&maker, 2, 3, RS_STRONG);
	rs_maker_edge(&maker, 2, 0, RS_STRONG);
	rs_maker_edge(&maker, 0, 4, RS_STRONG);
	maker.flags[4] |= RS_OBJ_IMMORTAL;
	rs_maker_edge(&maker, 0, 5, RS_OWNED);
	struct rs_graph *graph = rs_maker_finish(&maker);
	rs_ck_ok(rs_graph_reachable(graph, 0, UINT32_MAX, NULL, &list, NULL));
	ck_assert_uint_eq(count_of(&list), 6);
	rs_ck_ok(rs_graph_retained(graph, 0, numbers(&list), count_of(&list),
				   NULL, &retained));
	ck_assert_uint_eq(count_of(&retained), 3);
	for (int k = 0; k < 3; k++)
		ck_assert(contains(&retained, want[k]));
	rs_vec_fini(&list);
	rs_vec_fini(&retained);
	rs_maker_fini(&maker);
}
END_TEST

// 0 ~> 1 by a guess that explains its count, -> 2; 0 ~> 3 by one that does not
// (nobody is known to hold it once more), ~> 4 by one too many.
START_TEST(a_guess_that_explains_a_count_retains)
{
	struct rs_maker maker;
	struct rs_vec list = {0};
	struct rs_vec retained = {0};

	rs_maker_init(&maker, 6);
	rs_maker_edge(&maker, 0, 1, RS_GUESS);
	rs_maker_hold(&maker, 1, 1);
	rs_maker_edge(&maker, 1, 2, RS_STRONG);
	rs_maker_edge(&maker, 0, 3, RS_GUESS);
	rs_maker_hold(&maker, 3, 2);
	rs_maker_edge(&maker, 0, 4, RS_GUESS);
	rs_maker_edge(&maker, 5, 4, RS_STRONG);
	struct rs_graph *graph = rs_maker_finish(&maker);
	rs_ck_ok(rs_graph_reachable(graph, 0, UINT32_MAX, NULL, &list, NULL));
	ck_assert_uint_eq(count_of(&list), 3);
	rs_ck_ok(rs_graph_retained(graph, 0, numbers(&list), count_of(&list),
				   NULL, &retained));
	ck_assert_uint_eq(count_of(&retained), 3);
	for (uint32_t k = 0; k < 3; k++)
		ck_assert(contains(&retained, k));
	rs_vec_fini(&list);
	rs_vec_fini(&retained);
	rs_maker_fini(&maker);
}
END_TEST

START_TEST(types_are_counted_with_bytes_and_verdict)
{
	const struct rs_collect_options options = {.generation = 2,
						   .rules = RS_RULES_27};
	struct rs_maker maker;
	struct rs_collect_result result;
	struct rs_tally tally[RS_MAKER_TYPES];

	rs_maker_init(&maker, 7); // types 0 1 2 0 1 2 0, sizes 16 to 22
	for (uint32_t i = 2; i < 7; i++)
		rs_maker_edge(&maker, i, i, RS_STRONG);
	rs_maker_hold(&maker, 0, 1);
	rs_maker_hold(&maker, 1, 1);
	struct rs_graph *graph = rs_maker_finish(&maker);
	rs_ck_ok(rs_graph_collect(graph, &options, NULL, &result));
	rs_graph_types(graph, &result, tally);
	ck_assert_uint_eq(tally[0].objects, 3);
	ck_assert_uint_eq(tally[0].bytes, 16 + 19 + 22);
	ck_assert_uint_eq(tally[0].unreachable, 2);
	ck_assert_uint_eq(tally[1].objects, 2);
	ck_assert_uint_eq(tally[1].unreachable, 1);
	ck_assert_uint_eq(tally[2].bytes, 18 + 21);
	rs_graph_types(graph, NULL, tally);
	ck_assert_uint_eq(tally[0].unreachable, 0);
	rs_collect_result_fini(&result);
	rs_maker_fini(&maker);
}
END_TEST

// Whether it holds its target: a guess if it explains what is left of a count.
static bool is_holder(const struct rs_graph *graph, uint32_t edge)
{
	const struct rs_root *root = rs_vec_items(&graph->root, struct rs_root);
	const uint32_t target = rs_edge_target(edge);
	uint32_t known = 0;

	if (rs_edge_counted(edge) || rs_edge_kind(edge) != RS_GUESS)
		return rs_edge_counted(edge);
	for (uint32_t e = 0; e < graph->references; e++)
		known += rs_edge_target(graph->out[e]) == target &&
			 (rs_edge_counted(graph->out[e]) ||
			  rs_edge_kind(graph->out[e]) == RS_GUESS);
	for (size_t r = 0; r < rs_vec_count(&graph->root, *root); r++)
		known += root[r].target == target;
	return known == graph->count[target];
}

// Distances by repeated relaxing, over counted references.
static void
measure(const struct rs_graph *graph, uint32_t from, uint32_t *steps)
{
	for (uint32_t i = 0; i < graph->objects; i++)
		steps[i] = i == from ? 0 : RS_NONE;
	for (uint32_t round = 0; round < graph->objects; round++)
		for (uint32_t i = 0; i < graph->objects; i++)
			for (uint32_t e = graph->out_start[i];
			     steps[i] == round && e < graph->out_start[i + 1];
			     e++) {
				uint32_t *step =
					&steps[rs_edge_target(graph->out[e])];

				if (is_holder(graph, graph->out[e]) &&
				    *step == RS_NONE)
					*step = round + 1;
			}
}

static bool
same_reachable(const struct rs_graph *graph, uint32_t from, uint32_t depth)
{
	struct rs_vec list = {0};
	struct rs_vec level = {0};
	uint32_t steps[RS_MAKER_OBJECTS];
	size_t expected = 0;
	bool same = true;

	measure(graph, from, steps);
	rs_maker_ok(
		rs_graph_reachable(graph, from, depth, NULL, &list, &level));
	for (uint32_t i = 0; i < graph->objects; i++)
		expected += steps[i] <= depth && steps[i] != RS_NONE;
	same &= count_of(&list) == expected && count_of(&level) == expected;
	for (size_t k = 0; same && k < expected; k++)
		same = numbers(&level)[k] == steps[numbers(&list)[k]] &&
		       (!k || numbers(&level)[k - 1] <= numbers(&level)[k]);
	rs_vec_fini(&list);
	rs_vec_fini(&level);
	return same;
}

// What of the set survives the death of @p from, by the definition.
static void survive(const struct rs_graph *graph, uint32_t from,
		    const struct rs_vec *set, bool *alive)
{
	for (uint32_t i = 0; i < graph->objects; i++) {
		uint32_t inside = 0;

		for (uint32_t s = 0; s < graph->objects; s++)
			for (uint32_t e = graph->out_start[s];
			     contains(set, s) && e < graph->out_start[s + 1];
			     e++)
				inside += rs_edge_target(graph->out[e]) == i &&
					  is_holder(graph, graph->out[e]);
		alive[i] =
			contains(set, i) && i != from &&
			(inside != graph->count[i] ||
			 (graph->flags[i] & (RS_OBJ_IMMORTAL | RS_OBJ_STATIC)));
	}
	for (uint32_t round = 0; round < graph->objects; round++)
		for (uint32_t i = 0; i < graph->objects; i++)
			for (uint32_t e = graph->out_start[i];
			     alive[i] && e < graph->out_start[i + 1]; e++) {
				const uint32_t t =
					rs_edge_target(graph->out[e]);

				if (is_holder(graph, graph->out[e]) &&
				    t != from && contains(set, t))
					alive[t] = true;
			}
}

static bool
same_retained(const struct rs_graph *graph, uint32_t from, uint32_t depth)
{
	struct rs_vec list = {0};
	struct rs_vec retained = {0};
	bool alive[RS_MAKER_OBJECTS];
	bool same = true;
	size_t dead = 0;

	rs_maker_ok(rs_graph_reachable(graph, from, depth, NULL, &list, NULL));
	rs_maker_ok(rs_graph_retained(graph, from, numbers(&list),
				      count_of(&list), NULL, &retained));
	survive(graph, from, &list, alive);
	for (uint32_t i = 0; i < graph->objects; i++) {
		if (!contains(&list, i))
			continue;
		same &= contains(&retained, i) == !alive[i];
		dead += !alive[i];
	}
	same &= dead == count_of(&retained);
	rs_vec_fini(&list);
	rs_vec_fini(&retained);
	return same;
}

START_TEST(chance_graphs_agree_with_the_definition)
{
	for (uint64_t seed = 0; seed < 3000; seed++) {
		struct rs_maker maker;
		struct rs_graph *graph = rs_maker_chance(&maker, seed);
		const uint32_t from = (uint32_t)(seed % graph->objects);
		const uint32_t depth =
			seed % 3 ? UINT32_MAX : (uint32_t)(seed % 4);

		if (!same_reachable(graph, from, depth))
			ck_abort_msg("seed %d: other reachable", (int)seed);
		if (!same_retained(graph, from, depth))
			ck_abort_msg("seed %d: other retained", (int)seed);
		rs_maker_fini(&maker);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("graph_reach");
	TCase *tcase = tcase_create("reach");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, the_way_back_lists_every_reference_once);
	tcase_add_test(tcase,
		       an_interrupted_reversal_leaves_the_graph_as_it_was);
	tcase_add_test(tcase, an_empty_graph_can_be_reversed_and_tallied);
	tcase_add_test(tcase, reachable_objects_come_level_by_level);
	tcase_add_test(tcase, an_interrupted_walk_appends_nothing);
	tcase_add_test(tcase, retained_is_what_nobody_else_holds);
	tcase_add_test(tcase, a_guess_that_explains_a_count_retains);
	tcase_add_test(tcase, types_are_counted_with_bytes_and_verdict);
	tcase_add_test(tcase, chance_graphs_agree_with_the_definition);
	suite_add_tcase(suite, tcase);
	return rs_ck_run(suite);
}
