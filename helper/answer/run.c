// SPDX-License-Identifier: MIT
//
// rs_answer_repr() and rs_answer_eval(): the result of code of a core that ran
// in a jailed image, or an error that says how it ended.
#include "answer/describe/report.h"
#include "answer/describe/run_end.h"
#include "sandbox/image_call.h"

#include <inttypes.h>
#include <stdio.h>

enum {
	RS_CODE_MAX = 64 << 10, // bytes of code to run
	RS_RUN_MS = 3000, // processor time by default
};

struct rs_run_report {
	struct rs_session *session;
	struct rs_image_called called;
	struct rs_json json;
	char what[RS_NAME_SIZE + 16]; // for messages: what ran
	uint32_t ms; // processor time that was allowed
	uint64_t limit;
	bool limited;
};

static void
write_text(struct rs_run_report *r, const char *key, enum rs_run_text number)
{
	const char *text = r->called.text[number];
	uint64_t size = r->called.size[number];

	rs_json_key(&r->json, key);
	if (!text) {
		rs_json_null(&r->json);
		return;
	}
	if (size < r->called.whole[number])
		r->limited = true;
	if (r->limit && size > r->limit) {
		size = r->limit;
		r->limited = true;
		while (size && ((unsigned char)text[size] & 0xc0) == 0x80)
			size--; // not in the middle of a character
	}
	rs_json_stringn(&r->json, text, size);
}

static void write_raised(struct rs_run_report *r)
{
	const struct rs_image_called *c = &r->called;
	struct rs_json *j = &r->json;

	rs_json_key(j, "raised");
	if (!c->text[RS_RUN_ERROR]) {
		rs_json_null(j);
		return;
	}
	rs_json_begin_object(j);
	write_text(r, "type", RS_RUN_ERROR);
	write_text(r, "message", RS_RUN_MESSAGE);
	rs_json_end_object(j);
}

static struct rs_error *finish(struct rs_run_report *r, char **ret)
{
	struct rs_json *j = &r->json;

	write_raised(r);
	rs_json_key_bool(j, "limited", r->limited);
	rs_json_key_uint(j, "ready_us", r->called.ready_ns / 1000);
	rs_json_key_uint(j, "run_us", r->called.run_ns / 1000);
	rs_json_end_object(j);
	struct rs_error *err = rs_report_checked(r->session, NULL);
	return err ? err : rs_json_take(j, ret);
}

static bool has_result(const struct rs_image_called *c)
{
	return c->end == RS_CALL_DONE &&
	       (c->text[RS_RUN_PRINTED] || c->text[RS_RUN_VALUE] ||
		c->text[RS_RUN_ERROR]);
}

// The runtime that can run code and has an object at @p address; with 0, the
// first one that can run code; NULL: there is none.
static struct rs_runtime *
find_runtime(const struct rs_session *session, uint64_t address)
{
	for (size_t i = 0; i < session->runtimes; i++) {
		struct rs_runtime *rt = session->runtime[i];

		if (rt->ops->run &&
		    (!address || rt->ops->is_object(rt, address)))
			return rt;
	}
	return NULL;
}

// Make sure that @p address is an object of a runtime that runs code, and name
// it.
static struct rs_error *
check(struct rs_run_report *r, uint64_t address, char *name, size_t size)
{
	struct rs_session *session = r->session;
	struct rs_runtime *rt = find_runtime(session, address);
	struct rs_row row = {0};

	if (!rt) {
		RS_AUTO_REPORT struct rs_report report = {0};
		uint32_t n;
		struct rs_error *err =
			rs_report_open_at(&report, session, address, &n);

		return err ? err
			   : rs_error_new(RS_ENOTFOUND,
					  "0x%" PRIx64 " is not an object of a "
					  "CPython, so it has no repr()",
					  address);
	}
	rt->ops->read(rt, address, &row, false, NULL);
	const struct rs_type_row *type =
		rs_vec_items(&session->types.row, struct rs_type_row);
	(void)snprintf(
		name, size, "%.200s",
		row.type < rs_vec_count(&session->types.row, struct rs_type_row)
			? type[row.type].name
			: "?");
	return NULL;
}

static struct rs_error *run(struct rs_run_report *r, const char *code,
			    uint64_t object, int64_t interpreter)
{
	struct rs_session *session = r->session;
	struct rs_runtime *rt = find_runtime(session, object);
	struct rs_error *err = rs_session_check(session);

	if (err)
		return err;
	if (!rt)
		return rs_error_new(RS_ENOTFOUND,
				    "%s: it contains no CPython that could run "
				    "code",
				    session->source);
	if (!session->memory->is_core)
		return rs_error_new(RS_EUNSUPPORTED,
				    "%s: only code of a core can be run; take "
				    "one (gcore FILE) and open it (core FILE)",
				    session->source);
	struct rs_image_options limits = rs_session_image_options(session);
	limits.object_ms = r->ms;
	err = rt->ops->run(rt, code, object, interpreter, &limits,
			   &session->progress, &r->called);
	if (!err)
		rs_session_missing_walls(session, r->called.missing);
	return err;
}

static struct rs_run_report
begin(struct rs_session *session, uint32_t timeout_ms, uint64_t limit)
{
	return (struct rs_run_report){
		.session = session,
		.ms = timeout_ms ? timeout_ms : RS_RUN_MS,
		.limit = limit,
	};
}

static struct rs_error *
repr(struct rs_run_report *r, uint64_t object, char **ret)
{
	struct rs_json *j = &r->json;
	char name[RS_NAME_SIZE];
	struct rs_error *err = check(r, object, name, sizeof(name));

	if (err)
		return err;
	(void)snprintf(r->what, sizeof(r->what), "<%s 0x%" PRIx64 ">: its repr",
		       name, object);
	if ((err = run(r, NULL, object, -1)))
		return err;
	if (!has_result(&r->called))
		return rs_run_stopped(&r->called, r->what, r->ms);
	rs_json_begin_object(j);
	rs_json_key_address(j, "id", object);
	rs_json_key_string(j, "type", name);
	write_text(r, "value", RS_RUN_VALUE);
	return finish(r, ret);
}

struct rs_error *rs_answer_repr(struct rs_session *session, uint64_t object,
				uint32_t timeout_ms, uint64_t limit, char **ret)
{
	RS_NEED_SESSION(session);
	struct rs_run_report r = begin(session, timeout_ms, limit);

	rs_json_init(&r.json, -1);
	struct rs_error *err = repr(&r, object, ret);
	rs_json_fini(&r.json);
	rs_image_called_fini(&r.called);
	return err;
}

static struct rs_error *eval(struct rs_run_report *r, const char *code,
			     uint64_t object, int64_t interpreter, char **ret)
{
	struct rs_json *j = &r->json;
	char name[RS_NAME_SIZE];
	struct rs_error *err = NULL;

	if (!code || !*code || strlen(code) > RS_CODE_MAX)
		return rs_error_new(RS_EARGUMENT,
				    "the code to run must have 1 to %d bytes",
				    RS_CODE_MAX);
	if (object)
		err = check(r, object, name, sizeof(name));
	if (err)
		return err;
	(void)snprintf(r->what, sizeof(r->what), "the code");
	if ((err = run(r, code, object, interpreter)))
		return err;
	if (!has_result(&r->called))
		return rs_run_stopped(&r->called, r->what, r->ms);
	rs_json_begin_object(j);
	write_text(r, "printed", RS_RUN_PRINTED);
	write_text(r, "value", RS_RUN_VALUE);
	return finish(r, ret);
}

struct rs_error *rs_answer_eval(struct rs_session *session, const char *code,
				uint64_t object, int64_t interpreter,
				uint32_t timeout_ms, uint64_t limit, char **ret)
{
	RS_NEED_SESSION(session);
	struct rs_run_report r = begin(session, timeout_ms, limit);

	rs_json_init(&r.json, -1);
	struct rs_error *err = eval(&r, code, object, interpreter, ret);
	rs_json_fini(&r.json);
	rs_image_called_fini(&r.called);
	return err;
}
