// SPDX-License-Identifier: MIT
#include "answer/describe/garbage_marks.h"
#include "answer/describe/listing.h"
#include "answer/describe/returns.h"
#include "session/collection.h"
#include "session/exact_query.h"

// A collection, and what else the answer needs.
struct collection {
	struct rs_session *session;
	struct rs_graph *graph; // borrowed from the session
	struct rs_collect_result result; // owned
	struct rs_vec each; // struct rs_collector_result, if there are several
	uint64_t in_garbage; // objects in garbage lists now
	uint64_t unseen; // unreachable, and no collector finds them
	int generation;
	enum rs_rules rules;
	bool has_returns; // of a collector that returns a number
	struct rs_returns returns;
};

static struct rs_error *parse_rules(const char *text, enum rs_rules *ret)
{
	if (strcmp(text, "2.7") == 0)
		*ret = RS_RULES_27;
	else if (strcmp(text, "3.4") == 0)
		*ret = RS_RULES_34;
	else
		return rs_error_new(RS_EARGUMENT,
				    "unknown rules \"%s\": use 2.7 (cycles "
				    "with a finalizer are kept) or 3.4 (PEP "
				    "442)",
				    text);
	return NULL;
}

static struct rs_error *count_garbage(struct collection *c)
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
static uint64_t new_garbage(const struct collection *c)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < c->result.objects; i++) {
		const uint8_t fate = c->result.fate[i];
		n += fate == RS_FATE_FINALIZER ||
		     (rs_report_unreachable(fate) &&
		      fate != RS_FATE_UNFREEABLE &&
		      rs_session_runtime(c->session, c->graph, i)->gc_saveall);
	}
	// Of 2.7's, what the rest has let go of is freed before.
	return c->has_returns ? n - (c->result.garbage - c->returns.garbage)
			      : n;
}

static void write_those(struct rs_json *j, const struct collection *c,
			const char *key, bool named)
{
	const struct rs_collector_result *each =
		rs_vec_items(&c->each, struct rs_collector_result);
	const size_t n = rs_vec_count(&c->each, struct rs_collector_result);
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		if ((each[i].name != NULL) != named)
			continue;
		if (!any) {
			rs_json_key(j, key);
			rs_json_begin_array(j);
		}
		any = true;
		rs_json_begin_object(j);
		rs_json_key_int(j, "id", each[i].id);
		if (named)
			rs_json_key_string(j, "module", each[i].name);
		rs_json_key_uint(j, "tracked", each[i].tracked);
		rs_json_key_uint(j, "unreachable", each[i].unreachable);
		rs_json_key_uint(j, "uncollectable", each[i].uncollectable);
		rs_json_end_object(j);
	}
	if (any)
		rs_json_end_array(j);
}

static void write_each(struct rs_json *j, const struct collection *c)
{
	write_those(j, c, "interpreters", false);
	write_those(j, c, "registries", true);
}

// The first runtime whose collector returns a number, or NULL.
static const struct rs_runtime *find_returning(const struct rs_session *session)
{
	for (size_t i = 0; i < session->runtimes; i++)
		if (session->runtime[i]->ops->gc_returns)
			return session->runtime[i];
	return NULL;
}

static struct rs_error *find_returns(struct collection *c)
{
	const struct rs_runtime *rt = find_returning(c->session);

	// By the rules of another version there is nothing to be returned.
	c->has_returns = rt && c->rules == rt->rules;
	return c->has_returns
		       ? rs_returns_find(c->session, c->graph, &c->result,
					 c->rules, &c->returns)
		       : NULL;
}

static void write_returns(struct rs_json *j, const struct collection *c)
{
	if (!c->has_returns)
		return;
	rs_json_key(j, "returns");
	rs_json_begin_array(j);
	rs_json_uint(j, c->returns.low);
	rs_json_uint(j, c->returns.high);
	rs_json_end_array(j);
	if (c->returns.decides)
		rs_json_key_string(j, "decides", c->returns.decides);
}

static bool is_collecting(const struct rs_session *session)
{
	for (size_t i = 0; i < session->runtimes; i++)
		if (session->runtime[i]->gc_collecting)
			return true;
	return false;
}

static struct rs_error *
write_answer(struct rs_json *j, const struct collection *c, uint64_t limit)
{
	const struct rs_listing listing = {c->session, c->graph, &c->result};
	uint64_t shown = 0;

	rs_json_begin_object(j);
	rs_json_key_uint(j, "unreachable", c->result.unreachable);
	rs_json_key_uint(j, "uncollectable", c->result.uncollectable);
	if (c->unseen)
		rs_json_key_uint(j, "unseen", c->unseen);
	rs_json_key_uint(j, "garbage", c->in_garbage + new_garbage(c));
	write_returns(j, c);
	rs_json_key_int(j, "generation", c->generation);
	rs_json_key_string(j, "rules", c->rules == RS_RULES_27 ? "2.7" : "3.4");
	// Else every answer says so at its end.
	if (!is_collecting(c->session))
		rs_json_key_bool(j, "collecting", false);
	write_each(j, c);
	rs_json_key(j, "objects");
	struct rs_error *err = rs_listing_write(&listing, j, limit, &shown);
	rs_json_key_bool(j, "limited", shown < c->result.unreachable);
	rs_report_problems(j, c->session, false);
	rs_report_uncertain(j, c->graph, &c->result);
	rs_report_completeness(j, c->session);
	rs_json_end_object(j);
	return err;
}

// In 3.14.0 to 3.14.4, which old objects gc.collect(1) examines depends on
// earlier collections.
static struct rs_error *check_generation(const struct collection *c)
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

// Whether objects of C programs have several collectors, or are beside another
// runtime's: a cycle through the objects of two is found by neither.
static bool has_several(const struct rs_session *session)
{
	for (size_t i = 0; i < session->runtimes; i++) {
		const struct rs_runtime *rt = session->runtime[i];

		if (rt->ops->collector_name &&
		    (rt->collectors > 1 || session->runtimes > 1))
			return true;
	}
	return false;
}

// Needs all objects, so it is left out where it is seldom of interest.
static struct rs_error *count_unseen(struct collection *c)
{
	RS_AUTO_REPORT struct rs_report report = {0};
	struct rs_error *err = NULL;

	if (c->generation != 2 || !has_several(c->session))
		return NULL;
	if ((err = rs_report_open(&report, c->session, -1)) ||
	    (err = rs_report_reverse(&report)))
		return err;
	return rs_report_unseen(&report, &c->unseen);
}

static struct rs_error *
answer(struct collection *c, const char *rules, uint64_t limit, char **ret)
{
	const struct rs_collection_options how = {
		.generation = c->generation,
		.rules = rules ? &c->rules : NULL,
	};
	struct rs_json j;
	struct rs_error *err;

	// The graph of all objects gives the same result, and may already be
	// there. Weak references are read for it even of what is traversed.
	if (rs_exact_wanted_all(c->session) ||
	    (c->session->has_all && !c->session->has_tracked) ||
	    has_several(c->session))
		err = rs_session_graph(c->session, &c->graph);
	else
		err = rs_session_tracked(c->session, &c->graph);
	if (err)
		return err;
	if ((err = rs_session_collect(c->session, c->graph, &how, &c->result,
				      &c->each)) ||
	    (err = count_garbage(c)) || (err = count_unseen(c)) ||
	    (err = find_returns(c)))
		return err;

	rs_json_init(&j, -1);
	err = write_answer(&j, c, limit);
	err = rs_report_checked(c->session, err);
	if (!err)
		err = rs_json_take(&j, ret);
	rs_json_fini(&j);
	return err;
}

struct rs_error *rs_answer_collect(struct rs_session *session, int generation,
				   const char *rules, uint64_t limit,
				   char **ret)
{
	RS_NEED_SESSION(session);
	struct collection c = {
		.session = session,
		.generation = generation < 0 ? 2 : generation,
		.rules = session->runtimes ? session->runtime[0]->rules
					   : RS_RULES_34,
	};
	struct rs_error *err = NULL;

	if (generation < -1 || generation > 2)
		return rs_error_new(RS_EARGUMENT,
				    "there is no generation %d: use 0, 1 or 2",
				    generation);
	if (rules)
		err = parse_rules(rules, &c.rules);
	if (!err)
		err = check_generation(&c);
	if (!err)
		err = answer(&c, rules, limit, ret);
	rs_collect_result_fini(&c.result);
	rs_vec_fini(&c.each);
	return err;
}
