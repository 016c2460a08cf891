// SPDX-License-Identifier: MIT
//
// Images of a core of this very program, made by the kernel after it laid out
// objects whose types are friendly, broken or hostile.
#include "fake_types.h"
#include "kernel_core.h"
#include "rs_check.h"
#include "sandbox/image.h"
#include "unaligned_core.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	RS_OBJECTS = 10,
	RS_BAD = 4, // the object that is not friendly
	RS_MARK_SIZE = 64,
	RS_LARGE = 256 << 10,
	RS_LOOKS = 12000, // a minute: the machine may be busy
};

// Large, so that a core that cannot be mapped has it come in when touched.
static struct {
	char below[RS_LARGE];
	struct fake_object object[RS_OBJECTS];
	char above[RS_LARGE];
} heap;
static struct fake_object *const object = heap.object;
static struct fake_head head = {1, 1}; // in .data: nothing of it is a file's
static struct fake_type bad_type;
static char mark[RS_MARK_SIZE]; // a file that none may make
static pid_t victim = -1; // whom none may hurt
static volatile int never;
static char directory[] = "/tmp/rs-revive-XXXXXX";
static char core[64];
static bool unaligned; // cores like GDB's

// --- What the code of the core does --------------------------------------

RS_PLAIN static long system_call(long number, long a, long b, long c)
{
	long rc;

	__asm__ volatile("syscall"
			 : "=a"(rc)
			 : "a"(number), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return rc;
}

#define RS_TRAVERSE(name)                                                      \
	RS_PLAIN static int name(void *self, fake_visit visit, void *context)

RS_TRAVERSE(opens_a_file)
{
	system_call(SYS_open, (long)mark, O_CREAT | O_WRONLY, 0600);
	return visit(self, context);
}

RS_TRAVERSE(forks)
{
	system_call(SYS_fork, 0, 0, 0);
	return visit(self, context);
}

RS_TRAVERSE(kills)
{
	system_call(SYS_kill, victim, SIGKILL, 0);
	return visit(self, context);
}

RS_TRAVERSE(talks)
{
	system_call(SYS_socket, 2, 1, 0);
	return visit(self, context);
}

RS_TRAVERSE(runs)
{
	system_call(SYS_execve, (long)"/bin/true", 0, 0);
	return visit(self, context);
}

RS_TRAVERSE(lifts_its_limits)
{
	system_call(SYS_rt_sigaction, SIGSYS, 0, 0);
	return visit(self, context);
}

// The other entry of the kernel has other numbers: 37 is kill there.
RS_PLAIN static void enter_the_old_way(long number, long first, long second)
{
	long rc;

	__asm__ volatile("int $0x80"
			 : "=a"(rc)
			 : "a"(number), "b"(first), "c"(second)
			 : "memory");
}

RS_TRAVERSE(kills_the_old_way)
{
	enter_the_old_way(37, victim, SIGKILL);
	return visit(self, context);
}

RS_TRAVERSE(touches_nothing)
{
	(void)visit(self, context);
	return *(volatile int *)(uint64_t)(never + 16);
}

RS_TRAVERSE(spins)
{
	(void)visit(self, context);
	while (!never)
		;
	return 0;
}

RS_TRAVERSE(leaves)
{
	system_call(SYS_exit_group, 0, 0, 0);
	return visit(self, context);
}

RS_TRAVERSE(unmaps_all)
{
	system_call(SYS_munmap, 0, 0x7ffffffff000, 0);
	return visit(self, context);
}

// The walk's state begins with the pointer to the arguments: lie in them.
RS_TRAVERSE(lies)
{
	struct rs_guest_args *args = *(struct rs_guest_args **)context;

	(void)self, (void)visit;
	args->rows = UINT64_MAX / 2;
	system_call(SYS_exit_group, 0, 0, 0);
	return 0;
}

RS_PLAIN static int deep(volatile int *above)
{
	volatile int here[1024];

	here[0] = above ? above[0] : 1;
	return (char)(never ? 0 : deep(here) + here[0]);
}

RS_TRAVERSE(overflows_its_stack)
{
	(void)visit(self, context);
	return deep(NULL);
}

// Everything about a thread's own data works: the thread pointer is right.
static _Thread_local void *own = &head;

RS_TRAVERSE(uses_thread_data)
{
	(void)self;
	return visit(own, context);
}

// --- A core, and what a walk over it says ---------------------------------

static void
make_core(int (*traverse)(void *self, fake_visit visit, void *context))
{
	const pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (!pid) {
		fake_chain(&head, object, RS_OBJECTS);
		bad_type = (struct fake_type){RS_FAKE_GC, traverse, NULL};
		if (traverse)
			object[RS_BAD].type = &bad_type;
		kernel_core_leave(directory);
	}
	kernel_core_wait(pid, directory, core, sizeof(core));
	if (unaligned)
		unaligned_core_make(core);
}

static struct rs_error *ask(const struct rs_image_options *options,
			    const struct rs_progress *progress,
			    struct rs_image_answer *answer)
{
	struct rs_memory *memory = NULL;
	struct rs_process_image *image = NULL;
	uint64_t list[] = {(uint64_t)&head};
	const struct rs_image_question question = {
		RS_FAKE_OFFSETS,
		.list = list,
		.lists = 1,
		.progress = progress,
	};
	struct rs_error *err;

	rs_ck_ok(rs_memory_open_core(core, NULL, &memory));
	rs_ck_ok(rs_image_from_core(memory, options, &image));
	err = rs_image_walk(image, &question, answer);
	rs_image_close(image);
	rs_memory_close(memory);
	unlink(core);
	return err;
}

// All but the bad object tell what they hold.
static void check_rows(const struct rs_image_answer *a, uint64_t bad_edges)
{
	uint64_t n = 0;

	ck_assert_uint_eq(a->objects, RS_OBJECTS);
	for (uint64_t i = 0; i < RS_OBJECTS; i++) {
		ck_assert_uint_eq(a->object[i],
				  (uint64_t)fake_address(&object[i]));
		ck_assert_uint_eq(a->first[i], n);
		if (i == RS_BAD && bad_edges != 2) {
			n += bad_edges;
			continue;
		}
		ck_assert_uint_eq(a->edge[n++], a->object[i]);
		if (i + 1 < RS_OBJECTS)
			ck_assert_uint_eq(
				a->edge[n++],
				(uint64_t)fake_address(&object[i + 1]));
	}
	ck_assert_uint_eq(a->edges, n);
	ck_assert(!a->full);
	ck_assert_uint_eq(a->lists_broken, 0);
}

static int jail_of(pid_t pid)
{
	char path[64], line[256];
	int mode = -1;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	FILE *status = fopen(path, "re");
	while (status && fgets(line, sizeof(line), status))
		if (strncmp(line, "Seccomp:", 8) == 0)
			mode = (int)strtol(line + 8, NULL, 10);
	if (status)
		(void)fclose(status);
	return mode;
}

// How many processes, ourselves not counted, have the shared memory of an
// image of @p caller: itself, the supervisor, the image. @p which is the image.
static int images(pid_t caller, pid_t *which)
{
	DIR *proc = opendir("/proc");
	int found = 0;
	char name[64];

	(void)snprintf(name, sizeof(name), "refscope-answer-%d ", (int)caller);
	ck_assert_ptr_nonnull(proc);
	for (struct dirent *e; (e = readdir(proc));) {
		char path[300], line[512];
		const int pid = atoi(e->d_name); // NOLINT(cert-err34-c)

		(void)snprintf(path, sizeof(path), "/proc/%s/maps", e->d_name);
		FILE *maps = pid && pid != getpid() ? fopen(path, "re") : NULL;
		bool image = false;

		while (maps && fgets(line, sizeof(line), maps))
			image |= strstr(line, name) != NULL;
		if (maps)
			(void)fclose(maps);
		if (image && which && jail_of(pid) == 2)
			*which = pid;
		found += image;
	}
	(void)closedir(proc);
	return found;
}

static volatile sig_atomic_t children_told;

static void on_child(int signal)
{
	(void)signal;
	children_told++;
}

static void check_nothing_left(void)
{
	ck_assert_int_eq(images(getpid(), NULL), 0);
	ck_assert_int_eq(waitpid(-1, NULL, __WALL | WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
	ck_assert_int_ne(access(mark, F_OK), 0);
}

/** Walk a core whose bad object does @p traverse; expect one fault. */
static void
check_stopped(int (*traverse)(void *self, fake_visit visit, void *context),
	      int signal, int detail, uint64_t runs)
{
	struct rs_image_answer answer = {0};

	make_core(traverse);
	rs_ck_ok(ask(NULL, NULL, &answer));
	check_rows(&answer, 0);
	ck_assert_uint_eq(answer.faults_total, 1);
	ck_assert_uint_eq(answer.faults, 1);
	ck_assert_uint_eq(answer.fault[0].object,
			  (uint64_t)fake_address(&object[RS_BAD]));
	ck_assert_int_eq(answer.fault[0].signal, signal);
	if (detail >= 0)
		ck_assert_int_eq(answer.fault[0].detail, detail);
	ck_assert_uint_eq(answer.runs, runs);
	rs_image_answer_fini(&answer);
	check_nothing_left();
}

static void set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(directory));
	(void)snprintf(mark, sizeof(mark), "%s/mark", directory);
}

static void set_up_unaligned(void)
{
	unaligned = true;
	set_up();
}

static void clean_up(void)
{
	unlink(core);
	rmdir(directory);
}

static long mask_now(uint64_t *ret)
{
	return syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, ret, sizeof(*ret));
}

START_TEST(friendly_types_are_asked_without_a_word_to_the_caller)
{
	struct rs_image_answer answer = {0};
	uint64_t before = 0, after = 1; // as the kernel has it
	int fd;

	make_core(NULL);
	(void)signal(SIGCHLD, on_child);
	ck_assert_int_eq(mask_now(&before), 0);
	ck_assert_int_ge(fd = dup(0), 0);
	close(fd);
	rs_ck_ok(ask(NULL, NULL, &answer));
	check_rows(&answer, 2);
	ck_assert_uint_eq(answer.faults_total, 0);
	ck_assert_uint_eq(answer.runs, 1);
	ck_assert_int_eq(children_told, 0);
	ck_assert_int_eq(mask_now(&after), 0);
	ck_assert_uint_eq(before, after);
	const int next = dup(0); // no descriptor stayed open
	ck_assert_int_eq(next, fd);
	close(next);
	rs_image_answer_fini(&answer);
	check_nothing_left();
}
END_TEST

START_TEST(code_of_the_core_finds_its_thread)
{
	struct rs_image_answer answer = {0};

	make_core(uses_thread_data);
	rs_ck_ok(ask(NULL, NULL, &answer));
	check_rows(&answer, 1);
	ck_assert_uint_eq(answer.edge[answer.first[RS_BAD]], (uint64_t)&head);
	rs_image_answer_fini(&answer);
}
END_TEST

START_TEST(code_that_reaches_outside_is_stopped_and_named)
{
	check_stopped(opens_a_file, SIGSYS, SYS_open, 1);
	check_stopped(forks, SIGSYS, SYS_fork, 1);
	check_stopped(talks, SIGSYS, SYS_socket, 1);
	check_stopped(runs, SIGSYS, SYS_execve, 1);
	check_stopped(lifts_its_limits, SIGSYS, SYS_rt_sigaction, 1);
}
END_TEST

START_TEST(the_hostile_deeds_would_work_without_a_jail)
{
	const pid_t pid = fork();
	int status = 0;

	if (!pid) {
		opens_a_file(NULL, (fake_visit)(void (*)(void))getpid, NULL);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(access(mark, F_OK), 0);
	unlink(mark);
}
END_TEST

// Kernels without that entry stop whoever tries it, in a jail or not.
static int signal_of_the_old_way(void)
{
	const pid_t pid = fork();
	int status = 0;

	if (!pid) {
		enter_the_old_way(20, 0, 0); // getpid()
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status ? SIGSEGV : SIGSYS; // sanitizers make it a status
}

START_TEST(code_that_kills_is_stopped)
{
	const int wanted[] = {SIGSYS, signal_of_the_old_way()};
	int status = 0;

	victim = fork();
	if (!victim) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	for (int old = 0; old < 2; old++) {
		struct rs_image_answer answer = {0};

		make_core(old ? kills_the_old_way : kills);
		rs_ck_ok(ask(NULL, NULL, &answer));
		check_rows(&answer, 0);
		ck_assert_uint_eq(answer.faults_total, 1);
		ck_assert_int_eq(answer.fault[0].signal, wanted[old]);
		rs_image_answer_fini(&answer);
		ck_assert_int_eq(images(getpid(), NULL), 0);
		ck_assert_int_eq(waitpid(victim, &status, WNOHANG), 0);
	}
	kill(victim, SIGKILL);
	ck_assert_int_eq(waitpid(victim, &status, 0), victim);
}
END_TEST

START_TEST(code_that_breaks_is_skipped_and_named)
{
	check_stopped(touches_nothing, SIGSEGV, -1, 1);
	check_stopped(overflows_its_stack, SIGSEGV, -1, 1);
	check_stopped(spins, SIGPROF, -1, 1);
	// Those take the process with them: another goes on behind it.
	check_stopped(leaves, 0, -1, 2);
	check_stopped(unmaps_all, SIGSEGV, -1, 2);
}
END_TEST

START_TEST(code_that_lies_is_found_out)
{
	struct rs_image_answer answer = {0};

	make_core(lies);
	rs_ck_error(ask(NULL, NULL, &answer), RS_EBAD, "damaged the list");
	check_nothing_left();
}
END_TEST

struct seen {
	pid_t pid, sid;
	int fds, seccomp, uid, names; // names: entries of its root directory
	char capabilities[32];
	bool apart[5]; // by kind of namespace
};

static const char *const space[5] = {"user", "pid", "net", "ipc", "mnt"};

static bool is_apart(pid_t pid, const char *kind)
{
	char path[64], mine[64] = "", other[64] = "";

	(void)snprintf(path, sizeof(path), "/proc/self/ns/%s", kind);
	ck_assert_int_gt(readlink(path, mine, sizeof(mine) - 1), 0);
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, kind);
	return readlink(path, other, sizeof(other) - 1) > 0 &&
	       strcmp(mine, other) != 0;
}

static int entries(const char *format, pid_t pid)
{
	char path[64];
	int n = 0;

	(void)snprintf(path, sizeof(path), format, (int)pid);
	DIR *dir = opendir(path);
	while (dir && readdir(dir))
		n++;
	if (dir)
		(void)closedir(dir);
	return n;
}

static void look_at_rights(struct seen *seen)
{
	char path[64], line[256];

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)seen->pid);
	FILE *status = fopen(path, "re");
	while (status && fgets(line, sizeof(line), status)) {
		if (!strncmp(line, "Uid:", 4))
			seen->uid = (int)strtol(line + 4, NULL, 10);
		if (!strncmp(line, "CapEff:", 7))
			(void)snprintf(seen->capabilities,
				       sizeof(seen->capabilities), "%.17s",
				       line + 7);
	}
	if (status)
		(void)fclose(status);
	for (int i = 0; i < 5; i++)
		seen->apart[i] = is_apart(seen->pid, space[i]);
	seen->names = entries("/proc/%d/root", seen->pid);
}

// Looks at the image while it spins, then has it stopped.
static bool
look(void *context, const char *phase, uint64_t done, uint64_t total)
{
	struct seen *seen = context;
	pid_t pid = 0;

	(void)phase, (void)total;
	if (done < RS_BAD || images(getpid(), &pid) != 2 || !pid)
		return true;
	seen->pid = pid;
	seen->sid = getsid(pid);
	seen->fds = entries("/proc/%d/fd", pid);
	look_at_rights(seen);
	seen->seccomp = jail_of(pid);
	return false;
}

START_TEST(an_image_is_alone_and_ends_when_told)
{
	struct rs_image_answer answer = {0};
	struct seen seen = {0};
	const struct rs_progress progress = {look, &seen};
	const struct rs_image_options slow = {.object_ms = 20000};

	make_core(spins);
	rs_ck_error(ask(&slow, &progress, &answer), RS_EINTERRUPTED,
		    "traversing objects");
	ck_assert_int_gt(seen.pid, 0);
	ck_assert_int_eq(seen.sid, seen.pid);
	ck_assert_int_eq(seen.seccomp, 2);
	if (!getuid()) { // others may not look
		ck_assert_int_eq(seen.fds, 2); // "." and ".."
		ck_assert_int_eq(seen.names, 2);
		ck_assert_int_ne(seen.uid, 0);
		for (int i = 0; i < 5; i++)
			ck_assert_msg(seen.apart[i], "%s namespace", space[i]);
	}
	ck_assert_str_eq(seen.capabilities, "\t0000000000000000");
	check_nothing_left();
}
END_TEST

START_TEST(all_together_may_not_take_longer_than_told)
{
	struct rs_image_answer answer = {0};
	const struct rs_image_options o = {.object_ms = 60000,
					   .total_ms = 1000};

	make_core(spins);
	struct rs_error *err = ask(&o, NULL, &answer);
	if (!err)
		ck_abort_msg("%llu objects, %llu faults, signal %d, %llu runs, "
			     "%llu ns",
			     (unsigned long long)answer.objects,
			     (unsigned long long)answer.faults_total,
			     answer.faults ? answer.fault[0].signal : -1,
			     (unsigned long long)answer.runs,
			     (unsigned long long)answer.cpu_ns);
	rs_ck_error(err, RS_EBAD, "may use");
	check_nothing_left();
}
END_TEST

// A process that asks something that takes until we end it.
static pid_t start_caller(void)
{
	// Nothing but the caller's end ends it as long as we look.
	const struct rs_image_options slow = {.object_ms = 600000,
					      .total_ms = 600000};
	const pid_t caller = fork();

	if (!caller) {
		struct rs_image_answer answer = {0};

		rs_error_free(ask(&slow, NULL, &answer));
		_exit(0);
	}
	return caller;
}

static void end_caller(pid_t caller)
{
	int status;

	kill(caller, SIGKILL);
	ck_assert_int_eq(waitpid(caller, &status, 0), caller);
	ck_assert_msg(WIFSIGNALED(status), "it ended by itself");
	for (int i = 0; i < RS_LOOKS && images(caller, NULL); i++)
		usleep(5000);
	ck_assert_int_eq(images(caller, NULL), 0);
}

START_TEST(an_image_ends_with_its_caller)
{
	make_core(spins);
	// Whatever of it has been made by then.
	for (useconds_t us = 1000; us < 50000; us += us / 2) {
		const pid_t caller = start_caller();

		usleep(us);
		end_caller(caller);
	}
	// And when it was seen at work. One look: a walk may start a second
	// image, so at the next there can be none for a moment.
	const pid_t caller = start_caller();
	int seen = 0;

	for (int i = 0; i < RS_LOOKS && seen != 3; i++) {
		usleep(5000);
		seen = images(caller, NULL);
	}
	ck_assert_int_eq(seen, 3);
	end_caller(caller);
}
END_TEST

START_TEST(what_is_no_core_or_has_changed_is_refused)
{
	struct rs_memory *memory = NULL;
	struct rs_process_image *image = NULL;

	make_core(NULL);
	rs_ck_ok(rs_memory_open_core(core, NULL, &memory));
	ck_assert_int_eq(truncate(core, 1 << 20), 0);
	rs_ck_error(rs_image_from_core(memory, NULL, &image), RS_EIO,
		    "changed since");
	rs_memory_close(memory);
	unlink(core);

	const pid_t pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	kill(pid, SIGSTOP);
	memory = NULL;
	rs_ck_ok(rs_memory_open_live(pid, NULL, &memory));
	rs_ck_error(rs_image_from_core(memory, NULL, &image), RS_EUNSUPPORTED,
		    "only in a process rebuilt from a core");
	rs_memory_close(memory);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}
END_TEST

// From now on system call @p number fails with @p error, for children too.
static void forbid(int number, int error)
{
	const struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {
		.len = sizeof(filter) / sizeof(*filter),
		.filter = (struct sock_filter *)filter,
	};

	ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	ck_assert_int_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program),
			 0);
}

START_TEST(walls_that_are_not_to_be_had_are_named)
{
	struct rs_image_answer answer = {0};
	char text[256];

	make_core(NULL);
	forbid(SYS_fsopen, EPERM);
	forbid(SYS_unshare, EPERM);
	rs_ck_ok(ask(NULL, NULL, &answer));
	check_rows(&answer, 2);
	rs_image_missing_text(answer.missing, text, sizeof(text));
	ck_assert_str_eq(text, getuid() ? "empty root directory"
					: "user namespace, empty root "
					  "directory");
	rs_image_answer_fini(&answer);
	check_nothing_left();
	clean_up();
	_exit(0);
}
END_TEST

START_TEST(without_a_jail_nothing_is_run)
{
	struct rs_image_answer answer = {0};

	make_core(opens_a_file);
	forbid(SYS_seccomp, EINVAL);
	rs_ck_error(ask(NULL, NULL, &answer), RS_EUNSUPPORTED,
		    "refuses seccomp filters");
	check_nothing_left();
	make_core(opens_a_file);
	forbid(SYS_execveat, EACCES);
	rs_ck_error(ask(NULL, NULL, &answer), RS_EUNSUPPORTED,
		    "does not execute programs in memory");
	check_nothing_left();
	make_core(opens_a_file);
	forbid(SYS_clone, EAGAIN);
	rs_ck_error(ask(NULL, NULL, &answer), RS_EIO, "clone");
	check_nothing_left();
	// At an ordinary exit the leak check would want to clone.
	clean_up();
	_exit(0);
}
END_TEST

static void add_cases(Suite *suite)
{
	TCase *tc = tcase_create("image");

	tcase_add_checked_fixture(tc, set_up, clean_up);
	tcase_add_test(tc,
		       friendly_types_are_asked_without_a_word_to_the_caller);
	tcase_add_test(tc, code_of_the_core_finds_its_thread);
	tcase_add_test(tc, code_that_reaches_outside_is_stopped_and_named);
	tcase_add_test(tc, the_hostile_deeds_would_work_without_a_jail);
	tcase_add_test(tc, code_that_kills_is_stopped);
	tcase_add_test(tc, code_that_breaks_is_skipped_and_named);
	tcase_add_test(tc, code_that_lies_is_found_out);
	tcase_add_test(tc, an_image_is_alone_and_ends_when_told);
	tcase_add_test(tc, all_together_may_not_take_longer_than_told);
	tcase_add_test(tc, an_image_ends_with_its_caller);
	tcase_add_exit_test(tc, walls_that_are_not_to_be_had_are_named, 0);
	tcase_add_exit_test(tc, without_a_jail_nothing_is_run, 0);
	tcase_add_test(tc, what_is_no_core_or_has_changed_is_refused);
	tcase_set_timeout(tc, 120);
	suite_add_tcase(suite, tc);
	tc = tcase_create("image of an unaligned core");
	tcase_add_checked_fixture(tc, set_up_unaligned, clean_up);
	tcase_add_test(tc,
		       friendly_types_are_asked_without_a_word_to_the_caller);
	tcase_add_test(tc, code_of_the_core_finds_its_thread);
	tcase_add_test(tc, code_that_reaches_outside_is_stopped_and_named);
	tcase_add_test(tc, code_that_kills_is_stopped);
	tcase_add_test(tc, code_that_breaks_is_skipped_and_named);
	tcase_add_test(tc, code_that_lies_is_found_out);
	tcase_add_test(tc, an_image_is_alone_and_ends_when_told);
	tcase_add_test(tc, all_together_may_not_take_longer_than_told);
	tcase_add_test(tc, an_image_ends_with_its_caller);
	tcase_set_timeout(tc, 120);
	suite_add_tcase(suite, tc);
}

int main(void)
{
	return kernel_core_main("revive", NULL, add_cases);
}
