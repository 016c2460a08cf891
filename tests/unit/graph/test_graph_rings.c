// SPDX-License-Identifier: MIT
#include "graph_maker.h"

struct rings {
	struct rs_components components;
	struct rs_vec ring, cut; // of the component last asked for
};

static void find(const struct rs_graph *graph, struct rings *rings)
{
	memset(rings, 0, sizeof(*rings));
	rs_maker_ok(rs_graph_components(graph, NULL, NULL, &rings->components));
}

static void
find_cuts(const struct rs_graph *graph, struct rings *rings, uint32_t c)
{
	rings->ring.used = 0;
	rings->cut.used = 0;
	rs_maker_ok(rs_graph_cuts(graph, &rings->components, c, NULL,
				  &rings->ring, &rings->cut));
}

static void rings_fini(struct rings *rings)
{
	rs_components_fini(&rings->components);
	rs_vec_fini(&rings->ring);
	rs_vec_fini(&rings->cut);
}

#define cuts_of(vec) rs_vec_items(vec, struct rs_cut)
#define count_of(vec) rs_vec_count(vec, struct rs_cut)

START_TEST(no_objects_have_no_rings)
{
	struct rs_maker maker;
	struct rings rings;

	rs_maker_init(&maker, 0);
	find(rs_maker_finish(&maker), &rings);
	ck_assert_uint_eq(rings.components.components, 0);
	rings_fini(&rings);
	rs_maker_fini(&maker);
}
END_TEST

START_TEST(only_what_is_in_a_ring_is_listed)
{
	struct rs_maker maker;
	struct rings rings;

	// 0 -> 1 <-> 3 -> 2 -> 2; 4 -> 5.
	rs_maker_init(&maker, 6);
	rs_maker_edge(&maker, 0, 1, RS_STRONG);
	rs_maker_edge(&maker, 1, 3, RS_STRONG);
	rs_maker_edge(&maker, 3, 1, RS_OWNED);
	rs_maker_edge(&maker, 3, 2, RS_STRONG);
	rs_maker_edge(&maker, 2, 2, RS_STRONG);
	rs_maker_edge(&maker, 4, 5, RS_STRONG);
	rs_maker_edge(&maker, 5, 4, RS_WEAK);
	rs_maker_edge(&maker, 5, 4, RS_GUESS);
	find(rs_maker_finish(&maker), &rings);
	static const uint32_t of[] = {RS_NONE, 0, 1, 0, RS_NONE, RS_NONE};
	static const uint32_t object[] = {1, 3, 2};
	ck_assert_uint_eq(rings.components.components, 2);
	ck_assert_mem_eq(rings.components.of, of, sizeof(of));
	ck_assert_mem_eq(rings.components.object, object, sizeof(object));
	ck_assert_uint_eq(rings.components.start[1], 2);
	ck_assert_uint_eq(rings.components.start[2], 3);
	rings_fini(&rings);
	rs_maker_fini(&maker);
}
END_TEST

START_TEST(a_ring_through_a_stranger_is_none)
{
	static const uint8_t member[] = {1, 0, 1};
	struct rs_maker maker;
	struct rs_components components;

	rs_maker_init(&maker, 3);
	rs_maker_edge(&maker, 0, 1, RS_STRONG);
	rs_maker_edge(&maker, 1, 2, RS_STRONG);
	rs_maker_edge(&maker, 2, 0, RS_STRONG);
	rs_ck_ok(rs_graph_components(rs_maker_finish(&maker), member, NULL,
				     &components));
	ck_assert_uint_eq(components.components, 0);
	ck_assert_uint_eq(components.of[0], RS_NONE);
	rs_components_fini(&components);
	rs_maker_fini(&maker);
}
END_TEST

START_TEST(an_instance_and_its_dict_have_two_cuts)
{
	struct rs_maker maker;
	struct rings rings;

	rs_maker_init(&maker, 3);
	rs_maker_edge(&maker, 0, 2, RS_STRONG);
	rs_maker_edge(&maker, 0, 1, RS_STRONG);
	rs_maker_edge(&maker, 1, 0, RS_STRONG);
	struct rs_graph *graph = rs_maker_finish(&maker);
	find(graph, &rings);
	find_cuts(graph, &rings, 0);
	ck_assert_uint_eq(count_of(&rings.ring), 2);
	ck_assert_uint_eq(count_of(&rings.cut), 2);
	ck_assert_uint_eq(cuts_of(&rings.ring)[0].source, 0);
	ck_assert_uint_eq(cuts_of(&rings.ring)[0].edge, 1);
	ck_assert_uint_eq(cuts_of(&rings.ring)[1].source, 1);
	ck_assert_uint_eq(cuts_of(&rings.ring)[1].edge, 2);
	rings_fini(&rings);
	rs_maker_fini(&maker);
}
END_TEST

START_TEST(a_reference_held_twice_is_no_cut)
{
	struct rs_maker maker;
	struct rings rings;

	rs_maker_init(&maker, 2);
	rs_maker_edge(&maker, 0, 1, RS_STRONG);
	rs_maker_edge(&maker, 0, 1, RS_STRONG);
	rs_maker_edge(&maker, 1, 0, RS_STRONG);
	struct rs_graph *graph = rs_maker_finish(&maker);
	find(graph, &rings);
	find_cuts(graph, &rings, 0);
	ck_assert_uint_eq(count_of(&rings.ring), 2);
	ck_assert_uint_eq(count_of(&rings.cut), 1);
	ck_assert_uint_eq(cuts_of(&rings.cut)[0].source, 1);
	rings_fini(&rings);
	rs_maker_fini(&maker);
}
END_TEST

START_TEST(a_self_reference_is_its_own_cut_unless_there_is_another)
{
	for (uint32_t n = 1; n <= 2; n++) {
		struct rs_maker maker;
		struct rings rings;

		rs_maker_init(&maker, 1);
		for (uint32_t k = 0; k < n; k++)
			rs_maker_edge(&maker, 0, 0, RS_STRONG);
		struct rs_graph *graph = rs_maker_finish(&maker);
		find(graph, &rings);
		find_cuts(graph, &rings, 0);
		ck_assert_uint_eq(count_of(&rings.ring), 1);
		ck_assert_uint_eq(count_of(&rings.cut), n == 1);
		rings_fini(&rings);
		rs_maker_fini(&maker);
	}
}
END_TEST

// A ring of five with a detour 0 -> 5 -> 2 around objects 1: the three links
// that the detour shares are the cuts.
START_TEST(a_detour_takes_the_cuts_that_it_avoids)
{
	struct rs_maker maker;
	struct rings rings;

	rs_maker_init(&maker, 7);
	for (uint32_t i = 0; i < 5; i++)
		rs_maker_edge(&maker, i, (i + 1) % 5, RS_STRONG);
	rs_maker_edge(&maker, 0, 5, RS_STRONG);
	rs_maker_edge(&maker, 5, 6, RS_STRONG);
	rs_maker_edge(&maker, 6, 2, RS_STRONG);
	struct rs_graph *graph = rs_maker_finish(&maker);
	find(graph, &rings);
	find_cuts(graph, &rings, 0);
	ck_assert_uint_eq(count_of(&rings.ring), 5);
	ck_assert_uint_eq(count_of(&rings.cut), 3);
	for (uint32_t k = 0; k < 3; k++)
		ck_assert_uint_eq(cuts_of(&rings.cut)[k].source, k + 2);
	rings_fini(&rings);
	rs_maker_fini(&maker);
}
END_TEST

START_TEST(an_interrupted_search_returns_nothing)
{
	struct rs_maker maker;
	struct rs_components components = {0};

	rs_maker_init(&maker, 1);
	rs_ck_error(rs_graph_components(rs_maker_finish(&maker), NULL,
					RS_MAKER_STOP, &components),
		    RS_EINTERRUPTED, "cycles");
	ck_assert_ptr_null(components.of);
	rs_maker_fini(&maker);
}
END_TEST

// A ring of a million in one component, to show that nothing recurses, and one
// of as many two-rings, to show that each is looked at alone.
START_TEST(a_long_ring_is_walked_without_recursion)
{
	enum { RS_LONG = 1000000 };
	struct rs_graph graph = {.objects = RS_LONG, .references = RS_LONG};
	struct rings rings;

	rs_maker_arrays(&graph);
	for (uint32_t i = 0; i < RS_LONG; i++) {
		graph.out_start[i + 1] = i + 1;
		graph.out[i] = (i + 1) % RS_LONG;
	}
	find(&graph, &rings);
	ck_assert_uint_eq(rings.components.components, 1);
	find_cuts(&graph, &rings, 0);
	ck_assert_uint_eq(count_of(&rings.ring), RS_LONG);
	ck_assert_uint_eq(count_of(&rings.cut), RS_LONG);
	rings_fini(&rings);

	for (uint32_t i = 0; i < RS_LONG; i++)
		graph.out[i] = i ^ 1;
	find(&graph, &rings);
	ck_assert_uint_eq(rings.components.components, RS_LONG / 2);
	for (uint32_t c = 0; c < RS_LONG / 2; c += 5000) {
		find_cuts(&graph, &rings, c);
		ck_assert_uint_eq(count_of(&rings.cut), 2);
	}
	rings_fini(&rings);
	rs_graph_fini(&graph);
}
END_TEST

enum { RS_FAR = 1000 };

// Steps from i to j, at least one, inside @p in (NULL: everywhere) and without
// the reference @p gone; RS_FAR when there is no way.
struct closure {
	uint32_t steps[RS_MAKER_OBJECTS][RS_MAKER_OBJECTS];
};

static void close_over(const struct rs_graph *graph, const uint32_t *of,
		       uint32_t c, uint32_t gone, struct closure *closure)
{
	const uint32_t n = graph->objects;

	for (uint32_t i = 0; i < n; i++)
		for (uint32_t j = 0; j < n; j++)
			closure->steps[i][j] = RS_FAR;
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t e = graph->out_start[i];
		     e < graph->out_start[i + 1]; e++) {
			const uint32_t t = rs_edge_target(graph->out[e]);

			if (rs_edge_counted(graph->out[e]) && e != gone &&
			    (!of || (of[i] == c && of[t] == c)))
				closure->steps[i][t] = 1;
		}
	for (uint32_t k = 0; k < n; k++)
		for (uint32_t i = 0; i < n; i++)
			for (uint32_t j = 0; j < n; j++) {
				const uint32_t sum = closure->steps[i][k] +
						     closure->steps[k][j];

				if (sum < closure->steps[i][j])
					closure->steps[i][j] = sum;
			}
}

static uint32_t
shortest_ring(const struct rs_graph *graph, const struct closure *closure)
{
	uint32_t least = RS_FAR;

	for (uint32_t i = 0; i < graph->objects; i++)
		if (closure->steps[i][i] < least)
			least = closure->steps[i][i];
	return least;
}

static bool
same_components(const struct rs_graph *graph, const struct rings *rings)
{
	const uint32_t *of = rings->components.of;
	struct closure all;

	close_over(graph, NULL, 0, RS_NONE, &all);
	for (uint32_t i = 0; i < graph->objects; i++) {
		if ((all.steps[i][i] < RS_FAR) != (of[i] != RS_NONE))
			return false;
		for (uint32_t j = 0; j < i && of[i] != RS_NONE; j++)
			if ((of[i] == of[j]) != (all.steps[i][j] < RS_FAR &&
						 all.steps[j][i] < RS_FAR))
				return false;
	}
	return true;
}

static bool is_ring(const struct rs_graph *graph, const struct rs_vec *ring)
{
	const size_t n = count_of(ring);

	for (size_t k = 0; k < n; k++) {
		const struct rs_cut *step = &cuts_of(ring)[k];
		const struct rs_cut *next = &cuts_of(ring)[(k + 1) % n];

		if (step->edge < graph->out_start[step->source] ||
		    step->edge >= graph->out_start[step->source + 1] ||
		    rs_edge_target(graph->out[step->edge]) != next->source)
			return false;
	}
	return true;
}

static bool
same_cuts(const struct rs_graph *graph, struct rings *rings, uint32_t c)
{
	const uint32_t *of = rings->components.of;
	struct closure inside;
	size_t cuts = 0;

	find_cuts(graph, rings, c);
	close_over(graph, of, c, RS_NONE, &inside);
	if (!is_ring(graph, &rings->ring) ||
	    count_of(&rings->ring) != shortest_ring(graph, &inside))
		return false;
	for (uint32_t i = 0; i < graph->objects; i++)
		for (uint32_t e = graph->out_start[i];
		     of[i] == c && e < graph->out_start[i + 1]; e++) {
			bool told = false;

			for (size_t k = 0; k < count_of(&rings->cut); k++)
				told |= cuts_of(&rings->cut)[k].edge == e;
			close_over(graph, of, c, e, &inside);
			if (told != (shortest_ring(graph, &inside) == RS_FAR))
				return false;
			cuts += told;
		}
	return cuts == count_of(&rings->cut);
}

START_TEST(chance_graphs_agree_with_the_definition)
{
	uint32_t components = 0;
	size_t cuts = 0;

	for (uint64_t seed = 0; seed < 4000; seed++) {
		struct rs_maker maker;
		struct rs_graph *graph = rs_maker_chance(&maker, seed);
		struct rings rings;

		find(graph, &rings);
		if (!same_components(graph, &rings))
			ck_abort_msg("seed %d: other components", (int)seed);
		for (uint32_t c = 0; c < rings.components.components; c++) {
			if (!same_cuts(graph, &rings, c))
				ck_abort_msg("seed %d: other cuts", (int)seed);
			cuts += count_of(&rings.cut);
		}
		components += rings.components.components;
		rings_fini(&rings);
		rs_maker_fini(&maker);
	}
	ck_assert_uint_gt(components, 1000); // or the graphs are too tame
	ck_assert_uint_gt(cuts, 1000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("graph_rings");
	TCase *tcase = tcase_create("rings");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, no_objects_have_no_rings);
	tcase_add_test(tcase, only_what_is_in_a_ring_is_listed);
	tcase_add_test(tcase, a_ring_through_a_stranger_is_none);
	tcase_add_test(tcase, an_instance_and_its_dict_have_two_cuts);
	tcase_add_test(tcase, a_reference_held_twice_is_no_cut);
	tcase_add_test(tcase,
		       a_self_reference_is_its_own_cut_unless_there_is_another);
	tcase_add_test(tcase, a_detour_takes_the_cuts_that_it_avoids);
	tcase_add_test(tcase, an_interrupted_search_returns_nothing);
	tcase_add_test(tcase, a_long_ring_is_walked_without_recursion);
	tcase_add_test(tcase, chance_graphs_agree_with_the_definition);
	suite_add_tcase(suite, tcase);
	return rs_ck_run(suite);
}
