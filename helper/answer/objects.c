// SPDX-License-Identifier: MIT
//
// The objects of a type, a module, a generation, a size.
#include "answer/describe/type_filter.h"
#include "answer/leaks/findings.h"

#include <stddef.h>

enum rs_order { RS_BY_ADDRESS, RS_BY_SIZE, RS_BY_COUNT };

// An object that was chosen. Sorted by key, largest first, then by number.
struct chosen {
	uint64_t key;
	uint32_t number;
};

struct selection {
	struct rs_report *report;
	struct rs_objects_options options; // all members
	enum rs_order order;
	uint8_t *type; // [graph->types] 1: wanted
	uint8_t *found; // [graph->objects] 1: of the finding; NULL: any
	const struct rs_ledger *ledger; // NULL: not needed
	struct rs_vec chosen; // struct chosen
	uint64_t bytes;
};

// Take over what the caller's struct has of ours.
static struct rs_error *
read_options(const struct rs_objects_options *given, struct selection *s)
{
	const size_t ours = sizeof(s->options);

	if (!given)
		return NULL;
	if (given->size < offsetof(struct rs_objects_options, limit))
		return rs_error_new(RS_EARGUMENT,
				    "rs_objects_options.size is not set");
	memcpy(&s->options, given, given->size < ours ? given->size : ours);
	return NULL;
}

static struct rs_error *parse_order(struct selection *s)
{
	const char *sort = s->options.sort;

	if (!sort || strcmp(sort, "address") == 0)
		s->order = RS_BY_ADDRESS;
	else if (strcmp(sort, "size") == 0)
		s->order = RS_BY_SIZE;
	else if (strcmp(sort, "count") == 0)
		s->order = RS_BY_COUNT;
	else
		return rs_error_new(RS_EARGUMENT,
				    "cannot sort objects by \"%s\": "
				    "use size, address or count",
				    sort);
	return NULL;
}

static struct rs_error *mark_finding(struct selection *s)
{
	const struct rs_findings *findings = NULL;
	const struct rs_finding *finding = NULL;
	struct rs_error *err = rs_findings_find(s->report, s->options.finding,
						&findings, &finding);

	if (!err)
		err = rs_block_new(s->report->graph->objects, 1, &s->found);
	if (err)
		return err;
	for (uint32_t i = 0; i < finding->objects; i++)
		s->found[rs_findings_objects(findings, finding)[i]] = 1;
	return NULL;
}

// What the options need beside the graph.
static struct rs_error *prepare(struct selection *s)
{
	struct rs_error *err = NULL;

	if (s->options.finding)
		err = mark_finding(s);
	if (!err && (s->options.unexplained || s->options.over))
		err = rs_session_ledger(s->report->session, &s->ledger);
	return err;
}

static bool has_wanted_count(const struct selection *s, uint32_t i)
{
	const int64_t unexplained = rs_ledger_row(s->ledger, i).unexplained;

	return (s->options.unexplained && unexplained > 0) ||
	       (s->options.over && unexplained < 0);
}

static bool is_wanted(const struct selection *s, uint32_t i)
{
	const struct rs_graph *g = s->report->graph;
	const struct rs_objects_options *o = &s->options;
	const uint64_t size = rs_graph_size(g, i);

	if (!s->type[g->type[i]] || (s->found && !s->found[i]) ||
	    (s->ledger && !has_wanted_count(s, i)))
		return false;
	if (size < o->size_least || (o->size_most && size > o->size_most))
		return false;
	if (!o->generations)
		return true;
	return (g->flags[i] & RS_OBJ_TRACKED) &&
	       o->generations >> (g->flags[i] & RS_OBJ_GENERATION) & 1;
}

// Those below 0 come after 0, and before what has no count.
static uint64_t key_of_count(int64_t count)
{
	return count < 0 ? 1 : UINT64_C(2) + (uint64_t)count;
}

// Counts of immortal objects say nothing: these come last.
static uint64_t key_of(const struct selection *s, uint32_t i)
{
	const struct rs_graph *g = s->report->graph;

	if (s->order == RS_BY_SIZE)
		return rs_graph_size(g, i);
	if (s->order == RS_BY_COUNT && !(g->flags[i] & RS_OBJ_IMMORTAL))
		return key_of_count(rs_graph_count(g, i));
	return 0;
}

static int by_key(const void *left, const void *right)
{
	const struct chosen *a = left, *b = right;

	if (a->key != b->key)
		return a->key > b->key ? -1 : 1;
	return a->number < b->number ? -1 : a->number > b->number;
}

static struct rs_error *choose(struct selection *s)
{
	const struct rs_graph *g = s->report->graph;
	struct rs_error *err = NULL;

	for (uint32_t i = 0; i < g->objects && !err; i++) {
		if (i % RS_TICK == 0)
			err = rs_progress_tick(&s->report->session->progress,
					       "choosing objects", i,
					       g->objects);
		if (err || !is_wanted(s, i))
			continue;
		const struct chosen c = {key_of(s, i), i};

		err = rs_vec_append(&s->chosen, &c, sizeof(c));
		s->bytes += rs_graph_size(g, i);
	}
	if (!err && s->order != RS_BY_ADDRESS && s->chosen.used)
		qsort(s->chosen.data, rs_vec_count(&s->chosen, struct chosen),
		      sizeof(struct chosen), by_key);
	return err;
}

static struct rs_error *write_answer(struct selection *s, char **ret)
{
	struct rs_json *j = &s->report->json;
	const struct chosen *c = rs_vec_items(&s->chosen, struct chosen);
	const size_t total = rs_vec_count(&s->chosen, struct chosen);
	size_t shown = 0;

	rs_json_begin_object(j);
	rs_json_key_uint(j, "total", total);
	rs_json_key_uint(j, "bytes", s->bytes);
	rs_json_key(j, "objects");
	rs_json_begin_array(j);
	for (; shown < total && !rs_report_full(shown, s->options.limit);
	     shown++)
		rs_report_object(s->report, c[shown].number);
	rs_json_end_array(j);
	rs_json_key_bool(j, "limited", shown < total);
	return rs_report_take(s->report, ret);
}

static void selection_fini(struct selection *s)
{
	if (s->type)
		rs_block_free(s->type, s->report->graph->types, 1);
	if (s->found)
		rs_block_free(s->found, s->report->graph->objects, 1);
	rs_vec_fini(&s->chosen);
}

struct rs_error *rs_answer_objects(struct rs_session *session,
				   const struct rs_objects_options *options,
				   char **ret)
{
	RS_NEED_SESSION(session);
	RS_AUTO_REPORT struct rs_report report = {0};
	RS_CLEANUP(selection_fini) struct selection s = {.report = &report};
	struct rs_error *err;

	if ((err = read_options(options, &s)) || (err = parse_order(&s)) ||
	    (err = rs_report_open(&report, session, -1)) ||
	    (err = rs_type_filter(&report, s.options.type, s.options.module,
				  &s.type)) ||
	    (err = prepare(&s)) || (err = choose(&s)))
		return err;
	return write_answer(&s, ret);
}
