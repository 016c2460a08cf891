// SPDX-License-Identifier: MIT
#include "session/exact_query.h"

#include "base/cleanup.h"
#include "base/thread.h"
#include "session/exact_consent.h"

#include <stdatomic.h>
#include <stdlib.h>

enum {
	// Limits when the user has not asked for exact references.
	RS_AUTO_OBJECT_MS = 250,
	RS_AUTO_TOTAL_MS = 15000,
	RS_TICK_MS = 20, // between two looks at whether to go on
};

/** What is asked of one runtime. */
struct query {
	struct rs_runtime *rt;
	struct rs_process_image *image; // owned
	struct rs_image_question question;
	struct rs_vec object; // uint64_t: what is asked
	struct rs_image_answer answer; // of the thread, until it is joined
};

struct rs_exact_query {
	struct rs_session *session; // borrowed
	struct query *query; // owned
	size_t queries;
	struct rs_error *err; // owned: why the query ended early
	struct rs_progress progress; // of the thread
	atomic_bool stop;
	pthread_t thread;
	bool started;
};

struct rs_error *
rs_exact_list_init(struct rs_exact_list *list, const struct rs_session *session)
{
	*list = (struct rs_exact_list){.runtimes = session->runtimes};
	list->object = calloc(session->runtimes + 1, sizeof(*list->object));
	return list->object ? NULL : &rs_enomem;
}

void rs_exact_list_fini(struct rs_exact_list *list)
{
	for (size_t i = 0; list->object && i < list->runtimes; i++)
		rs_vec_fini(&list->object[i]);
	free(list->object);
}

static void *run(void *context)
{
	struct rs_exact_query *exact = context;

	for (size_t i = 0; i < exact->queries && !exact->err; i++) {
		struct query *q = &exact->query[i];

		exact->err = rs_image_walk(q->image, &q->question, &q->answer);
	}
	return NULL;
}

static size_t query_objects(const struct query *query)
{
	return rs_vec_count(&query->object, uint64_t);
}

static size_t objects_queried(const struct rs_exact_query *exact)
{
	size_t sum = 0;

	for (size_t i = 0; i < exact->queries; i++)
		sum += query_objects(&exact->query[i]);
	return sum;
}

static void exact_query_free(struct rs_exact_query *exact)
{
	for (size_t i = 0; i < exact->queries; i++) {
		rs_image_close(exact->query[i].image);
		rs_image_answer_fini(&exact->query[i].answer);
		rs_vec_fini(&exact->query[i].object);
	}
	rs_error_free(exact->err);
	free(exact->query);
	free(exact);
}

// The query failed. In auto mode the references that were read are used.
static struct rs_error *
give_up(struct rs_exact_query *exact, struct rs_error *err)
{
	struct rs_session *session = exact->session;
	const enum rs_code code = rs_error_code(err);

	if (rs_exact_wanted_all(session) || code == RS_EINTERRUPTED ||
	    code == RS_ENOMEM)
		return err;
	rs_memory_problem(session->memory,
			  "%zu objects, whose layout is not known, could not "
			  "be traversed; their references are guesses: %s",
			  objects_queried(exact), rs_error_message(err));
	rs_error_free(err);
	for (size_t i = 0; i < exact->queries; i++)
		session->exact[exact->query[i].rt->index].not_traversed =
			query_objects(&exact->query[i]);
	session->exact_settled = true;
	return NULL;
}

static bool can_traverse(const struct rs_session *session)
{
	for (size_t i = 0; i < session->runtimes; i++)
		if (session->runtime[i]->ops->image)
			return true;
	return false;
}

static struct rs_error *check(const struct rs_session *session)
{
	if (!session->memory->is_core)
		return rs_error_new(
			RS_EUNSUPPORTED,
			"%s: objects can be traversed only in a core, and "
			"\"refs exact\" is on; take a core (gcore FILE) and "
			"open that (core FILE), or set refs exact auto",
			session->source);
	if (!can_traverse(session))
		return rs_error_new(RS_ENOTFOUND,
				    "%s: nothing in it can be traversed, and "
				    "\"refs exact\" is on; try: set refs "
				    "exact auto",
				    session->source);
	return NULL;
}

static struct rs_error *
prepare_one(struct rs_exact_query *exact, struct query *q)
{
	struct rs_image_options options =
		rs_session_image_options(exact->session);
	struct rs_error *err;

	if (!rs_exact_wanted_all(exact->session)) {
		options.object_ms = RS_AUTO_OBJECT_MS;
		options.total_ms = RS_AUTO_TOTAL_MS;
	}
	q->question.object = rs_vec_items(&q->object, uint64_t);
	q->question.objects = query_objects(q);
	err = q->rt->ops->image(q->rt, &options, &q->question, &q->image);
	q->question.object = rs_vec_items(&q->object, uint64_t);
	q->question.objects = query_objects(q);
	q->question.progress = &exact->progress;
	return err ? err
		   : rs_exact_expect(exact->session, q->rt, &q->question,
				     q->image);
}

static struct rs_error *prepare(struct rs_exact_query *exact)
{
	for (size_t i = 0; i < exact->queries; i++) {
		struct rs_error *err = prepare_one(exact, &exact->query[i]);

		if (err)
			return err;
	}
	exact->progress.fn = rs_thread_goes_on;
	exact->progress.context = &exact->stop;
	exact->started = rs_thread_start(&exact->thread, run, exact);
	return exact->started ? NULL : &rs_enomem;
}

// Whether the objects of @p rt in @p object are to be asked at all.
static bool is_wanted(const struct rs_session *session, struct rs_runtime *rt,
		      const struct rs_vec *object, bool collecting)
{
	const size_t n = rs_vec_count(object, uint64_t);

	if (!n || !rt->ops->image)
		return false;
	return !collecting || rs_exact_wanted_all(session) ||
	       !rt->ops->affects_collection ||
	       rt->ops->affects_collection(rt, rs_vec_items(object, uint64_t),
					   n);
}

static struct rs_error *
exact_query_new(struct rs_session *session, struct rs_exact_list *list,
		bool collecting, struct rs_exact_query **ret)
{
	struct rs_exact_query *exact = calloc(1, sizeof(*exact));

	if (!exact)
		return &rs_enomem;
	exact->session = session;
	exact->query = calloc(list->runtimes + 1, sizeof(*exact->query));
	if (!exact->query) {
		free(exact);
		return &rs_enomem;
	}
	for (size_t i = 0; i < list->runtimes; i++) {
		struct query *q = &exact->query[exact->queries];

		if (!is_wanted(session, session->runtime[i], &list->object[i],
			       collecting))
			continue;
		q->rt = session->runtime[i];
		q->object = list->object[i];
		list->object[i] = (struct rs_vec){0};
		exact->queries++;
	}
	*ret = exact;
	return NULL;
}

struct rs_error *
rs_exact_query_start(struct rs_session *session, struct rs_exact_list *list,
		     bool collecting, struct rs_exact_query **ret)
{
	struct rs_exact_query *exact = NULL;
	struct rs_error *err = NULL;

	*ret = NULL;
	if (session->exact_settled)
		return NULL;
	if (rs_exact_wanted_all(session))
		err = check(session);
	else if (!session->memory->is_core)
		return NULL;
	if (!err)
		err = exact_query_new(session, list, collecting, &exact);
	if (err)
		return err;
	if (exact->queries)
		err = prepare(exact);
	if (err)
		err = give_up(exact, err);
	else if (exact->queries)
		*ret = rs_take(&exact);
	if (exact)
		exact_query_free(exact);
	return err;
}

static bool has_ended(struct rs_exact_query *exact)
{
	exact->started = !rs_thread_ended(exact->thread, RS_TICK_MS);
	return !exact->started;
}

struct rs_error *rs_exact_query_join(struct rs_exact_query *exact)
{
	struct rs_error *err = NULL;

	if (!exact)
		return NULL;
	struct rs_session *session = exact->session;
	while (!err && !has_ended(exact))
		err = rs_progress_tick(&session->progress, "traversing objects",
				       0, objects_queried(exact));
	if (err) {
		rs_exact_query_stop(exact);
		return err;
	}
	err = rs_take(&exact->err);
	for (size_t i = 0; i < exact->queries && !err; i++) {
		struct query *q = &exact->query[i];
		struct rs_exact_answer *asked = &session->exact[q->rt->index];

		if (q->rt->ops->query_adds)
			asked->adds_to = q->rt;
		rs_session_missing_walls(session, q->answer.missing);
		err = rs_exact_answer_take(asked, &q->answer, query_objects(q));
		if (!err)
			err = rs_exact_consent(session, q->rt);
	}
	if (err)
		err = give_up(exact, err);
	else
		session->exact_settled = true;
	exact_query_free(exact);
	return err;
}

void rs_exact_query_stop(struct rs_exact_query *exact)
{
	if (!exact)
		return;
	atomic_store_explicit(&exact->stop, true, memory_order_relaxed);
	if (exact->started)
		pthread_join(exact->thread, NULL);
	exact_query_free(exact);
}
