// SPDX-License-Identifier: MIT
#include "answer/describe/cycle_path.h"

// Whether the reference is one from an instance to its own dict.
static bool is_own_dict(struct rs_report *report, const struct rs_cut *ref)
{
	return (report->graph->flags[ref->source] & RS_OBJ_INSTANCE) &&
	       rs_report_label(report, ref->source, ref->edge).kind ==
		       RS_LABEL_DICT;
}

// References that no assignment can drop: to the type of an object, to the key
// of an entry (that to its value can be), to an element of a tuple.
static bool is_droppable(struct rs_report *report, const struct rs_cut *ref)
{
	const struct rs_graph *g = report->graph;
	struct rs_runtime *rt =
		rs_session_runtime(report->session, g, ref->source);
	const struct rs_label label =
		rs_report_label(report, ref->source, ref->edge);

	if (label.kind == RS_LABEL_TYPE || label.kind == RS_LABEL_IS_KEY)
		return false;
	if (rt->ops->is_fixed &&
	    rt->ops->is_fixed(rt, g->type[ref->source], &label))
		return false;
	return !is_own_dict(report, ref);
}

static bool has_finalizer(const struct rs_report *report, uint32_t number)
{
	return report->graph->flags[number] &
	       (RS_OBJ_FINALIZER | RS_OBJ_LEGACY);
}

// The step at which to start the cycle.
static size_t
choose_start(struct rs_report *report, const struct rs_cut *cycle, size_t n)
{
	size_t best = n;

	for (size_t i = 0; i < n; i++) {
		const uint32_t object = cycle[i].source;
		if (is_own_dict(report, &cycle[(i + n - 1) % n]))
			continue; // part of the step of its instance
		if (best == n) {
			best = i;
			continue;
		}
		const bool a = has_finalizer(report, object);
		const bool b = has_finalizer(report, cycle[best].source);
		if (a != b ? a : object < cycle[best].source)
			best = i;
	}
	return best == n ? 0 : best;
}

// Mark the steps that are cuts; these are in the order of the cycle.
static struct rs_error *
mark_cuts(const struct rs_vec *cycle, const struct rs_vec *cut, uint8_t **ret)
{
	const struct rs_cut *ref = rs_vec_items(cycle, struct rs_cut);
	const struct rs_cut *c = rs_vec_items(cut, struct rs_cut);
	const size_t n = rs_vec_count(cycle, struct rs_cut);
	const size_t cuts = rs_vec_count(cut, struct rs_cut);
	struct rs_error *err = rs_block_new(n, 1, ret);

	for (size_t i = 0, k = 0; i < n && k < cuts && !err; i++) {
		if (c[k].source != ref[i].source || c[k].edge != ref[i].edge)
			continue;
		(*ret)[i] = 1;
		k++;
	}
	return err;
}

static struct rs_error *fold(struct rs_report *report,
			     const struct rs_vec *cycle, const uint8_t *cut,
			     struct rs_vec *ret)
{
	const struct rs_cut *ref = rs_vec_items(cycle, struct rs_cut);
	const size_t n = rs_vec_count(cycle, struct rs_cut);
	const size_t start = n ? choose_start(report, ref, n) : 0;

	for (size_t k = 0; k < n; k++) {
		const uint32_t object = ref[(start + k) % n].source;
		const bool folded =
			k + 1 < n && is_own_dict(report, &ref[(start + k) % n]);
		k += folded;
		const size_t place = (start + k) % n;
		const struct rs_cut *meant = &ref[place];
		struct rs_step *step = rs_vec_push(ret, sizeof(*step));
		if (!step)
			return &rs_enomem;
		*step = (struct rs_step){
			.object = object,
			.source = meant->source,
			.edge = meant->edge,
			.folded = folded,
			.cut = cut[place] && is_droppable(report, meant),
		};
	}
	return NULL;
}

struct rs_error *rs_cycle_path_find(struct rs_report *report,
				    const struct rs_components *components,
				    uint32_t c, struct rs_vec *ret)
{
	struct rs_vec cycle = {0}, cut = {0};
	uint8_t *is_cut = NULL;
	struct rs_error *err =
		rs_graph_cuts(report->graph, components, c,
			      &report->session->progress, &cycle, &cut);

	if (!err)
		err = mark_cuts(&cycle, &cut, &is_cut);
	if (!err)
		err = fold(report, &cycle, is_cut, ret);
	if (is_cut)
		rs_block_free(is_cut, rs_vec_count(&cycle, struct rs_cut), 1);
	rs_vec_fini(&cycle);
	rs_vec_fini(&cut);
	return err;
}

struct rs_error *rs_cycle_path_fold(struct rs_report *report,
				    const struct rs_vec *cycle,
				    struct rs_vec *ret)
{
	const size_t n = rs_vec_count(cycle, struct rs_cut);
	uint8_t *is_cut = NULL;
	struct rs_error *err = rs_block_new(n, 1, &is_cut);

	if (err)
		return err;
	err = fold(report, cycle, is_cut, ret);
	rs_block_free(is_cut, n, 1);
	return err;
}

void rs_cycle_path_label(struct rs_report *report, const struct rs_step *step,
			 char *buf, size_t size)
{
	struct rs_label label =
		rs_report_label(report, step->source, step->edge);
	struct rs_runtime *rt = rs_session_runtime(report->session,
						   report->graph, step->source);

	buf[0] = '\0';
	if (step->folded && label.kind == RS_LABEL_KEY)
		label.kind = RS_LABEL_ATTR;
	if (label.kind != RS_LABEL_NONE)
		rt->ops->label(rt, &label, buf, size);
}
