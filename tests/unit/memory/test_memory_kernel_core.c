// SPDX-License-Identifier: MIT
// A core that the kernel wrote of a process that was aborted.
#include "kernel_core.h"
#include "real_core.h"

START_TEST(kernel_core_is_complete_with_the_files_on_disk)
{
	char directory[] = "/tmp/rs-kcore-XXXXXX";
	char path[64];

	ck_assert_ptr_nonnull(mkdtemp(directory));
	const pid_t pid = real_core_start(directory, "/bin/sleep");
	ck_assert_int_eq(kill(pid, SIGABRT), 0);
	kernel_core_wait(pid, directory, path, sizeof(path));
	real_core_check(path, pid);
	unlink(path);
	rmdir(directory);
}
END_TEST

static void add_cases(Suite *suite)
{
	TCase *tc = tcase_create("kernel");

	tcase_add_test(tc, kernel_core_is_complete_with_the_files_on_disk);
	tcase_set_timeout(tc, 120);
	suite_add_tcase(suite, tc);
}

int main(void)
{
	return kernel_core_main("memory_kernel_core", NULL, add_cases);
}
