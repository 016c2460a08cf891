// SPDX-License-Identifier: MIT
#include "session/read_parallel.h"

#include "base/cleanup.h"
#include "base/thread.h"
#include "session/build.h"
#include "session/exact_query.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

enum {
	// Below these a thread and learning types twice cost more than they
	// save.
	RS_TWIN_BYTES = 32 << 20, // that the process wrote
	RS_TWIN_LEAST = 200 * 1000, // objects
	RS_LOOK_MS = 20, // between two looks whether to go on
	RS_RUN = 1 << 14, // objects that a thread takes at a time
};

// Objects that one thread reads in one go.
struct run {
	uint32_t first, end;
	uint32_t edge; // the first of theirs in the thread's own
};

struct rs_twin {
	struct rs_session *session; // owned
	struct rs_session *main; // borrowed
	struct rs_batch batch;
	struct rs_vec run; // struct run, those that the twin has read
	struct rs_error *err; // owned: what ended the reading
	// What nobody has taken yet: from the low half's object up to, without
	// it, the high half's.
	_Atomic uint64_t left;
	atomic_bool stop;
	bool started;
	pthread_t thread;
};

// The main thread takes from the front, so that its edges are in order; the
// twin from the back. @return false when nothing is left.
static bool
take(struct rs_twin *twin, bool front, uint32_t *first, uint32_t *end)
{
	uint64_t left = atomic_load(&twin->left);
	uint64_t less;

	do {
		*first = (uint32_t)left;
		*end = (uint32_t)(left >> 32);
		if (*first == *end)
			return false;
		if (*end - *first > RS_RUN && front)
			*end = *first + RS_RUN;
		else if (*end - *first > RS_RUN)
			*first = *end - RS_RUN;
		less = front ? (left & ~(uint64_t)UINT32_MAX) | *end
			     : (uint64_t)*first << 32 | (uint32_t)left;
	} while (!atomic_compare_exchange_weak(&twin->left, &left, less));
	return true;
}

static void *read_back(void *context)
{
	struct rs_twin *twin = context;
	uint32_t first;
	uint32_t end;

	while (!twin->err && take(twin, false, &first, &end)) {
		struct run *run = rs_vec_push(&twin->run, sizeof(*run));

		if (!run) {
			twin->err = &rs_enomem;
			break;
		}
		*run = (struct run){
			.first = first,
			.end = end,
			.edge = (uint32_t)rs_vec_count(&twin->batch.out,
						       uint32_t),
		};
		twin->err = rs_batch_read(&twin->batch, first, end);
	}
	return NULL;
}

struct rs_error *rs_twin_read_beside(struct rs_twin *twin, struct rs_batch *b)
{
	struct rs_error *err = NULL;
	uint32_t first;
	uint32_t end;

	while (!err && take(twin, true, &first, &end)) {
		const uint32_t back =
			(uint32_t)(atomic_load(&twin->left) >> 32);

		b->whole = back > end ? back : end;
		err = rs_batch_read(b, first, end);
	}
	return err;
}

// Of what the process wrote: objects lie nowhere else.
static uint64_t written_bytes(const struct rs_memory *memory)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < memory->segments; i++) {
		const struct rs_segment *s = &memory->segment[i];

		if (!s->from_file && (s->prot & PROT_WRITE))
			bytes += s->end - s->start;
	}
	return bytes;
}

static bool pays(const struct rs_session *session)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	return session->memory->is_core && session->runtimes == 1 &&
	       session->runtime[0]->ops->view &&
	       written_bytes(session->memory) >= RS_TWIN_BYTES &&
	       sched_getaffinity(0, sizeof(set), &set) == 0 &&
	       CPU_COUNT(&set) > 1;
}

struct rs_twin *rs_twin_new(struct rs_session *session)
{
	struct rs_twin *twin;

	if (!pays(session))
		return NULL;
	twin = calloc(1, sizeof(*twin));
	if (!twin)
		return NULL;
	twin->main = session;
	twin->err = rs_session_new_view(session, &twin->session);
	if (twin->err) {
		rs_twin_free(twin);
		return NULL;
	}
	twin->session->progress.fn = rs_thread_goes_on;
	twin->session->progress.context = &twin->stop;
	return twin;
}

struct rs_runtime *rs_twin_runtime(struct rs_twin *twin)
{
	return twin->session->runtime[0];
}

bool rs_twin_start(struct rs_twin *twin, struct rs_graph *graph)
{
	// While all are asked an image is at work on the other processor.
	if (graph->objects < RS_TWIN_LEAST || rs_asks_all(twin->main))
		return false;
	twin->err = rs_batch_init(&twin->batch, twin->session, graph,
				  graph->objects / 2);
	atomic_init(&twin->left, (uint64_t)graph->objects << 32);
	twin->started =
		!twin->err && rs_thread_start(&twin->thread, read_back, twin);
	return twin->started;
}

// A type has another number in each session; numbers of the twin's types in
// the main session's table, which has to learn those that it has not met.
static struct rs_error *map_types(struct rs_twin *twin, uint32_t **ret)
{
	struct rs_runtime *rt = twin->main->runtime[0];
	const struct rs_type_row *row =
		rs_vec_items(&twin->session->types.row, struct rs_type_row);
	const size_t n =
		rs_vec_count(&twin->session->types.row, struct rs_type_row);
	struct rs_error *err = rs_block_new(n, sizeof(**ret), ret);

	for (size_t i = 0; !err && i < n; i++)
		(*ret)[i] = rt->ops->type(rt, row[i].address);
	return err;
}

// Append the edges of @p run, the last of the twin's, and let go of them.
static struct rs_error *append_run(struct rs_twin *twin, const struct run *run,
				   const uint32_t *number, struct rs_vec *out)
{
	struct rs_graph *graph = twin->batch.graph;
	struct rs_vec *from = &twin->batch.out;
	const size_t size = from->used - run->edge * sizeof(uint32_t);
	const size_t base = rs_vec_count(out, uint32_t);
	void *to = rs_vec_push(out, size);

	if (!to)
		return &rs_enomem;
	if (base + size / sizeof(uint32_t) > UINT32_MAX)
		return rs_error_new(RS_EBAD, "more than 4 Gi references");
	from->used -= size;
	if (size)
		memcpy(to, (const char *)from->data + from->used, size);
	rs_vec_trim(from);
	for (uint32_t i = run->first; i < run->end; i++) {
		graph->out_start[i + 1] += (uint32_t)base - run->edge;
		graph->type[i] = number[graph->type[i]];
	}
	return NULL;
}

static struct rs_error *append(struct rs_twin *twin, struct rs_vec *out)
{
	const struct run *run = rs_vec_items(&twin->run, struct run);
	size_t n = rs_vec_count(&twin->run, struct run);
	const size_t types =
		rs_vec_count(&twin->session->types.row, struct rs_type_row);
	uint32_t *number = NULL;
	struct rs_error *err = map_types(twin, &number);

	while (!err && n--)
		err = append_run(twin, &run[n], number, out);
	rs_block_free(number, types, sizeof(*number));
	rs_graph_add_partial(twin->batch.graph, twin->batch.partial,
			     twin->batch.partial_example);
	return err;
}

static void end_thread(struct rs_twin *twin)
{
	if (twin->started)
		pthread_join(twin->thread, NULL);
	twin->started = false;
}

static struct rs_error *wait_for(struct rs_twin *twin)
{
	const struct rs_progress *progress = &twin->main->progress;
	const uint32_t all = twin->batch.whole;
	struct rs_error *err = NULL;

	while (!err && twin->started) {
		twin->started = !rs_thread_ended(twin->thread, RS_LOOK_MS);
		err = rs_progress_tick(progress, "reading objects", all, all);
	}
	return err;
}

struct rs_error *rs_twin_join(struct rs_twin *twin, struct rs_vec *out)
{
	struct rs_error *err = wait_for(twin);

	if (!err)
		err = rs_take(&twin->err);
	return err ? err : append(twin, out);
}

// What the view met is the session's to tell.
static void keep_problems(struct rs_twin *twin)
{
	const struct rs_memory *from = twin->session->memory;

	for (size_t i = 0; i < from->problems; i++)
		rs_memory_problem(twin->main->memory, "%s", from->problem[i]);
	for (size_t i = 0; i < from->gaps; i++)
		rs_memory_gap(twin->main->memory, "%s", from->gap[i]);
}

struct rs_error *rs_twin_check(const struct rs_twin *twin)
{
	return twin ? rs_types_check(&twin->session->types) : NULL;
}

void rs_twin_free(struct rs_twin *twin)
{
	if (!twin)
		return;
	atomic_store_explicit(&twin->stop, true, memory_order_relaxed);
	end_thread(twin);
	if (twin->session)
		keep_problems(twin);
	rs_batch_fini(&twin->batch);
	rs_vec_fini(&twin->run);
	rs_session_close(twin->session);
	rs_error_free(twin->err);
	free(twin);
}
