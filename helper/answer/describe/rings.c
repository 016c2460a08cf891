// SPDX-License-Identifier: MIT
#include "answer/describe/rings.h"

#include "answer/describe/garbage_marks.h"

void rs_rings_fini(struct rs_rings *rings)
{
	if (!rings->report)
		return;
	const struct rs_graph *g = rings->report->graph;

	rs_vec_fini(&rings->garbage);
	rs_block_free(rings->ring, rings->components.components,
		      sizeof(*rings->ring));
	rs_components_fini(&rings->components);
	if (rings->listed)
		rs_block_free(rings->listed, g->objects, 1);
	if (rings->member)
		rs_block_free(rings->member, g->objects, 1);
}

// Largest first, then by number, which is the same for the same target.
static int by_bytes(const void *left, const void *right)
{
	const struct rs_ring *a = left, *b = right;

	if (a->bytes != b->bytes)
		return a->bytes > b->bytes ? -1 : 1;
	return a->component < b->component ? -1 : a->component > b->component;
}

static struct rs_error *find(struct rs_rings *c)
{
	struct rs_report *report = c->report;
	const struct rs_graph *g = report->graph;
	struct rs_error *err;

	if ((err = rs_report_full_collection(report, &c->result)) ||
	    (err = rs_report_garbage(report, &c->garbage)) ||
	    (err = rs_report_unreachable_any(report, &c->member)) ||
	    (err = rs_block_new(g->objects, 1, &c->listed)))
		return err;
	for (size_t i = 0; i < rs_vec_count(&c->garbage, uint32_t); i++)
		c->listed[rs_vec_items(&c->garbage, uint32_t)[i]] = 1;
	for (uint32_t i = 0; i < g->objects; i++) {
		c->member[i] |= rs_report_unreachable(c->result->fate[i]);
		c->member[i] ^= c->alive;
	}
	return rs_graph_components(g, c->member, &report->session->progress,
				   &c->components);
}

static struct rs_error *weigh(struct rs_rings *c)
{
	const struct rs_graph *g = c->report->graph;
	const struct rs_components *k = &c->components;
	struct rs_vec queue = {0};
	uint32_t *left = NULL;
	struct rs_error *err =
		rs_block_new(k->components, sizeof(*c->ring), &c->ring);

	if (!err)
		err = rs_block_new(g->objects, sizeof(*left), &left);
	for (uint32_t i = 0; i < k->components && !err; i++) {
		if ((k->start[i] ^ k->start[i + 1]) / RS_TICK || i == 0)
			err = rs_progress_tick(&c->report->session->progress,
					       "computing sizes of cycles", i,
					       k->components);
		if (err)
			break;
		c->ring[i].component = i;
		err = rs_graph_bytes_with(g, rs_ring_members(c, i),
					  rs_ring_size(c, i), left, &queue,
					  &c->ring[i].bytes);
	}
	if (left)
		rs_block_free(left, g->objects, sizeof(*left));
	rs_vec_fini(&queue);
	if (!err && k->components)
		qsort(c->ring, k->components, sizeof(*c->ring), by_bytes);
	return err;
}

struct rs_error *
rs_rings_find(struct rs_report *report, bool alive, struct rs_rings *ret)
{
	*ret = (struct rs_rings){.report = report, .alive = alive};
	struct rs_error *err = find(ret);

	return err ? err : weigh(ret);
}

bool rs_ring_is_instance(const struct rs_rings *rings, uint32_t object)
{
	const struct rs_graph *g = rings->report->graph;
	const uint32_t type =
		rs_graph_find(g, g->type_row[g->type[object]].address);

	return type != RS_NONE && !(g->flags[object] & RS_OBJ_TYPE) &&
	       !(g->flags[type] & RS_OBJ_STATIC);
}

uint32_t rs_ring_through(const struct rs_rings *rings, uint32_t i)
{
	const struct rs_graph *g = rings->report->graph;
	const uint32_t *member = rs_ring_members(rings, i);
	const uint32_t n = rs_ring_size(rings, i);
	uint32_t instance = RS_NONE, culprit = RS_NONE;
	bool has_type = false;

	for (uint32_t m = 0; m < n; m++) {
		const uint32_t o = member[m];

		has_type |= (g->flags[o] & RS_OBJ_TYPE) != 0;
		if (instance == RS_NONE && rs_ring_is_instance(rings, o))
			instance = o;
		if (culprit == RS_NONE && !(g->flags[o] & RS_OBJ_TRACKED) &&
		    !rs_report_unreachable(rings->result->fate[o]))
			culprit = o;
	}
	if (!has_type)
		return RS_NONE;
	return culprit != RS_NONE && !rings->alive ? culprit : instance;
}
