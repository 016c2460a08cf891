// SPDX-License-Identifier: MIT
//
// The members at the end of every answer: what it may lack.
#include "answer/describe/fault.h"
#include "answer/describe/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { RS_TYPES_NAMED = 5 };

// The graph that the answer was made from; NULL: none.
static const struct rs_graph *graph_of(const struct rs_session *session)
{
	if (session->has_all)
		return &session->all;
	return session->has_tracked ? &session->tracked : NULL;
}

// Whether object @p i has a traverse callback that was not called in an image.
static bool is_unread(const struct rs_session *session,
		      const struct rs_graph *g, uint32_t i)
{
	const unsigned flags = g->flags[i];

	return (flags & RS_OBJ_INEXACT) && !(flags & RS_OBJ_IMMORTAL) &&
	       rs_session_runtime(session, g, i)->ops->query_adds;
}

// Whether there are objects of a C program: only then is a pass over all
// objects needed.
static bool has_tracker(const struct rs_session *session)
{
	for (size_t i = 0; i < session->runtimes; i++)
		if (session->runtime[i]->ops->query_adds)
			return true;
	return false;
}

// How many objects of C programs have a callback that was called and stopped.
static uint64_t count_stopped(const struct rs_session *session)
{
	uint64_t n = 0;

	for (size_t i = 0; i < session->runtimes; i++)
		if (session->runtime[i]->ops->query_adds)
			n += session->exact[i].answer.faults_total;
	return n;
}

static bool is_in_transit(const struct rs_session *session,
			  const struct rs_graph *g, uint32_t i)
{
	return rs_object_is_in_transit(g->count[i], g->flags[i]) &&
	       !(g->flags[i] & RS_OBJ_IMMORTAL) &&
	       rs_session_runtime(session, g, i)->ops->query_adds;
}

// The type with the most objects in @p number, or graph->types.
static uint32_t most_of(const struct rs_graph *g, const uint32_t *number)
{
	uint32_t best = g->types;

	for (uint32_t t = 0; t < g->types; t++) {
		if (number[t] && (best == g->types || number[t] > number[best]))
			best = t;
	}
	return best;
}

static void
write_types(struct rs_json *j, const struct rs_graph *g, uint32_t *number)
{
	rs_json_key(j, "types");
	rs_json_begin_array(j);
	for (int i = 0; i < RS_TYPES_NAMED; i++) {
		const uint32_t t = most_of(g, number);

		if (t == g->types)
			break;
		rs_json_begin_object(j);
		rs_json_key_string(j, "type", g->type_row[t].name);
		rs_json_key_uint(j, "objects", number[t]);
		rs_json_end_object(j);
		number[t] = 0;
	}
	rs_json_end_array(j);
}

// A program may make many types of one name: the first has them all.
static void add_namesakes(const struct rs_graph *g, uint32_t *number)
{
	enum { RS_COMPARED = 1000 }; // names; of more types some stay apart
	uint32_t first[RS_COMPARED], n = 0;

	for (uint32_t t = 0; t < g->types; t++) {
		uint32_t i = 0;

		if (!number[t])
			continue;
		while (i < n && strcmp(g->type_row[first[i]].name,
				       g->type_row[t].name) != 0)
			i++;
		if (i < n) {
			number[first[i]] += number[t];
			number[t] = 0;
		} else if (n < RS_COMPARED) {
			first[n++] = t;
		}
	}
}

void rs_report_uncertain(struct rs_json *j, const struct rs_graph *g,
			 const struct rs_collect_result *result)
{
	uint32_t *number = NULL;

	if (!result || result->least == result->most || !result->doubtful)
		return;
	rs_json_key(j, "uncertain");
	rs_json_begin_object(j);
	rs_json_key(j, "unreachable");
	rs_json_begin_array(j);
	rs_json_uint(j, result->least);
	rs_json_uint(j, result->most);
	rs_json_end_array(j);
	// If this fails only the types are left out, not the numbers.
	rs_error_free(rs_block_new(g->types, sizeof(*number), &number));
	if (number) {
		memcpy(number, result->doubtful,
		       result->types * sizeof(*number));
		add_namesakes(g, number);
		write_types(j, g, number);
	}
	rs_json_end_object(j);
	rs_block_free(number, g->types, sizeof(*number));
}

static void write_counts(struct rs_json *j, const struct rs_session *session)
{
	const struct rs_graph *g = graph_of(session);
	uint32_t *number = NULL;
	uint64_t objects = 0, in_transit = 0;

	if (!g || !has_tracker(session))
		return;
	// If this fails only the types are left out, not the numbers.
	rs_error_free(rs_block_new(g->types, sizeof(*number), &number));
	for (uint32_t i = 0; i < g->objects; i++) {
		in_transit += is_in_transit(session, g, i);
		if (!is_unread(session, g, i))
			continue;
		objects++;
		if (number)
			number[g->type[i]]++;
	}
	if (objects) {
		rs_json_key(j, "unread");
		rs_json_begin_object(j);
		rs_json_key_uint(j, "objects", objects);
		if (number)
			write_types(j, g, number);
		if (count_stopped(session))
			rs_json_key_uint(j, "stopped", count_stopped(session));
		rs_json_end_object(j);
	}
	if (in_transit)
		rs_json_key_uint(j, "in_transit", in_transit);
	rs_block_free(number, g->types, sizeof(*number));
}

// `3 objects could be read in part only, <list 0x7f..> for one: ...`
static void write_partial(struct rs_json *j, const struct rs_graph *g)
{
	const uint32_t n = rs_graph_find(g, g->partial_example);
	char line[RS_NAME_SIZE + 160];
	char name[RS_NAME_SIZE] = "one of them";

	if (n != RS_NONE)
		rs_report_name_in(g, n, name, sizeof(name));
	(void)snprintf(line, sizeof(line),
		       "%" PRIu64 " objects could be read in part only, %s for "
		       "one: references or memory that they hold are missing",
		       g->partial, name);
	rs_json_string(j, line);
}

// How many objects have a count below 0, and one of them.
static size_t count_below(const struct rs_graph *g, struct rs_wide_count *ret)
{
	const struct rs_wide_count *wide =
		rs_vec_items(&g->wide, struct rs_wide_count);
	size_t found = 0;

	for (size_t i = 0; i < rs_vec_count(&g->wide, struct rs_wide_count);
	     i++) {
		if (wide[i].count < 0 && !found++)
			*ret = wide[i];
	}
	return found;
}

// `2 objects have a count below 0, None (-3) for one: ...`
static void write_below(struct rs_json *j, const struct rs_graph *g)
{
	struct rs_wide_count one = {0};
	const size_t n = count_below(g, &one);
	char line[RS_NAME_SIZE + 160];
	char name[RS_NAME_SIZE];

	if (!n)
		return;
	rs_report_name_in(g, rs_graph_find(g, one.address), name, sizeof(name));
	if (n == 1)
		(void)snprintf(line, sizeof(line),
			       "1 object has a count below 0, %s (%" PRId64
			       "): it was released more often than held, or is "
			       "damaged",
			       name, one.count);
	else
		(void)snprintf(line, sizeof(line),
			       "%zu objects have a count below 0, %s (%" PRId64
			       ") for one: they were released more often than "
			       "held, or are damaged",
			       n, name, one.count);
	rs_json_string(j, line);
}

void rs_report_problems(struct rs_json *json, const struct rs_session *session,
			bool all)
{
	const struct rs_memory *memory = session->memory;
	const struct rs_graph *g = graph_of(session);

	if (!all && !memory->gaps && !(g && (g->partial || g->wide.used)))
		return;
	rs_json_key(json, "problems");
	rs_json_begin_array(json);
	for (size_t i = 0; all && i < memory->problems; i++)
		rs_json_string(json, memory->problem[i]);
	if (all && g)
		rs_report_faults(json, session, g);
	for (size_t i = 0; !all && i < memory->gaps; i++)
		rs_json_string(json, memory->gap[i]);
	if (g && g->partial)
		write_partial(json, g);
	if (g)
		write_below(json, g);
	rs_json_end_array(json);
}

void rs_report_completeness(struct rs_json *json,
			    const struct rs_session *session)
{
	const bool traversed = rs_session_traversed(session) != 0;
	const uint64_t missed = rs_session_not_traversed(session);
	bool collecting = false;
	bool incomplete = false;
	uint64_t unknown = 0;

	for (size_t i = 0; i < session->runtimes; i++) {
		struct rs_runtime *rt = session->runtime[i];

		collecting |= rt->gc_collecting;
		incomplete |= rt->incomplete;
		if (rt->ops->unknown)
			unknown += rt->ops->unknown(rt);
	}
	rs_json_key_string(json, "method", traversed ? "traversed" : "read");
	rs_json_key_uint(json, "not_traversed", missed);
	// The names of the same two members in the first release.
	rs_json_key_string(json, "learned", traversed ? "asked" : "read");
	rs_json_key_uint(json, "unasked", missed);
	if (collecting)
		rs_json_key_bool(json, "collecting", true);
	write_counts(json, session);
	if (unknown)
		rs_json_key_uint(json, "unknown", unknown);
	if (incomplete)
		rs_json_key_bool(json, "incomplete", true);
}
