// SPDX-License-Identifier: MIT
//
// A core of a real Python, spoilt on purpose: the tp_traverse of a class leads
// to machine code that was planted in the core, in memory that the core's
// headers now call executable. Each deed is to be stopped before it has any
// effect, and told with the object and the system call.
#include "kernel_core.h"
#include "python_core.h"
#include "refscope/engine.h"
#include "rs_check.h"
#include "runtime/cpython/cpython.h"
#include "unaligned_core.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>

enum {
	RS_ROOM = 4096, // bytes that the script keeps for us
	RS_DATA = 2048, // offset of the data of a deed in them
	RS_PATIENCE_MS = 120000, // for a deed that never ends
};

static struct python_core python;
static const struct rs_open_options consent = {
	.size = sizeof(consent),
	.run = true,
};
static pid_t victim = -1; // whom none may hurt
static int listener = -1, caller = -1; // nobody may call
static int pipe_fd[2] = {-1, -1}; // nobody may write
static char mark[96], kept[96]; // nobody may make, nobody may remove

/** What the code of the core does: a system call, and then it returns. */
struct deed {
	const char *name; // NULL: it spins
	long number;
	uint64_t argument[6];
	const void *data; // what RS_HERE in an argument is the address of
	size_t size;
};
#define RS_HERE UINT64_C(0x5245444849)

static size_t put(uint8_t *out, size_t at, unsigned op, uint64_t value)
{
	out[at] = (uint8_t)(op >> 8);
	out[at + 1] = (uint8_t)op;
	memcpy(out + at + 2, &value, 8);
	return at + 10;
}

// movabs into each register of a system call; then it, xor %eax,%eax, ret.
static void
assemble(const struct deed *deed, uint64_t address, uint8_t out[RS_ROOM])
{
	static const uint16_t op[6] = {0x48bf, 0x48be, 0x48ba,
				       0x49ba, 0x49b8, 0x49b9};
	static const uint8_t rest[] = {0x0f, 0x05, 0x31, 0xc0, 0xc3};
	static const uint8_t spin[] = {0xeb, 0xfe};
	size_t n = 0;

	memset(out, 0xcc, RS_ROOM);
	for (int i = 0; i < 6; i++)
		n = put(out, n, op[i],
			deed->argument[i] == RS_HERE ? address + RS_DATA
						     : deed->argument[i]);
	n = put(out, n, 0x48b8, (uint64_t)deed->number);
	if (deed->name)
		memcpy(out + n, rest, sizeof(rest));
	else
		memcpy(out + n, spin, sizeof(spin));
	if (deed->size)
		memcpy(out + RS_DATA, deed->data, deed->size);
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static struct sockaddr_in address_of_listener(void)
{
	struct sockaddr_in in = {.sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(in);

	if (listener < 0) {
		listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		ck_assert_int_eq(bind(listener, (void *)&in, sizeof(in)), 0);
		ck_assert_int_eq(listen(listener, 4), 0);
	}
	ck_assert_int_eq(getsockname(listener, (void *)&in, &size), 0);
	return in;
}

static pid_t start_victim(void)
{
	const pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	return pid;
}

static void set_up(void)
{
	python_core_make(&python);
	(void)snprintf(mark, sizeof(mark), "%s/mark", python.directory);
	(void)snprintf(kept, sizeof(kept), "%s/kept", python.directory);
	close(open(kept, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	ck_assert_int_eq(pipe2(pipe_fd, O_NONBLOCK), 0);
	(void)address_of_listener();
	// Not closed on exec: what a careless debugger leaves open.
	caller = socket(AF_INET, SOCK_STREAM, 0);
	victim = start_victim();
}

static void set_up_unaligned(void)
{
	set_up();
	unaligned_core_make(python.core);
}

static void clean_up(void)
{
	kill(victim, SIGKILL);
	waitpid(victim, NULL, 0);
	unlink(kept);
	unlink(mark);
	python_core_remove(&python);
}

static int tracer_of(pid_t pid)
{
	char path[64], line[256];
	int tracer = -1;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	FILE *status = fopen(path, "re");
	while (status && fgets(line, sizeof(line), status))
		if (strncmp(line, "TracerPid:", 10) == 0)
			tracer = (int)strtol(line + 10, NULL, 10);
	if (status)
		(void)fclose(status);
	return tracer;
}

static void check_no_effect(const char *name)
{
	struct pollfd in = {.fd = pipe_fd[0], .events = POLLIN};

	ck_assert_msg(access(mark, F_OK) != 0, "%s made a file", name);
	ck_assert_msg(access(kept, F_OK) == 0, "%s removed a file", name);
	ck_assert_msg(poll(&in, 1, 0) == 0, "%s wrote", name);
	in.fd = listener;
	ck_assert_msg(poll(&in, 1, 0) == 0, "%s called", name);
	ck_assert_msg(tracer_of(victim) == 0, "%s traces", name);
	// The victim lives, and there is no other child.
	ck_assert_msg(waitpid(-1, NULL, __WALL | WNOHANG) == 0, "%s: a child",
		      name);
	ck_assert_int_eq(kill(victim, 0), 0);
}

static void check_told(const struct deed *deed, const char *text)
{
	char want[256];

	(void)snprintf(want, sizeof(want),
		       "\"faults\":[{\"id\":\"0x%llx\",\"type\":\"Node\","
		       "\"why\":\"",
		       (unsigned long long)python.node);
	ck_assert_msg(strstr(text, want) != NULL, "%s: no %s in %s", deed->name,
		      want, text);
	ck_assert_ptr_nonnull(strstr(text, "\"faults_total\":1,"));
	if (deed->name)
		(void)snprintf(want, sizeof(want),
			       "\"why\":\"made system call %ld (%s)\"",
			       deed->number, deed->name);
	else
		(void)snprintf(want, sizeof(want), "\"why\":\"took too long\"");
	ck_assert_msg(strstr(text, want) != NULL, "no %s in %s", want, text);
}

static void check_stopped(const struct deed *deed)
{
	struct rs_session *session = NULL;
	uint8_t code[RS_ROOM];
	char *text = NULL;
	const uint64_t start = now_ms();

	assemble(deed, python.room, code);
	python_core_write(&python, python.room, code, sizeof(code));
	rs_ck_ok(rs_session_open_core(python.core, &consent, &session));
	rs_ck_ok(rs_answer_verify(session, 0, &text));
	check_told(deed, text);
	rs_text_free(text);
	rs_session_close(session);
	check_no_effect(deed->name ? deed->name : "spinning");
	ck_assert_uint_lt(now_ms() - start, RS_PATIENCE_MS);
}

static void lead_to_the_room(void)
{
	python_core_allow_execution(&python, python.room);
	python_core_write(&python, python.traverse, &python.room, 8);
}

#define RS_DEED(call, ...)                                                     \
	{                                                                      \
#call, SYS_##call, {__VA_ARGS__ }, NULL, 0                     \
	}
#define RS_DEED_WITH(call, bytes, length, ...)                                 \
	{                                                                      \
#call, SYS_##call, {__VA_ARGS__ }, (bytes), (length)           \
	}

static void check_all(const struct deed *deed, size_t n)
{
	lead_to_the_room();
	for (size_t i = 0; i < n; i++)
		check_stopped(&deed[i]);
}

START_TEST(files_are_neither_made_nor_removed_nor_written)
{
	const uint64_t flags = O_CREAT | O_WRONLY;
	const struct deed deed[] = {
		RS_DEED_WITH(open, mark, sizeof(mark), RS_HERE, flags, 0600),
		RS_DEED_WITH(openat, mark, sizeof(mark), (uint64_t)AT_FDCWD,
			     RS_HERE, flags, 0600),
		RS_DEED_WITH(creat, mark, sizeof(mark), RS_HERE, 0600),
		RS_DEED_WITH(mkdir, mark, sizeof(mark), RS_HERE, 0700),
		RS_DEED_WITH(unlink, kept, sizeof(kept), RS_HERE),
		RS_DEED_WITH(write, "x", 1, (uint64_t)pipe_fd[1], RS_HERE, 1),
		RS_DEED_WITH(write, "x", 1, 1, RS_HERE, 1),
		RS_DEED_WITH(pwrite64, "x", 1, 3, RS_HERE, 1, 0),
		RS_DEED(ftruncate, 3, 0),
		RS_DEED(io_uring_setup, 8, RS_HERE),
	};

	check_all(deed, sizeof(deed) / sizeof(deed[0]));
}
END_TEST

START_TEST(processes_are_neither_started_nor_hurt_nor_watched)
{
	const uint64_t who = (uint64_t)victim;
	const struct deed deed[] = {
		RS_DEED(fork, 0),
		RS_DEED(vfork, 0),
		RS_DEED(clone, SIGCHLD),
		RS_DEED(clone3, RS_HERE, 88),
		RS_DEED_WITH(execve, "/bin/true", 10, RS_HERE),
		RS_DEED(kill, who, SIGKILL),
		RS_DEED(tkill, who, SIGKILL),
		RS_DEED(tgkill, who, who, SIGKILL),
		RS_DEED(kill, (uint64_t)getpid(), SIGKILL),
		RS_DEED(ptrace, PTRACE_ATTACH, who),
		RS_DEED(process_vm_writev, who, RS_HERE, 1, RS_HERE, 1),
		RS_DEED(pidfd_open, who),
		RS_DEED(setsid, 0),
		RS_DEED(prctl, PR_SET_PDEATHSIG, 0),
	};

	check_all(deed, sizeof(deed) / sizeof(deed[0]));
}
END_TEST

START_TEST(nobody_is_called_and_no_memory_shared)
{
	const struct sockaddr_in in = address_of_listener();
	const uint64_t both = PROT_READ | PROT_WRITE;
	const struct deed deed[] = {
		RS_DEED(socket, AF_INET, SOCK_STREAM, 0),
		RS_DEED_WITH(connect, &in, sizeof(in), (uint64_t)caller,
			     RS_HERE, sizeof(in)),
		RS_DEED(mmap, 0, 4096, both, MAP_SHARED, 3, 0),
		RS_DEED(mmap, 0, 4096, both, MAP_PRIVATE, (uint64_t)pipe_fd[0],
			0),
		RS_DEED(shmget, 1, 4096, 01600),
		RS_DEED(shmat, 1, 0, 0),
		RS_DEED_WITH(memfd_create, "x", 2, RS_HERE, 0),
	};

	check_all(deed, sizeof(deed) / sizeof(deed[0]));
}
END_TEST

START_TEST(nothing_blocks_for_ever)
{
	static const struct timespec long_time = {.tv_sec = 100000};
	const struct deed deed[] = {
		RS_DEED(pause, 0),
		RS_DEED_WITH(nanosleep, &long_time, sizeof(long_time), RS_HERE),
		RS_DEED(futex, RS_HERE, FUTEX_WAIT, 0xcccccccc, 0),
		RS_DEED(poll, 0, 0, UINT32_MAX),
		RS_DEED(rt_sigsuspend, RS_HERE, 8),
		RS_DEED(wait4, UINT64_MAX, 0, 0, 0),
		{NULL, 0, {0}, NULL, 0},
	};

	check_all(deed, sizeof(deed) / sizeof(deed[0]));
}
END_TEST

// In a child without a jail. @return How it ended.
static int run_freely(const struct deed *deed)
{
	int status = 0;
	const pid_t pid = fork();

	if (!pid) {
		uint8_t *code =
			mmap(NULL, RS_ROOM, PROT_READ | PROT_WRITE | PROT_EXEC,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		assemble(deed, (uint64_t)code, code);
		((void (*)(void))(uint64_t)code)();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

START_TEST(the_same_code_does_it_all_without_a_jail)
{
	const struct sockaddr_in in = address_of_listener();
	const pid_t other = start_victim();
	const struct deed deed[] = {
		RS_DEED_WITH(open, mark, sizeof(mark), RS_HERE,
			     O_CREAT | O_WRONLY, 0600),
		RS_DEED_WITH(unlink, kept, sizeof(kept), RS_HERE),
		RS_DEED_WITH(write, "x", 1, (uint64_t)pipe_fd[1], RS_HERE, 1),
		RS_DEED(kill, (uint64_t)other, SIGKILL),
		RS_DEED_WITH(connect, &in, sizeof(in), (uint64_t)caller,
			     RS_HERE, sizeof(in)),
	};
	struct pollfd poll_fd = {.fd = pipe_fd[0], .events = POLLIN};
	int status = 0;

	for (size_t i = 0; i < sizeof(deed) / sizeof(deed[0]); i++)
		ck_assert_int_eq(run_freely(&deed[i]), 0);
	ck_assert_int_eq(access(mark, F_OK), 0);
	ck_assert_int_ne(access(kept, F_OK), 0);
	ck_assert_int_eq(poll(&poll_fd, 1, 1000), 1);
	poll_fd.fd = listener;
	ck_assert_int_eq(poll(&poll_fd, 1, 1000), 1);
	ck_assert_int_eq(waitpid(other, &status, 0), other);
	ck_assert(WIFSIGNALED(status));
}
END_TEST

// Bytes of the core are no code, whatever its program headers say, and what is
// not run is named.
START_TEST(without_consent_no_byte_of_the_core_is_run)
{
	const struct rs_open_options how[] = {
		{.size = sizeof(how[0]), .exact = RS_EXACT_AUTO},
		{.size = sizeof(how[0]), .exact = RS_EXACT_ON},
	};
	const struct deed deed = RS_DEED_WITH(open, mark, sizeof(mark), RS_HERE,
					      O_CREAT | O_WRONLY, 0600);
	uint8_t code[RS_ROOM];

	lead_to_the_room();
	assemble(&deed, python.room, code);
	python_core_write(&python, python.room, code, sizeof(code));
	for (size_t i = 0; i < sizeof(how) / sizeof(how[0]); i++) {
		struct rs_session *session = NULL;
		char *text = NULL;

		rs_ck_ok(rs_session_open_core(python.core, &how[i], &session));
		rs_ck_ok(rs_answer_verify(session, 0, &text));
		ck_assert_ptr_nonnull(strstr(text, "\"refused\":1,"));
		ck_assert_ptr_nonnull(strstr(text, "\"faults_total\":0,"));
		rs_text_free(text);
		rs_ck_ok(rs_answer_info(session, &text));
		if (how[i].exact == RS_EXACT_ON) {
			ck_assert_ptr_nonnull(strstr(text, "\"unasked\":1"));
			ck_assert_ptr_nonnull(
				strstr(text, "1 objects of type Node were "
					     "read, not traversed"));
		}
		rs_text_free(text);
		rs_session_close(session);
		check_no_effect("code of the core");
	}
}
END_TEST

// A function's start in a matched file, and one byte behind it.
START_TEST(within_matched_files_only_functions_are_called)
{
	struct rs_memory *memory = NULL;
	uint64_t function = 0;

	rs_ck_ok(rs_memory_open_core(python.core, NULL, &memory));
	rs_ck_ok(rs_memory_symbol(memory, NULL, "PyObject_SelfIter", &function,
				  NULL));
	rs_memory_close(memory);
	for (unsigned i = 0; i < 3; i++) {
		const uint64_t where = function + i;
		struct rs_session *session = NULL;
		char *text = NULL;

		python_core_write(&python, python.traverse, &where, 8);
		rs_ck_ok(rs_session_open_core(python.core, NULL, &session));
		rs_ck_ok(rs_answer_verify(session, 0, &text));
		ck_assert_msg(strstr(text, i ? "\"refused\":1,"
					     : "\"refused\":0,") != NULL,
			      "%u: %s", i, text);
		rs_text_free(text);
		rs_session_close(session);
	}
}
END_TEST

START_TEST(code_where_the_core_has_none_is_not_run)
{
	struct rs_session *session = NULL;
	uint8_t code[RS_ROOM];
	char *text = NULL;
	const struct deed deed = RS_DEED(fork, 0);

	// Without the flip of the header: memory that is not executable.
	assemble(&deed, python.room, code);
	python_core_write(&python, python.room, code, sizeof(code));
	python_core_write(&python, python.traverse, &python.room, 8);
	rs_ck_ok(rs_session_open_core(python.core, &consent, &session));
	rs_ck_ok(rs_answer_verify(session, 0, &text));
	ck_assert_msg(strstr(text, "\"type\":\"Node\",\"why\":\"ended with "
				   "signal 11 at 0x") != NULL,
		      "%s", text);
	rs_text_free(text);
	rs_session_close(session);
	check_no_effect("a fault");
}
END_TEST

static void add_cases(Suite *suite)
{
	TCase *tc = tcase_create("deeds");

	tcase_add_checked_fixture(tc, set_up, clean_up);
	tcase_add_test(tc, files_are_neither_made_nor_removed_nor_written);
	tcase_add_test(tc, processes_are_neither_started_nor_hurt_nor_watched);
	tcase_add_test(tc, nobody_is_called_and_no_memory_shared);
	tcase_add_test(tc, nothing_blocks_for_ever);
	tcase_add_test(tc, the_same_code_does_it_all_without_a_jail);
	tcase_add_test(tc, code_where_the_core_has_none_is_not_run);
	tcase_add_test(tc, without_consent_no_byte_of_the_core_is_run);
	tcase_add_test(tc, within_matched_files_only_functions_are_called);
	tcase_set_timeout(tc, 120);
	suite_add_tcase(suite, tc);
	tc = tcase_create("deeds in a core that cannot be mapped");
	tcase_add_checked_fixture(tc, set_up_unaligned, clean_up);
	tcase_add_test(tc, files_are_neither_made_nor_removed_nor_written);
	tcase_add_test(tc, processes_are_neither_started_nor_hurt_nor_watched);
	tcase_add_test(tc, nobody_is_called_and_no_memory_shared);
	tcase_add_test(tc, nothing_blocks_for_ever);
	tcase_add_test(tc, code_where_the_core_has_none_is_not_run);
	tcase_add_test(tc, without_consent_no_byte_of_the_core_is_run);
	tcase_add_test(tc, within_matched_files_only_functions_are_called);
	tcase_set_timeout(tc, 120);
	suite_add_tcase(suite, tc);
}

int main(void)
{
	return kernel_core_main(
		"revive_planted",
		access(RS_PYTHON, X_OK) ? "there is no " RS_PYTHON : NULL,
		add_cases);
}
