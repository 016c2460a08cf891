// SPDX-License-Identifier: MIT
//
// From provisional numbers to those of the graph.
#include "base/cleanup.h"
#include "base/search.h"
#include "base/work.h"
#include "session/build.h"
#include "session/whole.h"

#include <stdatomic.h>
#include <stdlib.h>

enum {
	RS_STEP_SHIFT = 4, // a row of settle.before for 16 objects
	RS_ARRAYS = 7,
};

struct settle {
	struct rs_whole *whole;
	uint32_t found, late; // objects that were found first, and late
	uint64_t *sorted; // [late] addresses of the late objects, ascending
	uint32_t *order; // [late] which of them each is: found + order[k]
	// [late] in ascending order: the object before which each is put, of
	// those found first.
	uint32_t *ahead_of;
	uint32_t *number; // [late] in the order of meeting: in the graph
	// [found / 16 + 2] how many late ones are put before every 16th.
	uint32_t *before;
	// [late] 1: something that is no guess refers to it. By address.
	_Atomic uint8_t *certain;
};

// Rows of settle.before: the last is the end of those of the last step.
static size_t steps_of(const struct settle *s)
{
	return ((size_t)s->found >> RS_STEP_SHIFT) + 2;
}

// How many late objects are put before object @p i of those found first. Any
// number of them may be put before the same one.
static inline uint32_t put_before(const struct settle *s, uint32_t i)
{
	const uint32_t *before = &s->before[i >> RS_STEP_SHIFT];
	const uint32_t *ahead_of = s->ahead_of + before[0];

	return before[0] + (uint32_t)RS_FIRST_INDEX(k, before[1] - before[0],
						    ahead_of[k] > i);
}

static uint32_t number_of_late(const struct settle *s, uint32_t rank)
{
	return s->ahead_of[rank] + rank;
}

static uint32_t late_rank(const struct settle *s, uint64_t address)
{
	return rs_addrmap_takes(address)
		       ? rs_addrmap_number(&s->whole->late, address)
		       : RS_NONE;
}

// The number in the graph of the object with provisional number @p i.
static uint32_t settled(const struct settle *s, uint32_t i)
{
	return i < s->found ? i + put_before(s, i) : s->number[i - s->found];
}

static struct rs_error *order_late(struct settle *s)
{
	struct rs_whole *w = s->whole;
	const uint64_t *address = rs_vec_items(&w->address, uint64_t);
	const size_t steps = steps_of(s);
	struct rs_error *err;
	uint32_t at = 0;

	if ((err = rs_addrmap_seal(&w->late)) ||
	    (err = rs_block_new(s->late, sizeof(*s->sorted), &s->sorted)) ||
	    (err = rs_block_new(s->late, sizeof(*s->order), &s->order)) ||
	    (err = rs_block_new(s->late, sizeof(*s->ahead_of), &s->ahead_of)) ||
	    (err = rs_block_new(s->late, sizeof(*s->number), &s->number)) ||
	    (err = rs_block_new(steps, sizeof(*s->before), &s->before)) ||
	    (err = rs_block_new(s->late, 1, &s->certain)))
		return err;
	rs_addrmap_list(&w->late, s->sorted);
	for (uint32_t k = 0; k < s->late; k++)
		s->order[late_rank(s, address[s->found + k])] = k;
	for (uint32_t n = 0; n < s->late; n++) {
		while (at < s->found && address[at] < s->sorted[n])
			at++;
		s->ahead_of[n] = at;
		s->number[s->order[n]] = number_of_late(s, n);
	}
	uint32_t n = 0;
	for (size_t step = 0; step < steps; step++) {
		while (n < s->late && s->ahead_of[n] <= step << RS_STEP_SHIFT)
			n++;
		s->before[step] = n;
	}
	for (uint32_t k = 0; k < s->late && !err; k++)
		err = rs_addrmap_add(&w->graph->map, s->sorted[k], NULL);
	return err ? err : rs_addrmap_seal(&w->graph->map);
}

static void settle_fini(struct settle *s)
{
	rs_block_free(s->sorted, s->late, sizeof(*s->sorted));
	rs_block_free(s->order, s->late, sizeof(*s->order));
	rs_block_free(s->ahead_of, s->late, sizeof(*s->ahead_of));
	rs_block_free(s->number, s->late, sizeof(*s->number));
	rs_block_free(s->before, steps_of(s), sizeof(*s->before));
	rs_block_free((void *)s->certain, s->late, 1);
}

// --- Types: each view has numbered them by itself. ---

// Let the session meet all types of the views by ascending address, so that
// their numbers do not depend on who read what.
static struct rs_error *meet_types(struct rs_whole *w)
{
	RS_CLEANUP(rs_vec_fini) struct rs_vec all = {0};
	struct rs_runtime *rt = w->session->runtime[0];

	for (unsigned i = 0; i < w->readers; i++) {
		const struct rs_session *view = w->reader[i].session;
		const size_t n =
			rs_vec_count(&view->types.row, struct rs_type_row);

		for (size_t k = 0; view != w->session && k < n; k++) {
			const uint64_t address =
				rs_vec_items(&view->types.row,
					     struct rs_type_row)[k]
					.address;
			struct rs_error *err =
				rs_vec_append(&all, &address, sizeof(address));

			if (err)
				return err;
		}
	}
	rs_vec_sort_u64(&all);
	for (size_t i = 0; i < rs_vec_count(&all, uint64_t); i++)
		(void)rt->ops->type(rt, rs_vec_items(&all, uint64_t)[i]);
	return NULL;
}

static struct rs_error *map_types(struct rs_whole *w)
{
	struct rs_error *err = meet_types(w);

	for (unsigned i = 0; i < w->readers && !err; i++) {
		struct rs_reader *r = &w->reader[i];
		const struct rs_types *types = &r->session->types;

		if (r->session == w->session)
			continue;
		if ((err = rs_types_check(types)))
			return err;
		r->types = rs_vec_count(&types->row, struct rs_type_row);
		err = rs_build_map_types(w->session, types, &r->type);
	}
	return err;
}

// --- Edges. ---

static struct rs_error *
add_dangling(struct rs_piece *piece, uint64_t target, uint32_t source)
{
	const struct rs_dangling d = {.target = target, .source = source};

	if (piece->danglings++ >= RS_DANGLING_KEPT)
		return NULL;
	return rs_vec_append(&piece->dangling, &d, sizeof(d));
}

// The edge to @p later, an address that had no number; RS_NONE when there is no
// object.
static uint32_t late_edge(const struct settle *s, uint64_t later, bool certain)
{
	const uint32_t rank = late_rank(s, later & RS_ADDRESS_MASK);
	const enum rs_kind kind = (enum rs_kind)(later >> 48);

	if (rank == RS_NONE)
		return RS_NONE;
	if (certain && kind != RS_GUESS)
		atomic_store_explicit(&s->certain[rank], 1,
				      memory_order_relaxed);
	return rs_edge(number_of_late(s, rank), kind);
}

// Give the edges of a piece their numbers, in place, and drop those that do not
// lead to an object.
static struct rs_error *
settle_edges(const struct settle *s, struct rs_piece *piece)
{
	struct rs_whole *w = s->whole;
	const struct rs_reader *r = &w->reader[piece->reader];
	uint32_t *references = rs_vec_items(&w->references, uint32_t);
	uint32_t *from = rs_vec_items(&r->edge, uint32_t) + piece->edge;
	const uint64_t *later =
		rs_vec_items(&r->later, uint64_t) + piece->later;
	const bool certain = piece->first < s->found;
	uint32_t *to = from;
	struct rs_error *err = NULL;

	for (uint32_t i = piece->first; i < piece->end && !err; i++) {
		const uint32_t *const first = to;

		for (uint32_t k = references[i]; k && !err; k--) {
			const uint32_t edge = *from++;
			const uint32_t t = rs_edge_target(edge);

			if (__builtin_expect(t != RS_LATER, 1)) {
				*to++ = edge + put_before(s, t);
				continue;
			}
			*to = late_edge(s, *later, certain);
			if (*to != RS_NONE)
				to++;
			else if (piece->dropped++, rs_edge_counted(edge))
				err = add_dangling(piece,
						   *later & RS_ADDRESS_MASK,
						   settled(s, i));
			later++;
		}
		references[i] = (uint32_t)(to - first);
	}
	return err;
}

static struct rs_error *settle_piece(void *context, unsigned worker, size_t i)
{
	const struct settle *s = context;
	struct rs_whole *w = s->whole;
	struct rs_piece *piece = &rs_vec_items(&w->piece, struct rs_piece)[i];
	const uint32_t *number = w->reader[piece->reader].type;
	uint32_t *type = rs_vec_items(&w->type, uint32_t);

	(void)worker;
	for (uint32_t k = piece->first; number && k < piece->end; k++)
		type[k] = number[type[k]];
	return settle_edges(s, piece);
}

// --- Rows. ---

// Move the @p width bytes of each object from provisional numbers to settled
// ones.
static struct rs_error *
spread(const struct settle *s, struct rs_vec *array, size_t width)
{
	char *a = array->data;
	uint32_t end = s->found;
	char *late;
	struct rs_error *err = rs_block_new(s->late, width, &late);

	if (err || !s->late || !array->used) {
		rs_block_free(err ? NULL : late, s->late, width);
		return err;
	}
	memcpy(late, a + s->found * width, s->late * width);
	for (uint32_t n = s->late; n-- > 0;) {
		const uint32_t at = s->ahead_of[n];

		memmove(a + (at + n + UINT64_C(1)) * width, a + at * width,
			(end - at) * width);
		memcpy(a + (at + (uint64_t)n) * width,
		       late + s->order[n] * width, width);
		end = at;
	}
	rs_block_free(late, s->late, width);
	return NULL;
}

static struct rs_error *spread_array(void *context, unsigned worker, size_t i)
{
	const struct settle *s = context;
	struct rs_whole *w = s->whole;
	struct rs_vec *const array[RS_ARRAYS] = {
		&w->address,	&w->count, &w->type, &w->size,
		&w->references, &w->flags, &w->of};
	static const uint8_t width[RS_ARRAYS] = {8, 4, 4, 4, 4, 2, 1};

	(void)worker;
	return spread(s, array[i], width[i]);
}

// references[i] of the settled object i becomes out_start[i + 1].
static struct rs_error *add_starts(struct rs_whole *w)
{
	const uint32_t n = rs_whole_objects(w);
	uint32_t *start = rs_vec_push(&w->references, sizeof(*start));
	uint64_t sum = 0;

	if (!start)
		return &rs_enomem;
	start = rs_vec_items(&w->references, uint32_t);
	for (uint32_t i = 0; i <= n; i++) {
		const uint32_t references = i < n ? start[i] : 0;

		start[i] = (uint32_t)sum;
		sum += references;
		if (sum > UINT32_MAX)
			return rs_error_new(
				RS_EBAD,
				"the target has more than 2^32 - 1 references, "
				"as many as can be kept");
	}
	w->graph->references = sum;
	return NULL;
}

static struct rs_error *to_graph(struct rs_whole *w)
{
	struct rs_graph *g = w->graph;
	struct rs_error *err;

	g->objects = rs_whole_objects(w);
	if ((err = rs_vec_to_block(&w->address, &g->address)) ||
	    (err = rs_vec_to_block(&w->count, &g->count)) ||
	    (err = rs_vec_to_block(&w->type, &g->type)) ||
	    (err = rs_vec_to_block(&w->size, &g->size32)) ||
	    (err = rs_vec_to_block(&w->flags, &g->flags)) ||
	    (err = rs_vec_to_block(&w->references, &g->out_start)) ||
	    (w->of.used && (err = rs_vec_to_block(&w->of, &g->runtime))))
		return err;
	return rs_block_new_dense(g->references, sizeof(*g->out), &g->out);
}

// --- The edges of a reader go to their places. ---

// The late objects, in the order in which they were met.
static void copy_late(const struct settle *s, const uint32_t *from)
{
	const struct rs_graph *g = s->whole->graph;

	for (uint32_t k = 0; k < s->late; k++) {
		const uint32_t first = g->out_start[s->number[k]];
		const uint32_t n = g->out_start[s->number[k] + 1] - first;

		if (n)
			memcpy(g->out + first, from, n * sizeof(*from));
		from += n;
	}
}

// Objects between which no late one was put stand together.
static void copy_found(const struct settle *s, const struct rs_piece *piece,
		       const uint32_t *from)
{
	const struct rs_graph *g = s->whole->graph;

	for (uint32_t i = piece->first; i < piece->end;) {
		const uint32_t before = put_before(s, i);
		const uint32_t next =
			before < s->late && s->ahead_of[before] < piece->end
				? s->ahead_of[before]
				: piece->end;
		const uint32_t first = g->out_start[i + before];
		const uint32_t n = g->out_start[next + before] - first;

		if (n)
			memcpy(g->out + first, from, n * sizeof(*from));
		from += n;
		i = next;
	}
}

// The last pieces first, so that their memory is given back meanwhile.
static struct rs_error *
copy_edges(void *context, unsigned worker, size_t number)
{
	const struct settle *s = context;
	struct rs_whole *w = s->whole;
	struct rs_reader *r = &w->reader[number];
	const struct rs_piece *piece = rs_vec_items(&w->piece, struct rs_piece);

	(void)worker;
	for (size_t i = rs_vec_count(&w->piece, struct rs_piece); i-- > 0;) {
		const uint32_t *from =
			rs_vec_items(&r->edge, uint32_t) + piece[i].edge;

		if (piece[i].reader != number)
			continue;
		if (piece[i].first < s->found)
			copy_found(s, &piece[i], from);
		else
			copy_late(s, from);
		r->edge.used = piece[i].edge * sizeof(*from);
		rs_vec_trim(&r->edge);
	}
	return NULL;
}

// --- What only guesses lead to. ---

// The edges of one row become guesses; weak ones count nothing anyway.
static void guess_row(uint32_t *edge, uint32_t n)
{
	for (uint32_t k = 0; k < n; k++)
		if (rs_edge_counted(edge[k]))
			edge[k] = rs_edge(rs_edge_target(edge[k]), RS_GUESS);
}

// What the certain object @p i refers to is certain, too, and added to @p queue
// when it was not before.
static struct rs_error *
settle_row(const struct rs_graph *g, uint32_t i, struct rs_vec *queue)
{
	struct rs_error *err = NULL;

	for (uint32_t e = g->out_start[i]; e < g->out_start[i + 1] && !err;
	     e++) {
		const uint32_t target = rs_edge_target(g->out[e]);

		if (!g->guessed[target] || rs_edge_kind(g->out[e]) == RS_GUESS)
			continue;
		g->guessed[target] = 0;
		err = rs_vec_append(queue, &target, sizeof(target));
	}
	return err;
}

static struct rs_error *settle_guesses(const struct settle *s)
{
	const struct rs_graph *g = s->whole->graph;
	struct rs_vec queue = {0};
	struct rs_error *err = NULL;

	for (uint32_t k = 0; k < s->late && !err; k++)
		if (!g->guessed[s->number[k]])
			err = settle_row(g, s->number[k], &queue);
	for (size_t k = 0; !err && k < rs_vec_count(&queue, uint32_t); k++)
		err = settle_row(g, rs_vec_items(&queue, uint32_t)[k], &queue);
	rs_vec_fini(&queue);
	return err;
}

/*
 * What is known only by a guess may be no object: words left in a buffer can
 * look like one. Such a thing stays in the graph, but what it seems to refer
 * to is guessed as well, so that it explains no count and holds nothing.
 */
static struct rs_error *mark_guessed(const struct settle *s)
{
	struct rs_whole *w = s->whole;
	struct rs_graph *g = w->graph;
	struct rs_error *err;

	if (!w->guesses)
		return NULL;
	if ((err = rs_block_new(g->objects, 1, &g->guessed)))
		return err;
	for (uint32_t n = 0; n < s->late; n++)
		g->guessed[number_of_late(s, n)] =
			rs_whole_is_guess(w, s->found + s->order[n]) &&
			!s->certain[n];
	if ((err = settle_guesses(s)))
		return err;
	for (uint32_t k = 0; k < s->late; k++) {
		const uint32_t i = s->number[k];

		if (!g->guessed[i])
			continue;
		guess_row(g->out + g->out_start[i],
			  g->out_start[i + 1] - g->out_start[i]);
		g->flags[i] |= RS_OBJ_INEXACT;
	}
	return NULL;
}

// --- What there is besides. ---

static int compare_large(const void *a, const void *b)
{
	const struct rs_large_size *one = a;
	const struct rs_large_size *other = b;

	return (one->address > other->address) -
	       (one->address < other->address);
}

static struct rs_error *gather(struct rs_whole *w)
{
	struct rs_graph *g = w->graph;
	const struct rs_piece *piece = rs_vec_items(&w->piece, struct rs_piece);
	const size_t pieces = rs_vec_count(&w->piece, struct rs_piece);
	struct rs_error *err = NULL;

	for (unsigned i = 0; i < w->readers && !err; i++) {
		g->dropped += w->reader[i].dropped;
		err = rs_vec_append(&g->large, w->reader[i].large.data,
				    w->reader[i].large.used);
	}
	if (g->large.used)
		qsort(g->large.data,
		      rs_vec_count(&g->large, struct rs_large_size),
		      sizeof(struct rs_large_size), compare_large);
	for (size_t i = 0; i < pieces && !err; i++) {
		const size_t room =
			RS_DANGLING_KEPT * sizeof(struct rs_dangling);
		const size_t left = room - g->dangling.used;
		const size_t used = piece[i].dangling.used;

		rs_graph_add_partial(g, piece[i].partial,
				     piece[i].partial_example);
		g->danglings += piece[i].danglings;
		g->dropped += piece[i].dropped;
		err = rs_vec_append(&g->dangling, piece[i].dangling.data,
				    used < left ? used : left);
	}
	return err;
}

// An object that was released too often leaves a few. So many are most likely
// none of the program's faults: objects are gone from the target, and with them
// what they alone led to.
static void tell_lost(const struct rs_whole *w)
{
	enum { RS_LOST = 20, RS_LOST_SHARE = 100 };
	const struct rs_graph *g = w->graph;

	if (g->danglings >= RS_LOST &&
	    g->danglings >= g->references / RS_LOST_SHARE)
		rs_memory_gap(
			w->session->memory,
			"%llu references lead to memory that holds no object: "
			"pages of the target are damaged or missing, or many "
			"objects were released too often; objects may be "
			"missing",
			(unsigned long long)g->danglings);
}

static struct rs_error *
run(struct settle *s, size_t items,
    struct rs_error *(*item)(void *context, unsigned worker, size_t item))
{
	struct rs_whole *w = s->whole;
	const struct rs_work work = {
		.items = items,
		.workers = w->readers - 1,
		.item = item,
		.context = s,
		.phase = "numbering objects",
		.progress = &w->session->progress,
	};

	return rs_work_run(&work);
}

static struct rs_error *settle(struct settle *s)
{
	struct rs_whole *w = s->whole;
	struct rs_error *err;

	if ((err = order_late(s)) || (err = map_types(w)) ||
	    (err = run(s, rs_vec_count(&w->piece, struct rs_piece),
		       settle_piece)) ||
	    (err = run(s, RS_ARRAYS, spread_array)) || (err = add_starts(w)) ||
	    (err = to_graph(w)) || (err = run(s, w->readers, copy_edges)) ||
	    (err = mark_guessed(s)))
		return err;
	err = gather(w);
	if (!err)
		tell_lost(w);
	return err;
}

struct rs_error *rs_settle(struct rs_whole *w)
{
	struct settle s = {
		.whole = w,
		.found = w->found,
		.late = rs_whole_objects(w) - w->found,
	};
	struct rs_error *err = settle(&s);

	settle_fini(&s);
	return err;
}
