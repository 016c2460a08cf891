// SPDX-License-Identifier: MIT
// Files that change, or lose pages, while they are mapped.
#include "elf_writer.h"
#include "rs_check.h"

#include "base/thread.h"
#include "memory/elf/sigbus_guard.h"
#include "memory/memory.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define RS_PAGE UINT64_C(4096)
#define RS_BASE UINT64_C(0x10000)

enum { RS_PAGES = 8 };

static char directory[] = "/tmp/rs-vanish-XXXXXX";
static char core_path[64];
static struct rs_memory *memory;

static void setup(void)
{
	static uint8_t bytes[RS_PAGES * RS_PAGE];
	struct elf_writer w;

	ck_assert_ptr_nonnull(mkdtemp(directory));
	(void)snprintf(core_path, sizeof(core_path), "%s/c", directory);
	memset(bytes, 'x', sizeof(bytes));
	elf_writer_init(&w, ET_CORE, EM_X86_64);
	elf_writer_load(&w, RS_BASE, bytes, sizeof(bytes), sizeof(bytes), PF_R);
	elf_writer_finish(&w);
	elf_writer_save(&w, core_path);
	elf_writer_fini(&w);
	memory = NULL;
}

static void teardown(void)
{
	rs_memory_close(memory);
	unlink(core_path);
	rmdir(directory);
}

static void open_it(void)
{
	rs_ck_ok(rs_memory_open_core(core_path, NULL, &memory));
	rs_ck_ok(rs_memory_check(memory));
}

static uint64_t word_of_page(uint64_t number)
{
	uint64_t word = 1;

	ck_assert(rs_memory_u64(memory, RS_BASE + number * RS_PAGE, &word));
	return word;
}

START_TEST(what_was_cut_off_reads_as_zeros_and_is_told)
{
	open_it();
	ck_assert_int_eq(truncate(core_path, 3 * RS_PAGE), 0);
	ck_assert_uint_ne(word_of_page(0), 0);
	ck_assert_uint_eq(word_of_page(RS_PAGES - 1), 0);
	ck_assert_uint_eq(word_of_page(RS_PAGES - 3), 0);
	ck_assert_uint_ne(word_of_page(1), 0);
	rs_ck_error(rs_memory_check(memory), RS_EIO,
		    "/c: changed on disk since it was opened");
}
END_TEST

START_TEST(pages_that_came_back_are_told_too)
{
	open_it();
	ck_assert_int_eq(truncate(core_path, 3 * RS_PAGE), 0);
	ck_assert_uint_eq(word_of_page(RS_PAGES - 1), 0);
	ck_assert_int_eq(truncate(core_path, (RS_PAGES + 1) * RS_PAGE), 0);
	rs_ck_error(rs_memory_check(memory), RS_EIO, "changed on disk");
}
END_TEST

// As it was, to whoever looks at size and time alone.
START_TEST(pages_that_came_back_in_secret_are_told_too)
{
	struct stat before;

	open_it();
	ck_assert_int_eq(stat(core_path, &before), 0);
	ck_assert_int_eq(truncate(core_path, 3 * RS_PAGE), 0);
	ck_assert_uint_eq(word_of_page(RS_PAGES - 1), 0);
	ck_assert_int_eq(truncate(core_path, before.st_size), 0);
	const struct timespec times[2] = {before.st_atim, before.st_mtim};
	ck_assert_int_eq(utimensat(AT_FDCWD, core_path, times, 0), 0);
	rs_ck_error(rs_memory_check(memory), RS_EIO, "changed on disk");
}
END_TEST

START_TEST(a_file_that_is_written_where_it_lies_has_changed)
{
	open_it();
	const int fd = open(core_path, O_WRONLY);
	ck_assert_int_eq(pwrite(fd, "y", 1, 3 * RS_PAGE), 1);
	close(fd);
	rs_ck_error(rs_memory_check(memory), RS_EIO, "changed on disk");
}
END_TEST

// Of a file that ends within a page the rest of the page is there, as zeros.
START_TEST(the_last_page_is_watched_to_its_end)
{
	const size_t size = 2 * RS_PAGE + 100;
	FILE *file = tmpfile();

	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(ftruncate(fileno(file), (off_t)size), 0);
	const volatile char *p =
		mmap(NULL, size, PROT_READ, MAP_PRIVATE, fileno(file), 0);
	ck_assert(p != MAP_FAILED);
	ck_assert(rs_sigbus_guard_add((void *)(uintptr_t)p, size));
	ck_assert_int_eq(ftruncate(fileno(file), 0), 0);
	ck_assert_int_eq(p[size + 200], 0);
	ck_assert(rs_sigbus_guard_lost((const void *)(uintptr_t)p));
	rs_sigbus_guard_remove((const void *)(uintptr_t)p);
	(void)fclose(file);
}
END_TEST

// As many files as a program may map; the last is guarded as the first is.
START_TEST(any_number_of_mappings_is_guarded)
{
#ifdef __SANITIZE_THREAD__
	enum { RS_MANY = 1000 }; // each mapping is slow
#else
	enum { RS_MANY = 10000 };
#endif
	FILE *file = tmpfile();
	char *page[RS_MANY];

	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(ftruncate(fileno(file), RS_PAGE), 0);
	for (int i = 0; i < RS_MANY; i++) {
		page[i] = mmap(NULL, RS_PAGE, PROT_READ, MAP_PRIVATE,
			       fileno(file), 0);
		ck_assert(page[i] != MAP_FAILED);
		ck_assert(rs_sigbus_guard_add(page[i], RS_PAGE));
	}
	ck_assert_int_eq(ftruncate(fileno(file), 0), 0);
	ck_assert_int_eq(*(volatile char *)page[RS_MANY - 1], 0);
	ck_assert(rs_sigbus_guard_lost(page[RS_MANY - 1]));
	ck_assert(!rs_sigbus_guard_lost(page[0]));
	for (int i = 0; i < RS_MANY; i++) {
		rs_sigbus_guard_remove(page[i]);
		ck_assert_int_eq(munmap(page[i], RS_PAGE), 0);
	}
	(void)fclose(file);
}
END_TEST

START_TEST(a_file_that_grows_has_changed)
{
	open_it();
	const int fd = open(core_path, O_WRONLY | O_APPEND);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	close(fd);
	rs_ck_error(rs_memory_check(memory), RS_EIO, "changed on disk");
}
END_TEST

START_TEST(another_file_in_its_place_is_no_change)
{
	open_it();
	ck_assert_int_eq(unlink(core_path), 0);
	const int fd = open(core_path, O_WRONLY | O_CREAT, 0600);
	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert_uint_ne(word_of_page(RS_PAGES - 1), 0);
	rs_ck_ok(rs_memory_check(memory));
}
END_TEST

static void *read_last(void *context)
{
	*(uint64_t *)context = word_of_page(RS_PAGES - 1);
	return NULL;
}

START_TEST(a_thread_of_the_engine_survives_it)
{
	uint64_t word = 1;
	pthread_t thread;

	open_it();
	ck_assert_int_eq(truncate(core_path, 3 * RS_PAGE), 0);
	ck_assert(rs_thread_start(&thread, read_last, &word));
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_uint_eq(word, 0);
	rs_ck_error(rs_memory_check(memory), RS_EIO, "changed on disk");
}
END_TEST

static void close_it(void)
{
	rs_memory_close(memory);
	memory = NULL;
}

static void check_ended(int status)
{
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGBUS);
}

static void other_handler(int number)
{
	_exit(number == SIGBUS ? 7 : 8);
}

// A page of a file that nobody watches, and that is gone.
static int status_of_touching_it(void)
{
	const pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		FILE *file = tmpfile();
		const volatile char *p =
			file ? mmap(NULL, RS_PAGE, PROT_READ, MAP_SHARED,
				    fileno(file), 0)
			     : MAP_FAILED;
		const struct rlimit none = {0, 0};

		(void)setrlimit(RLIMIT_CORE, &none);
		_exit(p == MAP_FAILED ? 100 : *p);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

START_TEST(what_is_not_ours_is_for_who_was_there_before)
{
	struct sigaction before = {.sa_handler = other_handler};
	struct sigaction now;
	int status;

	ck_assert_int_eq(sigaction(SIGBUS, &before, NULL), 0);
	open_it();
	status = status_of_touching_it();
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 7);
	close_it();
	ck_assert_int_eq(sigaction(SIGBUS, NULL, &now), 0);
	ck_assert(now.sa_handler == other_handler);

	before.sa_handler = SIG_DFL;
	ck_assert_int_eq(sigaction(SIGBUS, &before, NULL), 0);
	open_it();
	status = status_of_touching_it();
	check_ended(status);
}
END_TEST

static struct sigaction theirs; // what was there before `passes` was set

static void passes(int number, siginfo_t *info, void *context)
{
	if (theirs.sa_flags & SA_SIGINFO)
		theirs.sa_sigaction(number, info, context);
}

// Over ours, before which there was none.
static void put_theirs(void)
{
	const struct sigaction action = {.sa_sigaction = passes,
					 .sa_flags = SA_SIGINFO};
	const struct sigaction none = {.sa_handler = SIG_DFL};

	ck_assert_int_eq(sigaction(SIGBUS, &none, NULL), 0);
	open_it();
	ck_assert_int_eq(sigaction(SIGBUS, &action, &theirs), 0);
}

// Each passes on to the other: what nobody takes must still be the end.
START_TEST(handlers_in_a_ring_come_to_an_end)
{
	put_theirs();
	close_it();
	open_it();
	const int status = status_of_touching_it();
	check_ended(status);
}
END_TEST

START_TEST(a_handler_that_came_and_went_leaves_no_ring)
{
	put_theirs();
	close_it();
	ck_assert_int_eq(sigaction(SIGBUS, &theirs, NULL), 0); // ours again
	open_it();
	const int status = status_of_touching_it();
	check_ended(status);
}
END_TEST

START_TEST(a_signal_that_is_sent_is_what_it_was)
{
	struct sigaction before = {.sa_handler = SIG_IGN};
	struct sigaction now;
	int status;

	ck_assert_int_eq(sigaction(SIGBUS, &before, NULL), 0);
	open_it();
	ck_assert_int_eq(raise(SIGBUS), 0);
	ck_assert_int_eq(sigaction(SIGBUS, NULL, &now), 0);
	ck_assert(now.sa_flags & SA_SIGINFO); // still ours
	close_it();

	before.sa_handler = SIG_DFL;
	ck_assert_int_eq(sigaction(SIGBUS, &before, NULL), 0);
	open_it();
	const pid_t pid = fork();
	if (pid == 0) {
		const struct rlimit none = {0, 0};

		(void)setrlimit(RLIMIT_CORE, &none);
		(void)raise(SIGBUS);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	check_ended(status);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("memory_vanish");
	TCase *tc = tcase_create("memory_vanish");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, what_was_cut_off_reads_as_zeros_and_is_told);
	tcase_add_test(tc, pages_that_came_back_are_told_too);
	tcase_add_test(tc, pages_that_came_back_in_secret_are_told_too);
	tcase_add_test(tc, a_file_that_is_written_where_it_lies_has_changed);
	tcase_add_test(tc, the_last_page_is_watched_to_its_end);
	tcase_add_test(tc, any_number_of_mappings_is_guarded);
	tcase_add_test(tc, a_file_that_grows_has_changed);
	tcase_add_test(tc, another_file_in_its_place_is_no_change);
	tcase_add_test(tc, a_thread_of_the_engine_survives_it);
	tcase_add_test(tc, what_is_not_ours_is_for_who_was_there_before);
	tcase_add_test(tc, handlers_in_a_ring_come_to_an_end);
	tcase_add_test(tc, a_handler_that_came_and_went_leaves_no_ring);
	tcase_add_test(tc, a_signal_that_is_sent_is_what_it_was);
	suite_add_tcase(suite, tc);
	return rs_ck_run(suite);
}
