# SPDX-License-Identifier: MIT
"""A heap so large that two threads read its core: as gc.collect() finds it,
and the same that one thread finds.
"""
import os
import sys
import tempfile
import unittest

import engine
import interpreters
from targets import FIXTURES, Target

GENERATIONS = (-1, 0, 1)


class Large:
    """Mixed into a TestCase for each interpreter."""
    interpreter = None

    def on_processors(self, processors):
        before = os.sched_getaffinity(0)
        self.addCleanup(os.sched_setaffinity, 0, before)
        os.sched_setaffinity(0, processors)

    def answers(self, core):
        with engine.Session(core) as session:
            told = []
            for generation in GENERATIONS:
                try:
                    told.append(session.collect(generation, limit=0))
                except engine.EngineError as error:  # 3.14's increments
                    told.append(str(error))
            return told

    def test_two_threads_find_what_one_does(self):
        both = os.sched_getaffinity(0)
        self.assertGreater(len(both), 1, "only one processor")
        with tempfile.TemporaryDirectory() as folder, \
                Target([self.interpreter.path, "-B",
                        os.path.join(FIXTURES, "large.py")],
                       folder) as target:
            target.wait_ready()
            core = target.gcore()
            target.go_on()
            self.assertEqual(target.finish(), 0, target.printed)
            came = int(target.printed[-1].split()[1])
            two = self.answers(core)
            self.on_processors({min(both)})
            one = self.answers(core)
        # Not assertEqual: it would look for the differences for hours.
        self.assertTrue(one == two, "one thread finds something else")
        self.assertEqual(two[0]["unreachable"], came)
        self.assertEqual(len(two[0]["objects"]), came)
        # Of more than twice as many: two threads read from 200,000 on.
        self.assertGreater(came, 80000)


FOUND = interpreters.find()
for each in FOUND:
    globals()["Large_" + each.name] = type(
        "Large_" + each.name, (Large, unittest.TestCase),
        {"interpreter": each})


def setUpModule():
    sys.stderr.write(interpreters.report(FOUND) + "\n")


if __name__ == "__main__":
    unittest.main()
