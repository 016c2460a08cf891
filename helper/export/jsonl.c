// SPDX-License-Identifier: MIT
#include "answer/leaks/findings.h"
#include "export/outfile.h"

#include <stdio.h>

// What is needed for each line.
struct lines {
	struct rs_report *report;
	const struct rs_collect_result *result;
	uint8_t *garbage; // [objects] 1: in a garbage list
	struct rs_json json; // of the file
	const struct rs_ledger *ledger;
	const struct rs_findings *findings;
	bool labels;
};

// The counted ones: [target, kind, name].
static void write_roots(struct lines *l)
{
	const struct rs_graph *g = l->report->graph;
	const struct rs_root *root = rs_vec_items(&g->root, struct rs_root);
	const size_t n = rs_vec_count(&g->root, struct rs_root);
	struct rs_json *j = &l->json;

	rs_json_key(j, "roots");
	rs_json_begin_array(j);
	for (size_t i = 0; i < n; i++) {
		if (!rs_report_root_counted(&root[i]))
			continue;
		rs_json_begin_array(j);
		rs_json_address(j, g->address[root[i].target]);
		rs_json_string(j, rs_report_root_kind(root[i].kind));
		rs_json_string(j, rs_report_root_text(g, &root[i]));
		rs_json_end_array(j);
	}
	rs_json_end_array(j);
}

static void write_finding(struct lines *l, const struct rs_finding *f)
{
	const struct rs_graph *g = l->report->graph;
	const uint32_t *object = rs_findings_objects(l->findings, f);
	const char *text = rs_vec_items(&l->findings->text, char);
	struct rs_json *j = &l->json;

	rs_json_begin_object(j);
	rs_json_key_string(j, "kind", rs_finding_kind_text(f->kind));
	rs_json_key_string(j, "key", text + f->key);
	rs_json_key_string(j, "grade", rs_grade_text(f->grade));
	rs_json_key_uint(j, "references", f->references);
	rs_json_key_uint(j, "bytes", f->bytes);
	rs_finding_key_evidence(j, l->findings, f);
	rs_json_key(j, "objects");
	rs_json_begin_array(j);
	for (uint32_t i = 0; i < f->objects; i++)
		rs_json_address(j, g->address[object[i]]);
	rs_json_end_array(j);
	rs_json_end_object(j);
}

static void write_findings(struct lines *l)
{
	const struct rs_finding *finding =
		rs_vec_items(&l->findings->finding, struct rs_finding);
	const size_t n = rs_vec_count(&l->findings->finding, struct rs_finding);

	rs_json_key(&l->json, "findings");
	rs_json_begin_array(&l->json);
	for (size_t i = 0; i < n; i++)
		write_finding(l, &finding[i]);
	rs_json_end_array(&l->json);
}

// With several runtimes the name is "cpython+native", and the version that of
// the first.
static void write_header(struct lines *l)
{
	const struct rs_session *session = l->report->session;
	struct rs_json *j = &l->json;
	char name[64] = "";

	for (size_t i = 0; i < session->runtimes; i++) {
		const size_t used = strlen(name);
		(void)snprintf(name + used, sizeof(name) - used, "%s%s",
			       i ? "+" : "", session->runtime[i]->ops->name);
	}
	rs_json_begin_object(j);
	rs_json_key_uint(j, "refscope", 1);
	rs_json_key_string(j, "runtime", name);
	rs_json_key_string(j, "version",
			   session->runtimes ? session->runtime[0]->version
					     : "");
	rs_json_key_string(j, "source",
			   session->memory->is_core ? "core" : "live");
	rs_json_key_uint(j, "objects", l->report->graph->objects);
	rs_json_key_uint(j, "references", l->report->graph->references);
	write_roots(l);
	write_findings(l);
	rs_report_problems(j, session, false);
	rs_report_completeness(j, session);
	rs_json_end_object(j);
	rs_json_newline(j);
}

static void write_references(struct lines *l, uint32_t number)
{
	const struct rs_graph *g = l->report->graph;
	struct rs_json *j = &l->json;
	char label[RS_LABEL_SIZE];

	rs_json_key(j, "out");
	rs_json_begin_array(j);
	for (uint32_t e = g->out_start[number]; e < g->out_start[number + 1];
	     e++) {
		rs_json_begin_array(j);
		rs_json_address(j, g->address[rs_edge_target(g->out[e])]);
		rs_json_string(j, rs_report_kind(rs_edge_kind(g->out[e])));
		if (l->labels) {
			rs_report_label_text(l->report, number, e, label,
					     sizeof(label));
			rs_json_string(j, label);
		}
		rs_json_end_array(j);
	}
	rs_json_end_array(j);
}

// What the named references leave of the count.
static void write_evidence(struct lines *l, uint32_t number)
{
	const struct rs_ledger_row row = rs_ledger_row(l->ledger, number);
	struct rs_json *j = &l->json;
	char text[RS_PLACE_TEXT];
	size_t n = 0;

	rs_json_key_int(j, "unexplained", row.unexplained);
	rs_json_key_uint(j, "evidence", row.evidence);
	if (!row.places)
		return;
	const struct rs_place *place = rs_ledger_places(l->ledger, number, &n);
	rs_json_key(j, "places");
	rs_json_begin_array(j);
	for (size_t i = 0; i < n; i++) {
		rs_place_text(l->ledger, &place[i], text, sizeof(text));
		rs_json_begin_array(j);
		rs_json_string(j, rs_place_kind_text(
					  (enum rs_place_kind)place[i].kind));
		rs_json_address(j, place[i].slot);
		rs_json_string(j, text);
		rs_json_end_array(j);
	}
	rs_json_end_array(j);
}

static void write_object(struct lines *l, uint32_t number)
{
	const struct rs_graph *g = l->report->graph;
	const uint8_t fate = l->result->fate[number];
	struct rs_json *j = &l->json;

	rs_json_begin_object(j);
	rs_report_facts(j, g, number);
	rs_json_key_bool(j, "unreachable", rs_report_unreachable(fate));
	rs_json_key_bool(j, "garbage",
			 fate == RS_FATE_FINALIZER || l->garbage[number]);
	write_evidence(l, number);
	write_references(l, number);
	rs_json_end_object(j);
	rs_json_newline(j);
}

static struct rs_error *write_lines(struct lines *l, int fd)
{
	const uint32_t n = l->report->graph->objects;
	struct rs_error *err = NULL;

	rs_json_init(&l->json, fd);
	write_header(l);
	for (uint32_t i = 0; i < n && !err && !l->json.failed; i++) {
		if (i % RS_TICK == 0)
			err = rs_progress_tick(&l->report->session->progress,
					       "writing objects", i, n);
		if (!err)
			write_object(l, i);
	}
	if (!err)
		err = rs_json_finish(&l->json);
	return err;
}

static struct rs_error *mark_garbage(struct lines *l)
{
	struct rs_vec list = {0};
	struct rs_error *err =
		rs_block_new(l->report->graph->objects, 1, &l->garbage);

	if (!err)
		err = rs_report_garbage(l->report, &list);
	for (size_t i = 0; !err && i < rs_vec_count(&list, uint32_t); i++)
		l->garbage[rs_vec_items(&list, uint32_t)[i]] = 1;
	rs_vec_fini(&list);
	return err;
}

static struct rs_error *write_file(struct lines *l, const char *path)
{
	struct rs_outfile file;
	struct rs_error *err = rs_outfile_open(&file, path);

	if (err)
		return err;
	err = write_lines(l, file.fd);
	err = rs_report_checked(l->report->session, err);
	if (!err)
		err = rs_outfile_commit(&file);
	rs_outfile_fini(&file);
	return err;
}

struct rs_error *rs_export_jsonl(struct rs_session *session, const char *path,
				 bool labels, char **ret)
{
	RS_NEED_SESSION(session);
	RS_AUTO_REPORT struct rs_report report = {0};
	struct lines l = {.report = &report, .labels = labels};
	struct rs_json *j = &report.json;
	struct rs_error *err = rs_report_open(&report, session, -1);

	if (err)
		return err;
	if (!(err = rs_report_full_collection(&report, &l.result)) &&
	    !(err = rs_session_ledger(session, &l.ledger)) &&
	    !(err = rs_findings_get(&report, &l.findings)) &&
	    !(err = mark_garbage(&l)))
		err = write_file(&l, path);
	const uint64_t bytes = l.json.written;
	rs_json_fini(&l.json);
	if (l.garbage)
		rs_block_free(l.garbage, report.graph->objects, 1);
	if (err)
		return err;

	rs_json_begin_object(j);
	rs_json_key_string(j, "file", path);
	rs_json_key_uint(j, "objects", report.graph->objects);
	rs_json_key_uint(j, "references", report.graph->references);
	rs_json_key_uint(j, "bytes", bytes);
	return rs_report_take(&report, ret);
}
