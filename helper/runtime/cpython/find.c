// SPDX-License-Identifier: MIT
//
// Walking the collector's lists. Alone, each step waits for the line that the
// step before named: a million objects cost a million waits. So lists are cut
// into pieces that are walked in turns, each piece's next line being fetched
// while the others are stepped. Cuts are heads found by looking at random
// places of the mappings that members were seen in; a head is known by its
// neighbours leading back to it. Nothing depends on a cut being right:
// pieces are joined from the lists' own heads on, and what no list leads to is
// dropped again.
#include "runtime/cpython/discover.h"

#include <sys/mman.h>

enum {
	RS_LISTS_MAX = RS_PY_INTERPRETERS * RS_PY_GENERATIONS + RS_PY_LIMBO,
	RS_CUTS_MAX = 256,
	RS_PIECES_MAX = RS_LISTS_MAX + RS_CUTS_MAX, // fits in MARK_PIECE
	RS_SLOTS = 2048, // of the hash of pieces; a power of two
	RS_SLOT_BITS = 11,
	RS_TURNS = 16, // pieces walked at once
	RS_BURST = 1 << 16, // steps between two looks at the clock
	RS_PLACES_MAX = 4 * RS_CUTS_MAX, // looked at for them
	RS_SEED = 4096, // members looked at to see where they lie
	RS_SEED_STEP = 32, // one of these is looked at
	RS_REGION_MIN = 256 << 10, // bytes of the smallest arena
	RS_REGIONS_MAX = 256,
	RS_WINDOW = 2048, // bytes looked at in one place
	RS_HEADERS = 32, // bytes of the collector's head and an object's
	RS_SMALLEST = 32, // bytes of the smallest object with its head
	RS_ROOM = 1 << 20, // members that there is room for at first, at most
	RS_ALL = RS_PY_INTERPRETERS, // interpreters
	RS_NOWHERE = -1, // a piece that leads out of memory, or nowhere yet
};
#define NOT_POINTER UINT64_C(3)
#define MARK_FINALIZED 0x8000
#define MARK_GUESSED 0x4000
#define MARK_PIECE 0x3fff

// From one known head (of a list, or a cut) up to the next known one.
struct piece {
	uint64_t start; // the head that it begins with
	uint64_t next; // the one to be looked at next
	uint64_t last; // the one told last, 0 before the first
	int32_t end; // number of the piece that it leads to, or RS_NOWHERE
	int8_t generation; // -1: no list has led to it
};

struct walk {
	struct rs_cpython *py;
	struct rs_memory *memory;
	struct rs_found *found;
	const struct rs_progress *progress;
	size_t want; // bytes read of a head
	uint64_t cap; // objects that memory could hold at most
	uint64_t told;
	bool no_memory;
	bool collecting; // 2.7, 3.6: what heads hold says so
	struct piece piece[RS_PIECES_MAX];
	unsigned pieces, lists; // the first `lists` begin at heads of lists
	uint16_t slot[RS_SLOTS]; // number of a piece + 1, by hash of its start
	struct {
		uint64_t start, end;
	} region[RS_REGIONS_MAX]; // mappings that members were seen in
	unsigned regions;
};

static uint64_t capacity(const struct rs_memory *memory)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < memory->segments; i++)
		bytes += memory->segment[i].end - memory->segment[i].start;
	return bytes / RS_SMALLEST + 1;
}

static unsigned slot_of(uint64_t address)
{
	return (unsigned)(address * UINT64_C(0x9e3779b97f4a7c15) >>
			  (64 - RS_SLOT_BITS));
}

// The number of the piece that starts at @p address, or RS_NOWHERE.
static int32_t piece_at(const struct walk *w, uint64_t address)
{
	for (unsigned i = slot_of(address); w->slot[i]; i = (i + 1) % RS_SLOTS)
		if (w->piece[w->slot[i] - 1].start == address)
			return w->slot[i] - 1;
	return RS_NOWHERE;
}

static void add_piece(struct walk *w, uint64_t start, int8_t generation)
{
	unsigned i = slot_of(start);

	if (w->pieces == RS_PIECES_MAX || piece_at(w, start) != RS_NOWHERE)
		return;
	w->piece[w->pieces] = (struct piece){
		.start = start,
		.next = start,
		.end = RS_NOWHERE,
		.generation = generation,
	};
	while (w->slot[i])
		i = (i + 1) % RS_SLOTS;
	w->slot[i] = (uint16_t)++w->pieces;
}

static bool is_collecting(struct rs_cpython *py, unsigned interpreter)
{
	struct rs_py_gcstate state;

	rs_py_gcstate(py, interpreter, &state);
	return state.collecting == 1;
}

// Those of one interpreter, or of all.
static void add_lists(struct walk *w, unsigned only)
{
	struct rs_cpython *py = w->py;
	bool limbo = only == RS_ALL;

	for (unsigned i = 0; i < py->interpreters; i++) {
		if (only != RS_ALL && only != i)
			continue;
		limbo = limbo || is_collecting(py, i);
		for (unsigned g = 0; g < RS_PY_GENERATIONS; g++)
			if (py->interpreter[i].head[g])
				add_piece(w, py->interpreter[i].head[g],
					  (int8_t)g);
	}
	// Of which generation these are is not known: every collection's.
	for (unsigned i = 0; limbo && i < py->limbos; i++)
		add_piece(w, py->limbo[i], 0);
	w->lists = w->pieces;
}

static uint64_t next_of(const struct walk *w, uint64_t head)
{
	uint64_t next = 0;

	return rs_memory_u64(w->memory, head, &next) ? next & ~NOT_POINTER : 0;
}

static void see(struct walk *w, uint64_t address)
{
	const struct rs_segment *segment = w->memory->segment;
	size_t low = 0, high = w->memory->segments;

	for (unsigned i = 0; i < w->regions; i++)
		if (address - w->region[i].start <
		    w->region[i].end - w->region[i].start)
			return;
	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (segment[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == w->memory->segments || segment[low].start > address ||
	    w->regions == RS_REGIONS_MAX)
		return;
	w->region[w->regions].start = segment[low].start;
	w->region[w->regions++].end = segment[low].end;
}

// Where members may lie. A look at a mapped core costs nothing; at another
// target it copies, so there only what holds some of the first members counts.
// @return whether any list is worth cutting.
static bool find_regions(struct walk *w)
{
	bool long_list = false;

	for (unsigned i = 0; i < w->lists; i++) {
		uint64_t at = next_of(w, w->piece[i].start);
		unsigned n = 0;

		for (; at && at != w->piece[i].start && n < RS_SEED; n++) {
			if (n % RS_SEED_STEP == 0)
				see(w, at);
			at = next_of(w, at);
		}
		long_list |= n == RS_SEED;
	}
	for (size_t i = 0; long_list && i < w->memory->segments; i++) {
		const struct rs_segment *s = &w->memory->segment[i];

		if (!s->loaded && !s->from_file && (s->prot & PROT_WRITE) &&
		    s->end - s->start >= RS_REGION_MIN)
			see(w, s->start);
	}
	return long_list;
}

// A member leads to two others that both lead back.
static bool is_member(const struct walk *w, uint64_t head)
{
	uint64_t next, previous, back;

	if (!rs_memory_u64(w->memory, head, &next) || (next & 7) ||
	    !rs_memory_u64(w->memory, head + 8, &previous) || !next ||
	    next == head || !(previous &= ~NOT_POINTER))
		return false;
	if (next_of(w, previous) != head ||
	    !rs_memory_u64(w->memory, next + 8, &back) ||
	    (back & ~NOT_POINTER) != head)
		return false;
	return rs_py_is_object(&w->py->base, head + w->py->head_size);
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void cut_near(struct walk *w, uint64_t address)
{
	address &= ~UINT64_C(15);
	for (uint64_t a = address; a < address + RS_WINDOW; a += 16) {
		uint64_t word = 0;

		// Most words say at once that they are no head.
		if (!rs_memory_u64(w->memory, a, &word))
			return;
		if ((word & 7) || word >> 47 || word < RS_WINDOW ||
		    !is_member(w, a))
			continue;
		add_piece(w, a, -1);
		return;
	}
}

// The same cuts every time: the seed is fixed.
static void add_cuts(struct walk *w)
{
	uint64_t random = UINT64_C(0x243f6a8885a308d3), total = 0;

	for (unsigned i = 0; i < w->regions; i++)
		total += w->region[i].end - w->region[i].start;
	for (unsigned i = 0; total && i < RS_PLACES_MAX; i++) {
		uint64_t at = next_random(&random) % total;
		unsigned r = 0;

		if (w->pieces == w->lists + RS_CUTS_MAX)
			return;
		while (at >= w->region[r].end - w->region[r].start) {
			at -= w->region[r].end - w->region[r].start;
			r++;
		}
		cut_near(w, w->region[r].start + at);
	}
}

// Bit 0 of _gc_prev (3.8+) or of gc_refs (3.4 to 3.7): its finalizer ran.
static bool finalized(const struct walk *w, const uint64_t head[3])
{
	if (w->py->version >= RS_PY(3, 8))
		return head[1] & 1;
	return w->py->version >= RS_PY(3, 4) && (head[2] & 1);
}

// Before 3.8 gc_refs of an idle member is -3 (in 3.x with a bit below it), and
// -2 while it is taken off its list; during a collection it is a count, or -4.
static bool in_transit(const struct walk *w, const uint64_t head[3])
{
	enum { RS_REACHABLE = -3, RS_UNTRACKED = -2 };
	const int64_t word = (int64_t)head[2];
	const int64_t refs = w->py->version < RS_PY(3, 4) ? word : word >> 1;

	return w->py->version < RS_PY(3, 8) && refs != RS_REACHABLE &&
	       refs != RS_UNTRACKED;
}

// Tell the member that comes next. @return false when the piece has ended:
// at another one, or, with end RS_NOWHERE, for a reason.
static bool step(struct walk *w, struct piece *piece)
{
	const uint64_t at = piece->next;
	uint64_t head[3] = {0}, *address;
	uint16_t *mark;
	const void *p;

	if (at != piece->start) {
		piece->end = piece_at(w, at);
		if (piece->end != RS_NOWHERE)
			return false;
	}
	p = rs_memory_at(w->memory, at, w->want);
	if (!p || w->told >= w->cap)
		return false;
	memcpy(head, p, 16);
	if (w->want > 16)
		memcpy(&head[2], (const char *)p + 16, 8);
	piece->next = head[0] & ~NOT_POINTER;
	rs_memory_prefetch(w->memory, piece->next);
	rs_memory_prefetch(w->memory, piece->next + RS_HEADERS);
	if (at == piece->start && piece < w->piece + w->lists) {
		piece->end = piece->next == at ? (int32_t)(piece - w->piece)
					       : RS_NOWHERE;
		return piece->end == RS_NOWHERE; // a list's head is no object
	}
	address = rs_vec_push(&w->found->address, sizeof(*address));
	mark = rs_vec_push(&w->found->mark, sizeof(*mark));
	if (!address || !mark) {
		w->no_memory = true;
		return false;
	}
	*address = at + w->py->head_size;
	*mark = (uint16_t)((piece - w->piece) |
			   (finalized(w, head) ? MARK_FINALIZED : 0) |
			   (rs_py_guesses(w->py, *address) ? MARK_GUESSED : 0));
	piece->last = at;
	w->told++;
	w->collecting |= in_transit(w, head);
	// Back at its own cut: a ring that no list's head is in.
	if (piece->next == piece->start)
		piece->end = (int32_t)(piece - w->piece);
	return piece->end == RS_NOWHERE;
}

// Step some pieces in turns; a piece that ends makes place for the next.
static struct rs_error *walk_pieces(struct walk *w)
{
	unsigned turn[RS_TURNS], turns = 0, waiting = 0;
	uint64_t steps = 0;

	while (!w->no_memory) {
		while (turns < RS_TURNS && waiting < w->pieces)
			turn[turns++] = waiting++;
		if (!turns)
			return NULL;
		for (unsigned i = 0; i < turns; i++)
			if (!step(w, &w->piece[turn[i]]))
				turn[i--] = turn[--turns];
		if ((steps += turns) < RS_BURST)
			continue;
		steps = 0;
		struct rs_error *err = rs_progress_tick(
			w->progress, "walking gc lists", w->told, 0);
		if (err)
			return err;
	}
	return &rs_enomem;
}

// A broken list is no reason to show nothing: what it gave is kept.
static void broken(const struct walk *w, unsigned list, const char *why)
{
	rs_memory_problem(w->memory,
			  "CPython %s: the gc list at 0x%llx is broken: %s",
			  w->py->version_text,
			  (unsigned long long)w->piece[list].start, why);
}

// Stopped while an object was being added: from 3.8 on it is linked in before
// it leads anywhere, and the head's way back is changed last.
static bool
is_being_added(const struct walk *w, const struct piece *end, uint64_t list)
{
	uint64_t previous = 0;

	return !end->next && end->last &&
	       rs_memory_u64(w->memory, list + 8, &previous) &&
	       next_of(w, previous & ~NOT_POINTER) == end->last;
}

// Follow a list from piece to piece: they are of its generation.
static void join(struct walk *w, unsigned list)
{
	unsigned at = list;

	for (;;) {
		const int32_t end = w->piece[at].end;

		if (end == (int32_t)list)
			return;
		if (end == RS_NOWHERE) {
			if (is_being_added(w, &w->piece[at],
					   w->piece[list].start))
				return;
			broken(w, list, "it leads out of memory");
			return;
		}
		if (w->piece[end].generation >= 0) {
			broken(w, list, "it leads into another, or itself");
			return;
		}
		w->piece[end].generation = w->piece[list].generation;
		at = (unsigned)end;
	}
}

// Numbers of pieces become marks; members of no list go.
static void settle(struct walk *w, size_t first)
{
	uint64_t *address = rs_vec_items(&w->found->address, uint64_t);
	uint16_t *mark = rs_vec_items(&w->found->mark, uint16_t);
	const size_t n = rs_vec_count(&w->found->mark, uint16_t);
	size_t to = first;

	for (size_t i = first; i < n; i++) {
		const int8_t g = w->piece[mark[i] & MARK_PIECE].generation;
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
static struct rs_error *reserve(const struct walk *w)
{
	const uint64_t room = w->cap < RS_ROOM ? w->cap : RS_ROOM;
	struct rs_error *err =
		rs_vec_reserve(&w->found->address, room * sizeof(uint64_t));

	return err ? err
		   : rs_vec_reserve(&w->found->mark, room * sizeof(uint16_t));
}

static struct rs_error *find_listed(struct rs_cpython *py, unsigned only,
				    struct rs_found *found,
				    const struct rs_progress *progress)
{
	struct rs_memory *memory = py->base.memory;
	const size_t first = rs_vec_count(&found->mark, uint16_t);
	struct walk w = {
		.py = py,
		.memory = memory,
		.found = found,
		.progress = progress,
		.want = py->head_size < 24 ? 16 : 24,
		.cap = capacity(memory),
	};
	struct rs_error *err = reserve(&w);

	if (err)
		return err;
	add_lists(&w, only);
	// Random places of a remote target cost a round trip each.
	if (!memory->big_steps && find_regions(&w))
		add_cuts(&w);
	if ((err = walk_pieces(&w)))
		return err;
	for (unsigned i = 0; i < w.lists; i++)
		join(&w, i);
	settle(&w, first);
	if (w.collecting)
		rs_py_was_collecting(py);
	return NULL;
}

struct rs_error *rs_py_find(struct rs_runtime *rt, struct rs_found *found,
			    const struct rs_progress *progress)
{
	struct rs_cpython *py = rs_cpython(rt);

	return py->threaded ? rs_py_find_threaded(py, found, progress)
			    : find_listed(py, RS_ALL, found, progress);
}

struct rs_error *rs_py_members(struct rs_runtime *rt, unsigned number,
			       struct rs_found *found,
			       const struct rs_progress *progress)
{
	return find_listed(rs_cpython(rt), number, found, progress);
}

int64_t rs_py_collector_id(struct rs_runtime *rt, unsigned number)
{
	return rs_cpython(rt)->interpreter[number].id;
}
