// SPDX-License-Identifier: MIT
/* Descriptions: which are refused, and how their numbers come and go. */
#include "refscope/refscope.h"
#include "refscope/registry.h"
#include "rs_check.h"

#include <sys/mman.h>

struct item {
	uint32_t refs;
	uint32_t kids;
	struct item *next;
	struct item **kid;
	struct item *tail[];
};

static const struct rs_field next_field[] = {RS_REF(struct item, next)};

static struct rs_type type_with(const struct rs_field *field)
{
	struct rs_type type = RS_TYPE("item", struct item, refs, next_field);

	type.field = field;
	return type;
}

static void never_called(void *object)
{
	(void)object;
	ck_abort();
}

/** Whether @p field is refused, with @p words in the reason. */
static void refused(struct rs_field field, const char *words)
{
	struct rs_type type = type_with(&field);
	char reason[RS_REFUSED_SIZE] = "";

	ck_assert_int_eq(rs_type_check(&type, reason, sizeof(reason)),
			 RS_EARGUMENT);
	ck_assert_msg(strstr(reason, words) != NULL, "no \"%s\" in \"%s\"",
		      words, reason);
	ck_assert_msg(strncmp(reason, "item.f: ", 8) == 0, "%s", reason);
	ck_assert_int_eq(rs_type_check(&type, NULL, 0), RS_EARGUMENT);
	ck_assert_int_eq(rs_describe(&type), RS_EARGUMENT);
	ck_assert_uint_eq(type.id, 0);
}

START_TEST(wrong_fields_are_refused_with_the_reason)
{
	static const struct rs_type nothing = {.name = "nothing"};
	static const struct rs_type odd = {.name = "odd", .size = 12};

	refused((struct rs_field){.name = "f", .offset = 1000},
		"8 bytes at offset 1000 end beyond the 24 bytes");
	refused((struct rs_field){.name = "f", .offset = 8, .kind = 77},
		"kind 77");
	refused((struct rs_field){.name = "f", .offset = 8, .hold = 9},
		"enum rs_hold 9");
	refused((struct rs_field){.name = "f", .offset = 3}, "offset 3 ");
	refused((struct rs_field){.name = "f",
				  .offset = 16,
				  .kind = RS_FIELD_POINTER,
				  .count_offset = 4,
				  .count_width = 3},
		"a count of 3 bytes");
	refused((struct rs_field){.name = "f",
				  .offset = 16,
				  .kind = RS_FIELD_POINTER,
				  .count_offset = 6,
				  .count_width = 4},
		"at offset 6, is not aligned");
	refused((struct rs_field){.name = "f",
				  .offset = 16,
				  .kind = RS_FIELD_POINTER,
				  .count_offset = 24,
				  .count_width = 4},
		"at offset 24, ends beyond");
	refused((struct rs_field){.name = "f", .offset = 8, .length = 3},
		"24 bytes at offset 8 end beyond");
	refused((struct rs_field){.name = "f",
				  .offset = 32,
				  .count_width = 4,
				  .count_offset = 4},
		"offset 32");
	refused((struct rs_field){.name = "f", .offset = 8, .of = &nothing},
		"structs of 0 bytes");
	refused((struct rs_field){.name = "f", .offset = 8, .of = &odd},
		"structs of 12 bytes");
	ck_assert_uint_eq(rs_registry.refused, 11);
	ck_assert_ptr_nonnull(strstr(rs_registry.refused_why, "12 bytes"));
	ck_assert_uint_eq(rs_registry.types, 1);
}
END_TEST

START_TEST(a_flexible_array_may_begin_at_the_end)
{
	static const struct rs_field field[] = {
		RS_FLEX(struct item, tail, kids),
		RS_ARRAY(struct item, kid, kids),
	};
	struct rs_type type = RS_TYPE("item", struct item, refs, field);
	char reason[RS_REFUSED_SIZE] = "x";

	ck_assert_int_eq(rs_type_check(&type, reason, sizeof(reason)), 0);
	ck_assert_str_eq(reason, "");
}
END_TEST

START_TEST(wrong_counts_are_refused)
{
	struct rs_type type = type_with(next_field);
	char reason[RS_REFUSED_SIZE];

	ck_assert_int_eq(rs_type_check(NULL, reason, sizeof(reason)),
			 RS_EARGUMENT);
	type.count_width = 3;
	ck_assert_int_eq(rs_type_check(&type, reason, sizeof(reason)),
			 RS_EARGUMENT);
	ck_assert_ptr_nonnull(strstr(reason, "count of 3 bytes"));
	type.count_width = 4;
	type.count_offset = 2;
	ck_assert_int_eq(rs_type_check(&type, reason, sizeof(reason)),
			 RS_EARGUMENT);
	type.count_offset = 24;
	ck_assert_int_eq(rs_type_check(&type, reason, sizeof(reason)),
			 RS_EARGUMENT);
	type.count_offset = 0;
	type.count_shift = 64;
	ck_assert_int_eq(rs_type_check(&type, reason, sizeof(reason)),
			 RS_EARGUMENT);
	type.count_shift = 0;
	type.name = NULL;
	ck_assert_int_eq(rs_type_check(&type, reason, 8), RS_EARGUMENT);
}
END_TEST

struct holder {
	struct item *one;
};

START_TEST(parts_are_checked_and_may_lead_to_themselves)
{
	static struct rs_field part_field[1];
	static const struct rs_type part = {.name = "part",
					    .field = part_field,
					    .fields = 1,
					    .size = sizeof(struct holder)};
	const struct rs_field field = {.name = "f", .offset = 8, .of = &part};
	struct rs_type type = type_with(&field);
	char reason[RS_REFUSED_SIZE];

	part_field[0] = (struct rs_field){.name = "deep", .offset = 8};
	ck_assert_int_eq(rs_type_check(&type, reason, sizeof(reason)),
			 RS_EARGUMENT);
	ck_assert_ptr_nonnull(strstr(reason, "part.deep: "));
	// A list: each leads to the next.
	part_field[0] = (struct rs_field){
		.name = "deep", .kind = RS_FIELD_POINTER, .of = &part};
	ck_assert_int_eq(rs_type_check(&type, reason, sizeof(reason)), 0);
	// A struct in itself: it would have no end.
	part_field[0] = (struct rs_field){.name = "deep", .of = &part};
	ck_assert_int_eq(rs_type_check(&type, reason, sizeof(reason)),
			 RS_EARGUMENT);
	ck_assert_ptr_nonnull(strstr(reason, "contain itself"));
	static int python_type;
	ck_assert_int_eq(
		rs_describe_extension(&python_type,
				      (struct rs_type *)(uintptr_t)&part),
		RS_EARGUMENT);
}
END_TEST

// Each of 40 structs has two parts of the next: 2^40 ways lead to the last.
START_TEST(parts_with_many_ways_to_them_are_looked_at_once)
{
	enum { RS_DEEP = 40 };
	static struct rs_field field[RS_DEEP][2];
	static struct rs_type type[RS_DEEP + 1];

	for (int i = 0; i < RS_DEEP; i++) {
		for (int k = 0; k < 2; k++)
			field[i][k] = (struct rs_field){.name = "x",
							.of = &type[i + 1]};
		type[i] = (struct rs_type){.name = "p",
					   .field = field[i],
					   .fields = 2,
					   .size = 8,
					   .count_width = 8};
	}
	type[RS_DEEP] =
		(struct rs_type){.name = "leaf", .size = 8, .count_width = 8};
	ck_assert_int_eq(rs_type_check(&type[0], NULL, 0), 0);
}
END_TEST

static void *place(uint64_t i)
{
	// Tracking never touches the object.
	return (void *)(uintptr_t)(UINT64_C(0x123456780000) + 64 * i);
}

START_TEST(an_undescribed_type_gives_its_number_back)
{
	struct rs_type a = type_with(next_field);
	struct rs_type b = type_with(next_field);

	ck_assert_int_eq(rs_undescribe(&a), RS_ENOTFOUND);
	ck_assert_int_eq(rs_undescribe(NULL), RS_ENOTFOUND);
	ck_assert_int_eq(rs_track(place(0), &a), 0);
	ck_assert_int_eq(rs_untrack(place(0)), 0);
	const uint32_t id = a.id;
	ck_assert_int_eq(rs_undescribe(&a), 0);
	ck_assert_uint_eq(a.id, 0);
	ck_assert_int_eq(rs_undescribe(&a), RS_ENOTFOUND);
	ck_assert_int_eq(rs_describe(&b), 0);
	ck_assert_uint_eq(b.id, id);
	ck_assert_int_eq(rs_describe(&a), 0);
	ck_assert_uint_eq(a.id, id + 1);
}
END_TEST

START_TEST(extensions_go_with_their_description)
{
	static struct rs_type part = RS_PART("part", struct item, next_field);
	static int python_type;

	ck_assert_int_eq(rs_describe_extension(&python_type, &part), 0);
	ck_assert_ptr_eq(rs_registry.extension->item[0].python_type,
			 &python_type);
	ck_assert_int_eq(rs_undescribe(&part), 0);
	ck_assert_ptr_null(rs_registry.extension->item[0].python_type);
	ck_assert_int_eq(rs_undescribe(&part), RS_ENOTFOUND);
}
END_TEST

START_TEST(objects_outlive_their_type_with_its_name)
{
	struct rs_type *type = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	static struct item item = {.refs = 1, .next = &item};

	ck_assert_ptr_ne(type, MAP_FAILED);
	*type = type_with(next_field);
	ck_assert_int_eq(rs_track(&item, type), 0);
	ck_assert_int_eq(rs_collect(), 1); // without a release: uncollectable
	ck_assert_int_eq(rs_undescribe(type), 0);
	ck_assert_int_eq(munmap(type, 4096), 0);
	ck_assert_str_eq(rs_type_of(&item)->name, "item");
	ck_assert_int_eq(rs_collect(), 0); // what it holds is not known
	ck_assert_int_eq(rs_count(&item), 1);
	ck_assert_int_eq(rs_untrack(&item), 0);
}
END_TEST

START_TEST(a_type_that_went_without_a_word_does_no_harm)
{
	struct rs_type *type = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	static struct item item = {.refs = 1, .next = &item};
	size_t n = 0;

	ck_assert_ptr_ne(type, MAP_FAILED);
	*type = type_with(next_field);
	ck_assert_int_eq(rs_track(&item, type), 0);
	memset(type, 0x11, sizeof(*type)); // something else lies there
	ck_assert_int_eq(rs_collect(), 0);
	ck_assert_int_eq(rs_count(&item), -RS_EBAD);
	ck_assert_int_eq(munmap(type, 4096), 0);
	ck_assert_int_eq(rs_collect(), 0);
	ck_assert_int_eq(rs_count(&item), -RS_EBAD);
	ck_assert_int_eq(rs_find_garbage(0, NULL, &n), 0);
	ck_assert_int_eq(rs_untrack(&item), 0);
}
END_TEST

static int show_type(void *object, const struct rs_type *type, void *context)
{
	(void)object;
	*(const char **)context = type->name;
	return 0;
}

START_TEST(walks_and_the_garbage_list_survive_a_type_that_went)
{
	struct rs_type *type = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	static struct item item = {.refs = 2, .next = &item};
	const char *shown = NULL;

	ck_assert_ptr_ne(type, MAP_FAILED);
	*type = type_with(next_field);
	type->release = never_called;
	type->finalize = never_called;
	item.refs = 1;
	ck_assert_int_eq(rs_track(&item, type), 0);
	ck_assert_int_eq(rs_collect(), 1);
	ck_assert_uint_eq(rs_garbage_count(), 1);
	ck_assert_int_eq(munmap(type, 4096), 0);
	ck_assert_int_eq(rs_each(show_type, &shown), 0);
	ck_assert_str_eq(shown, "?");
	ck_assert_int_eq(rs_walk(&item, show_type, &shown), RS_EBAD);
	ck_assert_str_eq(shown, "?");
	ck_assert_int_eq(rs_referrers(&item, show_type, &shown), RS_EBAD);
	rs_garbage_clear();
	ck_assert_uint_eq(rs_garbage_count(), 0);
	ck_assert_uint_eq(item.refs, 2);
	ck_assert_int_eq(rs_untrack(&item), 0);
}
END_TEST

// A plugin is unloaded with objects alive, and another release of it, with
// other fields, is loaded in its place.
START_TEST(objects_of_a_type_that_was_loaded_anew_are_unknown)
{
	static struct item old = {.refs = 1, .next = &old};
	static struct item new = {.refs = 1};
	struct rs_type *type = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const char *shown = NULL;

	ck_assert_ptr_ne(type, MAP_FAILED);
	*type = type_with(next_field);
	ck_assert_int_eq(rs_track(&old, type), 0);
	*type = type_with(next_field);
	type->name = "newer";
	ck_assert_int_eq(rs_track(&new, type), 0);
	ck_assert_ptr_eq(rs_type_of(&new), type);
	ck_assert_str_eq(type->name_copy, "newer");
	ck_assert_str_eq(rs_type_of(&old)->name, "item");
	ck_assert_int_eq(rs_count(&old), -RS_EBAD);
	ck_assert_int_eq(rs_count(&new), 1);
	ck_assert_int_eq(rs_collect(), 0);
	ck_assert_int_eq(rs_walk(&old, show_type, &shown), RS_EBAD);
	ck_assert_str_eq(shown, "item");
	ck_assert_int_eq(rs_untrack(&old), 0);
	ck_assert_int_eq(rs_untrack(&new), 0);
	// Without objects of the old one its number is free.
	*type = type_with(next_field);
	ck_assert_int_eq(rs_track(&old, type), 0);
	ck_assert_str_eq(type->name_copy, "item");
	ck_assert_uint_eq(rs_registry.types, 3);
	ck_assert_int_eq(rs_untrack(&old), 0);
	ck_assert_int_eq(rs_undescribe(type), 0);
	ck_assert_int_eq(munmap(type, 4096), 0);
}
END_TEST

// More types than there are hashes of their addresses.
START_TEST(a_type_is_found_among_many)
{
	enum { RS_MANY = 20000 };
	static struct rs_type type[RS_MANY];

	for (int i = 0; i < RS_MANY; i++) {
		type[i] = type_with(next_field);
		ck_assert_int_eq(rs_describe(&type[i]), 0);
	}
	const uint32_t types = rs_registry.types;
	for (int i = 0; i < RS_MANY; i++) {
		const uint32_t id = type[i].id;

		type[i].id = 1; // by another copy of the library
		ck_assert_int_eq(rs_describe(&type[i]), 0);
		ck_assert_uint_eq(type[i].id, id);
	}
	ck_assert_uint_eq(rs_registry.types, types);
	for (int i = 0; i < RS_MANY; i += 3)
		ck_assert_int_eq(rs_undescribe(&type[i]), 0);
	for (int i = 0; i < RS_MANY; i++)
		ck_assert_int_eq(rs_undescribe(&type[i]),
				 i % 3 ? 0 : RS_ENOTFOUND);
}
END_TEST

// A plugin that is loaded at another place each time and that says nothing
// when it goes.
START_TEST(numbers_of_types_without_objects_are_used_again)
{
	enum { RS_TIMES = 200000 };
	static struct rs_type type[RS_TIMES];

	for (int i = 0; i < RS_TIMES; i++) {
		type[i] = type_with(next_field);
		ck_assert_int_eq(rs_track(place(1), &type[i]), 0);
		ck_assert_ptr_eq(rs_type_of(place(1)), &type[i]);
		if (i % 2)
			ck_assert_int_eq(rs_untrack(place(1)), 0);
	}
	// One that lost its number is numbered again.
	ck_assert_int_eq(rs_track(place(2), &type[0]), 0);
	ck_assert_ptr_eq(rs_type_of(place(2)), &type[0]);
	ck_assert_uint_le(rs_registry.mapped,
			  (64 << 20) + sizeof(struct rs_leaf));
}
END_TEST

START_TEST(types_with_objects_are_bounded_and_that_is_said)
{
	static struct rs_type type[RS_TYPES_MAX];
	uint64_t i = 0;
	int rc = 0;

	for (; i < RS_TYPES_MAX && !rc; i++) {
		type[i] = type_with(next_field);
		rc = rs_track(place(i), &type[i]);
	}
	ck_assert_int_eq(rc, RS_ENOMEM);
	ck_assert_uint_eq(i, RS_TYPES_MAX);
	ck_assert_int_eq(rs_untrack(place(100)), 0);
	ck_assert_int_eq(rs_track(place(i), &type[RS_TYPES_MAX - 1]), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tracker_types");
	TCase *tcase = tcase_create("types");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, wrong_fields_are_refused_with_the_reason);
	tcase_add_test(tcase, a_flexible_array_may_begin_at_the_end);
	tcase_add_test(tcase, wrong_counts_are_refused);
	tcase_add_test(tcase, parts_are_checked_and_may_lead_to_themselves);
	tcase_add_test(tcase, parts_with_many_ways_to_them_are_looked_at_once);
	tcase_add_test(tcase, an_undescribed_type_gives_its_number_back);
	tcase_add_test(tcase, extensions_go_with_their_description);
	tcase_add_test(tcase, objects_outlive_their_type_with_its_name);
	tcase_add_test(tcase, a_type_that_went_without_a_word_does_no_harm);
	tcase_add_test(tcase,
		       walks_and_the_garbage_list_survive_a_type_that_went);
	tcase_add_test(tcase,
		       objects_of_a_type_that_was_loaded_anew_are_unknown);
	tcase_add_test(tcase, a_type_is_found_among_many);
	tcase_add_test(tcase, numbers_of_types_without_objects_are_used_again);
	tcase_add_test(tcase, types_with_objects_are_bounded_and_that_is_said);
	suite_add_tcase(suite, tcase);
	return rs_ck_run(suite);
}
