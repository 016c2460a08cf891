// SPDX-License-Identifier: MIT
#include "answer/describe/report.h"

struct rs_error *rs_reading_init(struct rs_reading *reading)
{
	reading->source = RS_NONE;
	return rs_refs_init(&reading->refs, true);
}

void rs_reading_fini(struct rs_reading *reading)
{
	rs_refs_fini(&reading->refs);
}

// Read @p source again, and remove the references that the graph left out
// because they do not lead to an object, so that the rest matches its edges.
static void load(struct rs_reading *reading, const struct rs_report *report,
		 uint32_t source)
{
	const struct rs_graph *g = report->graph;
	struct rs_refs *refs = &reading->refs;
	uint32_t kept = 0;

	if (reading->source == source)
		return;
	reading->source = source;
	rs_session_refs(report->session, g, source, refs);
	for (uint32_t i = 0; i < refs->n; i++) {
		if (rs_graph_find(g, refs->target[i]) == RS_NONE)
			continue;
		refs->target[kept] = refs->target[i];
		refs->kind[kept] = refs->kind[i];
		refs->label[kept] = refs->label[i];
		kept++;
	}
	refs->n = kept;
}

struct rs_label rs_reading_label(struct rs_reading *reading,
				 const struct rs_report *report,
				 uint32_t source, uint32_t edge)
{
	const struct rs_graph *g = report->graph;
	const uint32_t k = edge - g->out_start[source];

	load(reading, report, source);
	if (k >= reading->refs.n ||
	    reading->refs.target[k] != g->address[rs_edge_target(g->out[edge])])
		return (struct rs_label){0, RS_LABEL_NONE};
	return reading->refs.label[k];
}

struct rs_label
rs_report_label(struct rs_report *report, uint32_t source, uint32_t edge)
{
	return rs_reading_label(&report->reading, report, source, edge);
}

void rs_report_label_text(struct rs_report *report, uint32_t source,
			  uint32_t edge, char *buf, size_t size)
{
	const struct rs_label label = rs_report_label(report, source, edge);
	struct rs_runtime *rt =
		rs_session_runtime(report->session, report->graph, source);

	buf[0] = '\0';
	if (label.kind != RS_LABEL_NONE)
		rt->ops->label(rt, &label, buf, size);
}

void rs_report_key_label(struct rs_report *report, uint32_t source,
			 uint32_t edge)
{
	char text[RS_LABEL_SIZE];

	if (!rs_report_goes_on(report))
		return;
	rs_report_label_text(report, source, edge, text, sizeof(text));
	rs_json_key_string(&report->json, "label", text);
}

void rs_label_omit_keys(char *label)
{
	char *open = strchr(label, '[');
	const char *close = strrchr(label, ']');

	if (open && close && close > open)
		memmove(open + 1, close, strlen(close) + 1);
}
