// SPDX-License-Identifier: MIT
//
// Runs every interpreter found, stops it in the middle of a recursion, and
// holds what discovery says against what the interpreter printed of itself.
#include "python_child.h"
#include "runtime/cpython/open.h"
#include "runtime/cpython/state/discover.h"
#include "session/session.h"

#include <time.h>

enum { RS_ROOTS_MIN = 100 };

// Prints one fact a line, then blocks. The garbage keeps gc.garbage's test
// honest in 2.7 and with DEBUG_SAVEALL elsewhere.
static const char script[] =
	"import gc, sys, os, threading\n"
	"class Plain(object):\n"
	"    pass\n"
	"def inner(buf):\n"
	"    local_name = [buf]\n"
	"    gc.collect()\n"
	"    out = sys.stdout\n"
	"    v = sys.version_info\n"
	"    out.write('version %d.%d.%d\\n' % (v[0], v[1], v[2]))\n"
	"    out.write('pid %d\\n' % os.getpid())\n"
	"    out.write('type %d\\n' % id(Plain))\n"
	"    out.write('buf %d\\n' % id(buf))\n"
	"    out.write('modules %d\\n' % id(sys.modules))\n"
	"    out.write('garbage %d\\n' % id(gc.garbage))\n"
	"    out.write('leaked %d\\n' % len(gc.garbage))\n"
	"    out.write('threshold %d\\n' % gc.get_threshold()[0])\n"
	"    found = [id(o) for o in gc.get_objects()]\n"
	"    out.write('tracked %d\\n' % (len(found) + 1))\n"
	"    out.write('objects ' + ' '.join('%d' % i for i in found[300::97]))\n"
	"    out.write('\\nready\\n')\n"
	"    out.flush()\n"
	"    sys.stdin.readline()\n"
	"def outer():\n"
	"    inner({'leaked': Plain()})\n"
	"gc.set_debug(gc.DEBUG_SAVEALL)\n"
	"ring = Plain(); ring.self = ring; del ring\n"
	"gc.collect()\n"
	"gc.disable()\n"
	"outer()\n";

// Collects without a pause: a stop is nearly always in the middle.
static const char busy_script[] =
	"import gc, sys, os\n"
	"class Node(object):\n"
	"    pass\n"
	"keep = [[i] for i in range(20000)]\n"
	"def garbage():\n"
	"    for i in range(2000):\n"
	"        a = Node(); b = Node(); a.b = b; b.a = a\n"
	"gc.disable()\n"
	"v = sys.version_info\n"
	"gc.collect()\n"
	"sys.stdout.write('version %d.%d.%d\\n' % (v[0], v[1], v[2]))\n"
	"sys.stdout.write('pid %d\\n' % os.getpid())\n"
	"sys.stdout.write('tracked %d\\n' % len(gc.get_objects()))\n"
	"sys.stdout.write('ready\\n')\n"
	"sys.stdout.flush()\n"
	"while True:\n"
	"    garbage(); gc.collect()\n";

static struct rs_pythons pythons;

struct facts {
	char version[32];
	uint64_t pid, type, buf, modules, garbage, leaked, threshold, tracked;
	uint64_t *object; // a sample of the tracked ones
	size_t objects;
};

struct child {
	struct rs_python_child python;
	struct facts facts;
};

static void read_objects(struct facts *facts, char *text)
{
	for (char *p = strtok(text, " \n"); p; p = strtok(NULL, " \n")) {
		facts->object =
			realloc(facts->object,
				(facts->objects + 1) * sizeof(*facts->object));
		facts->object[facts->objects++] = strtoull(p, NULL, 10);
	}
}

static void read_facts(struct child *child)
{
	struct facts *f = &child->facts;
	const struct {
		const char *name;
		uint64_t *value;
	} number[] = {
		{"pid", &f->pid},	  {"type", &f->type},
		{"buf", &f->buf},	  {"modules", &f->modules},
		{"garbage", &f->garbage}, {"leaked", &f->leaked},
		{"tracked", &f->tracked}, {"threshold", &f->threshold},
	};
	char *line = NULL;
	size_t cap = 0;

	while (getline(&line, &cap, child->python.out) > 0 &&
	       strcmp(line, "ready\n") != 0) {
		(void)sscanf(line, "version %31s", f->version);
		if (!strncmp(line, "objects ", 8))
			read_objects(f, line + 8);
		for (size_t i = 0; i < sizeof(number) / sizeof(*number); i++) {
			const size_t n = strlen(number[i].name);

			if (!strncmp(line, number[i].name, n) && line[n] == ' ')
				*number[i].value =
					strtoull(line + n + 1, NULL, 10);
		}
	}
	free(line);
}

static void start(struct child *child, const char *path, const char *code)
{
	rs_python_start(&child->python, path, code);
	read_facts(child);
	ck_assert_msg(child->facts.pid != 0, "%s did not start", path);
}

static void stop(struct child *child)
{
	rs_python_end(&child->python);
	free(child->facts.object);
}

static int compare(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void check_objects(struct rs_cpython *py, const struct facts *facts)
{
	struct rs_found found = {0};
	uint64_t collected = 0;

	rs_ck_ok(rs_py_find(&py->base, NULL, &found, NULL));
	uint64_t *address = rs_vec_items(&found.address, uint64_t);
	const uint16_t *mark = rs_vec_items(&found.mark, uint16_t);
	const size_t n = rs_vec_count(&found.address, uint64_t);

	// gc.get_objects() leaves the permanent generation out.
	for (size_t i = 0; i < n; i++)
		collected += (mark[i] & RS_OBJ_GENERATION) != 3;
	// What inner() made and dropped since: frames, iterators, the list.
	ck_assert_msg(collected + 20 >= facts->tracked &&
			      collected <= facts->tracked + 20,
		      "%s: %zu on the lists, %llu told", facts->version,
		      (size_t)collected, (unsigned long long)facts->tracked);
	qsort(address, n, sizeof(*address), compare);
	ck_assert_uint_gt(facts->objects, 20);
	for (size_t i = 0; i < facts->objects; i++)
		ck_assert_msg(bsearch(&facts->object[i], address, n,
				      sizeof(*address), compare) != NULL,
			      "%s: 0x%llx is on no list", facts->version,
			      (unsigned long long)facts->object[i]);
	rs_vec_fini(&found.address);
	rs_vec_fini(&found.mark);
}

static void check_gc(struct rs_cpython *py, const struct facts *facts)
{
	struct rs_py_gcstate state;
	struct rs_vec garbage = {0};
	uint32_t threshold = 0;

	rs_py_gcstate(py, 0, &state);
	ck_assert_int_eq(state.enabled, 0);
	ck_assert_int_eq(state.debug, 32);
	ck_assert_int_ne(state.collecting, 1);
	ck_assert_uint_eq(state.garbage, facts->garbage);
	rs_ck_ok(rs_py_garbage(&py->base, &garbage));
	ck_assert_uint_eq(rs_vec_count(&garbage, uint64_t), facts->leaked);
	ck_assert_uint_ge(facts->leaked, 1);
	rs_vec_fini(&garbage);
	ck_assert(rs_memory_u32(
		py->base.memory,
		py->interpreter[0].head[0] +
			(uint64_t)rs_py_off(py, RS_F_gc_generation__threshold),
		&threshold));
	ck_assert_uint_eq(threshold, facts->threshold);
}

static void check_frames(struct rs_cpython *py, const struct facts *facts)
{
	static const char *const want[] = {"inner (<string>:22)",
					   "outer (<string>:24)",
					   "<module> (<string>:29)"};
	struct rs_vec frames = {0};
	char text[256];

	rs_ck_ok(rs_py_frames(py, &frames));
	const struct rs_py_frame *frame =
		rs_vec_items(&frames, struct rs_py_frame);
	ck_assert_msg(rs_vec_count(&frames, struct rs_py_frame) == 3,
		      "%s: %zu frames", facts->version,
		      rs_vec_count(&frames, struct rs_py_frame));
	for (size_t i = 0; i < 3; i++) {
		rs_py_frame_text(py, &frame[i], text, sizeof(text));
		ck_assert_msg(!strcmp(text, want[i]), "%s: %s, not %s",
			      facts->version, text, want[i]);
	}
	rs_vec_fini(&frames);
}

static bool
has_root(const struct rs_roots *roots, uint64_t target, const char *name)
{
	const struct rs_found_root *root =
		rs_vec_items(&roots->root, struct rs_found_root);
	const char *text = rs_vec_items(&roots->text, char);

	for (size_t i = 0; i < rs_vec_count(&roots->root, struct rs_found_root);
	     i++)
		if ((!target || root[i].target == target) &&
		    !strncmp(text + root[i].root.label, name, strlen(name)))
			return true;
	return false;
}

static void check_roots(struct rs_cpython *py, const struct facts *facts)
{
	struct rs_roots roots = {0};

	rs_ck_ok(rs_py_roots(&py->base, &roots));
	ck_assert_uint_ge(rs_vec_count(&roots.root, struct rs_found_root),
			  RS_ROOTS_MIN);
	ck_assert(has_root(&roots, facts->modules, "sys.modules"));
	ck_assert(has_root(&roots, facts->garbage, "gc.garbage"));
	ck_assert(has_root(&roots, py->type_list, "static type list"));
	ck_assert(has_root(&roots, py->type_dict, "static type dict"));
	if (py->version < RS_PY(3, 11))
		ck_assert(has_root(&roots, 0, "running inner (<string>:22)"));
	else
		ck_assert_msg(
			has_root(&roots, facts->buf, "local buf in inner"),
			"%s: no local buf", facts->version);
	rs_vec_fini(&roots.root);
	rs_vec_fini(&roots.text);
}

static void check_types(struct rs_cpython *py, const struct facts *facts)
{
	ck_assert_uint_ne(py->type_list, 0);
	ck_assert_uint_ne(py->none, 0);
	ck_assert_uint_ne(py->type_none, 0);
	ck_assert_uint_eq(
		py->subtype_traverse,
		rs_py_get(py, facts->type, RS_F__typeobject__tp_traverse));
	if (rs_py_off(py, RS_F__dictkeysobject__dk_lookup) >= 0)
		ck_assert_msg(py->lookdict != 0, "%s: no lookdict",
			      facts->version);
}

START_TEST(everything_is_found)
{
	struct child child = {0};
	struct rs_memory_options options = {0};
	struct rs_memory *memory = NULL;
	struct rs_types types = {0};
	struct rs_runtime *rt = NULL;

	start(&child, pythons.path[_i], script);
	rs_python_stop(&child.python, (pid_t)child.facts.pid);
	rs_ck_ok(
		rs_memory_open_live((pid_t)child.facts.pid, &options, &memory));
	rs_ck_ok(rs_cpython_open(memory, &types, 0, &rt));
	ck_assert_ptr_nonnull(rt);

	struct rs_cpython *py = rs_cpython(rt);
	ck_assert_str_eq(rt->version, child.facts.version);
	(void)printf("%s: %s, %s\n", pythons.path[_i], py->version_text,
		     py->layout_text);
	check_types(py, &child.facts);
	check_objects(py, &child.facts);
	check_gc(py, &child.facts);
	check_frames(py, &child.facts);
	check_roots(py, &child.facts);
	rt->ops->free(rt);
	rs_types_fini(&types);
	rs_memory_close(memory);
	stop(&child);
}
END_TEST

static int64_t processor_us(clockid_t clock)
{
	struct timespec ts;

	ck_assert_int_eq(clock_gettime(clock, &ts), 0);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

// Let it run for @p us of its own time, then stop it. By the wall's time it
// would, on a busy machine, be stopped again and again where it is.
static void run_for(pid_t pid, int64_t us)
{
	clockid_t clock;

	ck_assert_int_eq(clock_getcpuclockid(pid, &clock), 0);
	const int64_t end = processor_us(clock) + us;
	kill(pid, SIGCONT);
	while (processor_us(clock) < end && process_state(pid) != 'Z')
		usleep(200);
	process_stop(pid);
}

// Look at one stop of the busy script. @return whether it was collecting.
static bool look_at_stop(const struct facts *facts)
{
	enum { RS_RING = 4000, RS_DICTS = 4000, RS_SLACK = 200 };
	struct rs_memory_options options = {0};
	struct rs_memory *memory = NULL;
	struct rs_types types = {0};
	struct rs_runtime *rt = NULL;
	struct rs_found found = {0};

	rs_ck_ok(rs_memory_open_live((pid_t)facts->pid, &options, &memory));
	rs_ck_ok(rs_cpython_open(memory, &types, 0, &rt));
	ck_assert_ptr_nonnull(rt);
	rs_ck_ok(rs_py_find(rt, NULL, &found, NULL));
	const uint64_t n = rs_vec_count(&found.mark, uint16_t);
	ck_assert_msg(
		n + RS_SLACK > facts->tracked &&
			n < facts->tracked + RS_RING + RS_DICTS + RS_SLACK,
		"%s: %llu objects, %llu before the rings", facts->version,
		(unsigned long long)n, (unsigned long long)facts->tracked);
	// The only problem there may be is that it was collecting.
	ck_assert_msg(memory->problems <= (rt->gc_collecting ? 1 : 0), "%s: %s",
		      facts->version, memory->problem[memory->problems - 1]);
	const bool collecting = rt->gc_collecting;
	rs_vec_fini(&found.address);
	rs_vec_fini(&found.mark);
	rt->ops->free(rt);
	rs_types_fini(&types);
	rs_memory_close(memory);
	return collecting;
}

START_TEST(a_collection_at_work_is_noticed_and_nothing_is_lost)
{
	enum { RS_STOPS = 12 };
	struct child child = {0};
	int collecting = 0;

	start(&child, pythons.path[_i], busy_script);
	for (int i = 0; i < RS_STOPS; i++) {
		run_for((pid_t)child.facts.pid, 1000 + 1700 * i);
		collecting += look_at_stop(&child.facts);
	}
	ck_assert_msg(collecting > 0, "%s: %d stops, none while collecting",
		      child.facts.version, RS_STOPS);
	kill((pid_t)child.facts.pid, SIGKILL);
	stop(&child);
}
END_TEST

static uint64_t word_of(struct rs_memory *memory, uint64_t address)
{
	uint64_t value = 0;

	ck_assert(rs_memory_u64(memory, address, &value));
	return value & ~UINT64_C(3);
}

static void poke(pid_t pid, uint64_t address, uint64_t value)
{
	char path[64];
	FILE *memory;

	(void)snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	memory = fopen(path, "r+");
	ck_assert_ptr_nonnull(memory);
	ck_assert_int_eq(fseeko(memory, (off_t)address, SEEK_SET), 0);
	ck_assert_uint_eq(fwrite(&value, sizeof(value), 1, memory), 1);
	(void)fclose(memory);
}

// Where the youngest list ends.
static void find_ends(const struct facts *facts, uint64_t *head, uint64_t *last,
		      uint64_t *before)
{
	struct rs_memory_options options = {0};
	struct rs_memory *memory = NULL;
	struct rs_types types = {0};
	struct rs_runtime *rt = NULL;

	rs_ck_ok(rs_memory_open_live((pid_t)facts->pid, &options, &memory));
	rs_ck_ok(rs_cpython_open(memory, &types, 0, &rt));
	*head = rs_cpython(rt)->interpreter[0].head[0];
	*last = word_of(memory, *head + 8);
	*before = word_of(memory, *last + 8);
	*last = rs_cpython(rt)->version < RS_PY(3, 8) ? 0 : *last;
	rt->ops->free(rt);
	rs_types_fini(&types);
	rs_memory_close(memory);
}

// As a process looks that is stopped between the four stores that put an
// object on its list: linked from the one before, leading nowhere yet.
START_TEST(an_object_that_is_being_added_breaks_no_list)
{
	struct child child = {0};
	uint64_t head, last, before;

	start(&child, pythons.path[_i], script);
	rs_python_stop(&child.python, (pid_t)child.facts.pid);
	find_ends(&child.facts, &head, &last, &before);
	if (last) {
		poke((pid_t)child.facts.pid, last, 0);
		poke((pid_t)child.facts.pid, head + 8, before);
		(void)look_at_stop(&child.facts);
	}
	kill((pid_t)child.facts.pid, SIGKILL);
	stop(&child);
}
END_TEST

static uint32_t *count_names(const struct rs_graph *g)
{
	uint32_t *named = calloc(g->objects, sizeof(*named));
	const struct rs_root *root = rs_vec_items(&g->root, struct rs_root);

	for (uint64_t i = 0; i < g->references; i++) {
		const enum rs_kind kind = rs_edge_kind(g->out[i]);

		named[rs_edge_target(g->out[i])] +=
			kind == RS_STRONG || kind == RS_OWNED;
	}
	for (size_t i = 0; i < rs_vec_count(&g->root, struct rs_root); i++)
		named[root[i].target]++;
	return named;
}

// A reference told twice, or one that is not counted told as if it were,
// would look like a lost one of the program that is looked at.
START_TEST(nothing_is_named_more_often_than_counted)
{
	struct child child = {0};
	struct rs_open_options options = {.size = sizeof(options)};
	struct rs_session *session = NULL;
	struct rs_graph *g = NULL;
	uint64_t exact = 0, counted = 0;

	start(&child, pythons.path[_i], script);
	rs_python_stop(&child.python, (pid_t)child.facts.pid);
	rs_ck_ok(rs_session_open_live((pid_t)child.facts.pid, &options,
				      &session));
	rs_ck_ok(rs_session_graph(session, &g));
	uint32_t *named = count_names(g);
	for (uint32_t i = 0; i < g->objects; i++) {
		if (g->flags[i] & RS_OBJ_IMMORTAL)
			continue;
		ck_assert_msg(named[i] <= g->count[i],
			      "%s: %s at 0x%llx: %u named, %u counted",
			      child.facts.version, g->type_row[g->type[i]].name,
			      (unsigned long long)g->address[i], named[i],
			      g->count[i]);
		// Frozen objects of 3.11 begin at 999999999.
		if (g->count[i] > 1 << 28)
			continue;
		counted++;
		exact += named[i] == g->count[i];
	}
	// What is left over hangs on C: statics, and strings that it interned.
	ck_assert_uint_gt(exact, counted / 10 * 8);
	free(named);
	rs_session_close(session);
	stop(&child);
}
END_TEST

START_TEST(rows_come_nearest_first)
{
	const struct rs_layout *row =
		rs_layout_find(RS_PY3(3, 7, 4), RS_FLAVOUR_RELEASE, 0);
	size_t n = 0;

	ck_assert_str_eq(row->release, "3.7.3");
	row = rs_layout_find(RS_PY3(3, 7, 4), RS_FLAVOUR_RELEASE, 1);
	ck_assert_str_eq(row->release, "3.7.16");
	while (rs_layout_find(RS_PY3(3, 7, 4), RS_FLAVOUR_RELEASE, n))
		n++;
	ck_assert_uint_eq(n, 2);
	ck_assert_ptr_null(
		rs_layout_find(RS_PY3(3, 5, 2), RS_FLAVOUR_RELEASE, 0));
	ck_assert_ptr_null(
		rs_layout_find(RS_PY3(3, 7, 4), RS_FLAVOUR_THREADED, 0));
}
END_TEST

START_TEST(the_day_of_a_build_is_in_its_version)
{
	ck_assert_uint_eq(
		rs_py_parse_build_date("3.13.5 (main, Aug 10 2026, 12:06:59) "
				       "[GCC 14.2.0]",
				       "3.13.5"),
		20260810);
	ck_assert_uint_eq(
		rs_py_parse_build_date(
			"3.13.5+ (heads/x:1, Jun  9 2025, 1:2:3)", "3.13.5"),
		20250609);
	ck_assert_uint_eq(
		rs_py_parse_build_date("3.13.5 (main, Aug 1", "3.13.5"), 0);
	ck_assert_uint_eq(rs_py_parse_build_date("3.13.50 (main, Aug 10 2026, ",
						 "3.13.5"),
			  0);
	ck_assert_uint_eq(
		rs_py_parse_build_date("3.13.6 (main, Aug 10 2026, 12:06:59)",
				       "3.13.5"),
		0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cpython discovery");
	TCase *tcase = tcase_create("live");

	rs_pythons_find(&pythons);
	if (!pythons.count) {
		(void)printf("no interpreter found: skipped\n");
		return 77;
	}
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, everything_is_found, 0, (int)pythons.count);
	tcase_add_loop_test(tcase,
			    a_collection_at_work_is_noticed_and_nothing_is_lost,
			    0, (int)pythons.count);
	tcase_add_loop_test(tcase, nothing_is_named_more_often_than_counted, 0,
			    (int)pythons.count);
	tcase_add_loop_test(tcase, an_object_that_is_being_added_breaks_no_list,
			    0, (int)pythons.count);
	tcase_add_test(tcase, rows_come_nearest_first);
	tcase_add_test(tcase, the_day_of_a_build_is_in_its_version);
	suite_add_tcase(suite, tcase);
	const int status = rs_ck_run(suite);
	rs_pythons_free(&pythons);
	return status;
}
