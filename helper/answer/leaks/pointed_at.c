// SPDX-License-Identifier: MIT
//
// Whether memory that the ledger has no place for holds the address of objects:
// blocks that C code has from the interpreter's own allocator, pointers to the
// text of a str, words that are left over.
#include "answer/leaks/findings.h"
#include "base/search.h"
#include "roots/memory_search.h"

// Where in an object C code may point: its start, and the contents of bytes and
// of str in all versions. What a collector tracks is linked to its neighbours
// by words in between: of these, only the start.
static const uint64_t offsets[] = {0, 32, 40, 48};
enum { RS_OFFSETS = sizeof(offsets) / sizeof(*offsets) };

static unsigned offsets_of(const struct rs_graph *g, uint32_t object)
{
	return g->flags[object] & RS_OBJ_GC ? 1 : RS_OFFSETS;
}

struct wanted {
	const struct rs_graph *graph;
	const uint32_t *object; // [objects] ascending
	uint8_t *pointed_at; // [objects]
	uint32_t objects;
};

// The index of the object of which @p value is a start, less @p offset.
static uint32_t find(const struct wanted *w, uint64_t address)
{
	const uint64_t *at = w->graph->address;
	const size_t first =
		RS_FIRST_INDEX(i, w->objects, at[w->object[i]] >= address);

	return first < w->objects && at[w->object[first]] == address
		       ? (uint32_t)first
		       : RS_NONE;
}

static struct rs_error *found(void *context, uint64_t slot, uint64_t value)
{
	struct wanted *w = context;

	for (unsigned k = 0; k < RS_OFFSETS; k++) {
		const uint32_t i = find(w, value - offsets[k]);

		if (i == RS_NONE)
			continue;
		const uint32_t object = w->object[i];
		if (k >= offsets_of(w->graph, object))
			continue;
		const uint64_t start = w->graph->address[object];
		if (slot - start >= rs_graph_size(w->graph, object))
			w->pointed_at[i] = 1;
	}
	return NULL;
}

struct rs_error *rs_pointed_at(const struct rs_finder *finder,
			       const uint32_t *object, uint32_t objects,
			       uint32_t *ret)
{
	struct rs_session *session = finder->report->session;
	const struct rs_ledger_source source = {
		.memory = session->memory,
		.runtime = session->runtime,
		.runtimes = session->runtimes,
		.graph = finder->report->graph,
		.progress = &session->progress,
	};
	struct wanted w = {finder->report->graph, object, NULL, objects};
	struct rs_search search = {0};
	struct rs_error *err = rs_block_new(objects, 1, &w.pointed_at);

	if (!err)
		err = rs_search_init(&search, &source, 3);
	for (uint32_t i = 0; i < objects && !err; i++)
		for (unsigned k = 0; k < offsets_of(w.graph, object[i]); k++)
			rs_search_add(&search,
				      w.graph->address[object[i]] + offsets[k]);
	search.found = found;
	search.context = &w;
	if (!err)
		err = rs_search_memory(&search);
	*ret = 0;
	for (uint32_t i = 0; i < objects && !err; i++)
		*ret += w.pointed_at[i];
	rs_search_fini(&search);
	rs_block_free(w.pointed_at, objects, 1);
	return err;
}
