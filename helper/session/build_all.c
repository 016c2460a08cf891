// SPDX-License-Identifier: MIT
//
// Building the graph of all objects.
//
// Objects are read in the order in which they are found: first those that the
// collectors track and those in the allocators, by address; then those to which
// roots and references lead, in the order of these. The target of a reference
// is added to the address map when it first occurs, and prefetched; some
// references later, when it is in the cache, it is examined, and removed from
// the map if it is not an object. In the end the map numbers the objects, and
// rows and references, which are in the order of reading, are moved to their
// places by number.
#include "base/cleanup.h"
#include "base/search.h"
#include "session/build.h"
#include "session/exact_query.h"
#include "session/number_prefetch.h"

#include <stdlib.h>

enum { RS_PENDING = 64 };

#define ADDRESS_MASK ((UINT64_C(1) << 48) - 1)

struct rs_read_row {
	uint32_t count, type, size;
	uint16_t flags;
	uint32_t references; // found; after translate(): kept
};

struct rs_build {
	struct rs_session *session;
	struct rs_graph *graph;
	struct rs_found found;
	struct rs_roots roots;
	struct rs_refs refs;
	// uint64_t, the objects in the order of reading: the address in the low
	// 48 bits, marks (enum rs_object_flag) above.
	struct rs_vec queue;
	// uint8_t, the runtime of each entry of queue; empty with one runtime.
	struct rs_vec of;
	size_t tracked; // entries at the start, ascending, may be traversed
	uint64_t *asked; // [runtimes] next row of the exact answer
	struct rs_vec row; // struct rs_read_row, one for each entry of queue
	// uint64_t, references: target address in the low 48 bits, enum rs_kind
	// above.
	struct rs_vec raw;
	struct rs_vec edge; // uint32_t: raw, with numbers for addresses
	uint64_t pending[RS_PENDING]; // circular: addresses to examine
	unsigned head, waiting; // of pending
	bool guessed[RS_PENDING]; // of pending: only guesses refer to it so far
	// uint8_t, one for each of queue after the first `tracked`: whether
	// only guesses referred to it when it was found; and how many.
	struct rs_vec guess;
	size_t guesses;
	struct rs_vec unreferenced; // uint64_t, addresses
};

static struct rs_runtime *runtime_of(const struct rs_build *b, size_t i)
{
	return b->session
		->runtime[b->of.used ? rs_vec_items(&b->of, uint8_t)[i] : 0];
}

static struct rs_error *
enqueue(struct rs_build *b, uint64_t address, uint8_t runtime)
{
	uint64_t *q = rs_vec_push(&b->queue, sizeof(*q));
	uint8_t *of = NULL;

	if (q && b->session->runtimes > 1)
		of = rs_vec_push(&b->of, sizeof(*of));
	if (!q || (b->session->runtimes > 1 && !of))
		return &rs_enomem;
	*q = address;
	if (of)
		*of = runtime;
	return NULL;
}

// The runtime that has an object at @p address, or RS_RUNTIMES_MAX.
static uint8_t runtime_at(struct rs_session *session, uint64_t address)
{
	for (size_t i = 0; i < session->runtimes; i++) {
		struct rs_runtime *rt = session->runtime[i];

		if (rt->ops->is_object(rt, address))
			return (uint8_t)i;
	}
	return RS_RUNTIMES_MAX;
}

// Examine the oldest pending address.
static struct rs_error *examine(struct rs_build *b)
{
	const uint64_t address = b->pending[b->head];
	const bool guessed = b->guessed[b->head];

	b->head = (b->head + 1) % RS_PENDING;
	b->waiting--;
	const uint8_t runtime = runtime_at(b->session, address);
	if (runtime != RS_RUNTIMES_MAX) {
		uint8_t *guess = rs_vec_push(&b->guess, sizeof(*guess));

		if (!guess)
			return &rs_enomem;
		*guess = guessed;
		b->guesses += guessed;
		return enqueue(b, address, runtime);
	}
	rs_addrmap_remove(&b->graph->map, address);
	return NULL;
}

// Something refers to @p address: if for the first time, examine it soon.
// @param guessed The reference is a guess.
static struct rs_error *
add_target(struct rs_build *b, uint64_t address, bool guessed)
{
	bool added = false;
	struct rs_error *err;

	if (!rs_addrmap_takes(address) || !address)
		return NULL; // not an object; the reference is dropped later
	if (rs_addrmap_has(&b->graph->map, address))
		return NULL;
	err = rs_addrmap_add(&b->graph->map, address, &added);
	if (err)
		return err;
	if (b->waiting == RS_PENDING && (err = examine(b)))
		return err;
	rs_memory_prefetch(b->session->memory, address);
	b->pending[(b->head + b->waiting) % RS_PENDING] = address;
	b->guessed[(b->head + b->waiting++) % RS_PENDING] = guessed;
	return NULL;
}

// Whether only guesses led to the @p i-th of the queue when it was met.
static bool is_guessed(const struct rs_build *b, size_t i)
{
	return i >= b->tracked &&
	       rs_vec_items(&b->guess, uint8_t)[i - b->tracked];
}

static struct rs_error *read_one(struct rs_build *b, size_t i)
{
	const uint64_t q = rs_vec_items(&b->queue, uint64_t)[i];
	const uint64_t address = q & ADDRESS_MASK;
	uint16_t mark = (uint16_t)(q >> 48);
	struct rs_runtime *rt = runtime_of(b, i);
	struct rs_exact_answer *asked = &b->session->exact[rt->index];
	struct rs_row row = {0};
	struct rs_refs *refs = &b->refs;
	const bool guessed = is_guessed(b, i);

	refs->n = 0;
	refs->incomplete = false;
	rt->ops->read(rt, address, &row, true, refs);
	if (i < b->tracked &&
	    rs_exact_answer_next(asked, address, &b->asked[rt->index])) {
		const uint64_t k = b->asked[rt->index];

		rs_exact_answer_merge(asked, k, refs);
		row.flags = rs_exact_answer_flags(asked, k, row.flags | mark);
		mark &= (uint16_t)~RS_OBJ_INEXACT;
		if (refs->incomplete) // what comes on top of what is read
			row.flags |= RS_OBJ_INEXACT;
	}

	rs_graph_add_partial(b->graph, refs->incomplete, address);
	if (row.size >= RS_SIZE_LARGE) {
		const struct rs_large_size large = {address, row.size};
		struct rs_error *err =
			rs_vec_append(&b->graph->large, &large, sizeof(large));

		if (err)
			return err;
	}

	struct rs_read_row *r = rs_vec_push(&b->row, sizeof(*r));
	uint64_t *raw = rs_vec_push(&b->raw, refs->n * sizeof(*raw));
	if (!r || !raw || refs->no_memory)
		return &rs_enomem;
	*r = (struct rs_read_row){
		.count = row.count,
		.type = row.type,
		.size = row.size < RS_SIZE_LARGE ? (uint32_t)row.size
						 : RS_SIZE_LARGE,
		.flags = row.flags | mark,
		.references = refs->n,
	};
	for (uint32_t k = 0; k < refs->n; k++) {
		const uint64_t target = refs->target[k];

		raw[k] = (target & ADDRESS_MASK) | (uint64_t)refs->kind[k]
							   << 48;
		if (target >> 48)
			raw[k] = 0; // not a user address: never found
		struct rs_error *err = add_target(
			b, target, guessed || refs->kind[k] == RS_GUESS);
		if (err)
			return err;
	}
	return NULL;
}

// Prefetch for the objects that are read a little after the @p i-th of @p n.
static void prefetch_queue(const struct rs_build *b, size_t i, size_t n)
{
	const uint64_t *queue = rs_vec_items(&b->queue, uint64_t);

	if (i + RS_BUILD_FAR < n) {
		const uint64_t q = queue[i + RS_BUILD_FAR];
		struct rs_runtime *rt = runtime_of(b, i + RS_BUILD_FAR);
		if (rt->ops->prefetch)
			rt->ops->prefetch(rt, q & ADDRESS_MASK);
	}
	if (i + RS_BUILD_NEAR < n) {
		const uint64_t q = queue[i + RS_BUILD_NEAR];
		struct rs_runtime *rt = runtime_of(b, i + RS_BUILD_NEAR);
		if (rt->ops->prefetch_tables)
			rt->ops->prefetch_tables(rt, q & ADDRESS_MASK);
	}
}

// Read what is in the queue and has not been read, and all that it leads to.
static struct rs_error *read_queue(struct rs_build *b)
{
	for (size_t i = rs_vec_count(&b->row, struct rs_read_row);; i++) {
		struct rs_error *err;

		while (i >= rs_vec_count(&b->queue, uint64_t)) {
			if (!b->waiting)
				return NULL;
			if ((err = examine(b)))
				return err;
		}
		const size_t n = rs_vec_count(&b->queue, uint64_t);
		if (i % RS_TICK == 0 &&
		    (err = rs_progress_tick(&b->session->progress,
					    "reading objects", i, n)))
			return err;
		prefetch_queue(b, i, n);
		if ((err = read_one(b, i)))
			return err;
		if (n > RS_TARGET_MASK)
			return rs_error_new(RS_EBAD, "more than 1 Gi objects");
	}
}

static struct rs_error *read_unreferenced(struct rs_build *b)
{
	RS_CLEANUP(rs_vec_fini) struct rs_vec more = {0};
	struct rs_error *err =
		rs_build_unreferenced(b->session, &b->graph->map, &more);
	const struct rs_unreferenced *one =
		rs_vec_items(&more, struct rs_unreferenced);
	const size_t n = rs_vec_count(&more, struct rs_unreferenced);
	const uint8_t certain = 0;

	for (size_t i = 0; i < n && !err; i++) {
		bool added = false;

		err = rs_addrmap_add(&b->graph->map, one[i].address, &added);
		if (err || !added)
			continue;
		if (!(err = enqueue(b, one[i].address, one[i].runtime)) &&
		    !(err = rs_vec_append(&b->guess, &certain, 1)))
			err = rs_vec_append(&b->unreferenced, &one[i].address,
					    sizeof(one->address));
	}
	return err ? err : read_queue(b);
}

static struct rs_error *place_unreferenced(struct rs_build *b)
{
	struct rs_graph *g = b->graph;
	const uint64_t *address = rs_vec_items(&b->unreferenced, uint64_t);
	const size_t n = rs_vec_count(&b->unreferenced, uint64_t);
	struct rs_error *err = NULL;

	rs_vec_sort_u64(&b->unreferenced);
	for (size_t i = 0; i < n && !err; i++) {
		const uint32_t number = rs_graph_find(g, address[i]);

		err = rs_vec_append(&g->unreferenced, &number, sizeof(number));
	}
	return err;
}

// Number the tracked objects and those in an allocator in @p map.
static struct rs_error *
find(struct rs_build *b, struct rs_vec *from, struct rs_addrmap *map)
{
	struct rs_error *err =
		rs_build_find(b->session, NULL, &b->found, from, map);

	for (size_t i = 0; i < b->session->runtimes && !err; i++) {
		struct rs_runtime *rt = b->session->runtime[i];

		if (rt->ops->sweep)
			err = rt->ops->sweep(rt, map, &b->session->progress);
	}
	return err ? err : rs_addrmap_seal(map);
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
		by = runtime_at(session, address);
	return by == RS_RUNTIMES_MAX ? 0 : by;
}

// Enter the marks of the found objects in @p sorted and, with several runtimes,
// the runtimes of all in @p of; both are indexed by number.
static void place_found(struct rs_build *b, const struct rs_vec *from,
			uint64_t *sorted, uint8_t *of)
{
	const struct rs_addrmap *map = &b->graph->map;
	const uint64_t *address = rs_vec_items(&b->found.address, uint64_t);
	const uint16_t *mark = rs_vec_items(&b->found.mark, uint16_t);
	const size_t found = rs_vec_count(&b->found.address, uint64_t);
	uint8_t by = 0;

	for (size_t i = 0; i < found; i++) {
		by = rs_build_found_by(from, i, by);
		if (!rs_addrmap_takes(address[i]))
			continue;
		const uint32_t n = rs_addrmap_number(map, address[i]);
		uint64_t *q = &sorted[n];
		*q = (*q & ADDRESS_MASK) |
		     (uint64_t)rs_build_mark((uint16_t)(*q >> 48), mark[i])
			     << 48;
		if (of)
			of[n] = by;
	}
	for (uint32_t n = 0; of && n < map->count; n++)
		if (of[n] == RS_RUNTIMES_MAX)
			of[n] = swept_by(b->session, sorted[n] & ADDRESS_MASK);
}

static struct rs_error *start_queue(struct rs_build *b)
{
	struct rs_addrmap *map = &b->graph->map;
	RS_CLEANUP(rs_vec_fini) struct rs_vec from = {0};
	struct rs_error *err = find(b, &from, map);

	if (err)
		return err;
	uint64_t *sorted; // queue: addresses in ascending order, with marks
	const size_t n = map->count;
	if ((err = rs_block_new(n, sizeof(*sorted), &sorted)))
		return err;
	rs_addrmap_list(map, sorted);

	uint64_t *q = rs_vec_push(&b->queue, n * sizeof(*q));
	uint8_t *of = NULL;
	if (b->session->runtimes > 1 && (of = rs_vec_push(&b->of, n)))
		memset(of, RS_RUNTIMES_MAX, n);
	place_found(b, &from, sorted, of);
	if (q)
		memcpy(q, sorted, n * sizeof(*q));
	b->tracked = n;
	rs_block_free(sorted, n, sizeof(*sorted));
	return q && (of || b->session->runtimes <= 1) ? NULL : &rs_enomem;
}

static struct rs_error *
start_query(struct rs_build *b, struct rs_exact_query **ret)
{
	const uint64_t *queue = rs_vec_items(&b->queue, uint64_t);
	struct rs_exact_list list;
	struct rs_error *err = rs_exact_list_init(&list, b->session);

	for (size_t i = 0; i < b->tracked && !err; i++) {
		const uint8_t by = runtime_of(b, i)->index;

		if (rs_exact_wanted(b->session, by, (uint16_t)(queue[i] >> 48)))
			err = rs_exact_list_add(&list, by,
						queue[i] & ADDRESS_MASK);
	}
	if (!err)
		err = rs_exact_query_start(b->session, &list, false, ret);
	rs_exact_list_fini(&list);
	return err;
}

static struct rs_error *add_roots(struct rs_build *b)
{
	for (size_t i = 0; i < b->session->runtimes; i++) {
		struct rs_runtime *rt = b->session->runtime[i];
		struct rs_error *err;

		if (rt->ops->roots && (err = rt->ops->roots(rt, &b->roots)))
			return err;
	}
	const struct rs_found_root *root =
		rs_vec_items(&b->roots.root, struct rs_found_root);
	const size_t n = rs_vec_count(&b->roots.root, struct rs_found_root);
	for (size_t i = 0; i < n; i++) {
		struct rs_error *err = add_target(
			b, root[i].target, root[i].root.kind == RS_ROOT_WORD);
		if (err)
			return err;
	}
	return NULL;
}

// A counted reference of the @p i-th of the queue leads to no object.
static struct rs_error *
add_dangling(struct rs_build *b, size_t i, uint64_t target)
{
	struct rs_dangling *d;

	if (b->graph->danglings++ >= RS_DANGLING_KEPT)
		return NULL;
	d = rs_vec_push(&b->graph->dangling, sizeof(*d));
	if (!d)
		return &rs_enomem;
	const uint64_t q = rs_vec_items(&b->queue, uint64_t)[i];
	*d = (struct rs_dangling){
		.target = target,
		.source = rs_addrmap_number(&b->graph->map, q & ADDRESS_MASK),
	};
	return NULL;
}

// Turn the addresses in references into numbers, in the order of reading, and
// drop references that do not lead to an object.
static struct rs_error *translate(struct rs_build *b)
{
	const uint64_t *raw = rs_vec_items(&b->raw, uint64_t);
	struct rs_read_row *row = rs_vec_items(&b->row, struct rs_read_row);
	const size_t n = rs_vec_count(&b->row, struct rs_read_row);
	const size_t references = rs_vec_count(&b->raw, uint64_t);
	const uint64_t *const last = raw + references;
	struct rs_error *err;
	uint32_t *edge = rs_vec_push(&b->edge, references * sizeof(*edge));
	size_t to = 0;

	if (!edge)
		return &rs_enomem;
	for (size_t i = 0; i < n; i++) {
		const size_t first = to;

		for (uint32_t k = row[i].references; k; k--, raw++) {
			if (raw + RS_LOOKAHEAD < last)
				rs_addrmap_prefetch(&b->graph->map,
						    raw[RS_LOOKAHEAD] &
							    ADDRESS_MASK);
			const uint32_t t = rs_addrmap_number(
				&b->graph->map, *raw & ADDRESS_MASK);
			edge[to] = rs_edge(t, (enum rs_kind)(*raw >> 48 & 3));
			to += t != RS_NONE;
			if (__builtin_expect(t == RS_NONE && *raw, 0) &&
			    rs_edge_counted((uint32_t)(*raw >> 48 & 3)
					    << RS_KIND_SHIFT) &&
			    (err = add_dangling(b, i, *raw & ADDRESS_MASK)))
				return err;
		}
		row[i].references = (uint32_t)(to - first);
	}
	b->edge.used = to * sizeof(*edge);
	b->graph->references = to;
	b->graph->dropped = references - to;
	if (to > UINT32_MAX)
		return rs_error_new(RS_EBAD, "more than 4 Gi references");
	return NULL;
}

// The edges of one row become guesses; weak ones count nothing anyway.
static void guess_row(uint32_t *edge, uint32_t n)
{
	for (uint32_t k = 0; k < n; k++)
		if (rs_edge_counted(edge[k]))
			edge[k] = rs_edge(rs_edge_target(edge[k]), RS_GUESS);
}

// One pass over all rows: what a certain object refers to is certain. @return
// whether any was found.
static bool settle_guesses(struct rs_build *b, size_t first, size_t start)
{
	const struct rs_read_row *row =
		rs_vec_items(&b->row, struct rs_read_row);
	const uint32_t *edge = rs_vec_items(&b->edge, uint32_t) + start;
	const uint64_t *queue = rs_vec_items(&b->queue, uint64_t);
	const size_t n = rs_vec_count(&b->row, struct rs_read_row);
	uint8_t *guessed = b->graph->guessed;
	bool any = false;

	for (size_t i = first; i < n; edge += row[i++].references) {
		if (i >= b->tracked &&
		    guessed[rs_addrmap_number(&b->graph->map,
					      queue[i] & ADDRESS_MASK)])
			continue;
		for (uint32_t k = 0; k < row[i].references; k++) {
			uint8_t *mark = &guessed[rs_edge_target(edge[k])];

			if (*mark && rs_edge_kind(edge[k]) != RS_GUESS) {
				*mark = 0;
				any = true;
			}
		}
	}
	return any;
}

/*
 * What is known only by a guess may be no object: words left in a buffer can
 * look like one. Such a thing stays in the graph, but what it seems to refer
 * to is guessed as well, so that it explains no count and holds nothing.
 */
static struct rs_error *mark_guessed(struct rs_build *b)
{
	enum { RS_PASSES = 100 }; // what is not settled then stays a guess
	struct rs_graph *g = b->graph;
	struct rs_read_row *row = rs_vec_items(&b->row, struct rs_read_row);
	const uint64_t *queue = rs_vec_items(&b->queue, uint64_t);
	const size_t n = rs_vec_count(&b->row, struct rs_read_row);
	uint32_t *edge = rs_vec_items(&b->edge, uint32_t);
	size_t start = 0;
	struct rs_error *err;

	if (!b->guesses)
		return NULL;
	if ((err = rs_block_new(g->objects, 1, &g->guessed)))
		return err;
	for (size_t i = 0; i < b->tracked; i++)
		start += row[i].references;
	for (size_t i = b->tracked; i < n; i++)
		g->guessed[rs_addrmap_number(
			&g->map, queue[i] & ADDRESS_MASK)] = is_guessed(b, i);
	bool more = settle_guesses(b, 0, 0);
	for (int i = 0; more && i < RS_PASSES; i++)
		more = settle_guesses(b, b->tracked, start);
	edge += start;
	for (size_t i = b->tracked; i < n; edge += row[i++].references) {
		if (!g->guessed[rs_addrmap_number(&g->map,
						  queue[i] & ADDRESS_MASK)])
			continue;
		guess_row(edge, row[i].references);
		row[i].flags |= RS_OBJ_INEXACT;
	}
	return NULL;
}

static int compare_large(const void *a, const void *b)
{
	const struct rs_large_size *one = a, *other = b;

	return (one->address > other->address) -
	       (one->address < other->address);
}

// Move rows and edges from the order of reading to the order of numbers.
static struct rs_error *place(struct rs_build *b)
{
	struct rs_graph *g = b->graph;
	const struct rs_read_row *row =
		rs_vec_items(&b->row, struct rs_read_row);
	const size_t n = rs_vec_count(&b->row, struct rs_read_row);
	struct rs_error *err = rs_build_arrays(g);

	if (!err && b->of.used)
		err = rs_block_new(g->objects, 1, &g->runtime);
	if (!err)
		err = rs_block_new_dense(g->references, sizeof(uint32_t),
					 &g->out);
	if (err)
		return err;

	if (g->large.used)
		qsort(g->large.data,
		      rs_vec_count(&g->large, struct rs_large_size),
		      sizeof(struct rs_large_size), compare_large);
	const uint64_t *queue = rs_vec_items(&b->queue, uint64_t);
	for (size_t i = 0; i < n; i++) {
		const uint32_t o =
			rs_addrmap_number(&g->map, queue[i] & ADDRESS_MASK);
		g->count[o] = row[i].count;
		g->type[o] = row[i].type;
		g->size32[o] = row[i].size;
		g->flags[o] = row[i].flags;
		if (g->runtime)
			g->runtime[o] = runtime_of(b, i)->index;
		g->out_start[o + 1] = row[i].references;
	}
	for (uint32_t o = 0; o < g->objects; o++)
		g->out_start[o + 1] += g->out_start[o];

	const uint32_t *edge = rs_vec_items(&b->edge, uint32_t);
	for (size_t i = 0; i < n; i++) {
		const uint32_t o =
			rs_addrmap_number(&g->map, queue[i] & ADDRESS_MASK);
		uint32_t *to = g->out + g->out_start[o];

		for (uint32_t k = row[i].references; k; k--)
			*to++ = *edge++;
	}
	return NULL;
}

static struct rs_error *place_roots(struct rs_build *b)
{
	struct rs_graph *g = b->graph;
	const struct rs_found_root *from =
		rs_vec_items(&b->roots.root, struct rs_found_root);
	const size_t n = rs_vec_count(&b->roots.root, struct rs_found_root);

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
	g->root_text = b->roots.text;
	b->roots.text = (struct rs_vec){0};
	return NULL;
}

// Traversing has to be finished before the first object is read, because its
// references lead to other objects.
static struct rs_error *ask_and_add_roots(struct rs_build *b)
{
	struct rs_exact_query *exact = NULL;
	struct rs_error *err = start_query(b, &exact);

	if (!err)
		err = add_roots(b);
	if (!err)
		return rs_exact_query_join(exact);
	rs_exact_query_stop(exact);
	return err;
}

static struct rs_error *build(struct rs_build *b)
{
	struct rs_graph *g = b->graph;
	struct rs_error *err;

	if ((err = rs_addrmap_init(&g->map)) || (err = start_queue(b)) ||
	    (err = ask_and_add_roots(b)) || (err = read_queue(b)) ||
	    (err = read_unreferenced(b)) || (err = rs_addrmap_seal(&g->map)))
		return err;
	g->objects = g->map.count;
	if ((err = translate(b)))
		return err;
	rs_vec_fini(&b->raw);
	if ((err = mark_guessed(b)) || (err = place(b)) ||
	    (err = place_roots(b)) || (err = place_unreferenced(b)) ||
	    (err = rs_build_static_objects(b->session, g)) ||
	    (err = rs_build_released(b->session, g)))
		return err;
	g->types = (uint32_t)rs_vec_count(&b->session->types.row,
					  struct rs_type_row);
	g->type_row = rs_vec_items(&b->session->types.row, struct rs_type_row);
	return NULL;
}

struct rs_error *rs_build_all(struct rs_session *session, struct rs_graph *ret)
{
	struct rs_build b = {.session = session, .graph = ret};
	struct rs_error *err = rs_refs_init(&b.refs, false);

	*ret = (struct rs_graph){0};
	b.asked = calloc(session->runtimes + 1, sizeof(*b.asked));
	if (!err && !b.asked)
		err = &rs_enomem;
	if (!err)
		err = build(&b);
	if (err) {
		rs_graph_fini(ret);
		*ret = (struct rs_graph){0};
	}
	rs_refs_fini(&b.refs);
	rs_found_fini(&b.found);
	rs_vec_fini(&b.roots.root);
	rs_vec_fini(&b.roots.text);
	rs_vec_fini(&b.queue);
	rs_vec_fini(&b.of);
	free(b.asked);
	rs_vec_fini(&b.row);
	rs_vec_fini(&b.raw);
	rs_vec_fini(&b.edge);
	rs_vec_fini(&b.guess);
	rs_vec_fini(&b.unreferenced);
	return err;
}
