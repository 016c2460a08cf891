// SPDX-License-Identifier: MIT
#include "graph/pass.h"

#include <assert.h>

// Pearce's algorithm: depth-first search without recursion, with one word per
// object. The word, rank[], means:
//
//   0                 not yet visited
//   1, 2, ..          being visited: the least index that its subtree reaches;
//                     an object's index is its position in the order of visits
//                     (indexes of objects in complete components are reused)
//   LAST, LAST - 1, ..in a complete component, whose provisional number is
//                     LAST - rank
//   RS_NONE           not a member
//
// The last two are greater than any index, so one comparison tells whether a
// reference leads to an object that is still being visited.
// Source: D. J. Pearce, "A space-efficient algorithm for finding strongly
// connected components", Information Processing Letters 116 (2016).
static const uint32_t LAST = RS_NONE - 1;

struct frame {
	uint32_t object;
	uint32_t edge; // next reference to look at
	uint32_t index; // of the object
};

struct search {
	const struct rs_graph *graph;
	const struct rs_progress *progress;
	uint32_t *rank; // [objects]
	// [objects] a stack of objects whose subtree is done, but whose
	// component is not yet complete
	uint32_t *wait;
	size_t waiting; // on that stack
	struct rs_vec path; // of struct frame: from the start to the current
	uint32_t index; // of the next object visited
	uint32_t complete; // components
	uint64_t visited; // objects
};

static struct rs_error *enter(struct search *search, uint32_t object)
{
	const struct rs_graph *graph = search->graph;
	const uint32_t start = graph->out_start[object];
	uint32_t end = graph->out_start[object + 1];
	const struct frame frame = {object, start, search->index};
	struct rs_error *err =
		rs_vec_append(&search->path, &frame, sizeof(frame));

	if (err)
		return err;
	search->rank[object] = search->index++;
	if (end - start > RS_TARGETS_MOST)
		end = start + RS_TARGETS_MOST;
	for (uint32_t e = start; e < end; e++)
		__builtin_prefetch(&search->rank[rs_edge_target(graph->out[e])],
				   1);
	if (search->visited++ % RS_TICK)
		return NULL;
	return rs_progress_tick(search->progress, "looking for cycles",
				search->visited, graph->objects);
}

// The whole subtree of @p frame has been visited.
static void leave(struct search *search, const struct frame *frame)
{
	uint32_t *rank = search->rank;

	if (rank[frame->object] != frame->index) {
		search->wait[search->waiting++] = frame->object;
		return;
	}
	// Its subtree reaches nothing that was visited earlier: the object and
	// those that wait above it are a component.
	const uint32_t done = LAST - search->complete++;
	rank[frame->object] = done;
	search->index--;
	while (search->waiting &&
	       rank[search->wait[search->waiting - 1]] >= frame->index) {
		rank[search->wait[--search->waiting]] = done;
		search->index--;
	}
}

// Look at the frame's references up to one to an object not yet visited.
// @return that object, or RS_NONE when there is none left.
static uint32_t advance(const struct search *search, struct frame *frame)
{
	const struct rs_graph *graph = search->graph;
	const uint32_t end = graph->out_start[frame->object + 1];
	uint32_t least = search->rank[frame->object];
	uint32_t found = RS_NONE;

	while (frame->edge < end && found == RS_NONE) {
		const uint32_t edge = graph->out[frame->edge++];
		const uint32_t target = rs_edge_target(edge);

		if (!rs_edge_counted(edge))
			continue;
		const uint32_t rank = search->rank[target];
		if (!rank)
			found = target;
		else if (rank < least)
			least = rank;
	}
	search->rank[frame->object] = least;
	return found;
}

static struct rs_error *search_from(struct search *search, uint32_t object)
{
	struct rs_error *err = enter(search, object);

	while (!err && search->path.used) {
		struct frame *top = (struct frame *)((char *)search->path.data +
						     search->path.used) -
				    1;
		const uint32_t next = advance(search, top);

		if (next != RS_NONE) {
			err = enter(search, next);
			continue;
		}
		leave(search, top);
		const uint32_t rank = search->rank[top->object];
		search->path.used -= sizeof(*top);
		if (search->path.used && rank < search->rank[top[-1].object])
			search->rank[top[-1].object] = rank;
	}
	return err;
}

static bool refers_to_itself(const struct rs_graph *graph, uint32_t i)
{
	for (uint32_t e = graph->out_start[i]; e < graph->out_start[i + 1]; e++)
		if (rs_edge_counted(graph->out[e]) &&
		    rs_edge_target(graph->out[e]) == i)
			return true;
	return false;
}

// Turn ranks into final component numbers, in the order of the lowest object,
// and drop components without a cycle. @p size and @p name are zeroed arrays
// indexed by provisional number. @return the number of objects in cycles.
static uint32_t number(const struct search *search, struct rs_components *ret,
		       uint32_t *size, uint32_t *name)
{
	uint32_t listed = 0;

	for (uint32_t i = 0; i < ret->objects; i++)
		if (ret->of[i] != RS_NONE)
			size[LAST - ret->of[i]]++;
	for (uint32_t i = 0; i < ret->objects; i++) {
		if (ret->of[i] == RS_NONE)
			continue;
		const uint32_t old = LAST - ret->of[i];
		if (size[old] == 1 && !refers_to_itself(search->graph, i)) {
			ret->of[i] = RS_NONE;
			continue;
		}
		if (!name[old])
			name[old] = ++ret->components;
		ret->of[i] = name[old] - 1;
		listed++;
	}
	return listed;
}

// List the objects by component, ascending in each: a counting sort.
static struct rs_error *group(struct rs_components *ret, uint32_t listed)
{
	struct rs_error *err = rs_block_new((size_t)ret->components + 1,
					    sizeof(*ret->start), &ret->start);
	if (err)
		return err;
	err = rs_block_new(listed, sizeof(*ret->object), &ret->object);
	if (err)
		return err;

	// cursor[c] first counts component c, then is where its next object
	// goes, and ends as start[c + 1].
	uint32_t *cursor = ret->start + 1;
	uint32_t before = 0;
	for (uint32_t i = 0; i < ret->objects; i++)
		if (ret->of[i] != RS_NONE)
			cursor[ret->of[i]]++;
	for (uint32_t c = 0; c < ret->components; c++) {
		const uint32_t count = cursor[c];

		cursor[c] = before;
		before += count;
	}
	for (uint32_t i = 0; i < ret->objects; i++)
		if (ret->of[i] != RS_NONE)
			ret->object[cursor[ret->of[i]]++] = i;
	return NULL;
}

static struct rs_error *search_all(struct search *search, const uint8_t *member)
{
	const uint32_t n = search->graph->objects;

	for (uint32_t i = 0; member && i < n; i++)
		if (!member[i])
			search->rank[i] = RS_NONE;
	search->index = 1;
	for (uint32_t i = 0; i < n; i++) {
		struct rs_error *err =
			search->rank[i] ? NULL : search_from(search, i);
		if (err)
			return err;
	}
	assert(search->waiting == 0);
	return NULL;
}

static struct rs_error *finish(struct search *search, struct rs_components *ret)
{
	const size_t n = search->complete;
	uint32_t *size = NULL;
	uint32_t *name = NULL;

	ret->of = search->rank;
	search->rank = NULL;
	ret->objects = search->graph->objects;
	struct rs_error *err = rs_block_new(n, sizeof(*size), &size);
	if (!err)
		err = rs_block_new(n, sizeof(*name), &name);
	if (!err)
		err = group(ret, number(search, ret, size, name));
	rs_block_free(size, n, sizeof(*size));
	rs_block_free(name, n, sizeof(*name));
	return err;
}

struct rs_error *rs_graph_components(const struct rs_graph *graph,
				     const uint8_t *member,
				     const struct rs_progress *progress,
				     struct rs_components *ret)
{
	const size_t n = graph->objects;
	struct search search = {.graph = graph, .progress = progress};
	struct rs_components found = {0};
	struct rs_error *err = rs_block_new(n, sizeof(uint32_t), &search.rank);

	if (!err) {
		rs_block_dense(search.rank, n, sizeof(uint32_t));
		err = rs_block_new(n, sizeof(uint32_t), &search.wait);
	}
	if (!err)
		err = search_all(&search, member);
	rs_block_free(search.wait, n, sizeof(uint32_t));
	rs_vec_fini(&search.path);
	if (!err)
		err = finish(&search, &found);
	rs_block_free(search.rank, n, sizeof(uint32_t));
	if (err)
		rs_components_fini(&found);
	else
		*ret = found;
	return err;
}

void rs_components_fini(struct rs_components *components)
{
	const size_t n = components->components;
	const size_t listed = components->object ? components->start[n] : 0;

	rs_block_free(components->object, listed, sizeof(uint32_t));
	rs_block_free(components->start, n + 1, sizeof(uint32_t));
	rs_block_free(components->of, components->objects, sizeof(uint32_t));
	*components = (struct rs_components){0};
}
