// SPDX-License-Identifier: MIT
#include "answer/describe/report.h"

static struct rs_error *answer(struct rs_report *report, struct rs_vec *garbage,
			       uint64_t limit, char **ret)
{
	struct rs_json *j = &report->json;
	struct rs_error *err = rs_report_garbage(report, garbage);

	if (err)
		return err;
	const uint32_t *number = rs_vec_items(garbage, uint32_t);
	const size_t total = rs_vec_count(garbage, uint32_t);
	size_t shown = 0;

	rs_json_begin_object(j);
	rs_json_key_uint(j, "total", total);
	rs_json_key(j, "garbage");
	rs_json_begin_array(j);
	for (; shown < total && !rs_report_full(shown, limit); shown++)
		rs_report_object(report, number[shown]);
	rs_json_end_array(j);
	rs_json_key_bool(j, "limited", shown < total);
	return rs_report_take(report, ret);
}

struct rs_error *
rs_answer_garbage(struct rs_session *session, uint64_t limit, char **ret)
{
	RS_NEED_SESSION(session);
	RS_AUTO_REPORT struct rs_report report = {0};
	struct rs_vec garbage = {0};
	struct rs_error *err = rs_report_open(&report, session, -1);

	if (!err)
		err = answer(&report, &garbage, limit, ret);
	rs_vec_fini(&garbage);
	return err;
}
