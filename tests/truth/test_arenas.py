# SPDX-License-Identifier: MIT
"""What the sweep of the arenas finds, held against the interpreter's word.

Of free-threaded builds it is the sweep of mimalloc's heaps, of all threads.

Needs REFSCOPE_LIST_SWEPT, a program that tells what the sweep alone finds.
"""
import collections
import json
import os
import re
import signal
import subprocess
import tempfile
import unittest

import cases
import compare
import engine
import interpreters
from bounded import not_applicable
from targets import FIXTURES, Target, python, run, wait_for_state

# "    3   64   120   30720   90": class, size, pools, blocks in use, free
CLASS_LINE = re.compile(r"^ *\d+ +\d+ +\d+ +(\d+) +\d+$", re.MULTILINE)
FREE_LINE = re.compile(r"^ *([\d,]+) free (?:\d+-sized )?(\w+?)s? \*",
                       re.MULTILINE)
SECONDS = 120
NAMES = {"PyCFunctionObject": "builtin_function_or_method",
         "PyDictObject": "dict", "PyFloatObject": "float",
         "PyFrameObject": "frame", "PyListObject": "list",
         "PyMethodObject": "method", "PyTupleObject": "tuple"}


class Sweep:
    """What list_swept printed."""

    def __init__(self, pid):
        done = run([os.environ["REFSCOPE_LIST_SWEPT"], str(pid)], SECONDS,
                   stdout=subprocess.PIPE)
        if done.returncode:
            raise AssertionError("list_swept: status %d" % done.returncode)
        self.pools = {}
        self.objects = {}
        self.dead = {}
        self.others = set()
        for line in done.stdout.decode().splitlines():
            what, address, rest = (line + " ").split(" ", 2)
            address, rest = int(address), rest.strip()
            if what == "pool":
                self.pools[address] = self.pool_size = int(rest)
            elif what == "other":
                self.others.add(address)
            else:
                {"object": self.objects, "dead": self.dead}[what][
                    address] = rest.rsplit(".", 1)[-1]

    def in_pool(self, address):
        return address - address % self.pool_size in self.pools

    @property
    def blocks(self):
        return len(self.objects) + len(self.dead) + len(self.others)


class Arenas:
    """Mixed into a TestCase for each interpreter and allocator."""
    interpreter = None
    malloc = None
    expected = "pymalloc"
    elsewhere = 0  # dead lists that other threads keep

    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.folder = cls.temporary.name
        words = python(cls.interpreter.path,
                       os.path.join(FIXTURES, "arenas.py"))
        if cls.malloc:
            words = ["env", "PYTHONMALLOC=" + cls.malloc] + words
        cls.target = Target(words, cls.folder)
        try:
            wait_for_state(cls.target.pid, "T", every=True)
            cls.look()
        except BaseException:
            cls.tearDownClass()
            raise

    @classmethod
    def look(cls):
        pid = cls.target.pid
        cls.sweep = Sweep(pid) if cls.expected != "malloc" else None
        path = os.path.join(cls.folder, "export.jsonl")
        with engine.Session(pid) as session:
            before = session.collect()
            session.export(path)
            cls.info = session.info()
            cls.types = session.types()
            cls.collects = before, session.collect()
        cls.export = compare.Export(path)
        cls.truth = cls.load("truth.json")
        cls.named = {int(a): kind
                     for a, kind in cls.truth["objects"].items()}
        cls.leaks = cls.load("leaks.json")
        leaked = {row[0] for row in cls.leaks}
        swept = cls.sweep.objects if cls.sweep else {}
        cls.unnamed = sorted(set(swept) - set(cls.named) - leaked -
                             set(cls.truth["own"]))
        with open(os.path.join(cls.folder, "swept.json"), "w",
                  encoding="ascii") as out:
            json.dump([[a, cls.export.objects[a]["count"]]
                       for a in cls.unnamed + sorted(leaked)
                       if a in cls.export.objects], out)
        os.kill(pid, signal.SIGCONT)
        status = cls.target.finish()
        if status:
            raise AssertionError("%s, exit status %d: %s" % (
                cls.interpreter.name, status, cls.target.printed[-5:]))
        cls.number = cls.load("number.json")
        with open(os.path.join(cls.folder, "stats.txt"),
                  encoding="ascii") as text:
            cls.stats = text.read()

    @classmethod
    def load(cls, name):
        with open(os.path.join(cls.folder, name), encoding="ascii") as text:
            return json.load(text)

    @classmethod
    def tearDownClass(cls):
        cls.target.__exit__(None, None, None)
        cls.temporary.cleanup()

    @property
    def allocator(self):
        return self.info["runtimes"][0]["allocator"]

    def test_the_allocator_is_told(self):
        self.assertEqual(self.allocator["name"], self.expected)
        self.assertEqual(self.info["problems"], [])
        told = self.allocator
        self.assertEqual(told["blocks"], told["objects"] +
                         told["free_list"] + told["other"])
        if self.expected == "malloc":
            self.assertEqual(told["arenas"], 0)
        else:
            self.assertEqual(told["blocks"], self.sweep.blocks)
            self.assertEqual(told["objects"], len(self.sweep.objects))

    def test_blocks_are_those_of_the_interpreter(self):
        if not self.stats:
            not_applicable("before 3.3 it does not tell")
        used = sum(int(n) for n in CLASS_LINE.findall(self.stats))
        # After the table was printed the number was made: an int, which is
        # one block (or one that was on a free list: 3.14).
        number = self.interpreter.release < [3, 14]
        if self.expected == "malloc":
            self.assertEqual(used, 0)
            return
        self.assertEqual(self.allocator["blocks"], used + number)
        self.assertIsNotNone(self.allocator["large"])
        self.assertEqual(
            self.allocator["blocks"] + self.allocator["large"],
            self.number + number)

    def test_free_lists_are_those_of_the_interpreter(self):
        said = collections.Counter()
        for n, kind in FREE_LINE.findall(self.stats):
            said[kind] += int(n.replace(",", ""))
        if not said:
            not_applicable("it does not tell")
        dead = collections.Counter(self.sweep.dead.values())
        note("%s %s, free lists: said %s, dead %s" % (
            self.interpreter.name, self.expected, dict(said),
            dead.most_common()))
        self.assertGreaterEqual(said["PyFloatObject"], 30)
        wrong = []
        for kind, n in said.items():
            most = n
            if kind == "PyListObject":
                n, most = n + self.elsewhere, most + self.elsewhere
            if kind == "PyFrameObject":
                most = 10000  # each code object has kept one, to 3.9 or 3.10
            if kind == "PyFloatObject":
                n -= 1  # the last leads to no other, and looks like nothing
            if kind == "PyTupleObject":
                most, n = n + 1, n - 1  # the arguments of a call, to 3.7
            if kind in NAMES and not n <= dead[NAMES[kind]] <= most:
                wrong.append((kind, n, dead[NAMES[kind]]))
        self.assertEqual(wrong, [])

    def test_all_that_can_be_named_is_swept(self):
        lacking = [(hex(a), kind) for a, kind in self.named.items()
                   if self.sweep.in_pool(a) and a not in self.sweep.objects]
        inside = sum(map(self.sweep.in_pool, self.named))
        note("%s %s, named in pools: %d, not swept %s" % (
            self.interpreter.name, self.expected, inside, lacking[:8]))
        self.assertGreater(inside, 5000)
        self.assertEqual(lacking, [])

    def test_tables_are_no_objects(self):
        traps = self.load("traps.json")
        self.assertGreater(len(traps), 100)
        if self.interpreter.release >= [3]:  # there: malloc's
            self.assertEqual(
                {a for a, _size in traps} - self.sweep.others, set())
        wrong = [(hex(a), head, self.sweep.objects[a + head])
                 for a, size in traps for head in range(0, size, 8)
                 if a + head in self.sweep.objects]
        self.assertEqual(wrong, [])

    def test_types_are_right(self):
        wrong = [(hex(a), kind, self.named[a])
                 for a, kind in self.sweep.objects.items()
                 if a in self.named and kind != self.named[a]]
        self.assertEqual(wrong, [])

    def test_what_nobody_names_is_an_object(self):
        verdict = self.load("verdict.json")
        asked = [a for a in self.unnamed
                 if self.export.objects[a]["count"] is not None]
        told = {row[0] for row in verdict}
        gone = [self.export.objects[a] for a in asked if a not in told]
        note("%s %s, swept and not named: %s, gone %d" % (
            self.interpreter.name, self.expected, collections.Counter(
                self.sweep.objects[a] for a in self.unnamed)
            if self.sweep else {}, len(gone)))
        # What has gone on since the stop has dropped or taken references.
        self.assertLess(len(gone), 16 + len(asked) // 50, gone[:8])
        wrong = [(hex(a), self.export.objects[a], kind, count, text)
                 for a, kind, count, text in verdict
                 if self.export.objects[a]["type"].rsplit(".", 1)[-1] != kind
                 or self.export.objects[a]["count"] != count]
        self.assertLessEqual(len(wrong), 8, wrong)
        self.assertEqual([row for row in wrong if row[1]["type"].rsplit(
            ".", 1)[-1] != row[2]], [])

    def test_leaks_are_there(self):
        lacking = [row for row in self.leaks
                   if row[0] not in self.export.objects]
        if self.expected == "malloc":
            self.assertTrue(lacking)  # nothing leads to them
            return
        if self.interpreter.release < [3]:
            # These have blocks of their own there, which no arena holds.
            lacking = [row for row in lacking
                       if row[1] not in ("float", "int")]
        self.assertEqual(lacking, [])
        told = collections.Counter()
        for address, kind, count in self.leaks:
            if address not in self.export.objects:
                continue
            row = self.export.objects[address]
            self.assertEqual(row["type"].rsplit(".", 1)[-1], kind)
            self.assertEqual(row["count"], count)
            told[kind] += 1
        types = {row["type"]: row["objects"] for row in self.types["types"]}
        for kind in ("__main__.Plain", "Plain"):
            if kind in types:
                self.assertEqual(types[kind], told["Plain"])
        self.assertGreaterEqual(types["complex"], told["complex"])

    def test_no_object_is_named_more_often_than_counted(self):
        named = collections.Counter()
        for row in self.export.objects.values():
            for reference in row["out"]:
                if reference[1] in ("strong", "owned"):
                    named[int(reference[0], 16)] += 1
        wrong = [(hex(a), row["type"], row["count"], named[a])
                 for a, row in self.export.objects.items()
                 if row["count"] is not None and named[a] > row["count"]]
        self.assertEqual(wrong, [])

    def test_collection_is_the_same_with_and_without(self):
        self.assertEqual(self.collects[0], self.collects[1])
        self.assertEqual({int(o["id"], 16)
                          for o in self.collects[0]["objects"]},
                         self.export.unreachable())


def note(text):
    path = os.environ.get("REFSCOPE_TRUTH_REPORT")
    if path:
        with open(path, "a", encoding="utf-8") as report:
            report.write(text + "\n")


class WithoutArenas(Arenas):
    """There is nothing to sweep, and an answer all the same."""
    test_free_lists_are_those_of_the_interpreter = None
    test_all_that_can_be_named_is_swept = None
    test_tables_are_no_objects = None
    test_types_are_right = None


class Heaps(Arenas):
    """Of mimalloc, by thread: all blocks are in them, large ones too."""
    elsewhere = 7  # the fixture's FREED_ELSEWHERE

    def test_blocks_are_those_of_the_interpreter(self):
        number = self.interpreter.release < [3, 14]
        self.assertEqual(self.allocator["large"], 0)
        # What no thread may look at any more is given back later, by whatever
        # runs next: CPython Python/qsbr.c, _PyMem_FreeDelayed().
        self.assertIn(self.allocator["blocks"] - self.number,
                      (number, number - 1))

    def test_tables_are_no_objects(self):
        traps = self.load("traps.json")
        self.assertGreater(len(traps), 100)
        before = 24 if "debug" in self.expected else 8  # of a list's items
        self.assertEqual({a - before for a, _size in traps} -
                         self.sweep.others, set())
        inside = [self.sweep.objects[a + n] for a, size in traps
                  for n in range(0, size, 8) if a + n in self.sweep.objects]
        self.assertEqual(inside, [])

    def test_what_others_gave_back_is_free(self):
        told = collections.Counter(self.sweep.objects.values())
        self.assertGreaterEqual(told["bytearray"], 3000)


def kinds_of(one):
    """PYTHONMALLOC, what it makes of it, and the tests for that."""
    debug = "debug" in one.flavour
    if "t" in one.flavour.split("-"):
        return ((None, "mimalloc_debug" if debug else "mimalloc", Heaps),
                ("debug", "mimalloc_debug", Heaps))
    if one.release < [3]:
        return ((None, "pymalloc", Arenas),)  # chosen when it is built
    return ((None, "pymalloc_debug" if debug else "pymalloc", Arenas),
            ("pymalloc_debug", "pymalloc_debug", Arenas),
            ("malloc", "malloc", WithoutArenas))


FOUND = interpreters.find()
for one in FOUND:
    for malloc, what, tests in kinds_of(one):
        cases.make(globals(), tests, [one], after="_" + (malloc or "usual"),
                   malloc=malloc, expected=what)


if __name__ == "__main__":
    unittest.main()
