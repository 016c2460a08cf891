// SPDX-License-Identifier: MIT
#include "refscope/refscope.h"
#include "refscope/registry.h"
#include "rs_check.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef __SANITIZE_ADDRESS__
// A debugger may call the helper while the program is stopped in malloc.
extern void *rs_libc_malloc(size_t size) __asm__("__libc_malloc");
static bool is_malloc_watched;
static int mallocs;

void *malloc(size_t size)
{
	mallocs += is_malloc_watched;
	return rs_libc_malloc(size);
}
#endif

struct node {
	uint32_t refs;
	struct node *left, *right;
	struct node *weak;
};

static const struct rs_field fields[] = {
	RS_REF(struct node, left),
	RS_REF(struct node, right),
	RS_FIELD(struct node, weak, .hold = RS_HOLD_WEAK),
};

static int freed, finalized;
static struct node *resurrected;
static struct node *saved_by_finalizer;

static void node_release(void *object);

static void finalize(void *object)
{
	(void)object;
	finalized++;
	if (saved_by_finalizer) {
		resurrected = saved_by_finalizer;
		resurrected->refs++;
		saved_by_finalizer = NULL;
	}
}

static struct rs_type plain =
	RS_TYPE("node", struct node, refs, fields, .release = node_release);
static struct rs_type final =
	RS_TYPE("final", struct node, refs, fields, .release = node_release,
		.finalize = finalize);
static struct rs_type legacy =
	RS_TYPE("legacy", struct node, refs, fields, .release = node_release,
		.finalize = finalize, .flags = RS_TYPE_LEGACY);
static struct rs_type unfree =
	RS_TYPE("unfree", struct node, refs, fields, .flags = 0);

static struct node *make(struct rs_type *type)
{
	// Never given back: to a leak checker the registry holds nothing.
	static struct node pool[8192];
	static int used;

	ck_assert_int_lt(used, 8192);
	struct node *n = &pool[used++];
	n->refs = 1;
	ck_assert_int_eq(rs_track(n, type), 0);
	return n;
}

static struct node *hold(struct node *n)
{
	n->refs++;
	return n;
}

static void node_release(void *object)
{
	struct node *n = object;

	if (!n->refs)
		abort(); // an assertion of Check would allocate
	if (--n->refs)
		return;
	rs_untrack(n);
	if (n->left)
		node_release(n->left);
	if (n->right)
		node_release(n->right);
	memset(n, 0xdd, sizeof(*n));
	freed++;
}

/** Two that hold each other and that nobody else holds. */
static struct node *make_ring(struct rs_type *a_type, struct rs_type *b_type)
{
	struct node *a = make(a_type);
	struct node *b = make(b_type);

	a->left = b; // their own first references
	b->left = a;
	return a;
}

START_TEST(a_ring_is_freed_and_what_it_alone_holds)
{
	struct node *a = make_ring(&plain, &plain);

	a->right = make(&plain);
	ck_assert_int_eq(rs_collect(), 3);
	ck_assert_int_eq(freed, 3);
	ck_assert_uint_eq(rs_garbage_count(), 0);
	ck_assert_int_eq(rs_collect(), 0);
}
END_TEST

START_TEST(a_ring_that_is_held_stays)
{
	struct node *a = make_ring(&plain, &plain);

	hold(a);
	ck_assert_int_eq(rs_collect(), 0);
	ck_assert_int_eq(freed, 0);
	a->refs--;
	ck_assert_int_eq(rs_collect(), 2);
}
END_TEST

START_TEST(a_weak_reference_holds_nothing)
{
	struct node *a = make_ring(&plain, &plain);
	struct node *b = make(&plain);

	b->weak = a;
	ck_assert_int_eq(rs_collect(), 2);
	ck_assert_int_eq(freed, 2);
	b->weak = NULL;
	node_release(b);
}
END_TEST

static const struct rs_field owner_fields[] = {
	RS_REF(struct node, left),
	RS_FIELD(struct node, right, .hold = RS_HOLD_OWNED),
};

static bool owned_was_left;

static void owner_release(void *object)
{
	struct node *n = object;

	if (n->refs == 1)
		owned_was_left = n->right != NULL;
	node_release(n);
}

START_TEST(an_owned_reference_is_left_to_its_owner)
{
	static struct rs_type owner =
		RS_TYPE("owner", struct node, refs, owner_fields,
			.release = owner_release);
	struct node *a = make(&owner);

	a->left = a; // its own first reference
	a->right = make(&plain);
	freed = 0;
	ck_assert_int_ge(rs_collect(), 1);
	ck_assert(owned_was_left);
	ck_assert_int_eq(freed, 2);
}
END_TEST

START_TEST(a_ring_with_a_finalizer_goes_to_the_garbage_list)
{
	struct node *a = make_ring(&final, &plain);

	ck_assert_int_eq(rs_collect(), 2);
	ck_assert_int_eq(freed, 0);
	ck_assert_uint_eq(rs_garbage_count(), 1);
	ck_assert_ptr_eq(rs_garbage_at(0), a);
	ck_assert_ptr_null(rs_garbage_at(1));
	ck_assert_uint_eq(a->refs, 2); // the list counts
	ck_assert_int_eq(rs_collect(), 0); // held by the list

	// The safe order: cut the ring, clear the list.
	struct node *b = a->left;
	a->left = NULL;
	node_release(b);
	ck_assert_int_eq(freed, 1);
	ck_assert_uint_eq(a->refs, 1);
	rs_garbage_clear();
	ck_assert_uint_eq(rs_garbage_count(), 0);
	ck_assert_int_eq(freed, 2);
}
END_TEST

START_TEST(the_garbage_list_grows)
{
	for (int i = 0; i < 2000; i++)
		make_ring(&final, &final);
	ck_assert_int_eq(rs_collect(), 4000);
	ck_assert_uint_eq(rs_garbage_count(), 4000);
	rs_garbage_clear();
	ck_assert_int_eq(rs_collect(), 4000); // never cut: found again
}
END_TEST

START_TEST(policy_finalize_runs_finalizers_once_and_frees)
{
	rs_gc_set_policy(RS_GC_FINALIZE);
	make_ring(&final, &plain);
	ck_assert_int_eq(rs_collect(), 2);
	ck_assert_int_eq(finalized, 1);
	ck_assert_int_eq(freed, 2);
	ck_assert_uint_eq(rs_garbage_count(), 0);
}
END_TEST

START_TEST(a_resurrected_ring_stays_and_is_not_finalized_again)
{
	rs_gc_set_policy(RS_GC_FINALIZE);
	struct node *a = make_ring(&final, &plain);
	saved_by_finalizer = a->left;
	ck_assert_int_eq(rs_collect(), 0);
	ck_assert_int_eq(finalized, 1);
	ck_assert_int_eq(freed, 0);
	ck_assert(rs_is_finalized(a));
	ck_assert(!rs_is_finalized(a->left));
	ck_assert_uint_eq(a->refs, 1);
	ck_assert_uint_eq(resurrected->refs, 2);

	resurrected->refs--;
	ck_assert_int_eq(rs_collect(), 2);
	ck_assert_int_eq(finalized, 1);
	ck_assert_int_eq(freed, 2);
}
END_TEST

START_TEST(only_the_resurrected_part_stays)
{
	rs_gc_set_policy(RS_GC_FINALIZE);
	struct node *a = make_ring(&final, &plain);
	saved_by_finalizer = a;
	make_ring(&plain, &plain);
	ck_assert_int_eq(rs_collect(), 2);
	ck_assert_int_eq(freed, 2);
	ck_assert_ptr_eq(resurrected, a);
	ck_assert_uint_eq(a->refs, 2);
}
END_TEST

START_TEST(a_legacy_finalizer_keeps_its_ring_under_both_policies)
{
	rs_gc_set_policy(RS_GC_FINALIZE);
	make_ring(&legacy, &plain);
	ck_assert_int_eq(rs_collect(), 2);
	ck_assert_int_eq(finalized, 0);
	ck_assert_int_eq(freed, 0);
	ck_assert_uint_eq(rs_garbage_count(), 1);
}
END_TEST

START_TEST(what_cannot_be_released_is_not_torn)
{
	struct node *a = make_ring(&unfree, &plain);

	ck_assert_int_eq(rs_collect(), 2);
	ck_assert_ptr_nonnull(a->left);
	ck_assert_ptr_eq(a->left->left, a);
}
END_TEST

// ring of plain nodes -> final: the finalizer's object goes with the ring.
START_TEST(a_finalizer_behind_a_ring_goes_with_it)
{
	struct node *a = make_ring(&plain, &plain);

	a->right = make(&final);
	make_ring(&final, &plain);
	// As 2.7 counts: those freed, and those found uncollectable after it.
	ck_assert_int_eq(rs_collect(), 4);
	ck_assert_int_eq(freed, 3);
	ck_assert_uint_eq(rs_garbage_count(), 1);
}
END_TEST

START_TEST(saveall_frees_nothing)
{
	rs_gc_set_debug(RS_GC_DEBUG_SAVEALL);
	make_ring(&plain, &plain);
	make_ring(&final, &plain);
	ck_assert_int_eq(rs_collect(), 4);
	ck_assert_int_eq(freed, 0);
	ck_assert_uint_eq(rs_garbage_count(), 4);
}
END_TEST

START_TEST(tracking_collects_when_enabled)
{
	rs_gc_set_threshold(100);
	for (int i = 0; i < 200; i++)
		make_ring(&plain, &plain);
	ck_assert_int_eq(freed, 0);
	rs_gc_enable();
	ck_assert(rs_gc_is_enabled());
	for (int i = 0; i < 200; i++)
		make_ring(&plain, &plain);
	ck_assert_int_ge(freed, 600);
	ck_assert_uint_ge(rs_registry.gc.collections, 2);
	const int before = freed;
	rs_gc_disable();
	for (int i = 0; i < 200; i++)
		make_ring(&plain, &plain);
	ck_assert_int_eq(freed, before);
}
END_TEST

static int collect_inside(void *object)
{
	ck_assert_int_eq(rs_collect(), 0);
	((struct node *)object)->left = NULL;
	return 0;
}

START_TEST(only_what_comes_and_goes_is_counted_for_the_next_collection)
{
	static struct node never_tracked;

	rs_gc_set_threshold(100);
	rs_gc_enable();
	struct node *a = make(&plain);
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(rs_track(a, &plain), 0); // again
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(rs_untrack(&never_tracked), RS_ENOTFOUND);
	ck_assert_uint_eq(rs_registry.gc.pending, 1);
	node_release(a);
	ck_assert_uint_eq(rs_registry.gc.pending, 0);
}
END_TEST

START_TEST(survivors_put_the_next_collection_off)
{
	enum { RS_SURVIVORS = 4000, RS_THRESHOLD = 10 };

	for (int i = 0; i < RS_SURVIVORS; i++)
		make(&plain);
	ck_assert_int_eq(rs_collect(), 0);
	rs_gc_set_threshold(RS_THRESHOLD);
	rs_gc_enable();
	const uint64_t before = rs_registry.gc.collections;

	// A quarter of what survived, though far above the threshold.
	for (int i = 0; i < RS_SURVIVORS / 4; i++)
		make(&plain);
	ck_assert_uint_eq(rs_registry.gc.collections, before);
	make(&plain);
	ck_assert_uint_eq(rs_registry.gc.collections, before + 1);
	rs_gc_disable();
}
END_TEST

START_TEST(collecting_while_collecting_does_nothing)
{
	struct rs_type type = plain;

	type.id = 0;
	type.clear = collect_inside;
	struct node *a = make(&type);
	a->left = a;
	ck_assert_int_eq(rs_collect(), 1);
}
END_TEST

/** What @p act writes to stderr. */
static void capture(int64_t (*act)(void), char *text, size_t size)
{
	FILE *f = tmpfile();
	ck_assert_ptr_nonnull(f);
	const int saved = dup(STDERR_FILENO);
	ck_assert_int_ge(dup2(fileno(f), STDERR_FILENO), 0);
	act();
	ck_assert_int_ge(dup2(saved, STDERR_FILENO), 0);
	close(saved);
	rewind(f);
	const size_t n = fread(text, 1, size - 1, f);
	text[n] = '\0';
	(void)fclose(f);
}

START_TEST(debug_lines_are_those_of_2_7)
{
	char text[1024], want[1024];
	struct node *a = make_ring(&final, &plain);
	struct node *c = make(&plain);

	c->left = c;
	rs_gc_set_debug(RS_GC_DEBUG_UNCOLLECTABLE | RS_GC_DEBUG_COLLECTABLE);
	capture(rs_collect, text, sizeof(text));
	ck_assert_str_eq(text, ""); // needs RS_GC_DEBUG_OBJECTS, as in 2.7

	rs_garbage_clear();
	c = make(&plain);
	c->left = c;
	rs_gc_set_debug(RS_GC_DEBUG_UNCOLLECTABLE | RS_GC_DEBUG_COLLECTABLE |
			RS_GC_DEBUG_OBJECTS);
	capture(rs_collect, text, sizeof(text));
	(void)snprintf(want, sizeof(want),
		       "gc: collectable <node %p>\n"
		       "gc: uncollectable <final %p>\n"
		       "gc: uncollectable <node %p>\n",
		       (void *)c, (void *)a, (void *)a->left);
	ck_assert_str_eq(text, want);
}
END_TEST

// Another thread has begun a collection, and has not yet said who it is.
START_TEST(a_child_of_a_fork_collects_whoever_was_collecting)
{
	int status;

	ck_assert_int_eq(rs_collect(), 0); // by this thread, before
	(void)make_ring(&plain, &plain);
	rs_registry.gc.collecting = 1;
	const pid_t child = fork();
	if (child == 0)
		_exit(rs_collect() == 2 ? 0 : 1);
	rs_registry.gc.collecting = 0;
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(rs_collect(), 2);
}
END_TEST

static pid_t forked_by_finalizer;

static void fork_and_collect(void *object)
{
	(void)object;
	if (!forked_by_finalizer)
		forked_by_finalizer = fork();
	ck_assert_int_eq(rs_collect(), 0); // this one is under way in both
}

START_TEST(a_fork_within_a_collection_has_two_that_end_it)
{
	static struct rs_type forking =
		RS_TYPE("forking", struct node, refs, fields,
			.release = node_release, .finalize = fork_and_collect);
	int status;

	rs_gc_set_policy(RS_GC_FINALIZE);
	(void)make_ring(&forking, &plain);
	const int64_t n = rs_collect();
	const int64_t again = rs_collect();
	if (!forked_by_finalizer)
		_exit(n == 2 && again == 0 && freed == 2 ? 0 : 1);
	ck_assert_int_eq(waitpid(forked_by_finalizer, &status, 0),
			 forked_by_finalizer);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(n, 2);
	ck_assert_int_eq(again, 0);
	ck_assert_int_eq(freed, 2);
}
END_TEST

static int ignore(void *object, const struct rs_type *type, void *context)
{
	(void)object, (void)type, (void)context;
	return 0;
}

START_TEST(a_stopped_tracker_makes_it_busy)
{
	struct node *a = make(&plain);
	struct rs_leaf *leaf = rs_registry.leaf;
	struct rs_region *region =
		&leaf->region[(uintptr_t)a >> 16 & (RS_LEAF_SIZE - 1)];

	region->lock = 1;
	ck_assert_int_eq(rs_collect(), -RS_EBUSY);
	// Whoever asks in the place of that thread would wait for itself.
	ck_assert_int_eq(rs_walk(a, ignore, NULL), RS_EBUSY);
	ck_assert_int_eq(rs_count(a), -RS_EBUSY);
	region->lock = 0;
	ck_assert_int_eq(rs_walk(a, ignore, NULL), 0);
	ck_assert_int_eq(rs_count(a), 1);
	rs_registry.lock = 1;
	ck_assert_int_eq(rs_collect(), -RS_EBUSY);
	rs_registry.lock = 0;
	ck_assert_int_eq(rs_collect(), 0);
}
END_TEST

static int note(void *object, const struct rs_type *type, void *context)
{
	struct node **list = context;

	(void)type;
	while (*list)
		list++;
	*list = object;
	return 0;
}

START_TEST(walk_tells_what_is_reachable_nearest_first)
{
	struct node *a = make(&plain), *b = make(&plain), *c = make(&plain);
	struct node *list[8] = {0};

	a->left = b;
	b->left = hold(c);
	b->right = hold(a);
	a->weak = c;
	ck_assert_int_eq(rs_walk(a, note, list), 0);
	ck_assert_ptr_eq(list[0], a);
	ck_assert_ptr_eq(list[1], b);
	ck_assert_ptr_eq(list[2], c);
	ck_assert_ptr_null(list[3]);
	ck_assert_int_eq(rs_walk(&list, note, list), RS_ENOTFOUND);
}
END_TEST

START_TEST(referrers_tells_each_reference)
{
	struct node *a = make(&plain), *b = make(&plain), *c = make(&plain);
	struct node *list[8] = {0};

	a->left = hold(c);
	a->right = hold(c);
	b->weak = c;
	ck_assert_int_eq(rs_referrers(c, note, list), 0);
	ck_assert_ptr_eq(list[0], a);
	ck_assert_ptr_eq(list[1], a);
	ck_assert_ptr_null(list[2]);
	ck_assert_int_eq(rs_count(c), 3);
	ck_assert_int_eq(rs_count(&list), -1);
}
END_TEST

#ifndef __SANITIZE_ADDRESS__
START_TEST(nothing_here_calls_malloc)
{
	struct node *list[8] = {0};
	struct node *a = make_ring(&final, &plain);
	struct node *kept = make(&plain);

	make_ring(&plain, &plain);
	is_malloc_watched = true; // Check's own assertions allocate
	const int64_t unreachable = rs_collect();
	const int walked = rs_walk(kept, note, list);
	const int searched = rs_referrers(a, note, list);
	const int added = rs_root_add(&kept, "kept");
	is_malloc_watched = false;
	ck_assert_int_eq(unreachable, 4);
	ck_assert_int_eq(walked | searched | added, 0);
	ck_assert_int_eq(mallocs, 0);
}
END_TEST
#endif

int main(void)
{
	Suite *suite = suite_create("target_collect");
	TCase *tcase = tcase_create("collect");

	// A busy machine gives each of 50,000 yields to somebody else.
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, a_ring_is_freed_and_what_it_alone_holds);
	tcase_add_test(tcase, a_ring_that_is_held_stays);
	tcase_add_test(tcase, a_weak_reference_holds_nothing);
	tcase_add_test(tcase, an_owned_reference_is_left_to_its_owner);
	tcase_add_test(tcase, a_ring_with_a_finalizer_goes_to_the_garbage_list);
	tcase_add_test(tcase, the_garbage_list_grows);
	tcase_add_test(tcase, policy_finalize_runs_finalizers_once_and_frees);
	tcase_add_test(tcase,
		       a_resurrected_ring_stays_and_is_not_finalized_again);
	tcase_add_test(tcase, only_the_resurrected_part_stays);
	tcase_add_test(tcase,
		       a_legacy_finalizer_keeps_its_ring_under_both_policies);
	tcase_add_test(tcase, what_cannot_be_released_is_not_torn);
	tcase_add_test(tcase, a_finalizer_behind_a_ring_goes_with_it);
	tcase_add_test(tcase, saveall_frees_nothing);
	tcase_add_test(tcase, tracking_collects_when_enabled);
	tcase_add_test(
		tcase,
		only_what_comes_and_goes_is_counted_for_the_next_collection);
	tcase_add_test(tcase, survivors_put_the_next_collection_off);
	tcase_add_test(tcase, collecting_while_collecting_does_nothing);
	tcase_add_test(tcase, debug_lines_are_those_of_2_7);
	tcase_add_test(tcase,
		       a_child_of_a_fork_collects_whoever_was_collecting);
	tcase_add_test(tcase, a_fork_within_a_collection_has_two_that_end_it);
	tcase_add_test(tcase, a_stopped_tracker_makes_it_busy);
	tcase_add_test(tcase, walk_tells_what_is_reachable_nearest_first);
	tcase_add_test(tcase, referrers_tells_each_reference);
#ifndef __SANITIZE_ADDRESS__
	tcase_add_test(tcase, nothing_here_calls_malloc);
#endif
	suite_add_tcase(suite, tcase);
	return rs_ck_run(suite);
}
