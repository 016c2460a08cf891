// SPDX-License-Identifier: MIT
#include "action/live/breaking.h"

#include "refscope/engine.h"

#include <inttypes.h>
#include <stdio.h>

enum {
	RS_NAME_ARGUMENT = 1, // of type.method(holder, name..)
};

static void set_call(struct rs_breaking *b, const char *method,
		     const char *format, uint64_t first, uint64_t second)
{
	struct rs_caller_drop *d = &b->drop;

	(void)snprintf(d->method, sizeof(d->method), "%s", method);
	(void)snprintf(d->format, sizeof(d->format), "%s", format);
	d->arg[0] = first;
	d->arg[1] = second;
}

static struct rs_error *
set_builtin(struct rs_breaking *b, const char *symbol, const char *name)
{
	b->type = name;
	return rs_memory_symbol(b->report.session->memory, NULL, symbol,
				&b->drop.type, NULL);
}

// The method of the holder's own type, which knows its own kind of container.
static void set_own_type(struct rs_breaking *b, uint32_t holder)
{
	const struct rs_graph *g = b->report.graph;

	b->type = rs_report_type(g, holder);
	b->drop.type = g->type_row[g->type[holder]].address;
}

// The type whose methods change the attributes of any instance: object's do not
// take those of 2.7's old-style classes.
static struct rs_error *
set_instance_type(struct rs_breaking *b, uint32_t holder)
{
	const struct rs_graph *g = b->report.graph;
	struct rs_error *err = set_builtin(b, "PyInstance_Type", "instance");

	if (!err && b->drop.type == g->type_row[g->type[holder]].address)
		return NULL;
	rs_error_free(err);
	return set_builtin(b, "PyBaseObject_Type", "object");
}

// A class caches what it finds in its own dict: only it may change that.
static bool is_of_class(const struct rs_breaking *b, uint32_t dict)
{
	struct rs_holders holders;
	const struct rs_graph *g = b->report.graph;

	rs_holders_init(&holders, g, dict);
	while (rs_holders_next(&holders))
		if (g->flags[holders.source] & RS_OBJ_TYPE)
			return true;
	return false;
}

static struct rs_error *cannot(const char *why)
{
	return rs_error_new(RS_EUNSUPPORTED,
			    "this reference cannot be dropped safely: %s; "
			    "nothing was changed",
			    why);
}

static struct rs_error *plan_key(struct rs_breaking *b, uint32_t source)
{
	const struct rs_graph *g = b->report.graph;

	if (is_of_class(b, source))
		return cannot("it is in the dict of a class, and only code of "
			      "the class's may change that");
	set_own_type(b, source);
	set_call(b, "__delitem__", "(OO)", g->address[source], b->label.a);
	b->drop.hold[2] = b->label.a;
	return NULL;
}

static struct rs_error *plan_attribute(struct rs_breaking *b, uint32_t source)
{
	const struct rs_graph *g = b->report.graph;
	const bool is_type = g->flags[source] & RS_OBJ_TYPE;

	set_call(b, "__delattr__", "(OO)", g->address[source], b->label.a);
	b->drop.hold[2] = b->label.a;
	return is_type ? set_builtin(b, "PyType_Type", "type")
		       : set_instance_type(b, source);
}

static struct rs_error *plan_index(struct rs_breaking *b, uint32_t source)
{
	const struct rs_graph *g = b->report.graph;

	if (strcmp(rs_report_type(g, source), "tuple") == 0)
		return cannot("a tuple cannot be changed");
	set_own_type(b, source);
	// The last argument is NULL: None.
	set_call(b, "__setitem__", "(Onz)", g->address[source], b->label.a);
	return NULL;
}

static struct rs_error *
plan_member(struct rs_breaking *b, uint32_t source, uint32_t target)
{
	const struct rs_graph *g = b->report.graph;

	if (strcmp(rs_report_type(g, source), "frozenset") == 0)
		return cannot("a frozenset cannot be changed");
	set_own_type(b, source);
	set_call(b, "discard", "(OO)", g->address[source], g->address[target]);
	return NULL;
}

// Those that are not deleted, but set to None instead.
static bool is_of_exception(const char *name)
{
	return strcmp(name, "__traceback__") == 0 ||
	       strcmp(name, "__context__") == 0 ||
	       strcmp(name, "__cause__") == 0;
}

// It is given an empty one.
static struct rs_error *plan_dict(struct rs_breaking *b, uint32_t source)
{
	set_call(b, "__setattr__", "(Os{})", b->report.graph->address[source],
		 0);
	(void)snprintf(b->drop.field, sizeof(b->drop.field), "__dict__");
	return set_instance_type(b, source);
}

static struct rs_error *plan_field(struct rs_breaking *b, uint32_t source)
{
	const struct rs_graph *g = b->report.graph;
	struct rs_runtime *rt =
		rs_session_runtime(b->report.session, g, source);
	char text[RS_LABEL_SIZE] = "";

	rt->ops->label(rt, &b->label, text, sizeof(text));
	const char *name = text[0] == '.' ? text + 1 : text;
	if (strcmp(name, "cell_contents") == 0)
		return NULL; // the cell is hold[0]
	if (strcmp(name, "__dict__") == 0)
		return plan_dict(b, source);
	if (strlen(name) >= sizeof(b->drop.field))
		return cannot("its name is too long");
	memcpy(b->drop.field, name, strlen(name) + 1);
	if (is_of_exception(name))
		set_call(b, "__setattr__", "(Osz)", g->address[source], 0);
	else
		set_call(b, "__delattr__", "(Os)", g->address[source], 0);
	return set_instance_type(b, source);
}

static struct rs_error *
plan_call(struct rs_breaking *b, uint32_t source, uint32_t target)
{
	switch (b->label.kind) {
	case RS_LABEL_KEY:
		return plan_key(b, source);
	case RS_LABEL_ATTR:
		return plan_attribute(b, source);
	case RS_LABEL_INDEX:
		return plan_index(b, source);
	case RS_LABEL_MEMBER:
		return plan_member(b, source, target);
	case RS_LABEL_FIELD:
		return plan_field(b, source);
	case RS_LABEL_DICT:
		return plan_dict(b, source);
	case RS_LABEL_LOCAL:
	case RS_LABEL_CELL:
	case RS_LABEL_STACK:
		return cannot("it is a variable of code that is suspended, and "
			      "only that code can drop it");
	default:
		return cannot("it is part of the C state of its holder, and "
			      "only code of that type can drop it");
	}
}

static struct rs_error *plan(struct rs_breaking *b)
{
	const struct rs_step *step = &b->cut.step;
	const struct rs_graph *g = b->report.graph;
	const uint32_t source = step->source;
	const uint32_t target = rs_edge_target(g->out[step->edge]);
	const struct rs_runtime *rt =
		rs_session_runtime(b->report.session, g, source);

	if (strcmp(rt->ops->name, "cpython") != 0)
		return cannot("only references of CPython objects can be");
	b->label = rs_report_label(&b->report, source, step->edge);
	b->target = target;
	b->drop.wanted = 1;
	b->drop.hold[0] = g->address[source];
	b->drop.hold[1] = g->address[target];
	return plan_call(b, source, target);
}

struct rs_error *rs_breaking_plan(struct rs_session *session, uint32_t cycle,
				  uint32_t edge, struct rs_breaking *ret)
{
	struct rs_error *err;

	if (session->memory->is_core)
		return rs_error_new(RS_EUNSUPPORTED,
				    "%s: a core cannot be changed; its cycles "
				    "can be tried out (refs cycles -try)",
				    session->source);
	if ((err = rs_report_open(&ret->report, session, -1)) ||
	    (err = rs_report_reverse(&ret->report)) ||
	    (err = rs_cycles_cut(&ret->report, cycle, edge, &ret->cut)))
		return err;
	return plan(ret);
}

void rs_breaking_fini(struct rs_breaking *b)
{
	rs_report_fini(&b->report);
	rs_vec_fini(&b->cut.member);
}

void rs_breaking_place(struct rs_caller_drop *drop, uint64_t at)
{
	if (drop->field[0])
		drop->arg[RS_NAME_ARGUMENT] =
			at + offsetof(struct rs_caller_drop, field);
}

// --- For people -----------------------------------------------------------

static bool write_members(struct rs_breaking *b, uint64_t limit)
{
	const uint32_t *member = rs_vec_items(&b->cut.member, uint32_t);
	const size_t n = rs_vec_count(&b->cut.member, uint32_t);
	const struct rs_graph *g = b->report.graph;
	struct rs_json *j = &b->report.json;
	size_t i = 0;

	rs_json_key_uint(j, "objects", n);
	rs_json_key(j, "members");
	rs_json_begin_array(j);
	for (; i < n && !rs_report_full(i, limit); i++) {
		rs_json_begin_object(j);
		rs_json_key_address(j, "id", g->address[member[i]]);
		rs_json_key_string(j, "type", rs_report_type(g, member[i]));
		rs_json_end_object(j);
	}
	rs_json_end_array(j);
	return i == n;
}

static struct rs_error *write_plan(struct rs_breaking *b, uint32_t cycle,
				   uint32_t edge, uint64_t limit, char **ret)
{
	const struct rs_step *step = &b->cut.step;
	struct rs_json *j = &b->report.json;
	char text[RS_LABEL_SIZE];

	rs_json_begin_object(j);
	rs_json_key_uint(j, "cycle", cycle);
	rs_json_key_uint(j, "edge", edge);
	rs_report_key_object(&b->report, "object", step->object);
	rs_cycle_path_label(&b->report, step, text, sizeof(text));
	rs_json_key_string(j, "label", text);
	rs_report_key_object(&b->report, "to", b->target);
	if (b->drop.type)
		(void)snprintf(text, sizeof(text), "%.200s.%s", b->type,
			       b->drop.method);
	else
		(void)snprintf(text, sizeof(text), "PyCell_Set");
	rs_json_key_string(j, "call", text);
	rs_json_key_bool(j, "limited", !write_members(b, limit));
	return rs_report_take(&b->report, ret);
}

struct rs_error *rs_answer_break(struct rs_session *session, uint32_t cycle,
				 uint32_t edge, uint64_t limit, char **ret)
{
	RS_NEED_SESSION(session);
	struct rs_breaking b = {0};
	struct rs_error *err = rs_session_check(session);

	if (!err)
		err = rs_breaking_plan(session, cycle, edge, &b);
	if (!err)
		err = write_plan(&b, cycle, edge, limit, ret);
	rs_breaking_fini(&b);
	return err;
}
