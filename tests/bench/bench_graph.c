// SPDX-License-Identifier: MIT
// How much processor time do the questions take? usage: bench_graph [MILLIONS
// OF OBJECTS]..
//
// A heap of N objects with six references each, four of them to a neighbour
// (what was allocated together) and two to anywhere, and in every hundred one
// unreachable two-ring. Prints for each question seconds, objects and
// references a second, and the bytes an object that it took at its peak beside
// the graph's own.
#include "graph/graph.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum {
	RS_BENCH_DEGREE = 6,
	RS_BENCH_NEAR = 64, // objects this far away are neighbours
	RS_BENCH_RING = 100, // one of so many pairs is garbage
	RS_BENCH_ROOTS = 1000,
};

static uint64_t state = 88172645463325252;

static uint32_t next_random(uint32_t most)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)((state >> 32) * most >> 32);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static void must(struct rs_error *err)
{
	if (!err)
		return;
	(void)fprintf(stderr, "bench_graph: %s\n", rs_error_message(err));
	exit(1);
}

// Bytes of memory in use, or since the last restart_peak() at most.
static uint64_t memory(const char *field)
{
	FILE *file = fopen("/proc/self/status", "re");
	char line[256];
	uint64_t kib = 0;

	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, field, strlen(field)))
			kib = strtoull(line + strlen(field), NULL, 10);
	if (file)
		(void)fclose(file);
	return kib << 10;
}

static void restart_peak(void)
{
	FILE *file = fopen("/proc/self/clear_refs", "we");

	if (!file)
		return;
	(void)fputs("5\n", file);
	(void)fclose(file);
}

static bool is_garbage(uint32_t i)
{
	return i / 2 % RS_BENCH_RING == RS_BENCH_RING / 2;
}

static uint32_t choose(uint32_t i, uint32_t objects, int k)
{
	uint32_t target;

	if (k == 0 && is_garbage(i))
		return i ^ 1;
	do {
		if (k < 4)
			target = (i + objects + next_random(2 * RS_BENCH_NEAR) -
				  RS_BENCH_NEAR) %
				 objects;
		else
			target = next_random(objects);
	} while (is_garbage(target));
	return target;
}

static void make(struct rs_graph *graph, uint32_t n)
{
	const uint64_t refs = (uint64_t)n * RS_BENCH_DEGREE;

	*graph = (struct rs_graph){.objects = n, .references = refs};
	graph->types = 16;
	must(rs_addrmap_init(&graph->map));
	must(rs_block_new(n, sizeof(uint64_t), &graph->address));
	must(rs_block_new(n, sizeof(uint32_t), &graph->count));
	must(rs_block_new(n, sizeof(uint32_t), &graph->type));
	must(rs_block_new(n, sizeof(uint32_t), &graph->size32));
	must(rs_block_new(n, sizeof(uint16_t), &graph->flags));
	must(rs_block_new((size_t)n + 1, sizeof(uint32_t), &graph->out_start));
	must(rs_block_new(refs, sizeof(uint32_t), &graph->out));
	rs_block_dense(graph->out_start, (size_t)n + 1, sizeof(uint32_t));
	rs_block_dense(graph->out, refs, sizeof(uint32_t));
	for (uint32_t i = 0; i < n; i++) {
		graph->address[i] = 0x7f0000000000 + 64 * (uint64_t)i;
		graph->type[i] = next_random(16);
		graph->size32[i] = 64;
		graph->flags[i] = RS_OBJ_GC | RS_OBJ_TRACKED | 2;
		graph->out_start[i + 1] = (i + 1) * RS_BENCH_DEGREE;
		for (uint32_t k = 0; k < RS_BENCH_DEGREE; k++) {
			const uint32_t target = choose(i, n, (int)k);

			graph->out[(size_t)i * RS_BENCH_DEGREE + k] = target;
			graph->count[target]++;
		}
	}
	for (uint32_t r = 0; r < RS_BENCH_ROOTS; r++) {
		struct rs_root *root;

		must(rs_vec_reserve(&graph->root, sizeof(*root)));
		root = rs_vec_push(&graph->root, sizeof(*root));
		if (!root)
			abort(); // there was room
		*root = (struct rs_root){.target = next_random(n / 100) * 2};
		graph->count[root->target]++;
	}
}

static struct {
	double start;
	uint64_t memory;
	const struct rs_graph *graph;
} clock_now;

static void begin(const struct rs_graph *graph)
{
	restart_peak();
	clock_now.graph = graph;
	clock_now.memory = memory("VmRSS:");
	clock_now.start = now();
}

static void end(const char *what, uint64_t found)
{
	const double seconds = now() - clock_now.start;
	const struct rs_graph *graph = clock_now.graph;
	const uint64_t peak = memory("VmHWM:");
	const double bytes =
		peak > clock_now.memory ? (double)(peak - clock_now.memory) : 0;

	printf("%-22s %8.4f s %8.1f M objects/s %8.1f M references/s "
	       "%6.1f bytes/object %10llu\n",
	       what, seconds, (double)graph->objects / seconds * 1e-6,
	       (double)graph->references / seconds * 1e-6,
	       bytes / (double)graph->objects, (unsigned long long)found);
}

static void ask_map(struct rs_graph *graph)
{
	uint64_t found = 0;

	begin(graph);
	for (uint32_t i = 0; i < graph->objects; i++)
		must(rs_addrmap_add(&graph->map, graph->address[i], NULL));
	must(rs_addrmap_seal(&graph->map));
	end("address map, fill", graph->map.count);

	begin(graph);
	for (uint64_t e = 0; e < graph->references; e++)
		found += rs_graph_find(graph, graph->address[0] +
						      64 * graph->out[e]) ==
			 graph->out[e];
	end("address map, look up", found);
}

static void
ask_collect(const struct rs_graph *graph, struct rs_collect_result *result)
{
	const struct rs_collect_options options = {.generation = 2,
						   .rules = RS_RULES_34};

	begin(graph);
	must(rs_graph_collect(graph, &options, NULL, result));
	end("collect", result->unreachable);
}

static void ask_rings(const struct rs_graph *graph, const uint8_t *member,
		      const char *what, const char *cuts)
{
	struct rs_components components;
	struct rs_vec ring = {0};
	struct rs_vec cut = {0};

	begin(graph);
	must(rs_graph_components(graph, member, NULL, &components));
	end(what, components.components);
	begin(graph);
	for (uint32_t c = 0; c < components.components && c < 10000; c++)
		must(rs_graph_cuts(graph, &components, c, NULL, &ring, &cut));
	end(cuts, rs_vec_count(&ring, struct rs_cut));
	rs_vec_fini(&ring);
	rs_vec_fini(&cut);
	rs_components_fini(&components);
}

static void ask_reach(struct rs_graph *graph)
{
	struct rs_vec list = {0};
	struct rs_vec retained = {0};
	struct rs_vec path = {0};

	begin(graph);
	must(rs_graph_reachable(graph, 0, UINT32_MAX, NULL, &list, NULL));
	end("reachable", rs_vec_count(&list, uint32_t));
	begin(graph);
	must(rs_graph_retained(graph, 0, rs_vec_items(&list, uint32_t),
			       rs_vec_count(&list, uint32_t), NULL, &retained));
	end("retained", rs_vec_count(&retained, uint32_t));
	rs_vec_fini(&list);
	rs_vec_fini(&retained);

	begin(graph);
	must(rs_graph_reverse(graph, NULL));
	end("reverse", graph->in_start[graph->objects]);
	begin(graph);
	must(rs_graph_paths(graph, graph->objects - 1, 3, NULL, &path, &list));
	end("paths, 3", rs_vec_count(&path, struct rs_path));
	path.used = 0;
	begin(graph);
	must(rs_graph_paths(graph, graph->objects - 1, UINT32_MAX, NULL, &path,
			    &list));
	end("paths, all", rs_vec_count(&path, struct rs_path));
	rs_vec_fini(&list);
	rs_vec_fini(&path);
}

static void ask_all(uint32_t objects)
{
	struct rs_tally tally[16];
	struct rs_graph graph;
	struct rs_collect_result result;

	make(&graph, objects);
	printf("%u objects, %llu references\n", objects,
	       (unsigned long long)graph.references);
	ask_map(&graph);
	ask_collect(&graph, &result);
	begin(&graph);
	rs_graph_types(&graph, &result, tally);
	end("types", tally[0].objects);
	for (uint32_t i = 0; i < objects; i++)
		result.fate[i] = result.fate[i] >= RS_FATE_FREED;
	ask_rings(&graph, result.fate, "rings of the garbage",
		  "their cuts, 10,000");
	ask_rings(&graph, NULL, "rings of all", "their cuts");
	ask_reach(&graph);
	rs_collect_result_fini(&result);
	rs_graph_fini(&graph);
}

int main(int argc, char **argv)
{
	if (argc == 1)
		ask_all(1000000);
	for (int k = 1; k < argc; k++)
		ask_all((uint32_t)(strtod(argv[k], NULL) * 1e6));
	return 0;
}
