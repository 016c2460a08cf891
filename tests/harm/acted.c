// SPDX-License-Identifier: MIT
/**
 * @file
 * A C program that is stopped and acted on: acted STATE STOP.
 *
 * It is in STATE until the file STOP is there, or a line on its standard input,
 * and checks its own heap at its end: what it kept is as it was, and of all
 * that it made nothing else is left. Each round of work is done under one lock,
 * which a program with automatic collections has to have.
 *
 * At work: busy (one thread), threads, joined (the main thread only waits);
 * quiet and alone: as threads and busy, collecting now and then instead of
 * automatically; spins: automatically, but nothing is tracked. At rest: read,
 * sleep, select, futex, epoll, wait. locked: one thread waits for the lock of
 * another, which reads; inside: the line is read by a function that rs_each()
 * calls.
 */
#include "refscope/refscope.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RS_WORKERS = 3, RS_KEPT = 300, RS_ROUND = 100, RS_RINGS = 20 };
enum { RS_NODE = 0x600d, RS_FREED = 0xdead };

struct node {
	int refs;
	int state;
	struct node *next; // described
	struct node *hidden; // visited by the traverse callback
	char *text;
};

struct worker {
	struct node *kept[RS_KEPT];
	unsigned seed;
	unsigned long rounds;
};

#define CHECK(condition)                                                       \
	do {                                                                   \
		if (!(condition)) {                                            \
			(void)fprintf(stderr, "%s:%d: %s\n", __FILE__,         \
				      __LINE__, #condition);                   \
			abort();                                               \
		}                                                              \
	} while (0)

static struct worker worker[RS_WORKERS];
static pthread_mutex_t world = PTHREAD_MUTEX_INITIALIZER;
static struct node *anchor; // leads to another one; neither ever changes
static unsigned long made, freed, finalized;
static const char *stop_file;

static void give_back(void *object)
{
	struct node *n = object;

	while (n) {
		CHECK(n->state == RS_NODE && n->refs > 0);
		if (--n->refs)
			return;
		CHECK(rs_untrack(n) == 0);
		struct node *const next = n->next, *const hidden = n->hidden;
		n->state = RS_FREED;
		free(n->text);
		free(n);
		freed++;
		give_back(hidden);
		n = next;
	}
}

// Set by a debugger: callbacks do not come back meanwhile.
static volatile int hangs;

static void hang(void)
{
	while (hangs)
		(void)usleep(1000);
}

static int traverse(void *object, rs_visit_fn visit, void *context)
{
	hang();
	return visit(((struct node *)object)->hidden, context);
}

static int clear(void *object)
{
	struct node *n = object;
	struct node *const hidden = n->hidden, *const next = n->next;

	n->hidden = n->next = NULL;
	give_back(hidden);
	give_back(next);
	return 0;
}

static void finalize(void *object)
{
	CHECK(((struct node *)object)->state == RS_NODE);
	hang();
	finalized++;
}

static const struct rs_field fields[] = {
	RS_REF(struct node, next),
	RS_TEXT(struct node, text),
};
static struct rs_type plain =
	RS_TYPE("plain", struct node, refs, fields, .release = give_back);
static struct rs_type final =
	RS_TYPE("final", struct node, refs, fields, .release = give_back,
		.finalize = finalize);
static struct rs_type hides =
	RS_TYPE("hides", struct node, refs, fields, .release = give_back,
		.traverse = traverse, .clear = clear);

static struct node *make(struct rs_type *type, unsigned number)
{
	struct node *n = calloc(1, sizeof(*n));

	CHECK(n);
	n->refs = 1;
	n->state = RS_NODE;
	n->text = malloc(24);
	CHECK(n->text);
	(void)snprintf(n->text, 24, "node %u", number);
	CHECK(rs_track(n, type) == 0);
	made++;
	return n;
}

// Two that hold each other, and nobody else does.
static void make_ring(unsigned i)
{
	struct node *a = make(i % 3 ? &plain : &final, i);
	struct node *b = make(i % 5 ? &plain : &hides, i);

	a->next = b;
	if (i % 5)
		b->next = a;
	else
		b->hidden = a;
}

static void put(struct worker *w, unsigned i)
{
	struct node *old = w->kept[i];
	struct node *n = make(i % 2 ? &plain : &hides, i * w->seed);

	n->next = make(&plain, i);
	w->kept[i] = n;
	if (old)
		give_back(old);
}

static void do_round(struct worker *w)
{
	CHECK(pthread_mutex_lock(&world) == 0);
	for (unsigned i = 0; i < RS_ROUND; i++) {
		make_ring(i);
		put(w, (i * 7 + (unsigned)w->rounds) % RS_KEPT);
	}
	if (++w->rounds % 20 == 0 && !rs_gc_is_enabled())
		CHECK(rs_collect() >= 0);
	CHECK(pthread_mutex_unlock(&world) == 0);
}

static void check(const struct worker *w)
{
	char text[24];

	for (unsigned i = 0; i < RS_KEPT; i++) {
		const struct node *n = w->kept[i];

		(void)snprintf(text, sizeof(text), "node %u", i * w->seed);
		CHECK(n->state == RS_NODE && n->refs == 1);
		CHECK(strcmp(n->text, text) == 0);
		CHECK(n->next->state == RS_NODE && n->next->refs == 1);
	}
}

// --- States.

static bool is_over(void)
{
	return access(stop_file, F_OK) == 0;
}

static void *work(void *argument)
{
	while (!is_over())
		do_round(argument);
	return NULL;
}

static void start(pthread_t *thread, int first)
{
	for (int i = first; i < RS_WORKERS; i++)
		CHECK(pthread_create(&thread[i], NULL, work, &worker[i]) == 0);
}

static void join(const pthread_t *thread, int first)
{
	for (int i = first; i < RS_WORKERS; i++)
		CHECK(pthread_join(thread[i], NULL) == 0);
}

static void read_line(void)
{
	char c = 0;

	while (c != '\n')
		CHECK(read(STDIN_FILENO, &c, 1) == 1);
}

static void wait_sleeping(void)
{
	while (!is_over())
		(void)usleep(500000);
}

static void wait_select(void)
{
	fd_set set;

	do {
		FD_ZERO(&set);
		FD_SET(STDIN_FILENO, &set);
	} while (select(1, &set, NULL, NULL, NULL) != 1);
	read_line();
}

static void wait_epoll(void)
{
	struct epoll_event event = {.events = EPOLLIN};
	const int fd = epoll_create1(EPOLL_CLOEXEC);

	CHECK(epoll_ctl(fd, EPOLL_CTL_ADD, STDIN_FILENO, &event) == 0);
	while (epoll_wait(fd, &event, 1, -1) != 1)
		;
	(void)close(fd);
	read_line();
}

static sem_t semaphore;

static void *read_and_post(void *argument)
{
	read_line();
	CHECK(sem_post(&semaphore) == 0);
	return argument;
}

static void wait_futex(void)
{
	pthread_t thread;

	CHECK(sem_init(&semaphore, 0, 0) == 0);
	CHECK(pthread_create(&thread, NULL, read_and_post, NULL) == 0);
	while (sem_wait(&semaphore))
		;
	CHECK(pthread_join(thread, NULL) == 0);
}

static void wait_child(void)
{
	int status = 0;
	const pid_t child = fork();

	CHECK(child >= 0);
	if (!child) {
		read_line();
		_exit(7);
	}
	while (waitpid(child, &status, 0) != child)
		;
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

static void *read_locked(void *argument)
{
	CHECK(pthread_mutex_lock(&world) == 0);
	(void)sem_post(&semaphore);
	read_line();
	CHECK(pthread_mutex_unlock(&world) == 0);
	return argument;
}

static void wait_holding(void)
{
	(void)read_locked(NULL);
}

static void wait_locked(void)
{
	pthread_t thread;

	CHECK(sem_init(&semaphore, 0, 0) == 0);
	CHECK(pthread_create(&thread, NULL, read_locked, NULL) == 0);
	while (sem_wait(&semaphore))
		;
	do_round(&worker[0]);
	CHECK(pthread_join(thread, NULL) == 0);
}

static int read_once(void *object, const struct rs_type *type, void *context)
{
	(void)object;
	(void)type;
	(void)context;
	read_line();
	return 1;
}

static void wait_inside(void)
{
	CHECK(rs_each(read_once, NULL) == 1);
}

static void be_busy(void)
{
	(void)work(&worker[0]);
}

static void spin(void)
{
	while (!is_over())
		;
}

static void run_threads(void)
{
	pthread_t thread[RS_WORKERS];

	start(thread, 1);
	be_busy();
	join(thread, 1);
}

static void run_joined(void)
{
	pthread_t thread[RS_WORKERS];

	start(thread, 0);
	join(thread, 0);
}

static const struct {
	const char *name;
	void (*run)(void);
	bool collects; // by itself
} states[] = {
	{"busy", be_busy, true},	  {"threads", run_threads, true},
	{"joined", run_joined, true},	  {"quiet", run_threads, false},
	{"alone", be_busy, false},	  {"spins", spin, true},
	{"read", read_line, false},	  {"sleep", wait_sleeping, false},
	{"select", wait_select, false},	  {"futex", wait_futex, false},
	{"epoll", wait_epoll, false},	  {"wait", wait_child, false},
	{"locked", wait_locked, false},	  {"inside", wait_inside, false},
	{"holding", wait_holding, false},
};

static int count(void *object, const struct rs_type *type, void *context)
{
	(void)object;
	(void)type;
	++*(unsigned long *)context;
	return 0;
}

static void prepare(void)
{
	rs_gc_set_policy(RS_GC_FINALIZE);
	for (unsigned i = 0; i < RS_WORKERS; i++) {
		worker[i].seed = i + 1;
		for (unsigned k = 0; k < RS_KEPT; k++)
			put(&worker[i], k);
	}
	anchor = make(&plain, 0);
	anchor->next = make(&plain, 1);
	CHECK(rs_root_add_array(worker[0].kept, RS_KEPT, "kept") == 0);
	for (unsigned i = 0; i < RS_RINGS; i++)
		make_ring(i);
}

static void finish(void)
{
	unsigned long left = 0;

	CHECK(rs_collect() >= 0);
	for (unsigned i = 0; i < RS_WORKERS; i++)
		check(&worker[i]);
	CHECK(rs_each(count, &left) == 0);
	CHECK(left == 2UL * RS_WORKERS * RS_KEPT + 2);
	CHECK(made - freed == left);
	CHECK(rs_garbage_count() == 0);
	puts("HEAP OK");
}

int main(int argc, char **argv)
{
	CHECK(argc > 2);
	stop_file = argv[2];
	prepare();
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		if (strcmp(argv[1], states[i].name) != 0)
			continue;
		if (states[i].collects)
			rs_gc_enable();
		(void)printf("READY %d %p\n", (int)getpid(), (void *)anchor);
		(void)fflush(stdout);
		states[i].run();
		finish();
		return 0;
	}
	return 2;
}
