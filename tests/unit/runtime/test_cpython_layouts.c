// SPDX-License-Identifier: MIT
//
// Layouts held against a target made in memory: _PyRuntime with its table of
// offsets in each form, an interpreter, and the lists of 3.14's two
// collectors: incremental up to 3.14.4, with bits in its links that the other
// has not, generational again after.
//
// Source: CPython 3.14.0 Include/internal/pycore_interp_structs.h, pycore_gc.h
// and Python/gc.c.
#include "rs_check.h"

#include "runtime/cpython/decode/decode.h"
#include "runtime/cpython/state/discover.h"

#include <stdio.h>
#include <sys/mman.h>

#define RS_BASE UINT64_C(0x10000000)
#define RS_RUNTIME RS_BASE
#define RS_INTERPRETER (RS_BASE + 0x10000)
#define RS_TYPE (RS_BASE + 0x60000) // "type", of which all objects are
#define RS_THREAD (RS_BASE + 0x62000)
#define RS_OBJECTS (RS_BASE + 0x70000) // heads of the collector

enum {
	RS_SIZE = 0x80000,
	RS_HEAD = 16, // PyGC_Head
	RS_STEP = 64, // from one object to the next
	RS_INCREMENTAL = 240, // bytes of its _gc_runtime_state
	RS_GENERATIONAL = 264,
};

static uint8_t *bytes;
static struct rs_cpython py;
static struct rs_layout own;
static struct rs_types types;

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

static void open_memory(void)
{
	const struct rs_range range = {.start = RS_BASE,
				       .end = RS_BASE + RS_SIZE,
				       .prot = PROT_READ | PROT_WRITE};

	rs_memory_close(py.base.memory);
	rs_ck_ok(rs_memory_open_callback(fake_read, NULL, &range, 1, NULL,
					 &py.base.memory));
}

static void put_cookie(void)
{
	static const uint8_t cookie[8] = {'x', 'd', 'e', 'b',
					  'u', 'g', 'p', 'y'};

	memcpy(bytes, cookie, sizeof(cookie));
}

// The table in @p form, which says what @p row has.
static void put_table(const struct rs_layout *row, enum rs_py_form form)
{
	put_cookie();
	put(RS_RUNTIME + 8, py.version);
	for (size_t i = 0; i < rs_py_published_offsets_count; i++) {
		const struct rs_py_published_offset *told =
			&rs_py_published_offsets[i];

		if (told->at[form] && row->offset[told->field] >= 0)
			put(RS_RUNTIME + told->at[form],
			    (uint64_t)row->offset[told->field]);
	}
}

static const struct rs_layout *row_of(uint32_t version)
{
	const struct rs_layout *row =
		rs_layout_find(version, RS_FLAVOUR_RELEASE, 0);

	ck_assert_ptr_nonnull(row);
	return row;
}

static void begin(uint32_t version, const struct rs_layout *row)
{
	memset(bytes, 0, RS_SIZE);
	own = *row;
	py.version = version;
	py.incremental = false;
	py.layout_text[0] = '\0';
	(void)snprintf(py.version_text, sizeof(py.version_text), "%u.%u.%u",
		       version >> 24, version >> 16 & 0xff,
		       version >> 8 & 0xff);
}

static void setup(void)
{
	bytes = malloc(RS_SIZE);
	ck_assert_ptr_nonnull(bytes);
	py = (struct rs_cpython){
		.base = {.types = &types},
		.layout = &own,
		.own_layout = &own,
		.runtime = RS_RUNTIME,
		.type_type = RS_TYPE,
		.head_size = RS_HEAD,
		.header_size = 16,
		.refcount32 = true,
	};
}

static void teardown(void)
{
	rs_py_types_close(&py);
	rs_types_fini(&types);
	rs_memory_close(py.base.memory);
	free(bytes);
}

static int32_t at(enum rs_field field)
{
	return own.offset[field];
}

// What the sources of 3.14.0 have, by 3.14.10's row and the table alone. The
// table itself says where the collector is and how large; of what is behind
// it, the first fields.
static void correct_314(uint32_t version, int32_t gc_size)
{
	struct rs_layout says = *row_of(version);
	const int32_t gc = says.offset[RS_F__is__gc];

	begin(version, row_of(version));
	says.offset[RS_F__gc_runtime_state___size] = gc_size;
	for (size_t i = 0; i < rs_py_published_offsets_count; i++) {
		const int f = (int)rs_py_published_offsets[i].field;

		if (f >= (int)RS_F__is___size &&
		    f < (int)rs_struct_end(RS_F__is___size) &&
		    says.offset[f] > gc)
			says.offset[f] -= RS_GENERATIONAL - gc_size;
	}
	put_table(&says, RS_PY_FORM_314);
	open_memory();
	rs_ck_ok(rs_py_debug_offsets(&py, &own));
}

START_TEST(an_incremental_collector_is_known_by_its_size)
{
	const struct rs_layout *row = row_of(RS_PY3(3, 14, 10));

	for (uint32_t micro = 0; micro < 5; micro++) {
		// Up to 3.14.3 there is a pointer less before asyncio's tasks.
		const int32_t behind = micro < 4 ? 32 : 24;

		correct_314(RS_PY3(3, 14, micro), RS_INCREMENTAL);
		ck_assert(py.incremental);
		ck_assert_int_eq(at(RS_F__gc_runtime_state__garbage), 200);
		ck_assert_int_eq(at(RS_F__gc_runtime_state__callbacks), 208);
		ck_assert_int_eq(at(RS_F__gc_runtime_state__collecting), 192);
		ck_assert_int_eq(
			at(RS_F__gc_runtime_state__permanent_generation), 96);
		ck_assert_int_eq(at(RS_F__gc_runtime_state__generation_stats),
				 120);
		ck_assert_int_eq(at(RS_F__gc_runtime_state__generation0), -1);
		ck_assert_int_eq(at(RS_F__is__gc), row->offset[RS_F__is__gc]);
		ck_assert_int_eq(at(RS_F__is__sysdict),
				 row->offset[RS_F__is__sysdict] - 24);
		ck_assert_int_eq(at(RS_F__is__builtins_copy),
				 row->offset[RS_F__is__builtins_copy] - 24);
		ck_assert_int_eq(at(RS_F__is__obmalloc),
				 row->offset[RS_F__is__obmalloc] - behind);
		ck_assert_int_eq(
			at(RS_F__is__cached_objects__interned_strings),
			row->offset[RS_F__is__cached_objects__interned_strings] -
				behind);
		// Numbers of items are no offsets.
		ck_assert_int_eq(at(RS_F__is__types__builtins__count),
				 row->offset[RS_F__is__types__builtins__count]);
	}
}
END_TEST

START_TEST(a_generational_collector_leaves_the_row_as_it_is)
{
	for (uint32_t micro = 5; micro < 12; micro++) {
		correct_314(RS_PY3(3, 14, micro), RS_GENERATIONAL);
		ck_assert(!py.incremental);
		ck_assert_ptr_nonnull(strstr(py.layout_text, ", 0 of its"));
		ck_assert_int_eq(memcmp(own.offset,
					row_of(RS_PY3(3, 14, micro))->offset,
					sizeof(own.offset)),
				 0);
	}
}
END_TEST

// A list of @p n objects from the @p first on, whose links bear @p bits.
static void put_list(uint64_t head, unsigned first, unsigned n, uint64_t bits)
{
	uint64_t previous = head;

	for (unsigned i = first; i < first + n; i++) {
		const uint64_t object = RS_OBJECTS + i * RS_STEP;

		put(previous, object | (previous == head ? 0 : bits));
		put(object + 8, previous | (i & 1)); // its finalizer ran
		put(object + RS_HEAD, 2);
		put(object + RS_HEAD + 8, RS_TYPE);
		previous = object;
	}
	put(previous, head | (previous == head ? 0 : bits));
	put(head + 8, previous);
}

static void put_interpreter(void)
{
	const uint64_t interpreter = RS_INTERPRETER;

	put(RS_RUNTIME + (uint64_t)at(RS_F_pyruntimestate__interpreters__head),
	    interpreter);
	put(interpreter + (uint64_t)at(RS_F__is__threads__head), RS_THREAD);
	put(RS_THREAD + (uint64_t)at(RS_F__ts__interp), interpreter);
	put(RS_TYPE + 8, RS_TYPE);
}

static void count(unsigned generation[RS_PY_GENERATIONS], unsigned *finalized)
{
	struct rs_found found = {0};

	memset(generation, 0, RS_PY_GENERATIONS * sizeof(*generation));
	*finalized = 0;
	rs_ck_ok(rs_py_types_open(&py));
	rs_ck_ok(rs_py_find(&py.base, NULL, &found, NULL));
	const uint16_t *mark = rs_vec_items(&found.mark, uint16_t);
	for (size_t i = 0; i < rs_vec_count(&found.mark, uint16_t); i++) {
		ck_assert(mark[i] & RS_OBJ_TRACKED);
		generation[mark[i] & RS_OBJ_GENERATION]++;
		*finalized += (mark[i] & RS_OBJ_FINALIZED) != 0;
	}
	ck_assert_uint_eq(py.base.memory->problems, 0);
	rs_py_types_close(&py);
	rs_vec_fini(&found.address);
	rs_vec_fini(&found.mark);
}

static void read_lists(bool incremental, uint64_t visited_space)
{
	const uint64_t gc = RS_INTERPRETER + (uint64_t)at(RS_F__is__gc);
	unsigned generation[RS_PY_GENERATIONS], finalized;

	put_interpreter();
	// young, then the two old spaces: bit 0 of a link says which of them
	// an object is in, and is kept up to date as they are swapped.
	put_list(gc + 24, 0, 3, incremental ? visited_space ^ 1 : 0);
	put_list(gc + 48, 3, 4, 0);
	put_list(gc + 72, 7, 5, incremental ? 1 : 0);
	put_list(gc + 96, 12, 2, 0);
	if (!incremental)
		put(gc + (uint64_t)at(RS_F__gc_runtime_state__generation0),
		    gc + 24);
	py.generation_stride = 24;
	open_memory();
	rs_ck_ok(rs_py_find_interpreters(&py));
	ck_assert_uint_eq(py.interpreters, 1);
	ck_assert_uint_eq(py.interpreter[0].head[0], gc + 24);
	ck_assert_uint_eq(py.interpreter[0].head[1], gc + 48);
	ck_assert_uint_eq(py.interpreter[0].head[2], gc + 72);
	count(generation, &finalized);
	ck_assert_uint_eq(generation[0], 3);
	// A full collection looks at both spaces, and at all that is young.
	ck_assert_uint_eq(generation[1] + generation[2], 9);
	ck_assert_uint_eq(generation[2], 5);
	ck_assert_uint_eq(generation[3], 2);
	ck_assert_uint_eq(finalized, 7);
}

START_TEST(lists_of_both_collectors_are_read)
{
	for (uint64_t space = 0; space < 2; space++) {
		correct_314(RS_PY3(3, 14, 2), RS_INCREMENTAL);
		read_lists(true, space);
	}
	correct_314(RS_PY3(3, 14, 10), RS_GENERATIONAL);
	read_lists(false, 0);
}
END_TEST

// One that is being made is in the chain before it has lists.
START_TEST(an_interpreter_that_does_not_fit_is_left_out)
{
	const uint64_t second = RS_INTERPRETER + 0x28000;
	const uint64_t third = RS_INTERPRETER + 0x14000;
	uint64_t gc;

	correct_314(RS_PY3(3, 14, 10), RS_GENERATIONAL);
	put_interpreter();
	put(RS_RUNTIME + (uint64_t)at(RS_F_pyruntimestate__interpreters__head),
	    third);
	put(third + (uint64_t)at(RS_F__is__next), second);
	put(third + (uint64_t)at(RS_F__is__id), 2);
	put(second + (uint64_t)at(RS_F__is__next), RS_INTERPRETER);
	for (unsigned i = 0; i < 2; i++) {
		gc = (i ? third : RS_INTERPRETER) + (uint64_t)at(RS_F__is__gc);
		for (unsigned g = 0; g < RS_PY_GENERATIONS; g++)
			put_list(gc + 24 + g * 24, i * 8 + g, 1, 0);
		put(gc + (uint64_t)at(RS_F__gc_runtime_state__generation0),
		    gc + 24);
	}
	py.generation_stride = 24;
	open_memory();
	for (unsigned again = 0; again < 2; again++) {
		rs_ck_ok(rs_py_find_interpreters(&py));
		ck_assert_uint_eq(py.interpreters, 2);
		ck_assert_uint_eq(py.interpreters_unfit, 1);
		ck_assert_uint_eq(py.interpreter_unfit, second);
		ck_assert_uint_eq(py.interpreter[0].head[0],
				  RS_INTERPRETER + (uint64_t)at(RS_F__is__gc) +
					  24);
		ck_assert_uint_eq(py.interpreter[1].address, third);
		ck_assert_int_eq(py.interpreter[1].id, 2);
		ck_assert_uint_eq(py.interpreter[1].head[0], gc + 24);
	}
	// Of the main one it is the layout that does not fit.
	put(RS_INTERPRETER + (uint64_t)at(RS_F__is__gc) + 24, 0);
	open_memory();
	rs_ck_error(rs_py_find_interpreters(&py), RS_EUNSUPPORTED,
		    "no list of a generation");
}
END_TEST

// Whatever the version says, it is the table that knows its form.
START_TEST(the_form_of_the_table_is_known_by_its_numbers)
{
	static const uint32_t versions[] = {RS_PY3(3, 13, 9), RS_PY3(3, 14, 99),
					    RS_PY3(3, 15, 2), RS_PY3(4, 0, 0)};

	for (size_t v = 0; v < sizeof(versions) / sizeof(*versions); v++) {
		for (int form = RS_PY_FORM_314; form < RS_PY_FORMS; form++) {
			const struct rs_layout *row = row_of(
				form == RS_PY_FORM_314 ? RS_PY3(3, 14, 10)
						       : RS_PY3(3, 15, 2));

			begin(versions[v], row);
			put_table(row, (enum rs_py_form)form);
			memset(own.offset, 0xff, sizeof(own.offset));
			open_memory();
			ck_assert(rs_py_debug_offsets_alone(&py, &own));
			ck_assert_int_eq(
				at(RS_F__ts__native_thread_id),
				row->offset[RS_F__ts__native_thread_id]);
			ck_assert_int_eq(
				at(RS_F__PyInterpreterFrame__localsplus),
				row->offset
					[RS_F__PyInterpreterFrame__localsplus]);
		}
	}
}
END_TEST

START_TEST(a_table_of_no_form_is_not_believed)
{
	const struct rs_layout *row = row_of(RS_PY3(3, 14, 10));

	begin(RS_PY3(3, 16, 0), row);
	memset(bytes + 24, 7, 1000);
	put_cookie();
	open_memory();
	ck_assert(!rs_py_debug_offsets_alone(&py, &own));
	own = *row;
	rs_ck_ok(rs_py_debug_offsets(&py, &own));
	ck_assert_mem_eq(own.offset, row->offset, sizeof(own.offset));
	ck_assert_uint_eq(py.base.memory->problems, 1);
	ck_assert_ptr_nonnull(strstr(py.base.memory->problem[0],
				     "(_Py_DebugOffsets) is damaged"));
	bytes[0] = 'y';
	open_memory();
	ck_assert(!rs_py_debug_offsets_alone(&py, &own));
	rs_ck_ok(rs_py_debug_offsets(&py, &own)); // there is none
}
END_TEST

// A patch release that has one field more in the middle.
START_TEST(what_the_table_does_not_cover_moves_with_what_it_does)
{
	const struct rs_layout *row = row_of(RS_PY3(3, 13, 0));
	struct rs_layout says = *row;

	begin(RS_PY3(3, 13, 99), row);
	for (int f = (int)RS_F__is___size;
	     f < (int)rs_struct_end(RS_F__is___size); f++)
		if (says.offset[f] > says.offset[RS_F__is__gc])
			says.offset[f] += 16;
	put_table(&says, RS_PY_FORM_313);
	open_memory();
	rs_ck_ok(rs_py_debug_offsets(&py, &own));
	ck_assert_int_eq(at(RS_F__is__obmalloc),
			 row->offset[RS_F__is__obmalloc] + 16);
	ck_assert_int_eq(at(RS_F__is__gc), row->offset[RS_F__is__gc]);
	ck_assert_int_eq(at(RS_F__is__types__builtins__count),
			 row->offset[RS_F__is__types__builtins__count]);
}
END_TEST

START_TEST(every_row_is_sound)
{
	for (size_t i = 0; i < rs_layouts_count; i++)
		ck_assert_msg(rs_layout_is_sound(&rs_layouts[i]), "%s, %s",
			      rs_layouts[i].release, rs_layouts[i].source);
}
END_TEST

// Bytes of the struct that the field is of; INT32_MAX: nobody says, or (an
// interpreter) it grows with its fields.
static int32_t bytes_of(enum rs_field field, const struct rs_layout *row)
{
	for (int f = 0; f < RS_FIELDS; f++)
		if (rs_field_names[f].kind == RS_FIELD_SIZE &&
		    f != RS_F__is___size &&
		    !strcmp(rs_field_names[f].type, rs_field_names[field].type))
			return row->offset[f] >= 0 ? row->offset[f] : INT32_MAX;
	return INT32_MAX;
}

// One number of the table after the other: beyond all, beyond its struct, not
// of a word, nothing.
START_TEST(a_damaged_number_takes_nothing_from_the_row)
{
	const struct rs_layout *row = row_of(RS_PY3(3, 14, 10));

	for (size_t i = 0; i < rs_py_published_offsets_count; i++) {
		const struct rs_py_published_offset *told =
			&rs_py_published_offsets[i];
		const int32_t is = row->offset[told->field];
		const int32_t size = bytes_of(told->field, row);
		const uint64_t wrong[] = {UINT64_MAX, UINT32_MAX,
					  (uint64_t)is + (1 << 19),
					  (uint64_t)size + 1};

		if (!told->at[RS_PY_FORM_314] || is < 0)
			continue;
		for (unsigned w = 0; w < sizeof(wrong) / sizeof(*wrong); w++) {
			begin(RS_PY3(3, 14, 10), row);
			put_table(row, RS_PY_FORM_314);
			put(RS_RUNTIME + told->at[RS_PY_FORM_314], wrong[w]);
			open_memory();
			rs_ck_ok(rs_py_debug_offsets(&py, &own));
			ck_assert(rs_layout_is_sound(&own));
			if (w > 1 &&
			    (is % 8 || wrong[w] < (uint64_t)size ||
			     rs_field_names[told->field].kind == RS_FIELD_SIZE))
				continue;
			ck_assert_int_eq(own.offset[told->field], is);
			ck_assert_uint_eq(py.base.memory->problems, 1);
		}
	}
}
END_TEST

static void put_chain(uint64_t at, uint64_t next, uint64_t thread)
{
	put(at + (uint64_t)own.offset[RS_F__is__next], next);
	put(at + (uint64_t)own.offset[RS_F__is__threads__head], thread);
}

START_TEST(a_chain_that_bites_its_tail_is_told_once)
{
	const uint64_t second = RS_INTERPRETER + 0x28000;
	const struct rs_layout *row = row_of(RS_PY3(3, 12, 1));
	struct rs_vec threads = {0};

	for (unsigned more = 0; more < 2; more++) {
		begin(RS_PY3(3, 12, 1), row);
		put_chain(RS_INTERPRETER, more ? second : RS_INTERPRETER,
			  RS_THREAD);
		put_chain(second, second, 0);
		put(RS_THREAD + (uint64_t)own.offset[RS_F__ts__interp],
		    RS_INTERPRETER);
		put(RS_THREAD + (uint64_t)own.offset[RS_F__ts__next],
		    RS_THREAD);
		open_memory();
		rs_py_list_interpreters(&py, RS_INTERPRETER);
		ck_assert_uint_eq(py.interpreters, 1 + more);
		ck_assert_uint_eq(py.interpreters_left_out, 0);
		ck_assert_uint_eq(py.base.memory->problems, 1);
		rs_ck_ok(rs_py_threads(&py, &threads));
		ck_assert_uint_le(rs_vec_count(&threads, struct rs_py_thread),
				  2);
		ck_assert_uint_eq(py.base.memory->problems, 2);
		rs_vec_fini(&threads);
	}
}
END_TEST

// No release of 3.14t and 3.15t was there to try their rows.
START_TEST(what_was_taken_from_headers_is_told)
{
	static const struct {
		uint32_t version;
		enum rs_flavour flavour;
		bool untried;
	} rows[] = {
		{RS_PY3(3, 13, 15), RS_FLAVOUR_THREADED, false},
		{RS_PY3(3, 14, 10), RS_FLAVOUR_THREADED, true},
		{RS_PY3(3, 15, 2), RS_FLAVOUR_THREADED, true},
		{RS_PY3(3, 15, 2), RS_FLAVOUR_RELEASE, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct rs_layout *row =
			rs_layout_find(rows[i].version, rows[i].flavour, 0);

		ck_assert_ptr_nonnull(row);
		begin(rows[i].version, row);
		open_memory();
		rs_py_tell_untried(&py);
		ck_assert_uint_eq(py.base.memory->problems, rows[i].untried);
		if (rows[i].untried)
			ck_assert_ptr_nonnull(strstr(py.base.memory->problem[0],
						     "headers of"));
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cpython layouts");
	TCase *tcase = tcase_create("made in memory");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, an_incremental_collector_is_known_by_its_size);
	tcase_add_test(tcase, a_generational_collector_leaves_the_row_as_it_is);
	tcase_add_test(tcase, lists_of_both_collectors_are_read);
	tcase_add_test(tcase, an_interpreter_that_does_not_fit_is_left_out);
	tcase_add_test(tcase, the_form_of_the_table_is_known_by_its_numbers);
	tcase_add_test(tcase, a_table_of_no_form_is_not_believed);
	tcase_add_test(tcase,
		       what_the_table_does_not_cover_moves_with_what_it_does);
	tcase_add_test(tcase, every_row_is_sound);
	tcase_add_test(tcase, a_damaged_number_takes_nothing_from_the_row);
	tcase_add_test(tcase, a_chain_that_bites_its_tail_is_told_once);
	tcase_add_test(tcase, what_was_taken_from_headers_is_told);
	suite_add_tcase(suite, tcase);
	return rs_ck_run(suite);
}
