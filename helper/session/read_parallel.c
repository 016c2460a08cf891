// SPDX-License-Identifier: MIT
#include "session/read_parallel.h"

#include "base/cleanup.h"
#include "base/thread.h"
#include "session/build.h"
#include "session/exact_query.h"

#include <stdatomic.h>
#include <stdlib.h>

enum {
	// Below these, starting a thread and decoding types twice would take
	// more time than it saves.
	RS_PARALLEL_BYTES = 32 << 20, // that the process wrote
	RS_PARALLEL_LEAST = 200 * 1000, // objects
	RS_LOOK_MS = 20, // between two progress calls while waiting
	RS_RUN = 1 << 14, // objects that a thread takes at a time
};

// Consecutive objects that a thread reads.
struct run {
	uint32_t first, end; // numbers
	uint32_t edge; // index of their first edge in the thread's edges
};

struct rs_parallel {
	struct rs_session *session; // the view; owned
	struct rs_session *main; // borrowed
	struct rs_batch batch;
	struct rs_vec run; // struct run, those that its thread has read
	struct rs_error *err; // owned: why the thread ended early
	// The objects that no thread has taken yet: the first one in the low
	// half, one past the last in the high half.
	_Atomic uint64_t left;
	atomic_bool stop;
	bool started;
	pthread_t thread;
};

// Take a run of objects. The main thread takes from the front, so that its
// edges are in the order of the graph; the parallel reader from the back.
// @return false when none is left.
static bool
take(struct rs_parallel *reader, bool front, uint32_t *first, uint32_t *end)
{
	uint64_t left = atomic_load(&reader->left);
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
	} while (!atomic_compare_exchange_weak(&reader->left, &left, less));
	return true;
}

static void *read_back(void *context)
{
	struct rs_parallel *reader = context;
	uint32_t first;
	uint32_t end;

	while (!reader->err && take(reader, false, &first, &end)) {
		struct run *run = rs_vec_push(&reader->run, sizeof(*run));

		if (!run) {
			reader->err = &rs_enomem;
			break;
		}
		*run = (struct run){
			.first = first,
			.end = end,
			.edge = (uint32_t)rs_vec_count(&reader->batch.out,
						       uint32_t),
		};
		reader->err = rs_batch_read(&reader->batch, first, end);
	}
	return NULL;
}

struct rs_error *
rs_parallel_read(struct rs_parallel *reader, struct rs_batch *b)
{
	struct rs_error *err = NULL;
	uint32_t first;
	uint32_t end;

	while (!err && take(reader, true, &first, &end)) {
		const uint32_t back =
			(uint32_t)(atomic_load(&reader->left) >> 32);

		b->whole = back > end ? back : end;
		err = rs_batch_read(b, first, end);
	}
	return err;
}

static bool pays(const struct rs_session *session)
{
	return session->memory->is_core && session->runtimes == 1 &&
	       session->runtime[0]->ops->view &&
	       rs_build_written_bytes(session->memory) >= RS_PARALLEL_BYTES &&
	       rs_session_threads(session) > 1;
}

struct rs_parallel *rs_parallel_new(struct rs_session *session)
{
	struct rs_parallel *reader;

	if (!pays(session))
		return NULL;
	reader = calloc(1, sizeof(*reader));
	if (!reader)
		return NULL;
	reader->main = session;
	reader->err = rs_session_new_view(session, &reader->session);
	if (reader->err) {
		rs_parallel_free(reader);
		return NULL;
	}
	reader->session->progress.fn = rs_thread_goes_on;
	reader->session->progress.context = &reader->stop;
	return reader;
}

struct rs_runtime *rs_parallel_runtime(struct rs_parallel *reader)
{
	return reader->session->runtime[0];
}

bool rs_parallel_start(struct rs_parallel *reader, struct rs_graph *graph)
{
	// When all objects are traversed, an image uses the other processor.
	if (graph->objects < RS_PARALLEL_LEAST ||
	    rs_exact_wanted_all(reader->main))
		return false;
	reader->err = rs_batch_init(&reader->batch, reader->session, graph,
				    graph->objects / 2);
	atomic_init(&reader->left, (uint64_t)graph->objects << 32);
	reader->started = !reader->err &&
			  rs_thread_start(&reader->thread, read_back, reader);
	return reader->started;
}

struct rs_error *rs_build_map_types(struct rs_session *session,
				    const struct rs_types *types,
				    uint32_t **ret)
{
	struct rs_runtime *rt = session->runtime[0];
	const struct rs_type_row *row =
		rs_vec_items(&types->row, struct rs_type_row);
	const size_t n = rs_vec_count(&types->row, struct rs_type_row);
	struct rs_error *err = rs_block_new(n, sizeof(**ret), ret);

	for (size_t i = 0; !err && i < n; i++)
		(*ret)[i] = rt->ops->type(rt, row[i].address);
	return err;
}

struct rs_error *rs_parallel_share_types(struct rs_parallel *reader)
{
	const struct rs_types *types = &reader->session->types;
	uint32_t *number = NULL;
	struct rs_error *err = rs_build_map_types(reader->main, types, &number);

	rs_block_free(number, rs_vec_count(&types->row, struct rs_type_row),
		      sizeof(*number));
	return err;
}

// Append the edges of @p run to @p out and remove them from the reader's own,
// where they are last.
static struct rs_error *append_run(struct rs_parallel *reader,
				   const struct run *run,
				   const uint32_t *number, struct rs_vec *out)
{
	struct rs_graph *graph = reader->batch.graph;
	struct rs_vec *from = &reader->batch.out;
	const size_t size = from->used - run->edge * sizeof(uint32_t);
	const size_t base = rs_vec_count(out, uint32_t);
	void *to = rs_vec_push(out, size);

	if (!to)
		return &rs_enomem;
	if (base + size / sizeof(uint32_t) > UINT32_MAX)
		return rs_error_new(
			RS_EBAD,
			"the target has more than 2^32 - 1 references, "
			"as many as can be kept");
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

static struct rs_error *append(struct rs_parallel *reader, struct rs_vec *out)
{
	const struct run *run = rs_vec_items(&reader->run, struct run);
	size_t n = rs_vec_count(&reader->run, struct run);
	const size_t types =
		rs_vec_count(&reader->session->types.row, struct rs_type_row);
	uint32_t *number = NULL;
	struct rs_error *err = rs_build_map_types(
		reader->main, &reader->session->types, &number);

	while (!err && n--)
		err = append_run(reader, &run[n], number, out);
	rs_block_free(number, types, sizeof(*number));
	rs_graph_add_partial(reader->batch.graph, reader->batch.partial,
			     reader->batch.partial_example);
	return err;
}

static void end_thread(struct rs_parallel *reader)
{
	if (reader->started)
		pthread_join(reader->thread, NULL);
	reader->started = false;
}

static struct rs_error *wait_for(struct rs_parallel *reader)
{
	const struct rs_progress *progress = &reader->main->progress;
	const uint32_t all = reader->batch.whole;
	struct rs_error *err = NULL;

	while (!err && reader->started) {
		reader->started = !rs_thread_ended(reader->thread, RS_LOOK_MS);
		err = rs_progress_tick(progress, "reading objects", all, all);
	}
	return err;
}

struct rs_error *
rs_parallel_join(struct rs_parallel *reader, struct rs_vec *out)
{
	struct rs_error *err = wait_for(reader);

	if (!err)
		err = rs_take(&reader->err);
	return err ? err : append(reader, out);
}

// Move the problems that the view found to the main session.
static void keep_problems(struct rs_parallel *reader)
{
	const struct rs_memory *from = reader->session->memory;

	for (size_t i = 0; i < from->problems; i++)
		rs_memory_problem(reader->main->memory, "%s", from->problem[i]);
	for (size_t i = 0; i < from->gaps; i++)
		rs_memory_gap(reader->main->memory, "%s", from->gap[i]);
}

struct rs_error *rs_parallel_check(const struct rs_parallel *reader)
{
	return reader ? rs_types_check(&reader->session->types) : NULL;
}

void rs_parallel_free(struct rs_parallel *reader)
{
	if (!reader)
		return;
	atomic_store_explicit(&reader->stop, true, memory_order_relaxed);
	end_thread(reader);
	if (reader->session)
		keep_problems(reader);
	rs_batch_fini(&reader->batch);
	rs_vec_fini(&reader->run);
	rs_session_close(reader->session);
	rs_error_free(reader->err);
	free(reader);
}
