// SPDX-License-Identifier: MIT
#include "answer/describe/type_filter.h"
#include "answer/leaks/findings.h"

#include <inttypes.h>
#include <stdio.h>

// The command that shows more of it.
static void write_next(struct rs_report *report, const struct rs_finding *f)
{
	struct rs_json *j = &report->json;
	const uint64_t address = report->graph->address[f->example];
	char text[64];

	if (f->rings)
		(void)snprintf(text, sizeof(text),
			       "refs cycles -finding %" PRIu32, f->number);
	else if (f->kind == RS_FINDING_DANGLING)
		(void)snprintf(text, sizeof(text), "refs show 0x%" PRIx64,
			       address);
	else if (f->kind == RS_FINDING_OVER_DECREF ||
		 f->kind == RS_FINDING_HELD_BY_C)
		(void)snprintf(text, sizeof(text), "refs count 0x%" PRIx64,
			       address);
	else
		(void)snprintf(text, sizeof(text),
			       "refs objects -finding %" PRIu32, f->number);
	rs_json_key(j, "next");
	rs_json_begin_array(j);
	rs_json_string(j, text);
	rs_json_end_array(j);
}

static void write_finding(struct rs_report *report,
			  const struct rs_findings *findings,
			  const struct rs_finding *f)
{
	const char *text = rs_vec_items(&findings->text, char);
	struct rs_json *j = &report->json;
	char module[RS_NAME_SIZE];

	rs_json_begin_object(j);
	rs_json_key_uint(j, "finding", f->number);
	rs_json_key_string(j, "kind", rs_finding_kind_text(f->kind));
	rs_json_key_string(j, "key", text + f->key);
	rs_json_key_string(j, "grade", rs_grade_text(f->grade));
	rs_json_key_uint(j, "number", f->rings ? f->rings : f->objects);
	rs_json_key_uint(j, "objects", f->objects);
	rs_json_key_uint(j, "references", f->references);
	rs_json_key_uint(j, "bytes", f->bytes);
	rs_json_key_string(j, "type", report->graph->type_row[f->type].name);
	rs_json_key(j, "module");
	if (rs_type_module(report, f->type, module, sizeof(module)))
		rs_json_string(j, module);
	else
		rs_json_null(j);
	rs_json_key_string(j, "ring",
			   f->ring == RS_NONE ? NULL : text + f->ring);
	rs_report_key_object(report, "example", f->example);
	rs_finding_key_evidence(j, findings, f);
	write_next(report, f);
	rs_json_end_object(j);
}

static struct rs_error *
answer(struct rs_report *report, bool all, uint64_t limit, char **ret)
{
	const struct rs_findings *f = NULL;
	struct rs_json *j = &report->json;
	struct rs_error *err = rs_findings_get(report, &f);

	if (err)
		return err;
	const struct rs_finding *finding =
		rs_vec_items(&f->finding, struct rs_finding);
	const uint32_t found =
		(uint32_t)rs_vec_count(&f->finding, struct rs_finding);
	const uint32_t total = all ? found : f->shown;
	uint64_t bytes = 0;
	uint32_t shown = 0;

	for (uint32_t i = 0; i < f->shown; i++)
		bytes += finding[i].bytes;
	rs_json_begin_object(j);
	rs_json_key_uint(j, "total", f->shown);
	rs_json_key_uint(j, "possible", found - f->shown);
	rs_json_key_uint(j, "bytes", bytes);
	rs_json_key(j, "findings");
	rs_json_begin_array(j);
	for (; shown < total && !rs_report_full(shown, limit); shown++)
		write_finding(report, f, &finding[shown]);
	rs_json_end_array(j);
	rs_json_key(j, "waiting");
	rs_json_begin_object(j);
	rs_json_key_uint(j, "objects", f->waiting);
	rs_json_key_uint(j, "bytes", f->waiting_bytes);
	rs_json_end_object(j);
	rs_json_key_bool(j, "limited", shown < total);
	return rs_report_take(report, ret);
}

struct rs_error *rs_answer_leaks(struct rs_session *session, bool all,
				 uint64_t limit, char **ret)
{
	RS_NEED_SESSION(session);
	RS_AUTO_REPORT struct rs_report report = {0};
	struct rs_error *err = rs_report_open(&report, session, -1);

	return err ? err : answer(&report, all, limit, ret);
}
