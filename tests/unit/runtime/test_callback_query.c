// SPDX-License-Identifier: MIT
//
// The traverse callbacks of a C program, asked in an image of its core: the
// program is a child of this very one, and the kernel writes its core.
#include "fake_types.h"
#include "kernel_core.h"
#include "refscope/engine.h"
#include "rs_check.h"
#include "runtime/native/native.h"
#include "sandbox/image.h"
#include "session/session.h"

#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RS_NODES = 6 };

// A reference that is no word of memory, one that is, and one described.
struct node {
	uint64_t refs;
	uint64_t marked, plain;
	struct node *next;
};

static _Alignas(16) struct node node[RS_NODES];
static char directory[] = "/tmp/rs-callback-XXXXXX";
static char core[64];

static const struct rs_field node_fields[] = {RS_REF(struct node, next)};

RS_PLAIN static int tell_both(void *object, rs_visit_fn visit, void *context)
{
	const struct node *n = object;
	const int rc = visit((void *)(n->marked & ~UINT64_C(1)), context);

	return rc ? rc : visit((void *)n->plain, context);
}

RS_PLAIN static int tell_nothing(void *object, rs_visit_fn visit, void *context)
{
	(void)object, (void)visit, (void)context;
	return 0;
}

RS_PLAIN static int
tell_and_kill(void *object, rs_visit_fn visit, void *context)
{
	long rc = SYS_kill;

	__asm__ volatile("syscall"
			 : "+a"(rc)
			 : "D"(-1L), "S"(0L)
			 : "rcx", "r11", "memory");
	return visit(object, context);
}

static struct rs_type sound =
	RS_TYPE("sound", struct node, refs, node_fields, .traverse = tell_both);
static struct rs_type quiet = RS_TYPE("quiet", struct node, refs, node_fields,
				      .traverse = tell_nothing);
static struct rs_type bad = RS_TYPE("bad", struct node, refs, node_fields,
				    .traverse = tell_and_kill);
static struct rs_type plain =
	RS_TYPE("plain", struct node, refs, node_fields, .traverse = NULL);

static void track(struct rs_type *const *type)
{
	for (int i = 0; i < RS_NODES; i++) {
		node[i] = (struct node){.refs = 1};
		if (rs_track(&node[i], type[i]))
			_exit(126);
	}
	node[0].marked = (uint64_t)&node[3] | 1;
	node[0].plain = (uint64_t)&node[4];
	node[0].next = &node[5];
	node[1].plain = (uint64_t)&node[2]; // which its callback hides
	node[3].plain = (uint64_t)&node; // tells NULL as well
}

static struct rs_session *open_core(struct rs_type *const *type)
{
	struct rs_session *session = NULL;
	const pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (!pid) {
		track(type);
		kernel_core_leave(directory);
	}
	kernel_core_wait(pid, directory, core, sizeof(core));
	rs_ck_ok(rs_session_open_core(core, NULL, &session));
	return session;
}

static void set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void clean_up(void)
{
	unlink(core);
	rmdir(directory);
}

static void check_row(const struct rs_image_answer *a, uint64_t row,
		      const struct node *n, uint64_t edges)
{
	ck_assert_uint_eq(a->object[row], (uint64_t)n);
	ck_assert_uint_eq(a->first[row + 1] - a->first[row], edges);
}

START_TEST(callbacks_alone_are_asked_and_tell_what_they_know)
{
	struct rs_type *const type[RS_NODES] = {&sound, &quiet, &plain,
						&sound, &plain, &plain};
	struct rs_session *session = open_core(type);
	struct rs_image_answer a = {0};

	ck_assert_uint_eq(rs_native_callbacks(
				  rs_session_runtime_named(session, "native")),
			  3);
	rs_ck_ok(rs_native_ask(rs_session_runtime_named(session, "native"),
			       NULL, NULL, &a));
	ck_assert_uint_eq(a.objects, 3);
	check_row(&a, 0, &node[0], 2);
	ck_assert_uint_eq(a.edge[0], (uint64_t)&node[3]);
	ck_assert_uint_eq(a.edge[1], (uint64_t)&node[4]);
	check_row(&a, 1, &node[1], 0);
	check_row(&a, 2, &node[3], 2);
	ck_assert_uint_eq(a.edge[2], 0);
	ck_assert_uint_eq(a.edge[3], (uint64_t)&node[0]);
	ck_assert_uint_eq(a.faults_total, 0);
	rs_image_answer_fini(&a);
	rs_session_close(session);
}
END_TEST

static void check_verify(const char *text)
{
	char want[256];

	(void)snprintf(want, sizeof(want),
		       "\"only_asked\":[\"0x%llx\"],\"only_read\":[]",
		       (unsigned long long)(uint64_t)&node[3]);
	ck_assert_msg(strstr(text, "{\"type\":\"sound\"") != NULL, "%s", text);
	ck_assert_msg(strstr(text, want) != NULL, "no %s in %s", want, text);
	(void)snprintf(want, sizeof(want),
		       "\"only_asked\":[],\"only_read\":[\"0x%llx\"]",
		       (unsigned long long)(uint64_t)&node[2]);
	ck_assert_msg(strstr(text, want) != NULL, "no %s in %s", want, text);
	(void)snprintf(want, sizeof(want),
		       "{\"id\":\"0x%llx\",\"type\":\"bad\",\"why\":\"made "
		       "system call 62 (kill)\"}",
		       (unsigned long long)(uint64_t)&node[4]);
	ck_assert_msg(strstr(text, want) != NULL, "no %s in %s", want, text);
}

START_TEST(verify_tells_what_reading_misses_and_callbacks_hide)
{
	struct rs_type *const type[RS_NODES] = {&sound, &quiet, &plain,
						&sound, &bad,	&plain};
	struct rs_session *session = open_core(type);
	char *text = NULL;

	rs_ck_ok(rs_answer_verify(session, 0, &text));
	ck_assert_msg(strstr(text, "{\"objects\":4,\"references\":4,"
				   "\"differ\":2,\"only_traversed\":0,"
				   "\"only_asked\":0,\"only_read\":0,") != NULL,
		      "%s", text);
	ck_assert_ptr_nonnull(strstr(
		text, "\"runtimes\":[{\"name\":\"native\",\"objects\":4,"));
	check_verify(text);
	rs_text_free(text);
	rs_session_close(session);
}
END_TEST

START_TEST(without_a_callback_nothing_is_run)
{
	struct rs_type *const type[RS_NODES] = {&plain, &plain, &plain,
						&plain, &plain, &plain};
	struct rs_session *session = open_core(type);
	struct rs_image_answer a = {0};
	char *text = NULL;

	rs_ck_ok(rs_native_ask(rs_session_runtime_named(session, "native"),
			       NULL, NULL, &a));
	ck_assert_uint_eq(a.objects, 0);
	ck_assert_uint_eq(a.runs, 0);
	rs_ck_error(rs_answer_verify(session, 0, &text), RS_ENOTFOUND,
		    "nothing in it can be traversed");
	rs_session_close(session);
}
END_TEST

static void add_cases(Suite *suite)
{
	TCase *tc = tcase_create("core");

	tcase_add_checked_fixture(tc, set_up, clean_up);
	tcase_add_test(tc, callbacks_alone_are_asked_and_tell_what_they_know);
	tcase_add_test(tc, verify_tells_what_reading_misses_and_callbacks_hide);
	tcase_add_test(tc, without_a_callback_nothing_is_run);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(suite, tc);
}

int main(void)
{
	return kernel_core_main("ask_native", NULL, add_cases);
}
