// SPDX-License-Identifier: MIT
/*
 * The references that a collection holds of what it frees: each is given back
 * once, whatever finalizers, clear and release functions do meanwhile.
 */
#include "refscope/refscope.h"
#include "refscope/registry.h"
#include "rs_check.h"

enum { RS_GONE = 0xdd }; // what the memory of a freed object is filled with

struct node {
	int refs;
	int number;
	struct node *left, *right;
};

static const struct rs_field fields[] = {
	RS_REF(struct node, left),
	RS_REF(struct node, right),
};

static int freed;

static void fill(struct node *n)
{
	memset(n, RS_GONE, sizeof(*n));
	freed++;
}

static bool is_gone(const struct node *n)
{
	const unsigned char *byte = (const unsigned char *)n;

	for (size_t i = 0; i < sizeof(*n); i++) {
		if (byte[i] != RS_GONE)
			return false;
	}
	return true;
}

static void node_release(void *object)
{
	struct node *n = object;

	ck_assert_int_gt(n->refs, 0);
	if (--n->refs)
		return;
	rs_untrack(n);
	if (n->left)
		node_release(n->left);
	if (n->right)
		node_release(n->right);
	fill(n);
}

static void (*act)(struct node *n);

static void finalize(void *object)
{
	act(object);
}

static int clear(void *object)
{
	struct node *n = object;

	act(n);
	struct node *left = n->left;
	n->left = NULL;
	if (left)
		node_release(left);
	return 0;
}

static struct rs_type plain =
	RS_TYPE("plain", struct node, refs, fields, .release = node_release);
static struct rs_type final =
	RS_TYPE("final", struct node, refs, fields, .release = node_release,
		.finalize = finalize);
static struct rs_type legacy =
	RS_TYPE("legacy", struct node, refs, fields, .release = node_release,
		.finalize = finalize, .flags = RS_TYPE_LEGACY);
static struct rs_type clearing =
	RS_TYPE("clearing", struct node, refs, fields, .release = node_release,
		.clear = clear);

static struct node pool[64];
static int used;

static struct node *make(struct rs_type *type)
{
	ck_assert_int_lt(used, 64);
	struct node *n = &pool[used++];

	n->refs = 1;
	n->number = used;
	ck_assert_int_eq(rs_track(n, type), 0);
	return n;
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

static void set_up(void)
{
	rs_gc_set_policy(RS_GC_FINALIZE);
}

static void untrack(struct node *n)
{
	ck_assert_int_eq(rs_untrack(n), 0);
}

START_TEST(a_finalizer_that_untracks_its_object_leaves_no_reference)
{
	struct node *a = make_ring(&final, &plain);
	struct node *b = a->left;

	act = untrack;
	// Held by what is not tracked, both are in use.
	ck_assert_int_eq(rs_collect(), 0);
	ck_assert_int_eq(freed, 0);
	ck_assert_int_eq(a->refs, 1);
	ck_assert_int_eq(b->refs, 1);
	// The program frees them in its own way.
	a->left = NULL;
	node_release(b);
	ck_assert_int_eq(freed, 2);
	ck_assert(is_gone(a));
	ck_assert_int_eq(rs_collect(), 0);
}
END_TEST

static void cut_and_untrack(struct node *n)
{
	struct node *left = n->left;

	// Only the collection's reference of n is left then.
	n->left = NULL;
	left->left = NULL;
	node_release(n);
	node_release(left);
	untrack(n);
}

START_TEST(the_last_reference_of_an_untracked_object_is_released)
{
	struct node *a = make_ring(&final, &plain);
	struct node *b = a->left;

	act = cut_and_untrack;
	(void)rs_collect();
	ck_assert(is_gone(a));
	ck_assert(is_gone(b));
	ck_assert_int_eq(freed, 2);
}
END_TEST

static void untrack_other(struct node *n)
{
	untrack(n->left);
}

START_TEST(an_object_untracked_by_anothers_finalizer_has_its_own_count)
{
	struct node *a = make_ring(&final, &final);
	struct node *b = a->left;

	act = untrack_other; // b; its own finalizer does not run any more
	ck_assert_int_eq(rs_collect(), 0);
	ck_assert_int_eq(a->refs, 1);
	ck_assert_int_eq(b->refs, 1);
	ck_assert_int_eq(freed, 0);
}
END_TEST

static void free_other(struct node *n)
{
	struct node *other = n->left;

	n->left = NULL;
	other->left = NULL;
	n->refs--; // what other held
	untrack(other);
	ck_assert_int_eq(other->refs, 1);
	fill(other);
}

// The owner of a pool frees what lies in it, whatever its count.
START_TEST(an_object_freed_by_its_owner_is_not_touched_again)
{
	struct node *a = make_ring(&final, &plain);
	struct node *b = a->left;

	act = free_other;
	(void)rs_collect();
	ck_assert(is_gone(b));
	ck_assert(is_gone(a));

	// The same while it is cleared.
	struct node *c = make_ring(&clearing, &clearing);
	struct node *d = c->left;
	act = free_other;
	(void)rs_collect();
	ck_assert(is_gone(c) && is_gone(d));
	ck_assert_int_eq(freed, 4);
}
END_TEST

START_TEST(a_clear_function_may_untrack_its_object)
{
	struct node *a = make_ring(&clearing, &clearing);
	struct node *b = a->left;
	struct node *c = make(&clearing);

	c->left = c; // its own first reference
	act = untrack;
	ck_assert_int_eq(rs_collect(), 3);
	ck_assert(is_gone(a));
	ck_assert(is_gone(b));
	ck_assert(is_gone(c));
	ck_assert_int_eq(freed, 3);
}
END_TEST

static void become_plain(struct node *n)
{
	untrack(n);
	ck_assert_int_eq(rs_track(n, &plain), 0);
}

static void become_plain_at_once(struct node *n)
{
	ck_assert_int_eq(rs_track(n, &plain), 0);
}

START_TEST(an_object_may_become_one_of_another_type)
{
	struct node *a = make_ring(&final, &plain);

	act = become_plain_at_once;
	ck_assert_int_eq(rs_collect(), 2);
	ck_assert(is_gone(a));
	ck_assert_int_eq(freed, 2);

	// Untracked in between it is a new object, which the ring still holds.
	a = make_ring(&final, &plain);
	act = become_plain;
	ck_assert_int_eq(rs_collect(), 1);
	ck_assert(is_gone(a));
	ck_assert_int_eq(freed, 4);
	ck_assert_int_eq(rs_collect(), 0);
}
END_TEST

static struct node *kept;

static void free_kept_and_stay(struct node *n)
{
	struct node *other = kept->left;

	n->refs++; // resurrected
	untrack(other);
	untrack(kept);
	fill(kept);
	fill(other);
}

START_TEST(what_a_finalizer_frees_of_the_kept_is_not_put_on_the_list)
{
	kept = make_ring(&legacy, &plain);
	struct node *a = make(&final);
	a->left = a; // its own first reference
	act = free_kept_and_stay;
	ck_assert_int_eq(rs_collect(), 0);
	ck_assert_int_eq(a->refs, 2);
	ck_assert(is_gone(kept));
	ck_assert_uint_eq(rs_garbage_count(), 0);
}
END_TEST

START_TEST(the_garbage_list_gives_back_its_reference_of_what_was_untracked)
{
	rs_gc_set_policy(RS_GC_KEEP);
	struct node *a = make_ring(&final, &plain);
	struct node *b = a->left;
	ck_assert_int_eq(rs_collect(), 2);
	ck_assert_uint_eq(rs_garbage_count(), 1);
	ck_assert_int_eq(a->refs, 2);

	untrack(a);
	a->left = NULL;
	node_release(b);
	ck_assert_int_eq(a->refs, 1); // the list's
	ck_assert_ptr_eq(rs_garbage_at(0), a);
	rs_garbage_clear();
	ck_assert(is_gone(a));
	ck_assert_int_eq(freed, 2);
}
END_TEST

START_TEST(the_garbage_list_leaves_what_has_no_type_any_more)
{
	struct rs_type type = final;

	type.id = 0;
	rs_gc_set_policy(RS_GC_KEEP);
	struct node *a = make(&type);
	a->left = a; // its own first reference
	ck_assert_int_eq(rs_collect(), 1);
	untrack(a);
	ck_assert_int_eq(rs_undescribe(&type), 0);
	rs_garbage_clear();
	ck_assert_uint_eq(rs_garbage_count(), 0);
	ck_assert_int_eq(a->refs, 2);
	ck_assert_int_eq(freed, 0);
}
END_TEST

static void undescribe_clearing(struct node *n)
{
	(void)n;
	ck_assert_int_eq(rs_undescribe(&clearing), 0);
}

START_TEST(a_type_that_goes_during_a_collection_leaves_its_objects)
{
	struct node *a = make_ring(&final, &clearing);
	struct node *b = a->left;

	act = undescribe_clearing;
	ck_assert_int_eq(rs_collect(), 0);
	ck_assert_int_eq(a->refs, 1);
	ck_assert_int_eq(b->refs, 1);
	ck_assert_int_eq(freed, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tracker_held");
	TCase *tcase = tcase_create("held");

	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_test(
		tcase,
		a_finalizer_that_untracks_its_object_leaves_no_reference);
	tcase_add_test(tcase,
		       the_last_reference_of_an_untracked_object_is_released);
	tcase_add_test(
		tcase,
		an_object_untracked_by_anothers_finalizer_has_its_own_count);
	tcase_add_test(tcase,
		       an_object_freed_by_its_owner_is_not_touched_again);
	tcase_add_test(tcase, a_clear_function_may_untrack_its_object);
	tcase_add_test(tcase, an_object_may_become_one_of_another_type);
	tcase_add_test(
		tcase,
		what_a_finalizer_frees_of_the_kept_is_not_put_on_the_list);
	tcase_add_test(
		tcase,
		the_garbage_list_gives_back_its_reference_of_what_was_untracked);
	tcase_add_test(tcase,
		       the_garbage_list_leaves_what_has_no_type_any_more);
	tcase_add_test(tcase,
		       a_type_that_goes_during_a_collection_leaves_its_objects);
	suite_add_tcase(suite, tcase);
	return rs_ck_run(suite);
}
