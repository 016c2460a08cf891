# SPDX-License-Identifier: MIT
"""A heap so large that two threads read its core: as gc.collect() finds it,
and the same that one thread finds; or a word that memory or patience ended.
"""
import os
import resource
import subprocess
import sys
import tempfile
import unittest

import engine
import interpreters
from targets import FIXTURES, Target

FEWEST = 200000  # objects that two threads read
GENERATIONS = (-1, 0, 1)
BOTH = sorted(os.sched_getaffinity(0))
MIB = 1 << 20


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
        place = tempfile.TemporaryDirectory()
        cls.addClassCleanup(place.cleanup)
        with Target([cls.interpreter.path, "-B",
                     os.path.join(FIXTURES, "large.py")],
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


def found_with(core, mib):
    """In a process that may have no more address space: a word of it."""
    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (mib * MIB, mib * MIB))
    code = ("import sys, engine\n"
            "try:\n"
            "    with engine.Session(sys.argv[1]) as s:\n"
            "        print(s.collect(limit=1)['unreachable'])\n"
            "except (engine.EngineError, MemoryError, OSError) as e:\n"
            "    print('refused:', e)\n")
    done = subprocess.run([sys.executable, "-B", "-c", code, core],
                          preexec_fn=limit, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    return done.returncode, done.stdout.decode().strip()


@unittest.skipIf("REFSCOPE_PRELOAD" in os.environ,
                 "sanitizers need more address space than there is")
class LittleMemory(Heap, unittest.TestCase):
    """Whatever allocation fails first, it is told; nothing is told wrong."""
    interpreter = next((one for one in interpreters.find()
                        if one.version.startswith("3.")), None)

    def test_it_is_told(self):
        size, refused, right = os.path.getsize(self.core) // MIB, 0, 0
        for mib in range(size + 20, size + 260, 4):
            status, told = found_with(self.core, mib)
            self.assertEqual(status, 0, told)
            if told.startswith("refused: "):
                refused += 1
            else:
                self.assertEqual(int(told), self.came, "%d MiB" % mib)
                right += 1
        self.assertGreater(refused, 3)
        self.assertGreater(right, 3)


FOUND = interpreters.find()
for each in FOUND:
    globals()["Large_" + each.name] = type(
        "Large_" + each.name, (Large, unittest.TestCase),
        {"interpreter": each})


def setUpModule():
    sys.stderr.write(interpreters.report(FOUND) + "\n")


if __name__ == "__main__":
    unittest.main()
