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

static struct rs_runtime *runtime_of(const struct rs_breaking *b, uint32_t n)
{
	return rs_session_runtime(b->report.session, b->report.graph, n);
}

static const char *type_of(const struct rs_breaking *b, uint32_t n)
{
	return rs_report_type(b->report.graph, n);
}

// --- Code of the program that would run.

static struct rs_error *
note(struct rs_breaking *b, uint32_t object, const char *method)
{
	struct rs_runtime *rt = runtime_of(b, object);
	char text[RS_NAME_SIZE];

	if (!rt->ops->runs_code(rt, b->report.graph->address[object], method))
		return NULL;
	const int n = snprintf(text, sizeof(text), "%.200s.%s",
			       type_of(b, object), method);
	return rs_vec_append(&b->runs, text, (size_t)n + 1);
}

// Looking up a key: its hash, and whether it equals another one of that hash.
static struct rs_error *note_key(struct rs_breaking *b, uint64_t key)
{
	static const char *const method[] = {"__hash__", "__eq__", "__cmp__"};
	const uint32_t n = rs_graph_find(b->report.graph, key);
	struct rs_error *err = NULL;

	for (size_t i = 0;
	     !err && n != RS_NONE && i < sizeof(method) / sizeof(method[0]);
	     i++)
		err = note(b, n, method[i]);
	return err;
}

// A key whose hash has changed is not found any more, but another one may be
// that equals it: the hash is looked at before.
static void watch_hash(struct rs_breaking *b, uint32_t holder, uint64_t key)
{
	struct rs_runtime *rt = runtime_of(b, holder);

	b->drop.key = key;
	b->drop.has_hash = rt->ops->stored_hash(
		rt, b->report.graph->address[holder], key, &b->drop.hash);
}

// --- What would act in its place.

// That dropping attribute @p name of @p source drops the reference to @p
// target, and nothing else.
static struct rs_error *check_attribute(struct rs_breaking *b, uint32_t source,
					uint32_t target, const char *name,
					bool is_field)
{
	const struct rs_graph *g = b->report.graph;
	struct rs_runtime *rt = runtime_of(b, source);
	struct rs_attribute a;
	uint64_t word = 0;

	if (!rt->ops->attribute(rt, g->type_row[g->type[source]].address, name,
				&a))
		return cannot("what its type does with that name is not known");
	switch (a.kind) {
	case RS_ATTRIBUTE_CODE:
		return cannot("its class has a property of that name, whose "
			      "code would run instead");
	case RS_ATTRIBUTE_FIXED:
		return cannot("it can only be read");
	case RS_ATTRIBUTE_SET:
		return is_field ? NULL
				: cannot("its type has an attribute of that "
					 "name, which would be dropped "
					 "instead");
	case RS_ATTRIBUTE_WORD:
		rs_memory_u64(b->report.session->memory,
			      g->address[source] + a.offset, &word);
		return word == g->address[target]
			       ? NULL
			       : cannot("its class has another slot of that "
					"name, which would be dropped instead");
	default:
		return is_field ? cannot("it is part of the C state of its "
					 "holder, and only code of that type "
					 "can drop it")
				: NULL;
	}
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
	watch_hash(b, source, b->label.a);
	struct rs_error *err = note(b, source, "__delitem__");
	return err ? err : note_key(b, b->label.a);
}

// Old-style classes of 2.7 have no descriptors, but may have a __delattr__.
static struct rs_error *check_holder(struct rs_breaking *b, uint32_t source,
				     uint32_t target, const char *name,
				     bool is_field)
{
	if (strcmp(type_of(b, source), "instance") == 0)
		return note(b, source, "__delattr__");
	return check_attribute(b, source, target, name, is_field);
}

static struct rs_error *
plan_attribute(struct rs_breaking *b, uint32_t source, uint32_t target)
{
	const struct rs_graph *g = b->report.graph;
	const bool is_type = g->flags[source] & RS_OBJ_TYPE;
	struct rs_runtime *rt = runtime_of(b, source);
	char name[RS_LABEL_SIZE];

	if (!rt->ops->string(rt, b->label.a, name, sizeof(name)))
		return cannot("its name is too long, or is no text");
	struct rs_error *err = check_holder(b, source, target, name, false);
	if (err)
		return err;
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
	return note(b, source, "__setitem__");
}

static struct rs_error *
plan_member(struct rs_breaking *b, uint32_t source, uint32_t target)
{
	const struct rs_graph *g = b->report.graph;

	if (strcmp(rs_report_type(g, source), "frozenset") == 0)
		return cannot("a frozenset cannot be changed");
	set_own_type(b, source);
	set_call(b, "discard", "(OO)", g->address[source], g->address[target]);
	watch_hash(b, source, g->address[target]);
	struct rs_error *err = note(b, source, "discard");
	return err ? err : note_key(b, g->address[target]);
}

// Those that are not deleted, but set to None instead.
static bool is_set_to_none(const char *name)
{
	return strcmp(name, "tb_next") == 0 ||
	       strcmp(name, "__traceback__") == 0 ||
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

static struct rs_error *
plan_field(struct rs_breaking *b, uint32_t source, uint32_t target)
{
	const struct rs_graph *g = b->report.graph;
	struct rs_runtime *rt =
		rs_session_runtime(b->report.session, g, source);
	char text[RS_LABEL_SIZE] = "";

	rt->ops->label(rt, &b->label, text, sizeof(text));
	const char *name = text[0] == '.' ? text + 1 : text;
	if (strcmp(name, "cell_contents") == 0)
		return NULL; // the cell is hold[0]
	struct rs_error *err = check_holder(b, source, target, name, true);
	if (err)
		return err;
	if (strcmp(name, "__dict__") == 0)
		return plan_dict(b, source);
	if (strlen(name) >= sizeof(b->drop.field))
		return cannot("its name is too long");
	memcpy(b->drop.field, name, strlen(name) + 1);
	if (is_set_to_none(name))
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
		return plan_attribute(b, source, target);
	case RS_LABEL_INDEX:
		return plan_index(b, source);
	case RS_LABEL_MEMBER:
		return plan_member(b, source, target);
	case RS_LABEL_FIELD:
		return plan_field(b, source, target);
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
	rs_vec_fini(&b->runs);
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

static void write_runs(struct rs_breaking *b)
{
	const char *text = rs_vec_items(&b->runs, const char);
	struct rs_json *j = &b->report.json;

	rs_json_key(j, "runs");
	rs_json_begin_array(j);
	for (size_t at = 0; at < b->runs.used; at += strlen(text + at) + 1)
		rs_json_string(j, text + at);
	rs_json_end_array(j);
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
	write_runs(b);
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
