// SPDX-License-Identifier: MIT
#include "answer/describe/report.h"

struct rs_error *rs_answer_ledger(struct rs_session *session, char **ret)
{
	RS_NEED_SESSION(session);
	RS_AUTO_REPORT struct rs_report report = {0};
	const struct rs_ledger *ledger = NULL;
	struct rs_error *err = rs_report_open(&report, session, -1);

	if (err || (err = rs_session_ledger(session, &ledger)))
		return err;
	rs_json_begin_object(&report.json);
	rs_report_totals(&report.json, &ledger->totals);
	return rs_report_take(&report, ret);
}
