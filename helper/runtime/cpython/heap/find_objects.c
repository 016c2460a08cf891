// SPDX-License-Identifier: MIT
//
// Walking the collector's lists, in chunks: list_chunks.h says why. Where a
// second thread is to be had it takes chunks too, with its own view of the same
// memory. Of the chunks each writes what the other does not read; which comes
// next, and how much has been reported, they count together.
#include "base/cleanup.h"
#include "base/thread.h"
#include "runtime/cpython/heap/list_chunks.h"

#include <stdatomic.h>

enum {
	RS_TURNS = 16, // chunks that a thread walks at once
	RS_BURST = 1 << 16, // steps between two looks at the clock
	RS_LOOK_MS = 20, // the same, when there is nothing left to step
	RS_HEADERS = 32, // bytes of the collector's head and an object's
	RS_SMALLEST = 32, // bytes of the smallest object with its head
	RS_ROOM = 1 << 20, // members that there is room for at first, at most
	RS_ALL = RS_PY_INTERPRETERS, // interpreters
	RS_HANDED = 1 << 18, // members that go to another array at a time
};
#define MARK_FINALIZED 0x8000
#define MARK_GUESSED 0x4000
#define MARK_CHUNK 0x3fff // RS_CHUNKS_MAX fits

// What the threads share.
struct walk {
	struct rs_list_chunks chunks;
	atomic_uint waiting; // the first chunk that nobody has taken
	atomic_uint_fast64_t reported; // members, counted now and then
	atomic_bool stop; // the second thread is to stop
};

// A chunk, and what its number is.
struct turn {
	struct rs_list_chunk chunk;
	unsigned number;
};

struct walker {
	struct walk *walk;
	struct rs_cpython *py;
	struct rs_memory *memory;
	struct rs_found *found;
	const struct rs_progress *progress;
	size_t want; // bytes read of a head
	uint64_t cap; // objects that memory could hold at most
	uint64_t reported, counted; // the latter are in walk->reported
	struct rs_error *err; // owned: what ended the walk
};

static uint64_t capacity(const struct rs_memory *memory)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < memory->segments; i++)
		bytes += memory->segment[i].end - memory->segment[i].start;
	return bytes / RS_SMALLEST + 1;
}

static bool is_collecting(struct rs_cpython *py, unsigned interpreter)
{
	struct rs_py_gcstate state;

	rs_py_gcstate(py, interpreter, &state);
	return state.collecting == 1;
}

// Those of one interpreter, or of all.
static void
add_lists(struct rs_list_chunks *chunks, struct rs_cpython *py, unsigned only)
{
	bool collecting = only == RS_ALL;

	for (unsigned i = 0; i < py->interpreters; i++) {
		if (only != RS_ALL && only != i)
			continue;
		collecting = collecting || is_collecting(py, i);
		for (unsigned g = 0; g < RS_PY_GENERATIONS; g++)
			if (py->interpreter[i].head[g])
				rs_chunks_add(chunks,
					      py->interpreter[i].head[g],
					      (int8_t)g);
	}
	// Of which generation these are is not known: every collection's.
	for (unsigned i = 0; collecting && i < py->collecting_lists; i++)
		rs_chunks_add(chunks, py->collecting_list[i], 0);
	chunks->lists = chunks->chunks;
}

// Bit 0 of _gc_prev (3.8+) or of gc_refs (3.4 to 3.7): its finalizer ran.
static bool finalized(const struct walker *w, const uint64_t head[3])
{
	if (w->py->version >= RS_PY(3, 8))
		return head[1] & 1;
	return w->py->version >= RS_PY(3, 4) && (head[2] & 1);
}

// Before 3.8 gc_refs of an idle member is -3 (in 3.x with a bit below it), and
// -2 while it is taken off its list; during a collection it is a count, or -4.
static bool in_transit(const struct walker *w, const uint64_t head[3])
{
	enum { RS_REACHABLE = -3, RS_UNTRACKED = -2 };
	const int64_t word = (int64_t)head[2];
	const int64_t refs = w->py->version < RS_PY(3, 4) ? word : word >> 1;

	return w->py->version < RS_PY(3, 8) && refs != RS_REACHABLE &&
	       refs != RS_UNTRACKED;
}

static bool tell(struct walker *w, const struct turn *turn, uint64_t object,
		 const uint64_t head[3])
{
	uint64_t *address = rs_vec_push(&w->found->address, sizeof(*address));
	uint16_t *mark = rs_vec_push(&w->found->mark, sizeof(*mark));

	if (!address || !mark) {
		w->err = &rs_enomem;
		return false;
	}
	*address = object;
	*mark = (uint16_t)(turn->number |
			   (finalized(w, head) ? MARK_FINALIZED : 0) |
			   (rs_py_guesses(w->py, object) ? MARK_GUESSED : 0));
	w->reported++;
	return true;
}

// Tell the member that comes next. @return false when the chunk has ended:
// at another one, or, with end RS_NOWHERE, for a reason.
static bool step(struct walker *w, struct turn *turn)
{
	const struct rs_list_chunks *chunks = &w->walk->chunks;
	struct rs_list_chunk *chunk = &turn->chunk;
	const uint64_t at = chunk->next;
	uint64_t head[3] = {0};
	const void *p;

	if (at != chunk->start) {
		chunk->end = rs_chunks_at(chunks, at);
		if (chunk->end != RS_NOWHERE)
			return false;
	}
	p = rs_memory_at(w->memory, at, w->want);
	if (!p || w->reported >= w->cap)
		return false;
	memcpy(head, p, 16);
	if (w->want > 16)
		memcpy(&head[2], (const char *)p + 16, 8);
	chunk->next = head[0] & ~RS_NOT_POINTER;
	rs_memory_prefetch(w->memory, chunk->next);
	rs_memory_prefetch(w->memory, chunk->next + RS_HEADERS);
	if (at == chunk->start && turn->number < chunks->lists) {
		chunk->end =
			chunk->next == at ? (int32_t)turn->number : RS_NOWHERE;
		return chunk->end == RS_NOWHERE; // a list's head is no object
	}
	if (!tell(w, turn, at + w->py->head_size, head))
		return false;
	chunk->last = at;
	chunk->in_transit |= in_transit(w, head);
	// Back at its own cut: a ring that no list's head is in.
	if (chunk->next == chunk->start)
		chunk->end = (int32_t)turn->number;
	return chunk->end == RS_NOWHERE;
}

// @return false when nobody has left a chunk.
static bool take_chunk(struct walk *walk, struct turn *ret)
{
	const unsigned number = atomic_fetch_add(&walk->waiting, 1);

	if (number >= walk->chunks.chunks)
		return false;
	ret->number = number;
	ret->chunk = walk->chunks.chunk[number];
	return true;
}

// Only what no other thread reads: it looks for chunks by their starts.
static void put_back(struct walk *walk, const struct turn *turn)
{
	struct rs_list_chunk *chunk = &walk->chunks.chunk[turn->number];

	chunk->last = turn->chunk.last;
	chunk->end = turn->chunk.end;
	chunk->next = turn->chunk.next;
	chunk->in_transit = turn->chunk.in_transit;
}

// All that the threads have reported so far; too many lead in circles.
static bool count_burst(struct walker *w)
{
	const uint64_t reported = w->reported - w->counted;

	w->counted = w->reported;
	return atomic_fetch_add(&w->walk->reported, reported) + reported <
	       w->cap;
}

// Step some chunks in turns; a chunk that ends makes place for the next.
static void walk_chunks(struct walker *w)
{
	struct turn turn[RS_TURNS];
	unsigned turns = 0;
	uint64_t steps = 0;
	bool more = true;

	while (!w->err) {
		while (more && turns < RS_TURNS &&
		       (more = take_chunk(w->walk, &turn[turns])))
			turns++;
		if (!turns)
			return;
		for (unsigned i = 0; i < turns && !w->err; i++) {
			if (step(w, &turn[i]))
				continue;
			put_back(w->walk, &turn[i]);
			turn[i--] = turn[--turns];
		}
		if ((steps += turns) < RS_BURST || w->err)
			continue;
		steps = 0;
		if (!count_burst(w))
			w->cap = 0;
		w->err = rs_progress_tick(w->progress, "walking gc lists",
					  atomic_load(&w->walk->reported), 0);
	}
}

// A broken list is no reason to show nothing: what it gave is kept.
static void broken(const struct walker *w, unsigned list, const char *why)
{
	rs_memory_gap(
		w->memory, "CPython %s: the gc list at 0x%llx is damaged: %s",
		w->py->version_text,
		(unsigned long long)w->walk->chunks.chunk[list].start, why);
}

// Stopped while an object was being added: from 3.8 on it is linked in before
// it leads anywhere, and the head's way back is changed last.
static bool is_being_added(struct rs_memory *memory,
			   const struct rs_list_chunk *end, uint64_t list)
{
	uint64_t previous = 0;

	return !end->next && end->last &&
	       rs_memory_u64(memory, list + 8, &previous) &&
	       rs_head_next(memory, previous & ~RS_NOT_POINTER) == end->last;
}

// Follow a list from chunk to chunk: they are of its generation.
static void join(struct walker *w, unsigned list)
{
	struct rs_list_chunk *chunk = w->walk->chunks.chunk;
	unsigned at = list;

	for (;;) {
		const int32_t end = chunk[at].end;

		if (end == (int32_t)list)
			return;
		if (end == RS_NOWHERE) {
			if (!is_being_added(w->memory, &chunk[at],
					    chunk[list].start))
				broken(w, list,
				       "it leads to unreadable memory");
			return;
		}
		if (chunk[end].generation >= 0) {
			broken(w, list,
			       "it leads into another list, or back into itself");
			return;
		}
		chunk[end].generation = chunk[list].generation;
		at = (unsigned)end;
	}
}

// Whether heads on a list say that a collection runs. What no list leads to is
// freed memory, or another's.
static bool is_found_collecting(const struct rs_list_chunks *chunks)
{
	for (unsigned i = 0; i < chunks->chunks; i++)
		if (chunks->chunk[i].generation >= 0 &&
		    chunks->chunk[i].in_transit)
			return true;
	return false;
}

// Numbers of chunks become marks; members of no list go.
static void settle(struct walker *w, size_t first)
{
	uint64_t *address = rs_vec_items(&w->found->address, uint64_t);
	uint16_t *mark = rs_vec_items(&w->found->mark, uint16_t);
	const size_t n = rs_vec_count(&w->found->mark, uint16_t);
	size_t to = first;

	for (size_t i = first; i < n; i++) {
		const int8_t g =
			w->walk->chunks.chunk[mark[i] & MARK_CHUNK].generation;
		const bool ran = mark[i] & MARK_FINALIZED;
		const bool guessed = mark[i] & MARK_GUESSED;

		address[to] = address[i];
		mark[to] = (uint16_t)(RS_OBJ_TRACKED | RS_OBJ_GC |
				      (ran ? RS_OBJ_FINALIZED : 0) |
				      (guessed ? RS_OBJ_INEXACT : 0) |
				      (g & RS_OBJ_GENERATION));
		to += g >= 0;
	}
	w->found->address.used = to * sizeof(*address);
	w->found->mark.used = to * sizeof(*mark);
}

// At once, so that what will be large lies in huge pages from its start.
static struct rs_error *reserve(const struct walker *w)
{
	const uint64_t room = w->cap < RS_ROOM ? w->cap : RS_ROOM;
	struct rs_error *err =
		rs_vec_reserve(&w->found->address, room * sizeof(uint64_t));

	return err ? err
		   : rs_vec_reserve(&w->found->mark, room * sizeof(uint16_t));
}

// The last first, so that what memory it took serves again.
static struct rs_error *hand_over(struct rs_found *from, struct rs_found *to)
{
	size_t left = rs_vec_count(&from->address, uint64_t);

	while (left) {
		const size_t n = left < RS_HANDED ? left : RS_HANDED;
		uint64_t *address =
			rs_vec_push(&to->address, n * sizeof(*address));
		uint16_t *mark = rs_vec_push(&to->mark, n * sizeof(*mark));

		if (!address || !mark)
			return &rs_enomem;
		left -= n;
		memcpy(address, rs_vec_items(&from->address, uint64_t) + left,
		       n * sizeof(*address));
		memcpy(mark, rs_vec_items(&from->mark, uint16_t) + left,
		       n * sizeof(*mark));
		from->address.used = left * sizeof(*address);
		from->mark.used = left * sizeof(*mark);
		rs_vec_trim(&from->address);
		rs_vec_trim(&from->mark);
	}
	return NULL;
}

static void walker_init(struct walker *w, struct walk *walk,
			struct rs_cpython *py, struct rs_found *found,
			const struct rs_progress *progress)
{
	*w = (struct walker){
		.walk = walk,
		.py = py,
		.memory = py->base.memory,
		.found = found,
		.progress = progress,
		.want = py->head_size < 24 ? 16 : 24,
		.cap = capacity(py->base.memory),
	};
	w->err = reserve(w);
}

static void *walk_beside(void *context)
{
	walk_chunks(context);
	return NULL;
}

// Wait for the second thread, which may have all that is left.
static struct rs_error *
wait_for(struct walker *w, pthread_t thread, struct walker *second)
{
	struct rs_error *err = rs_take(&w->err);

	while (!err && !rs_thread_ended(thread, RS_LOOK_MS))
		err = rs_progress_tick(w->progress, "walking gc lists",
				       atomic_load(&w->walk->reported), 0);
	if (!err)
		return rs_take(&second->err);
	atomic_store_explicit(&w->walk->stop, true, memory_order_relaxed);
	pthread_join(thread, NULL);
	return err;
}

// Walk all chunks; @p second is another walker of the same core, or NULL. One
// that is out of memory from the start is not needed.
static struct rs_error *walk_all(struct walker *w, struct walker *second)
{
	pthread_t thread;
	const bool two = second && !second->err &&
			 rs_thread_start(&thread, walk_beside, second);

	walk_chunks(w);
	return two ? wait_for(w, thread, second) : rs_take(&w->err);
}

static struct rs_error *
find_listed(struct rs_cpython *py, struct rs_cpython *beside, unsigned only,
	    struct rs_found *found, const struct rs_progress *progress)
{
	const size_t first = rs_vec_count(&found->mark, uint16_t);
	struct walk walk = {0};
	const struct rs_progress kept = {rs_thread_goes_on, &walk.stop};
	struct rs_found more = {0};
	struct walker w;
	struct walker second = {0};

	add_lists(&walk.chunks, py, only);
	rs_chunks_cut(&walk.chunks, py);
	walker_init(&w, &walk, py, found, progress);
	if (beside)
		walker_init(&second, &walk, beside, &more, &kept);
	struct rs_error *err = walk_all(&w, beside ? &second : NULL);
	if (!err)
		err = hand_over(&more, found);
	rs_error_free(second.err);
	rs_found_fini(&more);
	if (err)
		return err;
	for (unsigned i = 0; i < walk.chunks.lists; i++)
		join(&w, i);
	settle(&w, first);
	if (is_found_collecting(&walk.chunks))
		rs_py_was_collecting(py);
	return NULL;
}

struct rs_error *rs_py_find(struct rs_runtime *rt, struct rs_runtime *beside,
			    struct rs_found *found,
			    const struct rs_progress *progress)
{
	struct rs_cpython *py = rs_cpython(rt);

	return py->threaded
		       ? rs_py_find_threaded(py, found, progress)
		       : find_listed(py, beside ? rs_cpython(beside) : NULL,
				     RS_ALL, found, progress);
}

struct rs_error *rs_py_members(struct rs_runtime *rt, unsigned number,
			       struct rs_found *found,
			       const struct rs_progress *progress)
{
	return find_listed(rs_cpython(rt), NULL, number, found, progress);
}

int64_t rs_py_collector_id(struct rs_runtime *rt, unsigned number)
{
	return rs_cpython(rt)->interpreter[number].id;
}
