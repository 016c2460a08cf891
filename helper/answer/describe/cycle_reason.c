// SPDX-License-Identifier: MIT
#include "answer/describe/cycle_reason.h"

#include "session/collection.h"

#include <stdio.h>

enum { RS_NAMES = 3 }; // objects named in one reason

// The properties of a cycle's members that matter.
struct traits {
	uint32_t fate[RS_FATE_UNFREEABLE + 1]; // members with each fate
	const struct rs_runtime *low, *high; // with lowest and highest index
	uint32_t frozen, untracked; // one such member, or RS_NONE
	bool in_garbage; // a garbage list contains one
	bool assumed; // one may be in use, if a type does not tell of all
	struct rs_runtime *rt; // of the first member
};

static void look(const struct rs_reason_query *q, struct traits *t)
{
	const struct rs_graph *g = q->report->graph;

	*t = (struct traits){
		.frozen = RS_NONE,
		.untracked = RS_NONE,
		.rt = rs_session_runtime(q->report->session, g, q->member[0]),
	};
	t->low = t->high = t->rt;
	for (uint32_t i = 0; i < q->n; i++) {
		const uint32_t m = q->member[i];
		const unsigned flags = g->flags[m];

		t->fate[q->result->fate[m]]++;
		t->assumed |= q->result->held && q->result->held[m];
		const struct rs_runtime *rt =
			rs_session_runtime(q->report->session, g, m);
		if (rt->index < t->low->index)
			t->low = rt;
		if (rt->index > t->high->index)
			t->high = rt;
		if (!(flags & RS_OBJ_TRACKED))
			t->untracked = m;
		else if ((flags & RS_OBJ_GENERATION) == RS_OBJ_GENERATION)
			t->frozen = m;
		if (rs_report_unreachable(q->result->fate[m]))
			continue;
		t->in_garbage |= q->listed[m];
	}
}

// Whether it has a finalizer according to the rules of its collector.
static bool keeps(const struct rs_reason_query *q, uint32_t m)
{
	const struct rs_graph *g = q->report->graph;
	const enum rs_rules rules =
		rs_session_settings(q->report->session, g, m).rules;

	return g->flags[m] &
	       (rules == RS_RULES_27 ? RS_OBJ_FINALIZER : RS_OBJ_LEGACY);
}

static void append(char *buf, size_t size, const char *text)
{
	const size_t used = strlen(buf);

	if (used < size)
		(void)snprintf(buf + used, size - used, "%s", text);
}

// Write `a finalizer: <A 0x..>` or `finalizers: <A 0x..>, <B 0x..>`. @return
// false when no member has one.
static bool
name_finalizers(const struct rs_reason_query *q, char *buf, size_t size)
{
	uint32_t found[RS_NAMES];
	uint32_t n = 0;
	char name[RS_NAME_SIZE];

	for (uint32_t i = 0; i < q->n; i++) {
		if (!keeps(q, q->member[i]))
			continue;
		if (n < RS_NAMES)
			found[n] = q->member[i];
		n++;
	}
	(void)snprintf(buf, size, "%s",
		       n > 1 ? "finalizers: " : "a finalizer: ");
	for (uint32_t i = 0; i < n && i < RS_NAMES; i++) {
		rs_report_name(q->report, found[i], name, sizeof(name));
		append(buf, size, i ? ", " : "");
		append(buf, size, name);
	}
	if (n > RS_NAMES) {
		(void)snprintf(name, sizeof(name), " and %u more",
			       n - RS_NAMES);
		append(buf, size, name);
	}
	return n > 0;
}

// `uncollectable: no clear: <A 0x..>`.
static void
name_unfreeable(const struct rs_reason_query *q, char *buf, size_t size)
{
	const struct rs_graph *g = q->report->graph;
	char name[RS_NAME_SIZE];

	for (uint32_t i = 0; i < q->n; i++) {
		const uint32_t m = q->member[i];
		struct rs_runtime *rt =
			rs_session_runtime(q->report->session, g, m);

		if (q->result->fate[m] != RS_FATE_UNFREEABLE)
			continue;
		rs_report_name(q->report, m, name, sizeof(name));
		(void)snprintf(buf, size, "uncollectable: %s: %s",
			       rt->ops->unfreeable(rt, g->address[m]), name);
		return;
	}
}

// Why a cycle that a collector would find completely has not been freed.
static void collectable_text(const struct rs_reason_query *q,
			     const struct traits *t, char *buf, size_t size)
{
	const char *text = "it can be freed: the collector has not run";
	const struct rs_collector_settings settings = rs_session_settings(
		q->report->session, q->report->graph, q->member[0]);

	if (t->fate[RS_FATE_UNFREEABLE]) {
		name_unfreeable(q, buf, size);
		return;
	}
	if (t->fate[RS_FATE_FINALIZER] && name_finalizers(q, buf, size))
		return;
	if (t->fate[RS_FATE_KEPT] || t->fate[RS_FATE_FINALIZER])
		text = "an object with a finalizer, outside the cycle, refers "
		       "to it";
	else if (t->assumed)
		text = "it can be freed if C types tell the collector of all "
		       "that their objects hold, which reading does not show";
	else if (settings.saveall)
		text = "it can be freed, but DEBUG_SAVEALL would keep it in "
		       "the garbage list";
	else if (t->rt->gc_collecting)
		text = "it can be freed: a collection is under way";
	else if (settings.disabled)
		text = "it can be freed: the collector is disabled and has "
		       "not run";
	(void)snprintf(buf, size, "%s", text);
}

static void unseen_text(const struct rs_reason_query *q, const struct traits *t,
			char *buf, size_t size)
{
	char name[RS_NAME_SIZE];

	if (t->low != t->high) {
		(void)snprintf(buf, size,
			       "no collector sees all of it: some of its "
			       "objects are of %s, others of %s",
			       t->low->ops->name, t->high->ops->name);
	} else if (t->in_garbage) {
		if (!name_finalizers(q, buf, size))
			buf[0] = '\0';
		append(buf, size, buf[0] ? "; " : "");
		append(buf, size, "the garbage list holds it");
	} else if (t->frozen != RS_NONE) {
		rs_report_name(q->report, t->frozen, name, sizeof(name));
		(void)snprintf(buf, size,
			       "gc.freeze() hid %s from the collector", name);
	} else if (t->untracked != RS_NONE) {
		rs_report_name(q->report, t->untracked, name, sizeof(name));
		(void)snprintf(buf, size,
			       "no collector sees it: %s is not tracked", name);
	} else {
		(void)snprintf(buf, size,
			       "the collector does not visit every reference "
			       "to it");
	}
}

void rs_reason_text(const struct rs_reason_query *query, char *buf, size_t size)
{
	struct traits t;

	look(query, &t);
	if (query->alive)
		(void)snprintf(buf, size,
			       "it is in use: something outside holds it");
	else if (t.fate[RS_FATE_OUTSIDE] || t.fate[RS_FATE_REACHABLE])
		unseen_text(query, &t, buf, size);
	else
		collectable_text(query, &t, buf, size);
}
