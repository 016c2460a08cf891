// SPDX-License-Identifier: MIT
#include "answer/describe/collector_state.h"
#include "answer/describe/report.h"

static struct rs_error *
write_runtimes(struct rs_json *j, const struct rs_session *session)
{
	struct rs_error *err = NULL;

	rs_json_key(j, "runtimes");
	rs_json_begin_array(j);
	for (size_t i = 0; i < session->runtimes && !err; i++) {
		struct rs_runtime *rt = session->runtime[i];

		rs_json_begin_object(j);
		rs_json_key_string(j, "name", rt->ops->name);
		err = rs_collector_write(j, rt);
		rs_json_end_object(j);
	}
	rs_json_end_array(j);
	return err;
}

struct rs_error *rs_answer_gc(struct rs_session *session, char **ret)
{
	RS_NEED_SESSION(session);
	// Needs no graph, so it is fast.
	struct rs_json j;
	struct rs_error *err = rs_session_check(session);

	if (err)
		return err;
	rs_json_init(&j, -1);
	rs_json_begin_object(&j);
	err = write_runtimes(&j, session);
	rs_report_problems(&j, session, false);
	rs_report_completeness(&j, session);
	rs_json_end_object(&j);

	return rs_report_end(session, &j, err, ret);
}
