// SPDX-License-Identifier: MIT
#include "base/work.h"

#include "base/cleanup.h"
#include "base/thread.h"

#include <sched.h>
#include <stdatomic.h>

enum { RS_LOOK_MS = 20 }; // between two progress calls while waiting

struct run {
	const struct rs_work *work;
	atomic_size_t next; // item
	atomic_bool stop;
};

struct worker {
	struct run *run;
	unsigned number;
	bool started;
	pthread_t thread;
	struct rs_error *err; // owned
};

static bool take(struct run *run, size_t *item)
{
	if (atomic_load_explicit(&run->stop, memory_order_relaxed))
		return false;
	*item = atomic_fetch_add(&run->next, 1);
	return *item < run->work->items;
}

static struct rs_error *tick(const struct run *run)
{
	const struct rs_work *work = run->work;
	const size_t next = atomic_load(&run->next);

	return rs_progress_tick(work->progress, work->phase,
				next < work->items ? next : work->items,
				work->items);
}

static void *work_on(void *context)
{
	struct worker *w = context;
	const struct rs_work *work = w->run->work;
	size_t item;

	while (!w->err && take(w->run, &item)) {
		w->err = work->item(work->context, w->number, item);
		if (!w->err && !w->number)
			w->err = tick(w->run);
	}
	if (w->err)
		atomic_store_explicit(&w->run->stop, true,
				      memory_order_relaxed);
	return NULL;
}

// Wait for the others; the error that counts is that of the first worker.
static struct rs_error *join(struct worker *worker, unsigned workers)
{
	struct rs_error *err = rs_take(&worker[0].err);

	for (unsigned i = 1; i < workers; i++) {
		while (worker[i].started && !err) {
			worker[i].started =
				!rs_thread_ended(worker[i].thread, RS_LOOK_MS);
			err = tick(worker[i].run);
		}
		if (err)
			atomic_store_explicit(&worker[i].run->stop, true,
					      memory_order_relaxed);
		if (worker[i].started)
			pthread_join(worker[i].thread, NULL);
		if (!err)
			err = rs_take(&worker[i].err);
		rs_error_free(worker[i].err);
	}
	return err;
}

struct rs_error *rs_work_run(const struct rs_work *work)
{
	struct run run = {.work = work};
	struct worker worker[RS_WORKERS_MOST];
	unsigned workers = work->workers < RS_WORKERS_MOST ? work->workers
							   : RS_WORKERS_MOST;

	if (workers > work->items)
		workers = (unsigned)work->items;
	if (!workers)
		workers = 1;
	for (unsigned i = 0; i < workers; i++) {
		worker[i] = (struct worker){.run = &run, .number = i};
		worker[i].started = i && rs_thread_start(&worker[i].thread,
							 work_on, &worker[i]);
	}
	work_on(&worker[0]);
	return join(worker, workers);
}

unsigned rs_work_threads(unsigned wanted)
{
	cpu_set_t set;
	int processors;

	CPU_ZERO(&set);
	if (!wanted && sched_getaffinity(0, sizeof(set), &set) == 0 &&
	    (processors = CPU_COUNT(&set)) > 0)
		wanted = (unsigned)processors;
	if (!wanted)
		wanted = 1;
	return wanted < RS_WORKERS_MOST ? wanted : RS_WORKERS_MOST;
}
