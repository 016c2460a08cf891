# SPDX-License-Identifier: MIT
"""Free-threaded builds: what waits in a blocked thread's merge queue."""
import os
import tempfile
import unittest

import debugger
import engine
import interpreters
from targets import FIXTURES, Target, python


class Queue:
    """Mixed into a TestCase for each interpreter."""
    interpreter = None

    @classmethod
    def setUpClass(cls):
        cls.place = tempfile.TemporaryDirectory()
        with Target(python(cls.interpreter.path, os.path.join(
                FIXTURES, "merge_queue.py")), cls.place.name) as target:
            said = [int(w) for w in target.wait_ready()]
            cls.waiting, cls.objects = said[0], said[1:]
            target.rest()
            cls.core = target.gcore()
            target.finish()
            cls.collected, = [int(line.split()[1]) for line in target.printed
                              if line.startswith("COLLECTED")]

    @classmethod
    def tearDownClass(cls):
        cls.place.cleanup()

    def test_info_says_how_much_waits_for_which_thread(self):
        with engine.Session(self.core) as session:
            runtime, = session.info()["runtimes"]
        blocked, = [t for t in runtime["threads"]
                    if t["merge_queue"]["objects"]]
        self.assertEqual(blocked["merge_queue"]["objects"], self.waiting)
        self.assertGreaterEqual(blocked["merge_queue"]["bytes"],
                                16 * self.waiting)
        self.assertEqual(blocked["frames"][0]["function"], "blocked")
        self.assertEqual(blocked["waits"]["name"], "futex")
        self.assertGreaterEqual(blocked["waits"]["for_ns"], 0)

    def test_the_queue_is_a_holder_of_the_count(self):
        free, ring, kept = self.objects
        with engine.Session(self.core) as session:
            counts = [session.count(o) for o in (free, ring, kept)]
        for answer in counts:
            self.assertEqual(answer["unexplained"], 0)
        roots = [[h["root"] for h in answer["holders"]
                  if h["kind"] == "root"] for answer in counts]
        for told in roots[:2]:
            self.assertEqual(len(told), 1)
            self.assertRegex(told[0], r"\Athread \d+: merge queue \(%d "
                             r"objects wait until it goes on; it is in "
                             r"blocked, line \d+, waits in futex, for "
                             r"\d+\.\d{3} s\)\Z" % self.waiting)

    def test_a_collection_merges_first(self):
        with engine.Session(self.core) as session:
            collect = session.collect()
            shown = session.show(self.objects[0])
        self.assertEqual(collect["unreachable"], self.collected)
        self.assertGreaterEqual(self.collected, self.waiting)
        self.assertTrue(shown["unreachable"])

    def test_what_is_typed(self):
        typed = debugger.run(self.core, ["refs info"], self.interpreter.path)
        self.assertRegex(" ".join(typed.parts[0].split()),
                         r"thread \d+, %d objects \([0-9.]+ KiB\) in its "
                         r"merge queue: blocked \([^)]+\) .*? "
                         r"waits in futex, for [0-9.]+ (s|ms|us)\b"
                         % self.waiting)


FOUND = [i for i in interpreters.find() if "t" in i.flavour.split("-")[0]]
for one in FOUND:
    globals()["Queue_" + one.name] = type(
        "Queue_" + one.name, (Queue, unittest.TestCase), {"interpreter": one})


if __name__ == "__main__":
    unittest.main()
