// SPDX-License-Identifier: MIT
//
// References to memory in which there is no object any more.
#include "answer/describe/dangling.h"
#include "answer/describe/type_filter.h"
#include "answer/leaks/findings.h"

#include <inttypes.h>

// The first reference of @p source that leads to no object. Those
// of one holder stand side by side.
static const struct rs_dangling *
first_of(const struct rs_graph *g, uint32_t source, uint64_t *references)
{
	const struct rs_dangling *d =
		rs_vec_items(&g->dangling, struct rs_dangling);
	const size_t n = rs_vec_count(&g->dangling, struct rs_dangling);
	size_t i = 0;

	while (i < n && d[i].source != source)
		i++;
	const struct rs_dangling *first = &d[i];
	for (; i < n && d[i].source == source; i++)
		++*references;
	return first;
}

// Of very many only the first are kept.
static struct rs_error *
say_kept(struct rs_finder *f, struct rs_finding *finding)
{
	const struct rs_graph *g = f->report->graph;
	const size_t kept = rs_vec_count(&g->dangling, struct rs_dangling);

	if (kept == g->danglings)
		return NULL;
	return rs_finding_say(f, finding,
			      "numbers are too small: of %" PRIu64
			      " such references in the heap only the first %zu "
			      "were looked at",
			      g->danglings, kept);
}

static struct rs_error *make(struct rs_finder *f, const uint32_t *object,
			     uint32_t objects, uint64_t key)
{
	struct rs_report *report = f->report;
	struct rs_runtime *rt =
		rs_session_runtime(report->session, report->graph, object[0]);
	char type[RS_KEY_SIZE], label[RS_LABEL_SIZE];
	char there[RS_TEXT_SIZE] = "memory that holds no object";
	struct rs_finding *finding;
	struct rs_error *err = rs_finding_begin(f, RS_FINDING_DANGLING, object,
						objects, &finding);

	(void)key;
	if (err)
		return err;
	const struct rs_dangling *d =
		first_of(report->graph, object[0], &finding->references);
	uint64_t other = 0;
	for (uint32_t i = 1; i < objects; i++, other = 0) {
		(void)first_of(report->graph, object[i], &other);
		finding->references += other;
	}
	finding->bytes = 0;
	finding->grade = rt->gc_collecting ? RS_POSSIBLE : RS_CERTAIN;
	rs_dangling_label(report, object[0], d->target, label, sizeof(label));
	if (rt->ops->freed_text)
		rt->ops->freed_text(rt, d->target, there, sizeof(there));
	err = rs_finding_say(f, finding, "%s leads to 0x%" PRIx64 ": %s",
			     label[0] ? label : "a reference", d->target,
			     there);
	if (!err)
		err = say_kept(f, finding);
	if (err)
		return err;
	rs_type_full_name(report, finding->type, type, sizeof(type));
	return rs_finding_key(f, finding, "dangling %s", type);
}

struct rs_error *rs_find_dangling(struct rs_finder *finder)
{
	const struct rs_graph *g = finder->report->graph;
	const struct rs_dangling *d =
		rs_vec_items(&g->dangling, struct rs_dangling);
	const size_t n = rs_vec_count(&g->dangling, struct rs_dangling);
	struct rs_vec grouped = {0};
	struct rs_error *err = NULL;

	for (size_t i = 0; i < n && !err; i++) {
		const struct rs_grouped one = {
			finder->name[g->type[d[i].source]], d[i].source};

		// Those of one holder stand side by side.
		if (!i || d[i].source != d[i - 1].source)
			err = rs_vec_append(&grouped, &one, sizeof(one));
	}
	if (!err)
		err = rs_grouped_make(finder, &grouped, make);
	rs_vec_fini(&grouped);
	return err;
}
