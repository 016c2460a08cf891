// SPDX-License-Identifier: MIT
//
// rs_answer_act(): what librefscope named, beside what reading finds.
#include "action/live/act.h"
#include "answer/describe/report.h"
#include "base/search.h"

#include <inttypes.h>
#include <stdlib.h>

struct comparison {
	struct rs_report report;
	const struct rs_act *act;
	uint32_t registry;
	struct rs_vec own, read; // uint64_t addresses, ascending
	uint64_t callbacks;
};

static bool add(struct rs_vec *list, uint64_t address)
{
	uint64_t *slot = rs_vec_push(list, sizeof(*slot));

	if (slot)
		*slot = address;
	return slot;
}

// Whether object @p i is tracked by the copy that was called.
static bool is_tracked(const struct comparison *c, uint32_t i)
{
	const struct rs_graph *g = c->report.graph;
	const struct rs_native *native = rs_native_of(
		rs_session_runtime_named(c->report.session, "native"));
	const uint32_t n = rs_addrmap_number(&native->map, g->address[i]);

	return n != RS_NONE &&
	       rs_native_entry_registry(native->entry[n]) == c->registry;
}

// --- By reading.

static struct rs_error *read_garbage(struct comparison *c)
{
	const struct rs_graph *g = c->report.graph;
	const struct rs_collect_result *full;
	struct rs_error *err = rs_report_full_collection(&c->report, &full);

	for (uint32_t i = 0; !err && i < g->objects; i++)
		if (rs_report_unreachable(full->fate[i]) && is_tracked(c, i) &&
		    !add(&c->read, g->address[i]))
			err = &rs_enomem;
	return err;
}

static struct rs_error *
walk(struct comparison *c, uint32_t from, uint8_t *seen, struct rs_vec *queue)
{
	const struct rs_graph *g = c->report.graph;
	uint32_t *slot = rs_vec_push(queue, sizeof(*slot));

	if (!slot)
		return &rs_enomem;
	*slot = from;
	seen[from] = 1;
	for (size_t k = 0; k < rs_vec_count(queue, uint32_t); k++) {
		const uint32_t i = rs_vec_items(queue, uint32_t)[k];

		if (!add(&c->read, g->address[i]))
			return &rs_enomem;
		for (uint32_t e = g->out_start[i]; e < g->out_start[i + 1];
		     e++) {
			const uint32_t target = rs_edge_target(g->out[e]);

			if (!rs_edge_counted(g->out[e]) || seen[target] ||
			    !is_tracked(c, target))
				continue;
			if (!(slot = rs_vec_push(queue, sizeof(*slot))))
				return &rs_enomem;
			*slot = target;
			seen[target] = 1;
		}
	}
	return NULL;
}

static struct rs_error *read_walk(struct comparison *c, uint32_t from)
{
	const uint32_t n = c->report.graph->objects;
	struct rs_vec queue = {0};
	uint8_t *seen;
	struct rs_error *err = rs_block_new(n, 1, &seen);

	if (err)
		return err;
	err = walk(c, from, seen, &queue);
	rs_block_free(seen, n, 1);
	rs_vec_fini(&queue);
	return err;
}

static struct rs_error *read_referrers(struct comparison *c, uint32_t of)
{
	const struct rs_graph *g = c->report.graph;
	struct rs_error *err = rs_report_reverse(&c->report);
	struct rs_holders holders;

	if (err)
		return err;
	rs_holders_init(&holders, g, of);
	while (rs_holders_next(&holders))
		if (rs_edge_counted(g->out[holders.edge]) &&
		    is_tracked(c, holders.source) &&
		    !add(&c->read, g->address[holders.source]))
			return &rs_enomem;
	return NULL;
}

static struct rs_error *read_answer(struct comparison *c)
{
	struct rs_error *err;
	uint32_t object;

	if (c->act->call == RS_ACT_FIND_GARBAGE)
		return read_garbage(c);
	if ((err = rs_report_find(&c->report, c->act->object, &object)))
		return err;
	return c->act->call == RS_ACT_WALK ? read_walk(c, object)
					   : read_referrers(c, object);
}

// Objects of types with traverse callbacks, which reading cannot call.
static void count_callbacks(struct comparison *c)
{
	struct rs_native *native = rs_native_of(
		rs_session_runtime_named(c->report.session, "native"));

	for (uint32_t i = 0; i < native->map.count; i++)
		c->callbacks += rs_native_entry_registry(native->entry[i]) ==
					c->registry &&
				rs_native_entry_is(native, native->entry[i])
					->raw.traverse;
}

// --- Its own.

static struct rs_error *load_own(struct comparison *c)
{
	const struct rs_act *a = c->act;
	struct rs_act_result now = {.size = sizeof(now)};
	struct rs_error *err = rs_act_look((struct rs_act *)a, &now);

	if (err)
		return err;
	if (now.state != RS_ACT_DONE)
		return rs_error_new(RS_EARGUMENT, "the call is not done");
	const uint64_t n = now.listed;
	if (n > a->room)
		return rs_error_new(RS_EUNSUPPORTED,
				    "it named %" PRIu64 " objects, and there "
				    "was room for %" PRIu64,
				    n, a->room);
	if ((err = rs_vec_reserve(&c->own, n * sizeof(uint64_t))))
		return err;
	if (n && !rs_act_get(a, a->stack, c->own.data, n * sizeof(uint64_t)))
		return rs_act_cannot(a, "its memory cannot be read");
	c->own.used = n * sizeof(uint64_t);
	return NULL;
}

static int ascending(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void sort(struct rs_vec *list)
{
	if (list->used)
		qsort(list->data, rs_vec_count(list, uint64_t),
		      sizeof(uint64_t), ascending);
}

// --- The difference.

// Those of @p a that are not in @p b, each as often as it is more.
static struct rs_error *
subtract(const struct rs_vec *a, const struct rs_vec *b, struct rs_vec *ret)
{
	const uint64_t *x = rs_vec_items(a, const uint64_t);
	const uint64_t *y = rs_vec_items(b, const uint64_t);
	const size_t n = rs_vec_count(a, uint64_t);
	const size_t m = rs_vec_count(b, uint64_t);

	for (size_t i = 0, k = 0; i < n; i++) {
		while (k < m && y[k] < x[i])
			k++;
		if (k < m && y[k] == x[i])
			k++;
		else if (!add(ret, x[i]))
			return &rs_enomem;
	}
	return NULL;
}

static bool write_objects(struct comparison *c, const char *key,
			  const struct rs_vec *list, uint64_t limit)
{
	const uint64_t *address = rs_vec_items(list, const uint64_t);
	const size_t n = rs_vec_count(list, uint64_t);
	struct rs_json *j = &c->report.json;
	size_t shown = 0;

	rs_json_key(j, key);
	rs_json_begin_array(j);
	for (size_t i = 0; i < n && !rs_report_full(shown, limit); i++) {
		const uint32_t at = rs_graph_find(c->report.graph, address[i]);

		if (at == RS_NONE)
			continue;
		rs_report_object(&c->report, at);
		shown++;
	}
	rs_json_end_array(j);
	return shown == n;
}

static struct rs_error *
compare(struct comparison *c, uint64_t limit, char **ret)
{
	struct rs_json *j = &c->report.json;
	struct rs_vec only_own = {0}, only_read = {0};
	struct rs_error *err = subtract(&c->own, &c->read, &only_own);

	if (!err)
		err = subtract(&c->read, &c->own, &only_read);
	if (!err) {
		rs_json_begin_object(j);
		rs_json_key_uint(j, "own", rs_vec_count(&c->own, uint64_t));
		rs_json_key_uint(j, "read", rs_vec_count(&c->read, uint64_t));
		rs_json_key_uint(j, "only_own",
				 rs_vec_count(&only_own, uint64_t));
		rs_json_key_uint(j, "only_read",
				 rs_vec_count(&only_read, uint64_t));
		rs_json_key_uint(j, "callbacks", c->callbacks);
		const bool all =
			write_objects(c, "own_objects", &only_own, limit);
		const bool whole =
			write_objects(c, "read_objects", &only_read, limit);
		rs_json_key_bool(j, "limited", !all || !whole);
		err = rs_report_take(&c->report, ret);
	}
	rs_vec_fini(&only_own);
	rs_vec_fini(&only_read);
	return err;
}

struct rs_error *rs_answer_act(struct rs_session *session, struct rs_act *act,
			       uint64_t limit, char **ret)
{
	RS_NEED_SESSION(session);
	struct comparison c = {.act = act};
	struct rs_error *err;

	if (!act || act->call < RS_ACT_FIND_GARBAGE)
		return rs_error_new(RS_EARGUMENT, "there is no such call");
	if (!rs_session_runtime_named(session, "native"))
		return rs_error_new(RS_ENOTFOUND, "%s: no librefscope",
				    session->source);
	c.registry = act->registry;
	err = rs_report_open(&c.report, session, -1);
	if (!err)
		err = load_own(&c);
	if (!err)
		err = read_answer(&c);
	if (!err) {
		count_callbacks(&c);
		sort(&c.own);
		sort(&c.read);
		err = compare(&c, limit, ret);
	}
	rs_vec_fini(&c.own);
	rs_vec_fini(&c.read);
	rs_report_fini(&c.report);
	return err;
}
