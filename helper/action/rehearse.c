// SPDX-License-Identifier: MIT
//
// rs_answer_rehearse_*(): the program's own collector, run in an image of a
// core; nothing of the target changes.
#include "action/rehearsal.h"
#include "answer/cycles.h"
#include "answer/describe/run_end.h"
#include "refscope/engine.h"
#include "sandbox/image.h"

#include <inttypes.h>

enum {
	RS_REHEARSE_MS = 30000, // processor time by default
	RS_WATCH_MAX = 20000, // objects of which it is said whether they go
	RS_HEAP_PAGE = 12, // bits
	RS_MIB_SHIFT = 20,
	RS_BYTES_EACH = 16, // that a list of all objects takes of each
	RS_SLACK = 24 << 20, // for what runs, and what is freed meanwhile
	RS_HEAD = 16, // how far before an object its head begins, at least
};

static uint64_t in_mib(uint64_t bytes)
{
	return (bytes + (1 << RS_MIB_SHIFT) - 1) >> RS_MIB_SHIFT;
}

// A collection writes to the head of each tracked object: all pages with such a
// head become the image's own.
static uint64_t memory_needed(const struct rs_graph *g)
{
	uint64_t pages = 0, tracked = 0, last = UINT64_MAX;

	for (uint32_t i = 0; i < g->objects; i++) {
		if (!(g->flags[i] & RS_OBJ_TRACKED))
			continue;
		const uint64_t page = (g->address[i] - RS_HEAD) >> RS_HEAP_PAGE;

		tracked++;
		pages += page != last;
		last = page;
	}
	return (pages << RS_HEAP_PAGE) + tracked * RS_BYTES_EACH + RS_SLACK;
}

static struct rs_error *find_runtime(struct rs_acting *a)
{
	struct rs_session *session = a->session;
	struct rs_error *err = rs_session_check(session);

	if (err)
		return err;
	for (size_t i = 0; i < session->runtimes && !a->rt; i++)
		if (session->runtime[i]->ops->rehearse)
			a->rt = session->runtime[i];
	if (!a->rt)
		return rs_error_new(RS_ENOTFOUND,
				    "%s: it contains no CPython, whose "
				    "collector could be rehearsed",
				    session->source);
	if (!session->memory->is_core)
		return rs_error_new(RS_EUNSUPPORTED,
				    "%s: only a core can be rehearsed; take "
				    "one (gcore FILE) and open it (core FILE)",
				    session->source);
	return NULL;
}

static struct rs_error *check_memory(struct rs_acting *a)
{
	a->needed = memory_needed(a->has_prediction ? a->prediction.graph
						    : a->report.graph);
	a->allowed =
		rs_image_memory(rs_session_image_options(a->session).memory);
	if (a->needed <= a->allowed)
		return NULL;
	return rs_error_new(RS_EARGUMENT,
			    "a rehearsal of this heap needs about %" PRIu64
			    " MiB of memory (a collection writes to the head "
			    "of every object), and %" PRIu64
			    " are allowed; nothing was run; set refs run "
			    "memory %" PRIu64 "M",
			    in_mib(a->needed), in_mib(a->allowed),
			    in_mib(a->needed));
}

// Where the outcome cannot be foretold it is shown alone.
static struct rs_error *predict(struct rs_acting *a)
{
	struct rs_graph *graph;
	struct rs_error *err = rs_prediction_make(
		a->session, a->what.generation, NULL, &a->prediction);

	a->has_prediction = !err;
	if (!err || rs_error_code(err) != RS_EUNSUPPORTED)
		return err;
	rs_error_free(err);
	rs_prediction_fini(&a->prediction);
	a->prediction = (struct rs_prediction){0};
	err = rs_session_tracked(a->session, &graph);
	a->prediction.graph = graph;
	if (!err)
		a->report.graph = graph;
	return err;
}

static struct rs_error *was_collecting(const struct rs_session *session)
{
	return rs_error_new(RS_EUNSUPPORTED,
			    "%s: the process was stopped within a collection, "
			    "which cannot be begun anew",
			    session->source);
}

static bool is_kind(const struct rs_image_called *c, const char *name)
{
	return c->size[RS_RUN_ERROR] == strlen(name) &&
	       memcmp(c->text[RS_RUN_ERROR], name, strlen(name)) == 0;
}

// An exception of the code that rehearses, or of what it was told to drop.
static struct rs_error *
raised(const struct rs_session *session, const struct rs_image_called *c)
{
	const char *message = c->text[RS_RUN_MESSAGE];
	const int size = message ? (int)c->size[RS_RUN_MESSAGE] : 0;

	message = message ? message : "";
	if (is_kind(c, "Collecting"))
		return was_collecting(session);
	if (is_kind(c, "CannotDrop"))
		return rs_error_new(RS_EUNSUPPORTED,
				    "the interpreter has no way to drop this "
				    "reference (%.*s)",
				    size, message);
	return rs_error_new(RS_EBAD, "the rehearsal raised %.*s: %.*s",
			    (int)c->size[RS_RUN_ERROR], c->text[RS_RUN_ERROR],
			    size, message);
}

static struct rs_error *run(struct rs_acting *a)
{
	struct rs_image_options limits = rs_session_image_options(a->session);

	limits.object_ms = a->ms;
	struct rs_error *err = a->rt->ops->rehearse(
		a->rt, &a->what, &limits, &a->session->progress, &a->called);
	if (err)
		return err;
	rs_session_missing_walls(a->session, a->called.missing);
	const struct rs_image_called *c = &a->called;
	if (c->end != RS_CALL_DONE)
		return rs_run_stopped(c, "the rehearsal", a->ms);
	if (c->text[RS_RUN_ERROR])
		return raised(a->session, c);
	if (!c->text[RS_RUN_VALUE])
		return rs_run_stopped(c, "the rehearsal", a->ms);
	a->limited |= c->size[RS_RUN_VALUE] < c->whole[RS_RUN_VALUE];
	err = rs_rehearsed_parse(c->text[RS_RUN_VALUE], c->size[RS_RUN_VALUE],
				 &a->came);
	if (!err && !a->came.has_returned)
		err = rs_run_stopped(c, "the rehearsal", a->ms);
	return err;
}

struct rs_error *rs_acting_run(struct rs_acting *a)
{
	struct rs_error *err;

	if (!a->what.holder && (err = predict(a)))
		return err;
	if ((err = check_memory(a)))
		return err;
	return run(a);
}

static struct rs_acting begin(struct rs_session *session, int generation,
			      int64_t interpreter, uint32_t timeout_ms,
			      uint64_t limit)
{
	return (struct rs_acting){
		.session = session,
		.what = {.generation = generation < 0 ? 2 : generation,
			 .interpreter = interpreter},
		.ms = timeout_ms ? timeout_ms : RS_REHEARSE_MS,
		.limit = limit,
	};
}

static struct rs_error *
end(struct rs_acting *a, struct rs_error *err, char **ret)
{
	if (!err)
		err = rs_acting_write(a, ret);
	rs_image_called_fini(&a->called);
	rs_rehearsed_fini(&a->came);
	rs_prediction_fini(&a->prediction);
	rs_report_fini(&a->report);
	rs_vec_fini(&a->watch);
	rs_vec_fini(&a->address);
	return err;
}

struct rs_error *rs_answer_rehearse_collect(struct rs_session *session,
					    int generation, int64_t interpreter,
					    uint32_t timeout_ms, uint64_t limit,
					    char **ret)
{
	RS_NEED_SESSION(session);
	struct rs_acting a =
		begin(session, generation, interpreter, timeout_ms, limit);
	struct rs_error *err = rs_generation_check(generation);

	if (!err)
		err = find_runtime(&a);
	if (!err)
		err = rs_acting_run(&a);
	return end(&a, err, ret);
}

// --- With a reference dropped before it -----------------------------------

// Whether it can be seen to be gone by its being tracked no more.
static bool can_be_watched(const struct rs_graph *g, uint32_t i)
{
	return (g->flags[i] & RS_OBJ_TRACKED) &&
	       !(g->flags[i] & (RS_OBJ_UNTRACKS | RS_OBJ_IMMORTAL));
}

static struct rs_error *watch(struct rs_acting *a, uint32_t i)
{
	const struct rs_graph *g = a->report.graph;
	struct rs_error *err;

	if (!can_be_watched(g, i))
		return NULL;
	if (rs_vec_count(&a->watch, uint32_t) >= RS_WATCH_MAX) {
		a->limited = true;
		return NULL;
	}
	if ((err = rs_vec_append(&a->watch, &i, sizeof(i))))
		return err;
	return rs_vec_append(&a->address, &g->address[i],
			     sizeof(g->address[i]));
}

// What the reference leads to, nearest first.
static struct rs_error *watch_reachable(struct rs_acting *a, uint32_t from)
{
	const struct rs_graph *g = a->report.graph;
	struct rs_vec queue = {0};
	uint8_t *seen = NULL;
	struct rs_error *err = rs_block_new(g->objects, 1, &seen);

	if (err)
		return err;
	seen[from] = 1;
	err = rs_vec_append(&queue, &from, sizeof(from));
	for (size_t k = 0;
	     !err && k < rs_vec_count(&queue, uint32_t) && !a->limited; k++) {
		const uint32_t i = rs_vec_items(&queue, uint32_t)[k];

		err = watch(a, i);
		for (uint32_t e = g->out_start[i];
		     e < g->out_start[i + 1] && !err; e++) {
			const uint32_t t = rs_edge_target(g->out[e]);

			if (seen[t] || rs_edge_kind(g->out[e]) == RS_WEAK)
				continue;
			seen[t] = 1;
			err = rs_vec_append(&queue, &t, sizeof(t));
		}
	}
	rs_vec_fini(&queue);
	rs_block_free(seen, g->objects, 1);
	return err;
}

// An entry of an instance's own dict is dropped as the instance's attribute.
static void set_reference(struct rs_acting *a, const struct rs_step *step)
{
	const struct rs_graph *g = a->report.graph;
	struct rs_label label =
		rs_report_label(&a->report, step->source, step->edge);

	if (step->folded && label.kind == RS_LABEL_KEY)
		label.kind = RS_LABEL_ATTR;
	a->holder = step->object;
	a->edge = step->edge;
	a->what.label = label;
	a->what.holder = g->address[step->folded ? step->object : step->source];
	a->what.target = g->address[rs_edge_target(g->out[step->edge])];
	a->rt = rs_session_runtime(a->session, g, step->source);
	rs_cycle_path_label(&a->report, step, a->label, sizeof(a->label));
}

static struct rs_error *drop(struct rs_acting *a)
{
	if (!a->rt->ops->rehearse)
		return rs_error_new(RS_EUNSUPPORTED,
				    "%s: only references of CPython objects "
				    "can be dropped in a rehearsal",
				    a->session->source);
	a->what.watch = rs_vec_items(&a->address, uint64_t);
	a->what.watches = rs_vec_count(&a->address, uint64_t);
	return rs_acting_run(a);
}

static struct rs_error *
try_cut(struct rs_acting *a, uint32_t cycle, uint32_t edge)
{
	struct rs_cycle_cut cut = {0};
	struct rs_error *err;

	if ((err = find_runtime(a)) ||
	    (err = rs_report_open(&a->report, a->session, -1)) ||
	    (err = rs_report_reverse(&a->report)))
		return err;
	err = rs_cycles_cut(&a->report, cycle, edge ? edge : 1, &cut);
	for (size_t i = 0; !err && i < rs_vec_count(&cut.member, uint32_t); i++)
		err = watch(a, rs_vec_items(&cut.member, uint32_t)[i]);
	rs_vec_fini(&cut.member);
	if (err)
		return err;
	set_reference(a, &cut.step);
	return drop(a);
}

struct rs_error *
rs_answer_rehearse_cut(struct rs_session *session, uint32_t cycle,
		       uint32_t edge, int64_t interpreter, uint32_t timeout_ms,
		       uint64_t limit, char **ret)
{
	RS_NEED_SESSION(session);
	struct rs_acting a = begin(session, -1, interpreter, timeout_ms, limit);

	return end(&a, try_cut(&a, cycle, edge), ret);
}

// The reference of object @p number that is called @p label; of an instance
// those of its own dict too.
static bool find_edge(struct rs_acting *a, uint32_t number, const char *label,
		      struct rs_step *step)
{
	const struct rs_graph *g = a->report.graph;
	char text[RS_LABEL_SIZE];

	for (uint32_t e = g->out_start[step->source];
	     e < g->out_start[step->source + 1]; e++) {
		step->object = number;
		step->edge = e;
		rs_cycle_path_label(&a->report, step, text, sizeof(text));
		if (strcmp(text, label) == 0)
			return true;
	}
	return false;
}

// The own dict of an instance, or RS_NONE.
static uint32_t own_dict(struct rs_acting *a, uint32_t number)
{
	const struct rs_graph *g = a->report.graph;

	if (!(g->flags[number] & RS_OBJ_INSTANCE))
		return RS_NONE;
	for (uint32_t e = g->out_start[number]; e < g->out_start[number + 1];
	     e++)
		if (rs_report_label(&a->report, number, e).kind ==
		    RS_LABEL_DICT)
			return rs_edge_target(g->out[e]);
	return RS_NONE;
}

static struct rs_error *
try_drop(struct rs_acting *a, uint64_t object, const char *label)
{
	struct rs_step step = {0};
	struct rs_error *err;
	uint32_t number = 0;

	if ((err = find_runtime(a)) ||
	    (err = rs_report_open_at(&a->report, a->session, object, &number)))
		return err;
	step.source = number;
	bool found = find_edge(a, number, label, &step);
	const uint32_t dict = found ? RS_NONE : own_dict(a, number);
	if (dict != RS_NONE) {
		step.source = dict;
		step.folded = true;
		found = find_edge(a, number, label, &step);
	}
	if (!found)
		return rs_error_new(RS_ENOTFOUND,
				    "the object at 0x%" PRIx64
				    " has no reference %.100s (refs show "
				    "lists them)",
				    object, label);
	set_reference(a, &step);
	err = watch_reachable(a,
			      rs_edge_target(a->report.graph->out[step.edge]));
	return err ? err : drop(a);
}

struct rs_error *
rs_answer_rehearse_drop(struct rs_session *session, uint64_t object,
			const char *label, int64_t interpreter,
			uint32_t timeout_ms, uint64_t limit, char **ret)
{
	RS_NEED_SESSION(session);
	struct rs_acting a = begin(session, -1, interpreter, timeout_ms, limit);
	struct rs_error *err;

	if (!label || !*label)
		err = rs_error_new(RS_EARGUMENT,
				   "the label of the reference is missing");
	else
		err = try_drop(&a, object, label);
	return end(&a, err, ret);
}
