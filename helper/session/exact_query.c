// SPDX-License-Identifier: MIT
#include "session/exact_query.h"

#include "base/thread.h"

#include <stdatomic.h>
#include <stdlib.h>

enum {
	// For a question that nobody put in so many words.
	RS_AUTO_OBJECT_MS = 250,
	RS_AUTO_TOTAL_MS = 15000,
	RS_TICK_MS = 20, // between two looks whether to go on
};

struct rs_asking {
	struct rs_session *session; // borrowed
	struct rs_process_image *image; // owned
	struct rs_image_question question;
	struct rs_vec object; // uint64_t: what is asked
	struct rs_image_answer answer; // of the thread, until it is joined
	struct rs_error *err; // owned: what ended the asking
	struct rs_progress progress; // of the thread
	atomic_bool stop;
	pthread_t thread;
	bool started;
};

static void *run(void *context)
{
	struct rs_asking *asking = context;

	asking->err = rs_image_walk(asking->image, &asking->question,
				    &asking->answer);
	return NULL;
}

static size_t asked_for(const struct rs_asking *asking)
{
	return rs_vec_count(&asking->object, uint64_t);
}

static void asking_free(struct rs_asking *asking)
{
	rs_image_close(asking->image);
	rs_image_answer_fini(&asking->answer);
	rs_error_free(asking->err);
	rs_vec_fini(&asking->object);
	free(asking);
}

// Asking failed. Where nobody insists, what is read stands.
static struct rs_error *
give_up(struct rs_session *session, struct rs_error *err, size_t objects)
{
	const enum rs_code code = rs_error_code(err);

	if (rs_asks_all(session) || code == RS_EINTERRUPTED ||
	    code == RS_ENOMEM)
		return err;
	rs_memory_problem(session->memory,
			  "%zu objects of types that reading does not know "
			  "could not be asked: %s",
			  objects, rs_error_message(err));
	rs_error_free(err);
	session->asked.unasked = objects;
	session->asked.settled = true;
	return NULL;
}

static struct rs_error *check(const struct rs_session *session)
{
	if (!session->memory->is_core)
		return rs_error_new(
			RS_EUNSUPPORTED,
			"%s: only the types of a core can be asked, and "
			"\"refs exact\" is on; take a core (gcore FILE) and "
			"open that (core FILE), or set refs exact auto",
			session->source);
	if (!session->by_flag[0] || !session->by_flag[0]->ops->image)
		return rs_error_new(RS_ENOTFOUND,
				    "%s: there is no CPython in it whose types "
				    "could be asked, and \"refs exact\" is on; "
				    "set refs exact auto",
				    session->source);
	return NULL;
}

static struct rs_error *prepare(struct rs_asking *asking)
{
	struct rs_runtime *rt = asking->session->by_flag[0];
	struct rs_image_options options = {0};
	struct rs_error *err;

	if (!rs_asks_all(asking->session)) {
		options.object_ms = RS_AUTO_OBJECT_MS;
		options.total_ms = RS_AUTO_TOTAL_MS;
	}
	err = rt->ops->image(rt, &options, &asking->question, &asking->image);
	if (err)
		return err;
	asking->progress.fn = rs_thread_goes_on;
	asking->progress.context = &asking->stop;
	asking->question.object = rs_vec_items(&asking->object, uint64_t);
	asking->question.objects = asked_for(asking);
	asking->question.progress = &asking->progress;
	asking->started = rs_thread_start(&asking->thread, run, asking);
	return asking->started ? NULL : &rs_enomem;
}

struct rs_error *rs_asking_start(struct rs_session *session,
				 struct rs_vec *object, bool collecting,
				 struct rs_asking **ret)
{
	const size_t objects = rs_vec_count(object, uint64_t);
	struct rs_runtime *rt = session->by_flag[0];
	struct rs_asking *asking;
	struct rs_error *err = NULL;

	*ret = NULL;
	if (session->asked.settled)
		return NULL;
	if (rs_asks_all(session))
		err = check(session);
	else if (!session->memory->is_core || !rt || !rt->ops->image)
		return NULL;
	if (err || !objects)
		return err;
	if (collecting && !rs_asks_all(session) &&
	    rt->ops->affects_collection &&
	    !rt->ops->affects_collection(rt, rs_vec_items(object, uint64_t),
					 objects))
		return NULL;
	asking = calloc(1, sizeof(*asking));
	if (!asking)
		return &rs_enomem;
	asking->session = session;
	asking->object = *object;
	*object = (struct rs_vec){0};
	err = prepare(asking);
	if (err) {
		asking_free(asking);
		return give_up(session, err, objects);
	}
	*ret = asking;
	return NULL;
}

static bool has_ended(struct rs_asking *asking)
{
	asking->started = !rs_thread_ended(asking->thread, RS_TICK_MS);
	return !asking->started;
}

struct rs_error *rs_asking_join(struct rs_asking *asking)
{
	struct rs_error *err = NULL;

	if (!asking)
		return NULL;
	struct rs_session *session = asking->session;
	while (!err && !has_ended(asking))
		err = rs_progress_tick(&session->progress, "asking the types",
				       0, asked_for(asking));
	if (err) {
		rs_asking_stop(asking);
		return err;
	}
	const size_t objects = asked_for(asking);
	err = asking->err;
	asking->err = NULL;
	if (!err)
		err = rs_asked_take(&session->asked, &asking->answer, objects);
	asking_free(asking);
	if (err)
		return give_up(session, err, objects);
	session->asked.settled = true;
	return NULL;
}

void rs_asking_stop(struct rs_asking *asking)
{
	if (!asking)
		return;
	atomic_store_explicit(&asking->stop, true, memory_order_relaxed);
	if (asking->started)
		pthread_join(asking->thread, NULL);
	asking_free(asking);
}
