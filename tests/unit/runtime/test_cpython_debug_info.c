// SPDX-License-Identifier: MIT
//
// A core of a real Python whose release no row is of, and debug information
// that is a row of another release, whole or spoilt.
#include "kernel_core.h"
#include "python_core.h"
#include "runtime/cpython/state/discover.h"

static struct python_core python;

/** What a finder of fields answers with, and what it was asked. */
struct debug_info {
	const struct rs_layout *row; // NULL: there is none
	const char *lacking; // a type that is not there
	enum rs_field wrong; // has more_by more
	int64_t more_by;
	unsigned stop_at; // which question is the last; 0: none
	unsigned asked;
	bool had_build_id;
};

static bool
is_name(const struct rs_field_name *name, const struct rs_debug_query *query)
{
	if (strcmp(name->type, query->type) != 0 ||
	    !name->field != !query->field)
		return false;
	return !name->field || !strcmp(name->field, query->field);
}

static void
take(struct rs_debug_field *ret, enum rs_field_kind kind, int64_t value)
{
	switch (kind) {
	case RS_FIELD_SIZE:
		ret->size = value;
		break;
	case RS_FIELD_COUNT:
		ret->count = value;
		break;
	case RS_FIELD_BIT: // no bit without a width, which not each row has
		ret->bit = value;
		if (ret->width < 0)
			ret->width = 1;
		break;
	case RS_FIELD_WIDTH:
		ret->width = value;
		break;
	case RS_FIELD_POINTER:
		ret->pointer = value == 1;
		break;
	default:
		ret->offset = value;
	}
}

static enum rs_debug_found find_field(void *context,
				      const struct rs_debug_query *query,
				      struct rs_debug_field *ret)
{
	struct debug_info *info = context;
	bool has_type = false, has_field = false;

	if (++info->asked == info->stop_at)
		return RS_DEBUG_STOP;
	info->had_build_id |= query->build_id && query->build_id_size;
	if (!info->row ||
	    (info->lacking && !strcmp(info->lacking, query->type)))
		return RS_DEBUG_ABSENT;
	*ret = (struct rs_debug_field){.count = -1, .bit = -1, .width = -1};
	for (int f = 0; f < RS_FIELDS; f++) {
		int64_t value = info->row->offset[f];

		if (value < 0 ||
		    strcmp(rs_field_names[f].type, query->type) != 0)
			continue;
		has_type = true;
		if (!is_name(&rs_field_names[f], query))
			continue;
		if (info->more_by && f == (int)info->wrong)
			value += info->more_by;
		take(ret, rs_field_names[f].kind, value);
		has_field = true;
	}
	return has_field || (has_type && !query->field) ? RS_DEBUG_FOUND
							: RS_DEBUG_ABSENT;
}

static struct rs_error *
open_with(struct debug_info *info, struct rs_session **ret)
{
	const struct rs_open_options options = {
		.size = sizeof(options),
		.find_field = find_field,
		.find_field_context = info,
	};

	return rs_session_open_core(python.core, &options, ret);
}

static struct rs_cpython *cpython(struct rs_session *session)
{
	ck_assert_ptr_nonnull(rs_session_runtime_named(session, "cpython"));
	return rs_cpython(rs_session_runtime_named(session, "cpython"));
}

/** The row that is taken when debug information is of no use. */
static struct rs_layout nearest;
static bool is_very; // it is of that very release

static void set_up(void)
{
	struct rs_session *session = NULL;

	python_core_make(&python);
	rs_ck_ok(rs_session_open_core(python.core, NULL, &session));
	const struct rs_cpython *py = cpython(session);
	const size_t table = strlen("table ");

	ck_assert_msg(!strncmp(py->layout_text, "table ", table), "%s",
		      py->layout_text);
	for (size_t i = 0; i < rs_layouts_count; i++)
		if (!strcmp(rs_layouts[i].release, py->layout->release) &&
		    rs_layouts[i].flavour == py->layout->flavour &&
		    !strcmp(rs_layouts[i].source, py->layout->source))
			nearest = rs_layouts[i];
	ck_assert_ptr_nonnull(nearest.release);
	is_very = nearest.version >> 8 == py->version >> 8;
	rs_session_close(session);
}

static void clean_up(void)
{
	python_core_remove(&python);
}

// With that debug information a row is taken all the same.
static void check_row(struct debug_info *info)
{
	struct rs_session *session = NULL;

	rs_ck_ok(open_with(info, &session));
	ck_assert_msg(!strncmp(cpython(session)->layout_text, "table ", 6),
		      "%s", cpython(session)->layout_text);
	ck_assert_str_eq(cpython(session)->layout->release, nearest.release);
	ck_assert_uint_eq(info->asked != 0, !is_very);
	rs_session_close(session);
}

START_TEST(it_is_taken_before_a_row_of_another_release)
{
	struct debug_info info = {.row = &nearest};
	struct rs_session *session = NULL;
	char *text = NULL;

	if (is_very) {
		check_row(&info);
		return;
	}
	rs_ck_ok(open_with(&info, &session));
	const struct rs_cpython *py = cpython(session);

	ck_assert_msg(!strncmp(py->layout_text, "debug info", 10), "%s",
		      py->layout_text);
	ck_assert(info.had_build_id);
	ck_assert_uint_gt(info.asked, 500); // each field that is read
	ck_assert_mem_eq(py->layout->offset, nearest.offset,
			 sizeof(nearest.offset));
	ck_assert_uint_eq(rs_py_debug_lacks(py->layout) == 0,
			  py->version >= RS_PY(3, 14));
	rs_ck_ok(rs_answer_count(session, python.node, 0, &text));
	ck_assert_ptr_nonnull(strstr(text, "\"type\":\"Node\""));
	ck_assert_ptr_nonnull(strstr(text, "\"unexplained\":0"));
	rs_text_free(text);
	rs_session_close(session);
}
END_TEST

START_TEST(none_is_no_failure)
{
	struct debug_info info = {0};

	check_row(&info);
	ck_assert_uint_le(info.asked, 1);
}
END_TEST

// From 3.13 on the target itself puts some of it right: then all is right.
static bool is_put_right(struct debug_info *info)
{
	struct rs_session *session = NULL;

	rs_ck_ok(open_with(info, &session));
	const struct rs_cpython *py = cpython(session);
	const bool taken = !strncmp(py->layout_text, "debug info", 10);

	if (taken) {
		ck_assert_uint_ge(py->version, RS_PY(3, 13));
		ck_assert_mem_eq(py->layout->offset, nearest.offset,
				 sizeof(nearest.offset));
	}
	rs_session_close(session);
	info->asked = 0;
	return taken;
}

START_TEST(what_the_target_contradicts_is_not_taken)
{
	static const enum rs_field wrong[] = {
		RS_F_PyDictObject___size,
		RS_F__typeobject__tp_basicsize,
		RS_F__heaptypeobject___size,
		RS_F__object__ob_type,
		RS_F__is__gc,
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct debug_info info = {
			.row = &nearest, .wrong = wrong[i], .more_by = 8};

		if (!is_put_right(&info))
			check_row(&info);
	}
}
END_TEST

START_TEST(what_is_no_place_in_a_struct_is_not_taken)
{
	static const int64_t more[] = {INT64_MIN, -1000000, 1 << 25,
				       INT64_C(1) << 40, INT64_MAX - 1000000};

	for (size_t i = 0; i < sizeof(more) / sizeof(*more); i++) {
		struct debug_info info = {.row = &nearest,
					  .wrong = RS_F__ts__interp,
					  .more_by = more[i]};

		check_row(&info);
	}
}
END_TEST

START_TEST(a_part_of_it_is_not_taken)
{
	static const char *const lacking[] = {
		"_typeobject",	"_object", "PyDictObject", "PyTupleObject",
		"PyCodeObject", "_is",	   "_ts",
	};

	for (size_t i = 0; i < sizeof(lacking) / sizeof(*lacking); i++) {
		struct debug_info info = {.row = &nearest,
					  .lacking = lacking[i]};

		check_row(&info);
	}
}
END_TEST

START_TEST(who_looks_it_up_may_stop)
{
	static const unsigned at[] = {1, 2, 700};

	for (size_t i = 0; i < sizeof(at) / sizeof(*at); i++) {
		struct debug_info info = {.row = &nearest, .stop_at = at[i]};
		struct rs_session *session = NULL;

		if (is_very) {
			check_row(&info);
			continue;
		}
		rs_ck_error(open_with(&info, &session), RS_EINTERRUPTED,
			    "interrupted while looking up");
		ck_assert_uint_eq(info.asked, at[i]);
	}
}
END_TEST

START_TEST(every_field_has_a_name)
{
	for (int f = 0; f < RS_FIELDS; f++) {
		const struct rs_field_name *name = &rs_field_names[f];

		ck_assert_ptr_nonnull(name->type);
		ck_assert_int_eq(!name->field, name->kind == RS_FIELD_SIZE);
		// Those of one type are asked one after the other.
		for (int g = f + 1; f && g < RS_FIELDS; g++)
			if (strcmp(name->type, rs_field_names[f - 1].type) != 0)
				ck_assert_str_ne(rs_field_names[f - 1].type,
						 rs_field_names[g].type);
	}
}
END_TEST

int main(void)
{
	const char *why = kernel_core_why_not();

	if (!why && access(RS_PYTHON, X_OK) != 0)
		why = "there is no " RS_PYTHON;
	if (why) {
		(void)printf("skipped: %s\n", why);
		return 77;
	}
	Suite *suite = suite_create("cpython_debug_info");
	TCase *tc = tcase_create("core");

	tcase_add_unchecked_fixture(tc, set_up, clean_up);
	tcase_add_test(tc, it_is_taken_before_a_row_of_another_release);
	tcase_add_test(tc, none_is_no_failure);
	tcase_add_test(tc, what_the_target_contradicts_is_not_taken);
	tcase_add_test(tc, what_is_no_place_in_a_struct_is_not_taken);
	tcase_add_test(tc, a_part_of_it_is_not_taken);
	tcase_add_test(tc, who_looks_it_up_may_stop);
	tcase_add_test(tc, every_field_has_a_name);
	tcase_set_timeout(tc, 120);
	suite_add_tcase(suite, tc);
	return rs_ck_run(suite);
}
