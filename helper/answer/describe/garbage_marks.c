// SPDX-License-Identifier: MIT
#include "answer/describe/garbage_marks.h"

// Mark the objects that are garbage lists.
static struct rs_error *
mark_lists(const struct rs_report *report, uint8_t *is_list)
{
	struct rs_session *session = report->session;
	struct rs_vec list = {0};
	struct rs_error *err = NULL;

	for (size_t i = 0; i < session->runtimes && !err; i++) {
		struct rs_runtime *rt = session->runtime[i];

		if (rt->ops->garbage_lists)
			err = rt->ops->garbage_lists(rt, &list);
	}
	for (size_t i = 0; i < rs_vec_count(&list, uint64_t); i++) {
		const uint32_t number = rs_graph_find(
			report->graph, rs_vec_items(&list, uint64_t)[i]);

		if (number != RS_NONE)
			is_list[number] = 1;
	}
	rs_vec_fini(&list);
	return err;
}

struct rs_error *
rs_report_unreachable_any(struct rs_report *report, uint8_t **ret)
{
	const uint32_t objects = report->graph->objects;
	uint8_t *is_list = NULL;
	struct rs_error *err = rs_block_new(objects, 1, &is_list);

	if (!err)
		err = mark_lists(report, is_list);
	if (!err)
		err = rs_graph_unreachable_any(report->graph, is_list,
					       &report->session->progress, ret);
	rs_block_free(is_list, objects, 1);
	return err;
}

// Of the unreachable objects, mark those that no collection finds: cycles of
// which no collector sees all objects, what they refer to, and leaves.
static struct rs_error *
part_leaves(struct rs_report *report, const uint8_t *fate, uint8_t *mark)
{
	const struct rs_graph *g = report->graph;
	struct rs_components k = {0};
	struct rs_error *err =
		rs_graph_components(g, mark, &report->session->progress, &k);

	if (err)
		return err;
	for (uint32_t i = 0; i < g->objects; i++) {
		if (rs_report_unreachable(fate[i]))
			mark[i] = RS_GARBAGE_YES;
		else if (mark[i] && !(g->flags[i] & RS_OBJ_TRACKED) &&
			 k.of[i] == RS_NONE)
			mark[i] = RS_GARBAGE_LEAF;
	}
	rs_components_fini(&k);
	return NULL;
}

struct rs_error *
rs_report_garbage_marks(struct rs_report *report, uint8_t **ret)
{
	const struct rs_collect_result *result = NULL;
	uint8_t *mark = NULL;
	struct rs_error *err = rs_report_full_collection(report, &result);

	if (!err)
		err = rs_report_unreachable_any(report, &mark);
	if (!err)
		err = part_leaves(report, result->fate, mark);
	if (!err)
		*ret = mark;
	else if (mark)
		rs_block_free(mark, report->graph->objects, 1);
	return err;
}

// What a garbage list holds was found by a collector, with all that it refers
// to.
static struct rs_error *unmark_listed(struct rs_report *report, uint8_t *mark)
{
	const struct rs_graph *g = report->graph;
	struct rs_vec queue = {0};
	struct rs_error *err = rs_report_garbage(report, &queue);

	for (size_t i = 0; i < rs_vec_count(&queue, uint32_t); i++)
		mark[rs_vec_items(&queue, uint32_t)[i]] = RS_GARBAGE_NO;
	for (size_t i = 0; !err && i < rs_vec_count(&queue, uint32_t); i++) {
		const uint32_t n = rs_vec_items(&queue, uint32_t)[i];

		for (uint32_t e = g->out_start[n];
		     !err && e < g->out_start[n + 1]; e++) {
			const uint32_t t = rs_edge_target(g->out[e]);

			if (!mark[t] || rs_edge_kind(g->out[e]) == RS_WEAK)
				continue;
			mark[t] = RS_GARBAGE_NO;
			err = rs_vec_append(&queue, &t, sizeof(t));
		}
	}
	rs_vec_fini(&queue);
	return err;
}

struct rs_error *rs_report_unseen(struct rs_report *report, uint64_t *ret)
{
	const struct rs_graph *g = report->graph;
	const struct rs_collect_result *result = NULL;
	uint8_t *mark = NULL;
	uint64_t n = 0;
	struct rs_error *err = rs_report_full_collection(report, &result);

	if (err || (err = rs_report_garbage_marks(report, &mark)))
		return err;
	err = unmark_listed(report, mark);
	for (uint32_t i = 0; i < g->objects; i++)
		n += mark[i] == RS_GARBAGE_YES && g->count[i] &&
		     !rs_report_unreachable(result->fate[i]);
	rs_block_free(mark, g->objects, 1);
	if (!err)
		*ret = n;
	return err;
}
