// SPDX-License-Identifier: MIT
/*
 * The registry read while it changes: a child is stopped at any instruction,
 * and what a debugger then finds must be right; threads change it at once.
 */
#include "refscope/refscope.h"
#include "refscope/registry.h"
#include "rs_check.h"
#include "runtime/native/native_open.h"
#include "runtime/runtime.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__ // with its many mappings a look costs 30 times more
enum { RS_STOPS = 4, RS_CROWD = 7, RS_ROUNDS = 100000 };
#else
enum { RS_STOPS = 20, RS_CROWD = 12, RS_ROUNDS = 1000000 };
#endif

enum { RS_OBJECTS = 3000, RS_STAYING = 500, RS_STEPS = 40 };

struct thing {
	long refs;
	struct thing *next;
};

static const struct rs_field fields[] = {RS_REF(struct thing, next)};
static struct rs_type type =
	RS_TYPE("thing", struct thing, refs, fields, .flags = 0);

static const uint64_t base = UINT64_C(0x234567000000);

// Three spacings, so that tables of all sizes grow and shrink.
static uint64_t address_of(unsigned i)
{
	static const unsigned step[] = {8, 48, 4096};

	return base + ((uint64_t)(i % 3) << 24) +
	       (uint64_t)(i / 3) * step[i % 3];
}

// Objects below RS_STAYING stay; the others come and go for ever.
static void churn(void)
{
	uint64_t x = 88172645463325252U;

	for (;;) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		const unsigned i =
			RS_STAYING + (unsigned)(x % (RS_OBJECTS - RS_STAYING));
		void *object = (void *)(uintptr_t)address_of(i);

		// Long phases of growth and of decline.
		if (x >> 32 & 7 ? (x >> 60 & 1) == (x >> 61 & 1) : false)
			rs_track(object, &type);
		else
			rs_untrack(object);
	}
}

/**
 * What the registry of the stopped child says, read as a debugger does: the
 * first @p staying objects are there, and none that is not among RS_OBJECTS.
 */
static void check_child(pid_t child, unsigned staying)
{
	struct rs_memory *memory;
	struct rs_types types = {0};
	struct rs_runtime *rt = NULL;
	struct rs_found found = {0};

	rs_ck_ok(rs_memory_open_live(child, &(struct rs_memory_options){0},
				     &memory));
	rs_ck_ok(rs_native_open(memory, &types, 0, &rt));
	ck_assert_ptr_nonnull(rt);
	rs_ck_ok(rt->ops->find(rt, NULL, &found, NULL));
	for (unsigned i = 0; i < staying; i++)
		ck_assert_msg(rt->ops->is_object(rt, address_of(i)),
			      "object %u is missing", i);
	const uint64_t *a = rs_vec_items(&found.address, uint64_t);
	const size_t n = rs_vec_count(&found.address, uint64_t);
	ck_assert_uint_le(n, RS_OBJECTS);
	for (size_t k = 0; k < n; k++) {
		unsigned i = 0;

		while (i < RS_OBJECTS && address_of(i) != a[k])
			i++;
		ck_assert_msg(i < RS_OBJECTS, "0x%llx is no object",
			      (unsigned long long)a[k]);
	}
	rs_vec_fini(&found.address);
	rs_vec_fini(&found.mark);
	rt->ops->free(rt);
	rs_types_fini(&types);
	rs_memory_close(memory);
}

static pid_t start_child(void (*run)(void))
{
	const pid_t child = fork();

	ck_assert_int_ge(child, 0);
	if (child == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		(void)raise(SIGSTOP);
		run();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	return child;
}

START_TEST(a_registry_stopped_anywhere_is_right)
{
	for (unsigned i = 0; i < RS_STAYING; i++)
		ck_assert_int_eq(
			rs_track((void *)(uintptr_t)address_of(i), &type), 0);
	const pid_t child = start_child(churn);
	for (int stop = 0; stop < RS_STOPS; stop++) {
		int status;

		// Run a while, stop, then go on by single instructions.
		ck_assert_int_eq(ptrace(PTRACE_CONT, child, NULL, NULL), 0);
		(void)usleep(500 + (unsigned)stop * 37);
		(void)kill(child, SIGSTOP);
		ck_assert_int_eq(waitpid(child, &status, 0), child);
		for (int step = 0; step < RS_STEPS; step += 8) {
			for (int k = 0; k < 8; k++) {
				ck_assert_int_eq(ptrace(PTRACE_SINGLESTEP,
							child, NULL, NULL),
						 0);
				(void)waitpid(child, &status, 0);
			}
			check_child(child, RS_STAYING);
		}
	}
	(void)kill(child, SIGKILL);
	(void)waitpid(child, NULL, 0);
}
END_TEST

/** In a crowd, so that the others have to close the gap, and to make room. */
static void one_of_each(void)
{
	void *object = (void *)(uintptr_t)(base + 8 * RS_CROWD);

	(void)raise(SIGSTOP);
	rs_track(object, &type);
	rs_untrack(object);
	rs_untrack((void *)(uintptr_t)base);
	(void)raise(SIGSTOP);
}

/** The crowd after @p child's step: all but the first, which is leaving. */
static void check_crowd(pid_t child)
{
	struct rs_memory *memory;
	struct rs_types types = {0};
	struct rs_runtime *rt = NULL;

	rs_ck_ok(rs_memory_open_live(child, &(struct rs_memory_options){0},
				     &memory));
	rs_ck_ok(rs_native_open(memory, &types, 0, &rt));
	for (unsigned i = 1; i < RS_CROWD; i++)
		ck_assert_msg(rt->ops->is_object(rt, base + 8 * i),
			      "object %u is missing", i);
	rt->ops->free(rt);
	rs_types_fini(&types);
	rs_memory_close(memory);
}

START_TEST(no_instruction_of_a_change_loses_a_neighbour)
{
	int status;
	unsigned steps = 0;

	for (unsigned i = 0; i < RS_CROWD; i++)
		ck_assert_int_eq(
			rs_track((void *)(uintptr_t)(base + 8 * i), &type), 0);
	const pid_t child = start_child(one_of_each);
	ck_assert_int_eq(ptrace(PTRACE_CONT, child, NULL, NULL), 0);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	do {
		ck_assert_int_eq(ptrace(PTRACE_SINGLESTEP, child, NULL, NULL),
				 0);
		ck_assert_int_eq(waitpid(child, &status, 0), child);
		check_crowd(child);
		steps++;
	} while (WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP);
	ck_assert_uint_gt(steps, 50);
	(void)kill(child, SIGKILL);
	(void)waitpid(child, NULL, 0);
}
END_TEST

enum { RS_THREADS = 6 };

static pthread_barrier_t threads_go;

// Threads have objects of their own in regions that they share. They begin
// together and go on for long: what two of them must not do at once takes
// some nanoseconds.
static void *track_and_untrack(void *argument)
{
	const unsigned me = (unsigned)(uintptr_t)argument;
	// All want the same slot of a small table: each moves the others'.
	const void *close = (void *)(uintptr_t)(base + (1 << 16) + me * 8);
	uintptr_t failed = 0;

	(void)pthread_barrier_wait(&threads_go);
	for (unsigned r = 0; r < RS_ROUNDS; r++) {
		const unsigned i = r % 700;
		void *object = (void *)(uintptr_t)(base + i * 64 + me * 8);

		failed += rs_track(object, &type) != 0;
		failed += rs_type_of(object) != &type;
		if (r % 3)
			failed += rs_untrack(object) != 0;
		failed += rs_track(close, &type) != 0;
		failed += rs_type_of(close) != &type;
		failed += rs_untrack(close) != 0;
	}
	return (void *)failed;
}

static int count_one(void *object, const struct rs_type *t, void *context)
{
	(void)object;
	(void)t;
	++*(size_t *)context;
	return 0;
}

START_TEST(threads_may_track_at_once)
{
	pthread_t thread[RS_THREADS];
	size_t n = 0;
	size_t want = 0;
	bool left[700] = {false};

	ck_assert_int_eq(pthread_barrier_init(&threads_go, NULL, RS_THREADS),
			 0);
	for (uintptr_t t = 0; t < RS_THREADS; t++)
		ck_assert_int_eq(pthread_create(&thread[t], NULL,
						track_and_untrack, (void *)t),
				 0);
	for (int t = 0; t < RS_THREADS; t++) {
		void *failed;

		pthread_join(thread[t], &failed);
		ck_assert_ptr_null(failed);
	}
	for (unsigned r = 0; r < RS_ROUNDS; r++)
		left[r % 700] = r % 3 == 0;
	for (int i = 0; i < 700; i++)
		want += left[i];
	ck_assert_int_eq(rs_each(count_one, &n), 0);
	ck_assert_uint_eq(n, want * RS_THREADS);
}
END_TEST

START_TEST(a_child_of_a_fork_can_track_whatever_was_locked)
{
	int status;

	ck_assert_int_eq(rs_track((void *)(uintptr_t)base, &type), 0);
	struct rs_region *region =
		&rs_registry.leaf->region[base >> 16 & (RS_LEAF_SIZE - 1)];
	region->lock = 1; // by a thread that the child does not have
	rs_registry.lock = 1;
	const pid_t child = fork();
	if (child == 0) {
		alarm(60); // a lock that it waits for, it waits for ever
		const int rc = rs_track((void *)(uintptr_t)(base + 8), &type);
		_exit(rc || !rs_type_of((void *)(uintptr_t)base));
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	region->lock = 0;
	rs_registry.lock = 0;
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("target_update");
	TCase *tcase = tcase_create("update");

	tcase_set_timeout(tcase, 300);
	tcase_add_test(tcase, a_registry_stopped_anywhere_is_right);
	tcase_add_test(tcase, no_instruction_of_a_change_loses_a_neighbour);
	tcase_add_test(tcase, threads_may_track_at_once);
	tcase_add_test(tcase, a_child_of_a_fork_can_track_whatever_was_locked);
	suite_add_tcase(suite, tcase);
	return rs_ck_run(suite);
}
