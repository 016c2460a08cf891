// SPDX-License-Identifier: MIT
#include "answer/describe/fault.h"
#include "answer/verify.h"
#include "base/cleanup.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	RS_EXAMPLE_EDGES = 8, // of each kind, in an example
};

// Find the addresses that are in @p left and not in @p right, each as often as
// it is there; both are sorted. @return How many there are, at most as many as
// are shown.
static unsigned find_only(const struct rs_vec *left, const struct rs_vec *right,
			  uint64_t found[RS_EXAMPLE_EDGES])
{
	const uint64_t *a = rs_vec_items(left, uint64_t);
	const uint64_t *b = rs_vec_items(right, uint64_t);
	const size_t n = rs_vec_count(left, uint64_t);
	const size_t m = rs_vec_count(right, uint64_t);
	unsigned number = 0;

	for (size_t i = 0, k = 0; i < n && number < RS_EXAMPLE_EDGES;) {
		if (k < m && b[k] < a[i]) {
			k++;
		} else if (k < m && b[k] == a[i]) {
			i++;
			k++;
		} else {
			found[number++] = a[i++];
		}
	}
	return number;
}

static void write_only(struct rs_verify *v, const char *key,
		       const struct rs_vec *left, const struct rs_vec *right)
{
	struct rs_json *j = &v->report->json;
	uint64_t found[RS_EXAMPLE_EDGES];
	const unsigned n = find_only(left, right, found);

	rs_json_key(j, key);
	rs_json_begin_array(j);
	for (unsigned i = 0; i < n; i++)
		rs_json_address(j, found[i]);
	rs_json_end_array(j);
}

// What is at the addresses of the example, each once.
static void write_targets(struct rs_verify *v)
{
	uint64_t found[2 * RS_EXAMPLE_EDGES];
	unsigned n = find_only(&v->traversed, &v->read, found);

	n += find_only(&v->read, &v->traversed, found + n);
	rs_json_key(&v->report->json, "targets");
	rs_json_begin_array(&v->report->json);
	for (unsigned i = 0; i < n; i++) {
		const uint32_t number =
			rs_graph_find(v->report->graph, found[i]);

		if (number != RS_NONE && (!i || found[i] != found[i - 1]))
			rs_report_object(v->report, number);
	}
	rs_json_end_array(&v->report->json);
}

static bool is_guessed(const struct rs_verify *v, uint32_t type)
{
	const struct rs_graph *graph = v->report->graph;
	const uint32_t example = v->type[type].example;
	struct rs_runtime *rt =
		rs_session_runtime(v->report->session, graph, example);
	struct rs_row row;

	rt->ops->read(rt, graph->address[example], &row, false, NULL);
	return row.flags & RS_OBJ_INEXACT;
}

static struct rs_error *write_type(struct rs_verify *v, uint32_t number)
{
	const struct rs_verify_type *type = &v->type[number];
	const struct rs_type_row *row = &v->report->graph->type_row[number];
	struct rs_json *j = &v->report->json;

	if (!rs_verify_load(v, type->part, type->row, type->example))
		return &rs_enomem;
	rs_json_begin_object(j);
	rs_json_key_string(j, "type", row->name);
	rs_json_key_address(j, "id", row->address);
	rs_json_key_uint(j, "objects", type->objects);
	rs_json_key_uint(j, "differ", type->differ);
	rs_json_key_bool(j, "guessed", is_guessed(v, number));
	rs_report_key_object(v->report, "example", type->example);
	write_only(v, "only_traversed", &v->traversed, &v->read);
	write_only(v, "only_asked", &v->traversed, &v->read);
	write_only(v, "only_read", &v->read, &v->traversed);
	write_targets(v);
	rs_json_end_object(j);
	return NULL;
}

static void write_fault(struct rs_verify *v, const struct rs_guest_fault *fault)
{
	const struct rs_graph *graph = v->report->graph;
	const uint32_t number = rs_graph_find(graph, fault->object);
	struct rs_json *j = &v->report->json;
	char name[RS_NAME_SIZE], why[RS_FAULT_SIZE];

	rs_fault_text(fault, why, sizeof(why));
	rs_json_begin_object(j);
	rs_json_key_address(j, "id", fault->object);
	rs_json_key_string(j, "type",
			   number == RS_NONE ? NULL
					     : rs_report_type(graph, number));
	if (number != RS_NONE && rs_report_own_name(v->report->session, graph,
						    number, name, sizeof(name)))
		rs_json_key_string(j, "name", name);
	rs_json_key_string(j, "why", why);
	rs_json_end_object(j);
}

// @return Whether any was left out because of the limit.
static bool write_faults(struct rs_verify *v, uint64_t limit)
{
	struct rs_json *j = &v->report->json;
	uint64_t shown = 0, total = 0;

	for (size_t p = 0; p < v->parts; p++)
		total += v->part[p].answer.faults_total;
	rs_json_key_uint(j, "faults_total", total);
	rs_json_key(j, "faults");
	rs_json_begin_array(j);
	for (size_t p = 0; p < v->parts; p++) {
		const struct rs_image_answer *a = &v->part[p].answer;

		for (uint64_t i = 0;
		     i < a->faults && !rs_report_full(shown, limit); i++) {
			write_fault(v, &a->fault[i]);
			shown++;
		}
	}
	rs_json_end_array(j);
	return shown < total;
}

// Types of the same name are sorted by address, because their numbers depend on
// what was read before.
static int by_name(const void *a, const void *b, void *context)
{
	const struct rs_type_row *row = context;
	const struct rs_type_row *x = &row[*(const uint32_t *)a];
	const struct rs_type_row *y = &row[*(const uint32_t *)b];
	const int order = strcmp(x->name, y->name);

	return order ? order
		     : (x->address > y->address) - (x->address < y->address);
}

// The types with differences, sorted. @param[out] ret uint32_t, numbers.
static struct rs_error *
sort_types(const struct rs_verify *v, struct rs_vec *ret)
{
	const struct rs_graph *graph = v->report->graph;

	for (uint32_t i = 0; i < graph->types; i++) {
		uint32_t *slot;

		if (!v->type[i].differ)
			continue;
		slot = rs_vec_push(ret, sizeof(*slot));
		if (!slot)
			return &rs_enomem;
		*slot = i;
	}
	if (ret->used)
		qsort_r(ret->data, rs_vec_count(ret, uint32_t),
			sizeof(uint32_t), by_name, graph->type_row);
	return NULL;
}

static struct rs_error *
write_types(struct rs_verify *v, uint64_t limit, bool limited)
{
	struct rs_json *j = &v->report->json;
	RS_CLEANUP(rs_vec_fini) struct rs_vec type = {0};
	struct rs_error *err = sort_types(v, &type);
	uint64_t shown = 0;

	rs_json_key(j, "types");
	rs_json_begin_array(j);
	for (size_t i = 0; !err && i < rs_vec_count(&type, uint32_t) &&
			   !rs_report_full(shown, limit);
	     i++, shown++)
		err = write_type(v, rs_vec_items(&type, uint32_t)[i]);
	rs_json_end_array(j);
	if (err)
		return err;
	rs_json_key_uint(j, "total", v->types);
	rs_json_key_bool(j, "limited", shown < v->types || limited);
	return NULL;
}

// The number of objects that reading found and that were not traversed.
static uint64_t count_only_read(const struct rs_verify *v, size_t p)
{
	const struct rs_graph *graph = v->report->graph;
	const struct rs_verify_part *part = &v->part[p];
	const struct rs_runtime_ops *ops = part->rt->ops;
	const uint64_t both = part->answer.objects - part->unread;
	uint64_t known = 0;

	if (ops->query_objects)
		known = ops->query_objects(part->rt);
	for (uint32_t i = 0; !ops->query_objects && i < graph->objects; i++)
		known += (graph->flags[i] & RS_OBJ_TRACKED) &&
			 rs_graph_runtime(graph, i) == part->rt->index;
	return known > both ? known - both : 0;
}

/** The numbers for a runtime, or for all. */
struct rs_verify_sums {
	uint64_t objects, references, differ, only_traversed, only_read;
	uint64_t refused, lists_broken, ready_ns, walk_ns;
};

static void write_sums(struct rs_json *j, const struct rs_verify_sums *s)
{
	rs_json_key_uint(j, "objects", s->objects);
	rs_json_key_uint(j, "references", s->references);
	rs_json_key_uint(j, "differ", s->differ);
	rs_json_key_uint(j, "only_traversed", s->only_traversed);
	rs_json_key_uint(j, "only_asked", s->only_traversed);
	rs_json_key_uint(j, "only_read", s->only_read);
	rs_json_key_uint(j, "refused", s->refused);
	rs_json_key_uint(j, "lists_broken", s->lists_broken);
	rs_json_key_uint(j, "ready_us", s->ready_ns / 1000);
	rs_json_key_uint(j, "walk_us", s->walk_ns / 1000);
}

static struct rs_verify_sums sums_of(const struct rs_verify *v, size_t p)
{
	const struct rs_verify_part *part = &v->part[p];
	const struct rs_image_answer *a = &part->answer;

	return (struct rs_verify_sums){
		.objects = a->objects,
		.references = a->edges,
		.differ = part->differ,
		.only_traversed = part->unread,
		.only_read = count_only_read(v, p),
		.refused = part->refused,
		.lists_broken = a->lists_broken,
		.ready_ns = a->ready_ns,
		.walk_ns = a->walk_ns,
	};
}

static void
add_sums(struct rs_verify_sums *to, const struct rs_verify_sums *from)
{
	to->objects += from->objects;
	to->references += from->references;
	to->differ += from->differ;
	to->only_traversed += from->only_traversed;
	to->only_read += from->only_read;
	to->refused += from->refused;
	to->lists_broken += from->lists_broken;
	to->ready_ns += from->ready_ns;
	to->walk_ns += from->walk_ns;
}

// Of the objects that differ, those of types of which reading only guesses.
static uint64_t count_guessed(const struct rs_verify *v)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < v->report->graph->types; i++)
		if (v->type[i].differ && is_guessed(v, i))
			n += v->type[i].differ;
	return n;
}

static bool is_traversed(const struct rs_verify *v, size_t p)
{
	return v->part[p].rt->ops->query != NULL;
}

struct rs_error *rs_verify_write(struct rs_verify *v, uint64_t limit)
{
	struct rs_json *j = &v->report->json;
	struct rs_verify_sums all = {0};

	for (size_t p = 0; p < v->parts; p++) {
		const struct rs_verify_sums one = sums_of(v, p);

		if (is_traversed(v, p))
			add_sums(&all, &one);
	}
	rs_json_begin_object(j);
	write_sums(j, &all);
	rs_json_key_uint(j, "guessed", count_guessed(v));
	rs_json_key(j, "runtimes");
	rs_json_begin_array(j);
	for (size_t p = 0; p < v->parts; p++) {
		const struct rs_verify_sums one = sums_of(v, p);

		if (!is_traversed(v, p))
			continue;
		rs_json_begin_object(j);
		rs_json_key_string(j, "name", v->part[p].rt->ops->name);
		write_sums(j, &one);
		rs_json_end_object(j);
	}
	rs_json_end_array(j);
	const bool limited = write_faults(v, limit);
	return write_types(v, limit, limited);
}
