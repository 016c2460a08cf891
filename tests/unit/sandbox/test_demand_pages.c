// SPDX-License-Identifier: MIT
//
// Images of a core of this very program whose parts lie at no multiple of a
// page: its memory comes in when it is touched, and nothing may show that.
#include "fake_types.h"
#include "kernel_core.h"
#include "rs_check.h"
#include "sandbox/guest/demand_pages.h"
#include "sandbox/image.h"
#include "unaligned_core.h"

#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

enum {
	RS_OBJECTS = 5,
	RS_TESTED = 1, // of a type of its own
	RS_AGAIN = 3, // of the same, if a second is wanted
	RS_PAGE = 4096,
	// More than comes in singly; a huge page and a bit.
	RS_LARGE = (RS_DEMAND_SINGLE + 80) * RS_DEMAND_GRAIN + 5 * RS_PAGE,
};

static struct fake_object *object; // in memory of their own
static struct fake_head head = {1, 1};
static struct fake_type tested_type;
static uint64_t *large; // word n is n * RS_FACTOR, and not zero
static uint64_t *constant; // the same, to read only
static char directory[] = "/tmp/rs-lazy-XXXXXX";
static char core[64];
static bool twice;

#define RS_FACTOR UINT64_C(0x9e3779b97f4a7c15)
#define RS_WORDS (RS_LARGE / sizeof(uint64_t))

// --- What the code of the core does: it tells a reference if all is well ---

#define RS_TRAVERSE(name)                                                      \
	RS_PLAIN static int name(void *self, fake_visit visit, void *context)

RS_PLAIN static long system_call(long number, const void *a, uint64_t b,
				 uint64_t c, uint64_t d, const void *e)
{
	register uint64_t r10 __asm__("r10") = d;
	register uint64_t r8 __asm__("r8") = (uint64_t)e;
	register uint64_t r9 __asm__("r9") = 0;
	long rc;

	__asm__ volatile("syscall"
			 : "=a"(rc)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10),
			   "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return rc;
}

RS_PLAIN static int is_whole(const uint64_t *word, uint64_t from, uint64_t to)
{
	for (uint64_t i = from; i < to; i++)
		if (((const volatile uint64_t *)word)[i] != (i + 1) * RS_FACTOR)
			return 0;
	return 1;
}

RS_PLAIN static char *at_grain(unsigned n)
{
	const uint64_t end = (uint64_t)large + RS_DEMAND_GRAIN - 1;

	return (char *)(end / RS_DEMAND_GRAIN * RS_DEMAND_GRAIN) +
	       (uint64_t)n * RS_DEMAND_GRAIN;
}

RS_PLAIN static uint64_t word_at(const char *address)
{
	return (uint64_t)((const uint64_t *)(const void *)address - large);
}

RS_TRAVERSE(reads_all)
{
	return is_whole(large, 0, RS_WORDS) && is_whole(constant, 0, RS_WORDS)
		       ? visit(self, context)
		       : 0;
}

// In an order that never reads on; what is written stays.
RS_TRAVERSE(writes_here_and_there)
{
	const uint64_t step = 1000003; // words, and RS_WORDS is no multiple
	volatile uint64_t *word = large;

	for (uint64_t i = 0, at = 0; i < RS_WORDS / 64; i++) {
		if (word[at] != (at + 1) * RS_FACTOR)
			return 0;
		word[at] = ~word[at];
		at = (at + step) % RS_WORDS;
	}
	for (uint64_t i = 0, at = 0; i < RS_WORDS / 64; i++) {
		word[at] = ~word[at];
		at = (at + step) % RS_WORDS;
	}
	return reads_all(self, visit, context);
}

RS_TRAVERSE(reads_the_end)
{
	return is_whole(large, RS_WORDS - 1, RS_WORDS) ? visit(self, context)
						       : 0;
}

RS_TRAVERSE(writes_what_is_constant)
{
	if (!is_whole(constant, 0, RS_WORDS))
		return 0;
	*(volatile uint64_t *)&constant[RS_WORDS / 2] = 1;
	return visit(self, context);
}

// What comes to lie where something went away stays, whatever comes in beside.
RS_TRAVERSE(replaces)
{
	const uint64_t both = PROT_READ | PROT_WRITE;
	const uint64_t flags = MAP_PRIVATE | MAP_ANONYMOUS;
	char *one = at_grain(9) + 3 * RS_PAGE, *two = at_grain(40) + RS_PAGE;
	const uint64_t n = 20 * RS_DEMAND_GRAIN;

	if (system_call(SYS_munmap, one, n, 0, 0, NULL) ||
	    system_call(SYS_mmap, one, n, both, flags | MAP_FIXED_NOREPLACE,
			(void *)UINT64_MAX) != (long)one ||
	    system_call(SYS_mmap, two, n, both, flags | MAP_FIXED,
			(void *)UINT64_MAX) != (long)two)
		return 0;
	for (uint64_t i = 0; i < n; i += RS_PAGE)
		one[i] = two[i] = 1;
	if (!is_whole(large, 0, word_at(one)) ||
	    !is_whole(large, word_at(one + n), word_at(two)) ||
	    !is_whole(large, word_at(two + n), RS_WORDS))
		return 0;
	for (uint64_t i = 0; i < n; i++)
		if (one[i] != !(i % RS_PAGE) || two[i] != !(i % RS_PAGE))
			return 0;
	return visit(self, context);
}

RS_TRAVERSE(moves)
{
	char *from = at_grain(50) + RS_PAGE;
	const uint64_t n = 70 * RS_DEMAND_GRAIN, first = word_at(from);
	const long to =
		system_call(SYS_mremap, from, n, 2 * n, MREMAP_MAYMOVE, NULL);

	if (to < 0 && to > -RS_PAGE)
		return 0;
	return is_whole((uint64_t *)to - first, first, word_at(from + n)) &&
			       is_whole(large, 0, first) &&
			       is_whole(large, word_at(from + n), RS_WORDS)
		       ? visit(self, context)
		       : 0;
}

RS_TRAVERSE(lets_go)
{
	char *from = at_grain(50) + RS_PAGE;
	const uint64_t n = 3 * RS_DEMAND_GRAIN;

	if (system_call(SYS_madvise, from, n, MADV_DONTNEED, 0, NULL))
		return 0;
	for (uint64_t i = 0; i < n; i++)
		if (from[i])
			return 0;
	return is_whole(large, 0, word_at(from)) &&
			       is_whole(large, word_at(from + n), RS_WORDS)
		       ? visit(self, context)
		       : 0;
}

RS_TRAVERSE(lifts_protection)
{
	const uint64_t both = PROT_READ | PROT_WRITE;
	volatile uint64_t *word = &constant[RS_WORDS / 2];

	if (system_call(SYS_mprotect, constant, RS_LARGE, both, 0, NULL))
		return 0;
	*word += 1;
	if (*word - 1 != (RS_WORDS / 2 + 1) * RS_FACTOR)
		return 0;
	*word -= 1;
	return reads_all(self, visit, context);
}

RS_TRAVERSE(asks_for_the_time)
{
	// Across two grains, nothing of which was touched.
	uint64_t *time = (uint64_t *)(void *)at_grain(100) - 1;

	if (system_call(SYS_clock_gettime, (void *)CLOCK_MONOTONIC,
			(uint64_t)time, 0, 0, NULL) ||
	    system_call(SYS_gettimeofday, at_grain(200) - 8, 0, 0, 0, NULL))
		return 0;
	return time[1] < 1000000000 && is_whole(large, 0, word_at((char *)time))
		       ? visit(self, context)
		       : 0;
}

// --- A core, and what a walk over it says ---------------------------------

static void *memory(void)
{
	return mmap(NULL, RS_LARGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void fill(int (*traverse)(void *, fake_visit, void *))
{
	for (uint64_t i = 0; i < RS_WORDS; i++)
		large[i] = constant[i] = (i + 1) * RS_FACTOR;
	mprotect(constant, RS_LARGE, PROT_READ);
	fake_chain(&head, object, RS_OBJECTS);
	tested_type = (struct fake_type){RS_FAKE_GC, traverse, NULL};
	object[RS_TESTED].type = &tested_type;
	if (twice)
		object[RS_AGAIN].type = &tested_type;
}

static void make_core(int (*traverse)(void *, fake_visit, void *))
{
	const pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (!pid) {
		fill(traverse);
		kernel_core_leave(directory);
	}
	kernel_core_wait(pid, directory, core, sizeof(core));
	unaligned_core_make(core);
	unaligned_core_put_last(core, (uint64_t)large);
}

/**
 * @param singly Ask those few, whose memory comes in by grains at first;
 *        otherwise all that are tracked, whose memory does in huge pages.
 * @param cut How much of the core is gone once the image is planned.
 */
static void ask(bool singly, uint64_t cut, struct rs_image_answer *answer)
{
	struct rs_memory *memory = NULL;
	struct rs_process_image *image = NULL;
	uint64_t list[] = {(uint64_t)&head}, those[RS_OBJECTS];
	const struct rs_image_question question = {
		RS_FAKE_OFFSETS, .list = list,		.lists = singly ? 0 : 1,
		.object = those, .objects = RS_OBJECTS,
	};
	// An object here has a lot to touch, on whatever machine.
	const struct rs_image_options options = {.object_ms = 30000,
						 .total_ms = 300000};
	struct stat st;

	for (unsigned i = 0; i < RS_OBJECTS; i++)
		those[i] = (uint64_t)fake_address(&object[i]);

	rs_ck_ok(rs_memory_open_core(core, NULL, &memory));
	rs_ck_ok(rs_image_from_core(memory, &options, &image));
	ck_assert_int_eq(stat(core, &st), 0);
	if (cut) {
		ck_assert_int_eq(truncate(core, st.st_size - (off_t)cut), 0);
		rs_ck_error(rs_image_walk(image, &question, answer), RS_EIO,
			    "changed since");
	} else {
		rs_ck_ok(rs_image_walk(image, &question, answer));
	}
	rs_image_close(image);
	rs_memory_close(memory);
}

// The tested tell @p tested references; others, like fake_chain() says, two.
static void check_rows(const struct rs_image_answer *a, uint64_t tested)
{
	ck_assert_uint_eq(a->objects, RS_OBJECTS);
	ck_assert_uint_eq(a->runs, 1);
	for (uint64_t i = 0; i < RS_OBJECTS; i++) {
		const uint64_t n = a->first[i + 1] - a->first[i];

		if (i == RS_TESTED || (twice && i == RS_AGAIN))
			ck_assert_uint_eq(n, tested);
		else
			ck_assert_uint_eq(n, i + 1 < RS_OBJECTS ? 2 : 1);
		if (n)
			ck_assert_uint_eq(a->edge[a->first[i]], a->object[i]);
	}
}

static void check_well(int (*traverse)(void *, fake_visit, void *))
{
	struct rs_image_answer a = {0};

	twice = false;
	make_core(traverse);
	for (int singly = 0; singly < 2; singly++) {
		ask(singly != 0, 0, &a);
		ck_assert_uint_eq(a.faults_total, 0);
		check_rows(&a, 1);
		rs_image_answer_fini(&a);
	}
	unlink(core);
}

static void
check_fault(int (*traverse)(void *, fake_visit, void *), int signal, int again)
{
	struct rs_image_answer a = {0};

	twice = true;
	make_core(traverse);
	ask(false, 0, &a);
	unlink(core);
	ck_assert_uint_eq(a.faults_total, 2);
	ck_assert_uint_eq(a.fault[0].object, a.object[RS_TESTED]);
	ck_assert_int_eq(a.fault[0].signal, signal);
	ck_assert_uint_eq(a.fault[1].object, a.object[RS_AGAIN]);
	ck_assert_int_eq(a.fault[1].signal, again);
	check_rows(&a, 0);
	rs_image_answer_fini(&a);
}

static void set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(directory));
	large = memory();
	constant = memory();
	object = memory();
}

static void clean_up(void)
{
	unlink(core);
	rmdir(directory);
}

START_TEST(all_that_is_touched_is_there)
{
	check_well(reads_all);
	check_well(writes_here_and_there);
}
END_TEST

START_TEST(memory_to_read_only_stays_so)
{
	check_fault(writes_what_is_constant, SIGSEGV, SIGSEGV);
	check_well(lifts_protection);
}
END_TEST

START_TEST(what_went_away_does_not_come_in)
{
	check_well(replaces);
	check_well(lets_go);
}
END_TEST

START_TEST(system_calls_find_all_that_is_there)
{
	check_well(moves);
	check_well(asks_for_the_time);
}
END_TEST

START_TEST(a_core_cut_meanwhile_is_an_error_and_no_zeros)
{
	struct rs_image_answer a = {0};

	make_core(reads_the_end);
	ask(false, RS_LARGE / 2, &a);
}
END_TEST

static void add_cases(Suite *suite)
{
	TCase *tc = tcase_create("lazy");

	tcase_add_checked_fixture(tc, set_up, clean_up);
	tcase_add_test(tc, all_that_is_touched_is_there);
	tcase_add_test(tc, memory_to_read_only_stays_so);
	tcase_add_test(tc, what_went_away_does_not_come_in);
	tcase_add_test(tc, system_calls_find_all_that_is_there);
	tcase_add_test(tc, a_core_cut_meanwhile_is_an_error_and_no_zeros);
	tcase_set_timeout(tc, 120);
	suite_add_tcase(suite, tc);
}

int main(void)
{
	return kernel_core_main("revive_lazy", NULL, add_cases);
}
