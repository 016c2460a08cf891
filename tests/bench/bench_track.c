// SPDX-License-Identifier: MIT
/**
 * @file
 * What tracking costs, beside what the allocation of the same objects costs.
 *
 *     bench_track [--budget] [OBJECTS [BYTES]]      10 million of 48 bytes
 *
 * Objects are made, tracked, untracked and freed in phases, so that all are
 * known at once; then the same with the frees in random order; then one at a
 * time, as a program that makes and drops its objects does. Before all that,
 * once with a second thread about, when locks cost what they do. Times
 * are of this thread, whatever else the machine is doing. With --budget it
 * fails beyond 60 ns for a track and an untrack, or 48 bytes an object.
 */
#include "refscope/refscope.h"
#include "refscope/registry.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { RS_BUDGET_NS = 60, RS_BUDGET_BYTES = 48 };

struct object {
	long refs;
	struct object *next;
};

static const struct rs_field fields[] = {RS_REF(struct object, next)};

static void give_back(void *object)
{
	(void)object;
}

static struct rs_type type =
	RS_TYPE("object", struct object, refs, fields, .release = give_back);

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t); // whatever else runs
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t resident(void)
{
	char line[128] = "";
	char *end = line;
	FILE *f = fopen("/proc/self/statm", "re");

	if (!f)
		return 0;
	// "size resident ...", in pages.
	if (fgets(line, sizeof(line), f))
		(void)strtoull(line, &end, 10);
	(void)fclose(f);
	return strtoull(end, NULL, 10) * 4096;
}

struct times {
	double make, track, untrack, drop;
	uint64_t bytes;
};

static void shuffle(struct object **object, size_t n)
{
	uint64_t x = 88172645463325252U;

	for (size_t i = n; i > 1; i--) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		const size_t k = (size_t)(x % i);
		struct object *o = object[i - 1];
		object[i - 1] = object[k];
		object[k] = o;
	}
}

static struct times
run(struct object **object, size_t n, size_t bytes, int random)
{
	struct times t;
	double start = now();

	for (size_t i = 0; i < n; i++) {
		object[i] = malloc(bytes);
		if (!object[i])
			abort();
		memset(object[i], 0, sizeof(*object[i]));
		object[i]->refs = 1;
	}
	t.make = now() - start;

	const uint64_t before = resident();
	start = now();
	for (size_t i = 0; i < n; i++) {
		if (rs_track(object[i], &type))
			abort();
	}
	t.track = now() - start;
	t.bytes = resident() - before;
	if (random)
		shuffle(object, n);

	start = now();
	for (size_t i = 0; i < n; i++) {
		if (rs_untrack(object[i]))
			abort();
	}
	t.untrack = now() - start;

	start = now();
	for (size_t i = 0; i < n; i++)
		free(object[i]);
	t.drop = now() - start;
	return t;
}

static double ns(double seconds, size_t n)
{
	return seconds / (double)n * 1e9;
}

static void print(const char *what, const struct times *t, size_t n)
{
	printf("%-22s track %5.1f + untrack %5.1f = %5.1f ns   malloc %5.1f + "
	       "free %5.1f = %5.1f ns   %4.1f bytes an object\n",
	       what, ns(t->track, n), ns(t->untrack, n),
	       ns(t->track + t->untrack, n), ns(t->make, n), ns(t->drop, n),
	       ns(t->make + t->drop, n), (double)t->bytes / (double)n);
}

/** One object at a time among few others: everything in the caches. */
static void one_by_one(size_t n, size_t bytes)
{
	double start = now();

	for (size_t i = 0; i < n; i++) {
		struct object *volatile o = malloc(bytes);

		if (!o)
			abort();
		free(o);
	}
	const double plain = now() - start;

	start = now();
	for (size_t i = 0; i < n; i++) {
		struct object *volatile o = malloc(bytes);

		if (!o || rs_track(o, &type) || rs_untrack(o))
			abort();
		free(o);
	}
	const double tracked = now() - start;
	printf("%-22s track + untrack = %5.1f ns   malloc + free = %5.1f ns\n",
	       "one at a time", ns(tracked - plain, n), ns(plain, n));
}

static void *nothing(void *argument)
{
	return argument;
}

/** From the first thread on the C library takes the program for threaded. */
static void start_a_thread(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, nothing, NULL) == 0)
		pthread_join(thread, NULL);
}

/** In a process of its own, so that both start with a new heap. */
static void with_threads(struct object **object, size_t n, size_t bytes)
{
	(void)fflush(stdout);
	const pid_t child = fork();

	if (child == 0) {
		start_a_thread();
		const struct times t = run(object, n, bytes, 0);
		print("freed as made, threads", &t, n);
		(void)fflush(stdout);
		_exit(0);
	}
	(void)waitpid(child, NULL, 0);
}

int main(int argc, char **argv)
{
	const bool budget = argc > 1 && strcmp(argv[1], "--budget") == 0;
	argc -= budget;
	argv += budget;
	const size_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : 10000000;
	const size_t bytes = argc > 2 ? strtoull(argv[2], NULL, 10) : 48;
	struct object **object = calloc(n ? n : 1, sizeof(void *));

	if (!object || !n || bytes < sizeof(struct object))
		return 2;
	printf("%zu objects of %zu bytes\n", n, bytes);
	with_threads(object, n, bytes);
	// Freed in order first: the registry's own pages are then all new.
	const struct times t = run(object, n, bytes, 0);
	print("freed as made", &t, n);
	const struct times r = run(object, n, bytes, 1);
	print("freed at random, again", &r, n);
	one_by_one(n, bytes);
	printf("registry: %.1f MiB mapped\n",
	       (double)rs_registry.mapped / (1 << 20));
	free(object);

	const double spent = ns(t.track + t.untrack, n);
	const double room = (double)t.bytes / (double)n;
	if (budget &&
	    (spent > (double)RS_BUDGET_NS || room > (double)RS_BUDGET_BYTES)) {
		printf("over budget: %.1f ns (%d), %.1f bytes (%d)\n", spent,
		       RS_BUDGET_NS, room, RS_BUDGET_BYTES);
		return 1;
	}
	return 0;
}
