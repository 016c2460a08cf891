// SPDX-License-Identifier: MIT
#include "answer/describe/garbage_marks.h"

enum {
	RS_PATHS_MAX = 1000, // when there is no limit
	RS_OBJECTS_PER_TICK = 1 << 12, // each takes long
	RS_ORIGINS = 16, // most objects with unexplained counts to write
};

// The first counted reference from @p source to @p target.
static uint32_t
find_edge(const struct rs_graph *g, uint32_t source, uint32_t target)
{
	for (uint32_t e = g->out_start[source]; e < g->out_start[source + 1];
	     e++) {
		if (rs_edge_target(g->out[e]) == target &&
		    rs_edge_counted(g->out[e]))
			return e;
	}
	return RS_NONE;
}

static void write_path(struct rs_report *report, const struct rs_path *path,
		       const uint32_t *node)
{
	const struct rs_graph *g = report->graph;
	struct rs_json *j = &report->json;
	const struct rs_root *root =
		&rs_vec_items(&g->root, struct rs_root)[path->root];

	rs_json_begin_object(j);
	rs_json_key_string(j, "root", rs_report_root_text(g, root));
	rs_json_key_string(j, "kind", rs_report_root_kind(root->kind));
	rs_json_key(j, "steps");
	rs_json_begin_array(j);
	for (uint32_t i = 0; i < path->length; i++) {
		const uint32_t n = node[path->start + i];
		rs_json_begin_object(j);
		rs_report_key_object(report, "object", n);
		if (i + 1 < path->length) {
			const uint32_t e =
				find_edge(g, n, node[path->start + i + 1]);
			if (e != RS_NONE)
				rs_report_key_label(report, n, e);
		}
		rs_json_end_object(j);
	}
	rs_json_end_array(j);
	rs_json_end_object(j);
}

// The objects that hold one that no root leads to, found by following
// references backwards.
struct origins {
	struct rs_report *report;
	const struct rs_collect_result *result;
	struct rs_vec queue; // uint32_t, each object once
	uint8_t *seen; // [objects]
	uint8_t *garbage; // [objects] enum rs_garbage
	uint32_t found[RS_ORIGINS]; // objects with unexplained counts
	unsigned n;
	bool alive; // an object that a collection would not free holds it
};

static struct rs_error *visit(struct origins *o, uint32_t number)
{
	if (o->seen[number])
		return NULL;
	o->seen[number] = 1;
	return rs_vec_append(&o->queue, &number, sizeof(number));
}

static struct rs_error *look_at(struct origins *o, uint32_t number)
{
	const struct rs_graph *g = o->report->graph;
	const uint8_t fate = o->result->fate[number];
	struct rs_holder_sums ledger;
	struct rs_error *err = NULL;

	if (o->garbage[number])
		return NULL; // it keeps nothing alive
	rs_report_holder_sums(o->report, number, &ledger);
	if (ledger.unexplained > 0 || ledger.guesses ||
	    (g->flags[number] & (RS_OBJ_IMMORTAL | RS_OBJ_STATIC))) {
		o->alive = true;
		if (o->n < RS_ORIGINS)
			o->found[o->n++] = number;
		return NULL;
	}
	if (fate == RS_FATE_REACHABLE)
		o->alive = true; // whatever else is found
	for (uint32_t i = g->in_start[number];
	     i < g->in_start[number + 1] && !err; i++) {
		if (rs_edge_counted(g->in[i]))
			err = visit(o, rs_edge_target(g->in[i]));
	}
	return err;
}

static struct rs_error *find_origins(struct origins *o, uint32_t object)
{
	const struct rs_graph *g = o->report->graph;
	const struct rs_progress *progress = &o->report->session->progress;
	struct rs_error *err = rs_block_new(g->objects, 1, &o->seen);

	if (!err)
		err = visit(o, object);
	for (size_t i = 0;
	     !err && o->n < RS_ORIGINS && i < rs_vec_count(&o->queue, uint32_t);
	     i++) {
		if (i % RS_OBJECTS_PER_TICK == 0)
			err = rs_progress_tick(progress, "looking for holders",
					       i, g->objects);
		if (!err)
			err = look_at(o, rs_vec_items(&o->queue, uint32_t)[i]);
	}
	return err;
}

// Write "held": the objects with unexplained counts that lead to the object.
static void write_origins(struct rs_report *report, const struct origins *o)
{
	struct rs_json *j = &report->json;

	rs_json_key(j, "held");
	rs_json_begin_array(j);
	for (unsigned i = 0; i < o->n; i++) {
		struct rs_holder_sums ledger;

		rs_report_holder_sums(report, o->found[i], &ledger);
		rs_json_begin_object(j);
		rs_report_key_object(report, "object", o->found[i]);
		rs_json_key_int(j, "unexplained", ledger.unexplained);
		rs_json_end_object(j);
	}
	rs_json_end_array(j);
}

struct paths {
	struct rs_vec path; // struct rs_path
	struct rs_vec node; // uint32_t
};

static struct rs_error *answer(struct rs_report *report, uint32_t object,
			       uint64_t limit, struct paths *p,
			       struct origins *o, char **ret)
{
	struct rs_json *j = &report->json;
	struct rs_error *err;

	if (!limit || limit > RS_PATHS_MAX)
		limit = RS_PATHS_MAX;
	// One more, to know whether there are more.
	err = rs_graph_paths(report->graph, object, (uint32_t)limit + 1,
			     &report->session->progress, &p->path, &p->node);
	if (err || (err = rs_report_full_collection(report, &o->result)))
		return err;
	const struct rs_path *path = rs_vec_items(&p->path, struct rs_path);
	const size_t total = rs_vec_count(&p->path, struct rs_path);
	if (!total && ((err = rs_report_garbage_marks(report, &o->garbage)) ||
		       (err = find_origins(o, object))))
		return err;

	rs_json_begin_object(j);
	rs_report_key_object(report, "object", object);
	rs_json_key_bool(j, "alive", total > 0);
	rs_json_key(j, "paths");
	rs_json_begin_array(j);
	for (size_t i = 0; i < total && i < limit; i++)
		write_path(report, &path[i], rs_vec_items(&p->node, uint32_t));
	rs_json_end_array(j);
	rs_json_key_bool(j, "garbage", !total && !o->alive);
	write_origins(report, o);
	rs_json_key_bool(j, "limited", total > limit);
	return rs_report_take(report, ret);
}

struct rs_error *rs_answer_why(struct rs_session *session, uint64_t object,
			       uint64_t limit, char **ret)
{
	RS_NEED_SESSION(session);
	RS_AUTO_REPORT struct rs_report report = {0};
	struct paths p = {{0}, {0}};
	struct origins o = {.report = &report};
	struct rs_error *err;
	uint32_t n;

	if (!(err = rs_report_open_at(&report, session, object, &n)) &&
	    !(err = rs_report_reverse(&report)))
		err = answer(&report, n, limit, &p, &o, ret);
	if (o.seen)
		rs_block_free(o.seen, report.graph->objects, 1);
	if (o.garbage)
		rs_block_free(o.garbage, report.graph->objects, 1);
	rs_vec_fini(&o.queue);
	rs_vec_fini(&p.path);
	rs_vec_fini(&p.node);
	return err;
}
