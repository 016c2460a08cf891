// SPDX-License-Identifier: MIT
#include "answer/describe/garbage_marks.h"
#include "answer/describe/listing.h"
#include "answer/describe/prediction.h"

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

static void write_those(struct rs_json *j, const struct rs_prediction *c,
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

static void write_each(struct rs_json *j, const struct rs_prediction *c)
{
	write_those(j, c, "interpreters", false);
	write_those(j, c, "registries", true);
}

// Of a CPython; a C program's collector has no such number.
static void write_returns(struct rs_json *j, const struct rs_prediction *c)
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
	else if (c->returns.found > c->returns.high)
		rs_json_key_uint(j, "freed_first",
				 c->returns.found - c->returns.high);
}

static bool is_collecting(const struct rs_session *session)
{
	for (size_t i = 0; i < session->runtimes; i++)
		if (session->runtime[i]->gc_collecting)
			return true;
	return false;
}

static struct rs_error *write_answer(struct rs_json *j,
				     const struct rs_prediction *c,
				     uint64_t unseen, uint64_t limit)
{
	const struct rs_listing listing = {c->session, c->graph, &c->result};
	uint64_t shown = 0;

	rs_json_begin_object(j);
	rs_json_key_uint(j, "unreachable", c->result.unreachable);
	rs_json_key_uint(j, "uncollectable", c->result.uncollectable);
	if (unseen)
		rs_json_key_uint(j, "unseen", unseen);
	rs_json_key_uint(j, "garbage", c->garbage);
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
static struct rs_error *count_unseen(struct rs_session *session,
				     const struct rs_prediction *c,
				     uint64_t *ret)
{
	RS_AUTO_REPORT struct rs_report report = {0};
	struct rs_error *err = NULL;

	if (c->generation != 2 || !has_several(session))
		return NULL;
	if ((err = rs_report_open(&report, session, -1)))
		return err;
	return rs_report_unseen(&report, ret);
}

static struct rs_error *answer(const struct rs_prediction *c, uint64_t unseen,
			       uint64_t limit, char **ret)
{
	struct rs_json j;

	rs_json_init(&j, -1);
	struct rs_error *err = write_answer(&j, c, unseen, limit);
	return rs_report_end(c->session, &j, err, ret);
}

struct rs_error *rs_answer_collect(struct rs_session *session, int generation,
				   const char *rules, uint64_t limit,
				   char **ret)
{
	RS_NEED_SESSION(session);
	struct rs_prediction c = {0};
	struct rs_graph *all = NULL;
	enum rs_rules own;
	uint64_t unseen = 0;
	struct rs_error *err = NULL;

	if (rules)
		err = parse_rules(rules, &own);
	// Those of several are looked for among all objects.
	if (!err && has_several(session))
		err = rs_session_graph(session, &all);
	if (!err)
		err = rs_prediction_make(session, generation,
					 rules ? &own : NULL, &c);
	if (!err)
		err = count_unseen(session, &c, &unseen);
	if (!err)
		err = answer(&c, unseen, limit, ret);
	rs_prediction_fini(&c);
	return err;
}
