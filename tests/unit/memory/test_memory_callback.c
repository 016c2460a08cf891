// SPDX-License-Identifier: MIT
// Memory that a callback reads, with holes, refusals and lies.
#include "rs_check.h"

#include "memory/memory.h"

#include <stdio.h>
#include <sys/mman.h>

#define RS_PAGE UINT64_C(4096)
#define RS_BASE UINT64_C(0x100000)
#define RS_MIB (UINT64_C(1) << 20)
#define RS_SIZE (5 * RS_MIB)

struct fake {
	uint8_t *bytes; // of RS_BASE
	uint64_t hole, hole_end; // unreadable
	bool all_or_nothing; // as GDB: any hole spoils the whole read
	size_t calls;
	uint64_t largest;
};

static struct fake fake;
static struct rs_memory *memory;

static uint64_t
fake_read(void *context, uint64_t address, void *buf, uint64_t size)
{
	struct fake *f = context;
	uint64_t end = address + size;

	f->calls++;
	if (size > f->largest)
		f->largest = size;
	ck_assert_uint_ge(address, RS_BASE);
	ck_assert_uint_le(end, RS_BASE + RS_SIZE);
	if (address < f->hole_end && end > f->hole) {
		if (f->all_or_nothing || address >= f->hole)
			return 0;
		end = f->hole;
	}
	memcpy(buf, f->bytes + (address - RS_BASE), end - address);
	return end - address;
}

static void setup(void)
{
	fake = (struct fake){.bytes = malloc(RS_SIZE)};
	ck_assert_ptr_nonnull(fake.bytes);
	for (size_t i = 0; i < RS_SIZE; i++)
		fake.bytes[i] = (uint8_t)(i * 31 + i / RS_PAGE);
	memory = NULL;
}

static void teardown(void)
{
	rs_memory_close(memory);
	free(fake.bytes);
}

static void open_whole(void)
{
	const struct rs_range range = {.start = RS_BASE,
				       .end = RS_BASE + RS_SIZE,
				       .prot = PROT_READ | PROT_WRITE};

	rs_ck_ok(rs_memory_open_callback(fake_read, &fake, &range, 1, NULL,
					 &memory));
}

static const uint8_t *at(uint64_t offset, uint64_t size)
{
	return rs_memory_at(memory, RS_BASE + offset, size);
}

START_TEST(nothing_mapped_is_bad_data)
{
	const struct rs_range none = {
		.start = RS_BASE, .end = RS_BASE + RS_PAGE, .prot = PROT_WRITE};
	const struct rs_range turned = {.start = RS_BASE + RS_PAGE,
					.end = RS_BASE};

	rs_ck_error(rs_memory_open_callback(fake_read, &fake, NULL, 0, NULL,
					    &memory),
		    RS_EBAD, "no readable memory");
	rs_ck_error(rs_memory_open_callback(fake_read, &fake, &none, 1, NULL,
					    &memory),
		    RS_EBAD, "no readable memory");
	rs_ck_error(rs_memory_open_callback(fake_read, &fake, &turned, 1, NULL,
					    &memory),
		    RS_EBAD, "no readable memory");
}
END_TEST

START_TEST(reads_lazily_in_large_steps)
{
	open_whole();
	ck_assert(memory->big_steps);
	ck_assert_uint_eq(fake.calls, 0);
	ck_assert_mem_eq(at(100, 50), fake.bytes + 100, 50);
	ck_assert_uint_eq(fake.calls, 1);
	ck_assert_uint_eq(fake.largest, RS_MIB);
	ck_assert_mem_eq(at(7000, 50), fake.bytes + 7000, 50);
	ck_assert_uint_eq(fake.calls, 1);
	// A range over three chunks is one pointer.
	ck_assert_mem_eq(at(RS_MIB - 10, RS_MIB + 20), fake.bytes + RS_MIB - 10,
			 (size_t)RS_MIB + 20);
	ck_assert_uint_eq(fake.calls, 3);
}
END_TEST

START_TEST(pointers_stay_and_all_becomes_plain)
{
	open_whole();
	const uint8_t *first = at(0, 8);
	ck_assert_ptr_nonnull(memory->segment[0].loaded);
	ck_assert_mem_eq(at(0, RS_SIZE), fake.bytes, RS_SIZE);
	ck_assert_ptr_null(memory->segment[0].loaded);
	ck_assert_ptr_eq(at(0, 8), first);
	ck_assert_uint_eq(fake.calls, RS_SIZE / RS_MIB);
}
END_TEST

START_TEST(hole_takes_no_neighbour_with_it)
{
	for (int i = 0; i < 2; i++) {
		fake.all_or_nothing = i;
		fake.hole = RS_BASE + RS_MIB + 5 * RS_PAGE;
		fake.hole_end = fake.hole + 2 * RS_PAGE;
		open_whole();
		ck_assert_mem_eq(at(RS_MIB, 5 * RS_PAGE), fake.bytes + RS_MIB,
				 (size_t)5 * RS_PAGE);
		ck_assert_mem_eq(at(RS_MIB + 7 * RS_PAGE, RS_PAGE),
				 fake.bytes + RS_MIB + 7 * RS_PAGE, RS_PAGE);
		ck_assert_ptr_null(at(RS_MIB + 5 * RS_PAGE - 1, 2));
		ck_assert_ptr_null(at(RS_MIB + 5 * RS_PAGE, 1));
		ck_assert_ptr_null(at(RS_MIB + 7 * RS_PAGE - 1, 1));
		ck_assert_ptr_null(at(RS_MIB + 7 * RS_PAGE - 1, 8));
		ck_assert_ptr_null(at(0, RS_SIZE));
		// A second look asks nobody.
		const size_t calls = fake.calls;
		ck_assert_ptr_null(at(RS_MIB + 5 * RS_PAGE, 1));
		ck_assert_ptr_null(at(0, RS_SIZE));
		ck_assert_uint_eq(fake.calls, calls);
		rs_memory_close(memory);
		memory = NULL;
	}
}
END_TEST

START_TEST(hole_of_everything_ends)
{
	fake.hole = RS_BASE;
	fake.hole_end = RS_BASE + RS_SIZE;
	open_whole();
	ck_assert_ptr_null(at(0, 1));
	ck_assert_ptr_null(at(RS_SIZE - 1, 1));
	ck_assert_ptr_null(rs_memory_text(memory, RS_BASE, 100));
	ck_assert_uint_lt(fake.calls, 2 * RS_SIZE / RS_PAGE);
}
END_TEST

START_TEST(text_stops_before_a_hole)
{
	memset(fake.bytes, 'x', (size_t)3 * RS_PAGE);
	memcpy(fake.bytes + 3 * RS_PAGE - 4, "end", 4);
	fake.hole = RS_BASE + 3 * RS_PAGE;
	fake.hole_end = RS_BASE + 4 * RS_PAGE;
	open_whole();
	ck_assert_str_eq(
		rs_memory_text(memory, RS_BASE + 3 * RS_PAGE - 4, 1000), "end");
	fake.bytes[3 * RS_PAGE - 1] = 'x';
	rs_memory_close(memory);
	open_whole();
	ck_assert_ptr_null(
		rs_memory_text(memory, RS_BASE + 3 * RS_PAGE - 4, 1000));
	ck_assert_ptr_nonnull(at(3 * RS_PAGE - 4, 4));
}
END_TEST

START_TEST(ranges_may_touch_overlap_and_be_unsorted)
{
	const struct rs_range range[] = {
		{.start = RS_BASE + 2 * RS_MIB,
		 .end = RS_BASE + RS_SIZE,
		 .prot = 1},
		{.start = RS_BASE,
		 .end = RS_BASE + RS_MIB + RS_PAGE,
		 .prot = 3},
		{.start = RS_BASE + RS_MIB,
		 .end = RS_BASE + 2 * RS_MIB,
		 .prot = 1},
		{.start = RS_BASE, .end = RS_BASE, .prot = 1},
	};

	rs_ck_ok(rs_memory_open_callback(fake_read, &fake, range, 4, NULL,
					 &memory));
	ck_assert_uint_eq(memory->segments, 3);
	ck_assert_uint_eq(memory->segment[1].start, RS_BASE + RS_MIB + RS_PAGE);
	// Over all of them, still without a copy.
	const uint8_t *p = at(10, RS_SIZE - 20);
	ck_assert_mem_eq(p, fake.bytes + 10, RS_SIZE - 20);
	ck_assert_ptr_eq(p, memory->segment[0].data + 10);
}
END_TEST

START_TEST(absurd_range_is_told_and_the_rest_is_read)
{
	const struct rs_range range[] = {
		{.start = RS_BASE, .end = RS_BASE + RS_SIZE, .prot = 1},
		{.start = 1ULL << 60, .end = 1ULL << 63, .prot = 1},
	};

	rs_ck_ok(rs_memory_open_callback(fake_read, &fake, range, 2, NULL,
					 &memory));
	ck_assert_uint_eq(memory->problems, 1);
	ck_assert_ptr_nonnull(
		strstr(memory->problem[0], "no address space left for a copy"));
	ck_assert_mem_eq(at(0, 10), fake.bytes, 10);
	ck_assert_ptr_null(rs_memory_at(memory, 1ULL << 61, 8));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("memory_callback");
	TCase *tc = tcase_create("callback");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, nothing_mapped_is_bad_data);
	tcase_add_test(tc, reads_lazily_in_large_steps);
	tcase_add_test(tc, pointers_stay_and_all_becomes_plain);
	tcase_add_test(tc, hole_takes_no_neighbour_with_it);
	tcase_add_test(tc, hole_of_everything_ends);
	tcase_add_test(tc, text_stops_before_a_hole);
	tcase_add_test(tc, ranges_may_touch_overlap_and_be_unsorted);
	tcase_add_test(tc, absurd_range_is_told_and_the_rest_is_read);
	tcase_set_timeout(tc, 60); // the machine may be busy
	suite_add_tcase(suite, tc);
	return rs_ck_run(suite);
}
