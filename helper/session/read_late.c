// SPDX-License-Identifier: MIT
//
// Objects to which only references lead: the target of one is added to the
// address map when it first occurs, and prefetched; some references later, when
// it is in the cache, it is examined, and removed if it is not an object.
#include "base/cleanup.h"
#include "session/build.h"
#include "session/whole.h"

enum { RS_PENDING = 64 };

struct late {
	struct rs_whole *whole;
	uint32_t next; // provisional number of the next object to be read
	uint64_t pending[RS_PENDING]; // circular: addresses to examine
	bool guessed[RS_PENDING]; // of pending: only guesses refer to it so far
	unsigned head, waiting; // of pending
};

uint8_t rs_build_runtime_at(struct rs_session *session, uint64_t address)
{
	for (size_t i = 0; i < session->runtimes; i++) {
		struct rs_runtime *rt = session->runtime[i];

		if (rt->ops->is_object(rt, address))
			return (uint8_t)i;
	}
	return RS_RUNTIMES_MAX;
}

static struct rs_error *
enqueue(struct rs_whole *w, uint64_t address, uint8_t runtime, uint8_t guess)
{
	static const uint32_t zero;
	struct rs_error *err;

	if ((err = rs_vec_append(&w->address, &address, sizeof(address))) ||
	    (err = rs_vec_append(&w->count, &zero, sizeof(uint32_t))) ||
	    (err = rs_vec_append(&w->type, &zero, sizeof(uint32_t))) ||
	    (err = rs_vec_append(&w->size, &zero, sizeof(uint32_t))) ||
	    (err = rs_vec_append(&w->references, &zero, sizeof(uint32_t))) ||
	    (err = rs_vec_append(&w->flags, &zero, sizeof(uint16_t))) ||
	    (err = rs_vec_append(&w->guess, &guess, sizeof(guess))))
		return err;
	w->guesses += guess;
	if (w->session->runtimes > 1)
		err = rs_vec_append(&w->of, &runtime, sizeof(runtime));
	return err;
}

// Examine the oldest pending address.
static struct rs_error *examine(struct late *l)
{
	struct rs_whole *w = l->whole;
	const uint64_t address = l->pending[l->head];
	const bool guessed = l->guessed[l->head];

	l->head = (l->head + 1) % RS_PENDING;
	l->waiting--;
	const uint8_t runtime = rs_build_runtime_at(w->session, address);
	if (runtime != RS_RUNTIMES_MAX)
		return enqueue(w, address, runtime, guessed);
	rs_addrmap_remove(&w->late, address);
	return NULL;
}

// Something refers to @p address: if for the first time, examine it soon.
// @param guessed The reference is a guess.
static struct rs_error *
add_target(struct late *l, uint64_t address, bool guessed)
{
	struct rs_whole *w = l->whole;
	struct rs_error *err;

	if (!rs_addrmap_takes(address) || !address)
		return NULL; // not an object; the reference is dropped later
	if (rs_addrmap_has(&w->late, address) ||
	    rs_addrmap_has(&w->graph->map, address))
		return NULL;
	err = rs_addrmap_add(&w->late, address, NULL);
	if (err)
		return err;
	if (l->waiting == RS_PENDING && (err = examine(l)))
		return err;
	rs_memory_prefetch(w->session->memory, address);
	l->pending[(l->head + l->waiting) % RS_PENDING] = address;
	l->guessed[(l->head + l->waiting++) % RS_PENDING] = guessed;
	return NULL;
}

static struct rs_error *add_roots(struct late *l)
{
	const struct rs_vec *roots = &l->whole->roots.root;
	const struct rs_found_root *root =
		rs_vec_items(roots, struct rs_found_root);
	const size_t n = rs_vec_count(roots, struct rs_found_root);
	struct rs_error *err = NULL;

	for (size_t i = 0; i < n && !err; i++)
		err = add_target(l, root[i].target,
				 root[i].root.kind == RS_ROOT_WORD);
	return err;
}

// What the objects of @p piece, of which none is a guess, refer to.
static struct rs_error *add_piece(struct late *l, const struct rs_piece *piece)
{
	const struct rs_vec *later = &l->whole->reader[piece->reader].later;
	const uint64_t *at = rs_vec_items(later, uint64_t) + piece->later;
	struct rs_error *err = NULL;

	for (uint64_t i = 0; i < piece->laters && !err; i++)
		err = add_target(l, at[i] & RS_ADDRESS_MASK,
				 at[i] >> 48 == RS_GUESS);
	return err;
}

// Read late object @p i, and add what it refers to.
static struct rs_error *
read_one(struct late *l, struct rs_piece *piece, uint32_t i)
{
	struct rs_whole *w = l->whole;
	struct rs_reader *r = &w->reader[piece->reader];
	const size_t first = rs_vec_count(&r->later, uint64_t);
	struct rs_error *err = rs_reader_late(r, piece, i);
	const uint64_t *later = rs_vec_items(&r->later, uint64_t);

	for (size_t k = first; k < rs_vec_count(&r->later, uint64_t) && !err;
	     k++)
		err = add_target(l, later[k] & RS_ADDRESS_MASK,
				 rs_whole_is_guess(w, i) ||
					 later[k] >> 48 == RS_GUESS);
	return err;
}

// Read what was met and has not been read, and all that it leads to.
static struct rs_error *read_queue(struct late *l, struct rs_piece *piece)
{
	struct rs_whole *w = l->whole;

	for (;; l->next++) {
		const uint32_t i = l->next;
		struct rs_error *err;

		while (i >= rs_whole_objects(w)) {
			if (!l->waiting)
				return NULL;
			if ((err = examine(l)))
				return err;
		}
		const uint32_t n = rs_whole_objects(w);
		if (i % RS_TICK == 0 &&
		    (err = rs_progress_tick(&w->session->progress,
					    "reading objects", i, n)))
			return err;
		if ((err = read_one(l, piece, i)))
			return err;
		if (n >= RS_LATER)
			return rs_error_new(
				RS_EBAD,
				"the target has more than 2^30 objects, as many "
				"as can be read");
	}
}

static struct rs_error *
read_unreferenced(struct late *l, struct rs_piece *piece)
{
	struct rs_whole *w = l->whole;
	RS_CLEANUP(rs_vec_fini) struct rs_vec more = {0};
	struct rs_error *err =
		rs_build_unreferenced(w->session, &w->graph->map, &more);
	const struct rs_unreferenced *one =
		rs_vec_items(&more, struct rs_unreferenced);
	const size_t n = rs_vec_count(&more, struct rs_unreferenced);

	for (size_t i = 0; i < n && !err; i++) {
		bool added = false; // not if it was met

		err = rs_addrmap_add(&w->late, one[i].address, &added);
		if (err || !added)
			continue;
		err = enqueue(w, one[i].address, one[i].runtime, 0);
		if (!err)
			err = rs_vec_append(&w->unreferenced, &one[i].address,
					    sizeof(one->address));
	}
	return err ? err : read_queue(l, piece);
}

struct rs_error *rs_read_late(struct rs_whole *w)
{
	struct late l = {.whole = w, .next = w->found};
	struct rs_piece late = {
		.first = w->found, .end = w->found, .reader = w->readers - 1};
	struct rs_reader *r = &w->reader[late.reader];
	const size_t pieces = rs_vec_count(&w->piece, struct rs_piece);
	struct rs_error *err = add_roots(&l);

	late.edge = rs_vec_count(&r->edge, uint32_t);
	late.later = rs_vec_count(&r->later, uint64_t);
	for (size_t i = 0; i < pieces && !err; i++)
		err = add_piece(&l,
				&rs_vec_items(&w->piece, struct rs_piece)[i]);
	if (!err)
		err = read_queue(&l, &late);
	if (!err)
		err = read_unreferenced(&l, &late);
	late.end = rs_whole_objects(w);
	late.laters = rs_vec_count(&r->later, uint64_t) - late.later;
	return err ? err : rs_vec_append(&w->piece, &late, sizeof(late));
}
