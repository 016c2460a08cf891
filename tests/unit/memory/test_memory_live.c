// SPDX-License-Identifier: MIT
// A live child: its buffer, its hole, its modules and symbols.
#include "real_core.h"
#include "rs_check.h"

#include "memory/memory.h"

#include <dlfcn.h>
#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define RS_PAGE UINT64_C(4096)
#define RS_MIB (UINT64_C(1) << 20)
#define RS_SIZE (3 * RS_MIB)

static uint8_t *shape; // RS_SIZE bytes, the page at RS_MIB is PROT_NONE
static pid_t child;
static struct rs_memory *memory;

int rs_test_exported = 17; // a symbol to look up

static void fill(void)
{
	shape = mmap(NULL, RS_SIZE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(shape, MAP_FAILED);
	for (size_t i = 0; i < RS_SIZE; i++)
		shape[i] = (uint8_t)(i * 13 + i / RS_PAGE);
}

static void setup(void)
{
	fill();
	child = fork();
	ck_assert_int_ge(child, 0);
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (mprotect(shape + RS_MIB, RS_PAGE, PROT_NONE))
			_exit(1);
		shape[0] = 0xee; // what the parent does not have
		rs_test_exported = 18;
		(void)raise(SIGSTOP);
		_exit(0);
	}
	int status = 0;
	ck_assert_int_eq(waitpid(child, &status, WUNTRACED), child);
	ck_assert(WIFSTOPPED(status));
	memory = NULL;
}

static void reap(void)
{
	if (child <= 0)
		return;
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	child = 0;
}

static void teardown(void)
{
	rs_memory_close(memory);
	reap();
	munmap(shape, RS_SIZE);
}

static uint64_t address_of(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

START_TEST(child_is_read_not_parent)
{
	rs_ck_ok(rs_memory_open_live(child, NULL, &memory));
	ck_assert(!memory->is_core);
	const uint8_t *p = rs_memory_at(memory, address_of(shape), RS_MIB);
	ck_assert_ptr_nonnull(p);
	ck_assert_int_eq(p[0], 0xee);
	ck_assert_mem_eq(p + 1, shape + 1, RS_MIB - 1);
}
END_TEST

START_TEST(hole_is_unreadable_and_neighbours_are_not)
{
	uint8_t byte;

	rs_ck_ok(rs_memory_open_live(child, NULL, &memory));
	ck_assert_ptr_null(rs_memory_at(memory, address_of(shape + RS_MIB), 1));
	ck_assert_ptr_null(
		rs_memory_at(memory, address_of(shape + RS_MIB - 1), 2));
	ck_assert_mem_eq(rs_memory_at(memory,
				      address_of(shape + RS_MIB + RS_PAGE),
				      RS_MIB),
			 shape + RS_MIB + RS_PAGE, RS_MIB);
	ck_assert(
		!rs_memory_read(memory, address_of(shape + RS_MIB), &byte, 1));
}
END_TEST

START_TEST(kernel_pages_that_cannot_be_read_are_no_trouble)
{
	uint64_t readable = 0;

	rs_ck_ok(rs_memory_open_live(child, NULL, &memory));
	for (size_t i = 0; i < memory->segments; i++) {
		const struct rs_segment s = memory->segment[i];
		// A sanitizer reserves terabytes: the start will do.
		for (uint64_t a = s.start;
		     a < s.end && a < s.start + 4 * RS_MIB; a += RS_PAGE)
			readable += rs_memory_at(memory, a, 8) != NULL;
	}
	ck_assert_uint_gt(readable, RS_SIZE / RS_PAGE);
	ck_assert_uint_eq(memory->problems, 0);
}
END_TEST

START_TEST(modules_symbols_and_sections_are_found)
{
	uint64_t address = 0;
	uint64_t size = 0;
	int value = 0;

	rs_ck_ok(rs_memory_open_live(child, NULL, &memory));
	ck_assert_uint_ge(memory->modules, 3); // this, libc, ld.so
	rs_ck_ok(rs_memory_symbol(memory, NULL, "rs_test_exported", &address,
				  &size));
	ck_assert_uint_eq(address, address_of(&rs_test_exported));
	ck_assert_uint_eq(size, sizeof(rs_test_exported));
	ck_assert(rs_memory_read(memory, address, &value, sizeof(value)));
	ck_assert_int_eq(value, 18);

	const struct rs_module *self =
		rs_memory_module(memory, address_of(&rs_test_exported));
	ck_assert_ptr_nonnull(self);
	ck_assert(self->checked);
	ck_assert_ptr_nonnull(self->file);
	rs_ck_ok(rs_memory_symbol(memory, self, "rs_test_exported", &address,
				  NULL));
	rs_ck_ok(rs_memory_section(memory, self, ".data", &address, &size));
	ck_assert_uint_ge(address_of(&rs_test_exported), address);
	ck_assert_uint_lt(address_of(&rs_test_exported), address + size);

	rs_ck_ok(rs_memory_symbol(memory, NULL, "getppid", &address, NULL));
	ck_assert_uint_eq(address, address_of(dlsym(RTLD_DEFAULT, "getppid")));
	rs_ck_error(rs_memory_symbol(memory, self, "getppid", &address, NULL),
		    RS_ENOTFOUND, "no symbol getppid");
	rs_ck_error(
		rs_memory_symbol(memory, NULL, "no_such_name", &address, NULL),
		RS_ENOTFOUND, "no symbol no_such_name");
	rs_ck_error(
		rs_memory_section(memory, NULL, ".nowhere", &address, &size),
		RS_ENOTFOUND, "no section .nowhere");
	// Debugging sections have no address.
	rs_ck_error(
		rs_memory_section(memory, NULL, ".shstrtab", &address, &size),
		RS_ENOTFOUND, "no section .shstrtab");
}
END_TEST

START_TEST(thread_of_the_child_is_told)
{
	rs_ck_ok(rs_memory_open_live(child, NULL, &memory));
	ck_assert_uint_eq(memory->threads, 1);
	ck_assert_int_eq(memory->thread[0].tid, child);
	if (memory->thread[0].sp)
		ck_assert_ptr_nonnull(
			rs_memory_at(memory, memory->thread[0].sp, 8));
}
END_TEST

START_TEST(child_is_not_changed)
{
	rs_ck_ok(rs_memory_open_live(child, NULL, &memory));
	// NOLINTNEXTLINE(performance-no-int-to-ptr)
	uint8_t *copy = (uint8_t *)(uintptr_t)rs_memory_at(
		memory, address_of(shape), RS_MIB);
	copy[5] ^= 0xff; // even if we were to scribble on our copy
	struct rs_memory *again = NULL;
	rs_ck_ok(rs_memory_open_live(child, NULL, &again));
	const uint8_t *p = rs_memory_at(again, address_of(shape), RS_MIB);
	ck_assert_int_eq(p[5], shape[5]);
	rs_memory_close(again);
}
END_TEST

START_TEST(gone_process_is_io_error)
{
	const pid_t pid = child;

	reap();
	rs_ck_error(rs_memory_open_live(pid, NULL, &memory), RS_EIO,
		    "no such process");
	rs_ck_error(rs_memory_open_live(0, NULL, &memory), RS_EARGUMENT,
		    "not a process id");
	rs_ck_error(rs_memory_open_live(-5, NULL, &memory), RS_EARGUMENT,
		    "not a process id");
}
END_TEST

START_TEST(zombie_has_no_memory)
{
	siginfo_t info;

	kill(child, SIGKILL);
	ck_assert_int_eq(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT),
			 0);
	rs_ck_error(rs_memory_open_live(child, NULL, &memory), RS_EIO,
		    "process ");
}
END_TEST

START_TEST(process_that_goes_while_read_leaves_holes)
{
	rs_ck_ok(rs_memory_open_live(child, NULL, &memory));
	reap();
	ck_assert_ptr_null(rs_memory_at(memory, address_of(shape), 8));
	ck_assert_uint_gt(memory->problems, 0);
}
END_TEST

START_TEST(forbidden_process_tells_what_to_try)
{
	if (geteuid() != 0)
		return; // only root can become somebody else
	const pid_t other = fork();
	if (!other) {
		struct rs_error *err = NULL;
		if (setgroups(0, NULL) || setgid(65534) || setuid(65534))
			_exit(2);
		err = rs_memory_open_live(child, NULL, &memory);
		const bool good = err && rs_error_code(err) == RS_EIO &&
				  strstr(rs_error_message(err), "ptrace_scope");
		rs_error_free(err);
		_exit(good ? 0 : 1);
	}
	int status = 0;
	ck_assert_int_eq(waitpid(other, &status, 0), other);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

START_TEST(deleted_executable_is_still_known)
{
	char directory[] = "/tmp/rs-live-XXXXXX";
	char program[64];
	char command[128];
	uint64_t address = 0;

	ck_assert_ptr_nonnull(mkdtemp(directory));
	(void)snprintf(program, sizeof(program), "%s/sleep", directory);
	(void)snprintf(command, sizeof(command), "cp /bin/sleep %s", program);
	// NOLINTNEXTLINE(cert-env33-c): the words are our own
	ck_assert_int_eq(system(command), 0);
	const pid_t pid = real_core_start(directory, program);
	unlink(program);
	rmdir(directory);
	kill(pid, SIGSTOP);
	rs_ck_ok(rs_memory_open_live(pid, NULL, &memory));
	const struct rs_module *module = NULL;
	for (size_t i = 0; i < memory->modules && !module; i++)
		if (!strcmp(memory->module[i].path, program))
			module = &memory->module[i];
	ck_assert_ptr_nonnull(module);
	// From the file, through /proc, or from the process's own memory.
	rs_ck_ok(rs_memory_symbol(memory, module, "stdout", &address, NULL));
	ck_assert_ptr_eq(rs_memory_module(memory, address), module);
	real_core_end(pid);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("memory_live");
	TCase *tc = tcase_create("live");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, child_is_read_not_parent);
	tcase_add_test(tc, hole_is_unreadable_and_neighbours_are_not);
	tcase_add_test(tc, kernel_pages_that_cannot_be_read_are_no_trouble);
	tcase_add_test(tc, modules_symbols_and_sections_are_found);
	tcase_add_test(tc, thread_of_the_child_is_told);
	tcase_add_test(tc, child_is_not_changed);
	tcase_add_test(tc, gone_process_is_io_error);
	tcase_add_test(tc, zombie_has_no_memory);
	tcase_add_test(tc, process_that_goes_while_read_leaves_holes);
	tcase_add_test(tc, forbidden_process_tells_what_to_try);
	tcase_add_test(tc, deleted_executable_is_still_known);
	tcase_set_timeout(tc, 60); // the machine may be busy
	suite_add_tcase(suite, tc);
	return rs_ck_run(suite);
}
