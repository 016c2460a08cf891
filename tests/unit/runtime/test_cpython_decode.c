// SPDX-License-Identifier: MIT
//
// Every interpreter found makes a zoo of objects and prints what it says of
// them itself: gc.get_referents(), repr(), id(). We read the same objects from
// outside and compare.
#include "python_child.h"
#include "runtime/cpython/decode/decode.h"
#include "runtime/cpython/open.h"

#include <inttypes.h>

enum { RS_REFS_MAX = 1024, RS_CHECKS_MIN = 60 };

// One fact a line:
//   refs NAME ADDRESS REFERENT...      what traverse visits
//   text ADDRESS REPR                  what it prints as
//   name ADDRESS DOTTED                what a name means
//   label HOLDER TARGET LABEL          how one holds the other
//   size ADDRESS BYTES                 sys.getsizeof()
static const char make_zoo[] =
	"import gc, sys, os, collections, functools, itertools, weakref, types\n"
	"class Plain(object): pass\n"
	"class Slots(object): __slots__ = ('a', 'b')\n"
	"class Both(Slots): pass\n"
	"class L(list): pass\n"
	"class T(tuple): pass\n"
	"class I(int): pass\n"
	"class D(dict): pass\n"
	"class S(str): pass\n"
	"class E(Exception): pass\n"
	"class Meta(type): pass\n"
	"class Leak(object):\n"
	"    def __init__(self): self._text = '#' * 10; self._self = self\n"
	"    def __del__(self): pass\n"
	"class Old: pass\n"
	"Made = Meta('Made', (object,), {'q': [1]})\n"
	"def with_attrs(o, n=3):\n"
	"    for i in range(n): setattr(o, 'at%d' % i, [i])\n"
	"    return o\n"
	"def outer(x):\n"
	"    buf = [x]\n"
	"    def inner(a, k=buf): return x, buf\n"
	"    return inner\n"
	"def gen(x):\n"
	"    local = [x]\n"
	"    try: yield local\n"
	"    finally: local = None\n"
	"def deep(): return sys._getframe()\n"
	"zoo = {}\n"
	"zoo['list'] = [[1], 'a', (2, [3])]\n"
	"zoo['empty'] = []\n"
	"zoo['tuple'] = ([1], [2])\n"
	"zoo['dict'] = {'a': [1], 'b': [2]}\n"
	"zoo['any'] = {'a': [1], 5: [2], (1, 2): [3]}\n"
	"big = dict(('k%d' % i, [i]) for i in range(300))\n"
	"for i in range(0, 300, 7): del big['k%d' % i]\n"
	"zoo['big'] = big\n"
	"zoo['set'] = set(('t', i) for i in range(40)); zoo['set'].discard(('t', 3))\n"
	"zoo['frozenset'] = frozenset([('x',), 'q'])\n"
	"zoo['plain'] = with_attrs(Plain())\n"
	"zoo['made_dict'] = with_attrs(Plain()); zoo['its_dict'] = zoo['made_dict'].__dict__\n"
	"zoo['own_dict'] = Plain(); zoo['own_dict'].__dict__ = {'z': [1]}\n"
	"zoo['many'] = with_attrs(Plain(), 60)\n"
	"zoo['gone'] = with_attrs(Plain()); del zoo['gone'].at1\n"
	"zoo['slots'] = Slots(); zoo['slots'].a = [1]\n"
	"zoo['both'] = with_attrs(Both()); zoo['both'].b = [2]\n"
	"for c, v in ((L, [[1]]), (T, ([1],)), (I, -5), (D, {'a': [1]}), (S, 'abc')):\n"
	"    zoo['sub_' + c.__name__] = with_attrs(c(v))\n"
	"zoo['function'] = outer([1])\n"
	"zoo['cell'] = zoo['function'].__closure__[0]\n"
	"zoo['code'] = outer.__code__\n"
	"zoo['method'] = Leak().__init__\n"
	"zoo['builtin'] = zoo['list'].append\n"
	"zoo['frame'] = deep()\n"
	"zoo['fresh'] = gen([1])\n"
	"zoo['begun'] = gen([2]); next(zoo['begun'])\n"
	"zoo['ended'] = gen([3]); list(zoo['ended'])\n"
	"zoo['class'] = Plain\n"
	"zoo['metaclass'] = Meta\n"
	"zoo['of_meta'] = Made\n"
	"zoo['static'] = dict\n"
	"zoo['new_module'] = types.ModuleType('dynamic'); zoo['new_module'].v = [1]\n"
	"zoo['weakref'] = weakref.ref(zoo['plain'], lambda r: None)\n"
	"zoo['property'] = property(outer, gen)\n"
	"zoo['classmethod'] = classmethod(outer)\n"
	"zoo['staticmethod'] = staticmethod(outer)\n"
	"zoo['old'] = with_attrs(Old())\n"
	"zoo['old_class'] = Old\n"
	"try: raise E([1], [2])\n"
	"except E as error: zoo['error'] = error; zoo['traceback'] = sys.exc_info()[2]\n"
	"try: open('/nonexistent/file')\n"
	"except EnvironmentError as error: zoo['os_error'] = error\n"
	"try: nonexistent\n"
	"except NameError as error: zoo['name_error'] = error\n"
	"zoo['exit'] = SystemExit([1])\n"
	"zoo['deque'] = collections.deque([i] for i in range(200)); zoo['deque'].rotate(77)\n"
	"zoo['default'] = collections.defaultdict(list); zoo['default']['x'] = [1]\n"
	"zoo['ordered'] = collections.OrderedDict(); zoo['ordered']['a'] = [1]; zoo['ordered'][5] = [2]\n"
	"zoo['partial'] = functools.partial(outer, [1], k=[2])\n"
	"if hasattr(functools, 'lru_cache'):\n"
	"    cached = functools.lru_cache(3)(lambda a: [a])\n"
	"    for i in range(5): cached(i)\n"
	"    zoo['lru'] = cached\n"
	"zoo['slice'] = slice([1], [2], [3])\n"
	"zoo['list_iter'] = iter([[1]])\n"
	"zoo['dict_iter'] = iter({'a': [1]})\n"
	"zoo['tee'] = itertools.tee(iter([[1], [2]]))[0]; next(zoo['tee'])\n"
	"zoo['chain'] = itertools.chain([[1]], [[2]]); next(zoo['chain'])\n"
	"zoo['product'] = itertools.product([[1]], [[2]]); next(zoo['product'])\n"
	"zoo['mapping'] = Plain.__dict__\n"
	"zoo['super'] = super(L, zoo['sub_L'])\n"
	"zoo['descriptor'] = list.append\n"
	"leak = Leak()\n";

static const char tell_zoo[] =
	"inline = with_attrs(Plain())\n"
	"texts = [None, True, -7, 2.5, 0.1, 'x\\'y', 'a\\nb', (1,), [], [1, [2]], {'a': (1, 2)}, leak, len, Leak, sys, set([1]), frozenset(['z']), 10 ** 15, with_attrs, E('bad', 3)]\n"
	"v = sys.version_info\n"
	"if v[:2] in ((3, 5), (3, 6)): texts.pop()\n"
	"elif v[0] == 2: texts.append(u'\\xe9')\n"
	"names = [('leak', leak), ('leak._text', leak._text), ('leak._self._self', leak), ('inline.at1', inline.at1), ('inline.at1[0]', 1), (\"zoo['list'][2][1]\", zoo['list'][2][1]), ('zoo[list][-1]', zoo['list'][-1]), ('zoo[any][5]', zoo['any'][5]), ('zoo[slots].a', zoo['slots'].a), ('__main__.Leak.__init__', Leak.__dict__['__init__']), ('zoo[old].at0', zoo['old'].at0), ('sys.modules', sys.modules), ('xml.dom.minidom', None), ('zoo[function].__code__', zoo['function'].__code__)]\n"
	"import xml.dom.minidom; names[12] = (names[12][0], xml.dom.minidom)\n"
	"labels = [(zoo['list'], 0, '[0]'), (zoo['dict'], zoo['dict']['a'], \"['a']\"), (zoo['slots'], zoo['slots'].a, '.a'), (zoo['function'], zoo['function'].__closure__, '.__closure__'), (zoo['function'], zoo['function'].__code__, '.__code__'), (zoo['plain'], Plain, 'type'), (zoo['tuple'], zoo['tuple'][1], '[1]'), (zoo['class'], Plain.__mro__, '.__mro__')]\n"
	"labels[0] = (zoo['list'], zoo['list'][0], '[0]')\n"
	"out = sys.stdout\n"
	"out.write('pid %d\\n' % os.getpid())\n"
	"for k in sorted(zoo):\n"
	"    out.write('refs %s %d %s\\n' % (k, id(zoo[k]), ' '.join('%d' % id(x) for x in gc.get_referents(zoo[k]))))\n"
	"for x in texts:\n"
	"    r = repr(x)\n"
	"    if x is sys: r = \"<module 'sys'>\"\n"
	"    out.write('text %d %s\\n' % (id(x), r))\n"
	"for n, x in names: out.write('name %d %s\\n' % (id(x), n))\n"
	"for h, t, l in labels: out.write('label %d %d %s\\n' % (id(h), id(t), l))\n"
	"for k in ('list', 'tuple', 'dict', 'any', 'big', 'set', 'plain', 'slots', 'function', 'class', 'static'):\n"
	"    out.write('size %d %d\\n' % (id(zoo[k]), sys.getsizeof(zoo[k])))\n"
	"out.write('ready\\n')\n"
	"out.flush()\n"
	"sys.stdin.readline()\n";

static struct rs_pythons pythons;

// What is open for one interpreter.
struct zoo {
	const char *path; // of the interpreter
	struct rs_memory *memory;
	struct rs_types types;
	struct rs_runtime *rt;
	unsigned checked;
};

static int compare(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void check_refs(struct zoo *zoo, char *line)
{
	uint64_t want[RS_REFS_MAX], got[RS_REFS_MAX];
	struct rs_refs refs = {0};
	size_t wanted = 0, n = 0;
	char *rest = NULL;
	const char *name = strtok_r(line, " \n", &rest);
	const uint64_t object = strtoull(strtok_r(NULL, " \n", &rest), NULL, 0);

	for (char *p; (p = strtok_r(NULL, " \n", &rest));)
		want[wanted++] = strtoull(p, NULL, 0);
	rs_ck_ok(rs_refs_init(&refs, false));
	rs_py_read(zoo->rt, object, NULL, false, &refs);
	for (uint32_t i = 0; i < refs.n && n < RS_REFS_MAX; i++)
		if (refs.kind[i] == RS_STRONG)
			got[n++] = refs.target[i];
	qsort(want, wanted, sizeof(*want), compare);
	qsort(got, n, sizeof(*got), compare);
	ck_assert_msg(n == wanted && !memcmp(got, want, n * sizeof(*got)),
		      "%s: %s: %zu references, %zu told", zoo->path, name, n,
		      wanted);
	rs_refs_fini(&refs);
}

static void check_text(struct zoo *zoo, char *line)
{
	char *want;
	const uint64_t object = strtoull(line, &want, 0);
	char text[1024];

	want++;
	want[strcspn(want, "\n")] = '\0';
	rs_py_text(zoo->rt, object, text, sizeof(text));
	// Python 2 escapes what is not ASCII.
	if (strstr(want, "\\xe9"))
		want = "u'\xc3\xa9'";
	ck_assert_msg(!strcmp(text, want), "%s: %s, not %s", zoo->path, text,
		      want);
	// However small the room, there is an end.
	for (size_t size = 1; size < sizeof(text); size += 7) {
		rs_py_text(zoo->rt, object, text, size);
		ck_assert_uint_lt(strlen(text), size);
	}
}

static void check_name(struct zoo *zoo, char *line)
{
	char *name;
	const uint64_t want = strtoull(line, &name, 0);
	uint64_t got = 0;

	name++;
	name[strcspn(name, "\n")] = '\0';
	rs_ck_ok(rs_py_resolve(zoo->rt, name, &got));
	ck_assert_msg(got == want, "%s: %s is 0x%" PRIx64 ", not 0x%" PRIx64,
		      zoo->path, name, got, want);
}

static void check_label(struct zoo *zoo, char *line)
{
	struct rs_refs refs = {0};
	char *want = line;
	const uint64_t holder = strtoull(want, &want, 0);
	const uint64_t target = strtoull(want, &want, 0);
	bool found = false;
	char text[256];

	want++;
	want[strcspn(want, "\n")] = '\0';
	rs_ck_ok(rs_refs_init(&refs, true));
	rs_py_read(zoo->rt, holder, NULL, false, &refs);
	for (uint32_t i = 0; i < refs.n; i++) {
		rs_py_label(zoo->rt, &refs.label[i], text, sizeof(text));
		found |= refs.target[i] == target && !strcmp(text, want);
	}
	ck_assert_msg(found, "%s: nothing is labelled %s", zoo->path, want);
	rs_refs_fini(&refs);
}

static void check_size(struct zoo *zoo, char *line)
{
	char *want = line;
	const uint64_t object = strtoull(want, &want, 0);
	struct rs_row row;

	rs_py_read(zoo->rt, object, &row, true, NULL);
	ck_assert_msg(row.size == strtoull(want, NULL, 0),
		      "%s: %s has %" PRIu64 " bytes, not%s", zoo->path,
		      rs_py_type_name(rs_cpython(zoo->rt),
				      rs_py_type(rs_cpython(zoo->rt), object)),
		      row.size, want);
}

static void check_line(struct zoo *zoo, char *line)
{
	static const struct {
		const char *word;
		void (*check)(struct zoo *zoo, char *line);
	} checks[] = {{"refs ", check_refs},
		      {"text ", check_text},
		      {"name ", check_name},
		      {"label ", check_label},
		      {"size ", check_size}};

	for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++) {
		const size_t n = strlen(checks[i].word);

		if (!strncmp(line, checks[i].word, n)) {
			checks[i].check(zoo, line + n);
			zoo->checked++;
		}
	}
}

// Read the child's facts into @p text, stop it, open it.
static void open_zoo(struct zoo *zoo, struct rs_python_child *child,
		     char **lines, size_t *count)
{
	struct rs_memory_options options = {0};
	char script[sizeof(make_zoo) + sizeof(tell_zoo)];
	char *line = NULL;
	size_t cap = 0;
	int pid = 0;

	(void)snprintf(script, sizeof(script), "%s%s", make_zoo, tell_zoo);
	rs_python_start(child, zoo->path, script);
	while (getline(&line, &cap, child->out) > 0 &&
	       strcmp(line, "ready\n") != 0) {
		if (!strncmp(line, "pid ", 4))
			pid = (int)strtol(line + 4, NULL, 10);
		ck_assert_uint_lt(*count, RS_REFS_MAX);
		lines[(*count)++] = strdup(line);
	}
	free(line);
	ck_assert_msg(pid != 0, "%s did not start", zoo->path);
	rs_python_stop(child, pid);
	rs_ck_ok(rs_memory_open_live(pid, &options, &zoo->memory));
	rs_ck_ok(rs_cpython_open(zoo->memory, &zoo->types, 0, &zoo->rt));
	ck_assert_ptr_nonnull(zoo->rt);
}

static void close_zoo(struct zoo *zoo, struct rs_python_child *child)
{
	zoo->rt->ops->free(zoo->rt);
	rs_types_fini(&zoo->types);
	rs_memory_close(zoo->memory);
	rs_python_end(child);
}

START_TEST(what_is_read_is_what_the_interpreter_says)
{
	struct zoo zoo = {.path = pythons.path[_i]};
	struct rs_python_child child = {0};
	char *line[RS_REFS_MAX];
	size_t lines = 0;

	open_zoo(&zoo, &child, line, &lines);
	for (size_t i = 0; i < lines; i++) {
		check_line(&zoo, line[i]);
		free(line[i]);
	}
	ck_assert_uint_ge(zoo.checked, RS_CHECKS_MIN);
	(void)printf("%s: %u facts\n", zoo.path, zoo.checked);
	close_zoo(&zoo, &child);
}
END_TEST

START_TEST(names_that_lead_nowhere_say_where)
{
	struct zoo zoo = {.path = pythons.path[_i]};
	struct rs_python_child child = {0};
	char *line[RS_REFS_MAX];
	size_t lines = 0;
	uint64_t got = 0;

	open_zoo(&zoo, &child, line, &lines);
	rs_ck_error(rs_py_resolve(zoo.rt, "nosuch.x", &got), RS_ENOTFOUND,
		    "nosuch");
	rs_ck_error(rs_py_resolve(zoo.rt, "zoo[nosuch].x", &got), RS_ENOTFOUND,
		    "zoo[nosuch]");
	rs_ck_error(rs_py_resolve(zoo.rt, "leak.nosuch._text", &got),
		    RS_ENOTFOUND, "leak.nosuch");
	rs_ck_error(rs_py_resolve(zoo.rt, "zoo[list", &got), RS_EBAD, "]");
	rs_ck_error(rs_py_resolve(zoo.rt, "leak..x", &got), RS_EBAD, "name");
	rs_ck_error(rs_py_resolve(zoo.rt, "", &got), RS_EBAD, "name");
	while (lines)
		free(line[--lines]);
	close_zoo(&zoo, &child);
}
END_TEST

START_TEST(what_is_no_object_is_told_from_one)
{
	struct zoo zoo = {.path = pythons.path[_i]};
	struct rs_python_child child = {0};
	char *line[RS_REFS_MAX];
	size_t lines = 0;
	struct rs_row row;
	char text[64];

	open_zoo(&zoo, &child, line, &lines);
	const struct rs_cpython *py = rs_cpython(zoo.rt);
	ck_assert(rs_py_is_object(zoo.rt, py->none));
	ck_assert(rs_py_is_object(zoo.rt, py->type_list));
	ck_assert(!rs_py_is_object(zoo.rt, 0));
	ck_assert(!rs_py_is_object(zoo.rt, py->none + 1));
	ck_assert(!rs_py_is_object(zoo.rt, py->type_list + 8));
	ck_assert(!rs_py_is_object(zoo.rt, UINT64_MAX - 7));
	ck_assert(!rs_py_is_object(zoo.rt, 0x1000));
	rs_py_text(zoo.rt, 0x1000, text, sizeof(text));
	ck_assert_str_eq(text, "<0x1000: not an object>");
	rs_py_read(zoo.rt, UINT64_MAX - 7, &row, true, NULL);
	ck_assert(row.flags & RS_OBJ_INEXACT);
	while (lines)
		free(line[--lines]);
	close_zoo(&zoo, &child);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cpython_decode");
	TCase *tc = tcase_create("interpreters");
	int result;

	rs_pythons_find(&pythons);
	if (pythons.count == 0) {
		(void)puts("skipped: no interpreter found");
		return 77;
	}
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, what_is_read_is_what_the_interpreter_says, 0,
			    (int)pythons.count);
	// The rest is the same for all: one old, one new.
	tcase_add_loop_test(tc, names_that_lead_nowhere_say_where, 0,
			    pythons.count > 1 ? 2 : 1);
	tcase_add_loop_test(tc, what_is_no_object_is_told_from_one, 0,
			    pythons.count > 1 ? 2 : 1);
	suite_add_tcase(suite, tc);
	result = rs_ck_run(suite);
	rs_pythons_free(&pythons);
	return result;
}
