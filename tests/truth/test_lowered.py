# SPDX-License-Identifier: MIT
"""Bounds that no target reaches here, lowered: each is told (helper/BOUNDS.md).

One engine is built in which they can be lowered (lowered.py), and one core of
each interpreter of fixtures/python/many.py is looked at with one lowered at a
time. What a bound leaves out has to be told by every answer that it spoils.
"""
import os
import subprocess
import tempfile
import unittest

import engine
import interpreters
import lowered
import spoil
from targets import FIXTURES, Target, quiet_environment

DECODE = "runtime/cpython/decode/"
HEAP = "runtime/cpython/heap/"
ROOTS = "runtime/cpython/roots/"
STATE = "runtime/cpython/state/"
PARTIAL = "could be read in part only"
# (file, bound, value, what says so, releases or () for all of WANTED, whether
# every answer says so or the ledger alone, which reads what others do not).
CASES = [
    ("memory/core/notes.c", "RS_MAX_THREADS", 1, "more than 1 threads", ()),
    ("roots/glibc_heaps.c", "RS_ARENAS_MAX", 1, "more than 1 arenas", ()),
    ("roots/glibc_heaps.c", "RS_HEAPS_MAX", 0, "more than 0 heaps", ()),
    ("roots/glibc_lists.c", "RS_LIST_MAX", 1,
     "a list of more than 1 free blocks", ()),
    (DECODE + "size_rules.c", "RS_CODES_MAX", 1, PARTIAL, ([3, 11], [3, 13])),
    (DECODE + "size_rules.c", "RS_TEXT_MAX", 1, PARTIAL,
     ([3, 11], [3, 13])),
    (DECODE + "size_rules.c", "RS_DIMENSIONS_MAX", 1, PARTIAL,
     ([3, 11], [3, 13])),
    (DECODE + "decode.h", "RS_PY_GUESS_MAX", 8, PARTIAL, ([3, 11],)),
    (DECODE + "module_state.c", "RS_CALLBACKS_MAX", 0, PARTIAL, ([3, 9],)),
    (DECODE + "module_state.c", "RS_CONDITIONS_MAX", 0, PARTIAL, ([3, 13],)),
    (DECODE + "module_state.c", "RS_PY_STATE_MAX", 1, PARTIAL, ([3, 13],)),
    (DECODE + "old_class.c", "RS_CLASSES_MAX", 1,
     "more than 1 bases; a __del__ of the others", ([2, 7],)),
    (HEAP + "arenas.c", "RS_SLOTS_MAX", 1,
     "of which 1 are looked at", ([3, 13],)),
    (HEAP + "wellknown.c", "RS_SEARCH_MAX", 1,
     "no class made in Python among the first 1 objects", ([3, 11],)),
    (HEAP + "words.c", "RS_CHUNK_MAX", 1, "frames is damaged", ([3, 11],)),
    (HEAP + "words.c", "RS_STACK_MAX", 0, "value stack of a frame is damaged",
     ([2, 7], [3, 9], [3, 11])),
    (ROOTS + "roots.h", "RS_PY_MAX_CALLBACKS", 0,
     "number of atexit callbacks, 3, is damaged", ([3, 11], [3, 13])),
    (ROOTS + "static_roots.c", "RS_SUBCLASSES_MAX", 2,
     "more than 2 subclasses", ([2, 7],)),
    (STATE + "discover.h", "RS_PY_MAX_THREADS", 1,
     "more than 1 threads; references from the others", ([3, 11],)),
    (STATE + "discover.h", "RS_PY_MAX_FRAMES", 1,
     "more than 1 frames; references from the others", ([3, 11],)),
    (STATE + "version.c", "RS_SCAN_MAX", 1, "what has no symbol", ([3, 11],)),
    ("runtime/native/native_open.c", "RS_MOST_SCANNED", 1,
     "not searched for registries of librefscope", ([3, 11],)),
    ("runtime/runtime.c", "RS_MAX_REFS", 64, PARTIAL, ([3, 11],)),
    ("runtime/runtime.c", "RS_MAX_TYPES", 10, PARTIAL, ([3, 11],)),
]
# The same with modules of the distribution's Python, which have to be there.
SYSTEM = "/usr/bin/python3"
OF_MODULES = [
    ("numpy", DECODE + "numpy.c", "RS_NPY_DEPTH", 0, PARTIAL),
    ("greenlet", "runtime/cpython/roots/greenlet.c", "RS_CHUNKS_MAX", 0,
     PARTIAL),
    ("numpy", DECODE + "numpy.c", "RS_A_MOST", 0,
     "type numpy.ndarray is not laid out as in a known release"),
]
# Each has a test of its own below.
OTHERS = [
    ("action/rehearse.c", "RS_WATCH_MAX"),
    ("memory/resident.c", "RS_MAPPED_MOST"),
    (DECODE + "lines.c", "RS_TABLE_MAX"),
    (HEAP + "collecting_lists.c", "RS_STACK_MAX"),
    ("runtime/native/native.h", "RS_NATIVE_GARBAGE"),
    ("session/exact_consent.c", "RS_NAMED_MAX"),
]
# What makes two of the one number that gc.collect() returns, by releases. Only
# from 3.12 on a generator without a try has a handler.
ENDINGS = {"RS_INNER_MAX": ([3, 11], [3, 13]), "RS_HANDLERS_MAX": ([3, 13],),
           "RS_ENTRIES_MAX": ([3, 13],)}
COLLECTING = """
import gc, os, sys, weakref
class Node(object):
    pass
def wait(*_told):
    print("READY %d" % os.getpid())
    sys.stdout.flush()
    sys.stdin.readline()
ring = Node()
ring.own = ring
seen = weakref.ref(ring, wait)
del ring
gc.collect()
"""
WANTED = ([2, 7], [3, 9], [3, 11], [3, 13])
FOUND = [next((i for i in interpreters.one_of_each(interpreters.find())
               if i.release == release and not i.flavour), None)
         for release in WANTED]


class Lowered(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        place = tempfile.TemporaryDirectory()
        cls.addClassCleanup(place.cleanup)
        cls.folder = place.name
        names = {}
        for path, name, *_rest in CASES:
            if name not in names.setdefault(path, []):
                names[path].append(name)
        names[STATE + "ending.c"] = list(ENDINGS)
        for path, name in [case[1:3] for case in OF_MODULES] + OTHERS:
            names.setdefault(path, []).append(name)
        whole = os.environ["REFSCOPE_ENGINE"]
        cls.addClassCleanup(os.environ.update, REFSCOPE_ENGINE=whole)
        os.environ["REFSCOPE_ENGINE"] = lowered.engine_with(
            names, os.environ["REFSCOPE_BUILD"], cls.folder)

    def problems(self, core):
        """What the ledger says, which reads all that others do."""
        with engine.Session(core, exact="off") as session:
            session.ledger()
            return "\n".join(session.info()["problems"])

    def look(self, interpreter):
        command = [interpreter.path, "-s", "-S", "-B",
                   os.path.join(FIXTURES, "many.py")]
        with tempfile.TemporaryDirectory() as folder, \
                Target(command, folder) as target:
            target.wait_ready()
            core = target.gcore()
            self.assertEqual(self.problems(core), "")
            for _path, name, value, text, releases in CASES:
                if releases and interpreter.release not in releases:
                    continue
                with self.subTest(interpreter=interpreter.name, bound=name), \
                        lowered.bounds(**{name: value}):
                    self.assertIn(text, self.problems(core))
            self.endings(core, interpreter.release)
            if interpreter.release == [3, 11]:
                self.of_a_process(target)
                self.lines(core)
                self.watched(core)
                self.named(core, interpreter)

    def both(self, name, value, look, *of):
        """What `look` says without the bound and with it."""
        without = look(*of)
        with self.subTest(bound=name), lowered.bounds(**{name: value}):
            return without, look(*of)

    def of_a_process(self, target):
        """Which of its memory is there is known, or nothing of it is said."""
        def balance(pid):
            with engine.Session(pid, exact="off") as session:
                session.ledger()
                info = session.info()
                return info["balance"], info["problems"]
        whole, none = self.both("RS_MAPPED_MOST", 1, balance, target.pid)
        self.assertGreater(whole[0]["memory"], 0)
        self.assertEqual(whole[1], [])
        self.assertIsNone(none[0])
        self.assertIn("too much is mapped", none[1][0])

    def lines(self, core):
        """A line is right, or not said."""
        def lines(core):
            with engine.Session(core, exact="off") as session:
                [runtime] = session.info()["runtimes"]
                return [frame["line"] for thread in runtime["threads"]
                        for frame in thread["frames"]]
        known, unknown = self.both("RS_TABLE_MAX", 1, lines, core)
        self.assertTrue(all(known), known)
        self.assertEqual(unknown, [0] * len(known))

    def watched(self, core):
        """More can be reached from a reference than is watched."""
        def drop(core):
            with engine.Session(core, run=True) as session:
                cut = session.cycles(limit=1)["cycles"][0]["cuts"][0]
                answer = session.rehearse_drop(
                    int(cut["object"]["id"], 16), cut["label"])
                return answer["watched"], answer["limited"]
        whole, part = self.both("RS_WATCH_MAX", 5, drop, core)
        self.assertGreater(whole[0], 5)
        self.assertFalse(whole[1])
        self.assertEqual(part, (5, True))

    def named(self, core, interpreter):
        """Spoils the core: a type whose function is none."""
        with engine.Session(core, exact="off") as session:
            address = session.resolve("__main__.Oldest")
        spoil.Core(core).write(address + spoil.traverse(interpreter), 0x1234)
        def refused(core):
            with engine.Session(core, exact="on") as session:
                session.collect(limit=0)
                return "\n".join(session.info()["problems"])
        one, rest = self.both("RS_NAMED_MAX", 0, refused, core)
        self.assertIn("1 objects of type Oldest were read", one)
        self.assertNotIn("other types", one)
        self.assertIn("1 objects of 1 other types were not traversed", rest)

    def endings(self, core, release):
        """A bound of what generators do when they end makes it uncertain."""
        low, high = self.returns(core)
        self.assertEqual(low, high)
        for name, releases in ENDINGS.items():
            if release not in releases:
                continue
            with self.subTest(release=release, bound=name), \
                    lowered.bounds(**{name: 0}):
                less, more = self.returns(core)
                self.assertLess(less, more)
                self.assertLessEqual(less, low)
                self.assertGreaterEqual(more, high)

    @staticmethod
    def returns(core):
        with engine.Session(core, exact="off") as session:
            return session.collect(limit=0)["returns"]

    def test_of_modules_too(self):
        known = [case for case in OF_MODULES if os.access(SYSTEM, os.X_OK) and
                 not subprocess.run([SYSTEM, "-c", "import " + case[0]],
                                    check=False, stderr=subprocess.DEVNULL,
                                    env=quiet_environment()).returncode]
        if not known:
            self.skipTest("neither python3-numpy nor python3-greenlet")
        command = [SYSTEM, "-B", os.path.join(FIXTURES, "many.py")]
        with tempfile.TemporaryDirectory() as folder, \
                Target(command, folder) as target:
            target.wait_ready()
            core = target.gcore()
            self.assertEqual(self.problems(core), "")
            for _module, _path, name, value, text in known:
                with self.subTest(bound=name), \
                        lowered.bounds(**{name: value}):
                    self.assertIn(text, self.problems(core))

    def test_lists_of_a_running_collection(self):
        # In 2.7 no variable says that one is running.
        found = [i for i in FOUND if i and i.release in ([2, 7], [3, 11])]
        if not found:
            self.skipTest("no interpreter of 2.7 or 3.11")
        for interpreter in found:
            self.while_collecting(interpreter)

    def while_collecting(self, interpreter):
        command = [interpreter.path, "-s", "-S", "-B", "-c", COLLECTING]
        with tempfile.TemporaryDirectory() as folder, \
                Target(command, folder) as target:
            target.wait_ready()
            whole, part = self.both("RS_STACK_MAX", 16, self.problems,
                                    target.gcore())
        text = "lists of a running collection are looked for in"
        self.assertIn("in the middle of a collection", whole)
        self.assertNotIn(text, whole)
        self.assertIn(text, part)

    def test_a_garbage_list_of_c(self):
        program = os.path.join(os.environ["REFSCOPE_BUILD"], "fixtures",
                               "native", "leak")
        def collect(core):
            with engine.Session(core, exact="off") as session:
                return session.collect(limit=0)
        with tempfile.TemporaryDirectory() as folder, \
                Target([program, "one", "--stop-after"], folder) as target:
            target.wait_ready()
            whole, part = self.both("RS_NATIVE_GARBAGE", 0, collect,
                                    target.gcore())
        self.assertEqual(whole["garbage"], 1)
        self.assertNotIn("problems", whole)
        self.assertEqual(part["garbage"], 0)
        self.assertIn("a garbage list has 1 entries, of which the first 0 "
                      "are read", part["problems"][0])

    def test_what_a_bound_leaves_out_is_told(self):
        if not any(FOUND):
            self.skipTest("no interpreter of these releases")
        for interpreter in filter(None, FOUND):
            self.look(interpreter)


if __name__ == "__main__":
    unittest.main()
