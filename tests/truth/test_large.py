# SPDX-License-Identifier: MIT
"""A heap so large that two threads read its core: as gc.collect() finds it,
and the same that one thread finds; or a word that memory or patience ended.
"""
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

import cases
import engine
import interpreters
from bounded import NOT_APPLICABLE
from targets import FIXTURES, Target, python, run

FEWEST = 200000  # objects that two threads read
GENERATIONS = (-1, 0, 1)
BOTH = sorted(os.sched_getaffinity(0))


def collect(session, generation=-1):
    try:
        return session.collect(generation, limit=0)
    except engine.EngineError as error:  # 3.14's increments
        return str(error)


class Watch:
    """What the engine does meanwhile; ends it at the last of some calls."""

    def __init__(self, last=None):
        self.last = last
        self.calls = self.threads = self.objects = 0

    def __call__(self, phase, _done, total):
        self.calls += 1
        if phase == "reading objects":
            self.objects = max(self.objects, total)
        self.threads = max(self.threads, len(os.listdir("/proc/self/task")))
        return self.calls != self.last


class Heap:
    """A core of it, and what gc.collect() returned."""
    interpreter = None

    @classmethod
    def setUpClass(cls):
        if cls.interpreter is None:
            return
        place = tempfile.TemporaryDirectory()
        cls.addClassCleanup(place.cleanup)
        with Target(python(cls.interpreter.path,
                           os.path.join(FIXTURES, "large.py")),
                    place.name) as target:
            target.wait_ready()
            cls.core = target.gcore()
            target.go_on()
            assert target.finish() == 0, target.printed
            cls.came = int(target.printed[-1].split()[1])


@unittest.skipIf(len(BOTH) < 2, "this machine has one processor")
class Large(Heap):
    """Mixed into a TestCase for each interpreter."""

    def tearDown(self):
        os.sched_setaffinity(0, BOTH)

    def answers(self, processors):
        os.sched_setaffinity(0, processors)
        before = len(os.listdir("/proc/self/task"))
        watch = Watch()
        with engine.Session(self.core, progress=watch) as session:
            told = [collect(session, g) for g in GENERATIONS]
        self.assertGreater(watch.objects, FEWEST)
        return told, watch.threads - before

    def test_two_threads_find_what_one_does(self):
        two, more = self.answers(BOTH)
        self.assertEqual(more, 1)
        one, more = self.answers(BOTH[:1])
        self.assertEqual(more, 0)
        # Not assertEqual: it would look for the differences for hours.
        self.assertTrue(one == two, "one thread finds something else")
        self.assertEqual(two[0]["unreachable"], self.came)
        self.assertEqual(len(two[0]["objects"]), self.came)

    def test_both_end_when_told_to(self):
        ended, at = 0, 1
        while True:  # at the first call, the second, and so on
            watch = Watch(at)
            with engine.Session(self.core, progress=watch) as session:
                told = collect(session)
                if watch.calls < at:  # it came to its end before
                    break
                self.assertRegex(told, "[Ii]nterrupted")
                self.assertEqual(session.collect(limit=1)["unreachable"],
                                 self.came)
            ended += 1
            at += 1 if ended < 4 else 3
        self.assertGreater(ended, 6)


# Lets one call for memory after another fail: each that maps, and of the others
# as many as there is time for. Prints a line each.
FAIL = """
import ctypes, os, random, sys, time
import engine
nth = ctypes.CDLL(os.environ["LD_PRELOAD"])
def told(number, only_mappings):
    try:
        nth.rs_fail_nth_begin(number, only_mappings)
        with engine.Session(sys.argv[1]) as session:
            answer = session.collect(limit=1)
        return answer["unreachable"], answer["unasked"], answer["limited"]
    except engine.EngineError as error:
        return str(error)
    finally:
        told.calls = nth.rs_fail_nth_calls()
        nth.rs_fail_nth_begin(0, False)
with engine.Session(sys.argv[1]):
    pass  # the engine is loaded, or there would be nothing to find
print(told(0, True), flush=True)
maps = told.calls
told(0, False)
others = list(range(1, told.calls + 1))
random.Random(3).shuffle(others)
for number in range(1, maps + 1):
    print(number, told(number, True), flush=True)
end = time.monotonic() + float(sys.argv[2])
for done, number in enumerate(others):
    print(number, told(number, False), flush=True)
    if done >= int(sys.argv[3]) and time.monotonic() > end:
        break
"""


@unittest.skipIf("REFSCOPE_PRELOAD" in os.environ, NOT_APPLICABLE +
                 "sanitizers have allocators of their own")
class LittleMemory(Heap, unittest.TestCase):
    """Whatever allocation fails, it is told; nothing is told wrong."""
    # For what it fails, one will do: 3.11, or the newest that there is.
    interpreter = ([one for one in interpreters.find()
                    if one.release == [3, 11]] +
                   [one for one in reversed(interpreters.find())
                    if not one.flavour])[0]
    SECONDS, FEWEST = 5, 20

    def test_one_allocation_fails(self):
        done = run(
            [sys.executable, "-B", "-c", FAIL, self.core, str(self.SECONDS),
             str(self.FEWEST)], 600,
            env=dict(os.environ, LD_PRELOAD=os.environ["REFSCOPE_FAIL_NTH"]),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        right, *lines = done.stdout.decode().splitlines()
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        self.assertTrue(right.startswith("(%d, " % self.came), right)
        self.assertGreater(len(lines), self.FEWEST)
        wrong = [line for line in lines
                 if line.split(" ", 1)[1] not in (right, "out of memory")]
        self.assertEqual(wrong, [])
        self.assertIn("out of memory", [line.split(" ", 1)[1]
                                        for line in lines])


class Threads(Heap, unittest.TestCase):
    """The whole graph is the same for any number of threads."""
    interpreter = LittleMemory.interpreter

    def test_what_is_exported_and_answered(self):
        digests = set()
        with tempfile.TemporaryDirectory() as folder:
            out = os.path.join(folder, "out.jsonl")
            for threads in (1, 2, 3, 8):
                with engine.Session(self.core, threads=threads) as session:
                    session.export(out, labels=False)
                    info = session.info()
                    answers = [info, session.types(), session.ledger()]
                # How long ago is by two clocks, read once for each session.
                state = info["runtimes"][0]["gc"]
                for one in state.get("last_collections", ()):
                    del one["ago_ns"]
                with open(out, "rb") as file:
                    digests.add((hashlib.sha256(file.read()).digest(),
                                 repr(answers)))
        self.assertTrue(len(digests) == 1, "it is not")


class Interrupted(Heap, unittest.TestCase):
    """Ctrl-C is looked at while a long answer is written, too."""
    interpreter = LittleMemory.interpreter

    def check(self, phase, ask):
        """The question ends when it is told to in that phase."""
        seen = []

        def progress(what, _done, _total):
            seen.append(what)
            return what != phase

        with engine.Session(self.core, progress=progress) as session:
            with self.assertRaisesRegex(engine.EngineError, "nterrupted"):
                ask(session)
            self.assertEqual(seen.count(phase), 1, set(seen))

    def test_a_long_listing(self):
        self.check("writing the answer", lambda s: s.collect(limit=0))

    def test_many_cycles(self):
        for phase in ("computing sizes of cycles", "looking for cuts",
                      "writing the answer"):
            with self.subTest(phase):
                self.check(phase, lambda s: s.cycles(
                    alive=True, limit=1 << 40))

    def test_all_that_is_reachable(self):
        self.check("writing the answer", lambda s: s.reachable(
            s.resolve("sys.modules")))

    def test_an_export_of_a_core_that_changes_meanwhile(self):
        with tempfile.TemporaryDirectory() as folder:
            core = os.path.join(folder, "core")
            out = os.path.join(folder, "out.jsonl")
            shutil.copy(self.core, core)

            def progress(what, _done, _total):
                if what == "writing objects":
                    with open(core, "ab") as file:
                        file.write(b"x")
                return True

            with engine.Session(core, progress=progress) as session:
                with self.assertRaisesRegex(engine.EngineError,
                                            "changed on disk"):
                    session.export(out)
            self.assertEqual(os.listdir(folder), ["core"])

    def test_a_tree_of_referrers(self):
        self.check("writing the answer", lambda s: s.referrers(
            s.resolve("__main__.Node"), 9))


# The lists have one form up to 3.7, and another from 3.8 on.
FOUND = interpreters.one_of_each(interpreters.find())
cases.make(globals(), Large, [
    one for one in FOUND if one in interpreters.ends(FOUND) or
    one.release in ([3, 7], [3, 11])])


if __name__ == "__main__":
    unittest.main()
