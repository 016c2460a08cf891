// SPDX-License-Identifier: MIT
#include "answer/describe/listing.h"

// A listing that is being written.
struct writer {
	const struct rs_listing *list;
	struct rs_json *json;
	// uint32_t: objects with a finalizer, then those they refer to
	struct rs_vec kept;
	bool held_by_finalizer; // a finalizer is the only reason there is
	uint8_t *seen; // [objects] 1: in kept
	uint64_t limit, shown;
};

static struct rs_error *keep(struct writer *w, uint32_t i)
{
	if (w->seen[i])
		return NULL;
	w->seen[i] = 1;
	return rs_vec_append(&w->kept, &i, sizeof(i));
}

static struct rs_error *keep_held(struct writer *w, uint32_t i)
{
	const struct rs_graph *g = w->list->graph;
	struct rs_error *err = NULL;

	for (uint32_t e = g->out_start[i]; e < g->out_start[i + 1] && !err;
	     e++) {
		const uint32_t t = rs_edge_target(g->out[e]);
		if (w->list->result->fate[t] == RS_FATE_KEPT &&
		    rs_edge_kind(g->out[e]) == RS_STRONG)
			err = keep(w, t);
	}
	return err;
}

// Source: CPython 2.7 Modules/gcmodule.c, move_finalizers() and
// move_finalizer_reachable(): a list to which objects are appended while it is
// walked. It begins with the oldest object there, and here with the one at the
// lowest address, because the graph does not know the age.
static struct rs_error *find_kept(struct writer *w)
{
	const uint8_t *fate = w->list->result->fate;
	struct rs_error *err = NULL;

	for (uint32_t i = 0; i < w->list->graph->objects && !err; i++) {
		if (fate[i] == RS_FATE_FINALIZER)
			err = keep(w, i);
	}
	for (uint32_t i = 0; i < w->list->graph->objects && !err; i++) {
		if (fate[i] != RS_FATE_UNFREEABLE)
			continue;
		w->held_by_finalizer = false;
		err = keep(w, i);
	}
	for (size_t k = 0; k < rs_vec_count(&w->kept, uint32_t) && !err; k++)
		err = keep_held(w, rs_vec_items(&w->kept, uint32_t)[k]);
	return err;
}

static void write_object(struct writer *w, uint32_t i, const char *why)
{
	const struct rs_listing *l = w->list;
	char name[RS_NAME_SIZE];

	if (rs_report_full(w->shown, w->limit))
		return;
	w->shown++;
	rs_json_begin_object(w->json);
	rs_json_key_address(w->json, "id", l->graph->address[i]);
	rs_json_key_string(w->json, "type", rs_report_type(l->graph, i));
	if (rs_report_own_name(l->session, l->graph, i, name, sizeof(name)))
		rs_json_key_string(w->json, "name", name);
	rs_json_key_string(w->json, "why", why);
	rs_json_key_string(
		w->json, "runtime",
		rs_session_runtime(l->session, l->graph, i)->ops->name);
	rs_json_end_object(w->json);
}

static const char *why_kept(const struct writer *w, uint32_t i)
{
	const struct rs_listing *l = w->list;
	struct rs_runtime *rt = rs_session_runtime(l->session, l->graph, i);

	switch (l->result->fate[i]) {
	case RS_FATE_FINALIZER:
		return "finalizer";
	case RS_FATE_UNFREEABLE:
		return rt->ops->unfreeable(rt, l->graph->address[i]);
	default:
		return w->held_by_finalizer ? "held by a finalizer"
					    : "held by an uncollectable one";
	}
}

static struct rs_error *tick(const struct writer *w, uint64_t done)
{
	if (done % RS_TICK)
		return NULL;
	return rs_progress_tick(&w->list->session->progress,
				"writing the answer", done,
				w->list->graph->objects);
}

static struct rs_error *write_objects(struct writer *w)
{
	const uint8_t *fate = w->list->result->fate;
	const uint32_t *kept = rs_vec_items(&w->kept, uint32_t);
	const size_t n = rs_vec_count(&w->kept, uint32_t);
	struct rs_error *err = NULL;

	for (size_t k = 0; k < n && !err; k++) {
		err = tick(w, k);
		write_object(w, kept[k], why_kept(w, kept[k]));
	}
	for (uint32_t i = 0; i < w->list->graph->objects && !err &&
			     !rs_report_full(w->shown, w->limit);
	     i++) {
		err = tick(w, i);
		if (fate[i] == RS_FATE_FREED)
			write_object(w, i, "freed");
	}
	return err;
}

struct rs_error *rs_listing_write(const struct rs_listing *list,
				  struct rs_json *json, uint64_t limit,
				  uint64_t *shown)
{
	struct writer w = {
		.list = list,
		.json = json,
		.limit = limit,
		.held_by_finalizer = true,
	};
	const size_t objects = list->graph->objects;
	struct rs_error *err = NULL;

	rs_json_begin_array(json);
	if (list->result->unreachable) {
		err = rs_block_new(objects, 1, &w.seen);
		if (!err)
			err = find_kept(&w);
		if (!err)
			err = write_objects(&w);
	}
	rs_json_end_array(json);
	if (w.seen)
		rs_block_free(w.seen, objects, 1);
	rs_vec_fini(&w.kept);
	*shown = w.shown;
	return err;
}
