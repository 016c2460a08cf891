// SPDX-License-Identifier: MIT
//
// rs_answer_call_facts(): what calling a live CPython depends on.
#include "action/guest/caller.h"
#include "answer/describe/report.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "session/session.h"

static struct rs_error *
write_lacks(struct rs_session *session, struct rs_json *json)
{
	rs_json_key(json, "lacks");
	rs_json_begin_array(json);
	if (!rs_caller_size())
		rs_json_string(json, "code for this machine");
	for (unsigned i = 0; i < RS_CALLER_NUMBERS; i++) {
		uint64_t address;
		struct rs_error *err =
			rs_memory_symbol(session->memory, NULL,
					 rs_caller_symbol[i], &address, NULL);

		if (err && rs_error_code(err) != RS_ENOTFOUND)
			return err;
		if (err)
			rs_json_string(json, rs_caller_symbol[i]);
		rs_error_free(err);
	}
	rs_json_end_array(json);
	return NULL;
}

static void
write_threads(const struct rs_runtime_info *info, struct rs_json *json)
{
	const struct rs_info_thread *t =
		rs_vec_items(&info->thread, struct rs_info_thread);
	const size_t n = rs_vec_count(&info->thread, struct rs_info_thread);
	int64_t holder = 0;
	bool threaded = false;

	rs_json_key(json, "threads");
	rs_json_begin_array(json);
	for (size_t i = 0; i < n; i++) {
		threaded |= t[i].queues;
		if (t[i].tid)
			rs_json_int(json, t[i].tid);
		if (t[i].holds_gil)
			holder = t[i].tid;
	}
	rs_json_end_array(json);
	rs_json_key_bool(json, "threaded", threaded);
	rs_json_key(json, "holder");
	if (holder)
		rs_json_int(json, holder);
	else
		rs_json_null(json);
}

static void
write_facts(const struct rs_runtime_info *info, struct rs_json *json)
{
	const struct rs_fact *fact = rs_vec_items(&info->fact, struct rs_fact);

	for (size_t i = 0; i < rs_vec_count(&info->fact, struct rs_fact); i++)
		if (strcmp(fact[i].name, "interpreters") == 0)
			rs_json_key_uint(json, fact[i].name, fact[i].value);
}

struct rs_error *rs_answer_call_facts(struct rs_session *session, char **ret)
{
	RS_NEED_SESSION(session);
	struct rs_runtime *rt = rs_session_runtime_named(session, "cpython");
	RS_CLEANUP(rs_runtime_info_fini) struct rs_runtime_info info = {0};
	struct rs_json json;
	struct rs_error *err = rs_session_check(session);

	if (err)
		return err;
	if (session->memory->is_core)
		return rs_error_new(RS_EUNSUPPORTED,
				    "%s: a core cannot be called",
				    session->source);
	if (!rt)
		return rs_error_new(RS_ENOTFOUND,
				    "%s: it contains no CPython to call",
				    session->source);
	rs_json_init(&json, -1);
	rs_json_begin_object(&json);
	err = rt->ops->info(rt, &info);
	if (!err) {
		rs_json_key_string(&json, "version", rt->version);
		rs_json_key_bool(&json, "collecting", rt->gc_collecting);
		write_facts(&info, &json);
		write_threads(&info, &json);
		err = write_lacks(session, &json);
	}
	rs_json_end_object(&json);
	return rs_report_end(session, &json, err, ret);
}
