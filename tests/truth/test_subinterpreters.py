# SPDX-License-Identifier: MIT
"""Several interpreters in one process, each held against its own truth.

Each has objects, garbage and, where it may, a thread of its own; what it has
it tells itself, in a copy of the process. Two forms: interpreters that one
makes (from 3.8 on; one has a lock and an allocator of its own from 3.12 on),
and a C program that embeds Python, for every libpython with headers beside.
"""
import collections
import json
import os
import subprocess
import tempfile
import unittest

import cases
import compare
import engine
import interpreters
from bounded import not_applicable
from targets import FIXTURES, Target, python, quiet_environment

HERE = os.path.dirname(os.path.abspath(__file__))
NUMBERS = (0, 1, 2)
RINGS = 3 + 4 + 5  # that they left
SECONDS = 120
# What is made by asking: a list, frames, and what is made on first use.
MADE = 12
BUILD = """import json, sysconfig
v = sysconfig.get_config_var
print(json.dumps([v("INCLUDEPY"), v("LIBDIR"), v("LDVERSION") or v("VERSION"),
                  v("Py_ENABLE_SHARED"), v("prefix")]))"""


class Heap:
    """What one interpreter said, in the form of a compare.Truth."""

    def __init__(self, folder, number):
        with open(os.path.join(folder, "collect.%d" % number)) as text:
            self.collected = int(text.read())
        with open(os.path.join(folder, "facts.%d" % number)) as text:
            self.held, self.kept, self.plain = map(int, text.read().split())
        self.objects, self.known = {}, set()
        with open(os.path.join(folder, "heap.%d" % number)) as lines:
            for line in lines:
                address, kind, known, *refs = line.split()
                self.objects[int(address)] = [kind, 0, list(map(int, refs)),
                                              True]
                if known == "1":
                    self.known.add(int(address))

    def rows(self, tracked):
        for address in self.known if tracked else ():
            kind, count, refs, _ = self.objects[address]
            # A threading.local keeps a set of the threads that used it: one
            # more for each time that something is run in an interpreter.
            if kind != "set":
                yield address, kind, count, refs


class Several:
    """Mixed into a TestCase for each interpreter and form."""
    interpreter = None
    main = "__main__.KEPT['held']"

    @classmethod
    def command(cls, folder):
        raise NotImplementedError

    @classmethod
    def setUpClass(cls):
        place = tempfile.TemporaryDirectory()
        cls.contexts = [place]
        cls.folder = place.name
        cls.target = Target(cls.command(cls.folder), cls.folder)
        cls.contexts.append(cls.target)
        try:
            cls.target.wait_ready()
        except AssertionError:
            cls.tearDownClass()
            raise
        cls.heaps = [Heap(cls.folder, n) for n in NUMBERS]
        cls.core = cls.target.gcore()
        cls.target.stop()
        cls.answers = {}
        # From 3.9 on each interpreter has its own collector; without the
        # lock its objects are in the heaps of all.
        cls.apart = not cls.interpreter.flavour.startswith("t") and \
            cls.interpreter.release >= [3, 9]

    @classmethod
    def tearDownClass(cls):
        for context in reversed(cls.contexts):
            context.__exit__(None, None, None)
        cls.heaps = cls.answers = None

    def exported(self):
        """Of the core alone: what is read of a process is the same."""
        if "export" not in self.answers:
            path = os.path.join(self.folder, "export.jsonl")
            with engine.Session(self.core, exact="off") as session:
                session.export(path)
            self.answers["export"] = compare.Export(path)
        return self.answers["export"]

    def ask(self, name):
        if name not in self.answers:
            source = {"live": self.target.pid, "gcore": self.core}.get(name)
            if name == "kernel":
                source = self.target.kernel_core()
                if source is None:
                    self.skipTest("the kernel writes no core here")
            with engine.Session(source, exact="off") as session:
                self.answers[name] = {
                    "info": session.info(), "gc": session.gc(),
                    "collect": session.collect(),
                    "named": session.resolve(self.main),
                    "held": [session.count(h.held) for h in self.heaps],
                    "kept": [session.count(h.kept) for h in self.heaps]}
        return self.answers[name]

    def each(self, answer):
        """Pairs of what was told of an interpreter and what it said."""
        told = answer["collect"].get("interpreters", [])
        if not self.apart:
            self.assertEqual(told, [])
            return []
        self.assertEqual([t["id"] for t in told], list(NUMBERS))
        return list(zip(told, self.heaps))

    def check_info(self, name):
        answer = self.ask(name)
        self.assertEqual(answer["info"]["problems"], [])
        runtime, = answer["info"]["runtimes"]
        self.assertEqual(runtime["interpreters"], len(NUMBERS))
        threads = collections.Counter(t["interpreter"]
                                      for t in runtime["threads"])
        for number in NUMBERS:
            self.assertGreaterEqual(threads[number],
                                    self.has_thread(number) + (number == 0))
        frames = [[f["function"] for f in t["frames"]]
                  for t in runtime["threads"]]
        waiting = [f for f in frames if "wait" in f]
        self.assertEqual(len(waiting), sum(map(self.has_thread, NUMBERS)))
        self.assertEqual(answer["named"], self.heaps[0].held)

    def test_tracked_objects_are_those_of_all(self):
        export = self.exported()
        found = export.tracked()
        said = set()
        for heap in self.heaps:
            lacking = heap.known - found
            self.assertFalse([heap.objects[a][0] for a in lacking])
            self.assertLessEqual(len(set(heap.objects) - found), MADE)
            said.update(heap.objects)
        self.assertLessEqual(len(found - said), MADE, [
            export.objects[a]["type"] for a in found - said][:20])

    def check_each(self, name):
        """As many as len(gc.get_objects()) in each."""
        answer = self.ask(name)
        found = self.exported().tracked()
        collectors = answer["gc"]["runtimes"][0].get("interpreters", [])
        pairs = self.each(answer)
        self.assertEqual(len(collectors), len(pairs))
        for (told, heap), collector in zip(pairs, collectors):
            self.assertEqual(collector["id"], told["id"])
            self.assertIs(collector["enabled"], False)
            frozen = collector["frozen"] or 0
            self.assertEqual(told["tracked"], sum(
                g["objects"] for g in collector["generations"]))
            mine = set(heap.objects) & found
            gone = told["tracked"] + frozen - len(mine)
            self.assertLessEqual(0, gone)
            self.assertLessEqual(gone, MADE)
            self.assertGreater(len(heap.known), 1000)

    def test_code_runs_in_each(self):
        if self.interpreter.flavour.startswith("t"):
            not_applicable("a free-threaded build runs nothing")
        with engine.Session(self.core) as session:
            for number in NUMBERS:
                try:
                    got = session.eval(
                        "import sys\nprint(id(sys.modules['__main__']"
                        ".KEPT['held']))", interpreter=number)
                except engine.EngineError as error:
                    # GDB may leave stacks out.
                    self.assertRegex(
                        str(error), "the core lacks the memory of thread"
                        if self.has_thread(number) else
                        "there is no interpreter %d with a thread" % number)
                    continue
                self.assertEqual(got["printed"].strip(),
                                 str(self.heaps[number].held), str(got))
            with self.assertRaisesRegex(engine.EngineError,
                                        "there is no interpreter 77 "):
                session.eval("1", interpreter=77)

    def test_references(self):
        for heap in self.heaps:
            every, _extra = compare.references(heap, self.exported(), True)
            self.assertGreater(every.total, 1000)
            self.assertEqual(every.equal, every.total, str(every))

    def check_collection(self, name):
        answer = self.ask(name)
        told = answer["collect"]
        for one, heap in self.each(answer):
            self.assertEqual(one["unreachable"], heap.collected)
        self.assertEqual({int(o["id"], 16) for o in told["objects"]},
                         self.exported().unreachable())
        if self.apart:  # no two the same
            self.assertEqual(len({h.collected for h in self.heaps}),
                             len(NUMBERS))
        if self.interpreter.flavour.startswith("t"):
            # Code that was run is garbage there, and to collect runs code.
            types = collections.Counter(o["type"] for o in told["objects"])
            self.assertEqual((types.pop("Plain"), types.pop("list")),
                             (RINGS, RINGS))
            self.assertLessEqual(set(types), {"code", "tuple"})
            return
        # One collector for all returns what it finds of all.
        one_for_all = self.interpreter.release < [3, 9]
        self.assertEqual(told["unreachable"],
                         self.heaps[0].collected if one_for_all else
                         sum(h.collected for h in self.heaps))

    def check_counts(self, name):
        answer = self.ask(name)
        for number, heap in zip(NUMBERS, self.heaps):
            held, kept = answer["held"][number], answer["kept"][number]
            self.assertEqual(held["object"]["type"], "Plain")
            self.assertEqual((held["unexplained"], kept["unexplained"]),
                             (0, 0), (number, held, kept))
            # Up to 3.10 the frame is an object.
            names = [h.get("root") or h["label"] for h in held["holders"]]
            self.assertEqual(any(n.startswith("local mine") for n in names),
                             self.has_thread(number), names)
            self.assertIn(heap.kept, [
                int(h["object"]["id"], 16) for h in held["holders"]
                if "object" in h])
            # The dict of the module that KEPT is a variable of.
            labels = [h["label"] for h in kept["holders"] if "object" in h]
            self.assertIn("['KEPT']", labels)

    def has_thread(self, _number):
        return True

    def test_info_live(self):
        self.check_info("live")

    def test_info_of_a_core(self):
        self.check_info("gcore")

    def test_each_has_its_own_live(self):
        self.check_each("live")

    def test_each_has_its_own_of_a_core(self):
        self.check_each("gcore")

    def test_collections_live(self):
        self.check_collection("live")

    def test_collections_of_a_core(self):
        self.check_collection("gcore")

    def test_collections_of_a_core_by_the_kernel(self):
        self.check_collection("kernel")

    def test_counts_live(self):
        self.check_counts("live")

    def test_counts_of_a_core(self):
        self.check_counts("gcore")


class Made(Several):
    """Interpreters that a Python program makes."""

    @classmethod
    def command(cls, folder):
        return python(cls.interpreter.path,
                      os.path.join(FIXTURES, "subinterpreters.py"))

    def has_thread(self, number):
        return number == 0 or self.interpreter.release >= [3, 12]


class Embedded(Several):
    """Interpreters in a C program."""
    build = None

    @classmethod
    def command(cls, folder):
        include, libraries, name, _shared, prefix = cls.build
        program = os.path.join(folder, "embeds")
        subprocess.run(
            [os.environ.get("CC", "cc"), "-std=gnu99", "-w", "-o", program,
             os.path.join(HERE, "embeds.c"), "-I" + include,
             "-L" + libraries, "-Wl,-rpath," + libraries,
             "-lpython" + name], check=True, timeout=SECONDS,
            env=quiet_environment())
        return [program, prefix, os.path.join(FIXTURES, "one_interpreter.py")]


def build_of(interpreter):
    """How to build against it, or None."""
    done = subprocess.run([interpreter.path, "-c", BUILD], check=False,
                          stdout=subprocess.PIPE, timeout=SECONDS,
                          env=quiet_environment())
    if done.returncode:
        return None
    build = json.loads(done.stdout.decode())
    if not build[3] or not os.path.exists(os.path.join(build[0], "Python.h")):
        return None
    return build


FOUND = interpreters.find()
cases.make(globals(), Made, [i for i in FOUND if i.release >= [3, 8]])
for one in FOUND:
    # The others, with threads in all, are as these.
    if one.release < [3, 8] or one.release == [3, 11]:
        build = build_of(one)
        if build:
            cases.make(globals(), Embedded, [one], build=build)


if __name__ == "__main__":
    unittest.main()
