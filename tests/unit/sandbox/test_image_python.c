// SPDX-License-Identifier: MIT
//
// Every interpreter found writes down what gc.get_referents() says of each
// object that it tracks, and is then made a core, by the kernel and by gcore.
// Asked in an image of either, its types must say the same, to the last one.
// Interpreters: those of the distribution, pyenv's, in /tmp/newer (unpacked
// from newer releases) and in $REFSCOPE_PYTHONS (separated by colons).
#include "kernel_core.h"
#include "memory/target.h"
#include "process_state.h"
#include "rs_check.h"
#include "runtime/cpython/cpython.h"
#include "sandbox/image.h"
#include "session/session.h"

#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	RS_PYTHONS_MAX = 64,
	RS_OBJECTS_MIN = 5000,
	RS_NEW_MAX = 8, // what the script made while it wrote
	RS_LARGE = 80000, // nodes for 400 thousand objects
};

// Arguments: file to write, how many nodes. Everything happens in a function
// so that no dict of a module changes while it is written down. A second
// thread makes it matter whose thread pointer an image gets; it waits by then:
// it sleeps and has not run once while the lock was there for the taking.
static const char script[] =
	"import collections, functools, gc, os, sys, threading, time, weakref\n"
	"class Node(object):\n"
	"    def __init__(self, n, back):\n"
	"        self.n, self.back = n, back\n"
	"        self.data = [n, {'k': n, back: self}, (n, [back])]\n"
	"class Slots(object):\n"
	"    __slots__ = ('a', 'b')\n"
	"def generate(a):\n"
	"    b = [a]\n"
	"    yield b\n"
	"    yield a\n"
	"def zoo(nodes):\n"
	"    g = generate(nodes); next(g)\n"
	"    s = Slots(); s.a = nodes\n"
	"    return [g, s, collections.deque([g]), functools.partial(zoo, g),\n"
	"            set([s]), frozenset([g]), weakref.ref(nodes[0]), iter(nodes),\n"
	"            enumerate([g]), property(zoo), slice(g), staticmethod(g),\n"
	"            collections.OrderedDict([(1, s)]), sys.exc_info,\n"
	"            collections.defaultdict(list, a=s), ValueError(g), zoo,\n"
	"            memoryview(b'abc'), (lambda: (g, s)), zip([g], [s])]\n"
	"def write(path, keep):\n"
	"    listed = r = o = None\n"
	"    new = set()\n"
	"    out = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)\n"
	"    gc.collect()\n"
	"    listed = gc.get_objects()\n"
	"    new.update((id(listed), id(new), id(sys._getframe())))\n"
	"    for o in listed:\n"
	"        if id(o) in new:\n"
	"            continue\n"
	"        r = None\n"
	"        r = gc.get_referents(o)\n"
	"        os.write(out, ('%x %s #%s\\n' % (id(o), ' '.join(\n"
	"            ['%x' % id(x) for x in r]), type(o).__name__)).encode())\n"
	"    os.close(out)\n"
	"def wait(path, keep):\n"
	"    frozen = getattr(gc, 'get_freeze_count', int)()\n"
	"    word = ('%d %d\\n' % (os.getpid(), frozen)).encode()\n"
	"    write(path, keep)\n" // what this is the first to need is there
	"    write(path, keep)\n"
	"    os.write(1, word)\n"
	"    os.read(0, 1)\n"
	"def others():\n"
	"    found = []\n"
	"    for task in os.listdir('/proc/self/task'):\n"
	"        if int(task) != os.getpid():\n"
	"            with open('/proc/self/task/%s/status' % task) as lines:\n"
	"                found += [line for line in lines if\n"
	"                    line.startswith('State') or '_switches' in line]\n"
	"    return found\n"
	"def settle():\n"
	"    before, now = None, []\n"
	"    while now != before or 'State:\\tS (sleeping)\\n' not in now:\n"
	"        time.sleep(0.05)\n" // lets go of the lock
	"        before, now = now, others()\n"
	"def main():\n"
	"    nodes = []\n"
	"    for i in range(int(sys.argv[2])):\n"
	"        nodes.append(Node(i, nodes[-1] if i % 10 else None))\n"
	"    thread = threading.Thread(target=threading.Event().wait)\n"
	"    thread.daemon = True\n"
	"    thread.start()\n"
	"    settle()\n"
	"    gc.disable()\n"
	"    wait(sys.argv[1], zoo(nodes))\n"
	"main()\n";

struct python {
	pid_t child, pid;
	int in;
	unsigned long frozen;
};

static char *python[RS_PYTHONS_MAX];
static size_t pythons;
static char directory[] = "/tmp/rs-asked-XXXXXX";
static char said[64], core[96]; // paths

static void add_python(const char *path)
{
	if (pythons < RS_PYTHONS_MAX && access(path, X_OK) == 0)
		python[pythons++] = strdup(path);
}

static void add_pattern(const char *pattern)
{
	glob_t found;

	if (glob(pattern, GLOB_TILDE, NULL, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc; i++)
			add_python(found.gl_pathv[i]);
	globfree(&found);
}

static void find_pythons(void)
{
	char *list = getenv("REFSCOPE_PYTHONS"), *rest = NULL;

	add_pattern("/usr/bin/python[23].[0-9]");
	add_pattern("/usr/bin/python[23].[0-9][0-9]");
	add_pattern("~/.pyenv/versions/*/bin/python");
	add_pattern("/tmp/newer/bin/python*");
	list = list ? strdup(list) : NULL;
	for (char *p = list ? strtok_r(list, ":", &rest) : NULL; p;
	     p = strtok_r(NULL, ":", &rest))
		add_python(p);
	free(list);
#ifdef __SANITIZE_ADDRESS__
	// The distribution's and each fourth, for the time it takes.
	size_t kept = 0;

	for (size_t i = 0; i < pythons; i++) {
		if (i == 0 || i % 4 == 1)
			python[kept++] = python[i];
		else
			free(python[i]);
	}
	pythons = kept;
#endif
}

static void start(struct python *p, const char *path, unsigned nodes)
{
	int in[2], out[2];
	char number[16], line[64] = "";

	(void)snprintf(number, sizeof(number), "%u", nodes);
	ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	p->child = fork();
	ck_assert_int_ge(p->child, 0);
	if (!p->child) {
		kernel_core_allow();
		dup2(in[0], 0);
		dup2(out[1], 1);
		if (!chdir(directory))
			execl(path, path, "-c", script, said, number, NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	p->in = in[1];
	FILE *from = fdopen(out[0], "r");
	if (!fgets(line, sizeof(line), from))
		line[0] = 0;
	(void)fclose(from);
	char *end = line;
	p->pid = (pid_t)strtol(line, &end, 10);
	p->frozen = strtoul(end, NULL, 10);
	ck_assert_msg(p->pid > 0, "%s did not start", path);
	process_wait_for(p->pid, 'S'); // in read()
}

static void stop(const struct python *p, int with)
{
	kill(p->pid, with);
	close(p->in);
	waitpid(p->child, NULL, 0);
}

static void kernel_core(const struct python *p)
{
	stop(p, SIGABRT);
	(void)snprintf(core, sizeof(core), "%s/core", directory);
	if (access(core, R_OK) != 0)
		(void)snprintf(core, sizeof(core), "%s/core.%d", directory,
			       (int)p->pid);
}

static void gcore(const struct python *p)
{
	char command[256];

	(void)snprintf(core, sizeof(core), "%s/gcore", directory);
	(void)snprintf(command, sizeof(command),
		       "gdb -nx -batch -iex 'set debug-file-directory /-' "
		       "-p %d -ex 'gcore %s' >/dev/null 2>&1",
		       (int)p->pid, core);
	// NOLINTNEXTLINE(cert-env33-c): the words are our own
	ck_assert_int_eq(system(command), 0);
	stop(p, SIGKILL);
}

static const uint64_t *answered; // for by_object()

static int by_object(const void *a, const void *b)
{
	const uint64_t x = answered[*(const uint32_t *)a];
	const uint64_t y = answered[*(const uint32_t *)b];

	return (x > y) - (x < y);
}

// The row of object @p address among those in @p order.
static uint64_t
row_of(const struct rs_image_answer *a, const uint32_t *order, uint64_t address)
{
	uint64_t low = 0, high = a->objects;

	while (low < high) {
		const uint64_t middle = low + (high - low) / 2;

		if (a->object[order[middle]] < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < a->objects && a->object[order[low]] == address
		       ? order[low]
		       : UINT64_MAX;
}

static void
check_line(const struct rs_image_answer *a, const uint32_t *order, char *line)
{
	char *end = line;
	const uint64_t object = strtoull(line, &end, 16);
	const uint64_t row = row_of(a, order, object);

	ck_assert_msg(row != UINT64_MAX, "%#llx was not asked",
		      (unsigned long long)object);
	uint64_t at = a->first[row];
	while (*end == ' ' && end[1] != '#' && end[1] != ' ') {
		const uint64_t want = strtoull(end, &end, 16);

		ck_assert_msg(
			at < a->first[row + 1] && a->edge[at] == want,
			"%#llx: reference %llu of %llu is not %#llx%s",
			(unsigned long long)object,
			(unsigned long long)(at - a->first[row]),
			(unsigned long long)(a->first[row + 1] - a->first[row]),
			(unsigned long long)want, strchr(line, '#'));
		at++;
	}
	ck_assert_msg(at == a->first[row + 1],
		      "%#llx: %llu references too many%s",
		      (unsigned long long)object,
		      (unsigned long long)(a->first[row + 1] - at),
		      strchr(line, '#'));
}

static uint64_t check_answer(const struct rs_image_answer *a)
{
	uint32_t *order = malloc(a->objects * sizeof(*order));
	FILE *file = fopen(said, "re");
	char *line = NULL;
	size_t cap = 0;
	uint64_t lines = 0;

	ck_assert_ptr_nonnull(order);
	ck_assert_ptr_nonnull(file);
	for (uint32_t i = 0; i < a->objects; i++)
		order[i] = i;
	answered = a->object;
	qsort(order, a->objects, sizeof(*order), by_object);
	for (; getline(&line, &cap, file) > 0; lines++)
		check_line(a, order, line);
	(void)fclose(file);
	free(line);
	free(order);
	return lines;
}

static double ms(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static void ask(const struct python *p, const char *path, const char *kind)
{
	struct rs_session *session = NULL;
	struct rs_image_answer a = {0};

	rs_ck_ok(rs_session_open_core(core, NULL, &session));
	const double wall = ms(CLOCK_MONOTONIC);
	const double cpu = ms(CLOCK_PROCESS_CPUTIME_ID);
	struct rs_runtime *rt = rs_session_runtime_named(session, "cpython");
	rs_ck_ok(rt->ops->query(rt, NULL, NULL, &a));
	(void)printf("%s, %s: %llu objects, %llu references; %.1f ms, of "
		     "which ready in %.1f, walk %.1f; processor %.1f + %.1f\n",
		     path, kind, (unsigned long long)a.objects,
		     (unsigned long long)a.edges, ms(CLOCK_MONOTONIC) - wall,
		     (double)a.ready_ns / 1e6, (double)a.walk_ns / 1e6,
		     (double)a.cpu_ns / 1e6,
		     ms(CLOCK_PROCESS_CPUTIME_ID) - cpu);
	(void)fflush(stdout);
	const uint64_t lines = check_answer(&a);
	ck_assert_uint_ge(lines, RS_OBJECTS_MIN);
	ck_assert_uint_le(a.objects, lines + p->frozen + RS_NEW_MAX);
	ck_assert_uint_eq(a.faults_total, 0);
	ck_assert_uint_eq(a.lists_broken, 0);
	ck_assert_uint_eq(a.runs, 1);
	ck_assert(!a.full);
	rs_image_answer_fini(&a);
	rs_session_close(session);
	unlink(core);
	unlink(said);
}

// Make what @p slot of the core points at something else.
static void patch(struct rs_session *session, uint64_t slot, uint64_t value)
{
	const struct rs_memory *memory = session->memory;

	for (size_t i = 0; i < memory->segments; i++) {
		const struct rs_segment *s = &memory->segment[i];
		const struct rs_target *target = (const void *)memory;
		const uint8_t *at = s->data + (slot - s->start);

		if (slot < s->start || slot >= s->end)
			continue;
		const int fd = open(core, O_WRONLY | O_CLOEXEC);
		ck_assert_int_eq(
			pwrite(fd, &value, 8,
			       at - (const uint8_t *)target->mapping[0].data),
			8);
		close(fd);
		return;
	}
	ck_abort_msg("%#llx is not in the core", (unsigned long long)slot);
}

static uint64_t slot_of_list(struct rs_session *session)
{
	struct rs_cpython *py = rs_cpython(session->runtime[0]);

	return py->type_list +
	       (uint64_t)rs_py_off(py, RS_F__typeobject__tp_traverse);
}

// With consent: a spoilt slot leads to code that is no function of a file.
static char *verify(void (*spoil)(struct rs_session *session))
{
	const struct rs_open_options consent = {
		.size = sizeof(consent),
		.run = true,
	};
	struct rs_session *session = NULL;
	char *text = NULL;

	rs_ck_ok(rs_session_open_core(core, &consent, &session));
	if (spoil) {
		spoil(session);
		rs_session_close(session);
		rs_ck_ok(rs_session_open_core(core, &consent, &session));
	}
	rs_ck_ok(rs_answer_verify(session, 0, &text));
	rs_session_close(session);
	return text;
}

static void hide_items(struct rs_session *session)
{
	uint64_t does_nothing = 0;

	rs_ck_ok(rs_memory_symbol(session->memory, NULL, "PyObject_SelfIter",
				  &does_nothing, NULL));
	patch(session, slot_of_list(session), does_nothing);
}

static void lead_nowhere(struct rs_session *session)
{
	patch(session, slot_of_list(session), 0x1234);
}

static void set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(directory));
	(void)snprintf(said, sizeof(said), "%s/said", directory);
}

static void clean_up(void)
{
	unlink(core);
	unlink(said);
	rmdir(directory);
}

START_TEST(an_image_of_a_kernel_core_says_what_the_interpreter_said)
{
	struct python p;

	start(&p, python[_i], 800);
	kernel_core(&p);
	ask(&p, python[_i], "kernel core");
}
END_TEST

START_TEST(an_image_of_a_gcore_says_what_the_interpreter_said)
{
	struct python p;

	start(&p, python[_i], 800);
	gcore(&p);
	ask(&p, python[_i], "gcore");
}
END_TEST

static void check_hidden_items(const char *text)
{
	const char *list = strstr(text, "{\"type\":\"list\"");

	ck_assert_msg(list != NULL, "%s", text);
	ck_assert_ptr_nonnull(strstr(list, "\"only_read\":[\"0x"));
}

START_TEST(both_ways_agree_until_a_type_hides_what_it_holds)
{
	struct python p;

	start(&p, python[_i], 100);
	kernel_core(&p);
	char *text = verify(NULL);
	ck_assert_ptr_nonnull(
		strstr(text, "\"only_asked\":0,\"only_read\":0,"));
	ck_assert_ptr_nonnull(strstr(text, "\"faults_total\":0,"));
	ck_assert_msg(!strstr(text, "{\"type\":\"list\""), "%s", text);
	rs_text_free(text);
	text = verify(hide_items);
	check_hidden_items(text);
	ck_assert_ptr_nonnull(strstr(text, "\"faults_total\":0,"));
	rs_text_free(text);
	text = verify(lead_nowhere);
	ck_assert_msg(!strstr(text, "\"faults_total\":0,"), "%s", text);
	ck_assert_ptr_nonnull(
		strstr(text, "\"type\":\"list\","
			     "\"why\":\"ended with signal 11 at 0x1234\""));
	rs_text_free(text);
}
END_TEST

START_TEST(a_large_heap_is_asked_at_once)
{
	struct python p;

	start(&p, python[_i], RS_LARGE);
	kernel_core(&p);
	ask(&p, python[_i], "large kernel core");
}
END_TEST

/** @return Why the tests cannot be run here, or NULL. */
static const char *why_not(void)
{
	if (!pythons)
		return "no interpreter was found";
	// NOLINTNEXTLINE(cert-env33-c)
	if (system("gdb --version >/dev/null 2>&1") != 0)
		return "there is no gdb to write a core";
	return kernel_core_why_not();
}

int main(void)
{
	find_pythons();
	const char *why = why_not();

	if (why)
		return rs_ck_skip(why);
	Suite *suite = suite_create("revive_python");
	TCase *tc = tcase_create("cores");
	const int n = (int)pythons;

	tcase_add_checked_fixture(tc, set_up, clean_up);
	tcase_add_loop_test(
		tc, an_image_of_a_kernel_core_says_what_the_interpreter_said, 0,
		n);
	tcase_add_loop_test(
		tc, an_image_of_a_gcore_says_what_the_interpreter_said, 0, n);
	tcase_add_loop_test(
		tc, both_ways_agree_until_a_type_hides_what_it_holds, 0, n);
	tcase_add_loop_test(tc, a_large_heap_is_asked_at_once, 0, 1);
	tcase_set_timeout(tc, 120);
	suite_add_tcase(suite, tc);
	return rs_ck_run(suite);
}
