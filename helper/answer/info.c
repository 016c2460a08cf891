// SPDX-License-Identifier: MIT
#include "answer/describe/report.h"

static void write_runtime(struct rs_json *j, struct rs_runtime *rt)
{
	rs_json_begin_object(j);
	rs_json_key_string(j, "name", rt->ops->name);
	rt->ops->info(rt, j);
	rs_json_key(j, "gc");
	if (rt->unread) {
		rs_json_null(j);
		rs_json_end_object(j);
		return;
	}
	rs_json_begin_object(j);
	rt->ops->gc(rt, j);
	rs_json_end_object(j);
	rs_json_end_object(j);
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
		bytes += g->size[i];
	}
	write_number(j, "objects", g, g ? g->objects : 0);
	write_number(j, "tracked", g, tracked);
	write_number(j, "references", g, g ? g->references : 0);
	write_number(j, "bytes", g, bytes);
	write_number(j, "dropped", g, g ? g->dropped : 0);
}

struct rs_error *rs_answer_info(struct rs_session *session, char **ret)
{
	RS_AUTO_REPORT struct rs_report report = {0};
	struct rs_json *j = &report.json;
	struct rs_error *err = NULL;

	if (session->runtimes) {
		if ((err = rs_report_open(&report, session, -1)))
			return err;
	} else { // there is but one whose objects cannot be read
		report.session = session;
		rs_json_init(j, -1);
	}
	rs_json_begin_object(j);
	rs_json_key_string(j, "source", session->source);
	rs_json_key(j, "runtimes");
	rs_json_begin_array(j);
	for (size_t i = 0; i < session->runtimes; i++)
		write_runtime(j, session->runtime[i]);
	if (session->unread)
		write_runtime(j, session->unread);
	rs_json_end_array(j);
	write_numbers(j, report.graph);
	rs_json_key_uint(j, "asked", session->asked.objects);
	rs_json_key(j, "problems");
	rs_json_begin_array(j);
	for (size_t i = 0; i < session->memory->problems; i++)
		rs_json_string(j, session->memory->problem[i]);
	rs_json_end_array(j);
	return rs_report_take(&report, ret);
}
