# SPDX-License-Identifier: MIT
"""Cycles that one piece of code has made are shown as one.

    PYTHONPATH=../support REFSCOPE_ENGINE=librefscope-engine.so
        REFSCOPE_TRUTH_ONLY="2.7 3.11" python3 -m unittest test_shapes
"""
import unittest

import cases
import engine
import interpreters
from targets import started

RELEASES = ([2, 7], [3, 6], [3, 11], [3, 15])


class Shapes:
    """Mixed into a TestCase for each interpreter."""
    interpreter = None

    @classmethod
    def setUpClass(cls):
        with started(cls.interpreter, "alike.py") as target:
            target.wait_ready()
            target.stop()
            with engine.Session(target.pid, exact="off") as session:
                cls.all = session.cycles()
                cls.few = session.cycles(limit=2)

    def test_as_many_as_were_made(self):
        shapes = self.all["shapes"]
        self.assertEqual(sorted(s["cycles"] for s in shapes),
                         [2, 3, 4, 5, 7, 9, 46])
        self.assertEqual(self.all["shapes_total"], 7)
        self.assertEqual(self.all["cycles_total"], 76)
        self.assertEqual(len(self.all["cycles"]), 76)
        for key in ("objects", "bytes"):
            self.assertEqual(sum(s[key] for s in shapes),
                             sum(c[key] for c in self.all["cycles"]))

    def test_each_is_one_of_the_cycles(self):
        for shape in self.all["shapes"]:
            self.assertEqual(shape["cycle"],
                             self.all["cycles"][shape["number"] - 1])

    def test_a_class_is_shown_by_what_has_made_it_live(self):
        [shape] = [s for s in self.all["shapes"] if s["cycles"] == 7]
        path = [(step["object"]["type"], step["label"])
                for step in shape["cycle"]["path"]]
        self.assertIn(("Temp", "type"), path)
        self.assertIn("['only']", [label for _, label in path])
        self.assertNotIn(".__mro__", [label for _, label in path])

    def test_limit(self):
        self.assertEqual(len(self.few["shapes"]), 2)
        self.assertEqual(len(self.few["cycles"]), 2)
        self.assertEqual(self.few["shapes_total"], 7)
        self.assertTrue(self.few["limited"])


cases.make(globals(), Shapes,
           [i for i in interpreters.find() if i.release in RELEASES])


if __name__ == "__main__":
    unittest.main()
