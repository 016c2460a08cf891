// SPDX-License-Identifier: MIT
#include "answer/describe/garbage_marks.h"
#include "export/dot_escape.h"
#include "export/outfile.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

enum { RS_NODES = 10000 }; // the most nodes, when there is no limit

// The part of the graph that is drawn.
struct drawing {
	struct rs_report *report;
	const struct rs_collect_result *result;
	uint8_t *garbage; // [objects] enum rs_garbage
	uint8_t *in; // [objects] 1: drawn
	struct rs_vec node; // uint32_t
	uint64_t limit; // nodes
	uint64_t edges; // drawn
	bool limited;
};

static struct rs_error *add(struct drawing *d, uint32_t number)
{
	if (d->in[number])
		return NULL;
	if (rs_report_full(rs_vec_count(&d->node, uint32_t), d->limit)) {
		d->limited = true;
		return NULL;
	}
	d->in[number] = 1;
	return rs_vec_append(&d->node, &number, sizeof(number));
}

// The objects around one, in both directions, nearest first.
static struct rs_error *
collect_around(struct drawing *d, uint32_t object, uint32_t depth)
{
	const struct rs_graph *g = d->report->graph;
	struct rs_error *err = add(d, object);
	size_t begin = 0;

	for (uint32_t level = 0; level < depth && !err; level++) {
		const size_t end = rs_vec_count(&d->node, uint32_t);

		if (begin == end)
			break;
		for (; begin < end && !err && !d->limited; begin++) {
			const uint32_t n =
				rs_vec_items(&d->node, uint32_t)[begin];
			for (uint32_t i = g->in_start[n];
			     i < g->in_start[n + 1] && !err && !d->limited; i++)
				err = add(d, rs_edge_target(g->in[i]));
			for (uint32_t e = g->out_start[n];
			     e < g->out_start[n + 1] && !err && !d->limited;
			     e++)
				err = add(d, rs_edge_target(g->out[e]));
		}
		begin = end;
	}
	return err;
}

static struct rs_error *collect_garbage(struct drawing *d)
{
	struct rs_vec list = {0};
	struct rs_error *err = rs_report_garbage(d->report, &list);

	for (size_t i = 0; !err && i < rs_vec_count(&list, uint32_t); i++)
		err = add(d, rs_vec_items(&list, uint32_t)[i]);
	for (uint32_t i = 0; !err && i < d->result->objects; i++) {
		if (d->garbage[i] == RS_GARBAGE_YES)
			err = add(d, i);
	}
	rs_vec_fini(&list);
	return err;
}

static void
write_node(struct drawing *d, FILE *out, uint32_t number, bool center)
{
	static const char *const colour[] = {
		[RS_FATE_OUTSIDE] = "white",	[RS_FATE_REACHABLE] = "white",
		[RS_FATE_FREED] = "khaki",	[RS_FATE_KEPT] = "lightsalmon",
		[RS_FATE_FINALIZER] = "tomato", [RS_FATE_UNFREEABLE] = "tomato",
	};
	const struct rs_graph *g = d->report->graph;
	struct rs_runtime *rt =
		rs_session_runtime(d->report->session, g, number);
	const uint8_t fate = d->result->fate[number];
	char text[RS_TEXT_SIZE] = "";

	rt->ops->text(rt, g->address[number], text, sizeof(text));
	(void)fprintf(out, "\tn%" PRIx64 " [label=\"", g->address[number]);
	rs_dot_escape(rs_report_type(g, number), out);
	(void)fprintf(out, " 0x%" PRIx64 "\\n", g->address[number]);
	rs_dot_escape(text, out);
	if (g->flags[number] & RS_OBJ_IMMORTAL)
		(void)fprintf(out, "\\nimmortal");
	else
		(void)fprintf(out, "\\ncount %" PRId64,
			      rs_graph_count(g, number));
	(void)fprintf(out, "\", fillcolor=%s%s];\n",
		      d->garbage[number] == RS_GARBAGE_YES &&
				      !rs_report_unreachable(fate)
			      ? "lightsalmon"
			      : colour[fate],
		      center ? ", penwidth=3" : "");
}

static void write_edges(struct drawing *d, FILE *out, uint32_t source)
{
	static const char *const style[] = {
		[RS_STRONG] = "solid",
		[RS_OWNED] = "bold",
		[RS_WEAK] = "dashed",
		[RS_GUESS] = "dotted",
	};
	const struct rs_graph *g = d->report->graph;
	char label[RS_LABEL_SIZE];

	for (uint32_t e = g->out_start[source]; e < g->out_start[source + 1];
	     e++) {
		const uint32_t target = rs_edge_target(g->out[e]);
		if (!d->in[target])
			continue;
		rs_report_label_text(d->report, source, e, label,
				     sizeof(label));
		(void)fprintf(out, "\tn%" PRIx64 " -> n%" PRIx64 " [label=\"",
			      g->address[source], g->address[target]);
		rs_dot_escape(label, out);
		(void)fprintf(out, "\", style=%s];\n",
			      style[rs_edge_kind(g->out[e])]);
		d->edges++;
	}
}

static void write_graph(struct drawing *d, FILE *out, uint32_t center)
{
	const uint32_t *node = rs_vec_items(&d->node, uint32_t);
	const size_t n = rs_vec_count(&d->node, uint32_t);

	(void)fprintf(out, "digraph refscope {\n"
			   "\tnode [shape=box, style=filled];\n");
	for (size_t i = 0; i < n; i++)
		write_node(d, out, node[i], node[i] == center);
	for (size_t i = 0; i < n; i++)
		write_edges(d, out, node[i]);
	(void)fprintf(out, "}\n");
}

static struct rs_error *
write_file(struct drawing *d, const char *path, uint32_t center)
{
	struct rs_outfile file;
	struct rs_error *err = rs_outfile_open(&file, path);

	if (err)
		return err;
	// fclose() closes a duplicate of the descriptor.
	const int fd = dup(file.fd);
	FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
	if (out) {
		write_graph(d, out, center);
		const bool bad = ferror(out);
		if (fclose(out) || bad)
			err = rs_error_new(RS_EIO, "%s: cannot write: %s", path,
					   strerror(errno));
	} else {
		err = rs_error_new(RS_EIO, "%s: %s", path, strerror(errno));
		if (fd >= 0)
			(void)close(fd);
	}
	err = rs_report_checked(d->report->session, err);
	if (!err)
		err = rs_outfile_commit(&file);
	rs_outfile_fini(&file);
	return err;
}

static struct rs_error *export(struct drawing *d, const char *path,
			       uint32_t object, uint32_t depth, char **ret)
{
	struct rs_report *report = d->report;
	struct rs_json *j = &report->json;
	struct rs_error *err;

	if ((err = rs_report_reverse(report)) ||
	    (err = rs_report_full_collection(report, &d->result)) ||
	    (err = rs_report_garbage_marks(report, &d->garbage)) ||
	    (err = rs_block_new(report->graph->objects, 1, &d->in)))
		return err;
	err = object == RS_NONE ? collect_garbage(d)
				: collect_around(d, object, depth);
	if (err || (err = write_file(d, path, object)))
		return err;
	rs_json_begin_object(j);
	rs_json_key_string(j, "file", path);
	rs_json_key_uint(j, "objects", rs_vec_count(&d->node, uint32_t));
	rs_json_key_uint(j, "references", d->edges);
	rs_json_key_bool(j, "limited", d->limited);
	return rs_report_take(report, ret);
}

struct rs_error *rs_export_dot(struct rs_session *session, const char *path,
			       uint64_t object, uint32_t depth, uint64_t limit,
			       char **ret)
{
	RS_NEED_SESSION(session);
	RS_AUTO_REPORT struct rs_report report = {0};
	struct drawing d = {
		.report = &report,
		.limit = limit ? limit : RS_NODES,
	};
	uint32_t n = RS_NONE;
	struct rs_error *err = rs_report_open(&report, session, -1);

	if (!err && object)
		err = rs_report_find(&report, object, &n);
	if (!err)
		err = export(&d, path, n, depth, ret);
	if (d.garbage)
		rs_block_free(d.garbage, report.graph->objects, 1);
	if (d.in)
		rs_block_free(d.in, report.graph->objects, 1);
	rs_vec_fini(&d.node);
	return err;
}
