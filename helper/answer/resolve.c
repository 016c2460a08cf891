// SPDX-License-Identifier: MIT
#include "answer/describe/report.h"

// Look in each runtime; if none has the name, return the first one's error.
static struct rs_error *
resolve(struct rs_session *session, const char *name, uint64_t *ret)
{
	struct rs_error *first = NULL;

	for (size_t i = 0; i < session->runtimes; i++) {
		struct rs_runtime *rt = session->runtime[i];
		struct rs_error *err = rt->ops->resolve(rt, name, ret);

		if (!err) {
			rs_error_free(first);
			return NULL;
		}
		if (first)
			rs_error_free(err);
		else
			first = err;
	}
	return first ? first
		     : rs_error_new(RS_ENOTFOUND,
				    "%s: objects of this target have no names; "
				    "give an address",
				    name);
}

struct rs_error *
rs_number_address(struct rs_session *session, const char *name, int64_t *ret)
{
	RS_NEED_SESSION(session);
	uint64_t address = 0;
	struct rs_error *err = rs_session_check(session);

	if (!err)
		err = resolve(session, name, &address);
	if (!err)
		*ret = (int64_t)address;
	return err;
}

struct rs_error *
rs_answer_resolve(struct rs_session *session, const char *name, char **ret)
{
	RS_NEED_SESSION(session);
	RS_AUTO_REPORT struct rs_report report = {0};
	uint64_t address = 0;
	struct rs_error *err;
	uint32_t n;

	if ((err = rs_session_check(session)) ||
	    (err = resolve(session, name, &address)) ||
	    (err = rs_report_open_at(&report, session, address, &n)))
		return err;
	rs_json_begin_object(&report.json);
	rs_report_key_object(&report, "object", n);
	return rs_report_take(&report, ret);
}

// Names go to the answer as they are found, up to a limit.
struct names {
	struct rs_json *json;
	uint64_t left;
};

static void write_name(void *context, const char *name)
{
	struct names *names = context;

	if (!names->left)
		return;
	names->left--;
	rs_json_string(names->json, name);
}

static struct rs_error *
complete(struct rs_session *session, const char *text, struct names *names)
{
	struct rs_error *err = NULL;

	for (size_t i = 0; i < session->runtimes && !err; i++) {
		struct rs_runtime *rt = session->runtime[i];

		if (rt->ops->complete && !rt->unread)
			err = rt->ops->complete(rt, text, write_name, names);
	}
	return err;
}

struct rs_error *rs_answer_names(struct rs_session *session, const char *text,
				 uint64_t limit, char **ret)
{
	RS_NEED_SESSION(session);
	struct rs_json j;
	struct names names = {&j, limit ? limit : UINT64_MAX};
	struct rs_error *err = rs_session_check(session);

	if (err)
		return err;
	rs_json_init(&j, -1);
	rs_json_begin_object(&j);
	rs_json_key(&j, "names");
	rs_json_begin_array(&j);
	err = complete(session, text, &names);
	rs_json_end_array(&j);
	rs_report_completeness(&j, session);
	rs_json_end_object(&j);
	return rs_report_end(session, &j, err, ret);
}
