// SPDX-License-Identifier: MIT
// A core that GDB's gcore wrote of a live process.
#include "real_core.h"

START_TEST(gcore_core_is_complete_with_the_files_on_disk)
{
	char directory[] = "/tmp/rs-gcore-XXXXXX";
	char path[64];
	char command[256];

	ck_assert_ptr_nonnull(mkdtemp(directory));
	(void)snprintf(path, sizeof(path), "%s/g", directory);
	const pid_t pid = real_core_start(directory, "/bin/sleep");
	(void)snprintf(command, sizeof(command),
		       "gdb -nx -batch -iex 'set debug-file-directory /-' "
		       "-p %d -ex 'gcore %s' >/dev/null 2>&1",
		       (int)pid, path);
	// NOLINTNEXTLINE(cert-env33-c): the words are our own
	ck_assert_int_eq(system(command), 0);
	real_core_end(pid);
	real_core_check(path, pid);
	unlink(path);
	rmdir(directory);
}
END_TEST

int main(void)
{
	// NOLINTNEXTLINE(cert-env33-c)
	if (system("gdb --version >/dev/null 2>&1") != 0)
		return rs_ck_skip("there is no gdb to write a core");
	Suite *suite = suite_create("memory_gcore");
	TCase *tc = tcase_create("gcore");

	tcase_add_test(tc, gcore_core_is_complete_with_the_files_on_disk);
	tcase_set_timeout(tc, 120);
	suite_add_tcase(suite, tc);
	return rs_ck_run(suite);
}
