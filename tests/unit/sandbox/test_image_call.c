// SPDX-License-Identifier: MIT
// The probe's list of calls, worked through in this process.
#include "answer/describe/system_call.h"
#include "rs_check.h"
#include "sandbox/guest/guest.h"
#include "sandbox/guest/guest_call.h"

#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>

enum {
	RS_ALTSTACK = 1 << 16,
	RS_STACK = 1 << 16,
	RS_ROOM = 8,
};

static struct rs_guest_call call;
static struct rs_guest_args args;
static struct {
	uint64_t word[4];
	char bytes[16], out[RS_CALL_TEXTS][16];
} data;
static uint64_t object[1];
static volatile int *volatile nothing = (volatile int *)24;

static uint64_t
digits(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
	return a * 100000 + b * 10000 + c * 1000 + d * 100 + e * 10 + f;
}

static uint64_t store(uint64_t *where, uint64_t what)
{
	*where = what;
	return 0;
}

// As an int its upper half means nothing.
static uint64_t half(void)
{
	return UINT64_C(0x500000000);
}

static uint64_t crash(void)
{
	return (uint64_t)*nothing;
}

static uint64_t where(void)
{
	return (uint64_t)__builtin_frame_address(0);
}

static struct rs_guest_step *add(uint64_t function)
{
	struct rs_guest_step *step = &call.step[call.steps++];

	*step = (struct rs_guest_step){
		.function = function,
		.if_zero = (uint8_t)call.steps,
		.next = (uint8_t)call.steps,
	};
	return step;
}

static void *map(size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(at, MAP_FAILED);
	return at;
}

static void work(void)
{
	void *code = map(rs_guest_size());

	memcpy(code, rs_guest_code, rs_guest_size());
	ck_assert_int_eq(mprotect(code, rs_guest_size(), PROT_READ | PROT_EXEC),
			 0);
	const rs_guest_entry probe = (rs_guest_entry)(uint64_t)code;

	call.base = (uint64_t)&data;
	call.stack = (uint64_t)map(RS_STACK) + RS_STACK;
	for (unsigned i = 0; i < RS_CALL_TEXTS; i++)
		call.text[i] = (struct rs_guest_text){
			.place =
				(uint64_t)((char *)data.out[i] - (char *)&data),
			.room = RS_ROOM,
		};
	args = (struct rs_guest_args){
		.objects = 1,
		.object = (uint64_t)object,
		.max_ticks = 3,
		.altstack = (uint64_t)map(RS_ALTSTACK),
		.altstack_size = RS_ALTSTACK,
		.call = (uint64_t)&call,
	};
	ck_assert_int_eq(probe(RS_GUEST_GUARD, &args), 0);
	ck_assert_int_eq(probe(RS_GUEST_CALL, &args), 0);
}

START_TEST(arguments_are_numbers_results_places_and_words)
{
	struct rs_guest_step *step = add((uint64_t)digits);

	for (unsigned i = 0; i < RS_CALL_ARGS; i++)
		step->arg[i] = i + 1;
	step = add((uint64_t)store);
	step->from[0] = RS_CALL_PLACE;
	step->arg[0] = 8;
	step->from[1] = RS_CALL_RESULT;
	step = add((uint64_t)digits);
	step->from[4] = RS_CALL_WORD;
	step->arg[4] = 8;
	work();
	ck_assert_uint_eq(call.stopped, 0);
	ck_assert_uint_eq(call.at, 2);
	ck_assert_uint_eq(call.result[0], 123456);
	ck_assert_uint_eq(data.word[1], 123456);
	ck_assert_uint_eq(call.result[2], 1234560);
}
END_TEST

START_TEST(a_result_of_nought_leads_elsewhere)
{
	struct rs_guest_step *step = add((uint64_t)half);

	step->flags = RS_CALL_INT;
	step->if_zero = 2;
	(void)add((uint64_t)crash);
	step = add((uint64_t)half);
	step->if_zero = 1;
	step->next = RS_CALL_END;
	(void)add((uint64_t)crash);
	work();
	ck_assert_uint_eq(call.stopped, 0);
	ck_assert_uint_eq(call.at, 2);
	ck_assert_uint_eq(call.result[2], UINT64_C(0x500000000));
}
END_TEST

START_TEST(text_is_copied_as_far_as_there_is_room)
{
	memcpy(data.bytes, "0123456789abcdef", 16);
	for (unsigned i = 0; i < 2; i++) {
		struct rs_guest_step *step = add(0);

		step->arg[0] = (uint64_t)data.bytes;
		step->arg[1] = i ? 1 << 30 : 5;
		step->arg[2] = i + 1;
	}
	work();
	ck_assert_uint_eq(call.stopped, 0);
	ck_assert_uint_eq(call.text[0].copied, 0);
	ck_assert_uint_eq(call.text[1].size, 5);
	ck_assert_mem_eq(data.out[1], "01234\0\0\0", 8);
	ck_assert_uint_eq(call.text[2].size, 1 << 30);
	ck_assert_mem_eq(data.out[2], "01234567\0", 9);
}
END_TEST

START_TEST(functions_run_on_the_stack_they_are_given)
{
	(void)add((uint64_t)where);
	work();
	ck_assert_uint_lt(call.result[0], call.stack);
	ck_assert_uint_gt(call.result[0], call.stack - RS_STACK);
}
END_TEST

START_TEST(a_step_that_is_stopped_ends_the_list)
{
	struct rs_guest_step *step = add((uint64_t)crash);

	step->flags = RS_CALL_MAY_STOP;
	(void)add((uint64_t)half);
	(void)add((uint64_t)crash);
	(void)add((uint64_t)half);
	work();
	ck_assert_uint_eq(call.stopped, 1);
	ck_assert_uint_eq(call.at, 2);
	ck_assert_uint_ne(call.result[1], 0);
	ck_assert_uint_eq(call.result[3], 0);
	ck_assert_uint_eq(args.faults, 1);
	ck_assert_int_eq(args.fault[0].signal, SIGSEGV);
	ck_assert_uint_eq(args.fault[0].address, 24);
}
END_TEST

START_TEST(a_list_that_leads_back_ends)
{
	(void)add((uint64_t)half);
	add((uint64_t)half)->next = 0;
	work();
	ck_assert_uint_eq(call.at, 1);
	ck_assert_uint_eq(call.stopped, 0);
}
END_TEST

START_TEST(system_calls_have_their_names)
{
	ck_assert_str_eq(rs_system_call_name(SYS_read), "read");
	ck_assert_str_eq(rs_system_call_name(SYS_kill), "kill");
	ck_assert_str_eq(rs_system_call_name(SYS_futex), "futex");
	ck_assert_str_eq(rs_system_call_name(SYS_openat), "openat");
	ck_assert_str_eq(rs_system_call_name(SYS_clone3), "clone3");
	ck_assert_ptr_null(rs_system_call_name(-1));
	ck_assert_ptr_null(rs_system_call_name(400));
	ck_assert_ptr_null(rs_system_call_name(100000));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("call");
	TCase *tc = tcase_create("call");

	tcase_add_test(tc, arguments_are_numbers_results_places_and_words);
	tcase_add_test(tc, a_result_of_nought_leads_elsewhere);
	tcase_add_test(tc, text_is_copied_as_far_as_there_is_room);
	tcase_add_test(tc, functions_run_on_the_stack_they_are_given);
	tcase_add_test(tc, a_step_that_is_stopped_ends_the_list);
	tcase_add_test(tc, a_list_that_leads_back_ends);
	tcase_add_test(tc, system_calls_have_their_names);
	suite_add_tcase(suite, tc);
	return rs_ck_run(suite);
}
