// SPDX-License-Identifier: MIT
#include "answer/cycles.h"

#include "answer/describe/cycle_path.h"
#include "answer/describe/cycle_reason.h"
#include "answer/describe/garbage_marks.h"
#include "answer/describe/rings.h"
#include "answer/leaks/cycle_shapes.h"
#include "answer/leaks/findings.h"
#include "answer/leaks/hidden_by.h"

#include <inttypes.h>

// Steps and cuts of a cycle that are written even if the limit is lower.
enum { RS_LEAST_STEPS = 20 };

// @return whether all are written.
static bool write_steps(struct rs_report *report, const struct rs_vec *cycle,
			uint64_t limit)
{
	const struct rs_step *step = rs_vec_items(cycle, struct rs_step);
	const size_t n = rs_vec_count(cycle, struct rs_step);
	struct rs_json *j = &report->json;
	char label[RS_LABEL_SIZE];
	size_t i = 0;

	rs_json_key_uint(j, "length", n);
	rs_json_key(j, "path");
	rs_json_begin_array(j);
	for (; i < n && !rs_report_full(i, limit); i++) {
		rs_json_begin_object(j);
		rs_report_key_object(report, "object", step[i].object);
		rs_cycle_path_label(report, &step[i], label, sizeof(label));
		rs_json_key_string(j, "label", label);
		rs_json_end_object(j);
	}
	rs_json_end_array(j);
	return i == n;
}

static void write_cut(struct rs_report *report, const struct rs_step *step)
{
	const struct rs_graph *g = report->graph;
	struct rs_json *j = &report->json;
	char label[RS_LABEL_SIZE];

	rs_json_begin_object(j);
	rs_report_key_object(report, "object", step->object);
	rs_cycle_path_label(report, step, label, sizeof(label));
	rs_json_key_string(j, "label", label);
	rs_json_key_address(j, "to",
			    g->address[rs_edge_target(g->out[step->edge])]);
	rs_json_end_object(j);
}

// @return whether all are written.
static bool
write_cuts(struct rs_report *report, const struct rs_vec *cycle, uint64_t limit)
{
	const struct rs_step *step = rs_vec_items(cycle, struct rs_step);
	const size_t n = rs_vec_count(cycle, struct rs_step);
	struct rs_json *j = &report->json;
	uint64_t total = 0;

	rs_json_key(j, "cuts");
	rs_json_begin_array(j);
	for (size_t i = 0; i < n; i++) {
		if (!step[i].cut)
			continue;
		if (!rs_report_full(total, limit))
			write_cut(report, &step[i]);
		total++;
	}
	rs_json_end_array(j);
	rs_json_key_uint(j, "cuts_total", total);
	return !limit || total <= limit;
}

static bool write_members(struct rs_rings *c, uint32_t i, uint64_t limit)
{
	const uint32_t *member = rs_ring_members(c, i);
	struct rs_json *j = &c->report->json;
	const uint32_t n = rs_ring_size(c, i);
	uint32_t m = 0;

	rs_json_key(j, "members");
	rs_json_begin_array(j);
	for (; m < n && !rs_report_full(m, limit); m++)
		rs_report_object(c->report, member[m]);
	rs_json_end_array(j);
	return m == n;
}

static void write_hidden_by(const struct rs_rings *c, uint32_t i)
{
	struct rs_json *j = &c->report->json;
	struct rs_hidden_by by;

	if (!rs_ring_hidden_by(c, i, &by))
		return;
	rs_json_key(j, "hidden_by");
	rs_json_begin_object(j);
	rs_report_key_object(c->report, "object", by.object);
	rs_report_key_label(c->report, by.object, by.edge);
	rs_json_key(j, "without");
	rs_json_begin_object(j);
	rs_report_key_object(c->report, "object", by.holder);
	rs_report_key_label(c->report, by.holder, by.holder_edge);
	rs_json_end_object(j);
	rs_json_end_object(j);
}

static bool has_cut(const struct rs_vec *cycle)
{
	const struct rs_step *step = rs_vec_items(cycle, struct rs_step);
	bool found = false;

	for (size_t i = 0; i < rs_vec_count(cycle, struct rs_step); i++)
		found |= step[i].cut;
	return found;
}

// The cycle that says most, with the references that would free all.
static struct rs_error *
find_path(const struct rs_rings *c, uint32_t i, struct rs_vec *ret)
{
	struct rs_error *err =
		rs_cycle_path_find(c->report, &c->components, i, ret);

	if (err || has_cut(ret))
		return err;
	const uint32_t through = rs_ring_through(c, i);

	if (through == RS_NONE)
		return NULL;
	ret->used = 0;
	return rs_cycle_path_through(c->report, &c->components, through, ret);
}

// What is written of the cycles: indices in rings->ring, and their shapes.
struct listing {
	struct rs_vec place; // uint32_t
	struct rs_vec shape; // struct rs_cycle_shape
	struct rs_vec step; // struct rs_step, of the cycles written so far
	struct rs_vec end; // size_t, where the steps of each of them end
	uint64_t limit;
	bool limited;
};

// The path of cycle @p at of the listing, which is found once.
static struct rs_error *path_of(const struct rs_rings *c, struct listing *l,
				size_t at, struct rs_vec *ret)
{
	const size_t *end = rs_vec_items(&l->end, size_t);
	const size_t known = rs_vec_count(&l->end, size_t);
	const uint32_t place = rs_vec_items(&l->place, uint32_t)[at];
	const size_t begin = at && at < known ? end[at - 1] : 0;

	if (at < known)
		return rs_vec_append(ret, (const char *)l->step.data + begin,
				     end[at] - begin);
	struct rs_error *err = find_path(c, c->ring[place].component, ret);
	if (err || at != known)
		return err;
	err = rs_vec_append(&l->step, ret->data, ret->used);
	if (!err)
		err = rs_vec_append(&l->end, &l->step.used,
				    sizeof(l->step.used));
	return err;
}

// Write cycle @p at of the listing.
static struct rs_error *
write_cycle(struct rs_rings *c, struct listing *l, size_t at)
{
	struct rs_report *report = c->report;
	const struct rs_ring *ring =
		&c->ring[rs_vec_items(&l->place, uint32_t)[at]];
	const uint32_t i = ring->component;
	const struct rs_reason_query query = {
		.report = report,
		.result = c->result,
		.listed = c->listed,
		.member = rs_ring_members(c, i),
		.n = rs_ring_size(c, i),
		.alive = c->alive,
	};
	const uint64_t steps = l->limit && l->limit < RS_LEAST_STEPS
				       ? RS_LEAST_STEPS
				       : l->limit;
	struct rs_json *j = &report->json;
	struct rs_vec cycle = {0};
	char why[RS_REASON_SIZE];
	struct rs_error *err = path_of(c, l, at, &cycle);

	if (err) {
		rs_vec_fini(&cycle);
		return err;
	}
	rs_reason_text(&query, why, sizeof(why));
	rs_json_begin_object(j);
	rs_json_key_uint(j, "objects", query.n);
	rs_json_key_uint(j, "bytes", ring->bytes);
	rs_json_key_string(j, "why", why);
	write_hidden_by(c, i);
	l->limited |= !write_steps(report, &cycle, steps);
	l->limited |= !write_members(c, i, l->limit);
	l->limited |= !write_cuts(report, &cycle, steps);
	rs_json_end_object(j);
	rs_vec_fini(&cycle);
	return NULL;
}

// Mostly there are none: only then it takes another look at all objects.
static struct rs_error *count_unseen(const struct rs_rings *c, uint64_t *ret)
{
	const struct rs_graph *g = c->report->graph;
	uint64_t n = 0;

	for (uint32_t i = 0; !c->alive && i < g->objects; i++)
		n += c->member[i] && !c->listed[i] &&
		     !rs_report_unreachable(c->result->fate[i]);
	return n ? rs_report_unseen(c->report, ret) : NULL;
}

// The cycles of a finding; NULL: all.
struct wanted {
	const uint8_t *object; // [objects] 1: on one of them
	uint32_t objects;
};

static bool
is_wanted(const struct rs_rings *c, const struct wanted *wanted, uint32_t i)
{
	return !wanted ||
	       wanted->object[*rs_ring_members(c, c->ring[i].component)];
}

static struct rs_error *
list(const struct rs_rings *c, const struct wanted *wanted, struct listing *l)
{
	struct rs_error *err = NULL;

	for (uint32_t i = 0; i < c->components.components && !err; i++)
		if (is_wanted(c, wanted, i))
			err = rs_vec_append(&l->place, &i, sizeof(i));
	return err ? err : rs_cycle_shapes(c, &l->place, &l->shape);
}

static struct rs_error *write_cycles(struct rs_rings *c, struct listing *l)
{
	const size_t n = rs_vec_count(&l->place, uint32_t);
	struct rs_json *j = &c->report->json;
	struct rs_error *err = NULL;
	size_t i = 0;

	rs_json_key(j, "cycles");
	rs_json_begin_array(j);
	for (; i < n && !err && !rs_report_full(i, l->limit); i++)
		err = write_cycle(c, l, i);
	rs_json_end_array(j);
	l->limited |= i < n;
	return err;
}

static struct rs_error *write_shapes(struct rs_rings *c, struct listing *l)
{
	const struct rs_cycle_shape *shape =
		rs_vec_items(&l->shape, struct rs_cycle_shape);
	const size_t n = rs_vec_count(&l->shape, struct rs_cycle_shape);
	struct rs_json *j = &c->report->json;
	struct rs_error *err = NULL;

	rs_json_key_uint(j, "shapes_total", n);
	rs_json_key(j, "shapes");
	rs_json_begin_array(j);
	for (size_t i = 0; i < n && !err && !rs_report_full(i, l->limit); i++) {
		rs_json_begin_object(j);
		rs_json_key_uint(j, "cycles", shape[i].cycles);
		rs_json_key_uint(j, "number", shape[i].first + 1);
		rs_json_key_uint(j, "objects", shape[i].objects);
		rs_json_key_uint(j, "bytes", shape[i].bytes);
		rs_json_key(j, "cycle");
		err = write_cycle(c, l, shape[i].first);
		rs_json_end_object(j);
	}
	rs_json_end_array(j);
	return err;
}

static struct rs_error *answer(struct rs_rings *c, const struct wanted *wanted,
			       struct listing *l, char **ret)
{
	struct rs_json *j = &c->report->json;
	uint64_t unseen = 0;
	struct rs_error *err = wanted ? NULL : count_unseen(c, &unseen);

	if (!err)
		err = list(c, wanted, l);
	if (err)
		return err;
	const size_t cycles = rs_vec_count(&l->place, uint32_t);
	rs_json_begin_object(j);
	rs_json_key_uint(j, "cycles_total", cycles);
	rs_json_key_uint(j, "rings", cycles);
	rs_json_key_uint(
		j, "objects",
		wanted ? wanted->objects
		       : c->components.start[c->components.components]);
	if ((err = write_cycles(c, l)) || (err = write_shapes(c, l)))
		return err;
	rs_json_key_bool(j, "limited", l->limited);
	if (unseen)
		rs_json_key_uint(j, "unseen", unseen);
	return rs_report_take(c->report, ret);
}

static struct rs_error *answer_all(struct rs_report *report, bool alive,
				   const struct wanted *wanted, uint64_t limit,
				   char **ret)
{
	struct listing l = {.limit = limit};
	struct rs_rings rings = {0};
	struct rs_error *err = rs_report_reverse(report);

	if (!err)
		err = rs_rings_find(report, alive, &rings);
	if (!err)
		err = answer(&rings, wanted, &l, ret);
	rs_vec_fini(&l.place);
	rs_vec_fini(&l.shape);
	rs_vec_fini(&l.step);
	rs_vec_fini(&l.end);
	rs_rings_fini(&rings);
	return err;
}

struct rs_error *rs_answer_cycles(struct rs_session *session, bool alive,
				  uint64_t limit, char **ret)
{
	RS_NEED_SESSION(session);
	RS_AUTO_REPORT struct rs_report report = {0};
	struct rs_error *err = rs_report_open(&report, session, -1);

	return err ? err : answer_all(&report, alive, NULL, limit, ret);
}

struct rs_error *rs_answer_cycles_of(struct rs_session *session,
				     uint32_t finding, uint64_t limit,
				     char **ret)
{
	RS_NEED_SESSION(session);
	RS_AUTO_REPORT struct rs_report report = {0};
	const struct rs_findings *findings = NULL;
	const struct rs_finding *f = NULL;
	uint8_t *mark = NULL;
	struct rs_error *err;

	if ((err = rs_report_open(&report, session, -1)) ||
	    (err = rs_findings_find(&report, finding, &findings, &f)))
		return err;
	if (!f->rings)
		return rs_error_new(RS_EARGUMENT,
				    "finding %" PRIu32 " (%s) is not about "
				    "cycles; its objects are listed by: refs "
				    "objects -finding %" PRIu32,
				    finding, rs_finding_kind_text(f->kind),
				    finding);
	if ((err = rs_block_new(report.graph->objects, 1, &mark)))
		return err;
	for (uint32_t i = 0; i < f->objects; i++)
		mark[rs_findings_objects(findings, f)[i]] = 1;
	const struct wanted wanted = {mark, f->objects};
	err = answer_all(&report, false, &wanted, limit, ret);
	rs_block_free(mark, report.graph->objects, 1);
	return err;
}

static struct rs_error *no_cycle(uint32_t number, uint32_t cycles)
{
	return rs_error_new(RS_ENOTFOUND,
			    "there is no cycle %u in the garbage: refs cycles "
			    "shows %u",
			    number, cycles);
}

static struct rs_error *no_cut(uint32_t number, uint32_t edge, uint32_t cuts)
{
	if (!cuts)
		return rs_error_new(RS_ENOTFOUND,
				    "cycle %u: dropping no single reference "
				    "frees it",
				    number);
	return rs_error_new(RS_ENOTFOUND,
			    "cycle %u: there is no reference %u to drop: refs "
			    "cycles shows %u",
			    number, edge, cuts);
}

static struct rs_error *find_cut(const struct rs_rings *c, uint32_t number,
				 uint32_t edge, struct rs_cycle_cut *ret)
{
	const struct rs_components *k = &c->components;
	struct rs_vec path = {0};
	struct rs_error *err;

	if (!number || number > k->components)
		return no_cycle(number, k->components);
	const uint32_t i = c->ring[number - 1].component;
	if (!(err = rs_cycle_path_find(c->report, k, i, &path)))
		err = rs_vec_append(&ret->member, rs_ring_members(c, i),
				    rs_ring_size(c, i) * sizeof(uint32_t));
	const struct rs_step *step = rs_vec_items(&path, struct rs_step);
	uint32_t cuts = 0;
	bool found = false;
	for (size_t n = 0; n < rs_vec_count(&path, struct rs_step); n++) {
		if (!step[n].cut || ++cuts != edge)
			continue;
		ret->step = step[n];
		found = true;
	}
	rs_vec_fini(&path);
	return err || found ? err : no_cut(number, edge, cuts);
}

struct rs_error *rs_cycles_cut(struct rs_report *report, uint32_t number,
			       uint32_t edge, struct rs_cycle_cut *ret)
{
	struct rs_rings rings = {0};
	struct rs_error *err = rs_rings_find(report, false, &rings);

	if (!err)
		err = find_cut(&rings, number, edge, ret);
	rs_rings_fini(&rings);
	return err;
}
