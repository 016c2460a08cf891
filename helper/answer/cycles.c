// SPDX-License-Identifier: MIT
#include "answer/describe/cycle_path.h"
#include "answer/describe/cycle_reason.h"
#include "answer/describe/garbage_marks.h"

// Steps and cuts of a cycle that are written even if the limit is lower.
enum { RS_LEAST_STEPS = 20 };

// A component, to sort the components by.
struct place {
	uint64_t bytes; // of it, and of what only it keeps alive
	uint32_t component;
};

struct cycles {
	struct rs_report *report;
	const struct rs_collect_result *result; // borrowed
	struct rs_vec garbage; // uint32_t: objects in the garbage lists
	uint8_t *listed; // [objects] 1: in the garbage lists
	uint8_t *member; // [objects] 1: look for cycles among these
	struct rs_components components;
	struct place *place; // [components.components]
	bool alive;
};

static void cycles_fini(struct cycles *c)
{
	const struct rs_graph *g = c->report->graph;

	rs_vec_fini(&c->garbage);
	rs_block_free(c->place, c->components.components, sizeof(*c->place));
	rs_components_fini(&c->components);
	if (c->listed)
		rs_block_free(c->listed, g->objects, 1);
	if (c->member)
		rs_block_free(c->member, g->objects, 1);
}

static uint32_t component_size(const struct rs_components *k, uint32_t i)
{
	return k->start[i + 1] - k->start[i];
}

// Largest first, then by number, which is the same for the same target.
static int by_bytes(const void *left, const void *right)
{
	const struct place *a = left, *b = right;

	if (a->bytes != b->bytes)
		return a->bytes > b->bytes ? -1 : 1;
	return a->component < b->component ? -1 : a->component > b->component;
}

static struct rs_error *find_cycles(struct cycles *c)
{
	struct rs_report *report = c->report;
	const struct rs_graph *g = report->graph;
	struct rs_error *err;

	if ((err = rs_report_full_collection(report, &c->result)) ||
	    (err = rs_report_garbage(report, &c->garbage)) ||
	    (err = rs_report_unreachable_any(report, &c->member)) ||
	    (err = rs_block_new(g->objects, 1, &c->listed)))
		return err;
	for (size_t i = 0; i < rs_vec_count(&c->garbage, uint32_t); i++)
		c->listed[rs_vec_items(&c->garbage, uint32_t)[i]] = 1;
	for (uint32_t i = 0; i < g->objects; i++) {
		c->member[i] |= rs_report_unreachable(c->result->fate[i]);
		c->member[i] ^= c->alive;
	}
	return rs_graph_components(g, c->member, &report->session->progress,
				   &c->components);
}

static struct rs_error *weigh(struct cycles *c)
{
	const struct rs_graph *g = c->report->graph;
	const struct rs_components *k = &c->components;
	struct rs_vec queue = {0};
	uint32_t *left = NULL;
	struct rs_error *err =
		rs_block_new(k->components, sizeof(*c->place), &c->place);

	if (!err)
		err = rs_block_new(g->objects, sizeof(*left), &left);
	for (uint32_t i = 0; i < k->components && !err; i++) {
		if ((k->start[i] ^ k->start[i + 1]) / RS_TICK || i == 0)
			err = rs_progress_tick(&c->report->session->progress,
					       "computing sizes of cycles", i,
					       k->components);
		if (err)
			break;
		c->place[i].component = i;
		err = rs_graph_bytes_with(g, k->object + k->start[i],
					  component_size(k, i), left, &queue,
					  &c->place[i].bytes);
	}
	if (left)
		rs_block_free(left, g->objects, sizeof(*left));
	rs_vec_fini(&queue);
	if (!err && k->components)
		qsort(c->place, k->components, sizeof(*c->place), by_bytes);
	return err;
}

// @return whether all are told.
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

// @return whether all are told.
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

static bool write_members(struct cycles *c, uint32_t i, uint64_t limit)
{
	const struct rs_components *k = &c->components;
	struct rs_json *j = &c->report->json;
	const uint32_t n = component_size(k, i);
	uint32_t m = 0;

	rs_json_key(j, "members");
	rs_json_begin_array(j);
	for (; m < n && !rs_report_full(m, limit); m++)
		rs_report_object(c->report, k->object[k->start[i] + m]);
	rs_json_end_array(j);
	return m == n;
}

static struct rs_error *write_cycle(struct cycles *c, const struct place *place,
				    uint64_t limit, bool *limited)
{
	struct rs_report *report = c->report;
	const uint32_t i = place->component;
	const struct rs_reason_query query = {
		.report = report,
		.result = c->result,
		.listed = c->listed,
		.member = c->components.object + c->components.start[i],
		.n = component_size(&c->components, i),
		.alive = c->alive,
	};
	const uint64_t steps =
		limit && limit < RS_LEAST_STEPS ? RS_LEAST_STEPS : limit;
	struct rs_json *j = &report->json;
	struct rs_vec cycle = {0};
	char why[RS_REASON_SIZE];
	struct rs_error *err =
		rs_cycle_path_find(report, &c->components, i, &cycle);

	if (err) {
		rs_vec_fini(&cycle);
		return err;
	}
	rs_reason_text(&query, why, sizeof(why));
	rs_json_begin_object(j);
	rs_json_key_uint(j, "objects", query.n);
	rs_json_key_uint(j, "bytes", place->bytes);
	rs_json_key_string(j, "why", why);
	*limited |= !write_steps(report, &cycle, steps);
	*limited |= !write_members(c, i, limit);
	*limited |= !write_cuts(report, &cycle, steps);
	rs_json_end_object(j);
	rs_vec_fini(&cycle);
	return NULL;
}

// Mostly there are none: only then it takes another look at all objects.
static struct rs_error *count_unseen(const struct cycles *c, uint64_t *ret)
{
	const struct rs_graph *g = c->report->graph;
	uint64_t n = 0;

	for (uint32_t i = 0; !c->alive && i < g->objects; i++)
		n += c->member[i] && !c->listed[i] &&
		     !rs_report_unreachable(c->result->fate[i]);
	return n ? rs_report_unseen(c->report, ret) : NULL;
}

static struct rs_error *answer(struct cycles *c, uint64_t limit, char **ret)
{
	struct rs_json *j = &c->report->json;
	const uint32_t cycles = c->components.components;
	const uint32_t shown =
		rs_report_full(cycles, limit) ? (uint32_t)limit : cycles;
	bool limited = shown < cycles;
	uint64_t unseen = 0;
	struct rs_error *err = count_unseen(c, &unseen);

	if (err)
		return err;
	rs_json_begin_object(j);
	rs_json_key_uint(j, "cycles_total", cycles);
	rs_json_key_uint(j, "rings", cycles);
	rs_json_key_uint(j, "objects", c->components.start[cycles]);
	if (unseen)
		rs_json_key_uint(j, "unseen", unseen);
	rs_json_key(j, "cycles");
	rs_json_begin_array(j);
	for (uint32_t i = 0; i < shown; i++) {
		err = write_cycle(c, &c->place[i], limit, &limited);
		if (err)
			return err;
	}
	rs_json_end_array(j);
	rs_json_key_bool(j, "limited", limited);
	return rs_report_take(c->report, ret);
}

struct rs_error *rs_answer_cycles(struct rs_session *session, bool alive,
				  uint64_t limit, char **ret)
{
	RS_NEED_SESSION(session);
	RS_AUTO_REPORT struct rs_report report = {0};
	struct cycles c = {.report = &report, .alive = alive};
	struct rs_error *err;

	if ((err = rs_report_open(&report, session, -1)) ||
	    (err = rs_report_reverse(&report)))
		return err;
	if (!(err = find_cycles(&c)) && !(err = weigh(&c)))
		err = answer(&c, limit, ret);
	cycles_fini(&c);
	return err;
}
