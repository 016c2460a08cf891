// SPDX-License-Identifier: MIT
#include "answer/describe/prediction.h"

#include "answer/describe/report.h"
#include "session/collection.h"

static struct rs_error *count_garbage(struct rs_prediction *c)
{
	for (size_t i = 0; i < c->session->runtimes; i++) {
		struct rs_runtime *rt = c->session->runtime[i];
		struct rs_vec list = {0};
		struct rs_error *err = rt->ops->garbage(rt, &list);

		c->in_garbage += rs_vec_count(&list, uint64_t);
		rs_vec_fini(&list);
		if (err)
			return err;
	}
	return NULL;
}

// How many objects a collection would add to the garbage list; with
// DEBUG_SAVEALL all that it finds.
static uint64_t new_garbage(const struct rs_prediction *c)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < c->result.objects; i++) {
		const uint8_t fate = c->result.fate[i];
		n += fate == RS_FATE_FINALIZER ||
		     (rs_report_unreachable(fate) &&
		      fate != RS_FATE_UNFREEABLE &&
		      rs_session_settings(c->session, c->graph, i).saveall);
	}
	// Of 2.7's, what the rest has let go of is freed before.
	return c->has_returns ? n - (c->result.garbage - c->returns.garbage)
			      : n;
}

// The first runtime whose collector returns a number, or NULL.
static const struct rs_runtime *find_returning(const struct rs_session *session)
{
	for (size_t i = 0; i < session->runtimes; i++)
		if (session->runtime[i]->ops->gc_returns)
			return session->runtime[i];
	return NULL;
}

// In 3.14.0 to 3.14.4, which old objects gc.collect(1) examines depends on
// earlier collections.
static struct rs_error *check_increments(const struct rs_prediction *c)
{
	for (size_t i = 0; i < c->session->runtimes; i++) {
		const struct rs_runtime *rt = c->session->runtime[i];

		if (c->generation == 1 && rt->gc_increments)
			return rs_error_new(
				RS_EUNSUPPORTED,
				"%s %s collects generation 1 in increments "
				"that cannot be predicted: use 0 or 2",
				rt->ops->name, rt->version);
	}
	return NULL;
}

static struct rs_error *
collect(struct rs_prediction *c, const enum rs_rules *rules)
{
	const struct rs_collection_options how = {
		.generation = c->generation,
		.rules = rules,
	};
	struct rs_error *err;

	// The graph of all objects gives the same result, and may already be
	// there.
	if (c->session->has_all && !c->session->has_tracked)
		err = rs_session_graph(c->session, &c->graph);
	else
		err = rs_session_tracked(c->session, &c->graph);
	if (err)
		return err;
	return rs_session_collect(c->session, c->graph, &how, &c->result,
				  &c->each);
}

static struct rs_error *find_returns(struct rs_prediction *c)
{
	const struct rs_runtime *rt = find_returning(c->session);

	// By the rules of another version there is nothing to be returned.
	c->has_returns = rt && c->rules == rt->rules;
	return c->has_returns
		       ? rs_returns_find(c->session, c->graph, &c->result,
					 c->rules, &c->returns)
		       : NULL;
}

struct rs_error *rs_generation_check(int generation)
{
	if (generation >= -1 && generation <= 2)
		return NULL;
	return rs_error_new(RS_EARGUMENT,
			    "there is no generation %d: use 0, 1 or 2",
			    generation);
}

struct rs_error *rs_prediction_make(struct rs_session *session, int generation,
				    const enum rs_rules *rules,
				    struct rs_prediction *ret)
{
	struct rs_error *err;

	*ret = (struct rs_prediction){
		.session = session,
		.generation = generation < 0 ? 2 : generation,
		.rules = rules		     ? *rules
			 : session->runtimes ? session->runtime[0]->rules
					     : RS_RULES_34,
	};
	if ((err = rs_generation_check(generation)) ||
	    (err = check_increments(ret)) || (err = collect(ret, rules)) ||
	    (err = count_garbage(ret)) || (err = find_returns(ret)))
		return err;
	ret->garbage = ret->in_garbage + new_garbage(ret);
	return NULL;
}

void rs_prediction_fini(struct rs_prediction *prediction)
{
	rs_collect_result_fini(&prediction->result);
	rs_vec_fini(&prediction->each);
}
