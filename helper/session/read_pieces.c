// SPDX-License-Identifier: MIT
//
// Reading the objects that were found first, in pieces, by several threads.
#include "base/work.h"
#include "session/build.h"
#include "session/number_prefetch.h"
#include "session/whole.h"

enum { RS_WAITING = 4096 }; // references turned into edges at once, about

// Turn references @p k to @p end - 1 into edges. @return How many there are.
static uint32_t number_some(struct rs_reader *r,
			    struct rs_number_prefetch *ahead, uint32_t k,
			    uint32_t end, uint32_t *edge)
{
	const struct rs_refs *refs = &r->refs;
	uint32_t kept = 0;

	for (; k < end; k++) {
		const enum rs_kind kind = (enum rs_kind)refs->kind[k];
		uint32_t t = rs_number_prefetch_get(ahead, k);

		if (__builtin_expect(t == RS_NONE, 0)) {
			const uint64_t target = refs->target[k];
			uint64_t *later;

			if (target & ~RS_ADDRESS_MASK) {
				r->dropped++; // not a user address: no object
				continue;
			}
			later = rs_vec_push(&r->later, sizeof(*later));
			if (!later) {
				r->refs.no_memory = true;
				continue;
			}
			*later = target | (uint64_t)kind << 48;
			t = RS_LATER;
		}
		edge[kept++] = rs_edge(t, kind);
	}
	return kept;
}

// Turn the waiting references of several objects into edges: most objects have
// too few for prefetching to help within one. Until then `references` of an
// object is where those of the next one begin.
static struct rs_error *number_refs(struct rs_reader *r)
{
	uint32_t *references = rs_vec_items(&r->whole->references, uint32_t);
	const uint32_t n = r->refs.n;
	struct rs_number_prefetch ahead;
	uint32_t *edge = rs_vec_push(&r->edge, n * sizeof(*edge));
	uint32_t all = 0, k = 0;

	if (!edge)
		return &rs_enomem;
	rs_number_prefetch_init(&ahead, &r->whole->graph->map, r->refs.target,
				n);
	for (uint32_t i = r->first; i < r->next; i++) {
		const uint32_t end = references[i];
		const uint32_t kept =
			number_some(r, &ahead, k, end, edge + all);

		references[i] = kept;
		all += kept;
		k = end;
	}
	r->edge.used -= (n - all) * sizeof(*edge);
	r->refs.n = 0;
	r->first = r->next;
	return r->refs.no_memory ? &rs_enomem : NULL;
}

static struct rs_error *
add_large(struct rs_reader *r, uint64_t address, uint64_t bytes)
{
	const struct rs_large_size large = {address, bytes};

	return rs_vec_append(&r->large, &large, sizeof(large));
}

// Merge what its type reported into the references of object @p i, which are
// all that wait.
static void
merge(struct rs_reader *r, uint8_t runtime, struct rs_row *row, uint16_t *mark)
{
	struct rs_exact_answer *exact = &r->exact[runtime];
	const uint64_t k = r->asked[runtime];

	rs_exact_answer_merge(exact, k, &r->refs);
	row->flags = rs_exact_answer_flags(exact, k, row->flags | *mark);
	*mark &= (uint16_t)~RS_OBJ_INEXACT;
	if (r->refs.incomplete) // what comes on top of what is read
		row->flags |= RS_OBJ_INEXACT;
}

static struct rs_error *
read_object(struct rs_reader *r, struct rs_piece *piece, uint32_t i)
{
	struct rs_whole *w = r->whole;
	const uint64_t address = rs_vec_items(&w->address, uint64_t)[i];
	const uint8_t by = rs_whole_runtime(w, i);
	struct rs_runtime *rt = r->session->runtime[by];
	uint16_t *flags = &rs_vec_items(&w->flags, uint16_t)[i];
	uint16_t mark = *flags;
	struct rs_row row = {0};
	struct rs_error *err;
	const bool asked =
		i < w->found &&
		rs_exact_answer_next(&r->exact[by], address, &r->asked[by]);

	if (asked && r->refs.n && (err = number_refs(r)))
		return err;
	r->refs.incomplete = false;
	rt->ops->read(rt, address, &row, true, &r->refs);
	if (asked)
		merge(r, by, &row, &mark);
	if (r->refs.incomplete && !piece->partial++)
		piece->partial_example = address;
	if (row.size >= RS_SIZE_LARGE &&
	    (err = add_large(r, address, row.size)))
		return err;
	rs_vec_items(&w->count, uint32_t)[i] = row.count;
	rs_vec_items(&w->type, uint32_t)[i] = row.type;
	rs_vec_items(&w->size, uint32_t)[i] =
		row.size < RS_SIZE_LARGE ? (uint32_t)row.size : RS_SIZE_LARGE;
	rs_vec_items(&w->references, uint32_t)[i] = r->refs.n;
	*flags = row.flags | mark;
	r->next = i + 1;
	if (r->refs.no_memory)
		return &rs_enomem;
	return r->refs.n >= RS_WAITING ? number_refs(r) : NULL;
}

// Prefetch for the objects that are read a little after object @p i.
static void
prefetch(const struct rs_reader *r, const struct rs_piece *piece, uint32_t i)
{
	const struct rs_whole *w = r->whole;
	const uint64_t *address = rs_vec_items(&w->address, uint64_t);
	const uint32_t near = i + RS_BUILD_NEAR;
	const uint32_t far = i + RS_BUILD_FAR;

	if (far < piece->end) {
		struct rs_runtime *rt =
			r->session->runtime[rs_whole_runtime(w, far)];
		if (rt->ops->prefetch)
			rt->ops->prefetch(rt, address[far]);
	}
	if (near < piece->end) {
		struct rs_runtime *rt =
			r->session->runtime[rs_whole_runtime(w, near)];
		if (rt->ops->prefetch_tables)
			rt->ops->prefetch_tables(rt, address[near]);
	}
}

struct rs_error *
rs_reader_late(struct rs_reader *reader, struct rs_piece *piece, uint32_t i)
{
	struct rs_error *err;

	reader->first = reader->next = i;
	piece->end = rs_whole_objects(reader->whole);
	prefetch(reader, piece, i);
	err = read_object(reader, piece, i);
	return err || reader->first > i ? err : number_refs(reader);
}

static struct rs_error *read_piece(void *context, unsigned worker, size_t item)
{
	struct rs_whole *w = context;
	struct rs_reader *r = &w->reader[worker];
	struct rs_piece *piece =
		&rs_vec_items(&w->piece, struct rs_piece)[item];
	struct rs_error *err = NULL;

	piece->reader = worker;
	piece->edge = rs_vec_count(&r->edge, uint32_t);
	piece->later = rs_vec_count(&r->later, uint64_t);
	r->first = r->next = piece->first;
	for (size_t k = 0; k < w->session->runtimes; k++)
		(void)rs_exact_answer_find(
			&r->exact[k],
			rs_vec_items(&w->address, uint64_t)[piece->first],
			&r->asked[k]);
	for (uint32_t i = piece->first; i < piece->end && !err; i++) {
		prefetch(r, piece, i);
		err = read_object(r, piece, i);
	}
	if (!err)
		err = number_refs(r);
	piece->laters = rs_vec_count(&r->later, uint64_t) - piece->later;
	return err;
}

struct rs_error *rs_read_pieces(struct rs_whole *w)
{
	for (uint32_t i = 0; i < w->found;) {
		const uint32_t left = w->found - i;
		const struct rs_piece piece = {
			.first = i,
			.end = i + (left < RS_PIECE ? left : RS_PIECE),
		};
		struct rs_error *err =
			rs_vec_append(&w->piece, &piece, sizeof(piece));

		if (err)
			return err;
		i = piece.end;
	}
	const struct rs_work work = {
		.items = rs_vec_count(&w->piece, struct rs_piece),
		.workers = w->readers - 1,
		.item = read_piece,
		.context = w,
		.phase = "reading objects",
		.progress = &w->session->progress,
	};

	return rs_work_run(&work);
}
