// SPDX-License-Identifier: MIT
//
// A target of 1024 words at RS_BASE and a runtime that takes every 4 words for
// an object: {count, first reference, second reference, guessed reference}.
#include "rs_check.h"

#include "session/build.h"
#include "session/session.h"

#include <sys/mman.h>

enum { RS_BASE = 0x10000, RS_WORDS = 1024, RS_STRIDE = 32 };

static uint64_t words[RS_WORDS];
static unsigned tracked; // how many of the objects, from the first, are listed
static bool wild; // a damaged list

static uint64_t
fake_fetch(void *context, uint64_t address, void *buf, uint64_t size)
{
	(void)context;
	if (address < RS_BASE || address + size > RS_BASE + sizeof(words))
		return 0;
	memcpy(buf, (char *)words + (address - RS_BASE), size);
	return size;
}

static struct rs_error *
fake_find(struct rs_runtime *rt, struct rs_runtime *beside,
	  struct rs_found *found, const struct rs_progress *progress)
{
	(void)rt;
	(void)beside;
	(void)progress;
	struct rs_error *damaged = NULL;

	if (wild && ((damaged = rs_found_add(found, RS_BASE + 1, 1)) ||
		     (damaged = rs_found_add(found, UINT64_MAX - 7, 1))))
		return damaged;
	// Last first: the builder has to sort.
	for (unsigned i = tracked; i-- > 0;) {
		struct rs_error *err = rs_found_add(
			found, RS_BASE + i * RS_STRIDE, RS_OBJ_TRACKED | 1);
		if (err)
			return err;
	}
	return NULL;
}

static bool fake_is_object(struct rs_runtime *rt, uint64_t address)
{
	uint64_t count = 0;

	return (address - RS_BASE) % RS_STRIDE == 0 &&
	       rs_memory_u64(rt->memory, address, &count) && count;
}

static void fake_read(struct rs_runtime *rt, uint64_t address,
		      struct rs_row *row, bool want_size, struct rs_refs *refs)
{
	uint64_t w[4] = {0};

	(void)rs_memory_read(rt->memory, address, w, sizeof(w));
	if (row) {
		row->count = (uint32_t)w[0];
		row->size = want_size ? RS_STRIDE : 0;
		row->flags = RS_OBJ_GC;
	}
	if (refs) {
		rs_refs_add(refs, w[1], RS_STRONG, RS_LABEL_INDEX, 0);
		rs_refs_add(refs, w[2], RS_OWNED, RS_LABEL_INDEX, 1);
		rs_refs_add(refs, w[3], RS_GUESS, RS_LABEL_INDEX, 2);
	}
}

static struct rs_error *
fake_roots(struct rs_runtime *rt, struct rs_roots *roots)
{
	struct rs_error *err =
		rs_roots_add(roots, RS_BASE + 6 * RS_STRIDE, 0, RS_ROOT_MODULES,
			     0, RS_NONE, "root %d", 6);
	(void)rt;
	return err ? err
		   : rs_roots_add(roots, RS_BASE + 3, 0, RS_ROOT_MODULES, 0,
				  RS_NONE, "no object");
}

static const struct rs_runtime_ops fake_ops = {
	.name = "fake",
	.find = fake_find,
	.is_object = fake_is_object,
	.read = fake_read,
	.roots = fake_roots,
};

static struct rs_runtime fake;
static struct rs_runtime *only = &fake;
static struct rs_exact_answer asked;
static struct rs_session session;

static void set(unsigned object, uint64_t count, unsigned a, unsigned b)
{
	words[4 * object] = count;
	words[4 * object + 1] = a == RS_NONE ? 0 : RS_BASE + a * RS_STRIDE;
	words[4 * object + 2] = b == RS_NONE ? 0 : RS_BASE + b * RS_STRIDE;
}

static void setup(void)
{
	const struct rs_range range = {RS_BASE, RS_BASE + sizeof(words), 0,
				       NULL, PROT_READ};
	uint32_t type;

	memset(words, 0, sizeof(words));
	memset(&session, 0, sizeof(session));
	rs_ck_ok(rs_memory_open_callback(fake_fetch, NULL, &range, 1, NULL,
					 &session.memory));
	rs_ck_ok(rs_types_add(&session.types, 0, "thing", 0, &type));
	fake = (struct rs_runtime){.ops = &fake_ops,
				   .memory = session.memory,
				   .types = &session.types,
				   .rules = RS_RULES_34};
	session.runtime = &only;
	session.runtimes = 1;
	session.exact = &asked;

	// 0 <-> 1 tracked ring, 1 -> 4 untracked -> 5; 6 only by a root.
	tracked = 3;
	set(0, 1, 1, RS_NONE);
	set(1, 1, 0, 4);
	set(2, 2, 2, RS_NONE);
	set(4, 1, 5, RS_NONE);
	set(5, 1, RS_NONE, RS_NONE);
	set(6, 1, 0, RS_NONE);
	words[0]++; // 6 -> 0
}

static void teardown(void)
{
	rs_graph_fini(&session.all);
	rs_graph_fini(&session.tracked);
	rs_types_fini(&session.types);
	rs_memory_close(session.memory);
}

START_TEST(tracked_graph_keeps_to_listed_objects)
{
	struct rs_graph *g;

	rs_ck_ok(rs_session_tracked(&session, &g));
	ck_assert(g->tracked_only);
	ck_assert_uint_eq(g->objects, 3);
	ck_assert_uint_eq(g->references, 3); // 0->1, 1->0, 2->2
	ck_assert_uint_eq(g->address[1], RS_BASE + RS_STRIDE);
	ck_assert_uint_eq(g->flags[0], RS_OBJ_GC | RS_OBJ_TRACKED | 1);
	ck_assert_uint_eq(g->out[g->out_start[1]], rs_edge(0, RS_STRONG));
}
END_TEST

START_TEST(full_graph_follows_references_and_roots)
{
	struct rs_graph *g;

	rs_ck_ok(rs_session_graph(&session, &g));
	ck_assert_uint_eq(g->objects, 6);
	ck_assert_uint_eq(g->references, 6);
	const uint32_t o4 = rs_graph_find(g, RS_BASE + 4 * RS_STRIDE);
	ck_assert_uint_eq(o4, 3);
	ck_assert_uint_eq(g->flags[o4], RS_OBJ_GC);
	ck_assert_uint_eq(g->size32[o4], RS_STRIDE);
	ck_assert_uint_eq(g->out_start[2] - g->out_start[1], 2);
	ck_assert_uint_eq(g->out[g->out_start[1]], rs_edge(0, RS_STRONG));
	ck_assert_uint_eq(g->out[g->out_start[1] + 1], rs_edge(o4, RS_OWNED));
	ck_assert_uint_eq(rs_vec_count(&g->root, struct rs_root), 1);
	const struct rs_root *root = rs_vec_items(&g->root, struct rs_root);
	ck_assert_uint_eq(g->address[root->target], RS_BASE + 6 * RS_STRIDE);
	ck_assert_str_eq((char *)g->root_text.data + root->label, "root 6");
}
END_TEST

START_TEST(reference_to_no_object_is_dropped)
{
	struct rs_graph *g;

	set(5, 1, 7, RS_NONE); // 7 has a count of 0: no object
	words[4 * 4 + 2] = RS_BASE + 4; // misaligned
	words[4 * 5 + 2] = UINT64_MAX; // no address
	rs_ck_ok(rs_session_graph(&session, &g));
	ck_assert_uint_eq(g->objects, 6);
	ck_assert_uint_eq(g->references, 6);
	ck_assert_uint_eq(g->dropped, 3);
	ck_assert_uint_eq(rs_graph_find(g, RS_BASE + 7 * RS_STRIDE), RS_NONE);
}
END_TEST

START_TEST(wild_address_on_a_list_is_passed_over)
{
	struct rs_graph *g;

	wild = true;
	rs_ck_ok(rs_session_tracked(&session, &g));
	ck_assert_uint_eq(g->objects, 3);
	rs_ck_ok(rs_session_graph(&session, &g));
	ck_assert_uint_eq(g->objects, 6);
	wild = false;
}
END_TEST

START_TEST(no_objects_make_an_empty_graph)
{
	struct rs_graph *g;

	tracked = 0;
	memset(words, 0, sizeof(words));
	rs_ck_ok(rs_session_tracked(&session, &g));
	ck_assert_uint_eq(g->objects, 0);
	rs_ck_ok(rs_session_graph(&session, &g));
	ck_assert_uint_eq(g->objects, 0);
	ck_assert_uint_eq(g->references, 0);
}
END_TEST

static bool
stop(void *context, const char *phase, uint64_t done, uint64_t total)
{
	(void)phase;
	(void)done;
	(void)total;
	++*(int *)context;
	return false;
}

START_TEST(interruption_ends_the_build_and_leaves_nothing)
{
	struct rs_graph *g;
	int calls = 0;

	session.progress.fn = stop;
	session.progress.context = &calls;
	rs_ck_error(rs_session_graph(&session, &g), RS_EINTERRUPTED,
		    "interrupted");
	ck_assert_int_eq(calls, 1);
	ck_assert(!session.has_all);
	session.progress.fn = NULL;
	rs_ck_ok(rs_session_graph(&session, &g));
	ck_assert_uint_eq(g->objects, 6);
}
END_TEST

START_TEST(full_graph_serves_for_the_tracked_one)
{
	struct rs_graph *all;
	struct rs_graph *g;

	rs_ck_ok(rs_session_graph(&session, &all));
	rs_ck_ok(rs_session_tracked(&session, &g));
	ck_assert_ptr_eq(all, g);
}
END_TEST

START_TEST(verdict_finds_what_is_not_held_from_outside)
{
	struct rs_graph *g;
	struct rs_collect_result result;

	rs_ck_ok(rs_session_tracked(&session, &g));
	rs_ck_ok(rs_session_collect_full(&session, g, &result));
	ck_assert_uint_eq(result.unreachable, 0);
	rs_collect_result_fini(&result);

	rs_graph_fini(&session.tracked);
	memset(&session.tracked, 0, sizeof(session.tracked));
	session.has_tracked = false;
	teardown();
	setup();
	words[0] = 1; // 6 lets go
	rs_ck_ok(rs_session_tracked(&session, &g));
	rs_ck_ok(rs_session_collect_full(&session, g, &result));
	ck_assert_uint_eq(result.unreachable, 2);
	ck_assert_int_eq(result.fate[0], RS_FATE_FREED);
	rs_collect_result_fini(&result);
}
END_TEST

static uint32_t number_of(const struct rs_graph *g, unsigned object)
{
	return rs_graph_find(g, RS_BASE + object * RS_STRIDE);
}

// 2 seems to refer to 8, which may be no object; that refers to 5 and to 9.
START_TEST(what_only_a_guess_leads_to_counts_nothing)
{
	struct rs_graph *g;

	words[4 * 2 + 3] = RS_BASE + 8 * RS_STRIDE;
	set(8, 1, 5, 9);
	set(9, 1, 8, RS_NONE);
	rs_ck_ok(rs_session_graph(&session, &g));
	ck_assert(rs_graph_is_sound(g));
	ck_assert_ptr_nonnull(g->guessed);
	const uint32_t o8 = number_of(g, 8);
	const uint32_t o9 = number_of(g, 9);
	ck_assert(g->guessed[o8]);
	ck_assert(g->guessed[o9]);
	ck_assert(!g->guessed[number_of(g, 5)]);
	ck_assert(g->flags[o8] & RS_OBJ_INEXACT);
	ck_assert_uint_eq(g->out[g->out_start[o8]],
			  rs_edge(number_of(g, 5), RS_GUESS));
	ck_assert_uint_eq(g->out[g->out_start[o8] + 1], rs_edge(o9, RS_GUESS));
	ck_assert_uint_eq(g->out[g->out_start[o9]], rs_edge(o8, RS_GUESS));
}
END_TEST

// The same, but 5 refers to 9, and is read after the guess was met.
START_TEST(what_is_certain_after_all_is_no_guess)
{
	struct rs_graph *g;

	words[4 * 2 + 3] = RS_BASE + 8 * RS_STRIDE;
	set(5, 1, 9, RS_NONE);
	set(8, 1, 9, RS_NONE);
	set(9, 2, RS_NONE, RS_NONE);
	rs_ck_ok(rs_session_graph(&session, &g));
	ck_assert_ptr_nonnull(g->guessed);
	ck_assert(g->guessed[number_of(g, 8)]);
	ck_assert(!g->guessed[number_of(g, 9)]);
	ck_assert_uint_eq(g->out[g->out_start[number_of(g, 5)]],
			  rs_edge(number_of(g, 9), RS_STRONG));
}
END_TEST

// The same with a chain from 8 to 118 that is met by the guess first, and then
// from its end: each is certain only because the one behind it is.
START_TEST(a_chain_that_is_certain_from_its_end_is_no_guess)
{
	enum { RS_FIRST = 8, RS_LAST = 118, RS_THEN = 120, RS_END = 250 };
	struct rs_graph *g;

	words[4 * 2 + 3] = RS_BASE + RS_FIRST * RS_STRIDE;
	set(RS_FIRST, 1, RS_FIRST + 1, RS_NONE);
	for (unsigned i = RS_FIRST + 1; i <= RS_LAST; i++)
		set(i, 1, i < RS_LAST ? i + 1 : RS_NONE,
		    i > RS_FIRST + 1 ? i - 1 : RS_NONE);
	set(5, 1, RS_THEN, RS_NONE);
	for (unsigned i = RS_THEN; i <= RS_END; i++)
		set(i, 1, i < RS_END ? i + 1 : RS_LAST, RS_NONE);
	rs_ck_ok(rs_session_graph(&session, &g));
	ck_assert_ptr_nonnull(g->guessed);
	ck_assert(g->guessed[number_of(g, RS_FIRST)]);
	for (unsigned i = RS_FIRST + 1; i <= RS_LAST; i++)
		ck_assert_msg(!g->guessed[number_of(g, i)], "%u", i);
}
END_TEST

START_TEST(references_to_no_object_are_kept_with_their_holder)
{
	struct rs_graph *g;

	words[4 * 4 + 2] = RS_BASE + 7 * RS_STRIDE; // with a count of 0
	words[4 * 5 + 3] = RS_BASE + 7 * RS_STRIDE; // a guess says nothing
	rs_ck_ok(rs_session_graph(&session, &g));
	ck_assert_uint_eq(g->danglings, 1);
	const struct rs_dangling *d =
		rs_vec_items(&g->dangling, struct rs_dangling);
	ck_assert_uint_eq(d->source, number_of(g, 4));
	ck_assert_uint_eq(d->target, RS_BASE + 7 * RS_STRIDE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("build");
	TCase *tc = tcase_create("build");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, tracked_graph_keeps_to_listed_objects);
	tcase_add_test(tc, full_graph_follows_references_and_roots);
	tcase_add_test(tc, reference_to_no_object_is_dropped);
	tcase_add_test(tc, wild_address_on_a_list_is_passed_over);
	tcase_add_test(tc, no_objects_make_an_empty_graph);
	tcase_add_test(tc, interruption_ends_the_build_and_leaves_nothing);
	tcase_add_test(tc, full_graph_serves_for_the_tracked_one);
	tcase_add_test(tc, verdict_finds_what_is_not_held_from_outside);
	tcase_add_test(tc, what_only_a_guess_leads_to_counts_nothing);
	tcase_add_test(tc, what_is_certain_after_all_is_no_guess);
	tcase_add_test(tc, a_chain_that_is_certain_from_its_end_is_no_guess);
	tcase_add_test(tc, references_to_no_object_are_kept_with_their_holder);
	suite_add_tcase(suite, tc);
	return rs_ck_run(suite);
}
