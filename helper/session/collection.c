// SPDX-License-Identifier: MIT
#include "session/collection.h"

#include "base/cleanup.h"
#include "graph/doubts.h"
#include "session/build.h"
#include "session/hidden_garbage.h"

struct run {
	struct rs_session *session;
	struct rs_graph *graph;
	const struct rs_collection_options *how;
	struct rs_collect_result sum; // of the collectors so far
	uint8_t *group; // [groups] the collector of each object; NULL: only one
	uint32_t groups;
};

// Add the result of another collector. No object has two collectors.
static void
add_fates(struct rs_collect_result *sum, struct rs_collect_result *one)
{
	if (!sum->fate) {
		*sum = *one;
		*one = (struct rs_collect_result){0};
		return;
	}
	for (uint32_t i = 0; i < sum->objects; i++)
		if (one->fate[i] != RS_FATE_OUTSIDE)
			sum->fate[i] = one->fate[i];
	sum->unreachable += one->unreachable;
	sum->uncollectable += one->uncollectable;
	sum->garbage += one->garbage;
	sum->least += one->least;
	sum->most += one->most;
	if (!sum->doubtful) {
		sum->doubtful = one->doubtful;
		sum->types = one->types;
		one->doubtful = NULL;
	}
	if (!sum->held) {
		sum->held = one->held;
		one->held = NULL;
	}
	for (uint32_t i = 0; one->held && i < sum->objects; i++)
		sum->held[i] |= one->held[i];
	for (uint32_t t = 0; one->doubtful && t < sum->types; t++)
		sum->doubtful[t] += one->doubtful[t];
}

// Whether the result depends on what is guessed of members of @p rt.
static struct rs_error *
depends_on_guesses(const struct run *run, struct rs_runtime *rt, bool *ret)
{
	const struct rs_graph *g = run->graph;
	RS_CLEANUP(rs_vec_fini) struct rs_vec object = {0};
	struct rs_error *err = NULL;

	*ret = false;
	if (rt->ops->query_adds) // says what was not read in words of its own
		return NULL;
	for (uint32_t i = 0; i < g->objects && !err; i++)
		if ((g->flags[i] & RS_OBJ_INEXACT) &&
		    (g->flags[i] & RS_OBJ_TRACKED) &&
		    rs_graph_runtime(g, i) == rt->index)
			err = rs_vec_append(&object, &g->address[i],
					    sizeof(g->address[i]));
	const size_t n = rs_vec_count(&object, uint64_t);
	if (!err && n)
		*ret = !rt->ops->affects_collection ||
		       rt->ops->affects_collection(
			       rt, rs_vec_items(&object, uint64_t), n);
	return err;
}

static struct rs_error *mark_group(struct run *run, struct rs_runtime *rt,
				   uint8_t number, uint64_t *tracked)
{
	struct rs_found found = {0};
	struct rs_error *err =
		rt->ops->members(rt, number, &found, &run->session->progress);
	const uint64_t *address = rs_vec_items(&found.address, uint64_t);
	const uint16_t *mark = rs_vec_items(&found.mark, uint16_t);
	const size_t n = err ? 0 : rs_vec_count(&found.address, uint64_t);

	for (size_t i = 0; i < n; i++) {
		const uint32_t object =
			rs_addrmap_takes(address[i])
				? rs_graph_find(run->graph, address[i])
				: RS_NONE;

		if (object == RS_NONE)
			continue;
		run->group[object] = number;
		*tracked += (mark[i] & RS_OBJ_GENERATION) <= 2;
	}
	rs_found_fini(&found);
	return err;
}

static enum rs_rules rules_of(struct rs_runtime *rt, unsigned number)
{
	return rt->ops->collector_rules ? rt->ops->collector_rules(rt, number)
					: rt->rules;
}

static struct rs_error *collect(struct run *run, struct rs_runtime *rt,
				uint8_t which, struct rs_collector_result *ret)
{
	const struct rs_collect_options options = {
		.generation = run->how->generation,
		.rules = run->how->rules ? *run->how->rules
					 : rules_of(rt, which),
		.runtime = rt->index,
		.group = run->group,
		.which = which,
	};
	struct rs_collect_result one = {0};
	const struct rs_progress *progress = &run->session->progress;
	bool guesses;
	struct rs_error *err =
		rs_graph_collect(run->graph, &options, progress, &one);

	if (!err)
		err = depends_on_guesses(run, rt, &guesses);
	if (!err)
		err = rs_graph_doubts(run->graph, &options, guesses, progress,
				      &one);
	if (!err && guesses)
		err = rs_hidden_garbage(run->session, run->graph, rt, &one);
	if (err) {
		rs_collect_result_fini(&one);
		return err;
	}
	ret->unreachable = one.unreachable;
	ret->uncollectable = one.uncollectable;
	add_fates(&run->sum, &one);
	rs_collect_result_fini(&one);
	return NULL;
}

// Run the collectors of each interpreter.
static struct rs_error *
collect_each(struct run *run, struct rs_runtime *rt, struct rs_vec *each)
{
	struct rs_vec all = {0};
	struct rs_error *err;

	run->groups = run->graph->objects;
	if ((err = rs_block_new(run->groups, sizeof(*run->group), &run->group)))
		return err;
	for (unsigned i = 0; i < rt->collectors && !err; i++) {
		struct rs_collector_result one = {
			.id = rt->ops->collector_id(rt, i),
			.name = rt->ops->collector_name
					? rt->ops->collector_name(rt, i)
					: NULL,
		};

		err = mark_group(run, rt, (uint8_t)i, &one.tracked);
		if (!err)
			err = rs_vec_append(&all, &one, sizeof(one));
	}
	struct rs_collector_result *one =
		rs_vec_items(&all, struct rs_collector_result);
	for (unsigned i = 0; i < rt->collectors && !err; i++) {
		err = collect(run, rt, (uint8_t)i, &one[i]);
		if (!err && each)
			err = rs_vec_append(each, &one[i], sizeof(one[i]));
	}
	rs_vec_fini(&all);
	rs_block_free(run->group, run->groups, sizeof(*run->group));
	run->group = NULL;
	return err;
}

struct rs_collector_settings
rs_session_settings(const struct rs_session *session,
		    const struct rs_graph *graph, uint32_t number)
{
	struct rs_runtime *rt = rs_session_runtime(session, graph, number);
	struct rs_collector_settings settings = {
		.rules = rt->rules,
		.disabled = rt->gc_disabled,
		.saveall = rt->gc_saveall,
	};

	if (rt->ops->collector_settings)
		rt->ops->collector_settings(rt, graph->address[number],
					    &settings);
	return settings;
}

struct rs_error *
rs_session_collect(struct rs_session *session, struct rs_graph *graph,
		   const struct rs_collection_options *how,
		   struct rs_collect_result *ret, struct rs_vec *each)
{
	struct run run = {.session = session, .graph = graph, .how = how};
	struct rs_error *err = NULL;

	for (size_t i = 0; i < session->runtimes && !err; i++) {
		struct rs_runtime *rt = session->runtime[i];
		struct rs_collector_result only;

		err = rt->collectors > 1 ? collect_each(&run, rt, each)
					 : collect(&run, rt, 0, &only);
	}
	if (err)
		rs_collect_result_fini(&run.sum);
	else
		*ret = run.sum;
	return err;
}

struct rs_error *rs_session_collect_full(struct rs_session *session,
					 struct rs_graph *graph,
					 struct rs_collect_result *ret)
{
	const struct rs_collection_options full = {.generation = 2};

	return rs_session_collect(session, graph, &full, ret, NULL);
}
