// SPDX-License-Identifier: MIT
#include "runtime/build_twin.h"

#include "runtime/asking.h"
#include "runtime/build.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

// Below this a thread and a second opening cost more than they save.
enum { RS_TWIN_LEAST = 200 * 1000 };

struct rs_twin {
	struct rs_session *session; // owned
	struct rs_session *main; // borrowed
	struct rs_batch batch;
	struct rs_error *err; // owned: what ended the reading
	uint32_t first;
	atomic_bool stop;
	pthread_t thread;
};

static bool
keep_on(void *context, const char *phase, uint64_t done, uint64_t total)
{
	const struct rs_twin *twin = context;

	(void)phase;
	(void)done;
	(void)total;
	return !atomic_load_explicit(&twin->stop, memory_order_relaxed);
}

static void *run(void *context)
{
	struct rs_twin *twin = context;

	twin->err = rs_batch_read(&twin->batch);
	return NULL;
}

static bool start_thread(struct rs_twin *twin)
{
	sigset_t all;
	sigset_t before;

	sigfillset(&all);
	if (pthread_sigmask(SIG_SETMASK, &all, &before))
		return false;
	const int failed = pthread_create(&twin->thread, NULL, run, twin);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return !failed;
}

static bool pays(const struct rs_session *session, const struct rs_graph *graph)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	return graph->objects >= RS_TWIN_LEAST && session->core &&
	       !rs_asks_all(session) && // an image is at work there
	       !session->by_flag[1] && session->by_flag[0]->ops->type &&
	       sched_getaffinity(0, sizeof(set), &set) == 0 &&
	       CPU_COUNT(&set) > 1;
}

static void twin_free(struct rs_twin *twin)
{
	rs_batch_fini(&twin->batch);
	rs_session_close(twin->session);
	rs_error_free(twin->err);
	free(twin);
}

// The same core again, by the caller's thread: options may call back.
static struct rs_error *open_twin(struct rs_twin *twin, struct rs_graph *graph)
{
	struct rs_error *err = rs_session_open_core(
		twin->main->core, &twin->main->options, &twin->session);

	if (err)
		return err;
	twin->session->progress.fn = keep_on;
	twin->session->progress.context = twin;
	return rs_batch_init(&twin->batch, twin->session, graph, twin->first,
			     graph->objects);
}

struct rs_twin *
rs_twin_start(struct rs_session *session, struct rs_graph *graph)
{
	struct rs_twin *twin;

	if (!pays(session, graph))
		return NULL;
	twin = calloc(1, sizeof(*twin));
	if (!twin)
		return NULL;
	twin->main = session;
	twin->first = graph->objects / 2;
	twin->err = open_twin(twin, graph);
	if (twin->err || !start_thread(twin)) {
		twin_free(twin);
		return NULL;
	}
	return twin;
}

uint32_t rs_twin_first(const struct rs_twin *twin)
{
	return twin->first;
}

// A type has another number in each session; numbers of the twin's types in
// the main session's table, which has to learn those that it has not met.
static struct rs_error *map_types(struct rs_twin *twin)
{
	struct rs_runtime *rt = twin->main->by_flag[0];
	struct rs_graph *graph = twin->batch.graph;
	const struct rs_type_row *row =
		rs_vec_items(&twin->session->types.row, struct rs_type_row);
	const size_t n =
		rs_vec_count(&twin->session->types.row, struct rs_type_row);
	uint32_t *number;
	struct rs_error *err = rs_block_new(n, sizeof(*number), &number);

	if (err)
		return err;
	for (size_t i = 0; i < n; i++)
		number[i] = rt->ops->type(rt, row[i].address);
	for (uint32_t i = twin->first; n && i < graph->objects; i++)
		graph->type[i] = number[graph->type[i]];
	rs_block_free(number, n, sizeof(*number));
	return NULL;
}

static struct rs_error *append(struct rs_twin *twin, struct rs_vec *out)
{
	struct rs_graph *graph = twin->batch.graph;
	const struct rs_vec *edges = &twin->batch.out;
	const size_t base = rs_vec_count(out, uint32_t);
	struct rs_error *err = rs_vec_reserve(out, edges->used);

	if (err)
		return err;
	if (base + rs_vec_count(edges, uint32_t) > UINT32_MAX)
		return rs_error_new(RS_EBAD, "more than 4 Gi references");
	memcpy(rs_vec_push(out, edges->used), edges->data, edges->used);
	for (uint32_t i = twin->first; i < graph->objects; i++)
		graph->out_start[i + 1] += (uint32_t)base;
	return NULL;
}

struct rs_error *rs_twin_join(struct rs_twin *twin, struct rs_vec *out)
{
	struct rs_error *err;

	pthread_join(twin->thread, NULL);
	err = twin->err;
	twin->err = NULL;
	if (!err)
		err = map_types(twin);
	if (!err)
		err = append(twin, out);
	twin_free(twin);
	return err;
}

void rs_twin_stop(struct rs_twin *twin)
{
	if (!twin)
		return;
	atomic_store_explicit(&twin->stop, true, memory_order_relaxed);
	pthread_join(twin->thread, NULL);
	twin_free(twin);
}
