// SPDX-License-Identifier: MIT
#include "answer/describe/collector_state.h"
#include "answer/describe/dangling.h"
#include "answer/leaks/findings.h"
#include "roots/balance.h"

static void write_text(struct rs_json *j, const char *key,
		       const struct rs_runtime_info *info, uint32_t offset)
{
	rs_json_key(j, key);
	if (offset == RS_INFO_NO_TEXT)
		rs_json_null(j);
	else
		rs_json_string(j, (const char *)info->text.data + offset);
}

static void write_frames(struct rs_json *j, const struct rs_runtime_info *info,
			 const struct rs_info_thread *thread)
{
	const struct rs_info_frame *frame =
		rs_vec_items(&info->frame, struct rs_info_frame);

	rs_json_key(j, "frames");
	rs_json_begin_array(j);
	for (uint32_t i = 0; i < thread->frames; i++) {
		const struct rs_info_frame *f = &frame[thread->frame + i];

		rs_json_begin_object(j);
		write_text(j, "function", info, f->function);
		write_text(j, "file", info, f->file);
		rs_json_key_uint(j, "line", f->line);
		rs_json_end_object(j);
	}
	rs_json_end_array(j);
}

static void write_queue(struct rs_json *j, const struct rs_info_thread *thread)
{
	rs_json_key(j, "merge_queue");
	rs_json_begin_object(j);
	rs_json_key_uint(j, "objects", thread->queued);
	rs_json_key_uint(j, "bytes", thread->queued_bytes);
	rs_json_end_object(j);
}

static void write_known(struct rs_json *j, const char *key, int64_t value)
{
	rs_json_key(j, key);
	if (value < 0)
		rs_json_null(j);
	else
		rs_json_int(j, value);
}

static void write_wait(struct rs_json *j, const struct rs_info_thread *thread)
{
	rs_json_key(j, "waits");
	if (thread->call < 0) {
		rs_json_null(j);
	} else {
		rs_json_begin_object(j);
		rs_json_key_int(j, "call", thread->call);
		rs_json_key_string(j, "name", thread->call_name);
		write_known(j, "for_ns", thread->waits_ns);
		rs_json_end_object(j);
	}
	write_known(j, "ran_ms", thread->ran_ms);
	write_known(j, "age_ms", thread->age_ms);
}

static void write_threads(struct rs_json *j, const struct rs_runtime_info *info)
{
	const struct rs_info_thread *thread =
		rs_vec_items(&info->thread, struct rs_info_thread);
	const size_t n = rs_vec_count(&info->thread, struct rs_info_thread);

	rs_json_key(j, "threads");
	rs_json_begin_array(j);
	for (size_t i = 0; i < n; i++) {
		rs_json_begin_object(j);
		rs_json_key(j, "tid");
		if (thread[i].tid)
			rs_json_int(j, thread[i].tid);
		else
			rs_json_null(j);
		rs_json_key_address(j, "ident", thread[i].ident);
		rs_json_key_int(j, "interpreter", thread[i].interpreter);
		rs_json_key_bool(j, "holds_gil", thread[i].holds_gil);
		if (thread[i].queues)
			write_queue(j, &thread[i]);
		write_wait(j, &thread[i]);
		write_frames(j, info, &thread[i]);
		rs_json_end_object(j);
	}
	rs_json_end_array(j);
}

static void
write_allocator(struct rs_json *j, const struct rs_info_allocator *a)
{
	rs_json_key(j, "allocator");
	if (!a->name) {
		rs_json_null(j);
		return;
	}
	rs_json_begin_object(j);
	rs_json_key_string(j, "name", a->name);
	rs_json_key_uint(j, "arenas", a->arenas);
	rs_json_key_uint(j, "pools", a->pools);
	rs_json_key_uint(j, "blocks", a->blocks);
	rs_json_key_uint(j, "objects", a->objects);
	rs_json_key_uint(j, "free_list", a->free_list);
	rs_json_key_uint(j, "other", a->other);
	rs_json_key(j, "large");
	if (a->large < 0)
		rs_json_null(j);
	else
		rs_json_int(j, a->large);
	rs_json_end_object(j);
}

static void write_facts(struct rs_json *j, const struct rs_runtime_info *info)
{
	const struct rs_fact *fact = rs_vec_items(&info->fact, struct rs_fact);
	const size_t n = rs_vec_count(&info->fact, struct rs_fact);

	for (size_t i = 0; i < n; i++) {
		if (fact[i].kind == RS_FACT_ADDRESS)
			rs_json_key_address(j, fact[i].name, fact[i].value);
		else if (fact[i].kind == RS_FACT_FLAG)
			rs_json_key_bool(j, fact[i].name, fact[i].value != 0);
		else
			rs_json_key_uint(j, fact[i].name, fact[i].value);
	}
}

static void write_info(struct rs_json *j, const struct rs_runtime_info *info)
{
	rs_json_key_string(j, "version", info->version);
	rs_json_key_string(j, "layout", info->layout);
	rs_json_key_string(j, "module", info->module);
	write_facts(j, info);
	if (info->has_threads) {
		write_allocator(j, &info->allocator);
		write_threads(j, info);
	}
}

static struct rs_error *write_runtime(struct rs_json *j, struct rs_runtime *rt)
{
	RS_CLEANUP(rs_runtime_info_fini) struct rs_runtime_info info = {0};
	struct rs_error *err = rt->ops->info(rt, &info);

	if (err)
		return err;
	rs_json_begin_object(j);
	rs_json_key_string(j, "name", rt->ops->name);
	write_info(j, &info);
	rs_json_key(j, "gc");
	if (rt->unread) {
		rs_json_null(j);
	} else {
		rs_json_begin_object(j);
		err = rs_collector_write(j, rt);
		rs_json_end_object(j);
	}
	rs_json_end_object(j);
	return err;
}

static struct rs_error *
write_runtimes(struct rs_json *j, const struct rs_session *session)
{
	struct rs_error *err = NULL;

	rs_json_key(j, "runtimes");
	rs_json_begin_array(j);
	for (size_t i = 0; i < session->runtimes && !err; i++)
		err = write_runtime(j, session->runtime[i]);
	for (size_t i = 0; i < session->unreads && !err; i++)
		err = write_runtime(j, session->unread[i]);
	rs_json_end_array(j);
	return err;
}

static void
write_number(struct rs_json *j, const char *key, bool known, uint64_t value)
{
	rs_json_key(j, key);
	if (known)
		rs_json_uint(j, value);
	else
		rs_json_null(j);
}

static void write_numbers(struct rs_json *j, const struct rs_graph *g)
{
	uint64_t tracked = 0, bytes = 0;

	for (uint32_t i = 0; g && i < g->objects; i++) {
		tracked += (g->flags[i] & RS_OBJ_TRACKED) != 0;
		bytes += rs_graph_size(g, i);
	}
	write_number(j, "objects", g, g ? g->objects : 0);
	write_number(j, "tracked", g, tracked);
	write_number(j, "references", g, g ? g->references : 0);
	write_number(j, "bytes", g, bytes);
	write_number(j, "dropped", g, g ? g->dropped : 0);
}

static void write_findings(struct rs_json *j, const struct rs_findings *f)
{
	if (!f)
		return;
	const size_t all = rs_vec_count(&f->finding, struct rs_finding);

	rs_json_key(j, "findings");
	rs_json_begin_object(j);
	rs_json_key_uint(j, "total", f->shown);
	rs_json_key_uint(j, "possible", all - f->shown);
	rs_json_end_object(j);
}

static struct rs_error *
write_balance(struct rs_json *j, struct rs_session *session)
{
	const struct rs_ledger_source source =
		rs_session_ledger_source(session);
	struct rs_balance b;
	struct rs_error *err = rs_balance_make(&source, &b);

	if (err)
		return err;
	rs_json_key(j, "balance");
	if (!b.known) {
		rs_json_null(j);
		return NULL;
	}
	rs_json_begin_object(j);
	rs_json_key_uint(j, "memory", b.memory);
	rs_json_key_uint(j, "objects", b.objects);
	rs_json_key_uint(j, "free", b.free);
	rs_json_key_uint(j, "malloc_free", b.malloc_free);
	rs_json_key_uint(j, "files", b.files);
	rs_json_key_uint(j, "stacks", b.stacks);
	rs_json_key_uint(j, "other", b.other);
	rs_json_end_object(j);
	return NULL;
}

struct rs_error *rs_answer_info(struct rs_session *session, char **ret)
{
	RS_NEED_SESSION(session);
	RS_AUTO_REPORT struct rs_report report = {0};
	struct rs_json *j = &report.json;
	struct rs_error *err = NULL;

	if (session->runtimes) {
		if ((err = rs_report_open(&report, session, -1)))
			return err;
	} else { // only runtimes whose objects cannot be read
		report.session = session;
		rs_json_init(j, -1);
	}
	rs_json_begin_object(j);
	rs_json_key_string(j, "source", session->source);
	if ((err = write_runtimes(j, session)))
		return err;
	write_numbers(j, report.graph);
	if (report.graph)
		rs_report_key_unreferenced(j, report.graph);
	rs_json_key_uint(j, "traversed", rs_session_traversed(session));
	rs_json_key_uint(j, "asked", rs_session_traversed(session));
	if (session->has_ledger) {
		rs_json_key(j, "ledger");
		rs_json_begin_object(j);
		rs_report_totals(j, &session->ledger.totals);
		rs_json_end_object(j);
		if ((err = write_balance(j, session)))
			return err;
	}
	write_findings(j, session->findings);
	if (report.graph && (err = rs_report_dangling(&report)))
		return err;
	rs_report_problems(j, session, true);
	report.has_problems = true;
	return rs_report_take(&report, ret);
}
