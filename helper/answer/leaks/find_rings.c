// SPDX-License-Identifier: MIT
//
// Cycles that no collection will free, and what waits for one.
#include "answer/describe/cycle_reason.h"
#include "answer/describe/type_filter.h"
#include "answer/leaks/ring_path.h"
#include "session/collection.h"

// What becomes of a cycle that nothing in use leads to.
enum rs_ring_fate {
	RS_WAITS, // the next collection frees it
	RS_LISTED, // it is in a garbage list: find_listed.c
	RS_NEVER, // its collector cannot free it, or has it put aside
	RS_OFF, // its collector is switched off
	RS_OUTLIVED, // it survived a full collection, it seems
	RS_HIDDEN, // no collector sees all of it
	RS_DOUBTED, // as RS_OFF, if types tell their collector of all they hold
};

struct rings {
	struct rs_finder *finder;
	// [runtimes] 1: a full collection was the last thing the collector did
	uint8_t *collected;
	struct rs_vec grouped; // struct rs_grouped; object is a component
};

// A full collection sets the counts of all older generations to 0.
static struct rs_error *find_collected(struct rings *r)
{
	const struct rs_session *session = r->finder->report->session;
	struct rs_error *err =
		rs_block_new(session->runtimes, 1, &r->collected);

	for (size_t i = 0; i < session->runtimes && !err; i++) {
		struct rs_runtime *rt = session->runtime[i];
		struct rs_gc_info gc = {0};

		if (rt->gc_increments || rt->gc_collecting || rt->gc_disabled ||
		    rt->collectors > 1)
			continue;
		err = rt->ops->gc(rt, 0, &gc);
		r->collected[i] =
			!err && gc.generations >= 3 &&
			gc.generation[1].has_count && !gc.generation[1].count &&
			gc.generation[2].has_count && !gc.generation[2].count;
	}
	return err;
}

// What is true of all, or of any, members of a cycle.
struct seen {
	bool listed, never, unseen, frozen, young, doubted;
	uint32_t culprit; // a member that no collector sees, or RS_NONE
	bool has_type; // classes are in cycles of their own
	uint32_t instance; // a member with a class as its type, or RS_NONE
};

static struct seen look(const struct rs_finder *f, uint32_t c)
{
	const struct rs_rings *rings = &f->rings;
	const struct rs_graph *g = f->report->graph;
	const uint32_t *member = rs_ring_members(rings, c);
	const uint32_t n = rs_ring_size(rings, c);
	struct seen s = {.culprit = RS_NONE, .instance = RS_NONE};

	for (uint32_t i = 0; i < n; i++) {
		const uint32_t m = member[i];
		const unsigned generation = g->flags[m] & RS_OBJ_GENERATION;
		const uint8_t fate = rings->result->fate[m];

		s.listed |= rings->listed[m];
		s.never |= fate > RS_FATE_FREED;
		s.young |= generation < 2;
		s.doubted |= rings->result->held && rings->result->held[m];
		s.has_type |= (g->flags[m] & RS_OBJ_TYPE) != 0;
		if (s.instance == RS_NONE && rs_ring_is_instance(rings, m))
			s.instance = m;
		if (rs_report_unreachable(fate))
			continue;
		s.unseen = true;
		if (!(g->flags[m] & RS_OBJ_TRACKED))
			s.culprit = m;
		else
			s.frozen |= generation == RS_OBJ_GENERATION;
	}
	return s;
}

static enum rs_ring_fate fate_of(const struct rings *r, uint32_t c)
{
	const struct rs_report *report = r->finder->report;
	const uint32_t first = *rs_ring_members(&r->finder->rings, c);
	const struct rs_runtime *rt =
		rs_session_runtime(report->session, report->graph, first);
	const struct seen s = look(r->finder, c);

	if (s.listed)
		return RS_LISTED;
	if (s.never || (s.frozen && s.culprit == RS_NONE))
		return RS_NEVER;
	if (s.unseen)
		return rt->gc_collecting ? RS_WAITS : RS_HIDDEN;
	if (rt->gc_collecting)
		return RS_WAITS;
	if (rs_session_settings(report->session, report->graph, first).disabled)
		return s.doubted ? RS_DOUBTED : RS_OFF;
	return r->collected[rt->index] && !s.young ? RS_OUTLIVED : RS_WAITS;
}

// The same for cycles of the same types, in whatever order.
static uint64_t shape_of(const struct rings *r, uint32_t c)
{
	const struct rs_finder *f = r->finder;
	const uint32_t *member = rs_ring_members(&f->rings, c);
	const uint32_t n = rs_ring_size(&f->rings, c);
	uint64_t sum = n;

	for (uint32_t i = 0; i < n; i++) {
		uint64_t name = f->name[f->report->graph->type[member[i]]];

		name *= UINT64_C(0x9e3779b97f4a7c15);
		sum += name ^ name >> 31;
	}
	return sum;
}

static struct rs_error *group(struct rings *r)
{
	const uint32_t n = r->finder->rings.components.components;
	struct rs_error *err = NULL;

	for (uint32_t c = 0; c < n && !err; c++) {
		const enum rs_ring_fate fate = fate_of(r, c);
		const struct rs_grouped one = {
			shape_of(r, c) << 3 | (unsigned)fate, c};

		if (fate != RS_WAITS && fate != RS_LISTED)
			err = rs_vec_append(&r->grouped, &one, sizeof(one));
	}
	return err;
}

static uint8_t grade_of(enum rs_ring_fate fate, uint32_t rings)
{
	if (fate == RS_NEVER)
		return RS_CERTAIN;
	if (rings < RS_ALIKE)
		return fate == RS_HIDDEN && rings > 1 ? RS_LIKELY : RS_POSSIBLE;
	return fate == RS_OUTLIVED || fate == RS_DOUBTED ? RS_LIKELY
							 : RS_CERTAIN;
}

static struct rs_error *say_why(struct rs_finder *f, struct rs_finding *finding,
				uint32_t c, enum rs_ring_fate fate,
				uint32_t culprit)
{
	const struct rs_reason_query query = {
		.report = f->report,
		.result = f->rings.result,
		.listed = f->rings.listed,
		.member = rs_ring_members(&f->rings, c),
		.n = rs_ring_size(&f->rings, c),
	};
	char why[RS_REASON_SIZE];

	if (culprit != RS_NONE &&
	    !(f->report->graph->flags[culprit] & RS_OBJ_GC)) {
		char type[RS_KEY_SIZE];

		rs_type_full_name(f->report, f->report->graph->type[culprit],
				  type, sizeof(type));
		return rs_finding_say(
			f, finding,
			"no collector sees the cycle: %s does not support "
			"garbage collection (Py_TPFLAGS_HAVE_GC)",
			type);
	}
	if (fate == RS_OUTLIVED)
		return rs_finding_say(
			f, finding,
			"it has outlived a full collection, as far as the "
			"collector's counts say: a tp_traverse may not visit "
			"all that its object holds");
	rs_reason_text(&query, why, sizeof(why));
	return rs_finding_say(f, finding, "%s", why);
}

static struct rs_error *describe(struct rs_finder *f,
				 struct rs_finding *finding, uint32_t c,
				 enum rs_ring_fate fate, const struct seen *s)
{
	const uint32_t culprit = s->culprit;
	const uint32_t through = culprit != RS_NONE ? culprit
				 : s->has_type	    ? s->instance
						    : RS_NONE;
	char path[2][RS_KEY_SIZE], cut[RS_KEY_SIZE];
	struct rs_error *err = rs_ring_path(f, c, through, path, cut);

	if (err || (err = rs_finding_key(f, finding, "%s %s",
					 rs_finding_kind_text(finding->kind),
					 path[1])))
		return err;
	finding->ring = (uint32_t)f->ret->text.used;
	err = rs_vec_append(&f->ret->text, path[0], strlen(path[0]) + 1);
	if (!err)
		err = say_why(f, finding, c, fate, culprit);
	if (!err && cut[0])
		err = rs_finding_say(f, finding, "dropping %s frees it", cut);
	return err;
}

// What the finding is about is a cycle; all that goes with it is reported.
static struct rs_error *
make(struct rs_finder *f, const uint32_t *ring, uint32_t rings, uint64_t key)
{
	const enum rs_ring_fate fate = key & 7;
	struct rs_vec object = {0};
	struct rs_finding *finding = NULL;
	struct rs_error *err = NULL;

	for (uint32_t i = 0; i < rings && !err; i++)
		err = rs_vec_append(
			&object, rs_ring_members(&f->rings, ring[i]),
			rs_ring_size(&f->rings, ring[i]) * sizeof(uint32_t));
	if (!err)
		err = rs_finding_begin(
			f,
			fate == RS_HIDDEN ? RS_FINDING_HIDDEN_RING
					  : RS_FINDING_DEAD_RING,
			rs_vec_items(&object, uint32_t),
			(uint32_t)rs_vec_count(&object, uint32_t), &finding);
	rs_vec_fini(&object);
	if (err)
		return err;
	for (size_t i = 0; i < rs_vec_count(&f->queue, uint32_t); i++)
		f->reported[rs_vec_items(&f->queue, uint32_t)[i]] = 1;
	finding->rings = rings;
	finding->grade = grade_of(fate, rings);
	const struct seen s = look(f, ring[0]);
	// An object of the program's says more than its __dict__ would.
	const uint32_t example = s.culprit != RS_NONE ? s.culprit
				 : s.has_type	      ? RS_NONE
						      : s.instance;
	if (example != RS_NONE) {
		finding->example = example;
		finding->type = f->report->graph->type[example];
	}
	return describe(f, finding, ring[0], fate, &s);
}

static void add_up_waiting(struct rs_finder *f)
{
	const struct rs_graph *g = f->report->graph;

	for (uint32_t i = 0; i < g->objects; i++) {
		if (f->reported[i] ||
		    !rs_report_unreachable(f->rings.result->fate[i]))
			continue;
		f->ret->waiting++;
		f->ret->waiting_bytes += rs_graph_size(g, i);
		f->reported[i] = 1;
	}
}

struct rs_error *rs_find_rings(struct rs_finder *finder)
{
	struct rings r = {.finder = finder};
	struct rs_error *err = find_collected(&r);

	if (!err)
		err = group(&r);
	if (!err)
		err = rs_grouped_make(finder, &r.grouped, make);
	if (!err)
		add_up_waiting(finder);
	rs_block_free(r.collected, finder->report->session->runtimes, 1);
	rs_vec_fini(&r.grouped);
	return err;
}
