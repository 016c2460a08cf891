// SPDX-License-Identifier: MIT
//
// Bounds on what only free-threaded builds and the JIT have, reached by objects
// made in memory.
#include "rs_check.h"

#include "runtime/cpython/decode/decode.h"
#include "runtime/cpython/state/discover.h"

#include <sys/mman.h>

#define RS_BASE UINT64_C(0x10000000)
#define RS_TUPLE RS_BASE // the type
#define RS_OBJECTS (RS_BASE + 0x1000)

enum {
	RS_SIZE = 0x200000,
	RS_SLOT = (RS_TUPLE >> 4 ^ RS_TUPLE >> 14) & (RS_PY_TYPE_CACHE - 1),
};

static uint8_t *bytes;
static struct rs_cpython py;
static struct rs_layout own;
static struct rs_py_types known;
static struct rs_py_type tuple_type;
static struct rs_refs refs;
static uint64_t next; // where the next object goes

static uint64_t
fake_read(void *context, uint64_t address, void *buf, uint64_t size)
{
	(void)context;
	ck_assert_uint_ge(address, RS_BASE);
	ck_assert_uint_le(address + size, RS_BASE + RS_SIZE);
	memcpy(buf, bytes + (address - RS_BASE), size);
	return size;
}

static void put(uint64_t at, uint64_t value)
{
	memcpy(bytes + (at - RS_BASE), &value, sizeof(value));
}

static void put_field(uint64_t at, enum rs_field field, uint64_t value)
{
	put(at + (uint64_t)own.offset[field], value);
}

static void open_memory(void)
{
	const struct rs_range range = {.start = RS_BASE,
				       .end = RS_BASE + RS_SIZE,
				       .prot = PROT_READ | PROT_WRITE};

	rs_memory_close(py.base.memory);
	rs_ck_ok(rs_memory_open_callback(fake_read, NULL, &range, 1, NULL,
					 &py.base.memory));
}

static void setup(void)
{
	const struct rs_layout *row =
		rs_layout_find(RS_PY3(3, 14, 10), RS_FLAVOUR_THREADED, 0);

	ck_assert_ptr_nonnull(row);
	own = *row;
	bytes = calloc(1, RS_SIZE);
	ck_assert_ptr_nonnull(bytes);
	known = (struct rs_py_types){
		.ob_type = own.offset[RS_F__object__ob_type],
		.ob_size = own.offset[RS_F_PyVarObject__ob_size],
		.tuple_item = own.offset[RS_F_PyTupleObject__ob_item],
	};
	tuple_type = (struct rs_py_type){.address = RS_TUPLE, .gc = true};
	known.cache[RS_SLOT] = (struct rs_py_slot){RS_TUPLE, &tuple_type};
	py = (struct rs_cpython){
		.layout = &own,
		.own_layout = &own,
		.version = RS_PY3(3, 14, 10),
		.version_text = "3.14.10",
		.threaded = true,
		.type_tuple = RS_TUPLE,
		.known = &known,
	};
	put_field(RS_TUPLE, RS_F__typeobject__tp_flags, RS_TPF_TUPLE);
	next = RS_OBJECTS;
	rs_ck_ok(rs_refs_init(&refs, true));
}

static void teardown(void)
{
	rs_refs_fini(&refs);
	rs_memory_close(py.base.memory);
	free(bytes);
}

// A tuple of @p n items, of which all even ones are @p even.
static uint64_t make(uint64_t n, uint64_t even, uint64_t odd)
{
	const uint64_t object = next;
	const uint64_t item = object + (uint64_t)known.tuple_item;

	put(object + (uint64_t)known.ob_type, RS_TUPLE);
	put(object + (uint64_t)known.ob_size, n);
	for (uint64_t i = 0; i < n; i++)
		put(item + 8 * i, i & 1 ? odd : even);
	next = (item + 8 * n + 15) & ~UINT64_C(15);
	return object;
}

// The collector tracks it.
static uint64_t track(uint64_t object)
{
	bytes[object - RS_BASE +
	      (uint64_t)own.offset[RS_F__object__ob_gc_bits]] |=
		RS_PY_BIT_TRACKED;
	return object;
}

// Whether it is untracked, which is certain, or what was too much is told.
static void check_untracked(uint64_t object, bool certain)
{
	open_memory();
	ck_assert_int_eq(rs_py_untracks(&py, &tuple_type, object), certain);
	ck_assert_uint_eq(py.base.memory->gaps, !certain);
	if (!certain)
		ck_assert_ptr_nonnull(
			strstr(py.base.memory->gap[0],
			       "more than 8 deep, or of more than "
			       "65536 items; a collection may "
			       "untrack more of them"));
}

START_TEST(tuples_nested_too_deep_are_told)
{
	enum { RS_DEEPEST = 8 };
	uint64_t object = make(0, 0, 0);

	for (int depth = 0; depth <= RS_DEEPEST; depth++)
		object = track(make(1, object, 0));
	check_untracked(object, true);
	check_untracked(make(1, object, 0), false);
}
END_TEST

START_TEST(too_many_items_of_nested_tuples_are_told)
{
	enum { RS_MOST_ITEMS = 1 << 16 };
	const uint64_t one = make(0, 0, 0), two = make(0, 0, 0);
	const uint64_t most = track(make(RS_MOST_ITEMS, one, two));
	const uint64_t more = track(make(RS_MOST_ITEMS + 1, one, two));

	check_untracked(make(1, most, 0), true);
	check_untracked(make(1, more, 0), false);
}
END_TEST

START_TEST(an_executor_of_too_many_exits_is_partial)
{
	enum { RS_MOST_EXITS = 1 << 16, RS_EXIT = 8 };
	const uint64_t executor = RS_OBJECTS;

	own.offset[RS_F__PyExecutorObject__exit_count] = 32;
	own.offset[RS_F__PyExecutorObject__exits] = 64;
	own.offset[RS_F__PyExitData___size] = RS_EXIT;
	own.offset[RS_F__PyExitData__executor] = 0;
	for (uint64_t i = 0; i <= RS_MOST_EXITS; i++)
		put(executor + 64 + RS_EXIT * i, RS_OBJECTS);
	put(executor + 32, RS_MOST_EXITS);
	open_memory();
	rs_py_executor_refs(&py, &tuple_type, executor, &refs);
	ck_assert(!refs.incomplete);
	ck_assert_uint_eq(refs.n, RS_MOST_EXITS);
	put(executor + 32, RS_MOST_EXITS + 1);
	open_memory();
	rs_py_executor_refs(&py, &tuple_type, executor, &refs);
	ck_assert(refs.incomplete);
}
END_TEST

START_TEST(a_code_object_of_too_many_executors_is_partial)
{
	enum { RS_MOST_EXECUTORS = 1 << 16 };
	const uint64_t code = RS_OBJECTS, array = RS_OBJECTS + 4096;

	own.offset[RS_F_PyCodeObject__co_executors] = 64;
	own.offset[RS_F__PyExecutorArray__size] = 0;
	own.offset[RS_F__PyExecutorArray__executors] = 16;
	for (uint64_t i = 0; i <= RS_MOST_EXECUTORS; i++)
		put(array + 16 + 8 * i, RS_OBJECTS);
	put(code + 64, array);
	put(array, RS_MOST_EXECUTORS);
	open_memory();
	rs_py_code_executor_refs(&py, code, &refs);
	ck_assert(!refs.incomplete);
	ck_assert_uint_eq(refs.n, RS_MOST_EXECUTORS);
	put(array, RS_MOST_EXECUTORS + 1);
	open_memory();
	rs_py_code_executor_refs(&py, code, &refs);
	ck_assert(refs.incomplete);
}
END_TEST

// Both tables begin where nothing can be read.
static size_t gaps_with_ids(uint64_t ids, uint64_t counts)
{
	const uint64_t interpreter = RS_OBJECTS;
	const uint64_t thread = RS_OBJECTS + RS_SIZE / 2;

	py.interpreters = 1;
	py.interpreter[0].address = interpreter;
	put_field(interpreter, RS_F__is__threads__head, thread);
	put_field(interpreter, RS_F__is__unique_ids__size, ids);
	put_field(thread, RS_F__ts__interp, interpreter);
	put_field(thread, RS_F__PyThreadStateImpl__refcounts__size, counts);
	open_memory();
	rs_ck_ok(rs_py_find_deferred_counts(&py));
	rs_vec_fini(&py.deferred_counts);
	ck_assert_uint_ge(py.base.memory->gaps, 1);
	ck_assert_ptr_nonnull(
		strstr(py.base.memory->gap[py.base.memory->gaps - 1],
		       "cannot be read from number 0 on"));
	for (size_t i = 0; i < py.base.memory->gaps; i++)
		if (strstr(py.base.memory->gap[i],
			   "of more than 16777216 objects threads keep a part "
			   "of the count; counts of the others are too low"))
			return 1;
	return 0;
}

START_TEST(too_many_ids_are_told)
{
	enum { RS_MOST_IDS = 1 << 24 };

	ck_assert_uint_eq(gaps_with_ids(RS_MOST_IDS, RS_MOST_IDS + 1), 0);
	ck_assert_uint_eq(gaps_with_ids(RS_MOST_IDS + 1, RS_MOST_IDS), 0);
	ck_assert_uint_eq(gaps_with_ids(RS_MOST_IDS + 1, RS_MOST_IDS + 1), 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cpython_threaded");
	TCase *tc = tcase_create("bounds");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, tuples_nested_too_deep_are_told);
	tcase_add_test(tc, too_many_items_of_nested_tuples_are_told);
	tcase_add_test(tc, an_executor_of_too_many_exits_is_partial);
	tcase_add_test(tc, a_code_object_of_too_many_executors_is_partial);
	tcase_add_test(tc, too_many_ids_are_told);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(suite, tc);
	return rs_ck_run(suite);
}
