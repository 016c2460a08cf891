// SPDX-License-Identifier: MIT
#include "answer/describe/report.h"

static struct rs_error *hand_out(const struct rs_session *session,
				 struct rs_error *err, int64_t number,
				 int64_t *ret)
{
	if (!(err = rs_report_checked(session, err)))
		*ret = number;
	return err;
}

// The condition of a breakpoint needs the count at every stop. If there is no
// graph yet, read only this object, not the whole heap.
static bool
read_count(struct rs_session *session, uint64_t object, int64_t *ret)
{
	if (session->has_all)
		return false;
	for (size_t i = 0; i < session->runtimes; i++) {
		struct rs_runtime *rt = session->runtime[i];
		struct rs_row row = {0};

		if (!rt->ops->is_object(rt, object))
			continue;
		rt->ops->read(rt, object, &row, false, NULL);
		*ret = row.flags & RS_OBJ_IMMORTAL ? -1
		       : row.wide_count		   ? row.wide_count
						   : (int64_t)row.count;
		return true;
	}
	return false;
}

struct rs_error *
rs_number_count(struct rs_session *session, uint64_t object, int64_t *ret)
{
	RS_NEED_SESSION(session);
	RS_AUTO_REPORT struct rs_report report = {0};
	struct rs_error *err;
	int64_t number = 0;
	uint32_t n;

	if (read_count(session, object, &number))
		return hand_out(session, NULL, number, ret);
	err = rs_report_open_at(&report, session, object, &n);
	if (!err)
		number = rs_report_count(report.graph, n);
	return hand_out(session, err, number, ret);
}

struct rs_error *
rs_number_unexplained(struct rs_session *session, uint64_t object, int64_t *ret)
{
	RS_NEED_SESSION(session);
	RS_AUTO_REPORT struct rs_report report = {0};
	const struct rs_ledger *ledger = NULL;
	struct rs_error *err;
	uint32_t n;

	if ((err = rs_report_open_at(&report, session, object, &n)) ||
	    (err = rs_session_ledger(session, &ledger)))
		return err;
	return hand_out(session, NULL, rs_ledger_row(ledger, n).unexplained,
			ret);
}

struct rs_error *
rs_number_reachable(struct rs_session *session, uint64_t object, int64_t *ret)
{
	RS_NEED_SESSION(session);
	RS_AUTO_REPORT struct rs_report report = {0};
	struct rs_vec list = {0};
	struct rs_error *err;
	uint32_t n;

	if ((err = rs_report_open_at(&report, session, object, &n)))
		return err;
	err = rs_graph_reachable(report.graph, n, UINT32_MAX,
				 &session->progress, &list, NULL);
	const int64_t number = (int64_t)rs_vec_count(&list, uint32_t);
	rs_vec_fini(&list);
	return hand_out(session, err, number, ret);
}

struct rs_error *
rs_number_garbage(struct rs_session *session, uint64_t object, int64_t *ret)
{
	RS_NEED_SESSION(session);
	RS_AUTO_REPORT struct rs_report report = {0};
	const struct rs_collect_result *result = NULL;
	struct rs_error *err;
	uint32_t n;

	if ((err = rs_report_open_at(&report, session, object, &n)) ||
	    (err = rs_report_full_collection(&report, &result)))
		return err;
	return hand_out(session, NULL, rs_report_unreachable(result->fate[n]),
			ret);
}
