// SPDX-License-Identifier: MIT
#include "answer/describe/report.h"

enum {
	// Most levels. Each takes two levels of JSON.
	RS_TREE_DEPTH = 24,
	RS_TREE_ENTRIES = 100000, // in the whole tree
	RS_TREE_LISTS =
		25, // full lists' worth of entries, when lists are short
};

// A list of referrers that is being written.
struct level {
	struct rs_holders holders;
	uint32_t object;
	uint64_t shown;
};

struct tree {
	struct rs_report *report;
	struct level level[RS_TREE_DEPTH];
	unsigned depth; // open levels
	unsigned max_depth;
	uint64_t limit; // entries in one list
	uint64_t entries; // so far
	uint64_t most; // entries; then no list is begun or, below the top one,
		       // goes on
	uint8_t *opened; // [objects] 1: its referrers have been listed
	bool limited;
};

static bool full(struct tree *t, const struct level *l)
{
	if (!rs_report_full(l->shown, t->limit) &&
	    t->entries < (l == t->level ? RS_TREE_ENTRIES : t->most))
		return false;
	t->limited = true;
	return true;
}

static void write_roots(struct tree *t, struct level *l)
{
	const struct rs_graph *g = t->report->graph;
	struct rs_json *j = &t->report->json;
	const struct rs_root *root = rs_vec_items(&g->root, struct rs_root);
	const size_t roots = rs_vec_count(&g->root, struct rs_root);

	for (size_t i = 0; i < roots; i++) {
		if (root[i].target != l->object)
			continue;
		if (full(t, l))
			return;
		rs_json_begin_object(j);
		rs_json_key_string(j, "kind", "root");
		rs_json_key_string(j, "root", rs_report_root_text(g, &root[i]));
		rs_json_key_string(j, "from",
				   rs_report_root_kind(root[i].kind));
		rs_json_end_object(j);
		l->shown++;
		t->entries++;
	}
}

// Begin the list of what refers to @p object.
static void open_level(struct tree *t, uint32_t object)
{
	struct level *l = &t->level[t->depth++];

	*l = (struct level){.object = object};
	t->opened[object] = 1;
	rs_holders_init(&l->holders, t->report->graph, object);
	rs_json_key(&t->report->json, "referrers");
	rs_json_begin_array(&t->report->json);
	write_roots(t, l);
}

// Write the entry of one reference. If its own referrers follow, the entry is
// left open, with the list of these begun.
static void write_entry(struct tree *t, struct level *l)
{
	struct rs_report *report = t->report;
	struct rs_json *j = &report->json;
	const uint32_t source = l->holders.source;
	const uint32_t edge = l->holders.edge;

	l->shown++;
	t->entries++;
	rs_json_begin_object(j);
	rs_json_key_string(
		j, "kind",
		rs_report_kind(rs_edge_kind(report->graph->out[edge])));
	rs_report_key_label(report, source, edge);
	rs_report_key_object(report, "object", source);
	if (t->depth == t->max_depth) {
		rs_json_end_object(j);
	} else if (t->opened[source]) {
		rs_json_key_bool(j, "seen", true);
		rs_json_end_object(j);
	} else if (t->entries >= t->most) {
		t->limited = true;
		rs_json_end_object(j);
	} else {
		open_level(t, source);
	}
}

static void write_tree(struct tree *t, uint32_t object)
{
	struct rs_json *j = &t->report->json;

	open_level(t, object);
	while (t->depth) {
		struct level *l = &t->level[t->depth - 1];

		if (rs_holders_next(&l->holders) && !full(t, l)) {
			write_entry(t, l);
			continue;
		}
		rs_json_end_array(j);
		t->depth--;
		if (t->depth)
			rs_json_end_object(j); // the entry it hangs from
	}
}

static uint64_t count_roots(const struct rs_graph *g, uint32_t object)
{
	const struct rs_root *root = rs_vec_items(&g->root, struct rs_root);
	const size_t roots = rs_vec_count(&g->root, struct rs_root);
	uint64_t n = 0;

	for (size_t i = 0; i < roots; i++)
		n += root[i].target == object;
	return n;
}

static struct rs_error *answer(struct rs_report *report, uint32_t object,
			       unsigned depth, uint64_t limit, char **ret)
{
	const struct rs_graph *g = report->graph;
	struct tree t = {
		.report = report,
		.max_depth = depth > RS_TREE_DEPTH ? RS_TREE_DEPTH
			     : depth		   ? depth
						   : 1,
		.limit = limit,
		.most = limit && limit < RS_TREE_ENTRIES / RS_TREE_LISTS
				? limit * RS_TREE_LISTS
				: RS_TREE_ENTRIES,
		.limited = depth > RS_TREE_DEPTH,
	};
	struct rs_json *j = &report->json;
	struct rs_error *err = rs_block_new(g->objects, 1, &t.opened);

	if (err)
		return err;
	rs_json_begin_object(j);
	rs_report_key_object(report, "object", object);
	rs_json_key_uint(j, "total",
			 count_roots(g, object) + g->in_start[object + 1] -
				 g->in_start[object]);
	write_tree(&t, object);
	rs_json_key_bool(j, "limited", t.limited);
	rs_block_free(t.opened, g->objects, 1);
	return rs_report_take(report, ret);
}

struct rs_error *rs_answer_referrers(struct rs_session *session,
				     uint64_t object, uint32_t depth,
				     uint64_t limit, char **ret)
{
	RS_NEED_SESSION(session);
	RS_AUTO_REPORT struct rs_report report = {0};
	struct rs_error *err;
	uint32_t n;

	if ((err = rs_report_open_at(&report, session, object, &n)) ||
	    (err = rs_report_reverse(&report)))
		return err;
	return answer(&report, n, depth, limit, ret);
}
