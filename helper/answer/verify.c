// SPDX-License-Identifier: MIT
//
// rs_answer_verify(): compares the references that the decoders read with those
// that the traverse functions of the core find.
#include "answer/verify.h"
#include "session/exact_consent.h"

#include <stdlib.h>

static bool is_fault(const struct rs_image_answer *answer, uint64_t object)
{
	for (uint64_t i = 0; i < answer->faults; i++)
		if (answer->fault[i].object == object)
			return true;
	return false;
}

// Whether its function was not called because there is no consent.
static bool is_refused(const struct rs_verify_part *part, uint64_t row)
{
	const struct rs_image_answer *a = &part->answer;

	return a->refused && a->first[row] == a->first[row + 1] &&
	       rs_exact_refused(part->rt, a, a->object[row]);
}

static struct rs_error *compare(struct rs_verify *v, size_t p, uint64_t row)
{
	const struct rs_graph *graph = v->report->graph;
	struct rs_verify_part *part = &v->part[p];
	const uint64_t object = part->answer.object[row];
	const uint32_t number = rs_graph_find(graph, object);
	struct rs_verify_type *type;

	if (number == RS_NONE) {
		part->unread++;
		return NULL;
	}
	if (!rs_verify_load(v, p, row, number))
		return &rs_enomem;
	type = &v->type[graph->type[number]];
	type->objects++;
	if (v->traversed.used == v->read.used &&
	    (!v->traversed.used ||
	     !memcmp(v->traversed.data, v->read.data, v->traversed.used)))
		return NULL;
	if (is_fault(&part->answer, object)) // reported separately
		return NULL;
	if (is_refused(part, row)) {
		part->refused++;
		return NULL;
	}
	if (!type->differ++) {
		type->example = number;
		type->row = (uint32_t)row;
		type->part = p;
		v->types++;
	}
	part->differ++;
	return NULL;
}

static struct rs_error *compare_all(struct rs_verify *v, size_t part)
{
	const struct rs_progress *progress = &v->report->session->progress;
	const uint64_t n = v->part[part].answer.objects;

	for (uint64_t i = 0; i < n; i++) {
		struct rs_error *err = compare(v, part, i);

		if (!err && i % (1 << 16) == 0)
			err = rs_progress_tick(progress, "comparing references",
					       i, n);
		if (err)
			return err;
	}
	return NULL;
}

// Traverse each runtime's objects, in an image for each, so that what the code
// of one does to memory does not affect another.
static struct rs_error *traverse_all(struct rs_verify *v)
{
	struct rs_session *session = v->report->session;
	const struct rs_image_options options =
		rs_session_image_options(session);
	bool any = false;

	for (size_t i = 0; i < v->parts; i++) {
		struct rs_verify_part *part = &v->part[i];
		const struct rs_runtime_ops *ops;
		struct rs_error *err;

		part->rt = session->runtime[i];
		ops = part->rt->ops;
		if (!ops->query)
			continue;
		err = ops->query(part->rt, &options, &session->progress,
				 &part->answer);
		if (err)
			return err;
		rs_session_missing_walls(session, part->answer.missing);
		any |= !ops->query_objects || part->answer.objects;
	}
	if (any)
		return NULL;
	return rs_error_new(RS_ENOTFOUND,
			    "%s: nothing in it can be traversed: there is "
			    "neither a CPython nor a type with a traverse "
			    "callback",
			    session->source);
}

static struct rs_error *verify(struct rs_verify *v, uint64_t limit, char **ret)
{
	const uint32_t types = v->report->graph->types;
	struct rs_error *err = rs_block_new(types, sizeof(*v->type), &v->type);

	if (!err)
		err = traverse_all(v);
	if (!err)
		err = rs_refs_init(&v->refs, false);
	for (size_t i = 0; i < v->parts && !err; i++)
		err = compare_all(v, i);
	if (!err)
		err = rs_verify_write(v, limit);
	if (!err)
		err = rs_report_take(v->report, ret);
	rs_block_free(v->type, types, sizeof(*v->type));
	return err;
}

struct rs_error *
rs_answer_verify(struct rs_session *session, uint64_t limit, char **ret)
{
	RS_NEED_SESSION(session);
	RS_AUTO_REPORT struct rs_report report = {0};
	struct rs_verify v = {.report = &report, .parts = session->runtimes};
	struct rs_error *err = rs_report_open(&report, session, -1);

	v.part = calloc(v.parts + 1, sizeof(*v.part));
	if (!v.part && !err)
		err = &rs_enomem;
	if (!err)
		err = verify(&v, limit, ret);
	for (size_t i = 0; v.part && i < v.parts; i++)
		rs_image_answer_fini(&v.part[i].answer);
	free(v.part);
	rs_refs_fini(&v.refs);
	rs_vec_fini(&v.traversed);
	rs_vec_fini(&v.read);
	return err;
}
