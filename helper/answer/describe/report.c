// SPDX-License-Identifier: MIT
#include "answer/describe/report.h"

#include <inttypes.h>
#include <stdio.h>

struct rs_error *
rs_report_open(struct rs_report *report, struct rs_session *session, int fd)
{
	struct rs_graph *graph = NULL;
	struct rs_error *err;

	*report = (struct rs_report){.session = session};
	rs_json_init(&report->json, fd);
	err = rs_session_graph(session, &graph);
	if (err)
		return err;
	report->graph = graph;
	if ((err = rs_reading_init(&report->reading)))
		return err;
	return rs_reading_init(&report->owner);
}

void rs_report_fini(struct rs_report *report)
{
	if (!report->session)
		return;
	rs_json_fini(&report->json);
	rs_reading_fini(&report->reading);
	rs_reading_fini(&report->owner);
	rs_error_free(report->interrupted);
	report->interrupted = NULL;
	if (report->rooted)
		rs_block_free(report->rooted, report->graph->objects,
			      sizeof(*report->rooted));
	report->session = NULL;
}

enum { RS_NEAR = 1 << 16 }; // bytes; an object further away is not mentioned

// How many bytes at the address of object @p number certainly belong to it.
static uint64_t own_size(const struct rs_report *report, uint32_t number)
{
	const struct rs_graph *g = report->graph;
	struct rs_runtime *rt = rs_session_runtime(report->session, g, number);

	const uint64_t size = rs_graph_size(g, number);

	return rt->ops->own_size
		       ? rt->ops->own_size(rt, g->address[number], size)
		       : size;
}

// The object that contains @p address, or RS_NONE.
static uint32_t around(const struct rs_report *report, uint64_t address)
{
	const struct rs_graph *g = report->graph;
	const uint64_t floor = rs_addrmap_floor(&g->map, address);
	const uint32_t below = floor ? rs_graph_find(g, floor) : RS_NONE;

	if (below == RS_NONE || address - floor >= own_size(report, below))
		return RS_NONE;
	return below;
}

// Write `; the nearest object is <dict 0x..> (232 bytes), 24 bytes below`.
static void nearest(const struct rs_report *report, uint64_t address, char *buf,
		    size_t size)
{
	const struct rs_graph *g = report->graph;
	const uint64_t floor = rs_addrmap_floor(&g->map, address);
	const uint32_t below = floor ? rs_graph_find(g, floor) : RS_NONE;
	const uint32_t above = below == RS_NONE ? 0 : below + 1;
	const uint64_t down = below == RS_NONE ? UINT64_MAX : address - floor;
	uint64_t up = UINT64_MAX;
	char name[RS_NAME_SIZE];

	buf[0] = '\0';
	if (above < g->objects)
		up = g->address[above] - address;
	const uint32_t n = below == RS_NONE || up < down ? above : below;
	const uint64_t distance = n == above ? up : down;

	if (n >= g->objects || distance > RS_NEAR)
		return;
	rs_report_name(report, n, name, sizeof(name));
	(void)snprintf(buf, size,
		       "; the nearest object is %s (%" PRIu64
		       " bytes), %" PRIu64 " bytes %s",
		       name, rs_graph_size(g, n), distance,
		       n == above ? "above" : "below");
}

static struct rs_error *
nothing_at(const struct rs_report *report, uint64_t address)
{
	struct rs_memory *memory = report->session->memory;
	char near[RS_NAME_SIZE + 96];

	if (!rs_memory_at(memory, address, 1))
		return rs_error_new(
			RS_ENOTFOUND,
			"no object at 0x%" PRIx64
			": nothing readable is mapped there; take "
			"an address from \"refs objects\" or \"refs "
			"collect\", or use -name MODULE.ATTR",
			address);

	const uint32_t inside = around(report, address);
	if (inside != RS_NONE) {
		rs_report_name(report, inside, near, sizeof(near));
		return rs_error_new(RS_ENOTFOUND,
				    "no object at 0x%" PRIx64
				    ": it is inside %s (%" PRIu64
				    " bytes in); try that",
				    address, near,
				    address - report->graph->address[inside]);
	}
	nearest(report, address, near, sizeof(near));
	const struct rs_module *module = rs_memory_module(memory, address);
	if (module)
		return rs_error_new(
			RS_ENOTFOUND,
			"no object at 0x%" PRIx64 ": it is in %s, %" PRIu64
			" bytes from its start%s",
			address, module->path, address - module->start, near);
	return rs_error_new(RS_ENOTFOUND,
			    "no object at 0x%" PRIx64
			    ": it is mapped, but no collector tracks an object "
			    "there, and no reference leads to it%s",
			    address, near);
}

struct rs_error *
rs_report_find(struct rs_report *report, uint64_t address, uint32_t *ret)
{
	const uint32_t n = rs_graph_find(report->graph, address);

	if (n == RS_NONE)
		return nothing_at(report, address);
	*ret = n;
	return NULL;
}

struct rs_error *rs_report_open_at(struct rs_report *report,
				   struct rs_session *session, uint64_t address,
				   uint32_t *ret)
{
	struct rs_error *err = rs_report_open(report, session, -1);

	return err ? err : rs_report_find(report, address, ret);
}

struct rs_error *rs_report_full_collection(struct rs_report *report,
					   const struct rs_collect_result **ret)
{
	struct rs_session *session = report->session;

	if (!session->has_full_collection) {
		struct rs_error *err = rs_session_collect_full(
			session, report->graph, &session->full_collection);
		if (err)
			return err;
		session->has_full_collection = true;
	}
	*ret = report->collection = &session->full_collection;
	return NULL;
}

struct rs_error *rs_report_reverse(struct rs_report *report)
{
	const struct rs_graph *g = report->graph;
	const struct rs_root *root = rs_vec_items(&g->root, struct rs_root);
	const size_t roots = rs_vec_count(&g->root, struct rs_root);
	struct rs_error *err =
		rs_graph_reverse(report->graph, &report->session->progress);

	if (err || report->rooted ||
	    (err = rs_block_new(g->objects, sizeof(*report->rooted),
				&report->rooted)))
		return err;
	for (size_t i = 0; i < roots; i++) {
		struct rs_rooted *r = &report->rooted[root[i].target];
		r->counted += rs_report_root_counted(&root[i]);
		r->words += !rs_report_root_counted(&root[i]);
	}
	return NULL;
}

struct rs_error *rs_report_garbage(struct rs_report *report, struct rs_vec *ret)
{
	struct rs_session *session = report->session;
	struct rs_vec address = {0};
	struct rs_error *err = NULL;

	for (size_t i = 0; i < session->runtimes && !err; i++)
		err = session->runtime[i]->ops->garbage(session->runtime[i],
							&address);
	const uint64_t *a = rs_vec_items(&address, uint64_t);
	const size_t n = rs_vec_count(&address, uint64_t);
	for (size_t i = 0; i < n && !err; i++) {
		const uint32_t number = rs_graph_find(report->graph, a[i]);
		if (number == RS_NONE)
			continue;
		uint32_t *slot = rs_vec_push(ret, sizeof(*slot));
		if (slot)
			*slot = number;
		else
			err = &rs_enomem;
	}
	rs_vec_fini(&address);
	return err;
}

struct rs_error *
rs_report_checked(const struct rs_session *session, struct rs_error *err)
{
	struct rs_error *changed = rs_memory_check(session->memory);

	if (!changed)
		return err;
	rs_error_free(err);
	return changed;
}

struct rs_error *rs_report_end(const struct rs_session *session,
			       struct rs_json *json, struct rs_error *err,
			       char **ret)
{
	err = rs_report_checked(session, err);
	if (!err)
		err = rs_json_take(json, ret);
	rs_json_fini(json);
	return err;
}

struct rs_error *rs_report_take(struct rs_report *report, char **ret)
{
	struct rs_error *err = rs_report_checked(report->session,
						 rs_take(&report->interrupted));

	if (err)
		return err;
	if (!report->has_problems)
		rs_report_problems(&report->json, report->session, false);
	rs_report_uncertain(&report->json, report->graph, report->collection);
	rs_report_completeness(&report->json, report->session);
	rs_json_end_object(&report->json);
	return rs_json_take(&report->json, ret);
}
