// SPDX-License-Identifier: MIT
//
// Building the graph of all objects: whole.h says how.
#include "base/cleanup.h"
#include "base/search.h"
#include "session/build.h"
#include "session/exact_query.h"
#include "session/number_prefetch.h"
#include "session/read_parallel.h"
#include "session/whole.h"

// List the tracked objects in two threads where that is faster.
static struct rs_error *
find_tracked(struct rs_whole *w, struct rs_found *found, struct rs_vec *from)
{
	struct rs_parallel *reader = rs_parallel_new(w->session);
	struct rs_error *err =
		rs_build_find(w->session, reader, found, from, &w->graph->map);

	if (!err)
		err = rs_parallel_check(reader);
	rs_parallel_free(reader);
	return err;
}

// Number the tracked objects and those in an allocator.
static struct rs_error *
find(struct rs_whole *w, struct rs_found *found, struct rs_vec *from)
{
	struct rs_addrmap *map = &w->graph->map;
	struct rs_error *err = find_tracked(w, found, from);

	for (size_t i = 0; i < w->session->runtimes && !err; i++) {
		struct rs_runtime *rt = w->session->runtime[i];

		if (rt->ops->sweep)
			err = rt->ops->sweep(rt, map, &w->session->progress);
	}
	if (!err)
		err = rs_addrmap_seal(map);
	if (!err && map->count >= RS_LATER)
		err = rs_error_new(
			RS_EBAD,
			"the target has more than 2^30 objects, as many "
			"as can be read");
	return err;
}

// The runtime of an object that sweep() found: looked up only if several
// runtimes have sweep().
static uint8_t swept_by(struct rs_session *session, uint64_t address)
{
	uint8_t by = RS_RUNTIMES_MAX;
	unsigned sweepers = 0;

	for (size_t i = 0; i < session->runtimes; i++)
		if (session->runtime[i]->ops->sweep && !sweepers++)
			by = (uint8_t)i;
	if (sweepers > 1)
		by = rs_build_runtime_at(session, address);
	return by == RS_RUNTIMES_MAX ? 0 : by;
}

// Enter the marks of the found objects and, with several runtimes, the runtimes
// of all.
static void place_found(struct rs_whole *w, const struct rs_found *found,
			const struct rs_vec *from)
{
	const struct rs_addrmap *map = &w->graph->map;
	const uint64_t *address = rs_vec_items(&found->address, uint64_t);
	const uint16_t *mark = rs_vec_items(&found->mark, uint16_t);
	const size_t n = rs_vec_count(&found->address, uint64_t);
	uint16_t *flags = rs_vec_items(&w->flags, uint16_t);
	uint8_t *of = rs_vec_items(&w->of, uint8_t);
	uint8_t by = 0;

	for (size_t i = 0; i < n; i++) {
		by = rs_build_found_by(from, i, by);
		if (i + RS_LOOKAHEAD < n)
			rs_addrmap_prefetch(map, address[i + RS_LOOKAHEAD]);
		if (!rs_addrmap_takes(address[i]))
			continue;
		const uint32_t k = rs_addrmap_number(map, address[i]);

		flags[k] = rs_build_mark(flags[k], mark[i]);
		if (of)
			of[k] = by;
	}
	for (uint32_t k = 0; of && k < w->found; k++)
		if (of[k] == RS_RUNTIMES_MAX)
			of[k] = swept_by(w->session, rs_vec_items(&w->address,
								  uint64_t)[k]);
}

static bool make_rows(struct rs_whole *w)
{
	const size_t n = w->found;

	if (!rs_vec_push(&w->address, n * sizeof(uint64_t)) ||
	    !rs_vec_push(&w->count, n * sizeof(uint32_t)) ||
	    !rs_vec_push(&w->type, n * sizeof(uint32_t)) ||
	    !rs_vec_push(&w->size, n * sizeof(uint32_t)) ||
	    !rs_vec_push(&w->references, n * sizeof(uint32_t)) ||
	    !rs_vec_push(&w->flags, n * sizeof(uint16_t)))
		return false;
	if (w->session->runtimes > 1 && !rs_vec_push(&w->of, n))
		return false;
	if (w->of.used)
		memset(w->of.data, RS_RUNTIMES_MAX, n);
	return true;
}

static struct rs_error *find_first(struct rs_whole *w)
{
	RS_CLEANUP(rs_vec_fini) struct rs_vec from = {0};
	RS_CLEANUP(rs_found_fini) struct rs_found found = {0};
	struct rs_error *err = find(w, &found, &from);

	if (err)
		return err;
	w->found = w->graph->map.count;
	if (!make_rows(w))
		return &rs_enomem;
	rs_addrmap_list(&w->graph->map, rs_vec_items(&w->address, uint64_t));
	place_found(w, &found, &from);
	return NULL;
}

static struct rs_error *
start_query(struct rs_whole *w, struct rs_exact_query **ret)
{
	const uint64_t *address = rs_vec_items(&w->address, uint64_t);
	const uint16_t *flags = rs_vec_items(&w->flags, uint16_t);
	struct rs_exact_list list;
	struct rs_error *err = rs_exact_list_init(&list, w->session);

	for (uint32_t i = 0; i < w->found && !err; i++) {
		const uint8_t by = rs_whole_runtime(w, i);

		if (rs_exact_wanted(w->session, by, flags[i]))
			err = rs_exact_list_add(&list, by, address[i]);
	}
	if (!err)
		err = rs_exact_query_start(w->session, &list, false, ret);
	rs_exact_list_fini(&list);
	return err;
}

static struct rs_error *find_roots(struct rs_whole *w)
{
	struct rs_error *err = NULL;

	for (size_t i = 0; i < w->session->runtimes && !err; i++) {
		struct rs_runtime *rt = w->session->runtime[i];

		if (rt->ops->roots)
			err = rt->ops->roots(rt, &w->roots);
	}
	return err;
}

static struct rs_error *place_roots(struct rs_whole *w)
{
	struct rs_graph *g = w->graph;
	const struct rs_found_root *from =
		rs_vec_items(&w->roots.root, struct rs_found_root);
	const size_t n = rs_vec_count(&w->roots.root, struct rs_found_root);

	for (size_t i = 0; i < n; i++) {
		const uint32_t t = rs_graph_find(g, from[i].target);
		if (t == RS_NONE)
			continue;
		struct rs_root *root = rs_vec_push(&g->root, sizeof(*root));
		if (!root)
			return &rs_enomem;
		*root = from[i].root;
		root->target = t;
	}
	g->root_text = w->roots.text;
	w->roots.text = (struct rs_vec){0};
	return NULL;
}

static struct rs_error *place_unreferenced(struct rs_whole *w)
{
	struct rs_graph *g = w->graph;
	const uint64_t *address = rs_vec_items(&w->unreferenced, uint64_t);
	const size_t n = rs_vec_count(&w->unreferenced, uint64_t);
	struct rs_error *err = NULL;

	rs_vec_sort_u64(&w->unreferenced);
	for (size_t i = 0; i < n && !err; i++) {
		const uint32_t number = rs_graph_find(g, address[i]);

		err = rs_vec_append(&g->unreferenced, &number, sizeof(number));
	}
	return err;
}

// Traversing has to be finished before the first object is read, because its
// references lead to other objects.
static struct rs_error *ask_and_find_roots(struct rs_whole *w)
{
	struct rs_exact_query *exact = NULL;
	struct rs_error *err = start_query(w, &exact);

	if (!err)
		err = find_roots(w);
	if (!err)
		return rs_exact_query_join(exact);
	rs_exact_query_stop(exact);
	return err;
}

static struct rs_error *read_all(struct rs_whole *w)
{
	struct rs_error *err = rs_readers_new(w);

	if (!err)
		err = rs_read_pieces(w);
	if (!err)
		err = rs_read_late(w);
	if (!err)
		err = rs_settle(w);
	rs_readers_free(w);
	return err;
}

static struct rs_error *build(struct rs_whole *w)
{
	struct rs_graph *g = w->graph;
	struct rs_session *session = w->session;
	struct rs_error *err;

	if ((err = rs_addrmap_init(&g->map)) ||
	    (err = rs_addrmap_init(&w->late)) || (err = find_first(w)) ||
	    (err = ask_and_find_roots(w)) || (err = read_all(w)) ||
	    (err = place_roots(w)) || (err = place_unreferenced(w)) ||
	    (err = rs_build_static_objects(session, g)) ||
	    (err = rs_build_released(session, g)) ||
	    (err = rs_build_wide_counts(session, g)))
		return err;
	g->types =
		(uint32_t)rs_vec_count(&session->types.row, struct rs_type_row);
	g->type_row = rs_vec_items(&session->types.row, struct rs_type_row);
	return NULL;
}

static void whole_fini(struct rs_whole *w)
{
	struct rs_piece *piece = rs_vec_items(&w->piece, struct rs_piece);
	struct rs_vec *const array[] = {
		&w->address,	&w->count,	&w->type,	  &w->size,
		&w->references, &w->flags,	&w->of,		  &w->guess,
		&w->roots.root, &w->roots.text, &w->unreferenced,
	};

	for (size_t i = 0; i < rs_vec_count(&w->piece, struct rs_piece); i++)
		rs_vec_fini(&piece[i].dangling);
	rs_vec_fini(&w->piece);
	for (size_t i = 0; i < sizeof(array) / sizeof(*array); i++)
		rs_vec_fini(array[i]);
	rs_addrmap_fini(&w->late);
}

struct rs_error *rs_build_all(struct rs_session *session, struct rs_graph *ret)
{
	struct rs_whole w = {.session = session, .graph = ret};
	struct rs_error *err;

	*ret = (struct rs_graph){0};
	err = build(&w);
	whole_fini(&w);
	if (err) {
		rs_graph_fini(ret);
		*ret = (struct rs_graph){0};
	}
	return err;
}
