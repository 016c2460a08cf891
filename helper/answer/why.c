// SPDX-License-Identifier: MIT
#include "answer/describe/garbage_marks.h"
#include "answer/describe/only_holder.h"

enum {
	RS_PATHS_MAX = 1000, // when there is no limit
	RS_PATHS_ALIKE = 1000, // most that are looked at and not shown
	RS_ALSO =
		8, // most roots to name whose paths are like one that is shown
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

// A root whose path is not shown, because it is like that of another one.
struct alike {
	uint32_t root; // index in graph->root
	uint32_t path; // index of the one that is shown
};

struct paths {
	struct rs_vec path; // struct rs_path
	struct rs_vec node; // uint32_t
	struct rs_vec alike; // struct alike, by path
	size_t shown;
};

// Whether the path begins with a table in which all kinds of objects are, such
// as that of interned strings, or leads through a cache.
static bool says_little(struct rs_report *report, const uint32_t *node,
			const struct rs_path *path)
{
	const struct rs_graph *g = report->graph;
	const struct rs_root *root =
		&rs_vec_items(&g->root, struct rs_root)[path->root];
	const char *name = rs_report_root_text(g, root);

	if (root->kind != RS_ROOT_LOCAL &&
	    (strstr(name, "interned") || strstr(name, "cache")))
		return true;
	for (uint32_t i = 0; i + 1 < path->length; i++) {
		const uint32_t n = node[path->start + i];
		struct rs_runtime *rt =
			rs_session_runtime(report->session, g, n);
		const char *kind =
			rt->ops->holder_kind
				? rt->ops->holder_kind(rt, g->address[n])
				: NULL;

		if (kind && strcmp(kind, "cache") == 0)
			return true;
	}
	return false;
}

// Put paths that say little behind the others. @return the number of others.
static size_t sort_paths(struct rs_report *report, struct rs_path *path,
			 size_t n, const uint32_t *node)
{
	size_t good = 0;

	for (size_t i = 0; i < n; i++) {
		const struct rs_path one = path[i];

		if (says_little(report, node, &one))
			continue;
		memmove(&path[good + 1], &path[good],
			(i - good) * sizeof(*path));
		path[good++] = one;
	}
	return good;
}

// Whether both have the same object before the target.
static bool
end_alike(const uint32_t *node, struct rs_path one, struct rs_path other)
{
	return one.length > 1 && other.length > 1 &&
	       node[one.start + one.length - 2] ==
		       node[other.start + other.length - 2];
}

static bool
are_alike(const uint32_t *node, struct rs_path one, struct rs_path other)
{
	return node[one.start] == node[other.start] ||
	       end_alike(node, one, other);
}

// Of paths that begin with the same object or that end with the same holder
// keep the first, and of those that say little none if there are others; the
// roots of the rest go to p->alike.
static struct rs_error *drop_alike(struct rs_report *report, struct paths *p)
{
	struct rs_path *path = rs_vec_items(&p->path, struct rs_path);
	const uint32_t *node = rs_vec_items(&p->node, uint32_t);
	const size_t n = rs_vec_count(&p->path, struct rs_path);
	const size_t good = sort_paths(report, path, n, node);
	struct rs_error *err = NULL;

	for (size_t i = 0; i < n && !err; i++) {
		size_t k = 0;

		while (k < p->shown && !are_alike(node, path[i], path[k]))
			k++;
		if (k == p->shown && good && i >= good)
			k = 0;
		const struct alike one = {path[i].root, (uint32_t)k};
		if (k == p->shown)
			path[p->shown++] = path[i];
		else
			err = rs_vec_append(&p->alike, &one, sizeof(one));
	}
	return err;
}

static void
write_alike(struct rs_report *report, const struct paths *p, uint32_t path)
{
	const struct rs_graph *g = report->graph;
	const struct rs_root *root = rs_vec_items(&g->root, struct rs_root);
	const struct alike *alike = rs_vec_items(&p->alike, struct alike);
	const size_t n = rs_vec_count(&p->alike, struct alike);
	struct rs_json *j = &report->json;
	uint64_t total = 0;

	rs_json_key(j, "also");
	rs_json_begin_array(j);
	for (size_t i = 0; i < n; i++)
		if (alike[i].path == path && total++ < RS_ALSO)
			rs_json_string(j, rs_report_root_text(
						  g, &root[alike[i].root]));
	rs_json_end_array(j);
	rs_json_key_uint(j, "also_total", total);
}

static void
write_path(struct rs_report *report, const struct paths *p, uint32_t number)
{
	const struct rs_path *path =
		&rs_vec_items(&p->path, struct rs_path)[number];
	const uint32_t *node = rs_vec_items(&p->node, uint32_t) + path->start;
	const struct rs_graph *g = report->graph;
	struct rs_json *j = &report->json;
	const struct rs_root *root =
		&rs_vec_items(&g->root, struct rs_root)[path->root];

	rs_json_begin_object(j);
	rs_json_key_string(j, "root", rs_report_root_text(g, root));
	rs_json_key_string(j, "kind", rs_report_root_kind(root->kind));
	write_alike(report, p, number);
	rs_json_key(j, "steps");
	rs_json_begin_array(j);
	for (uint32_t i = 0; i < path->length; i++) {
		rs_json_begin_object(j);
		rs_report_key_object(report, "object", node[i]);
		if (i + 1 < path->length) {
			const uint32_t e = find_edge(g, node[i], node[i + 1]);
			if (e != RS_NONE)
				rs_report_key_label(report, node[i], e);
		}
		rs_json_end_object(j);
	}
	rs_json_end_array(j);
	rs_json_end_object(j);
}

static struct rs_error *answer(struct rs_report *report, uint32_t object,
			       uint64_t limit, struct paths *p,
			       struct origins *o, char **ret)
{
	struct rs_json *j = &report->json;
	struct rs_error *err;

	if (!limit || limit > RS_PATHS_MAX)
		limit = RS_PATHS_MAX;
	// More than are shown, because some are alike.
	err = rs_graph_paths(report->graph, object,
			     (uint32_t)limit + RS_PATHS_ALIKE,
			     &report->session->progress, &p->path, &p->node);
	if (err || (err = rs_report_full_collection(report, &o->result)))
		return err;
	const bool cut = rs_vec_count(&p->path, struct rs_path) ==
			 limit + RS_PATHS_ALIKE;
	if ((err = drop_alike(report, p)))
		return err;
	const size_t total = p->shown;
	struct rs_only_holder only = {0};
	if (!rs_report_unreachable(o->result->fate[object]) &&
	    (err = rs_report_only_holder(report, object, &only)))
		return err;
	if (!total && ((err = rs_report_garbage_marks(report, &o->garbage)) ||
		       (err = find_origins(o, object))))
		return err;

	rs_json_begin_object(j);
	rs_report_key_object(report, "object", object);
	rs_json_key_bool(j, "alive", total > 0);
	rs_json_key(j, "paths");
	rs_json_begin_array(j);
	for (uint32_t i = 0; i < total && i < limit; i++)
		write_path(report, p, i);
	rs_json_end_array(j);
	rs_json_key_bool(j, "garbage", !total && !o->alive);
	rs_report_key_only(report, &only);
	write_origins(report, o);
	rs_json_key_bool(j, "limited", cut || total > limit);
	return rs_report_take(report, ret);
}

struct rs_error *rs_answer_why(struct rs_session *session, uint64_t object,
			       uint64_t limit, char **ret)
{
	RS_NEED_SESSION(session);
	RS_AUTO_REPORT struct rs_report report = {0};
	struct paths p = {.shown = 0};
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
	rs_vec_fini(&p.alike);
	return err;
}
