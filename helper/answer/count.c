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

// The first reference from @p source to @p target that is not weak.
static uint32_t
first_edge(const struct rs_graph *g, uint32_t source, uint32_t target)
{
	uint32_t e = g->out_start[source];

	while (rs_edge_target(g->out[e]) != target ||
	       rs_edge_kind(g->out[e]) == RS_WEAK)
		e++;
	return e;
}

static void write_container(struct rs_report *report, uint32_t source,
			    uint32_t edge, uint64_t references)
{
	struct rs_json *j = &report->json;
	const uint32_t e = report->graph->out[edge];

	rs_json_begin_object(j);
	rs_json_key_string(j, "kind", rs_report_kind(rs_edge_kind(e)));
	rs_report_key_label(report, source, edge);
	rs_json_key_uint(j, "references", references);
	rs_report_key_object(report, "object", source);
	rs_json_end_object(j);
}

// Write "containers": the objects that hold it, each once. In in[] the
// references from one object are in a row.
static void
write_containers(struct rs_report *report, uint32_t number, uint64_t limit)
{
	const struct rs_graph *g = report->graph;
	struct rs_json *j = &report->json;
	const uint32_t end = g->in_start[number + 1];
	uint64_t total = 0;

	rs_json_key(j, "containers");
	rs_json_begin_array(j);
	for (uint32_t i = g->in_start[number]; i < end;) {
		const uint32_t source = rs_edge_target(g->in[i]);
		uint64_t n = 0;

		for (; i < end && rs_edge_target(g->in[i]) == source; i++)
			n += rs_edge_kind(g->in[i]) != RS_WEAK;
		if (n && !rs_report_full(total, limit))
			write_container(report, source,
					first_edge(g, source, number), n);
		total += n != 0;
	}
	rs_json_end_array(j);
	rs_json_key_uint(j, "containers_total", total);
}

// The words outside objects; those in objects are among the holders, as
// guesses.
static void write_places(struct rs_report *report,
			 const struct rs_ledger *ledger, uint32_t number,
			 uint64_t limit)
{
	struct rs_json *j = &report->json;
	size_t n = 0;
	const struct rs_place *place = rs_ledger_places(ledger, number, &n);
	uint64_t shown = 0;

	rs_json_key(j, "places");
	rs_json_begin_array(j);
	for (size_t i = 0; i < n && !rs_report_full(shown, limit); i++) {
		if (place[i].kind == RS_PLACE_OBJECT)
			continue;
		rs_report_place(report, ledger, &place[i]);
		shown++;
	}
	rs_json_end_array(j);
}

struct rs_error *rs_answer_count(struct rs_session *session, uint64_t object,
				 uint64_t limit, char **ret)
{
	RS_NEED_SESSION(session);
	RS_AUTO_REPORT struct rs_report report = {0};
	struct rs_json *j = &report.json;
	const struct rs_ledger *ledger = NULL;
	struct rs_holder_sums sums;
	struct rs_error *err;
	uint32_t n;

	if ((err = rs_report_open_at(&report, session, object, &n)) ||
	    (err = rs_report_reverse(&report)) ||
	    (err = rs_session_ledger(session, &ledger)))
		return err;
	const struct rs_ledger_row row = rs_ledger_row(ledger, n);
	rs_report_holder_sums(&report, n, &sums);

	rs_json_begin_object(j);
	rs_report_key_object(&report, "object", n);
	rs_report_key_count(j, report.graph, n);
	rs_json_key_uint(j, "named", sums.named);
	rs_json_key_uint(j, "evidence", row.evidence);
	rs_json_key_uint(j, "words", row.places);
	rs_json_key_int(j, "unexplained", row.unexplained);
	rs_json_key(j, "holders");
	rs_json_begin_array(j);
	uint64_t shown = write_roots(&report, n, limit);
	shown = write_holders(&report, n, limit, shown);
	rs_json_end_array(j);
	write_containers(&report, n, limit);
	write_places(&report, ledger, n, limit);
	rs_json_key_uint(j, "weak", sums.weak);
	rs_json_key_uint(j, "guesses", sums.guesses);
	rs_json_key_uint(j, "shown", shown);
	rs_json_key_bool(j, "limited",
			 shown < sums.holders || (limit && row.places > limit));
	return rs_report_take(&report, ret);
}
