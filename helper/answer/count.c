// SPDX-License-Identifier: MIT
#include "answer/describe/report.h"

static void write_root(struct rs_report *report, const struct rs_root *root)
{
	struct rs_json *j = &report->json;

	rs_json_begin_object(j);
	rs_json_key_string(j, "kind",
			   rs_report_root_counted(root) ? "root" : "guess");
	rs_json_key_string(j, "root", rs_report_root_text(report->graph, root));
	rs_json_key_string(j, "from", rs_report_root_kind(root->kind));
	rs_json_key_address(j, "slot", root->slot);
	rs_json_end_object(j);
}

static uint64_t
write_roots(struct rs_report *report, uint32_t number, uint64_t limit)
{
	const struct rs_graph *g = report->graph;
	const struct rs_root *root = rs_vec_items(&g->root, struct rs_root);
	const size_t roots = rs_vec_count(&g->root, struct rs_root);
	uint64_t shown = 0;

	for (size_t i = 0; i < roots && !rs_report_full(shown, limit); i++) {
		if (root[i].target != number)
			continue;
		write_root(report, &root[i]);
		shown++;
	}
	return shown;
}

// @return The number of entries in the list.
static uint64_t write_holders(struct rs_report *report, uint32_t number,
			      uint64_t limit, uint64_t shown)
{
	struct rs_json *j = &report->json;
	struct rs_holders h;

	rs_holders_init(&h, report->graph, number);
	while (!rs_report_full(shown, limit) && rs_holders_next(&h)) {
		const enum rs_kind kind =
			rs_edge_kind(report->graph->out[h.edge]);
		if (kind == RS_WEAK)
			continue;
		rs_json_begin_object(j);
		rs_json_key_string(j, "kind", rs_report_kind(kind));
		rs_report_key_label(report, h.source, h.edge);
		rs_report_key_object(report, "object", h.source);
		rs_json_end_object(j);
		shown++;
	}
	return shown;
}

struct rs_error *rs_answer_count(struct rs_session *session, uint64_t object,
				 uint64_t limit, char **ret)
{
	RS_NEED_SESSION(session);
	RS_AUTO_REPORT struct rs_report report = {0};
	struct rs_json *j = &report.json;
	struct rs_holder_sums ledger;
	struct rs_error *err;
	uint32_t n;

	if ((err = rs_report_open_at(&report, session, object, &n)) ||
	    (err = rs_report_reverse(&report)))
		return err;
	rs_report_holder_sums(&report, n, &ledger);

	rs_json_begin_object(j);
	rs_report_key_object(&report, "object", n);
	rs_report_key_count(j, report.graph, n);
	rs_json_key_uint(j, "named", ledger.named);
	rs_json_key_int(j, "unexplained", ledger.unexplained);
	rs_json_key(j, "holders");
	rs_json_begin_array(j);
	uint64_t shown = write_roots(&report, n, limit);
	shown = write_holders(&report, n, limit, shown);
	rs_json_end_array(j);
	rs_json_key_uint(j, "weak", ledger.weak);
	rs_json_key_uint(j, "guesses", ledger.guesses);
	rs_json_key_uint(j, "shown", shown);
	rs_json_key_bool(j, "limited", shown < ledger.holders);
	return rs_report_take(&report, ret);
}
