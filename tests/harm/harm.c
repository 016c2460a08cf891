// SPDX-License-Identifier: MIT
/**
 * @file
 * A program that uses the tracker as hard as it may: it ends with 0 if nothing
 * that it still used was freed, and nothing was lost.
 *
 *     harm teardown N        N objects torn down, each making others on its
 *                            way, with automatic collections on
 *     harm finalizers N      N rings whose finalizers track, collect, hold on
 *     harm threads N         8 threads, N rounds each
 *     harm forks N           N forks of a program with 8 threads at work
 *     harm plugins N DIR     N times a plugin loaded and unloaded
 *     harm run               8 threads for ever: READY, then to be stopped
 */
#include "refscope/refscope.h"
#include "refscope/registry.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RS_THREADS = 8, RS_ALIVE = 0x600d, RS_DEAD = 0xdead };

struct thing {
	int refs;
	int state; // RS_ALIVE until it is freed
	struct thing *next;
	struct thing *other;
};

#define CHECK(condition)                                                       \
	do {                                                                   \
		if (!(condition)) {                                            \
			(void)fprintf(stderr, "%s:%d: %s\n", __FILE__,         \
				      __LINE__, #condition);                   \
			abort();                                               \
		}                                                              \
	} while (0)

static uint64_t made, freed;
static void (*hook)(void); // called by an object that is being torn down

static void give_back(void *object)
{
	struct thing *t = object;

	while (t) {
		CHECK(t->state == RS_ALIVE);
		CHECK(t->refs > 0);
		if (--t->refs)
			return;
		if (hook)
			hook();
		// Nobody freed it meanwhile, or what it holds.
		CHECK(t->state == RS_ALIVE);
		struct thing *next = t->next;
		struct thing *other = t->other;
		CHECK(!next || next->state == RS_ALIVE);
		CHECK(rs_untrack(t) == 0);
		t->state = RS_DEAD;
		freed++;
		free(t);
		give_back(other);
		t = next;
	}
}

static const struct rs_field fields[] = {
	RS_REF(struct thing, next),
	RS_REF(struct thing, other),
};
static struct rs_type plain =
	RS_TYPE("plain", struct thing, refs, fields, .release = give_back);

static struct thing *make(struct rs_type *type)
{
	struct thing *t = calloc(1, sizeof(*t));

	CHECK(t);
	t->refs = 1;
	t->state = RS_ALIVE;
	CHECK(rs_track(t, type) == 0);
	made++;
	return t;
}

static struct thing *hold(struct thing *t)
{
	t->refs++;
	return t;
}

// --- Tear-down.

static void make_some(void)
{
	void (*const again)(void) = hook;

	hook = NULL;
	struct thing *t[4];
	for (int i = 0; i < 4; i++)
		t[i] = make(&plain);
	t[0]->next = hold(t[1]);
	t[1]->next = hold(t[0]); // a ring, which becomes garbage
	for (int i = 0; i < 4; i++)
		give_back(t[i]);
	hook = again;
}

static int teardown(uint64_t n)
{
	rs_gc_enable();
	rs_gc_set_threshold(n > 1000000 ? 500 : 20); // or it takes hours
	struct thing *kept = make(&plain);
	uint64_t x = 88172645463325252U;

	for (uint64_t i = 0; i < n;) {
		struct thing *list = NULL;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		for (uint64_t k = 0; k < 1 + x % 7; k++, i++) {
			struct thing *t = make(&plain);

			t->next = list;
			if (x >> (8 + k) & 1)
				t->other = hold(kept);
			list = t;
		}
		hook = x >> 40 & 3 ? make_some : NULL;
		give_back(list);
		hook = NULL;
		CHECK(kept->state == RS_ALIVE && kept->refs == 1);
	}
	give_back(kept);
	CHECK(rs_collect() >= 0);
	CHECK(made == freed);
	printf("%llu objects, %llu collections\n", (unsigned long long)made,
	       (unsigned long long)rs_registry.gc.collections);
	return 0;
}

// --- Finalizers.

static struct thing *rescued;
static struct thing *untracked; // by its finalizer
static uint64_t finalized;

static void finalize(void *object)
{
	struct thing *t = object;

	CHECK(t->state == RS_ALIVE);
	finalized++;
	give_back(make(&plain));
	CHECK(rs_collect() == 0); // one is under way
	if (finalized % 5 == 0 && !rescued)
		rescued = hold(t);
	if (finalized % 7 == 0 && t->next) {
		struct thing *next = t->next;

		t->next = NULL;
		give_back(next);
	}
	if (finalized % 11 == 0) { // it becomes an object of another type
		CHECK(rs_untrack(t) == 0);
		CHECK(rs_track(t, &plain) == 0);
	}
	if (finalized % 13 == 0 && !untracked) {
		CHECK(rs_untrack(t) == 0);
		untracked = hold(t);
	}
}

static struct rs_type final =
	RS_TYPE("final", struct thing, refs, fields, .release = give_back,
		.finalize = finalize);

/** @return Whether there was any. */
static bool drop_rescued(void)
{
	struct thing *t = rescued;
	struct thing *u = untracked;

	rescued = untracked = NULL;
	if (u) {
		CHECK(u->state == RS_ALIVE);
		CHECK(rs_track(u, &plain) == 0);
		give_back(u);
	}
	if (t) {
		CHECK(t->state == RS_ALIVE);
		give_back(t);
	}
	return t || u;
}

static int finalizers(uint64_t n)
{
	rs_gc_set_policy(RS_GC_FINALIZE);
	rs_gc_enable();
	rs_gc_set_threshold(50);
	for (uint64_t i = 0; i < n; i++) {
		struct thing *a = make(&final);
		struct thing *b = make(i % 3 ? &final : &plain);

		a->next = b;
		b->next = a; // their own first references
		(void)drop_rescued();
	}
	while (rs_collect() > 0 || drop_rescued())
		(void)drop_rescued();
	CHECK(made == freed);
	printf("%llu objects, %llu finalizers\n", (unsigned long long)made,
	       (unsigned long long)finalized);
	return 0;
}

// --- Threads. Each has objects of its own; all share regions.

static struct rs_type threads_type =
	RS_TYPE("shared", struct thing, refs, fields, .release = give_back);
static struct thing settled[64]; // tracked, and never changed
static uint64_t rounds; // UINT64_MAX: for ever
static _Atomic(bool) stop;

static int count_one(void *object, const struct rs_type *type, void *context)
{
	(void)object;
	CHECK(type);
	++*(uint64_t *)context;
	return 0;
}

static void look_around(void)
{
	uint64_t n = 0;
	int rc = rs_each(count_one, &n);

	CHECK(rc == 0 || rc == RS_EBUSY);
	rc = rs_walk(&settled[0], count_one, &n);
	CHECK(rc == 0 || rc == RS_EBUSY);
	const int64_t count = rs_count(&settled[3]);
	CHECK(count == 1 || count == -RS_EBUSY);
	(void)rs_garbage_at(0);
}

/** Track a new thing at @p slot, or untrack the one that is there. */
static void change(struct thing **slot, struct rs_type *type)
{
	struct thing *t = *slot;

	if (t) {
		CHECK(rs_untrack(t) == 0);
		free(t);
		*slot = NULL;
		return;
	}
	*slot = t = calloc(1, sizeof(*t));
	CHECK(t);
	t->refs = 1;
	CHECK(rs_track(t, type) == 0);
	CHECK(rs_type_of(t) == type);
}

static void end_work(struct thing **slot, struct rs_type *own)
{
	for (int i = 0; i < 50; i++) {
		if (slot[i])
			change(&slot[i], own);
	}
	const int rc = rs_undescribe(own);
	CHECK(rc == 0 || rc == RS_ENOTFOUND);
}

static void name_root(void **root)
{
	CHECK(rs_root_add(root, "root") == 0);
	CHECK(rs_root_remove(root) == 0);
}

static void *work(void *argument)
{
	const unsigned me = (unsigned)(uintptr_t)argument;
	struct thing *slot[50] = {0};
	struct rs_type own = RS_TYPE("own", struct thing, refs, fields,
				     .release = give_back);
	void *root = NULL;

	for (uint64_t r = 0; r < rounds && !stop; r++) {
		change(&slot[(r * 7 + me) % 50], r % 3 ? &threads_type : &own);
		if (r % 1024 == 0)
			name_root(&root);
		if (r % 4096 == 4095)
			look_around();
	}
	end_work(slot, &own);
	return NULL;
}

static void settle(void)
{
	for (int i = 0; i < 64; i++) {
		settled[i].refs = 1;
		settled[i].next = i < 63 ? &settled[i + 1] : NULL;
		CHECK(rs_track(&settled[i], &threads_type) == 0);
	}
}

static void start(pthread_t *thread)
{
	for (uintptr_t i = 0; i < RS_THREADS; i++)
		CHECK(pthread_create(&thread[i], NULL, work, (void *)i) == 0);
}

static void join(const pthread_t *thread)
{
	for (int i = 0; i < RS_THREADS; i++)
		CHECK(pthread_join(thread[i], NULL) == 0);
}

static int threads(uint64_t n)
{
	pthread_t thread[RS_THREADS];
	uint64_t left = 0;

	rounds = n;
	settle();
	start(thread);
	join(thread);
	CHECK(rs_each(count_one, &left) == 0);
	CHECK(left == 64);
	printf("%d threads, %llu rounds\n", RS_THREADS, (unsigned long long)n);
	return 0;
}

static int run(void)
{
	pthread_t thread[RS_THREADS];

	rounds = UINT64_MAX;
	settle();
	rs_root_add(&settled[0].next, "settled");
	start(thread);
	printf("READY %d %p\n", (int)getpid(), (void *)settled);
	(void)fflush(stdout);
	join(thread);
	return 0;
}

// --- Forks: the child has the locks of threads that it does not have.

static uint64_t dropped;

static void drop(void *object)
{
	struct thing *t = object;

	CHECK(t->refs > 0);
	if (--t->refs)
		return;
	CHECK(rs_untrack(t) == 0);
	dropped++;
}

static struct rs_type of_child =
	RS_TYPE("child", struct thing, refs, fields, .release = drop);

// It does not allocate: AddressSanitizer's allocator keeps its locks over a
// fork, and the child would wait for a thread that it does not have.
static int child(void)
{
	static struct thing own[1000];
	uint64_t n = 0;

	for (int i = 0; i < 1000; i++) {
		own[i].refs = 1;
		own[i].next = &own[i]; // its own first reference
		CHECK(rs_track(&own[i], &of_child) == 0);
	}
	CHECK(rs_collect() >= 1000);
	CHECK(dropped == 1000);
	CHECK(rs_each(count_one, &n) == 0);
	CHECK(n >= 64);
	CHECK(rs_count(&settled[3]) == 1);
	return 0;
}

static int forks(uint64_t n)
{
	pthread_t thread[RS_THREADS];

	rounds = UINT64_MAX;
	settle();
	start(thread);
	for (uint64_t i = 0; i < n; i++) {
		int status;
		const pid_t pid = fork();

		CHECK(pid >= 0);
		if (pid == 0) {
			(void)alarm(60);
			_exit(child());
		}
		CHECK(waitpid(pid, &status, 0) == pid);
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	stop = true;
	join(thread);
	printf("%llu forks\n", (unsigned long long)n);
	return 0;
}

// --- Plugins.

// @return Where the plugin was.
static const void *load(const char *path, unsigned undescribe)
{
	void *plugin = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	int (*use)(unsigned);

	if (!plugin)
		(void)fprintf(stderr, "%s\n", dlerror());
	CHECK(plugin);
	void *symbol = dlsym(plugin, "rs_plugin_use");
	memcpy(&use, &symbol, sizeof(use));
	CHECK(use);
	const int rc = use(undescribe);
	if (rc)
		(void)fprintf(stderr, "%s: %d\n", path, rc);
	CHECK(rc == 0);
	CHECK(dlclose(plugin) == 0);
	return symbol;
}

static bool is_new(const void *place)
{
	static const void *seen[1024];
	static unsigned n;

	for (unsigned i = 0; i < n; i++) {
		if (seen[i] == place)
			return false;
	}
	CHECK(n < sizeof(seen) / sizeof(seen[0]));
	seen[n++] = place;
	return true;
}

static int plugins(uint64_t n, const char *directory)
{
	char shared[512], whole[512];
	unsigned places = 0;

	(void)snprintf(shared, sizeof(shared), "%s/harm_plugin.so", directory);
	(void)snprintf(whole, sizeof(whole), "%s/harm_plugin_whole.so",
		       directory);
	settle();
	(void)load(shared, true);
	const unsigned types = rs_registry.types;
	for (uint64_t i = 0; i < n; i++) {
		// Undescribed, not undescribed, with a copy of the library.
		if (i % 3 == 0)
			(void)load(shared, true);
		else if (i % 3 == 1)
			places += is_new(load(shared, false));
		else
			(void)load(whole, false);
		// What was not undescribed keeps its number, for the next that
		// is loaded at its place. (AddressSanitizer takes a page at
		// each load, and so the next is at another place.)
		CHECK(rs_registry.types <= types + places);
		if (i % 1024 == 0)
			CHECK(rs_collect() == 0);
	}
	printf("%llu loads at %u places, %u types, %llu bytes\n",
	       (unsigned long long)n, places, rs_registry.types,
	       (unsigned long long)rs_registry.mapped);
	return 0;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";
	const uint64_t n = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;

	if (strcmp(mode, "teardown") == 0)
		return teardown(n);
	if (strcmp(mode, "finalizers") == 0)
		return finalizers(n);
	if (strcmp(mode, "threads") == 0)
		return threads(n);
	if (strcmp(mode, "forks") == 0)
		return forks(n);
	if (strcmp(mode, "plugins") == 0 && argc > 3)
		return plugins(n, argv[3]);
	if (strcmp(mode, "run") == 0)
		return run();
	(void)fprintf(stderr,
		      "usage: harm teardown|finalizers|threads|forks N, "
		      "plugins N DIR, run\n");
	return 2;
}
