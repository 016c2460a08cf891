# SPDX-License-Identifier: MIT
"""The last collections that refs gc lists, held against what the interpreter
told its own gc.callbacks. CPython 3.15 and later keep them."""
import json
import os
import tempfile
import time
import unittest

import cases
import debugger
import engine
import interpreters
from targets import FIXTURES, Target

KEPT = {0: 10, 1: 2, 2: 2}
SLACK = 5e9  # ns that a core is older than its file, and clocks apart


class History:
    """Mixed into a TestCase for each interpreter."""
    interpreter = None

    @classmethod
    def setUpClass(cls):
        cls.place = tempfile.TemporaryDirectory()
        with Target([cls.interpreter.path, "-S", "-E", os.path.join(
                FIXTURES, "collections_run.py")], cls.place.name) as target:
            target.wait_ready()
            target.stop()
            with open(os.path.join(cls.place.name, "runs.json"),
                      encoding="utf-8") as said:
                cls.said = json.load(said)
            with engine.Session(target.pid) as session:
                cls.now = time.monotonic_ns()
                cls.live, = session.gc()["runtimes"]
            cls.core = target.gcore()
            cls.written = time.monotonic_ns()
        with engine.Session(cls.core) as session:
            cls.dead, = session.gc()["runtimes"]

    @classmethod
    def tearDownClass(cls):
        cls.place.cleanup()

    def kept(self):
        """What the interpreter said of those that it keeps, newest first."""
        left, found = dict(KEPT), []
        for run in reversed(self.said["runs"]):
            if left[run["generation"]]:
                left[run["generation"]] -= 1
                found.append(run)
        return found

    def check(self, answer, moment):
        said, read = self.kept(), answer["last_collections"]
        self.assertEqual(
            [(o["generation"], o["collected"], o["uncollectable"])
             for o in read],
            [(r["generation"], r["collected"], r["uncollectable"])
             for r in said])
        for run, one in zip(said, read):
            self.assertLessEqual(one["duration_ns"],
                                 run["stop"] - run["start"])
            self.assertGreaterEqual(one["candidates"], one["collected"])
            stop = moment - one["ago_ns"]
            self.assertGreater(stop, run["start"] - SLACK)
            self.assertLess(stop, run["stop"] + SLACK)

    def test_live(self):
        if "last_collections" not in self.live:
            self.assertLess(self.interpreter.release, [3, 15])
            return
        self.assertEqual(self.live["ago_by"], "now")
        self.check(self.live, self.now)

    def test_of_a_core(self):
        if "last_collections" not in self.dead:
            self.assertLess(self.interpreter.release, [3, 15])
            return
        self.assertEqual(self.dead["ago_by"], "core file")
        self.check(self.dead, self.written)

    def test_what_is_typed(self):
        typed = debugger.run(self.core, ["refs gc"], self.interpreter.path)
        text = typed.parts[0]
        self.assertRegex(text, r"  off: [3-9],\d+ objects more were allocated "
                         r"than freed since the last collection; enabled, it "
                         r"runs at [\d,]+\n")
        shown = self.interpreter.release >= [3, 15]
        self.assertEqual(shown, "last collections, by when the core file was "
                         "written:\n" in text, text)
        if shown:
            self.assertRegex(text, r"\n +2 +[\d.]+ \w+ +[\d.]+ (us|ms|s) +1 "
                             r"+0 +[\d,]+ +[\d,]+\n")


cases.make(globals(), History, [i for i in interpreters.find()
                                if not i.flavour and i.release >= [3, 7]])


if __name__ == "__main__":
    unittest.main()
