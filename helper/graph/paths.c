// SPDX-License-Identifier: MIT
#include "graph/pass.h"

#include <assert.h>

// A root that a path begins with. Sorted by length of the path, then by kind,
// then by position in the list of roots.
struct begin {
	uint32_t length; // objects on the path
	uint32_t kind; // from rank_kind()
	uint32_t root; // index in graph->root
};

struct backward {
	const struct rs_graph *graph;
	const struct rs_progress *progress;
	uint64_t *held; // set of the objects that a root refers to
	// [objects] 1 + the next object on the path to the target; for the
	// target 1 + itself; 0 for objects not yet visited.
	uint32_t *next;
	struct rs_vec queue; // of uint32_t
	uint32_t *length; // [objects] of the path; only set for held objects
	size_t found; // held objects visited
	struct rs_vec begin; // of struct begin
};

// The kinds that a person recognises best come first.
static uint32_t rank_kind(uint16_t kind)
{
	switch ((enum rs_root_kind)kind) {
	case RS_ROOT_LOCAL:
		return 0;
	case RS_ROOT_MODULES:
		return 1;
	case RS_ROOT_NATIVE:
		return 2;
	case RS_ROOT_INTERPRETER:
		return 3;
	case RS_ROOT_THREAD:
		return 4;
	case RS_ROOT_FRAME:
		return 5;
	case RS_ROOT_WORD:
	case RS_ROOT_GARBAGE:
		break;
	}
	return 6;
}

static struct rs_error *
visit(struct backward *search, uint32_t object, uint32_t next, uint32_t length)
{
	struct rs_error *err =
		rs_vec_append(&search->queue, &object, sizeof(object));

	if (err)
		return err;
	search->next[object] = next + 1;
	if (rs_bit(search->held, object)) {
		search->length[object] = length;
		search->found++;
	}
	return NULL;
}

// Visit the objects that refer to object @p i, at distance @p length.
static struct rs_error *
visit_sources(struct backward *search, uint32_t i, uint32_t length)
{
	const struct rs_graph *graph = search->graph;

	for (uint32_t e = graph->in_start[i]; e < graph->in_start[i + 1]; e++) {
		const uint32_t source = rs_edge_target(graph->in[e]);

		if (!rs_edge_counted(graph->in[e]) || search->next[source])
			continue;
		struct rs_error *err = visit(search, source, i, length + 1);
		if (err)
			return err;
	}
	return NULL;
}

// Breadth-first, to the end of the level in which enough roots are found: those
// at the same distance still have to be ranked by kind.
static struct rs_error *
search_back(struct backward *search, uint32_t target, size_t limit)
{
	const struct rs_graph *graph = search->graph;
	struct rs_error *err = visit(search, target, target, 1);
	size_t at = 0;

	for (uint32_t length = 1; !err && search->found < limit; length++) {
		const size_t end = rs_vec_count(&search->queue, uint32_t);

		if (at == end)
			break;
		for (; !err && at < end; at++) {
			const uint32_t *item =
				rs_vec_items(&search->queue, uint32_t) + at;

			if (at % RS_TICK == 0)
				err = rs_progress_tick(search->progress,
						       "looking for roots", at,
						       graph->objects);
			rs_targets_prefetch(item, end - at, graph->in_start,
					    graph->in, search->next,
					    sizeof(*search->next));
			if (!err)
				err = visit_sources(search, *item, length);
		}
	}
	return err;
}

static struct rs_error *list_begins(struct backward *search)
{
	const struct rs_vec *vec = &search->graph->root;
	const struct rs_root *root = rs_vec_items(vec, struct rs_root);
	const size_t roots = rs_vec_count(vec, *root);

	for (size_t r = 0; r < roots; r++) {
		if (!search->next[root[r].target])
			continue;
		const struct begin begin = {
			.length = search->length[root[r].target],
			.kind = rank_kind(root[r].kind),
			.root = (uint32_t)r,
		};
		struct rs_error *err =
			rs_vec_append(&search->begin, &begin, sizeof(begin));
		if (err)
			return err;
	}
	return NULL;
}

static bool comes_before(const struct begin *a, const struct begin *b)
{
	if (a->length != b->length)
		return a->length < b->length;
	if (a->kind != b->kind)
		return a->kind < b->kind;
	return a->root < b->root;
}

// Restore the order of the heap below @p i; the one that comes last is on top.
static void sift(struct begin *begin, size_t n, size_t i)
{
	const struct begin moved = begin[i];

	for (size_t child; (child = 2 * i + 1) < n; i = child) {
		if (child + 1 < n &&
		    comes_before(&begin[child], &begin[child + 1]))
			child++;
		if (!comes_before(&moved, &begin[child]))
			break;
		begin[i] = begin[child];
	}
	begin[i] = moved;
}

// Heapsort: qsort() may call malloc().
static void sort(struct begin *begin, size_t n)
{
	for (size_t i = n / 2; i--;)
		sift(begin, n, i);
	while (n > 1) {
		const struct begin last = begin[0];

		begin[0] = begin[--n];
		begin[n] = last;
		sift(begin, n, 0);
	}
}

static struct rs_error *append_path(const struct backward *search,
				    const struct begin *begin,
				    struct rs_vec *path, struct rs_vec *node)
{
	const struct rs_root *root =
		rs_vec_items(&search->graph->root, struct rs_root);
	struct rs_path *row = rs_vec_push(path, sizeof(*row));
	uint32_t *step;

	if (!row)
		return &rs_enomem;
	row->root = begin->root;
	row->start = (uint32_t)rs_vec_count(node, uint32_t);
	row->length = begin->length;
	step = rs_vec_push(node, begin->length * sizeof(*step));
	if (!step)
		return &rs_enomem;
	uint32_t object = root[begin->root].target;
	for (uint32_t k = 0; k < begin->length; k++) {
		step[k] = object;
		object = search->next[object] - 1;
	}
	return NULL;
}

static struct rs_error *append_paths(struct backward *search, size_t limit,
				     struct rs_vec *path, struct rs_vec *node)
{
	struct rs_error *err = list_begins(search);
	struct begin *begin = rs_vec_items(&search->begin, struct begin);
	const size_t found = rs_vec_count(&search->begin, *begin);

	if (err)
		return err;
	sort(begin, found);
	for (size_t k = 0; !err && k < found && k < limit; k++)
		err = append_path(search, &begin[k], path, node);
	return err;
}

static struct rs_error *prepare(struct backward *search)
{
	const struct rs_graph *graph = search->graph;
	const struct rs_root *root = rs_vec_items(&graph->root, struct rs_root);
	const size_t roots = rs_vec_count(&graph->root, *root);
	struct rs_error *err = rs_block_new(rs_bit_words(graph->objects),
					    sizeof(uint64_t), &search->held);

	if (!err)
		err = rs_block_new(graph->objects, sizeof(uint32_t),
				   &search->next);
	if (!err)
		err = rs_block_new(graph->objects, sizeof(uint32_t),
				   &search->length);
	for (size_t r = 0; !err && r < roots; r++)
		rs_bit_set(search->held, root[r].target);
	return err;
}

struct rs_error *rs_graph_paths(const struct rs_graph *graph, uint32_t target,
				uint32_t limit,
				const struct rs_progress *progress,
				struct rs_vec *path, struct rs_vec *node)
{
	const size_t path_used = path->used;
	const size_t node_used = node->used;
	struct backward search = {.graph = graph, .progress = progress};

	assert(target < graph->objects && graph->in);
	struct rs_error *err = prepare(&search);
	if (!err)
		err = search_back(&search, target, limit);
	if (!err)
		err = append_paths(&search, limit, path, node);
	rs_block_free(search.held, rs_bit_words(graph->objects),
		      sizeof(uint64_t));
	rs_block_free(search.next, graph->objects, sizeof(uint32_t));
	rs_block_free(search.length, graph->objects, sizeof(uint32_t));
	rs_vec_fini(&search.queue);
	rs_vec_fini(&search.begin);
	if (err) {
		path->used = path_used;
		node->used = node_used;
	}
	return err;
}
