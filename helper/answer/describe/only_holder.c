// SPDX-License-Identifier: MIT
#include "answer/describe/only_holder.h"

enum { RS_STEPS = 16 };

// The one object that has counted references to @p number. @return false when
// there are several; RS_NONE: none.
static bool
only_source(const struct rs_graph *g, uint32_t number, uint32_t *ret)
{
	*ret = RS_NONE;
	for (uint32_t i = g->in_start[number]; i < g->in_start[number + 1];
	     i++) {
		const uint32_t source = rs_edge_target(g->in[i]);

		if (!rs_edge_counted(g->in[i]) || source == number)
			continue;
		if (*ret != RS_NONE && *ret != source)
			return false;
		*ret = source;
	}
	return true;
}

// What holds an object that no object holds.
static struct rs_error *look_outside(struct rs_report *report, uint32_t number,
				     struct rs_only_holder *ret)
{
	const struct rs_ledger *ledger = NULL;
	size_t places = 0;
	struct rs_error *err = rs_session_ledger(report->session, &ledger);

	if (err)
		return err;
	const struct rs_ledger_row row = rs_ledger_row(ledger, number);
	ret->object = number;
	ret->references = row.unexplained;
	if (row.evidence) {
		const struct rs_place *place =
			rs_ledger_places(ledger, number, &places);

		ret->kind = "c";
		rs_place_text(ledger, place, ret->place, sizeof(ret->place));
	} else if (row.unexplained > 0) {
		ret->kind = "nothing";
	}
	return NULL;
}

struct rs_error *rs_report_only_holder(struct rs_report *report,
				       uint32_t number,
				       struct rs_only_holder *ret)
{
	const struct rs_graph *g = report->graph;

	*ret = (struct rs_only_holder){.object = RS_NONE};
	for (int i = 0; i < RS_STEPS; i++) {
		struct rs_holder_sums sums;
		uint32_t source;

		if ((g->flags[number] & (RS_OBJ_IMMORTAL | RS_OBJ_STATIC)) ||
		    report->rooted[number].counted ||
		    !only_source(g, number, &source))
			return NULL;
		if (source == RS_NONE)
			return look_outside(report, number, ret);
		rs_report_holder_sums(report, number, &sums);
		if (sums.unexplained > 0)
			return NULL;
		struct rs_runtime *rt =
			rs_session_runtime(report->session, g, source);
		if (rt->ops->holder_kind)
			ret->kind =
				rt->ops->holder_kind(rt, g->address[source]);
		if (ret->kind) {
			ret->object = source;
			return NULL;
		}
		number = source;
	}
	return NULL;
}

void rs_report_key_only(struct rs_report *report,
			const struct rs_only_holder *only)
{
	struct rs_json *j = &report->json;

	if (!only->kind)
		return;
	rs_json_key(j, "only");
	rs_json_begin_object(j);
	rs_json_key_string(j, "kind", only->kind);
	rs_report_key_object(report, "object", only->object);
	if (only->place[0])
		rs_json_key_string(j, "place", only->place);
	if (only->references > 0)
		rs_json_key_int(j, "unexplained", only->references);
	rs_json_end_object(j);
}
