// SPDX-License-Identifier: MIT
#include "graph_maker.h"

struct paths {
	struct rs_vec path, node;
};

#define rows(paths) rs_vec_items(&(paths)->path, struct rs_path)
#define rows_of(paths) rs_vec_count(&(paths)->path, struct rs_path)

static void find(struct rs_graph *graph, uint32_t target, uint32_t limit,
		 struct paths *paths)
{
	*paths = (struct paths){0};
	rs_maker_ok(rs_graph_reverse(graph, NULL));
	rs_maker_ok(rs_graph_paths(graph, target, limit, NULL, &paths->path,
				   &paths->node));
}

static const uint32_t *nodes(const struct paths *paths, size_t k)
{
	return rs_vec_items(&paths->node, uint32_t) + rows(paths)[k].start;
}

static void paths_fini(struct paths *paths)
{
	rs_vec_fini(&paths->path);
	rs_vec_fini(&paths->node);
}

START_TEST(garbage_has_no_path)
{
	struct rs_maker maker;
	struct paths paths;

	rs_maker_init(&maker, 3);
	rs_maker_edge(&maker, 0, 1, RS_STRONG);
	rs_maker_edge(&maker, 1, 0, RS_STRONG);
	rs_maker_edge(&maker, 2, 0, RS_WEAK); // does not hold
	rs_maker_root(&maker, 2, RS_ROOT_LOCAL);
	find(rs_maker_finish(&maker), 0, 10, &paths);
	ck_assert_uint_eq(rows_of(&paths), 0);
	paths_fini(&paths);
	rs_maker_fini(&maker);
}
END_TEST

START_TEST(a_root_may_hold_the_object_itself)
{
	struct rs_maker maker;
	struct paths paths;

	rs_maker_init(&maker, 1);
	rs_maker_root(&maker, 0, RS_ROOT_NATIVE);
	find(rs_maker_finish(&maker), 0, 10, &paths);
	ck_assert_uint_eq(rows_of(&paths), 1);
	ck_assert_uint_eq(rows(&paths)[0].length, 1);
	ck_assert_uint_eq(nodes(&paths, 0)[0], 0);
	paths_fini(&paths);
	rs_maker_fini(&maker);
}
END_TEST

START_TEST(a_path_runs_from_the_root_to_the_object)
{
	static const uint32_t want[] = {3, 1, 0};
	struct rs_maker maker;
	struct paths paths;

	// A short way and a long one round: 3 -> 1 -> 0, 3 -> 2 -> 1.
	rs_maker_init(&maker, 4);
	rs_maker_edge(&maker, 1, 0, RS_OWNED);
	rs_maker_edge(&maker, 2, 1, RS_STRONG);
	rs_maker_edge(&maker, 3, 2, RS_STRONG);
	rs_maker_edge(&maker, 3, 1, RS_STRONG);
	rs_maker_root(&maker, 3, RS_ROOT_LOCAL);
	find(rs_maker_finish(&maker), 0, 10, &paths);
	ck_assert_uint_eq(rows_of(&paths), 1);
	ck_assert_uint_eq(rows(&paths)[0].length, 3);
	ck_assert_mem_eq(nodes(&paths, 0), want, sizeof(want));
	paths_fini(&paths);
	rs_maker_fini(&maker);
}
END_TEST

START_TEST(shorter_paths_come_first_and_then_better_known_roots)
{
	static const uint32_t want[] = {4, 3, 2, 0, 1};
	struct rs_maker maker;
	struct paths paths;

	// All lead to 0. Roots by index: 0 and 1 far away, 2 to 4 near.
	rs_maker_init(&maker, 4);
	rs_maker_edge(&maker, 1, 0, RS_STRONG);
	rs_maker_edge(&maker, 2, 0, RS_STRONG);
	rs_maker_edge(&maker, 3, 1, RS_STRONG);
	rs_maker_root(&maker, 3, RS_ROOT_LOCAL);
	rs_maker_root(&maker, 3, RS_ROOT_LOCAL);
	rs_maker_root(&maker, 1, RS_ROOT_FRAME);
	rs_maker_root(&maker, 2, RS_ROOT_MODULES);
	rs_maker_root(&maker, 1, RS_ROOT_LOCAL);
	struct rs_graph *graph = rs_maker_finish(&maker);
	for (uint32_t limit = 0; limit < 8; limit++) {
		const uint32_t found = limit < 5 ? limit : 5;

		find(graph, 0, limit, &paths);
		ck_assert_uint_eq(rows_of(&paths), found);
		for (uint32_t k = 0; k < found; k++)
			ck_assert_uint_eq(rows(&paths)[k].root, want[k]);
		paths_fini(&paths);
	}
	rs_maker_fini(&maker);
}
END_TEST

// Steps from every object to the target, by repeated relaxing.
static void
measure(const struct rs_graph *graph, uint32_t target, uint32_t *steps)
{
	for (uint32_t i = 0; i < graph->objects; i++)
		steps[i] = i == target ? 0 : RS_NONE;
	for (uint32_t round = 0; round < graph->objects; round++)
		for (uint32_t i = 0; i < graph->objects; i++)
			for (uint32_t e = graph->out_start[i];
			     e < graph->out_start[i + 1]; e++)
				if (rs_edge_counted(graph->out[e]) &&
				    steps[i] == RS_NONE &&
				    steps[rs_edge_target(graph->out[e])] ==
					    round)
					steps[i] = round + 1;
}

static bool refers(const struct rs_graph *graph, uint32_t i, uint32_t target)
{
	for (uint32_t e = graph->out_start[i]; e < graph->out_start[i + 1]; e++)
		if (rs_edge_counted(graph->out[e]) &&
		    rs_edge_target(graph->out[e]) == target)
			return true;
	return false;
}

static bool is_path(const struct rs_graph *graph, const struct paths *paths,
		    size_t k, uint32_t target, const uint32_t *steps)
{
	const struct rs_root *root = rs_vec_items(&graph->root, struct rs_root);
	const struct rs_path *row = &rows(paths)[k];
	const uint32_t *node = nodes(paths, k);

	if (row->length != steps[root[row->root].target] + 1 ||
	    node[0] != root[row->root].target ||
	    node[row->length - 1] != target)
		return false;
	for (uint32_t s = 1; s < row->length; s++)
		if (!refers(graph, node[s - 1], node[s]))
			return false;
	for (size_t other = 0; other < k; other++)
		if (rows(paths)[other].root == row->root ||
		    rows(paths)[other].length > row->length)
			return false;
	return true;
}

START_TEST(chance_graphs_agree_with_the_definition)
{
	uint64_t found = 0;

	for (uint64_t seed = 0; seed < 6000; seed++) {
		struct rs_maker maker;
		struct rs_graph *graph = rs_maker_chance(&maker, seed);
		const struct rs_root *root =
			rs_vec_items(&graph->root, struct rs_root);
		const uint32_t target = (uint32_t)(seed % graph->objects);
		const uint32_t limit = (uint32_t)(seed % 3) + 1;
		uint32_t steps[RS_MAKER_OBJECTS];
		struct paths paths;
		size_t expected = 0;

		measure(graph, target, steps);
		for (size_t r = 0; r < rs_vec_count(&graph->root, *root); r++)
			expected += steps[root[r].target] != RS_NONE;
		if (expected > limit)
			expected = limit;
		find(graph, target, limit, &paths);
		if (rows_of(&paths) != expected)
			ck_abort_msg("seed %d: paths missing", (int)seed);
		for (size_t k = 0; k < expected; k++)
			if (!is_path(graph, &paths, k, target, steps))
				ck_abort_msg("seed %d: no path", (int)seed);
		found += expected;
		paths_fini(&paths);
		rs_maker_fini(&maker);
	}
	ck_assert_uint_gt(found, 1000); // or the graphs are too tame
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("graph_paths");
	TCase *tcase = tcase_create("paths");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, garbage_has_no_path);
	tcase_add_test(tcase, a_root_may_hold_the_object_itself);
	tcase_add_test(tcase, a_path_runs_from_the_root_to_the_object);
	tcase_add_test(tcase,
		       shorter_paths_come_first_and_then_better_known_roots);
	tcase_add_test(tcase, chance_graphs_agree_with_the_definition);
	suite_add_tcase(suite, tcase);
	return rs_ck_run(suite);
}
