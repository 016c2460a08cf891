// SPDX-License-Identifier: MIT
//
// Where the functions of a file start, asked of this program's own.
#include "rs_check.h"
#include "sandbox/function_starts.h"

#include <link.h>

typedef int (*number_fn)(int n);

// Not described in .eh_frame, and no symbol: only a word of data leads to it.
__asm__(".pushsection .text\n"
	"	.balign 16\n"
	"	nop\n"
	"	.balign 16\n"
	".Lnameless:\n"
	"	mov %edi, %eax\n"
	"	ret\n"
	".popsection\n"
	".pushsection .data\n"
	"	.balign 8\n"
	".globl slot_of_nameless\n"
	"slot_of_nameless: .quad .Lnameless\n"
	".popsection\n");
extern const number_fn slot_of_nameless;

// A word of data, which is relocated, leads into it, as with the table of
// labels of an interpreter's loop.
__attribute__((noinline)) static int has_a_label(int n)
{
	__asm__ volatile("	nop\n"
			 ".Lwithin:\n"
			 "	nop\n"
			 "	.pushsection .data\n"
			 "	.balign 8\n"
			 "	.globl slot_within\n"
			 "slot_within: .quad .Lwithin\n"
			 "	.popsection\n");
	return n + 1;
}
extern const char *const slot_within;

static int add_bias(struct dl_phdr_info *info, size_t size, void *context)
{
	(void)size;
	*(uint64_t *)context = info->dlpi_addr;
	return 1; // the first is this program
}

static struct rs_function_starts starts;
static uint64_t bias;

static bool is_start(const void *address)
{
	bool found = false;

	rs_ck_ok(rs_function_starts_at(
		&starts, (uint64_t)(uintptr_t)address - bias, &found));
	return found;
}

static void set_up(void)
{
	struct rs_file *file = NULL;

	rs_ck_ok(rs_file_open("/proc/self/exe", &file));
	starts = (struct rs_function_starts){.file = file};
	(void)dl_iterate_phdr(add_bias, &bias);
}

static void clean_up(void)
{
	struct rs_file *file = (struct rs_file *)(uintptr_t)starts.file;

	rs_function_starts_fini(&starts);
	rs_file_close(file);
}

START_TEST(functions_start_where_eh_frame_and_symbols_say)
{
	const char *const function = (const char *)(uintptr_t)has_a_label;

	ck_assert(is_start(function));
	ck_assert(!is_start(function + 1));
	ck_assert(is_start((const char *)(uintptr_t)set_up));
	ck_assert(!starts.start.used || starts.listed);
}
END_TEST

START_TEST(what_only_data_leads_to_is_a_function_too)
{
	ck_assert_int_eq(slot_of_nameless(4), 4);
	ck_assert(is_start((const char *)(uintptr_t)slot_of_nameless));
	ck_assert(!is_start((const char *)(uintptr_t)slot_of_nameless + 1));
}
END_TEST

START_TEST(labels_within_a_function_are_not)
{
	ck_assert_int_eq(has_a_label(1), 2);
	ck_assert(slot_within > (const char *)(uintptr_t)has_a_label);
	ck_assert(!is_start(slot_within));
}
END_TEST

START_TEST(data_is_not)
{
	ck_assert(!is_start(&starts));
	ck_assert(!is_start(NULL));
	ck_assert(!is_start((const void *)(uintptr_t)-8));
}
END_TEST

// A core may ask for as many addresses as it has types: the file is looked
// through once.
START_TEST(the_file_is_listed_once)
{
	const char *const function = (const char *)(uintptr_t)has_a_label;

	ck_assert(!is_start(function + 1));
	ck_assert(starts.listed);
	const size_t used = starts.start.used;
	const void *const data = starts.start.data;
	for (unsigned i = 1; i < 1000; i++)
		(void)is_start(function + i);
	ck_assert_uint_eq(starts.start.used, used);
	ck_assert_ptr_eq(starts.start.data, data);
}
END_TEST

enum { RS_HEADERS = 4096, RS_FUNCTION = 64 };

// A file with one header of each kind that counts, at these indices.
static bool is_start_in(unsigned executable, unsigned symbols)
{
	static struct {
		Elf64_Ehdr ehdr;
		Elf64_Phdr phdr[RS_HEADERS + 1];
		Elf64_Shdr shdr[RS_HEADERS + 1];
		Elf64_Sym sym;
	} whole;
	struct rs_file file = {.data = (uint8_t *)&whole,
			       .size = sizeof(whole)};
	struct rs_function_starts of = {.file = &file};
	bool found = false;

	memset(&whole, 0, sizeof(whole));
	whole.ehdr = (Elf64_Ehdr){
		.e_phoff = offsetof(__typeof__(whole), phdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = RS_HEADERS + 1,
		.e_shoff = offsetof(__typeof__(whole), shdr),
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = RS_HEADERS + 1,
	};
	whole.phdr[executable] = (Elf64_Phdr){
		.p_type = PT_LOAD, .p_flags = PF_X, .p_filesz = sizeof(whole)};
	whole.shdr[symbols] =
		(Elf64_Shdr){.sh_type = SHT_DYNSYM,
			     .sh_offset = offsetof(__typeof__(whole), sym),
			     .sh_size = sizeof(whole.sym)};
	whole.sym = (Elf64_Sym){
		.st_value = RS_FUNCTION, .st_shndx = 1, .st_info = STT_FUNC};
	rs_ck_ok(rs_function_starts_at(&of, RS_FUNCTION, &found));
	rs_function_starts_fini(&of);
	return found;
}

// What only they tell of is no function, so that it is never called.
START_TEST(headers_after_the_bound_tell_of_no_function)
{
	ck_assert(is_start_in(RS_HEADERS - 1, RS_HEADERS - 1));
	ck_assert(!is_start_in(RS_HEADERS, RS_HEADERS - 1));
	ck_assert(!is_start_in(RS_HEADERS - 1, RS_HEADERS));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("function_starts");
	TCase *tc = tcase_create("this program");

	tcase_add_checked_fixture(tc, set_up, clean_up);
	tcase_add_test(tc, functions_start_where_eh_frame_and_symbols_say);
	tcase_add_test(tc, what_only_data_leads_to_is_a_function_too);
	tcase_add_test(tc, labels_within_a_function_are_not);
	tcase_add_test(tc, data_is_not);
	tcase_add_test(tc, the_file_is_listed_once);
	tcase_add_test(tc, headers_after_the_bound_tell_of_no_function);
	suite_add_tcase(suite, tc);
	return rs_ck_run(suite);
}
